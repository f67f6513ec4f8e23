"""A small window in which one of a few things is picked by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from console.ui.cells import Cell
from console.ui.sight import TOO_EARLY, Sight
from console.ui.widgets.detail import Detail, Entry

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.ui.app import DeckApp


class Option(NamedTuple):
    """One thing to pick, the commands it would run, and why it cannot be picked."""

    label: str
    commands: tuple[str, ...] = ()
    off: str | None = None


class ChoiceScreen(ModalScreen[int | None]):
    """Answers with the number that was pressed, or nothing after esc. There is no default: enter picks nothing."""

    CSS_PATH = "window.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "Detail"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "dismiss(None)"),
        *((str(number), f"pick({number})") for number in range(1, 10)),
    ]

    def __init__(self, title: str, options: tuple[Option, ...]) -> None:
        super().__init__()
        self._title, self._options = title, options
        self.sight = Sight(lambda: self.is_mounted and self.query_one("#options", Detail).drawn)

    def compose(self) -> ComposeResult:
        """Title, the numbered options, what to press."""
        with Vertical(id="window"):
            yield Static(self._title, id="title", markup=False)
            yield Detail(id="options")
            yield Static(f"press 1-{len(self._options)} to review what would be run, esc to go back",
                         id="hint", markup=False)  # fmt: skip

    def on_mount(self) -> None:
        """Show the options."""
        entries: list[Entry] = []
        for number, option in enumerate(self._options, 1):
            entries.append(Entry(str(number), Cell(option.label, "muted" if option.off else "strong")))
            if option.off:
                entries.append(Entry("", Cell(f"off: {option.off}", "muted")))
            entries += [Entry("", Cell(command, "muted")) for command in option.commands]
        self.query_one("#options", Detail).show(entries)

    def action_pick(self, number: int) -> None:
        """Answer with this number, unless it is off."""
        if self.sight.missed(cast("DeckApp", self.app).typed_at):
            self._say(TOO_EARLY)
        elif number > len(self._options):
            self._say(f"there is no proposal {number}")
        elif (off := self._options[number - 1].off) is not None:
            self._say(off)
        else:
            self.dismiss(number)

    def _say(self, sentence: str) -> None:
        self.query_one("#hint", Static).update(sentence)
