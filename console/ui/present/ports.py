"""Listeners with their owners: what clashes first, then what no service answers for."""

from collections.abc import Sequence
from typing import NamedTuple

from console.core.finding import Finding
from console.core.network import Listener
from console.core.service import Endpoint, Service
from console.core.snapshot import LinkState, Snapshot
from console.managers import join
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.present.words import freshness, host_cell, listed, number, service_name
from console.ui.store import Store
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row


def columns(host: int) -> tuple[Column, ...]:
    """The columns with that many cells for a host's name."""
    return (
        Column("mark", "", 1),
        Column("host", "host", host, min_width=6),
        Column("port", "port", 5, align="right"),
        Column("protocol", "", 3, priority=2),
        Column("address", "address", 15, 1, 9),
        Column("owner", "owner", 20, 4, 14),
        Column("process", "process", 14, 1, 12, 3),
        Column("known", "known by", 8, priority=2),
        Column("exposure", "open to", 7, priority=1),
    )


Key = tuple[str, str, str, int, str | None]
"""Host, protocol, address, port, interface."""


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
    listener: Listener
    row: Row
    text: str


def key_of(host: str, listener: Listener) -> Key:
    """The identity of a listener across looks."""
    return (host, listener.protocol, listener.address, listener.port, listener.interface)


def endpoint_of(listener: Listener) -> Endpoint:
    """Where it listens."""
    return Endpoint(listener.protocol, listener.address, listener.port)


class Owners:
    """Finds the service of a listener of one host."""

    def __init__(self, services: Sequence[Service]) -> None:
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
    """The finding that speaks of this port."""
    return next(
        (found for found in findings if found.port == listener.port and found.protocol == listener.protocol), None
    )


def host_lines(snapshot: Snapshot, spec: HostSpec | None, findings: Sequence[Finding]) -> tuple[Line, ...]:
    """Every listener of one host."""
    owners = Owners(snapshot.services)
    stale = snapshot.link.state in (LinkState.STALE, LinkState.DOWN)
    return tuple(_line(snapshot.host, spec, listener, owners.of(listener), clash_of(listener, findings), stale)
                 for listener in snapshot.listeners)  # fmt: skip


def _line(
    host: str, spec: HostSpec | None, listener: Listener, owner: Owner, clash: Finding | None, stale: bool
) -> Line:
    exposure = cells.exposure(listener.address)
    undeclared = owner.service is None
    rank = 0 if clash else 1 if undeclared and exposure == "world" else 2
    mark: Text = ""
    if clash is not None:
        mark = cells.severity_mark(clash.severity)
    elif rank == 1:
        mark = Cell("~", "warning")
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
            owner.known,
            Cell(exposure, "warning" if rank == 1 else ""),
        ),
        tone="muted" if stale else "",
    )
    words = (host, str(listener.port), listener.protocol, listener.address, owner.name, process, exposure)
    return Line(rank, listener.port, listener, row, " ".join(words).lower())


def filtered(lines: Sequence[Line], needle: str) -> tuple[tuple[Row, ...], int]:
    """The rows that are wanted and how many are hidden. A number is the beginning of a port, nothing else."""
    wanted = needle.strip().lower()
    if wanted.isdigit():
        kept = [line for line in lines if str(line.port).startswith(wanted)]
    else:
        kept = [line for line in lines if all(word in line.text for word in wanted.split())]
    kept.sort(key=lambda line: line.rank)
    return tuple(line.row for line in kept), len(lines) - len(kept)


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


def detail(
    listener: Listener, snapshot: Snapshot, now: float, findings: Sequence[Finding]
) -> tuple[Entry | Heading, ...]:
    """One listener: the owner, how it is known, who can reach it, what it clashes with."""
    owner = Owners(snapshot.services).of(listener)
    clash = clash_of(listener, findings)
    entries: list[Entry | Heading] = [Heading(f"{snapshot.host}  {endpoint_of(listener)}", owner.name)]
    if clash is not None:
        entries.append(Entry("CLASH", clash.summary, "critical"))
        entries.append(Entry("", "w shows the diagnosis", "muted"))
    chain = " -> ".join(owner.service.chain) if owner.service is not None else ""
    pids = " ".join(str(pid) for pid in listener.pids)
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
    entries.append(Entry("AGE", freshness(snapshot, now)))
    return tuple(entries)


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
