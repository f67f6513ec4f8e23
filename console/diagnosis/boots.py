"""Which services come up with their host."""

from collections.abc import Iterable

from console.core.service import Service, State

_AT_BOOT = ("enabled", "enabled-runtime")
_ENGINES = ("docker", "compose")


def at_boot(service: Service, services: Iterable[Service]) -> bool | None:
    """Whether a service comes up with its host; ``None`` where that is not known."""
    if service.ref.manager == "systemd":
        if service.enabled in _AT_BOOT:
            return True
        return False if service.enabled == "disabled" or service.is_masked else None
    if service.ref.manager in _ENGINES:
        return service.restart_policy in ("always", "unless-stopped")
    if service.ref.manager == "pidfile" or service.enabled == "disabled":
        return False
    return unit_at_boot(service.chain, services)


def unit_at_boot(chain: tuple[str, ...], services: Iterable[Service]) -> bool | None:
    """Whether the unit of a service's manager comes up with the host."""
    if chain[:1] != ("systemd",) or len(chain) < 2:
        return None
    units = (one for one in services if one.ref.manager == "systemd" and one.ref.name == chain[1])
    unit = next((one for one in units if one.ref.scope == "system"), None)
    return None if unit is None else at_boot(unit, services)


def starts_with_host(service: Service, services: Iterable[Service]) -> bool:
    """Whether it is certain that it starts at the next boot, its manager too; one that was stopped by hand may not."""
    known = tuple(services)
    if at_boot(service, known) is not True:
        return False
    if service.ref.manager == "systemd":
        return True
    kept = service.restart_policy != "unless-stopped" or service.state is not State.STOPPED
    return kept and unit_at_boot(service.chain, known) is True
