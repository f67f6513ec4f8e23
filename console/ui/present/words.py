"""Words and small pieces that several lists share."""

import re
from collections.abc import Iterable

from console.core.freshness import Freshness
from console.core.namesakes import Managers, told_apart
from console.core.service import ServiceRef
from console.core.snapshot import LinkState, Snapshot
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Spans, Text


def service_name(ref: ServiceRef, known: Managers | None = None) -> str:
    """The name as a person says it, with the user where it belongs to a user's own manager.

    ``known``: the names on its host, where it stands alone: with them it is told apart from others of its name.
    """
    user = ref.scope.removeprefix("user:") if ref.scope.startswith("user:") else ""
    name = f"process {ref.name}" if ref.manager == "process" else told_apart(ref, known or {})
    return f"{name} (of {user})" if user else name


def host_cell(spec: HostSpec | None, name: str) -> Text:
    """A host's name; a production host carries the word and the colour of its kind."""
    if spec is None or not spec.production:
        return name
    return (Cell(name), Cell(" prod", "accent"))


def host_width(specs: Iterable[HostSpec]) -> int:
    """Columns that the names of these hosts need, within reason."""
    longest = max((len(spec.name) + (5 if spec.production else 0) for spec in specs), default=0)
    return max(6, min(longest, 24))


def host_age(snapshot: Snapshot, now: float) -> float | None:
    """Seconds since the host last told anything; ``None`` when it never did."""
    return None if snapshot.at is None else max(0.0, now - snapshot.at)


def freshness(snapshot: Snapshot, now: float) -> Spans:
    """How old what is shown of a host is, in words: ``3 s ago``, ``stale 12 s``, ``down: timeout``."""
    link, age = snapshot.link, host_age(snapshot, now)
    if link.state is LinkState.UP:
        return (Cell("asked, no answer yet" if age is None else f"{cells.age(age)} ago", "muted"),)
    if link.state is LinkState.CONNECTING:
        return (Cell(f"connecting for {cells.age(now - link.since)}", "accent"),)
    if link.state is LinkState.STALE:
        return (Cell(f"stale {cells.age(age)}", "warning"),)
    return (Cell(f"down {cells.age(now - link.since)}", "critical"),)


def how_old(fresh: Freshness, snapshot: Snapshot, now: float) -> Spans:
    """How old what one source told is, in words: ``3s ago``, or ``stale 42s`` and why."""
    age = fresh.age(now)
    if not fresh.stale or age is None:
        return (Cell("asked, no answer yet" if age is None else f"{cells.age(age)} ago", "muted"),)
    if fresh.why is not None:
        why: Spans = (Cell(fresh.why, "muted"),)
    elif snapshot.link.state is LinkState.UP:
        why = (Cell("not asked again yet since the connection was lost", "muted"),)
    else:
        why = (Cell(f"{snapshot.host} "), *freshness(snapshot, now))
    return (Cell(f"stale {cells.age(age)}", "warning"), Cell("  "), *why)


def wall_age(snapshot: Snapshot, wall: float, then: float | None) -> float | None:
    """Seconds since a time told by a host's clock, corrected by how much that clock is ahead."""
    return None if then is None else max(0.0, wall + (snapshot.clock_skew or 0.0) - then)


_WORDY = re.compile(r" GNU/Linux| Linux(?= v?\d)| *\(.*\)")


def short_os(name: str) -> str:
    """``Debian 12`` of ``Debian GNU/Linux 12 (bookworm)``: as much as tells one from another."""
    return _WORDY.sub("", name)


def number(count: int, word: str) -> str:
    """``1 host``, ``12 hosts``."""
    return f"{cells.count(count)} {word}" if count == 1 else f"{cells.count(count)} {word}s"
