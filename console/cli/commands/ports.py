"""``hostdeck ports``: every listener with its owner, what is declared, and who clashes with whom."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console.cli.subcommand import Subcommand, hosts_argument, json_option

if TYPE_CHECKING:
    from console.cli.terminal import Terminal
    from console.config.model import Config
    from console.core.declaration import Declaration
    from console.core.finding import Finding
    from console.core.network import Listener
    from console.core.service import Service
    from console.core.snapshot import Snapshot
    from console.diagnosis.portmap import Entry
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec

PORT_FINDINGS = ("port-", "start-limit")


def arguments(parser: ArgumentParser) -> None:
    """``[HOST...] [--json]``."""
    hosts_argument(parser)
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Look once and print; exit code 1 when something clashes."""
    from console.cli import hosts, looking

    config = hosts.read_config(arguments)
    return looking.ask(_look(config, hosts.specs(config, arguments.hosts), as_json=arguments.json))


async def _look(config: "Config", specs: "tuple[HostSpec, ...]", *, as_json: bool) -> int:
    from console.cli import looking
    from console.cli.declared import declarations
    from console.cli.errors import Exit
    from console.core.snapshot import LinkState
    from console.diagnosis.portmap import Fit, port_map

    async with looking.started(config, specs) as fleet:
        snapshots = await looking.settled(fleet, (spec.name for spec in specs))
        clashes = _clashes(fleet, snapshots)
        conflicts = [await _conflict(fleet, config, finding) for finding in clashes] if as_json else []
    services = {snapshot.host: snapshot.services for snapshot in snapshots}
    others = {spec.name: declarations(config, spec, services[spec.name]) for spec in specs}
    entries = [entry for snapshot in snapshots for entry in port_map(snapshot, others[snapshot.host])]
    if as_json:
        _json(snapshots, entries, others, conflicts)
    else:
        _text(snapshots, clashes, entries)
    if any(snapshot.link.state is not LinkState.UP for snapshot in snapshots):
        return Exit.UNREACHABLE
    return Exit.PROBLEM if clashes or any(entry.fit is Fit.CLASH for entry in entries) else Exit.OK


def _json(
    snapshots: "Sequence[Snapshot]",
    entries: "Sequence[Entry]",
    others: "Mapping[str, tuple[Declaration, ...]]",
    conflicts: list[dict[str, Any]],
) -> None:
    from console.cli import encode
    from console.diagnosis.claims import claims
    from console.diagnosis.drift import drifts, stable_ports
    from console.managers.join import Owners

    document = {
        "listeners": [
            encode.listener(snapshot.host, listener, owners.of(listener))
            for snapshot in snapshots
            for owners in (Owners(snapshot.services),)
            for listener in snapshot.listeners
        ],
        "conflicts": conflicts,
        "declared": [
            encode.declared(snapshot.host, claim)
            for snapshot in snapshots
            for claim in claims(snapshot, others[snapshot.host])
        ],
        "map": [encode.mapped(entry) for entry in entries],
        "drift": [encode.drift(one) for one in drifts(map(stable_ports, snapshots))],
        "failures": encode.failures(snapshots),
    }
    encode.emit("ports/1", document)


def _clashes(fleet: "Fleet", snapshots: "Sequence[Snapshot]") -> "list[Finding]":
    return [
        finding
        for snapshot in snapshots
        for finding in fleet.findings(snapshot.host)
        if finding.code.startswith(PORT_FINDINGS) and finding.port is not None
    ]


async def _conflict(fleet: "Fleet", config: "Config", finding: "Finding") -> dict[str, Any]:
    from console.cli.wiring import verdict
    from console.core.service import Endpoint
    from console.diagnosis.as_json import as_json

    subject = finding.service or Endpoint(finding.protocol, "*", finding.port or 0)
    return as_json(await verdict(fleet, config, fleet.spec(finding.host), subject))


_SOURCES = {
    "listeners": "listeners",
    "declarations": "files that declare ports",
    "cluster_ports": "ports that the cluster gives away",
}
"""What is told of a host where a source of it fails."""
_WORDS = {"clash": "CLASH", "exposed": "OPEN", "undeclared": "STRAY", "missing": "MISSING"}
"""What the port map says to a person; the rest of it is as it should be."""


def _text(snapshots: "Sequence[Snapshot]", clashes: "Sequence[Finding]", entries: "Sequence[Entry]") -> None:
    from console.cli.terminal import RED, Terminal, wrap_cells
    from console.diagnosis.portmap import sees_listeners
    from console.managers.join import Owners

    terminal = Terminal()
    lines = [f"{terminal.paint('CLASH', RED)}    {finding.subject}  {finding.summary}" for finding in clashes]
    lines += _worries(terminal, snapshots, clashes, entries)
    for line in lines:
        for part in wrap_cells(line, terminal.width, 9):
            terminal.line(part)
    if lines:
        terminal.line()
    by_port = {(entry.host, entry.protocol, entry.port): entry for entry in entries}
    rows = [
        _row(snapshot.host, listener, owner, _where(by_port[snapshot.host, listener.protocol, listener.port], owner))
        for snapshot in snapshots
        for owners in (Owners(snapshot.services),)
        for listener in snapshot.listeners
        for owner in (owners.of(listener),)
    ]
    seen = {snapshot.host for snapshot in snapshots if sees_listeners(snapshot)}
    rows += [_unheld(entry, seen=entry.host in seen) for entry in entries if not entry.listeners]
    place = {snapshot.host: number for number, snapshot in enumerate(snapshots)}
    rows.sort(key=lambda row: (place[row[0]], int(row[1]), row[2:4]))
    terminal.table(
        rows, head=("HOST", "PORT", "PROTO", "ADDRESS", "OWNER", "PROCESS", "USER", "SEEN BY", "DECLARED"), right=(1,)
    )
    for snapshot in snapshots:
        _unseen(terminal, snapshot)


