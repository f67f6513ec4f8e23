"""Listeners with their owners, beside what is declared: what clashes first, then what nobody declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from console.core import freshness
from console.core.declaration import Declaration
from console.core.finding import Finding, Severity
from console.core.network import Listener
from console.core.service import Endpoint, Service
from console.core.snapshot import Snapshot
from console.core.words import listed
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.present.words import host_cell, how_old, number, service_name
from console.ui.store import Store
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row

if TYPE_CHECKING:
    from console.diagnosis.drift import Drift
    from console.diagnosis.portmap import Entry as Mapped


def columns(host: int) -> tuple[Column, ...]:
    """The columns with that many cells for a host's name."""
    return (
        Column("mark", "", 1),
        Column("host", "host", host, min_width=6),
        Column("port", "port", 5, align="right"),
        Column("protocol", "", 3, priority=2),
        Column("address", "address", 15, 1, 9),
        Column("owner", "owner", 20, 4, 14, good=18),
        Column("process", "process", 14, 1, 12, 3),
        Column("declared", "declared", 10, priority=1),
        Column("exposure", "open to", 7, priority=2),
    )


Key = tuple[str, str, str, int, str | None]
"""Host, protocol, address, port, interface; ``NOBODY`` in place of the interface where nobody listens."""
NOBODY = "nobody"
_FITS: Mapping[str, tuple[str, str]] = {
    "clash": ("clash", "critical"),
    "exposed": ("local only", "warning"),
    "undeclared": ("not", "warning"),
    "missing": ("not there", "warning"),
    "declared": ("yes", ""),
    "unread": ("", ""),
    "idle": ("for later", "muted"),
}
"""How what is declared and what is there fit: a word and its tone."""


class Owner(NamedTuple):
    """Who has a socket, and how that is known."""

    service: Service | None
    name: str
    known: str
    """``process``, ``cgroup``, ``user`` or ``hidden``."""


class Line(NamedTuple):
    """One listener as a row, with what it is sorted and found by."""

    rank: int
    port: int
    row: Row
    text: str
    idle: bool = False
    """Nobody listens and nobody should: told only to who looks for it."""


def key_of(host: str, listener: Listener) -> Key:
    """The identity of a listener across looks."""
    return (host, listener.protocol, listener.address, listener.port, listener.interface)


def endpoint_of(listener: Listener) -> Endpoint:
    """Where it listens."""
    return Endpoint(listener.protocol, listener.address, listener.port)


class Owners:
    """Finds the service of a listener of one host."""

    def __init__(self, services: Sequence[Service]) -> None:
        from console.managers import join

        self._owners = join.Owners(services)

    def of(self, listener: Listener) -> Owner:
        """The owner as far as it was seen: a hidden one is never told as none."""
        service = self._owners.of(listener)
        known = "process" if listener.pids else "cgroup" if listener.unit else "user" if listener.user else "hidden"
        if service is not None:
            return Owner(service, service_name(service.ref), known)
        name = listener.unit or listener.process or (f"user {listener.user}" if listener.user else "hidden (no right)")
        return Owner(None, name, known)


def clash_of(listener: Listener, findings: Sequence[Finding]) -> Finding | None:
    """The finding that says that a service cannot listen because of this listener."""
    from console.core.overlap import overlaps

    return next(
        (
            found
            for found in findings
            if found.code == "port-held"
            and found.port is not None
            and overlaps(Endpoint(found.protocol, found.address or "*", found.port), listener) is not None
        ),
        None,
    )


class Known(NamedTuple):
    """What is told of the ports of one host."""

    snapshot: Snapshot
    findings: Sequence[Finding] = ()
    declared: tuple[Declaration, ...] = ()
    """What the console's configuration declares."""
    drifts: tuple[Drift, ...] = ()

    def mapped(self) -> Mapping[tuple[str, int], Mapped]:
        """The port map of the host, by protocol and port."""
        from console.diagnosis.portmap import port_map

        return {(one.protocol, one.port): one for one in port_map(self.snapshot, self.declared)}


def host_lines(known: Known, spec: HostSpec | None) -> tuple[Line, ...]:
    """Every listener of one host, and every port that is declared without one."""
    mapped, owners = known.mapped(), Owners(known.snapshot.services)
    lines = [
        _line(known, spec, listener, owners.of(listener), mapped.get((listener.protocol, listener.port)))
        for listener in known.snapshot.listeners
    ]
    lines += [_unheld(known.snapshot, spec, entry) for entry in mapped.values() if not entry.listeners]
    return tuple(lines)


