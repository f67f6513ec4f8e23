"""What ``hostdeck status`` says where it has no finding: of what that holds, and what was not seen or not asked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from console.cli import again
from console.cli.targets import unseen
from console.core.finding import Finding, Severity
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.core.target import Target
from console.findings import blind


def lines(
    snapshots: Sequence[Snapshot],
    services: Sequence[Service],
    wanted: Mapping[str, Sequence[Target]],
    unwell: Sequence[Service],
) -> Iterator[str]:
    """The sentence, then a line for each thing that is not seen.

    ``wanted`` are the targets that name services, by host: of the rest of these hosts nothing is said.
    """
    gaps = [f"{snapshot.host}: not seen: {what}" for snapshot in snapshots for what in blind(snapshot)]
    for snapshot in snapshots:
        gaps += _namesakes(snapshot, wanted.get(snapshot.host, ()))
    seen = [snapshot for snapshot in snapshots if snapshot.link.state.value == "up"]
    hosts = _count(len(seen), "host")
    if len(seen) < len(snapshots):
        words = f"Seen are only {hosts} of {len(snapshots)}"
    elif unwell:
        words = (
            f"Nothing says why, but {len(unwell)} of what was asked for {'is' if len(unwell) == 1 else 'are'} not well"
        )
    elif wanted:
        words = f"Nothing wrong in what {'is seen of what ' if gaps else ''}was asked for"
    else:
        words = f"{'Nothing wrong in what is seen' if gaps else 'All quiet'}"
    yield f"{words}: {', '.join(_counted(seen, services, wanted))} checked just now."
    yield from gaps


def besides(findings: Sequence[Finding]) -> Iterator[str]:
    """How much is wrong on a host, of which only services were asked for, that is not about these."""
    by_host: dict[str, Counter[Severity]] = {}
    for finding in findings:
        if finding.severity is not Severity.INFO:
            by_host.setdefault(finding.host, Counter())[finding.severity] += 1
    for host, counts in sorted(by_host.items()):
        each = " and ".join(
            _count(counts[severity], "critical finding" if severity is Severity.CRITICAL else severity.value)
            for severity in sorted(counts, key=lambda severity: severity.rank)
        )
        yield f"{host} has {each} of what was not asked for: {again.command('status', host)}"


def _counted(
    seen: Sequence[Snapshot], services: Sequence[Service], wanted: Mapping[str, Sequence[Target]]
) -> Iterator[str]:
    """What was looked at; of a host of which only services were asked for, these alone."""
    whole = [snapshot for snapshot in seen if snapshot.host not in wanted]
    if whole:
        yield _count(len(whole), "host")
    yield _count(len(services), "service")
    if whole:
        yield _count(sum(len(snapshot.listeners) for snapshot in whole), "port")


def _namesakes(snapshot: Snapshot, targets: Sequence[Target]) -> Iterator[str]:
    """Managers that may have a service of a name that was asked for, too, and do not tell."""
    for target in targets:
        names = [source.name for source in unseen(target, snapshot) if target.manager is None and not source.partial]
        if names:
            yield f"{snapshot.host}: not seen: whether {' or '.join(names)} has {target.service!r}, too"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
