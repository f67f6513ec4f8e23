"""Services of a manager that does not run: nobody looks after them, and what is known of them is of an earlier time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from console.core.service import Service, ServiceRef, State
from console.managers.elsewhere import place_in
from console.managers.lineage import launches

NOT_TOLD = "not told"
SOCKET_GONE = "runs, and its socket is gone: it cannot be asked"
"""Of a manager that a person must end, since nothing reaches it."""
"""The manager's own word for what only its files tell."""
UP = (State.RUNNING, State.STARTING)
"""States of a unit in which what it runs may soon be told again."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Which processes live. Of one that was never seen nothing can be said: it may be hidden from this user."""

    alive: Collection[int] = frozenset()
    seen: Collection[int] = frozenset()
    """Those that were seen to live at some time, as the very process that is meant."""

    def ended(self, pid: int) -> bool:
        """Whether it lived and does not any more."""
        return pid in self.seen and pid not in self.alive


@dataclass(frozen=True, slots=True)
class Silence:
    """Managers that tell nothing now."""

    silent: frozenset[str] = frozenset()
    """All of them."""
    left: frozenset[str] = frozenset()
    """Those of them that are not there at all."""
    ended: frozenset[ServiceRef] = frozenset()
    """Services of which the daemon that told them is not there any more, whichever others of that manager are."""

    def of(self, service: Service) -> bool:
        """Whether nobody tells of this service now."""
        return service.ref.manager in self.silent or service.ref in self.ended

    def is_left(self, service: Service) -> bool:
        """Whether nobody is there who could."""
        return service.ref.manager in self.left or service.ref in self.ended


def unit_of(service: Service) -> str | None:
    """The system unit that runs the manager of a service; none for one that a login or a user's own manager runs."""
    if len(service.chain) < 3 or service.chain[0] != "systemd":
        return None
    unit = service.chain[1]
    return unit if unit.endswith(".service") and not launches(unit) else None


def run_by(service: Service) -> str:
    """Who runs a manager for which ``unit_of`` names no unit, in words."""
    return "which a unit of the user runs" if service.is_under_user else "which no unit runs"


def settled(
    services: tuple[Service, ...], silence: Silence, processes: Processes, units: Iterable[Service]
) -> tuple[Service, ...]:
    """The services, those of managers that do not run with what can still be said of them.

    A manager that runs and does not answer is none of these: its services stay as they were told. What was left behind
    by a manager whose unit is not on the host any more is gone, and what its unit ran until it ran something else. What
    a manager ran that no unit runs stays: who started it may start it again, and misses what it ran.
    """
    if not silence.silent and not silence.ended:
        return services
    by_name = {unit.ref.name: unit for unit in units if unit.ref.scope == "system"}
    told = {_runner(one) for one in services if not silence.of(one)}
    found = (
        _settled(service, silence, processes, by_name)
        for service in services
        if service.ref not in silence.ended or _runner(service) not in told
    )
    return tuple(service for service in found if service is not None)


def untold(written: tuple[Service, ...], told: tuple[Service, ...], silence: Silence) -> tuple[Service, ...]:
    """What only files tell. What a manager told itself of the same unit is more, as is what it tells by the same files.

    A unit may be down, and what it would run be run by hand.
    """
    units = {(one.ref.manager, unit_of(one)) for one in told}
    places = {_place(one) for one in told if not silence.is_left(one)}
    refs = {one.ref for one in told}
    return tuple(
        one
        for one in written
        if one.ref not in refs and (one.ref.manager, unit_of(one)) not in units and _place(one) not in places
    )


def beside(known: tuple[Service, ...], written: tuple[Service, ...]) -> tuple[Service, ...]:
    """What is known without what only a list of its manager tells, where files of the unit tell of it too."""
    by_unit = {one.ref for one in written}
    return tuple(one for one in known if one.adrift is None or one.ref not in by_unit)


def _runner(service: Service) -> tuple[str, ...]:
    """What has its manager run: a unit, or somebody who started it in a place of its own."""
    unit = unit_of(service)
    return (service.ref.manager, unit) if unit is not None else _place(service)