def _line(known: Known, spec: HostSpec | None, listener: Listener, owner: Owner, entry: Mapped | None) -> Line:
    host, exposure = known.snapshot.host, cells.exposure(listener.address)
    clash = clash_of(listener, known.findings)
    undeclared = owner.service is None
    fit = entry.fit.value if entry is not None else "unread"
    drift = _drift_of(owner.service, known.drifts)
    word = _word(fit, entry.when if entry is not None else None, drifts=drift is not None)
    rank = 0 if clash or fit == "clash" else _rank(fit, exposure, undeclared=undeclared, drifts=drift is not None)
    mark: Text = Cell("~", "warning") if rank == 1 or (rank == 0 and clash is None) else ""
    if clash is not None:
        mark = cells.severity_mark(clash.severity)
    elif _is_old(known.snapshot):
        mark = cells.stale_mark()
    process = f"{listener.process or '?'} {listener.pid}" if listener.pid else listener.process or ""
    row = Row(
        key_of(host, listener),
        (
            mark,
            host_cell(spec, host),
            Cell(str(listener.port), "strong"),
            listener.protocol,
            listener.address + (f"%{listener.interface}" if listener.interface else ""),
            Cell(owner.name, "muted" if undeclared else ""),
            process,
            word,
            Cell(exposure, "warning" if rank == 1 and exposure == "world" else ""),
        ),
        tone="muted" if _is_old(known.snapshot) else "",
    )
    words = (host, str(listener.port), listener.protocol, listener.address, owner.name, process, exposure, word.text)
    return Line(rank, listener.port, row, " ".join(words).lower())


def _rank(fit: str, exposure: str, *, undeclared: bool, drifts: bool) -> int:
    """What others can reach goes before what only the host itself can."""
    if fit == "exposed" or (exposure == "world" and (undeclared or fit == "undeclared")):
        return 1
    return 2 if drifts or fit == "undeclared" else 3


def _unheld(snapshot: Snapshot, spec: HostSpec | None, entry: Mapped) -> Line:
    """A port that is declared, and nobody listens."""
    claim = min(entry.declared_by, key=lambda one: not one.given)
    word = _word(entry.fit.value, entry.when)
    owner = ", ".join(dict.fromkeys(one.service for one in entry.declared_by))
    rank = {"clash": 0, "missing": 2, "declared": 3}.get(entry.fit.value, 4)
    row = Row(
        (snapshot.host, entry.protocol, claim.endpoint.address, entry.port, NOBODY),
        (
            Cell("~", "warning") if rank == 0 else "",
            host_cell(spec, snapshot.host),
            Cell(str(entry.port), "strong" if rank < 4 else "muted"),
            entry.protocol,
            Cell(claim.endpoint.address, "muted"),
            Cell(owner, "" if rank < 4 else "muted"),
            Cell("by rules" if claim.given else "nobody listens", "muted"),
            word,
            "",
        ),
        tone="muted" if _is_old(snapshot) else "",
    )
    words = (snapshot.host, str(entry.port), entry.protocol, claim.endpoint.address, owner, "nobody", word.text)
    return Line(rank, entry.port, row, " ".join(words).lower(), idle=rank == 4)


def _word(fit: str, when: str | None, *, drifts: bool = False) -> Cell:
    word, tone = _FITS[fit]
    if when is not None and when != "now":
        return Cell(when, "warning")
    return Cell("elsewhere", "warning") if drifts and fit in ("declared", "unread") else Cell(word, tone)


def _drift_of(service: Service | None, drifts: Iterable[Drift]) -> Drift | None:
    return next((one for one in drifts if service is not None and one.ref == service.ref), None)


def _is_old(snapshot: Snapshot) -> bool:
    return freshness.of_source(snapshot, "listeners").stale


def filtered(lines: Sequence[Line], needle: str) -> tuple[tuple[Row, ...], int]:
    """The rows that are wanted and how many are hidden. A number is the beginning of a port, nothing else.

    What is only declared for later is shown to who looks for something.
    """
    wanted = needle.strip().lower()
    shown = [line for line in lines if wanted or not line.idle]
    if wanted.isdigit():
        kept = [line for line in shown if str(line.port).startswith(wanted)]
    else:
        kept = [line for line in shown if all(word in line.text for word in wanted.split())]
    kept.sort(key=lambda line: line.rank)
    return tuple(line.row for line in kept), len(shown) - len(kept)


def nothing(store: Store, needle: str) -> tuple[Text, ...]:
    """What is said when no listener is shown."""
    asked = [snapshot for snapshot in store.snapshots() if snapshot.at is not None]
    waiting = store.waiting()
    lines: list[Text] = []
    if needle.strip():
        what = f"port {needle}" if needle.strip().isdigit() else f"{needle!r}"
        lines.append(f"Nothing that listens matches {what} on {number(len(asked), 'host')}. esc shows all.")
    elif asked:
        lines.append(f"Nothing listens on {number(len(asked), 'host')}.")
    if waiting:
        lines.append(Cell(f"Waiting for {listed(waiting)}.", "accent"))
    return tuple(lines)


