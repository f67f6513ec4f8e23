"""The last lines of a service's log, fetched a moment after the service was selected and kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.core.snapshot import LogLine

if TYPE_CHECKING:
    from textual.timer import Timer

    from console.core.service import ServiceRef
    from console.ui.screens.deck_screen import DeckScreen

LINES = 20
"""Lines that are asked for: the evidence has all of them."""
SHOWN = 5
"""Lines of them that a list or a verdict has room for."""
KEPT_SECONDS = 10.0
PAUSE = 0.3
"""Seconds that the cursor must rest: running through a list asks nothing."""


class LogTail:
    """Fetches for the one service that is selected."""

    def __init__(self, screen: DeckScreen) -> None:
        self._screen = screen
        self._lines: dict[ServiceRef, tuple[float, tuple[LogLine, ...]]] = {}
        self._wanted: ServiceRef | None = None
        self._timer: Timer | None = None

    def of(self, ref: ServiceRef) -> tuple[LogLine, ...]:
        """What is known of the end of its log; asks for it where that is old."""
        at, lines = self._lines.get(ref, (None, ()))
        now = self._screen.deck.clock.monotonic()
        if (at is None or now - at > KEPT_SECONDS) and self._wanted != ref:
            self._wanted = ref
            if self._timer is not None:
                self._timer.stop()
            self._timer = self._screen.set_timer(PAUSE, self._fetch)
        return lines

    def _fetch(self) -> None:
        ref = self._wanted
        if ref is not None and self._screen.is_current:
            self._screen.run_worker(self._read(ref), group="tail", exclusive=True, exit_on_error=False)
        else:
            self._wanted = None

    async def _read(self, ref: ServiceRef) -> None:
        deck = self._screen.deck
        try:
            lines = [line async for line in deck.fleet.follow(ref, lines=LINES, since=None, follow_on=False)]
        except Exception as error:
            lines = [LogLine(ref.host, ref.name, "journal", f"not seen: {error}", level="warning")]
        finally:
            self._wanted = None
        self._lines[ref] = (deck.clock.monotonic(), tuple(lines[-LINES:]))
        if self._screen.is_current:
            self._screen.sync()
