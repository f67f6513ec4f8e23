"""The host's resolver as the holder of a port: it is told to leave the port, and is not stopped for it."""

from console.core import resolver
from console.core.finding import Proposal
from console.diagnosis.verdict import Holder


def by_hand(holder: Holder) -> Proposal | None:
    """How the host's resolver leaves a port, which is not stopped for one; ``None`` for any other holder."""
    if holder.ref is None or holder.ref.scope != "system" or holder.strays or not resolver.is_resolver(holder.ref.name):
        return None
    how = resolver.leaving(holder.port) or "see DNSStubListenerExtra= in its configuration"
    return Proposal(
        "leave-port",
        f"have {holder.ref.name} leave {holder.port}: {how}",
        commands=resolver.commands(holder.port),
        reason_off=f"by hand: it is not stopped for a port, since {resolver.WHY}",
    )
