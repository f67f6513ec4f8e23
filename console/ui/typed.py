"""What is typed is handled key by key: none is read before all that the one before it has opened is there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import App
    from textual.dom import DOMNode
    from textual.events import Event
    from textual.timer import Timer

PATIENCE = 5.0
"""Seconds after which the next key is handled all the same: a widget that went away answers nothing."""
ROUNDS = 10
"""How often the focus may move on behind one key."""


class Typed:
    """Textual gives a key to what has the focus when it arrives. In a burst (a paste, a slow link, a fast hand) that is
    before the key in front of it has moved the focus: ``/`` and then ``r`` would restart what was to be looked for.

    So the next key waits until a call has climbed from the focus to the app behind the one before it, twice in a row
    with the focus where it was.
    """

    def __init__(self, app: App[int], handle: Callable[[Event], Awaitable[None]]) -> None:
        self._app, self._handle = app, handle
        self._waiting: deque[Event] = deque()
        self._turn = 0
        self._rounds = 0
        self._handling = False
        self._alarm: Timer | None = None

    async def take(self, event: Event) -> None:
        """Handle this key now, or as soon as those before it are done."""
        self._waiting.append(event)
        if not self._handling:
            await self._next()

    async def _next(self) -> None:
        self._turn += 1
        self._handling = bool(self._waiting)
        if not self._waiting:
            return
        self._rounds = 0
        try:
            await self._handle(self._waiting.popleft())
        finally:
            turn = self._turn
            self._alarm = self._app.set_timer(PATIENCE, lambda: self._go_on(turn))
            self._climb(self._path(), turn)

    def _path(self) -> Sequence[DOMNode]:
        """From what has the focus to the app."""
        screens = self._app.screen_stack
        return (self._app.focused or (screens[-1] if screens else self._app)).ancestors_with_self

    def _climb(self, begun: Sequence[DOMNode], turn: int, step: int = 0) -> None:
        if turn != self._turn:
            return
        while step < len(begun):
            if begun[step].call_later(self._climb, begun, turn, step + 1):
                return
            step += 1
        self._arrived(begun, turn)

    def _arrived(self, begun: Sequence[DOMNode], turn: int) -> None:
        """The call is at the top: once more from where the focus is now, unless that is settled."""
        self._rounds += 1
        now = self._path()
        if self._rounds < ROUNDS and (self._rounds < 2 or now[0] is not begun[0]):
            self._climb(now, turn)
        else:
            self._go_on(turn)

    def _go_on(self, turn: int) -> None:
        if turn == self._turn:
            self._turn += 1
            if self._alarm is not None:
                self._alarm.stop()
            self._app.call_later(self._next)
