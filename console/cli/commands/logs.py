"""``hostdeck logs``: the log of a service, once or as it comes."""

import re
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from console.cli.subcommand import Subcommand, json_option, target_argument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from console.cli.terminal import Terminal
    from console.config.model import Config
    from console.core.service import ServiceRef
    from console.core.snapshot import LogLine, Snapshot
    from console.core.target import Target
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec

USUAL, MOST = 200, 20_000
"""Lines that are shown without ``-n``, and lines that are looked through for those that fit."""
LEVELS = ("critical", "error", "warning", "info", "debug")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def span(text: str) -> float:
    """Seconds of ``90s``, ``15m``, ``2h``, ``1d`` or a bare number of seconds."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhd]?)", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no span: expected a number with s, m, h or d, such as 15m")
    return float(match[1]) * _UNITS[match[2] or "s"]


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression, its case ignored unless it has capitals."""
    try:
        return re.compile(text, 0 if any(map(str.isupper, text)) else re.IGNORECASE)
    except re.error as error:
        raise ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def count(text: str) -> int:
    """A number of lines."""
    if not re.fullmatch(r"\d{1,7}", text):
        raise ArgumentTypeError(f"{text!r} is no number of lines: expected 0 to 9999999")
    return int(text)


def arguments(parser: ArgumentParser) -> None:
    """``TARGET [-f] [-n N] [--since SPAN] [--grep RE] [--level L] [--json]``."""
    target_argument(parser, "HOST/SERVICE or /SERVICE")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come, until ctrl+c")
    parser.add_argument(
        "-n",
        "--lines",
        type=count,
        metavar="N",
        help="at most the last N lines that fit (200; with --since all), and as many of each file without times",
    )
    parser.add_argument(
        "--since",
        type=span,
        metavar="SPAN",
        help="only what is younger: 90s, 15m, 2h, 1d; of a file whose lines carry no time the last ones, which is told",
    )
    parser.add_argument("--file", metavar="PATH", help="a file of the host instead of the service's own log")
    parser.add_argument("--grep", type=pattern, metavar="REGEX", help="only lines that match")
    parser.add_argument("--level", choices=LEVELS, help="only lines of this level or worse")
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Print the log; 0 also when it is empty."""
    from console.cli import hosts, looking
    from console.cli.targets import service_target

    config = hosts.read_config(arguments)
    target = service_target(arguments.target)
    return looking.ask(_print(config, hosts.spec(config, target.host), target, arguments))


async def _print(config: "Config", spec: "HostSpec", target: "Target", arguments: Namespace) -> int:
    from console.cli import looking
    from console.cli.declared import log_files
    from console.cli.entry import report
    from console.cli.targets import found
    from console.cli.terminal import Terminal

    terminal = Terminal()
    async with looking.started(config, (spec,)) as fleet:
        snapshot = await looking.up(fleet, spec.name)
        ref = found(target, snapshot)
        files = (arguments.file,) if arguments.file else ("", *log_files(config, spec, ref, snapshot.services))
        way = _follow if arguments.follow else _once
        printed = await way(_logs(fleet, snapshot, ref, files, arguments), ref, arguments, terminal)
    if not printed and arguments.lines != 0:
        report(_nothing(ref, snapshot, arguments))
    return 0


def _wanted(arguments: Namespace) -> int:
    """How many lines at most."""
    if arguments.lines is not None:
        return int(arguments.lines)
    return MOST if arguments.since is not None else USUAL


def _untimed(arguments: Namespace) -> int:
    """How many lines at most of a file whose lines have no times: none of them is known to be younger than others."""
    return USUAL if arguments.lines is None else int(arguments.lines)


def _logs(
    fleet: "Fleet", snapshot: "Snapshot", ref: "ServiceRef", files: tuple[str, ...], arguments: Namespace
) -> "list[AsyncIterator[LogLine]]":
    since = None
    if arguments.since is not None:
        since = time.time() + (snapshot.clock_skew or 0.0) - arguments.since
    filtered = arguments.grep is not None or arguments.level is not None or since is not None
    # What fits is only known here, so more is read than is wanted; journalctl with a time gives the first N, too.
    lines = MOST if filtered and not arguments.follow else _wanted(arguments)
    untimed = lines if filtered and not arguments.follow else _untimed(arguments)
    return [
        _fitting(
            fleet.follow(ref, lines=lines, since=since, follow_on=arguments.follow, file=file, untimed=untimed),
            since,
            arguments,
        )
        for file in files
    ]


async def _fitting(
    log: "AsyncIterator[LogLine]", since: float | None, arguments: Namespace
) -> "AsyncIterator[LogLine]":
    """The lines that are wanted, and those that tell how many are missing before them."""
    from console.cli.streams import when

    worst = LEVELS[: LEVELS.index(arguments.level) + 1] if arguments.level else LEVELS
    async for line in log:
        wanted = line.level in worst and (arguments.grep is None or arguments.grep.search(line.message))
        at = when(line)
        if line.dropped or (wanted and not (since is not None and at is not None and at < since)):
            yield line


async def _once(
    logs: "list[AsyncIterator[LogLine]]", ref: "ServiceRef", arguments: Namespace, terminal: "Terminal"
) -> int:
    """Print what there is, in the order of time."""
    from console.cli.entry import report
    from console.cli.streams import last, ordered, sources_without_times

    lines = last(await ordered(logs), _wanted(arguments), _untimed(arguments))
    for source in sources_without_times(lines) if arguments.since is not None else ():
        count = sum(line.source == source for line in lines)
        which = f"last {count} lines{_that_fit(arguments)} are" if count > 1 else f"last line{_that_fit(arguments)} is"
        report(f"{_no_times(source, ref)}; its {which} shown instead")
    several = len({line.source for line in lines}) > 1
    for line in lines:
        _put(line, arguments, terminal, several=several)
    return len(lines)


async def _follow(
    logs: "list[AsyncIterator[LogLine]]", ref: "ServiceRef", arguments: Namespace, terminal: "Terminal"
) -> int:
    """Print lines as they come."""
    from console.cli.entry import report
    from console.cli.streams import merged

    sources: set[str] = set()
    told: set[str] = set()
    printed = 0
    async for line in merged(logs):
        sources.add(line.source)
        if arguments.since is not None and line.untimed and line.source not in told:
            told.add(line.source)
            which = f"at most the last {_untimed(arguments)} of its lines{_that_fit(arguments)}"
            report(f"{_no_times(line.source, ref)}; shown instead are {which}, and all that come")
        printed += 1
        _put(line, arguments, terminal, several=len(sources) > 1 or len(logs) > 1)
        if not arguments.json:
            terminal.stream.flush()
    return printed


def _no_times(source: str, ref: "ServiceRef") -> str:
    what = source if source.startswith("/") else f"the log of {ref.name} ({source})"
    return f"--since cannot be applied to {what}: its lines carry no time"


def _that_fit(arguments: Namespace) -> str:
    return " that fit" if arguments.grep or arguments.level else ""


def _put(line: "LogLine", arguments: Namespace, terminal: "Terminal", *, several: bool) -> None:
    from console.cli import encode

    if arguments.json:
        print(encode.dumps(encode.log_line(line)), flush=arguments.follow)
    else:
        _show(terminal, line, several=several)


def _nothing(ref: "ServiceRef", snapshot: "Snapshot", arguments: Namespace) -> str:
    """Why there may be no lines: an empty log is told apart from one that this user may not read."""
    text = f"no lines of {ref}" + (" that fit" if arguments.grep or arguments.level or arguments.since else "")
    identity = snapshot.identity
    hidden = ref.scope == "system" and identity is not None and identity.uid != 0
    if not arguments.file and hidden and identity and not {"systemd-journal", "adm", "wheel"} & set(identity.groups):
        text += f"; {identity.user} may not read the system's journal: join group systemd-journal"
    return text


def _show(terminal: "Terminal", line: "LogLine", *, several: bool) -> None:
    from datetime import datetime

    from console.cli.streams import when
    from console.cli.terminal import DIM, RED, YELLOW

    if line.dropped:
        terminal.wrap(terminal.paint(f"-- {line.dropped} lines came too fast and are not shown --", DIM))
    at = when(line)
    stamp = datetime.fromtimestamp(at).astimezone().strftime("%m-%d %H:%M:%S") if at is not None else "-" * 14
    color = {"critical": RED, "error": RED, "warning": YELLOW, "debug": DIM}.get(line.level)
    message = line.message.replace("\n", "\n" + " " * 25)
    source = f"{line.source}  " if several else ""
    text = f"{line.level:<8}  {source}{message}"
    terminal.wrap(f"{terminal.paint(stamp, DIM)}  {terminal.paint(text, color) if color else text}")


COMMANDS = (
    Subcommand(
        "logs",
        "show or follow the log of a service",
        run,
        arguments,
        (
            "hostdeck logs web1/api",
            "hostdeck logs web1/api -f --level warning",
            "hostdeck logs /cron --since 2h --json",
        ),
    ),
)
