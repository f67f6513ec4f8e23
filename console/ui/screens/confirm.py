"""A question with two answers, of which the harmless one has the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from console.ui.sight import TOO_EARLY, Sight

if TYPE_CHECKING:
    from textual._path import CSSPathType
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.ui.app import DeckApp
    from console.ui.changes import Change


LOOK = 0.3
"""Seconds between two looks at the plans that are asked about."""

KEYS = "arrows or tab: the other answer   enter: this one   esc: no"
"""What may be pressed here; the keys at the foot are those of the page behind."""


class ConfirmScreen(ModalScreen[bool]):
    """Answers ``True`` only when the second button was reached and pressed; esc means no."""

    CSS_PATH: ClassVar[CSSPathType] = ["buttons.tcss", "window.tcss"]
    AUTO_FOCUS: ClassVar[str | None] = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "dismiss(False)"),
        ("left,right,h", "app.focus_next"),
    ]

    def __init__(self, title: str, lines: tuple[str, ...], *, yes: str, no: str = "Cancel") -> None:
        super().__init__()
        self._title, self._lines, self._yes, self._no = title, lines, yes, no
        self.sight = Sight(lambda: self.is_mounted and self.query_one("#lines").region.area > 0)

    def compose(self) -> ComposeResult:
        """The question, what to know, the two answers."""
        with Vertical(id="window"):
            yield Static(self._title, id="title", markup=False)
            yield Static("\n".join(self._lines), id="lines", markup=False)
            with Horizontal(id="buttons"):
                yield Button(self._no, id="no", compact=True)
                yield Button(self._yes, id="yes", compact=True)
            yield Static(KEYS, id="hint", markup=False)

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        event.stop()
        yes = event.button.id == "yes"
        if yes and self.sight.missed(cast("DeckApp", self.app).typed_at):
            self.query_one("#lines", Static).update("\n".join((*self._lines, "", TOO_EARLY)))
            return
        self.dismiss(yes)


class QuitScreen(ConfirmScreen):
    """Asked before leaving while plans run: says what becomes of them, and follows them to their end."""

    def __init__(self, running: tuple[Change, ...]) -> None:
        self._changes = running
        super().__init__("Leave while a plan runs?", self._told(), yes="Leave", no="Stay")

    def on_mount(self) -> None:
        """Look at the plans again and again."""
        self.set_interval(LOOK, self._look)

    def _told(self) -> tuple[str, ...]:
        lines = tuple(_change_words(change) for change in self._changes)
        if not any(change.running for change in self._changes):
            return lines
        if any(change.preparing for change in self._changes):
            return (
                *lines,
                "",
                "What is built or sent from this machine ends with the console;",
                "the host keeps what it has.",
            )
        return (*lines, "", "The host finishes it by itself and keeps the result;", "hostdeck audit shows it later.")

    def _look(self) -> None:
        self.query_one("#lines", Static).update("\n".join(self._told()))
        if not any(change.running for change in self._changes):
            self.query_one("#title", Static).update("The plan has ended. Leave?")


def _change_words(change: Change) -> str:
    plan = change.plan
    state = change.step if change.running else change.progress.result
    return f"{plan.kind} of {plan.target.name} on {plan.target.host}: {state}"
