"""Service managers whose unit is down, or would not come up again: nobody looks after what they ran."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from console.core.command import quote
from console.core.endings import why_failed
from console.core.finding import Finding, Proposal, Severity
from console.core.namesakes import managers_by_name, told_apart
from console.core.plan import ActionKind, Intent
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.words import listed
from console.diagnosis.proposals import CommandsOf, proposal
from console.findings.services import facts, ways_out
from console.managers import manager
from console.managers.adrift import SOCKET_GONE, run_by, unit_of
from console.managers.base import Reviving
from console.managers.elsewhere import place_in

MOST = 8
"""Services that are named one by one."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """A unit that does not run, and what nobody looks after for that."""

    unit: Service
    services: tuple[Service, ...]
    """Those that are missed, what ran until then first: all but what is not to be started by itself and did not run."""
    refs: frozenset[ServiceRef]
    """All that it would run, and the unit."""


def fallen(services: Sequence[Service]) -> tuple[Fallen, ...]:
    """The units of service managers that are down while there is something for them to run."""
    adrift: dict[str, list[Service]] = {}
    for service in services:
        if service.adrift is not None and (unit := unit_of(service)) is not None:
            adrift.setdefault(unit, []).append(service)
    if not adrift:
        return ()
    units = {one.ref.name: one for one in services if (one.ref.manager, one.ref.scope) == ("systemd", "system")}
    each = (_fallen(units[name], found) for name, found in adrift.items() if name in units)
    return tuple(one for one in each if one.services and _matters(one))


def _fallen(unit: Service, services: Sequence[Service]) -> Fallen:
    missed = sorted(filter(_is_missed, services), key=lambda service: not service.ran)
    return Fallen(unit, tuple(missed), frozenset((unit.ref, *(service.ref for service in services))))


def _is_missed(service: Service) -> bool:
    if service.ran or service.pids:
        return True
    # Of containers nothing else than their policy says that they are to be started.
    idle = service.enabled is None and service.restart_policy in (None, "no") and _was_told(service)
    return service.enabled != "disabled" and not idle


def _matters(each: Fallen) -> bool:
    """Whether somebody may want it to run: nothing is said of one that was never seen to and is not to start itself."""
    unit = each.unit
    if unit.state is State.STOPPED:
        return _is_wanted(each) or any(_was_told(service) for service in each.services)
    return unit.state in (State.FAILED, State.FLAPPING)


def _was_told(service: Service) -> bool:
    """Whether its manager told of it, rather than its files."""
    return service.daemon is not None


def _is_enabled(unit: Service) -> bool:
    return unit.enabled in ("enabled", "enabled-runtime") or bool(unit.triggered_by)


def _is_wanted(each: Fallen) -> bool:
    """Whether it is to run: its unit starts by itself, or what it looked after ran until it went."""
    return _is_enabled(each.unit) or any(service.ran for service in each.services)


def down(
    snapshot: Snapshot, found: Sequence[Fallen], declared: Collection[ServiceRef], commands_of: CommandsOf
) -> list[Finding]:
    """Each service manager that is down, with what it leaves alone."""
    return [_one(snapshot, each, declared, commands_of) for each in found]


def on_ports(snapshot: Snapshot, found: Iterable[Finding], fallen: Sequence[Fallen]) -> list[Finding]:
    """The findings, those of a manager's unit that a port keeps down with what it leaves alone."""
    by_unit = {each.unit.ref: each for each in fallen}
    return [_with_lost(snapshot, one, by_unit.get(one.service) if one.service else None) for one in found]


def _with_lost(snapshot: Snapshot, finding: Finding, each: Fallen | None) -> Finding:
    if each is None:
        return finding
    return replace(
        finding,
        summary=f"{finding.summary}: nobody looks after {_named(snapshot, each.services)}",
        evidence=(*finding.evidence, *_lines(each.services)),
        covers=tuple(service.ref for service in each.services),
    )


