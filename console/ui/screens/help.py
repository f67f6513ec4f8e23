"""Every key of the screen that was in front, what it does, and why it is off now."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from console.core.keys import Place
from console.ui import keymap
from console.ui.cells import Cell
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry, Heading

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_MOVES = (
    ("j k g G", "move down, up, to the top, to the bottom (arrows, home and end too)"),
    ("ctrl+f ctrl+b", "a page down, up"),
    ("mouse", "click rows, tabs and keys; the wheel scrolls"),
)
_LIST = (("tab", "from the list to the detail and back"),)
_MOVES_OF = {
    Place.REVIEW: (
        ("tab", "from Cancel to the reason, then to Run"),
        ("enter", "press the button that has the focus: at first that is Cancel"),
    ),
    Place.LOGS: (),
    Place.DIAGNOSIS: (),
    Place.HOST: (),
    Place.TEXT: (),
    Place.HELP: (),
}
"""What moves between the parts of a screen that is no list with a detail."""


class HelpScreen(DeckScreen):
    """The keys of another screen."""

    PLACE: ClassVar[Place] = Place.HELP
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.HELP)]
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self, about: Selection) -> None:
        super().__init__()
        self._about = about

    def body(self) -> ComposeResult:
        """The keys."""
        yield Detail(id="page")

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Every key with its reason as of now."""
        del changed
        self.query_one("#page", Detail).show(self.entries())

    def entries(self) -> list[Entry | Heading]:
        """The keys of the screen, then those that move."""
        lines: list[Entry | Heading] = []
        for title, keys in keymap.help_groups(self._about, self.deck):
            lines.append(Heading(title))
            for key, description, off in keys:
                told = Cell(description, "muted" if off else "")
                lines.append(Entry(key, (told, Cell(f"   off: {off}", "warning")) if off else told))
        lines.append(Heading("Moving"))
        lines += [Entry(moving, what) for moving, what in (*_MOVES, *_MOVES_OF.get(self._about.place, _LIST))]
        lines.append(Entry("", Cell("Keys can be changed in the configuration: [keys]", "muted")))
        return lines

    def press_help(self) -> None:
        """The same key closes it."""
        self.app.pop_screen()

    def selection(self) -> Selection:
        """Nothing is selected in the help."""
        return Selection(self.PLACE)

    def copied(self) -> str:
        """The keys as text."""
        from console.ui.present.copying import lines_of

        return lines_of(self.entries())
