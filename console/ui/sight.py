"""Nothing is answered by a key that was typed before the question was in sight.

Keys wait: in the terminal, in the queue of the app, behind what the key in front of them opens. What counts is when a
key was read, against when the terminal had been sent what the answer is about.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.driver import Driver

LOOK = 0.3
"""Seconds that a question is in sight before it can be answered."""
_AGAIN = 0.05
"""Seconds until it is asked again whether the terminal is up to date."""
TOO_EARLY = "typed before this was in sight: press it once more"


class Sight:
    """When a screen that asks something was first in sight, and which keys came before that."""

    def __init__(self, drawn: Callable[[], bool]) -> None:
        """``drawn`` tells whether the last picture had the text that the answer is about."""
        self._drawn = drawn
        self._since: float | None = None
        self._waiting = False

    def painted(self, app: App[int]) -> None:
        """A picture of the screen was made and handed to the terminal."""
        if not self._waiting and self._drawn():
            self._waiting = True
            app.set_timer(LOOK, lambda: self._settle(app))

    def _settle(self, app: App[int]) -> None:
        """From now on keys count, unless the picture is still on its way or there are keys that were not read yet."""
        if _behind(app._driver):
            app.set_timer(_AGAIN, lambda: self._settle(app))
        else:
            self._since = time.monotonic()

    @property
    def open(self) -> bool:
        """Whether a key that comes now counts."""
        return self._since is not None

    def missed(self, typed_at: float) -> bool:
        """Whether a key was read before it could be meant for this screen."""
        return self._since is None or typed_at < self._since


def _behind(driver: Driver | None) -> bool:
    """Whether something is still to be written to the terminal, or to be read from it."""
    writer = getattr(driver, "_writer_thread", None)
    if writer is not None and not writer._queue.empty():
        return True
    source = getattr(driver, "fileno", None)
    return isinstance(source, int) and bool(select.select([source], [], [], 0)[0])
