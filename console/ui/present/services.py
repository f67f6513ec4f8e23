"""Services as one list of every manager, grouped, and one service in detail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from console.core import freshness
from console.core.finding import Finding
from console.core.health import Health
from console.core.needless_root import needless_root
from console.core.service import Endpoint, Service, State
from console.core.snapshot import LinkState, LogLine, Snapshot
from console.core.usage import Usage
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.clock import Clock
from console.ui.present.findings import state_line
from console.ui.present.usage import uses
from console.ui.present.words import host_cell, how_old, number, service_name, wall_age
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row

GROUPS = ("host", "manager", "state")
_FIRST = (State.FAILED, State.FLAPPING, State.STARTING, State.UNKNOWN, State.RUNNING, State.STOPPED)
_RANK = {state: rank for rank, state in enumerate(_FIRST)}
_ALARMING = (State.FAILED, State.FLAPPING)


class Line(NamedTuple):
    """One service as a row, with what it is sorted, grouped and found by."""

    rank: int
    service: Service
    row: Row
    text: str
    """In lower case: what the filter looks into."""


@dataclass(frozen=True, slots=True)
class HostLines:
    """The rows of one host, and until when they hold: an age among them changes then."""

    services: tuple[Service, ...]
    basis: tuple[object, ...]
    lines: tuple[Line, ...]
    until: float
    versions: bool
    """Whether a version is known of any of them."""
    stale: bool
    """Whether any of them is only known from earlier."""

    def holds(self, snapshot: Snapshot, now: float) -> bool:
        """Whether these rows still say what the snapshot says."""
        return (
            now < self.until
            and self.basis == _basis(snapshot)
            and (self.services is snapshot.services or self.services == snapshot.services)
        )


_COLUMNS = (
    Column("state", "state", 10),
    Column("host", "host", 12, min_width=6),
    Column("service", "service", 30, 6, 14, good=24),
    Column("manager", "manager", 11, priority=3),
    Column("ports", "ports", 14, 1, 7),
    Column("up", "for", 4, align="right"),
    Column("restarts", "rst", 3, align="right", priority=2),
    Column("memory", "memory", 8, align="right", priority=4),
    Column("version", "version", 10, priority=5),
)


def columns(group: str, host: int, *, versions: bool = True, stale: bool = False) -> tuple[Column, ...]:
    """The columns, without the one that the headings already tell and without versions where none is known.

    ``stale``: whether one must have room for ``stale 42s``.
    """
    widths = {"host": host, **({"up": 9} if stale else {})}
    found = (_COLUMNS[place] for place in _kept(group, versions))
    return tuple(column._replace(width=widths.get(column.id, column.width)) for column in found)


def _kept(group: str, versions: bool) -> tuple[int, ...]:
    left_out = {group} - {"state"} | (set() if versions else {"version"})
    return tuple(place for place, column in enumerate(_COLUMNS) if column.id not in left_out)


def host_lines(snapshot: Snapshot, spec: HostSpec | None, wall: float, now: float) -> HostLines:
    """Every service of a host as a row."""
    shown = [service for service in snapshot.services if not _own_login(service, snapshot)]
    fresh = [freshness.of_service(snapshot, service) for service in shown]
    # Of one that is stale nobody knows how long it goes on like that: then it is told since when nobody does.
    ages = [
        told.age(now) if told.stale else wall_age(snapshot, wall, service.since)
        for service, told in zip(shown, fresh, strict=True)
    ]
    lines = tuple(
        Line(_RANK[service.state], service, _row(service, spec, age, told.stale), _text(service, told.stale))
        for service, told, age in zip(shown, fresh, ages, strict=True)
    )
    until = now + min((_next_change(age) for age in ages), default=3600.0)
    versions = any(service.version for service in shown)
    return HostLines(
        snapshot.services, _basis(snapshot), lines, until, versions, stale=any(told.stale for told in fresh)
    )


def _own_login(service: Service, snapshot: Snapshot) -> bool:
    """Whether it is the user manager that the console's own login started: no service of the host, unless it failed."""
    uid = snapshot.identity.uid if snapshot.identity is not None else None
    return service.ref.name == f"user@{uid}.service" and service.state not in _ALARMING


