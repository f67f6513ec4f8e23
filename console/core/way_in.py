"""The way by which the console itself is on a host: what is on it is not stopped for anything else."""

from collections.abc import Iterable, Iterator

from console.core.keepers import is_way_in
from console.core.network import Listener
from console.core.overlap import Binding, clash
from console.core.service import Endpoint, Service
from console.core.snapshot import Identity


def is_way_to_host(service: Service) -> bool:
    """Whether it is the SSH server, or a private network, by its name or by the program that it runs."""
    return is_way_in(service.ref.name) or is_way_in(service.program)


def runs_through(identity: Identity | None, pids: Iterable[int], cgroup: str | None = None) -> bool:
    """Whether one of the processes, or one of the control group, is among those by which the console is there."""
    if identity is None:
        return False
    if any(pid in identity.session for pid in pids):
        return True
    return cgroup not in (None, "", "/") and any(f"{path}/".startswith(f"{cgroup}/") for path in identity.cgroups)


def came_by(identity: Identity | None, place: Listener | Endpoint) -> bool:
    """Whether the console's connection came to just this address and port, or to this one on its way there."""
    if identity is None:
        return False
    taken = Binding.of_listener(place) if isinstance(place, Listener) else Binding.of_endpoint(place)
    return any(clash(Binding.of_endpoint(one), taken) is not None for one in _arrivals(identity))


def _arrivals(identity: Identity) -> Iterator[Endpoint]:
    arrived = identity.came_by
    if arrived is not None:
        yield arrived
    # The address that it had there is not known: it may have been another one than that of the console's side.
    if identity.dialled is not None and (identity.relayed or arrived is None or arrived.port != identity.dialled):
        yield Endpoint("tcp", "*", identity.dialled)


def is_own_way(identity: Identity | None, service: Service) -> bool:
    """Whether the console is on the host by this service, whatever it is called."""
    # What other managers run shares a control group with whatever else was begun beside it.
    cgroup = service.cgroup if service.ref.manager == "systemd" else None
    through = runs_through(identity, service.pids, cgroup)
    return through or any(came_by(identity, port) for port in service.ports)
