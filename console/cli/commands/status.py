"""``hostdeck status``: hosts, findings and services, a line each."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from console.cli.subcommand import HOST, Subcommand, complete, json_option

if TYPE_CHECKING:
    from console.cli.hidden_ports import HiddenPorts
    from console.cli.terminal import Terminal
    from console.config.model import Config
    from console.core.finding import Finding
    from console.core.service import Service, ServiceRef
    from console.core.snapshot import Snapshot
    from console.core.target import Target
    from console.remote.transport import HostSpec

NOBODY: "Mapping[str, Sequence[Target]]" = MappingProxyType({})
"""No service is asked for by name."""
_WITHOUT_PROCESS = ("active/exited", "active/listening")
"""The words of systemd for a unit that is up while nothing of it runs."""


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
    from console.cli.hidden_ports import revealed

    async with looking.started(config, specs) as fleet:
        snapshots = await looking.settled(fleet, (spec.name for spec in specs), health=True)
        snapshots, hidden = await revealed(fleet, snapshots)
        findings = [finding for spec in specs for finding in fleet.findings(spec.name)]
    services, unseen = _services(snapshots, wanted)
    besides: tuple[Finding, ...] = ()
    if wanted:
        asked = [service for service in services if service.ref.host in wanted]
        besides = tuple(finding for finding in findings if finding.host in wanted and not _concerns(finding, asked))
        findings = [finding for finding in findings if finding not in besides]
    findings.sort(key=lambda finding: (finding.severity.rank, finding.host, finding.subject))
    if arguments.json:
        from console.cli.entry import report

        _json(snapshots, services, findings, hidden)
        for line in unseen:
            report(line)
    else:
        everything = arguments.all or bool(wanted)
        _text(
            snapshots, services, findings, everything=everything, wanted=wanted, unseen=unseen, hidden=hidden,
            besides=besides,
        )  # fmt: skip
    unwell = _unwell(snapshots, services, wanted)
    return _verdict(snapshots, findings, unwell=bool(unwell or unseen))


def _concerns(finding: "Finding", services: "Sequence[Service]") -> bool:
    return any(finding.concerns(service.ref) for service in services)


def _unwell(
    snapshots: "Sequence[Snapshot]", services: "Sequence[Service]", wanted: "Collection[str]"
) -> "list[Service]":
    """The services that were asked for by name and are not known to be well now, whatever the findings say."""
    from console.core.freshness import of_service

    unwell = {"failed", "flapping", "unknown"}
    by_host = {snapshot.host: snapshot for snapshot in snapshots}
    asked = (service for service in services if service.ref.host in wanted)
    return [one for one in asked if one.state.value in unwell or of_service(by_host[one.ref.host], one).stale]


def _services(
    snapshots: "Sequence[Snapshot]", wanted: "dict[str, list[Target]]"
) -> "tuple[list[Service], tuple[str, ...]]":
    """Those that are wanted, and of which of these nothing can be told, and why."""
    from console.cli.errors import Exit, UnseenError
    from console.cli.targets import found_all as named
    from console.cli.targets import service_of
    from console.core.snapshot import LinkState

    found: list[Service] = []
    unseen: list[str] = []
    for snapshot in snapshots:
        targets = wanted.get(snapshot.host)
        if targets is None or (not snapshot.services and snapshot.link.state is not LinkState.UP):
            found += snapshot.services
            continue
        refs: dict[ServiceRef, None] = {}
        for target in targets:
            try:
                refs |= dict.fromkeys(named(target, snapshot))
            except UnseenError as error:
                if error.code is Exit.USAGE:
                    raise
                unseen.append(str(error))
        found += [service for ref in refs if (service := service_of(ref, snapshot)) is not None]
    return found, tuple(dict.fromkeys(unseen))


def _verdict(snapshots: "Sequence[Snapshot]", findings: "Sequence[Finding]", *, unwell: bool = False) -> int:
    from console.cli.errors import Exit
    from console.core.finding import Severity
    from console.core.snapshot import LinkState
    from console.findings import blind

    if any(snapshot.link.state is not LinkState.UP for snapshot in snapshots):
        return Exit.UNREACHABLE
    if unwell or any(blind(snapshot) for snapshot in snapshots):
        return Exit.PROBLEM
    return Exit.PROBLEM if any(finding.severity is not Severity.INFO for finding in findings) else Exit.OK


def _json(
    snapshots: "Sequence[Snapshot]",
    services: "Sequence[Service]",
    findings: "Sequence[Finding]",
    hidden: "Sequence[HiddenPorts]",
) -> None:
    from console.cli import encode

    now = time.monotonic()
    by_host = {snapshot.host: snapshot for snapshot in snapshots}
    encode.emit(
        "status/1",
        {
            "hosts": [encode.host(snapshot, now) for snapshot in snapshots],
            "services": [encode.service(service, by_host[service.ref.host], now) for service in services],
            "findings": [encode.finding(finding) for finding in findings],
            "failures": [
                *encode.failures(snapshots),
                *({"host": one.host, "source": "listeners_root", "reason": one.words} for one in hidden),
            ],
        },
    )


def _text(
    snapshots: "Sequence[Snapshot]",
    services: "Sequence[Service]",
    findings: "Sequence[Finding]",
    *,
    everything: bool,
    wanted: "Mapping[str, Sequence[Target]]" = NOBODY,
    unseen: "Sequence[str]" = (),
    hidden: "Sequence[HiddenPorts]" = (),
    besides: "Sequence[Finding]" = (),
) -> None:
    from console.cli import quiet
    from console.cli.terminal import Terminal

    terminal = Terminal()
    terminal.table(
        (_host_row(terminal, snapshot) for snapshot in snapshots),
        head=("HOST", "LINK", "CPU", "IOWAIT", "MEMORY", "LOAD", "NOTE"),
        right=(2, 3, 4, 5),
    )
    terminal.line()
    for line in unseen:
        terminal.wrap(line)
    if findings:
        _print_findings(terminal, findings)
    elif services or not unseen:
        unwell = _unwell(snapshots, services, wanted)
        for line in quiet.lines(snapshots, services, wanted, unwell):
            terminal.wrap(line)
    for line in quiet.besides(besides):
        terminal.wrap(line)
    shown = [service for service in services if everything or not _quiet(service)]
    if shown:
        terminal.line()
        by_host = {snapshot.host: snapshot for snapshot in snapshots}
        head = ("SERVICE", "STATE", "SINCE", "PID", "PORTS", "NATIVE")
        ordered = sorted(shown, key=lambda service: (service.state.value in {"running", "stopped"}, str(service.ref)))
        rows = (_service_row(terminal, service, by_host[service.ref.host]) for service in ordered)
        terminal.table(rows, head=head, right=(2, 3))
    if idle := len(services) - len(shown):
        terminal.line(f"{idle} services of which nothing runs are not shown (--all)")
    for one in hidden:
        terminal.wrap(f"{one.host}: {one.words}")
    _print_failures(terminal, snapshots)


def _quiet(service: "Service") -> bool:
    """Stopped as it should be, or done with its work: only shown with ``--all``.

    What runs has not always a process here: pods are elsewhere, and of a unit systemd may not know the main one.
    """
    if service.state.value == "running":
        return service.native_state in _WITHOUT_PROCESS and not service.pids and not service.ports
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


def _print_findings(terminal: "Terminal", findings: "Sequence[Finding]") -> None:
    terminal.table(
        (
            terminal.state(finding.severity.value),
            finding.subject if finding.subject.startswith(finding.host) else f"{finding.host} {finding.subject}",
            finding.summary,
        )
        for finding in findings
    )


def _service_row(terminal: "Terminal", service: "Service", snapshot: "Snapshot") -> tuple[str, ...]:
    from console.cli.terminal import age
    from console.core.freshness import of_service

    fresh, check = of_service(snapshot, service), snapshot.health_of(service.ref)
    # Its times are told in its host's own clock.
    since = time.time() + (snapshot.clock_skew or 0.0) - service.since if service.since is not None else None
    return (
        str(service.ref),
        terminal.last_seen(service.state.value) if fresh.stale else terminal.state(service.state.value),
        f"stale {age(fresh.age(time.monotonic()))}" if fresh.stale else age(since),
        str(service.pid or "-"),
        " ".join(str(endpoint) for endpoint in service.ports) or "-",
        service.native_state
        + (f" ({service.result})" if service.result not in {None, "", "success"} else "")
        + (f", health unknown: {check.said}" if check is not None and check.well is None else ""),
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