def _worries(
    terminal: "Terminal", snapshots: "Sequence[Snapshot]", clashes: "Sequence[Finding]", entries: "Sequence[Entry]"
) -> list[str]:
    """What does not fit and no finding speaks of."""
    from console.cli.terminal import YELLOW
    from console.diagnosis.drift import drifts, stable_ports

    told = {(finding.host, finding.protocol, finding.port) for finding in clashes}
    lines = []
    for entry in entries:
        word = _WORDS.get(entry.fit)
        if word is None or (entry.host, entry.protocol, entry.port) in told:
            continue
        when = f" at the {entry.when}" if entry.when not in (None, "now") else ""
        port = f"{entry.host}  {entry.protocol} {entry.port}{when}"
        lines.append(f"{terminal.paint(word, YELLOW)}{' ' * (9 - len(word))}{port}: {entry.summary}")
    told_apart = drifts(map(stable_ports, snapshots))
    lines += [f"{terminal.paint('DRIFT', YELLOW)}    {one.host}  {one.summary}" for one in told_apart]
    return lines


def _unseen(terminal: "Terminal", snapshot: "Snapshot") -> None:
    """What was not seen of a host, and why."""
    if snapshot.link.error:
        terminal.line(f"{snapshot.host}: {snapshot.link.error}")
    for source in snapshot.sources:
        what = _SOURCES.get(source.name)
        if source.failure and what is not None:
            terminal.line(f"{snapshot.host}: {what} not seen: {source.failure}")
    if snapshot.declared is not None and snapshot.declared.hidden:
        terminal.wrap(f"{snapshot.host}: may not be read: {', '.join(snapshot.declared.hidden)}", 2)
    hidden = sum(1 for listener in snapshot.listeners if not listener.pids)
    if hidden:
        is_root = snapshot.identity is not None and snapshot.identity.uid == 0
        why = "the process is outside of what root sees here" if is_root else "the process is hidden: needs root"
        terminal.line(f"{snapshot.host}: of {hidden} {'listener' if hidden == 1 else 'listeners'} {why}")


def _row(host: str, listener: "Listener", found: "Service | None", where: str = "-") -> tuple[str, ...]:
    process = f"{listener.process or 'pid'} {listener.pid}" if listener.pid is not None else "hidden"
    known_by = "process" if listener.pids else "cgroup" if listener.unit else "-" if listener.uid is None else "user"
    address = f"{listener.address}%{listener.interface}" if listener.interface else listener.address
    scope = "" if found is None or found.ref.scope == "system" else f"@{found.ref.scope.removeprefix('user:')}"
    name = f"{found.ref.manager}{scope}:{found.ref.name}" if found else _stray(listener)
    user = listener.user or (f"uid {listener.uid}" if listener.uid is not None else "-")
    return (host, str(listener.port), listener.protocol, address, name, process, user, known_by, where)


def _unheld(entry: "Entry", *, seen: bool) -> tuple[str, ...]:
    """A port that is declared and has no listener, as far as its host's are ``seen``."""
    claim = min(entry.declared_by, key=lambda one: (not one.given, not one.sure))
    names = " ".join(dict.fromkeys(one.service for one in entry.declared_by))
    where = claim.where if claim.sure else f"perhaps {claim.where}"
    return (
        entry.host,
        str(entry.port),
        entry.protocol,
        claim.endpoint.address,
        names,
        "by rules" if claim.given else "nobody" if seen else "not seen",
        "-",
        "-",
        where,
    )


def _where(entry: "Entry", owner: "Service | None") -> str:
    """Where the port is declared for its owner; with a name where it is for another."""
    sure = [claim for claim in entry.declared_by if claim.sure]
    own = [claim.where for claim in sure if owner is not None and claim.is_of(owner.ref)]
    return next(iter((*own, *(f"({claim.service}) {claim.where}" for claim in sure))), "-")


def _stray(listener: "Listener") -> str:
    """Of whom a listener is that no known service has."""
    if listener.unit is not None:
        # A unit of a user's own manager may have the name of a system unit.
        of_user = (listener.cgroup or "").startswith("/user.slice/") and listener.user is not None
        return f"{listener.unit} of {listener.user}" if of_user else listener.unit
    return listener.process or "not known"


COMMANDS = (
    Subcommand(
        "ports",
        "show listeners with their owners against what is declared, and conflicts",
        run,
        arguments,
        ("hostdeck ports", "hostdeck ports web1 --json"),
    ),
)
