"""``hostdeck ports``: every listener with its owner, and who clashes with whom."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.cli.subcommand import Subcommand, hosts_argument, json_option

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.finding import Finding
    from console.core.network import Listener
    from console.core.service import Service
    from console.core.snapshot import Snapshot
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
    from console.cli import encode, looking
    from console.cli.errors import Exit
    from console.core.snapshot import LinkState
    from console.managers.join import Owners

    async with looking.started(config, specs) as fleet:
        snapshots = await looking.settled(fleet, (spec.name for spec in specs))
        clashes = _clashes(fleet, snapshots)
        conflicts = [await _conflict(fleet, config, finding) for finding in clashes] if as_json else []
    if as_json:
        listeners = [
            encode.listener(snapshot.host, listener, owners.of(listener))
            for snapshot in snapshots
            for owners in (Owners(snapshot.services),)
            for listener in snapshot.listeners
        ]
        failures = encode.failures(snapshots)
        encode.emit("ports/1", {"listeners": listeners, "conflicts": conflicts, "failures": failures})
    else:
        _text(snapshots, clashes)
    if any(snapshot.link.state is not LinkState.UP for snapshot in snapshots):
        return Exit.UNREACHABLE
    return Exit.PROBLEM if clashes else Exit.OK


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


def _text(snapshots: "Sequence[Snapshot]", clashes: "Sequence[Finding]") -> None:
    from console.cli.terminal import RED, Terminal
    from console.managers.join import Owners

    terminal = Terminal()
    for finding in clashes:
        terminal.line(f"{terminal.paint('CLASH', RED)}  {finding.subject}  {finding.summary}")
    if clashes:
        terminal.line()
    rows = [
        _row(snapshot.host, listener, owners.of(listener))
        for snapshot in snapshots
        for owners in (Owners(snapshot.services),)
        for listener in sorted(snapshot.listeners, key=lambda found: (found.port, found.protocol, found.address))
    ]
    terminal.table(rows, head=("HOST", "PORT", "PROTO", "ADDRESS", "OWNER", "PROCESS", "USER", "SEEN BY"), right=(1,))
    for snapshot in snapshots:
        if snapshot.link.error:
            terminal.line(f"{snapshot.host}: {snapshot.link.error}")
        for source in snapshot.sources:
            if source.failure and source.name == "listeners":
                terminal.line(f"{snapshot.host}: listeners not seen: {source.failure}")
        hidden = sum(1 for listener in snapshot.listeners if not listener.pids)
        if hidden:
            is_root = snapshot.identity is not None and snapshot.identity.uid == 0
            why = "the process is outside of what root sees here" if is_root else "the process is hidden: needs root"
            terminal.line(f"{snapshot.host}: of {hidden} {'listener' if hidden == 1 else 'listeners'} {why}")


def _row(host: str, listener: "Listener", found: "Service | None") -> tuple[str, ...]:
    process = f"{listener.process or 'pid'} {listener.pid}" if listener.pid is not None else "hidden"
    known_by = "process" if listener.pids else "cgroup" if listener.unit else "-" if listener.uid is None else "user"
    address = f"{listener.address}%{listener.interface}" if listener.interface else listener.address
    scope = "" if found is None or found.ref.scope == "system" else f"@{found.ref.scope.removeprefix('user:')}"
    name = f"{found.ref.manager}{scope}:{found.ref.name}" if found else _stray(listener)
    user = listener.user or (f"uid {listener.uid}" if listener.uid is not None else "-")
    return (host, str(listener.port), listener.protocol, address, name, process, user, known_by)


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
        "show listeners with their owners, and conflicts",
        run,
        arguments,
        ("hostdeck ports", "hostdeck ports web1 --json"),
    ),
)
