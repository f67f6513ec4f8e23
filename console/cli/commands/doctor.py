"""``hostdeck doctor``: what works, what does not, and how to mend it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.cli.subcommand import Subcommand, hosts_argument, json_option

if TYPE_CHECKING:
    from console.cli.checkup.check import Check
    from console.config.model import Config
    from console.remote.transport import HostSpec


def arguments(parser: ArgumentParser) -> None:
    """``[HOST...] [--json]``."""
    hosts_argument(parser)
    parser.add_argument(
        "--accept-key",
        metavar="FINGERPRINT",
        help="add the key of a host that is not known yet to known_hosts, if it has this SHA256 fingerprint",
    )
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Check this machine and every host; 1 when something does not work, 3 when a host is not reached."""
    from console.cli import hosts, looking
    from console.cli.checkup import here
    from console.config.places import chosen_path

    config = hosts.read_config(arguments)
    local = tuple(here.checks(config, chosen_path(arguments.config)[0]))
    specs = hosts.specs(config, arguments.hosts)
    if arguments.accept_key is not None:
        looking.ask(_accept(config, specs, arguments.accept_key))
    remote = looking.ask(_look(config, specs))
    if arguments.json:
        _json(local, remote)
    else:
        _text(local, remote)
    return _verdict(local, remote)


async def _accept(config: "Config", specs: "tuple[HostSpec, ...]", fingerprint: str) -> None:
    """Note the key of the one host that offers it. A changed key is never accepted."""
    from console.cli import looking
    from console.cli.entry import report
    from console.cli.errors import CliError

    shown = []
    async with looking.started(config, specs) as fleet:
        for spec in specs:
            await looking.whole(fleet, spec.name, rates=False)
            key = fleet.offered_key(spec.name)
            if key is not None:
                shown.append(f"{spec.name} shows {key.fingerprint}")
            if key is not None and key.fingerprint == fingerprint:
                await fleet.accept_host_key(spec.name, fingerprint)
                report(f"{spec.name}: its key {fingerprint} is known from now on")
                return
    if shown:
        raise CliError(f"{' and '.join(shown)}, not {fingerprint}: nothing was accepted")
    names = ", ".join(spec.name for spec in specs)
    raise CliError(f"{names}: no key was shown that is not known yet: nothing was accepted")


async def _look(config: "Config", specs: "tuple[HostSpec, ...]") -> "dict[str, tuple[Check, ...]]":
    import asyncio

    from console.cli import looking
    from console.cli.checkup import host

    async with looking.started(config, specs) as fleet:
        work = asyncio.gather(*(host.checks(fleet, spec) for spec in specs))
        found = await looking.watched(", ".join(spec.name for spec in specs), work)
    return {spec.name: checks for spec, checks in zip(specs, found, strict=True)}


def _verdict(local: "Sequence[Check]", remote: "Mapping[str, Sequence[Check]]") -> int:
    from console.cli.checkup.check import Mark
    from console.cli.errors import Exit

    everything = [*local, *(check for checks in remote.values() for check in checks)]
    if any(check.mark is Mark.NO and check.what == "reach" for check in everything):
        return Exit.UNREACHABLE
    return Exit.PROBLEM if any(check.mark is Mark.NO for check in everything) else Exit.OK


def _json(local: "Sequence[Check]", remote: "Mapping[str, Sequence[Check]]") -> None:
    from dataclasses import asdict

    from console.cli import encode

    encode.emit(
        "doctor/1",
        {
            "local": [asdict(check) for check in local],
            "hosts": [{"host": name, "checks": [asdict(check) for check in checks]} for name, checks in remote.items()],
        },
    )


def _text(local: "Sequence[Check]", remote: "Mapping[str, Sequence[Check]]") -> None:
    from console.cli.terminal import Terminal

    terminal = Terminal()
    width = max(len(check.what) for check in (*local, *(check for checks in remote.values() for check in checks)))
    for title, checks in {"this machine, the console": local, **remote}.items():
        terminal.line(terminal.paint(title, "1"))
        for check in checks:
            state = terminal.state(check.mark.value)
            head = f"{state}{' ' * (8 - len(check.mark.value))}{check.what:<{width}}  "
            terminal.wrap(head + check.found, 2, 12 + width)
            if check.mend:
                terminal.wrap(f"-> {check.mend}", 14 + width, 3)
        terminal.line()


COMMANDS = (
    Subcommand(
        "doctor",
        "tell what works, what does not, and how to mend it",
        run,
        arguments,
        ("hostdeck doctor", "hostdeck doctor web1 db1 --json"),
    ),
)
