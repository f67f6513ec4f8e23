"""What every screen of the console is: a status line on top, the keys below, every key through the key map."""

from __future__ import annotations

import math
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on

from console.core.keys import TABS, Place
from console.ui import keymap, off
from console.ui.messages import ChangeMoved, HostsChanged
from console.ui.present import frame
from console.ui.subject import Subject
from console.ui.widgets.bars import KeyBar, KeyHint, StatusBar, TabsLine
from console.ui.widgets.narrow import NarrowScreen

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from console.diagnosis.verdict import Verdict
    from console.ui.app import DeckApp
    from console.ui.deck import Deck
    from console.ui.selection import Selection

SAY_SECONDS = 6.0
"""How long a sentence about a key that is off stays at least."""
READ_A_SECOND = 15
"""Characters that are read in a second: a line for sudoers stays until it is read."""


def widths(beside: int) -> list[tuple[int, str]]:
    """The classes by width; from ``beside`` columns the detail stands beside the list."""
    return [(0, "-tiny"), (60, "-narrow"), (beside, "-wide")]


_HEIGHTS: list[tuple[int, str]] = [(0, "-least"), (7, "-short"), (20, "-tall")]


class DeckScreen(NarrowScreen[None]):
    """Base of all screens. A subclass says its ``PLACE``, what it shows and what is selected in it.

    A key becomes ``press("ID")``: when the key map has a reason against it the reason is said, else the method
    ``press_ID`` of the screen is called, or of the verbs that all screens share.
    """

    PLACE: ClassVar[Place]
    HORIZONTAL_BREAKPOINTS = widths(120)
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(self) -> None:
        super().__init__(classes=" ".join(self._first_classes()))

    def _first_classes(self) -> set[str]:
        """The classes of this size at once: set later, they would style the whole screen a second time."""
        width, height = self.app.size
        fitting = self._get_breakpoint_classes(width, self.HORIZONTAL_BREAKPOINTS or []) | self._get_breakpoint_classes(
            height, _HEIGHTS
        )
        return fitting | self.FIRST_CLASSES

    FIRST_CLASSES: ClassVar[frozenset[str]] = frozenset()
    """Further classes that hold until the first rows are there."""

    def compose(self) -> ComposeResult:
        """Status, tabs where there are any, the body, the sentence, the keys."""
        yield StatusBar(id="status", clock=self.deck.clock.stamp())
        if self.PLACE in TABS:
            yield TabsLine(id="tabs")
        yield from self.body()
        yield KeyBar(id="keys")

    def body(self) -> ComposeResult:
        """The widgets between the tabs and the keys."""
        raise NotImplementedError

    def selection(self) -> Selection:
        """What the keys are about now."""
        raise NotImplementedError

    def about(self, selection: Selection) -> Subject | None:
        """What a verdict is wanted on, where the selection is about something."""
        return Subject.of(selection)

    async def look_at(self, subject: Subject) -> Verdict | None:
        """The verdict of a look at the host that is of now; ``None`` where there is none to give.

        Raises what keeps the host from being asked.
        """
        target = subject.target
        if target is None:
            return None
        return await self.deck.diagnoser.verified(self.deck.fleet, subject.host, target, subject.symptom)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show what is known now. ``changed`` are the hosts that changed; ``None`` means look at everything."""
        raise NotImplementedError

    @property
    def deck(self) -> Deck:
        """The shared state of the session."""
        return self.deck_app.deck

    @property
    def deck_app(self) -> DeckApp:
        """The app."""
        return cast("DeckApp", self.app)

    def on_mount(self) -> None:
        """Show what is known already."""
        if self.deck_app.leaving:
            return
        self.refresh_all()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was in front."""
        if self.is_mounted and not self.deck_app.leaving:
            self.refresh_all()

    @on(HostsChanged)
    def _hosts_changed(self, message: HostsChanged) -> None:
        self.refresh_all(message.hosts)

    @on(ChangeMoved)
    def _change_told(self, message: ChangeMoved) -> None:
        change = self.deck.changes.of(message.plan_id)
        if change is not None and message.ended and change.progress.result is not None:
            plan, reason = change.plan, change.progress.reason
            told = f"{plan.kind} of {plan.target.name} on {plan.target.host}: {change.progress.result}"
            self.say(f"{told} ({reason})" if reason else told)
        self.refresh_all()

    def refresh_all(self, changed: frozenset[str] | None = None) -> None:
        """Body, frame and keys."""
        if self.deck_app.leaving:
            return
        self.sync(changed)
        self.show_frame()

    def show_frame(self) -> None:
        """The lines at the edges: status, tabs, keys."""
        selection = self.selection()
        status = self.query_one("#status", StatusBar)
        told = frame.status(self.deck, selection)
        status.show(
            fleet=told.fleet, hosts=told.hosts, read_only=told.read_only, production=told.production, note=told.note
        )
        status.clock = self.deck.clock.stamp()
        self.set_class(bool(told.production), "-production")
        if self.PLACE in TABS:
            tabs = self.query_one("#tabs", TabsLine)
            tabs.show(frame.tabs(self.deck, self.PLACE, self.size.width or self.app.size.width))
            tabs.active = self.PLACE
        self.show_keys(selection)

    def show_keys(self, selection: Selection | None = None) -> None:
        """The key bar for what is selected now; while something is typed, the keys that are not typed too."""
        hints = keymap.hints(selection if selection is not None else self.selection(), self.deck)
        self.query_one("#keys", KeyBar).show(self.hints_of_focus(hints))

    def hints_of_focus(self, hints: tuple[KeyHint, ...]) -> tuple[KeyHint, ...]:
        """Of the keys of the screen those that act where the focus is."""
        typed: tuple[KeyHint, ...] | None = getattr(self.focused and self.focused.parent, "HINTS", None)
        return hints if typed is None else typed

    def on_descendant_focus(self) -> None:
        """Other keys act now."""
        if self.is_mounted and not self.deck_app.leaving:
            self.show_keys()

    on_descendant_blur = on_descendant_focus

    def say(self, sentence: str, *, lasting: bool = False) -> None:
        """Show one sentence above the keys for a few seconds, or until the next; it never covers the keys."""
        if not self.is_mounted:
            return
        from textual.widgets import Static

        found = self.query("#say")
        line = found.first(Static) if found else Static(id="say", markup=False)
        line.update(sentence)
        if not found:
            self.mount(line, before="#keys")
        line.display = True
        if lasting:
            self._silence_at = math.inf
            return
        seconds = max(SAY_SECONDS, len(sentence) / READ_A_SECOND)
        self._silence_at = self.deck.clock.monotonic() + seconds
        self.set_timer(seconds + 0.1, self._hush)

    _silence_at = 0.0

    def hush(self) -> None:
        """Take away the sentence, also one that lasts."""
        self._silence_at = 0.0
        self._hush()

    def _hush(self) -> None:
        if self.deck.clock.monotonic() >= self._silence_at:
            self.query("#say").set(display=False)

    async def action_press(self, ident: str) -> None:
        """A key was pressed: say why it is off, or do it."""
        if self.deck_app.leaving:
            return  # typed ahead of the end
        if not self.is_mounted:
            self.call_after_refresh(self.action_press, ident)  # typed ahead of a screen that is being opened
            return
        selection = self.selection()
        why = off.reason_off(ident, selection, self.deck)
        if why is not None:
            self.say(why)
            return
        own = getattr(self, f"press_{ident.partition('.')[0].replace('-', '_')}", None)
        if own is not None:
            waiting = own(*ident.split(".")[1:])
            if isawaitable(waiting):
                await waiting
            return
        from console.ui import verbs

        await verbs.perform(ident, self, selection)

    def on_key(self, event: events.Key) -> None:
        """A key of other screens says why it does nothing here."""
        if event.key in self.active_bindings or self.deck_app.leaving or not self.is_mounted:
            return
        typed = event.character if event.is_printable else event.key
        ident = keymap.ident_elsewhere(typed or event.key, self.PLACE, self.deck.config.keys)
        if ident is not None:
            self.say(off.elsewhere(ident, self.PLACE))

    @on(KeyBar.Pressed)
    async def _key_clicked(self, message: KeyBar.Pressed) -> None:
        message.stop()
        press = getattr(self.focused and self.focused.parent, "press_hint", None)
        if press is not None:
            await press(message.key)
            return
        ident = keymap.ident_of(message.key, self.PLACE, self.deck.config.keys)
        if ident is not None:
            await self.action_press(ident)
        elif message.key == "tab":
            self.focus_next()

    @on(TabsLine.Selected)
    async def _tab_clicked(self, message: TabsLine.Selected) -> None:
        message.stop()
        self.deck_app.show_place(Place(message.tab))

    def copied(self) -> str:
        """What ``y`` copies: plain text."""
        return ""
