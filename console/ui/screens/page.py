"""A page of plain lines to scroll through: evidence, a report, the output of a step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from console.core.keys import Place
from console.ui import keymap
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry, Heading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.diagnosis.report import Section

_gap = re.compile(r" {3,}")
"""What aligns the columns of a wide terminal only takes room on a narrow page."""


class PageScreen(DeckScreen):
    """Lines under a title, or sections with a heading each. ``copy`` is what ``y`` takes, where not the page itself."""

    PLACE: ClassVar[Place] = Place.TEXT
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.TEXT)]
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self, title: str, lines: Iterable[str | Section], *, copy: str = "") -> None:
        super().__init__()
        self._title, self._lines, self._copy = title, tuple(lines), copy

    def body(self) -> ComposeResult:
        """The lines."""
        yield Detail(id="page")

    def on_mount(self) -> None:
        """Show the lines once: a page does not change."""
        super().on_mount()
        shown: list[Entry | Heading] = [Heading(self._title)]
        for line in self._lines or ("There is nothing to show.",):
            shown += [Entry("", line)] if isinstance(line, str) else _section(line)
        self.query_one("#page", Detail).show(shown)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """A page stays as it was opened."""

    def selection(self) -> Selection:
        """Nothing is selected on a page."""
        return Selection(self.PLACE)

    def copied(self) -> str:
        """The report where there is one, else the whole page."""
        if self._copy:
            return self._copy
        lines = (line if isinstance(line, str) else "\n".join(("", line.title, *line.lines)) for line in self._lines)
        return "\n".join((self._title, *lines))


def _section(section: Section) -> list[Entry | Heading]:
    lines = (Entry("", _gap.sub("  ", f"  {line}"), hang=6) for line in section.lines)
    return [Entry("", ""), Heading(section.title), *lines]