def without_unit(
    snapshot: Snapshot, services: Sequence[Service], declared: Collection[ServiceRef] = ()
) -> list[Finding]:
    """Managers that are gone and that no unit of the system runs: somebody started them, or a unit of a user."""
    found: dict[tuple[object, ...], list[Service]] = {}
    for service in services:
        if service.adrift is not None and unit_of(service) is None:
            found.setdefault(_daemon_of(service), []).append(service)
    return [_of_daemon(snapshot, mine, declared) for mine in found.values() if any(map(_is_let_go, mine))]


def _is_let_go(service: Service) -> bool:
    return service.ran or (service.daemon is None and service.enabled != "disabled")


def _daemon_of(service: Service) -> tuple[object, ...]:
    return service.ref.manager, service.ref.scope, place_in(service.ref.name)


def _of_daemon(snapshot: Snapshot, ran: Sequence[Service], declared: Collection[ServiceRef]) -> Finding:
    services = [service for service in ran if _is_let_go(service)]
    first, names = services[0], _named(snapshot, services)
    ident, scope = first.ref.manager, first.ref.scope
    whose = ident if scope == "system" else f"{ident} of {scope.removeprefix('user:')}"
    daemon = next((service for service in services if service.daemon is not None), None)
    gone = "is not running" if daemon is None else _gone(daemon)
    live = [service for service in services if service.pids]
    on = f"; {len(live)} still {'run' if len(live) > 1 else 'runs'}" if live else ""
    return Finding(
        "manager-down",
        _severity_alone(services, declared),
        snapshot.host,
        ident,
        f"{whose} {gone}: nobody looks after {names}{on}",
        tuple(_lines(services)),
        _revival(services, whose, live),
        covers=(*(service.ref for service in ran), *_pid_file_of(snapshot, ident)),
    )


def _gone(one: Service) -> str:
    """What became of the manager of a service, which no unit of the system runs."""
    if (one.adrift or "").endswith(SOCKET_GONE):
        return f"(process {one.daemon}) {SOCKET_GONE}"
    return f"(process {one.daemon}), {run_by(one)}, is gone"


def _pid_file_of(snapshot: Snapshot, ident: str) -> tuple[ServiceRef, ...]:
    """The manager itself, where it left a pid file behind."""
    refs = (service.ref for service in snapshot.services if service.state is State.FAILED)
    return tuple(ref for ref in refs if (ref.manager, ref.name) == ("pidfile", ident))


def _severity_alone(services: Sequence[Service], declared: Collection[ServiceRef]) -> Severity:
    if any(service.ref in declared for service in services):
        return Severity.CRITICAL
    return Severity.WARNING if any(service.ran for service in services) else Severity.INFO


def _revival(services: Sequence[Service], whose: str, live: Sequence[Service]) -> tuple[Proposal, ...]:
    """How it is started again; what runs on would run twice then, and what was not saved is not known to it."""
    reviving = manager(services[0].ref.manager)
    if not isinstance(reviving, Reviving):
        return ()
    words = [reviving.revive_words(service) for service in services]
    command = next((each for each in words if each is not None), None)
    lost = listed([service.ref.name for service, each in zip(services, words, strict=True) if each is None])
    again = f"by hand: {live[0].ref.name} runs on and would run twice, so end it first" if live else None
    if command is None:
        off = again or "by hand: nothing was saved, so that only who started it knows how"
        return (Proposal("revive", f"start {lost} again", recommended=False, reason_off=off),)
    off = again or f"by hand: no unit runs {whose}, so that it does not come back after a boot either"
    off += f"; not saved, and not back with it: {lost}" if lost else ""
    return (Proposal("revive", f"start {whose}", commands=(quote(command),), recommended=not live, reason_off=off),)


def _named(snapshot: Snapshot, services: Sequence[Service]) -> str:
    known = managers_by_name(snapshot.services)
    return listed([told_apart(service.ref, known) for service in services])