def _text(service: Service, stale: bool) -> str:
    ref = service.ref
    ports = cells.ports(service.ports, 99)
    state = f"{service.state} stale" if stale else service.state
    kind = "" if service.production_context is None else "prod "
    return f"{ref.host} {kind}{service_name(ref)} {ref.manager} {state} {ports} {service.description}".lower()


def _next_change(age: float | None) -> float:
    """Seconds until an age is told by another word."""
    if age is None:
        return 3600.0
    unit = 1.0 if age < 60 else 60.0 if age < 3600 else 3600.0
    return unit - age % unit


def _row(service: Service, spec: HostSpec | None, age: float | None, stale: bool) -> Row:
    restarts = service.restarts or 0
    loud = "strong" if service.state in _ALARMING else ""
    return Row(
        service.ref,
        (
            cells.last_seen(service.state) if stale else cells.state(service.state),
            host_cell(spec, service.ref.host),
            _name(service, loud),
            service.ref.manager,
            cells.ports(service.ports),
            Cell(f"stale {cells.age(age)}", "warning") if stale else "" if age is None else cells.age(age),
            Cell(str(restarts), "warning") if restarts else "",
            "" if service.memory is None else cells.size(service.memory),
            service.version or "",
        ),
        tone="muted" if stale else "",
    )


def _name(service: Service, loud: str) -> Text:
    """The word of a production context comes first: the end of a long name is cut off."""
    name = Cell(service_name(service.ref), loud)
    return name if service.production_context is None else (Cell("prod ", "accent"), name)


def _basis(snapshot: Snapshot) -> tuple[object, ...]:
    """What decides which rows are stale, beside the services themselves."""
    old = ((source.name, source.at) for source in snapshot.sources if source.stale)
    return (snapshot.link.state is LinkState.UP, *old)


class Listing(NamedTuple):
    """Rows as they are shown, and how many the filter hides."""

    rows: tuple[Row, ...]
    hidden: int
    rank: int = 0
    """Of the worst service in it."""


def listing(
    lines: Sequence[Line], group: str, needle: str, notes: Mapping[str, Sequence[Cell]], *, versions: bool = True
) -> Listing:
    """Sort, group and filter: what failed floats to the top, of its group and as a group.

    ``notes`` are further words for headings: production, a host that is not up.
    """
    kept = _kept_lines(lines, needle)
    groups: dict[str, list[Line]] = {}
    for line in kept:
        groups.setdefault(_group_of(line.service, group), []).append(line)
    parts = [_part(name, members, group, notes.get(name, ()), versions) for name, members in groups.items()]
    return Listing(_in_order(parts), len(lines) - len(kept))


def part_of_host(
    host: str, lines: Sequence[Line], needle: str, notes: Sequence[Cell], *, versions: bool = True
) -> Listing:
    """One host's part of the list that is grouped by host; the screen keeps it while the host does not change."""
    kept = _kept_lines(lines, needle)
    made = _part(host, kept, "host", notes, versions) if kept else Listing((), 0)
    return made._replace(hidden=len(lines) - len(kept))


def joined(parts: Sequence[Listing]) -> Listing:
    """The whole list of parts: the worst first, else as they come."""
    return Listing(_in_order(parts), sum(part.hidden for part in parts))


def _in_order(parts: Sequence[Listing]) -> tuple[Row, ...]:
    return tuple(chain.from_iterable(part.rows for part in sorted(parts, key=lambda part: part.rank)))


def _kept_lines(lines: Sequence[Line], needle: str) -> Sequence[Line]:
    wanted = needle.lower().split()
    return [line for line in lines if all(word in line.text for word in wanted)] if wanted else lines


def _part(name: str, members: Sequence[Line], group: str, notes: Sequence[Cell], versions: bool) -> Listing:
    kept = _kept(group, versions)
    rows = [_group_row(group, name, members, notes)]
    rows += [
        Row(line.row.key, tuple([line.row.cells[place] for place in kept]), False, line.row.tone)
        for line in sorted(members, key=lambda line: line.rank)
    ]
    return Listing(tuple(rows), 0, _group_rank(members))


def _group_rank(members: Sequence[Line]) -> int:
    worst = min(line.rank for line in members)
    return worst if worst < 2 else 2


def _group_of(service: Service, group: str) -> str:
    if group == "manager":
        return service.ref.manager
    return service.state.value if group == "state" else service.ref.host