def detail(listener: Listener, known: Known, now: float) -> tuple[Entry | Heading, ...]:
    """One listener: the owner, how it is known, who can reach it, who declares it, what it clashes with."""
    snapshot = known.snapshot
    owner = Owners(snapshot.services).of(listener)
    clash = clash_of(listener, known.findings)
    entry = known.mapped().get((listener.protocol, listener.port))
    entries: list[Entry | Heading] = [Heading(f"{snapshot.host}  {endpoint_of(listener)}", owner.name)]
    if clash is not None:
        tone = "critical" if clash.severity is Severity.CRITICAL else "warning"
        entries.append(Entry("CLASH", clash.summary, tone))
        entries.append(Entry("", "w shows the diagnosis", "muted"))
    chain = " -> ".join(owner.service.chain) if owner.service is not None else ""
    pids = " ".join(str(pid) for pid in listener.pids)
    drift = _drift_of(owner.service, known.drifts)
    entries += _fitting(snapshot, entry, told=clash is not None)
    entries += [Entry("DRIFT", drift.summary, "warning")] if drift is not None else []
    facts = (
        ("HELD BY", f"{listener.process or '?'} pid {pids}" if pids else _unseen(listener, snapshot)),
        ("USER", listener.user or ("" if listener.uid is None else f"uid {listener.uid}")),
        ("OWNER", owner.name),
        ("CHAIN", chain),
        ("KNOWN BY", _known(owner, listener)),
        ("OPEN TO", _EXPOSURE[cells.exposure(listener.address)]),
        ("FAMILY", "IPv6 only" if listener.v6only else ""),
        ("WAITING", number(listener.backlog, "connection") if listener.backlog else ""),
    )
    entries += [Entry(key, value) for key, value in facts if value]
    entries.append(Entry("AGE", how_old(freshness.of_source(snapshot, "listeners"), snapshot, now)))
    return tuple(entries)


def unheld_detail(entry: Mapped, known: Known, now: float) -> tuple[Entry | Heading, ...]:
    """A port that is declared, and nobody listens."""
    snapshot = known.snapshot
    by_rules = any(one.given for one in entry.declared_by)
    known_by = "nobody listens: rules send on what comes" if by_rules else "nobody listens"
    head = Heading(f"{snapshot.host}  {entry.protocol} {entry.port}", known_by)
    return (
        head,
        *_fitting(snapshot, entry),
        Entry("AGE", how_old(freshness.of_source(snapshot, "listeners"), snapshot, now)),
    )


_LABELS: Mapping[str, str] = {"clash": "CLASH", "exposed": "OPEN", "undeclared": "STRAY", "missing": "MISSING"}


def _fitting(snapshot: Snapshot, entry: Mapped | None, *, told: bool = False) -> list[Entry]:
    """What the port map says, and who declares the port where."""
    lines: list[Entry] = []
    label = _LABELS.get(entry.fit.value) if entry is not None else None
    if entry is not None and label is not None and not told:
        when = f"at the {entry.when}: " if entry.when not in (None, "now") else ""
        lines.append(Entry(label, f"{when}{entry.summary}", "warning"))
    claims = entry.declared_by if entry is not None else ()
    for place, one in enumerate(claims[:4]):
        sure = "" if one.sure else "perhaps "
        words = f": {one.text}" if one.text else ""
        lines.append(Entry("" if place else "DECLARED", f"{sure}{one.service}  {one.where}{words}"))
    if snapshot.declared is None:
        source = snapshot.source("declarations")
        why = source.failure if source is not None and source.failure else "not looked at yet"
        lines.append(Entry("" if claims else "DECLARED", f"files that declare ports: {why}", "muted"))
    return lines


_EXPOSURE = {
    "world": "world: bound to an address that others can reach; a firewall may still keep them out",
    "private": "private: bound to an address of a private network",
    "local": "local: only this host itself",
}


def _unseen(listener: Listener, snapshot: Snapshot) -> str:
    who = listener.process or "a process"
    if snapshot.identity is not None and snapshot.identity.uid == 0:
        return f"{who} that is not among the processes seen here (a container's, or the kernel)"
    return f"{who} that this user may not see; root would see its pid"


def _known(owner: Owner, listener: Listener) -> str:
    if owner.known == "process":
        return f"socket inode {listener.inode or '?'} of the process (sure)"
    if owner.known == "cgroup":
        return f"cgroup {listener.cgroup or listener.unit} (fairly sure)"
    return "its user only (a guess)" if owner.known == "user" else "nothing: the kernel hides the owner"
