"""``hostdeck status``: hosts, findings and services, a line each."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from console.cli.subcommand import HOST, Subcommand, complete, json_option

if TYPE_CHECKING:
    from console.cli.terminal import Terminal
    from console.config.model import Config
    from console.core.finding import Finding
    from console.core.service import Service
    from console.core.snapshot import Snapshot
    from console.core.target import Target
    from console.remote.transport import HostSpec


def arguments(parser: ArgumentParser) -> None:
    """``[TARGET...] [--all] [--json]``."""
    targets = parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="HOST, a group, or HOST/SERVICE; none: all that are configured"
    )
    complete(targets, HOST)
    parser.add_argument("-a", "--all", action="store_true", help="show services too of which nothing runs")
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Look once, print, and tell by the exit code whether anything is wrong or not seen."""
    from console.cli import hosts, looking

    config = hosts.read_config(arguments)
    specs, wanted = _chosen(config, arguments.targets)
    return looking.ask(_look(config, specs, wanted, arguments))


def _chosen(config: "Config", words: Sequence[str]) -> "tuple[tuple[HostSpec, ...], dict[str, list[Target]]]":
    """The hosts to look at and, for those of which only some services are wanted, their targets."""
    from console.cli import hosts
    from console.cli.targets import parsed

    if not words:
        return hosts.specs(config), {}
    specs: dict[str, HostSpec] = {}
    wanted: dict[str, list[Target]] = {}
    for word in words:
        target = parsed(word) if "/" in word.removeprefix("ssh://") else None
        if target is None or target.service is None:
            specs |= {spec.name: spec for spec in hosts.specs(config, (word,))}
        else:
            spec = hosts.spec(config, target.host)
            specs[spec.name] = spec
            wanted.setdefault(spec.name, []).append(target)
    return tuple(specs.values()), wanted


async def _look(
    config: "Config", specs: "tuple[HostSpec, ...]", wanted: "dict[str, list[Target]]", arguments: Namespace
) -> int:
    from console.cli import looking

    async with looking.started(config, specs) as fleet:
        snapshots = await looking.settled(fleet, (spec.name for spec in specs))
        findings = [finding for spec in specs for finding in fleet.findings(spec.name)]
    services = _services(snapshots, wanted)
    if wanted:
        asked = [service for service in services if service.ref.host in wanted]
        findings = [finding for finding in findings if finding.host not in wanted or _concerns(finding, asked)]
    findings.sort(key=lambda finding: (finding.severity.rank, finding.host, finding.subject))
    if arguments.json:
        _json(snapshots, services, findings)
    else:
        _text(snapshots, services, findings, everything=arguments.all or bool(wanted), wanted=wanted)
    return _verdict(snapshots, findings, _unwell(services, wanted))


def _concerns(finding: "Finding", services: "Sequence[Service]") -> bool:
    return any(finding.concerns(service.ref) for service in services)


def _unwell(services: "Sequence[Service]", wanted: "Collection[str]") -> "list[Service]":
    """The services that were asked for by name and are not known to be well, whatever the findings say."""
    unwell = {"failed", "flapping", "unknown"}
    return [service for service in services if service.ref.host in wanted and service.state.value in unwell]


def _services(snapshots: "Sequence[Snapshot]", wanted: "dict[str, list[Target]]") -> "list[Service]":
    from console.cli.errors import CliError
    from console.core.snapshot import LinkState
    from console.core.target import TargetError, find

    found: list[Service] = []
    for snapshot in snapshots:
        targets = wanted.get(snapshot.host)
        if targets is None or (not snapshot.services and snapshot.link.state is not LinkState.UP):
            found += snapshot.services
            continue
        by_ref = {service.ref: service for service in snapshot.services}
        try:
            found += [by_ref[ref] for ref in dict.fromkeys(find(target, by_ref) for target in targets)]
        except TargetError as error:
            raise CliError(str(error)) from None
    return found


def _verdict(snapshots: "Sequence[Snapshot]", findings: "Sequence[Finding]", unwell: "Sequence[Service]" = ()) -> int:
    from console.cli.errors import Exit
    from console.core.finding import Severity
    from console.core.snapshot import LinkState
    from console.findings import blind

    if any(snapshot.link.state is not LinkState.UP for snapshot in snapshots):
        return Exit.UNREACHABLE
    if unwell or any(blind(snapshot) for snapshot in snapshots):
        return Exit.PROBLEM
    return Exit.PROBLEM if any(finding.severity is not Severity.INFO for finding in findings) else Exit.OK


def _json(snapshots: "Sequence[Snapshot]", services: "Sequence[Service]", findings: "Sequence[Finding]") -> None:
    from console.cli import encode

    now = time.monotonic()
    encode.emit(
        "status/1",
        {
            "hosts": [encode.host(snapshot, now) for snapshot in snapshots],
            "services": [encode.service(service) for service in services],
            "findings": [encode.finding(finding) for finding in findings],
            "failures": encode.failures(snapshots),
        },
    )