def _place(service: Service) -> tuple[str, str, str]:
    """Whose daemon, and where, runs it."""
    return service.ref.manager, service.ref.scope, place_in(service.ref.name)


def with_wrong_files(services: tuple[Service, ...], wrong: Mapping[str, str]) -> tuple[Service, ...]:
    """The services, units with what is wrong in the files of the manager that they run.

    A manager that runs tells it with its services; ``wrong`` is what is known of units that are down.
    """
    told = {unit: each.files_wrong for each in services if each.files_wrong and (unit := unit_of(each)) is not None}
    found = {**wrong, **told}
    if not found:
        return services
    return tuple(
        replace(each, files_wrong=found[each.ref.name])
        if (each.ref.manager, each.ref.scope) == ("systemd", "system") and each.ref.name in found
        else each
        for each in services
    )


def _settled(service: Service, silence: Silence, processes: Processes, units: Mapping[str, Service]) -> Service | None:
    if not silence.of(service):
        return service
    left = silence.is_left(service)
    if service.daemon is None and service.adrift is None:
        # Of whose manager nothing is known, or that has none, nothing is left.
        return None if left else service
    unit = units.get(unit_of(service) or "")
    down = unit is not None and unit.state not in UP
    # Processes are looked at more rarely than units: one whose unit has ended was only seen a moment before.
    runs = not down and service.daemon is not None and service.daemon in processes.alive
    if unit is None and left and unit_of(service) is not None:
        return None
    ended = service.daemon is not None and processes.ended(service.daemon)
    if not left and (runs or not (down or ended)):
        return service
    return _marked(service, unit, processes, runs=runs)


def _marked(service: Service, unit: Service | None, processes: Processes, *, runs: bool) -> Service:
    live = tuple(pid for pid in service.pids if pid in processes.alive)
    state = State.STOPPED if not live and not runs and _surely_down(service, unit, processes) else State.UNKNOWN
    ended = service.daemon is not None and processes.ended(service.daemon)
    why = _why(service, unit, runs=runs, ended=ended)
    if live:
        why = f"its process {live[0]} runs on, and {why}"
    return replace(
        service,
        state=state,
        native_state=f"{unit.ref.name} {unit.native_state}" if unit is not None else "its manager is gone",
        pids=service.pids if live else (),
        since=unit.since if unit is not None and state is State.STOPPED else None,
        restarts=None,
        health=None,
        needs_reload=False,
        tool=(),
        tool_missing=why,
        adrift=why,
        ran=service.ran or (service.adrift is None and service.state in (*UP, State.FLAPPING)),
    )


def _surely_down(service: Service, unit: Service | None, processes: Processes) -> bool:
    """Whether none of its processes can be left."""
    if unit is None:
        return service.daemon is not None and all(processes.ended(pid) for pid in (service.daemon, *service.pids))
    if unit.state in UP:
        return False
    if service.daemon is not None:
        return all(processes.ended(pid) for pid in service.pids)
    # Of what only files tell the processes are not known: a manager that ended well took them along.
    return unit.state is State.STOPPED


def _why(service: Service, unit: Service | None, *, runs: bool, ended: bool) -> str:
    manager, daemon = service.ref.manager, service.daemon
    if unit is not None and unit.native_state.startswith("deactivating"):
        return f"{unit.ref.name}, which runs it, is being stopped"
    if runs:
        return f"{manager} (process {daemon}) {SOCKET_GONE}"
    if unit is None:
        file = f"; it is declared in {service.unit_file}" if service.unit_file is not None else ""
        gone = "has ended" if ended else "is not found any more"
        return f"nobody looks after it: its {manager} (process {daemon}), {run_by(service)}, {gone}{file}"
    if unit.state in UP:
        return f"{unit.ref.name}, which runs it, is {unit.native_state} and does not tell of it yet"
    name = unit.ref.name
    return f"nobody looks after it: {name}, which runs it, is {unit.native_state}: systemctl start {name}"
