"""Socket units of systemd: what was started with their descriptors keeps the ports when the socket alone is stopped."""

from console.core.engines import is_engine
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot
from console.core.way_in import is_own_way, is_way_to_host


def started_by(snapshot: Snapshot, ref: ServiceRef) -> tuple[Service, ...]:
    """The services that run with the descriptors of a socket unit; none for a unit of another kind.

    A socket that somebody else's port is worth does not take the way to the host, or an engine, with it.
    """
    if not ref.name.endswith(".socket"):
        return ()
    return tuple(
        service
        for service in snapshot.services
        if service.is_triggered_by(ref)
        and service.pids
        and not (is_engine(service.ref.name) or is_way_to_host(service) or is_own_way(snapshot.identity, service))
    )