def _text(
    snapshots: "Sequence[Snapshot]",
    services: "Sequence[Service]",
    findings: "Sequence[Finding]",
    *,
    everything: bool,
    wanted: "Collection[str]" = (),
) -> None:
    from console.cli.terminal import Terminal

    terminal = Terminal()
    terminal.table(
        (_host_row(terminal, snapshot) for snapshot in snapshots),
        head=("HOST", "LINK", "CPU", "IOWAIT", "MEMORY", "LOAD", "NOTE"),
        right=(2, 3, 4, 5),
    )
    terminal.line()
    _print_findings(terminal, snapshots, services, findings, _unwell(services, wanted))
    shown = [service for service in services if everything or not _quiet(service)]
    if shown:
        terminal.line()
        now = _host_clocks(snapshots)
        head = ("SERVICE", "STATE", "SINCE", "PID", "PORTS", "NATIVE")
        ordered = sorted(shown, key=lambda service: (service.state.value in {"running", "stopped"}, str(service.ref)))
        terminal.table((_service_row(terminal, service, now) for service in ordered), head=head, right=(2, 3))
    if hidden := len(services) - len(shown):
        terminal.line(f"{hidden} services of which nothing runs are not shown (--all)")
    _print_failures(terminal, snapshots)


def _quiet(service: "Service") -> bool:
    """Stopped as it should be, or done with its work: only shown with ``--all``."""
    if service.state.value == "running":
        return not service.pids and not service.ports
    return service.state.value == "stopped"


def _host_row(terminal: "Terminal", snapshot: "Snapshot") -> tuple[str, ...]:
    cpu = snapshot.rates.cpu if snapshot.rates else None
    sample = snapshot.sample
    memory = sample.memory if sample else None
    used = f"{100 * (1 - memory.available / memory.total):.0f}%" if memory and memory.total else "-"
    return (
        snapshot.host,
        terminal.state(snapshot.link.state.value),
        f"{cpu.busy:.0f}%" if cpu else "-",
        f"{cpu.iowait:.0f}%" if cpu else "-",
        used,
        f"{sample.load[0]:.2f}" if sample else "-",
        snapshot.link.error or (snapshot.identity.os if snapshot.identity else ""),
    )


def _print_findings(
    terminal: "Terminal",
    snapshots: "Sequence[Snapshot]",
    services: "Sequence[Service]",
    findings: "Sequence[Finding]",
    unwell: "Sequence[Service]",
) -> None:
    from console.findings import blind

    if findings:
        terminal.table(
            (
                terminal.state(finding.severity.value),
                finding.subject if finding.subject.startswith(finding.host) else f"{finding.host} {finding.subject}",
                finding.summary,
            )
            for finding in findings
        )
        return
    ports = sum(len(snapshot.listeners) for snapshot in snapshots)
    counted = f"{len(services)} {_plural(len(services), 'service')}, {ports} {_plural(ports, 'port')}"
    seen = sum(1 for snapshot in snapshots if snapshot.link.state.value == "up")
    hosts = f"{seen} {_plural(seen, 'host')}"
    unseen = [(snapshot.host, what) for snapshot in snapshots for what in blind(snapshot)]
    if seen < len(snapshots):
        words = f"Seen are only {hosts} of {len(snapshots)}"
    elif unwell:
        words = f"Nothing says why, but {len(unwell)} of what was asked for {_is(len(unwell))} not well: {hosts}"
    else:
        words = f"{'Nothing wrong in what is seen' if unseen else 'All quiet'}: {hosts}"
    terminal.line(f"{words}, {counted} checked just now.")
    for host, what in unseen:
        terminal.line(f"{host}: not seen: {what}")


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _host_clocks(snapshots: "Sequence[Snapshot]") -> dict[str, float]:
    """Each host's wall clock now, since that is what its times are told in."""
    return {snapshot.host: time.time() + (snapshot.clock_skew or 0.0) for snapshot in snapshots}


def _service_row(terminal: "Terminal", service: "Service", now: dict[str, float]) -> tuple[str, ...]:
    from console.cli.terminal import age

    since = now[service.ref.host] - service.since if service.since is not None else None
    return (
        str(service.ref),
        terminal.state(service.state.value),
        age(since),
        str(service.pid or "-"),
        " ".join(str(endpoint) for endpoint in service.ports) or "-",
        service.native_state + (f" ({service.result})" if service.result not in {None, "", "success"} else ""),
    )


def _print_failures(terminal: "Terminal", snapshots: "Sequence[Snapshot]") -> None:
    unseen = [
        (snapshot.host, source.name, source.failure)
        for snapshot in snapshots
        for source in snapshot.sources
        if source.failure
    ]
    if unseen:
        terminal.line()
        terminal.table(((f"not seen: {name}", host, reason) for host, name, reason in unseen))


COMMANDS = (
    Subcommand(
        "status",
        "show hosts, findings and services, a line each",
        run,
        arguments,
        ("hostdeck status", "hostdeck status web1 db1", "hostdeck status web1/api --json"),
    ),
)
