"""What the selected service uses: read again and again for as long as it is looked at, and never else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.core.usage import Reading, Usage, usage_rates

if TYPE_CHECKING:
    from textual.timer import Timer

    from console.core.service import ServiceRef
    from console.ui.screens.list_screen import ListScreen

EVERY = 2.0
"""Seconds between two readings."""
PAUSE = 0.3
"""Seconds that the cursor must rest: running through a list asks nothing."""


class UsageWatch:
    """Reads for the one service that is selected."""

    def __init__(self, screen: ListScreen) -> None:
        self._screen = screen
        self._ref: ServiceRef | None = None
        self._before: Reading | None = None
        self._known: Usage | None = None
        self._timer: Timer | None = None

    def of(self, ref: ServiceRef) -> Usage | None:
        """What is known of it by now; goes on reading while it is the one that is selected."""
        if ref != self._ref:
            if self._timer is not None:
                self._timer.stop()
            self._ref, self._before, self._known = ref, None, None
            self._timer = self._screen.set_timer(PAUSE, self._read_soon)
        return self._known

    def _read_soon(self) -> None:
        ref = self._ref
        if ref is not None and self._screen.is_current and self._screen.table.cursor_key == ref:
            self._screen.run_worker(self._read(ref), group="usage", exclusive=True, exit_on_error=False)
        else:
            # Whoever comes back to it begins anew.
            self._ref = None

    async def _read(self, ref: ServiceRef) -> None:
        try:
            found = await self._screen.deck.fleet.usage(ref)
        except Exception as error:
            found = Usage(failure=str(error))
        if ref != self._ref:
            return
        if found.reading is not None and self._before is not None:
            found = replace(found, rates=usage_rates(self._before, found.reading))
        self._before, self._known = found.reading, found
        self._timer = self._screen.set_timer(EVERY, self._read_soon)
        if self._screen.is_current:
            self._screen.sync_detail()
