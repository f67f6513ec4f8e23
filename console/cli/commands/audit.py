"""``hostdeck audit``: what was done from here, to what, by whom, why and with what result."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli import again
from console.cli.commands.logs import count, span
from console.cli.subcommand import Subcommand, json_option

if TYPE_CHECKING:
    from console.config.model import Config
    from console.remote.audit import AuditEntry, AuditFilter, AuditTrail
    from console.remote.plan_inspect import HostView
    from console.remote.transport import HostSpec, Transport

RESULTS = ("done", "undone", "failed", "abandoned", "refused", "running", "unknown")


def arguments(parser: ArgumentParser) -> None:
    """``[TEXT] [--host] [--who] [--kind] [--result] [--since] [-n] [--ask] [--json]``."""
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="only where the service's reference or --reason has this"
    )
    parser.add_argument("--host", metavar="HOST", help="only this host")
    parser.add_argument("--who", metavar="NAME", help="only what this person did")
    parser.add_argument("--kind", metavar="KIND", help="only restart, stop, start, reload ...")
    parser.add_argument("--result", choices=RESULTS, help="only what ended so")
    parser.add_argument("--since", type=span, metavar="SPAN", help="only what is younger: 90s, 15m, 2h, 1d")
    parser.add_argument("-n", "--lines", type=count, default=50, metavar="N", help="at most the last N (50)")
    parser.add_argument(
        "--ask",
        action="store_true",
        help="first ask --host and those of unknown results what runs and how it ended, whichever console began it",
    )
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Print the trail, the oldest first."""
    from console.cli import hosts
    from console.cli.errors import CliError
    from console.remote import audit_live
    from console.remote.audit import AuditError, AuditFilter, AuditTrail

    config = hosts.read_config(arguments)
    trail = AuditTrail()
    since = time.time() - arguments.since if arguments.since is not None else None
    wanted = AuditFilter(
        host=arguments.host,
        text=arguments.text,
        who=arguments.who,
        kind=arguments.kind,
        result=arguments.result,
        since=since,
        limit=arguments.lines,
    )
    code, views = 0, dict[str, "HostView"]()
    try:
        if arguments.ask:
            # What is wanted of them is seen once they have told.
            unknown = trail.read(replace(wanted, result="unknown", limit=None))
            code = _ask_hosts(config, trail, unknown, arguments.host, views)
        known = trail.read()
    except AuditError as error:
        raise CliError(str(error)) from None
    entries = audit_live.beside(known, views, wanted, time.time())
    if arguments.json:
        _json(entries)
        return code
    _text(entries)
    if not entries:
        print(_about_nothing(wanted, trail))
    for line in _about_unknown(known, views, asked=arguments.ask):
        print(line)
    return code


def _about_nothing(wanted: "AuditFilter", trail: "AuditTrail") -> str:
    """What was looked for, and in what."""
    from console.remote.audit import AuditFilter

    asked = {"--host": wanted.host, "--who": wanted.who, "--kind": wanted.kind, "--result": wanted.result}
    words = [f"{name} {value}" for name, value in asked.items() if value is not None]
    words += [f"{wanted.text!r} in its service or its reason"] if wanted.text is not None else []
    is_young = ["is that young (--since)"] if wanted.since is not None else []
    known = trail.read(AuditFilter())
    if not known:
        return f"nothing was done from here yet: {trail.path} has no plan"
    told = " and ".join([f"has {', '.join(words)}"] * bool(words) + is_young)
    hosts = ", ".join(sorted({entry.host for entry in known})[:8])
    return f"none of the {len(known)} plans in {trail.path} {told}; their hosts: {hosts}"


def _about_unknown(known: "Sequence[AuditEntry]", views: "Mapping[str, HostView]", *, asked: bool) -> "tuple[str, ...]":
    """A plan outlives its console: whoever comes next is told that there is something to ask for."""
    from console.remote import audit_live

    if asked:
        return audit_live.unknown_words(known, views)
    count = sum(entry.result == "unknown" for entry in known)
    words = f"{count} result{'s are' if count > 1 else ' is'}"
    ask = again.command("audit", "--result", "unknown", "--ask")
    return (f"{words} unknown here: `{ask}` asks the hosts what still runs and how it ended",) if count else ()


