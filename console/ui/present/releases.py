"""Releases of a service as rows and lines: which there are, which was well, where a roll back goes."""

from console.core.difference import Difference
from console.core.difference_words import brief, lines
from console.core.release import Release, ReleaseBook, way_back
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.clock import Clock
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row

COLUMNS = (
    Column("state", "", 9),
    Column("version", "version", 14, 2, 8),
    Column("commit", "commit", 9),
    Column("built", "built", 5, align="right"),
    Column("lived", "live for", 8, align="right"),
    Column("well", "was well", 9),
    Column("by", "by", 12, 1, 6, 2),
    Column("id", "release", 16, 4, 8, 1),
)


def row(release: Release, book: ReleaseBook) -> Row:
    """One release as one line."""
    age = cells.age(book.now - release.built) if book.now is not None and release.built is not None else "-"
    return Row(
        release.id,
        (
            _state(release, book),
            release.version or "-",
            (release.commit or "-")[:9],
            age,
            cells.age(release.live_seconds) if release.live_seconds is not None else _never(release),
            _well(release),
            release.by or "-",
            release.id,
        ),
    )


def _state(release: Release, book: ReleaseBook) -> Cell:
    if release.live:
        return Cell(f"{cells.glyph('●', '*')} live", "ok")
    if not release.present:
        return Cell("removed", "muted")
    back = way_back(book)
    return Cell(f"{cells.glyph('↶', '<')} back", "accent") if back is not None and back.id == release.id else Cell("")


def _never(release: Release, never: str = "never") -> str:
    return "not noted" if release.live else never


def _well(release: Release) -> Cell:
    match release.healthy:
        case True:
            return Cell("yes", "ok")
        case False:
            return Cell("no", "critical")
        case _:
            return Cell("not noted", "muted")


def detail(
    release: Release, book: ReleaseBook, clock: Clock, difference: Difference | None = None
) -> tuple[Entry | Heading, ...]:
    """One release with all that is known of it, and what a roll back to it would change."""
    entries: list[Entry | Heading] = [Heading(release.id, _state(release, book))]
    if difference is not None:
        entries.append(Entry("CHANGES", brief(difference)))
    facts: tuple[tuple[str, Text], ...] = (
        ("VERSION", release.version or "not noted"),
        ("COMMIT", release.commit or "not noted"),
        ("BUILT", clock.moment(release.built) if release.built is not None else "not noted"),
        (
            "LIVE SINCE",
            clock.moment(release.live_since)
            if release.live_since is not None
            else _never(release, "never, as far as noted"),
        ),
        ("LIVE FOR", cells.age(release.live_seconds) if release.live_seconds is not None else _never(release)),
        ("BY", release.by or "not noted"),
        ("WAS WELL", _well(release)),
    )
    entries += [Entry(key, value) for key, value in facts]
    if release.note:
        entries.append(Entry("NOTE", release.note))
    if difference is not None and (difference.changes or difference.facts or difference.gaps):
        entries += [Entry("", ""), Heading(f"From {difference.pair.live} to {difference.pair.target}")]
        entries += [Entry(key, line) for key, line in lines(difference)]
    return tuple(entries)
