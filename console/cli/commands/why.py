"""``hostdeck why``: the diagnosis of a port or a service."""

from argparse import ArgumentParser, Namespace
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli.errors import CliError, PortlessError
from console.cli.subcommand import Subcommand, json_option, target_argument

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.finding import Proposal
    from console.core.service import Endpoint, ServiceRef
    from console.core.snapshot import LogLine, Snapshot
    from console.core.target import Target
    from console.diagnosis.verdict import Verdict
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec


JUDGES = ("console.remote.why", "console.cli.planning")
"""What is needed once the host has answered."""


def arguments(parser: ArgumentParser) -> None:
    """``TARGET [--from HOST] [--evidence] [--markdown] [--json]``."""
    target_argument(parser, "HOST:PORT[/udp], :PORT, HOST/SERVICE or /SERVICE")
    parser.add_argument("--from", dest="asked_from", metavar="HOST", help="also say whether this host gets there (tcp)")
    parser.add_argument("-e", "--evidence", action="store_true", help="print what the verdict rests on, too")
    parser.add_argument("--markdown", action="store_true", help="print a report for an incident channel")
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Look, judge, print; 0 when the port is free or the service has it, 1 when not, 3 when the host is not reached."""
    try:
        return _run(arguments)
    except CliError as error:
        if arguments.json:
            _no_verdict(arguments.target, str(error))
        raise


def _run(arguments: Namespace) -> int:
    from console.cli import hosts, looking
    from console.cli.targets import any_target

    config = hosts.read_config(arguments)
    target = any_target(arguments.target)
    spec = hosts.spec(config, target.host)
    other = hosts.spec(config, arguments.asked_from) if arguments.asked_from else None
    return looking.ask(_look(config, spec, target, arguments, other))


def _no_verdict(word: str, why: str) -> None:
    """Whoever reads the JSON gets a document also where nothing could be judged: ``unknown``, and why."""
    from console.cli import encode
    from console.core.target import Target, TargetError, parse
    from console.diagnosis.as_json import as_json
    from console.diagnosis.verdict import NotChecked, Verdict, VerdictWord

    try:
        target = parse(word)
    except TargetError:
        target = Target(word, None)
    gap = NotChecked(word, why)
    verdict = Verdict(target.host or "", target.port, target.protocol, VerdictWord.UNKNOWN, why, not_checked=(gap,))
    print(encode.dumps(as_json(verdict), indent=2))


async def _look(
    config: "Config", spec: "HostSpec", target: "Target", arguments: Namespace, other: "HostSpec | None"
) -> int:
    import asyncio

    from console.cli import looking
    from console.cli.errors import Exit

    specs = (spec,) if other is None or other.name == spec.name else (spec, other)
    async with looking.started(config, specs) as fleet:
        # The other host is waited for with its own attempt: without it there is a verdict all the same.
        await asyncio.gather(looking.load(JUDGES), looking.up(fleet, spec.name, managers=False))
        asked_from = other.name if other is not None else None
        verdict = await looking.watched(spec.name, diagnosis(fleet, config, spec, target, asked_from))
        verdict = replace(verdict, actions=await permitted(fleet, config, spec, verdict.actions))
        wanted = (arguments.evidence or arguments.markdown) and not arguments.json
        log = await _log(fleet, verdict.service) if wanted and verdict.service is not None else ()
    if arguments.json:
        from console.cli import encode
        from console.diagnosis.as_json import as_json

        print(encode.dumps(as_json(verdict), indent=2))
    else:
        _text(verdict, log, arguments)
    return Exit.OK if verdict.fine else Exit.PROBLEM


async def permitted(
    fleet: "Fleet", config: "Config", spec: "HostSpec", actions: "tuple[Proposal, ...]"
) -> "tuple[Proposal, ...]":
    """The actions, the recommended ones switched off where this login, or this console, may not carry them out."""
    found = []
    for action in actions:
        if action.recommended and action.reason_off is None and action.intents:
            action = replace(action, reason_off=await _why_not(fleet, config, spec, action))
        found.append(action)
    return tuple(found)


async def _why_not(fleet: "Fleet", config: "Config", spec: "HostSpec", action: "Proposal") -> str | None:
    """Why this login may not carry it out; ``None`` where it may, and where the host does not say."""
    from console.cli.planning import make_plan
    from console.remote.transport import TransportError

    if spec.read_only:
        return f"{spec.name} is read-only (--read-only, or read_only in the configuration)"
    snapshot = fleet.snapshot(spec.name)
    made = [make_plan(config, spec, intent, snapshot, None) for intent in action.intents]
    refused = next((why for plan, why in made if plan is None), None)
    plans = [plan for plan, _ in made if plan is not None]
    if refused is not None or fleet.identity(spec.name).uid == 0:
        return refused
    # All of its plans are asked for in one trip.
    whole = replace(
        plans[0],
        preflight=tuple(check for plan in plans for check in plan.preflight),
        steps=tuple(step for plan in plans for step in plan.steps),
        checks=tuple(check for plan in plans for check in plan.checks),
    )
    try:
        return (await fleet.rights(spec.name, whole)).reason
    except TransportError:
        return None


async def diagnosis(
    fleet: "Fleet", config: "Config", spec: "HostSpec", target: "Target", asked_from: str | None = None
) -> "Verdict":
    """The verdict on a target of a host that is up, begun before all of its service managers have told.

    What the target names is only sure once they have.
    """
    from console.cli.wiring import verdict

    early = None
    if not config.services:
        with suppress(CliError):
            early = _subject(target, fleet.snapshot(spec.name))
    if early is not None:
        judged = await verdict(fleet, config, spec, early, asked_from=asked_from, wholly=True)
    try:
        subject = _subject(target, await fleet.settled(spec.name))
    except PortlessError as error:
        raise CliError(await _who(fleet, error)) from None
    if early is not None and subject == early:
        return judged
    return await verdict(fleet, config, spec, subject, asked_from=asked_from)


async def _who(fleet: "Fleet", error: PortlessError) -> str:
    """What is said of a process that has no port: which one it is, or that none of that number is seen."""
    from console.probes import process
    from console.remote.looking import ProbeError
    from console.remote.transport import TransportError

    host, pid = error.ref.host, error.ref.name
    try:
        seen = await fleet.ask(host, process.PROBE, pid)
    except (ProbeError, TransportError):
        return str(error)
    found = next((one for one in seen if str(one.pid) == pid), None)
    if found is None:
        return f"{error.ref}: there is no process {pid} on {host}, as far as this login sees: it may have ended"
    name = f" ({found.name})" if found.name else ""
    return str(error).replace(f"process {pid}", f"process {pid}{name}", 1)


def _subject(target: "Target", snapshot: "Snapshot") -> "Endpoint | ServiceRef":
    """What is asked about; raises ``CliError`` where the host has no such service, or several."""
    from console.cli.targets import found, port_of_process
    from console.core.service import Endpoint

    if target.port is not None:
        return Endpoint(target.protocol, "*", target.port)
    ref = found(target, snapshot)
    return port_of_process(ref, snapshot) if ref.manager == "process" else ref


async def _log(fleet: "Fleet", ref: "ServiceRef") -> "tuple[LogLine, ...]":
    """The end of the log of the service that wants the port, or why it is not seen."""
    from console.core.snapshot import LogLine
    from console.diagnosis.report import LOG_LINES
    from console.remote.transport import TransportError

    try:
        told = fleet.follow(ref, lines=LOG_LINES, since=None, follow_on=False)
        return tuple([line async for line in told])
    except TransportError as error:
        return (LogLine(ref.host, ref.name, "", f"not seen: {error}"),)


def _text(verdict: "Verdict", log: "tuple[LogLine, ...]", arguments: Namespace) -> None:
    from datetime import datetime

    from console.cli.terminal import BOLD, DIM, Terminal
    from console.diagnosis.as_text import as_markdown, as_text
    from console.diagnosis.report import sections

    terminal = Terminal()
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    if arguments.markdown:
        print(as_markdown(verdict, zone, log), end="", file=terminal.stream)
        return
    for line in as_text(verdict, terminal.width or 200, zone):
        terminal.line(line)
    for number, action in enumerate(verdict.actions, 1):
        for line in action.lines:
            mark = f"{number}" if line.startswith("# ") else f"{number} $"
            terminal.wrap(f"{terminal.paint(mark, DIM)} {line}", 2)
        if action.reason_off is not None:
            off = "off: " if action.intents else ""
            terminal.wrap(f"{number} {off}{action.reason_off}", 2)
    if arguments.evidence:
        for section in sections(verdict, log, zone, actions=()):
            terminal.line("")
            terminal.wrap(terminal.paint(section.title, BOLD))
            for line in section.lines:
                terminal.wrap(line, 2)


COMMANDS = (
    Subcommand(
        "why",
        "tell why a service cannot have its port, who has it, and what to do",
        run,
        arguments,
        (
            "hostdeck why web1/api",
            "hostdeck why web1:8080",
            "hostdeck why web1:8080 --from web2",
            "hostdeck why :53/udp --json",
        ),
    ),
)