def _ask_hosts(
    config: "Config",
    trail: "AuditTrail",
    unknown: "Sequence[AuditEntry]",
    named: str | None,
    views: "dict[str, HostView]",
) -> int:
    """Write down how plans ended whose end was not seen from here; ``views`` is given what each host tells.

    3 when a host could not be asked. The one that was ``named`` is asked in any case.
    """
    from console.cli import hosts, looking
    from console.cli.entry import report
    from console.cli.errors import CliError

    code = 0
    specs: list[HostSpec] = []
    for name in dict.fromkeys((*(entry.host for entry in unknown), *([named] if named else []))):
        try:
            specs += hosts.specs(config, (name,))
        except CliError as error:
            # A host of an old entry may have another name by now; the others are asked all the same.
            report(f"{name}: {error}")
            code = int(error.code)
    return max(code, looking.ask(_settle(tuple(specs), trail, views)) if specs else 0)


async def _settle(specs: "tuple[HostSpec, ...]", trail: "AuditTrail", views: "dict[str, HostView]") -> int:
    import asyncio

    from console.cli.wiring import transports

    return max(await asyncio.gather(*(_settle_one(transport, trail, views) for transport in transports(specs))))


async def _settle_one(transport: "Transport", trail: "AuditTrail", views: "dict[str, HostView]") -> int:
    import asyncio

    from console.cli.entry import report
    from console.cli.errors import Exit
    from console.remote.runner import inspect, settle
    from console.remote.transport import TransportError

    try:
        view = await inspect(transport)
        learned = await settle(trail, view, transport.host)
    except TransportError as error:
        report(f"{transport.host}: {error}")
        return Exit.UNREACHABLE
    finally:
        await asyncio.shield(transport.close())
    report(f"{transport.host}: {learned} of the unknown results are known now")
    views[transport.host] = view
    return Exit.OK


def _json(entries: "Sequence[AuditEntry]") -> None:
    from console.cli import encode, encode_plans

    encode.emit("audit/1", {"plans": [encode_plans.audit_entry(entry) for entry in entries]})


def _text(entries: "Sequence[AuditEntry]") -> None:
    from datetime import datetime

    from console.cli.terminal import DIM, Terminal

    terminal = Terminal()
    for entry in entries:
        at = datetime.fromtimestamp(entry.at).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
        seconds = f" in {entry.finished - entry.at:.1f} s" if entry.finished is not None else ""
        reason = f"  ({entry.reason})" if entry.reason else ""
        state = terminal.state(entry.state)
        where = " from another console" if entry.elsewhere else ""
        terminal.wrap(f"{at}  {state}{seconds}  {entry.kind} {entry.target}  by {entry.who}{where}{reason}")
        if entry.state == "unknown" and entry.started is not None and not entry.elsewhere:
            terminal.wrap("it began, and no end of it was seen from here: it may still run", 4)
        if entry.result_reason:
            terminal.wrap(entry.result_reason, 4)
        for broken in entry.broke:
            terminal.wrap(f"set aside the lock of plan {broken}: nothing of it ran any more", 4)
        for line in entry.proof:
            terminal.wrap(f"found  {line}", 4)
        for line in entry.failed:
            terminal.wrap(f"failed with  {line}", 4)
        for line in entry.kept:
            terminal.wrap(f"said  {line}", 4)
        if entry.difference:
            terminal.wrap(f"changes {entry.difference}", 4)
        # Trails of older versions tell the commands alone.
        for place, command in enumerate(entry.told or entry.commands):
            left_out = "not run  " if place in entry.left_out else ""
            terminal.wrap(terminal.paint(f"{left_out}{_one_line(command)}", DIM), 4)


def _one_line(command: str) -> str:
    """A command as it is, a script by its first line."""
    first, *more = command.splitlines() or [""]
    return f"{first} … ({len(more) + 1} lines, see --json)" if more else first


COMMANDS = (
    Subcommand(
        "audit",
        "tell what was done, by whom, when and with what result",
        run,
        arguments,
        ("hostdeck audit", "hostdeck audit api --since 2d", "hostdeck audit --result unknown --ask"),
    ),
)