def _group_row(group: str, name: str, members: Sequence[Line], notes: Sequence[Cell]) -> Row:
    bad = sum(1 for line in members if line.service.state in _ALARMING)
    told: list[Cell] = [Cell(name, "strong"), Cell(f"  {number(len(members), 'service')}", "muted")]
    if bad and group != "state":
        told.append(Cell(f"  {bad} failed", "critical"))
    return Row(("group", name), ((told[0], *notes, *told[1:]),), group=True)


def detail(
    service: Service,
    snapshot: Snapshot,
    clock: Clock,
    *,
    findings: Sequence[Finding] = (),
    log: Sequence[LogLine] = (),
    usage: Usage | None = None,
) -> tuple[Entry | Heading, ...]:
    """One service: state, who runs it, processes, ports, policy, what it uses, findings, the end of its log."""
    entries: list[Entry | Heading] = [Heading(f"{service.ref.host}  {service_name(service.ref)}", service.description)]
    fresh = freshness.of_service(snapshot, service)
    entries.append(Entry("STATE", state_line(service, snapshot)))
    old = Entry("AGE", how_old(fresh, snapshot, clock.monotonic()))
    entries += [old] if fresh.stale else []
    age = wall_age(snapshot, clock.wall(), service.since)
    if age is not None:
        for_ = "" if fresh.stale else f" ({cells.age(age)})"
        entries.append(Entry("SINCE", f"{clock.moment(service.since)}{for_}"))
    entries += [
        Entry("" if place else "WRONG", (cells.severity_mark(finding.severity), Cell(f" {finding.summary}")))
        for place, finding in enumerate(findings)
    ]
    entries += [Entry(key, value) for key, value in _facts(service, usage, snapshot.health_of(service.ref)) if value]
    entries += [
        Entry("" if place else "LOG", f"{clock.moment(line.at)}  {line.message}" if line.at else line.message)
        for place, line in enumerate(log)
    ]
    return (*entries, *(() if fresh.stale else (old,)))


def _checked(health: Health | None) -> str:
    """What a declared check said last."""
    if health is None:
        return ""
    word = "well" if health.well else "NOT WELL" if health.well is False else ""
    return f"{word}: {health.said}" if word else health.said


def _facts(service: Service, usage: Usage | None, health: Health | None) -> tuple[tuple[str, str], ...]:
    pids = " ".join(str(pid) for pid in service.pids[:6])
    more = f" and {len(service.pids) - 6} more" if len(service.pids) > 6 else ""
    user = f"  user {service.user}" if service.user else ""
    held = {(endpoint.protocol, endpoint.port) for endpoint in service.ports}
    missing = [endpoint for endpoint in service.wants if (endpoint.protocol, endpoint.port) not in held]
    return (
        ("ADRIFT", service.adrift or ""),
        ("CHAIN", " -> ".join(service.chain)),
        ("PIDS", f"{pids}{more}{user}" if pids else ""),
        ("PORTS", _endpoints(service.ports)),
        ("WANTS", _endpoints(missing)),
        ("POLICY", _policy(service)),
        ("HEALTH", "; ".join(filter(None, (service.health or "", _checked(health))))),
        ("VERSION", service.version or ""),
        ("IMAGE", _image(service)),
        ("USES", uses(service, usage)),
        ("UNIT", " + ".join((service.unit_file, *service.drop_ins)) if service.unit_file else ""),
        ("ROOT", needless_root(service) or ""),
        ("FILES", f"wrong, a new start would fail: {service.files_wrong}" if service.files_wrong else ""),
        ("CHANGED", "the unit file changed on disk and was not loaded again" if service.needs_reload else ""),
    )


def _endpoints(endpoints: Sequence[Endpoint]) -> str:
    return "  ".join(str(endpoint) for endpoint in endpoints)


def _policy(service: Service) -> str:
    words = [
        f"restart {service.restart_policy}" if service.restart_policy else "",
        service.enabled or "",
        f"started by {', '.join(service.triggered_by)}" if service.triggered_by else "",
    ]
    return ", ".join(word for word in words if word)


def _image(service: Service) -> str:
    """The name by which it was made, which image that is, and where that comes from."""
    origin = service.origin
    if service.image is None or origin is None:
        return service.image or ""
    words = [
        service.image if service.image == origin.ident else f"{service.image}  {origin.ident[:19]}",
        f"revision {origin.revision}" if origin.revision else "",
        f"source {origin.source}" if origin.source else "",
    ]
    return "  ".join(word for word in words if word)
