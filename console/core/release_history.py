"""The history of a service's releases: one line per event, which plans append.

    SECONDS live|healthy|failed|built ID WHO VERSION COMMIT TOOK

in Unix time, ``-`` for what is not known.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote

from console.core.release import Release
from console.core.text import cut, sanitise

_LONGEST = 200


class Event:
    """One line of the history."""

    __slots__ = ("at", "by", "commit", "id", "kind", "took", "version")

    def __init__(self, at: float, kind: str, ident: str, rest: list[str]) -> None:
        self.at, self.kind, self.id = at, kind, ident
        # What is written in the form of a URL was not seen by who made the line safe.
        words = [
            None if word == "-" else cut(sanitise(unquote(word)).replace("\n", " "), _LONGEST)
            for word in (*rest, "-", "-", "-", "-")[:4]
        ]
        self.by, self.version, self.commit = words[:3]
        self.took = seconds(words[3] or "-")

    @classmethod
    def read(cls, line: str) -> "Event | None":
        """A line that is no event is somebody else's, and passed over."""
        words = line.split(" ")
        at = seconds(words[0])
        if at is None or len(words) < 3 or words[1] not in ("built", "live", "healthy", "failed") or not words[2]:
            return None
        return cls(at, words[1], words[2], words[3:])


def read(lines: Iterable[str]) -> tuple[Event, ...]:
    """The events of these lines."""
    return tuple(event for line in lines if (event := Event.read(line)) is not None)


def last_build(events: Sequence[Event]) -> float | None:
    """Seconds that the last build took, where it was noted."""
    return next((event.took for event in reversed(events) if event.kind == "built" and event.took is not None), None)


def with_gone(releases: Iterable[Release], events: Iterable[Event]) -> Iterator[Release]:
    """Also those of the history that were removed since."""
    releases = tuple(releases)
    yield from releases
    there = {release.id for release in releases}
    gone = dict.fromkeys(event.id for event in events if event.id not in there)
    yield from (Release(ident, present=False) for ident in gone)


def told(release: Release, events: Sequence[Event], now: float) -> Release:
    """A release with all that its events say."""
    mine = [event for event in events if event.id == release.id]
    lives = [event for event in mine if event.kind == "live"]
    built = next((event for event in mine if event.kind == "built"), None)
    healthy: bool | None = True if any(event.kind == "healthy" for event in mine) else None
    if healthy is None and any(event.kind == "failed" for event in mine):
        healthy = False
    return replace(
        release,
        built=built.at if built is not None else release.built,
        # What was made live was planned before it was built; the build says what became of it.
        version=(built.version if built is not None else None) or _last(event.version for event in mine),
        commit=_last(event.commit for event in mine),
        live_since=lives[-1].at if lives else None,
        live_seconds=_lived(release.id, events, now) if lives else None,
        by=_last(event.by for event in lives),
        healthy=healthy,
        well_since=_well_since(mine),
        failed_last=bool(mine) and mine[-1].kind == "failed",
    )


def _well_since(mine: Sequence[Event]) -> float | None:
    began = well = None
    for event in mine:
        if event.kind == "live":
            began = event.at
        elif event.kind == "healthy":
            well = began if began is not None else event.at
    return well


def _last(words: Iterable[str | None]) -> str | None:
    found = [word for word in words if word is not None]
    return found[-1] if found else None


def _lived(ident: str, events: Sequence[Event], now: float) -> float:
    """From each time it became live to the next time any release did."""
    lives = [event for event in events if event.kind == "live"]
    ends = [*(event.at for event in lives[1:]), now]
    return sum(max(0.0, end - event.at) for event, end in zip(lives, ends, strict=True) if event.id == ident)


def seconds(word: str) -> float | None:
    """A whole number of seconds; ``None`` for anything else."""
    return float(word) if word.isascii() and word.isdigit() and len(word) < 16 else None
