"""Another host was named that should try the port, and did not: said with the reason, or silence looks like success."""

from collections.abc import Iterator

from console.core.keepers import is_ssh_server
from console.core.reach import Reached, Vantage
from console.diagnosis.evidence import Evidence
from console.diagnosis.holders import clashing
from console.diagnosis.reach import serving
from console.diagnosis.verdict import NotChecked
from console.diagnosis.wanting import Want


def gap(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    """The connection that was asked for and not made."""
    if evidence.asked_from is None:
        return
    made = next((one for one in evidence.attempts if one.vantage is Vantage.OTHER), None)
    if made is None or made.result is Reached.NOT_TRIED:
        why = made.said if made is not None else _needless(evidence, want)
        yield NotChecked(f"a connection from {evidence.asked_from}", f"not tried: {why}")


def _needless(evidence: Evidence, want: Want) -> str:
    """Why no connection was asked of the other host."""
    if want.endpoint is None:
        return "the port is not known"
    if want.endpoint.protocol == "udp":
        return "UDP tells nothing of a connection"
    if evidence.listeners_gap() is not None:
        return "what listens is not known"
    found = clashing(evidence, want.endpoint)
    if not found:
        return f"nothing is seen to listen on {want.port}"
    if any(is_ssh_server(listener.process) or is_ssh_server(listener.unit) for listener in found):
        return "the SSH server has the port: it would only fill its log"
    if not serving(evidence, want):
        return f"{want.name} does not run with this port"
    return evidence.refusal("reach_from") or "no address is known at which it could be reached"
