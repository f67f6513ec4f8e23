"""What a service uses: asked of its host while somebody looks at it, and kept nowhere."""

from console.core.service import Service, ServiceRef
from console.managers import manager
from console.managers.base import Metered
from console.probes.usage import PROBE
from console.remote.shell import Ask


def asks_for(ref: ServiceRef, service: Service | None) -> tuple[Ask | None, str]:
    """What is to be asked, or why there is nothing to ask."""
    if service is None:
        return None, f"{ref.host} has no such service: {ref}"
    found = manager(ref.manager)
    if not isinstance(found, Metered):
        return None, f"{ref.manager} gives a service no control group of its own"
    words = found.control_groups(service)
    return (Ask(PROBE, words), "") if words else (None, f"{ref.name} does not run")