def _one(snapshot: Snapshot, each: Fallen, declared: Collection[ServiceRef], commands_of: CommandsOf) -> Finding:
    unit, count = each.unit, len(each.services)
    live = [service for service in each.services if service.pids]
    names = _named(snapshot, each.services)
    what = f"its {count} services: {names}" if count > 1 else names
    on = f"; {len(live)} still {'run' if len(live) > 1 else 'runs'}" if live else ""
    return Finding(
        "manager-down",
        _severity(each, declared),
        snapshot.host,
        str(unit.ref),
        f"{_how(unit)}: nobody looks after {what}{on}",
        (*_facts(snapshot, unit), *_lines(each.services)),
        _ways(each, commands_of),
        unit.ref,
        since=unit.since,
        covers=tuple(service.ref for service in each.services),
    )


def _facts(snapshot: Snapshot, unit: Service) -> tuple[str, ...]:
    if unit.state is not State.STOPPED:
        return facts(snapshot, unit)
    ended = f", its last run ended: {why_failed(unit)}" if unit.result not in (None, "", "success") else ""
    wrong = (f"it would not start: {unit.files_wrong}",) if unit.files_wrong is not None else ()
    return (f"{unit.ref.name}: {unit.native_state}{f', {unit.enabled}' if unit.enabled else ''}{ended}", *wrong)


def _severity(each: Fallen, declared: Collection[ServiceRef]) -> Severity:
    """It is critical where nobody can have meant it, and where somebody declared what is down."""
    if each.unit.state is not State.STOPPED or any(service.ref in declared for service in each.services):
        return Severity.CRITICAL
    return Severity.WARNING if _is_wanted(each) else Severity.INFO


def _how(unit: Service) -> str:
    if unit.state is State.STOPPED:
        return "not running"
    how = "failed" if unit.state is State.FAILED else "does not stay up"
    return f"{how}: {why_failed(unit)}" + (f", {unit.files_wrong}" if unit.files_wrong is not None else "")


def _lines(services: Sequence[Service]) -> Iterator[str]:
    for service in services[:MOST]:
        yield f"{service.ref.name}: {service.state.value}, {service.adrift}"
    if len(services) > MOST:
        yield f"and {len(services) - MOST} more"


def _ways(each: Fallen, commands_of: CommandsOf) -> tuple[Proposal, ...]:
    """Start the unit; it is no advice while it would fail, or start for a second time what runs on."""
    unit = each.unit
    live = any(service.pids for service in each.services)
    wise = unit.files_wrong is None and not live and (_is_wanted(each) or unit.state is not State.STOPPED)
    mend = (_mend(unit.files_wrong),) if unit.files_wrong is not None else ()
    if unit.state is State.FAILED:
        return (*mend, *ways_out(unit, commands_of, wise=wise))
    begin = (Intent(ActionKind.START, unit.ref),)
    return (*mend, proposal("start", f"start {unit.ref.name}", begin, commands_of, recommended=wise))


def _mend(wrong: str) -> Proposal:
    return Proposal("mend-files", f"mend {wrong}", recommended=True, reason_off="by hand: what is meant is not known")


def wrong_files(snapshot: Snapshot) -> list[Finding]:
    """Managers that run, and would not come up again with the files that are there now."""
    groups: dict[tuple[str, str], list[Service]] = {}
    for service in snapshot.services:
        if service.files_wrong is not None and service.ref.manager != "systemd" and service.adrift is None:
            key = (unit_of(service) or "", service.files_wrong)
            groups.setdefault(key, []).append(service)
    return [_wrong(snapshot, unit, wrong, services) for (unit, wrong), services in groups.items()]


def _wrong(snapshot: Snapshot, unit: str, wrong: str, services: Sequence[Service]) -> Finding:
    manager, refs = services[0].ref.manager, tuple(service.ref for service in services)
    ref = next((one for one in (ServiceRef(snapshot.host, "systemd", unit),) if snapshot.service(one)), None)
    count = f"its {len(refs)} services" if len(refs) > 1 else refs[0].name
    summary = f"its files are wrong, a restart would leave {count} down: {wrong}"
    evidence = (f"{manager} runs with what it read before", f"wrong: {wrong}")
    subject = str(ref) if ref is not None else manager
    return Finding(
        "files-wrong", Severity.WARNING, snapshot.host, subject, summary, evidence, (_mend(wrong),), ref, covers=refs
    )
