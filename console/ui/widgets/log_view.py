"""Log lines as they come, followed or frozen, filtered and searched.

Feeding is cheap and may happen at any rate; what was fed is taken over ten times a second, and only the lines in sight
are ever styled. The view scrolls by lines: a wrapped line is one step.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from console.core.snapshot import LogLine
from console.ui.widgets.log_buffer import LogBuckets, LogBuffer, LogPosition, pattern_of
from console.ui.widgets.log_pane import LogPane

__all__ = ["LogBuckets", "LogPosition", "LogView"]

_PERIOD = 0.1
_FLOOD_PERIOD = 0.25
"""Nobody reads a flood: more than a screenful between two looks is painted less often, which spares slow links."""


class LogView(LogPane):
    """A view of log lines; see the module."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="move.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="move.up"),
        Binding("g,home", "edge(-1)", "Oldest", show=False, id="move.top"),
        Binding("G,end", "edge(1)", "Newest", show=False, id="move.bottom"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("left", "sideways(-1)", "Left", show=False, id="log.left"),
        Binding("right", "sideways(1)", "Right", show=False, id="log.right"),
    ]
    following: reactive[bool] = reactive(True, init=False)
    """Whether the newest line is kept in sight."""

    class Moved(Message):
        """The position or one of its counts changed; at most ten times a second."""

        def __init__(self, view: "LogView", position: LogPosition) -> None:
            super().__init__()
            self.view = view
            self.position = position

        @property
        def control(self) -> "LogView":
            """The view."""
            return self.view

    def __init__(
        self,
        *,
        max_lines: int = 50_000,
        max_bytes: int = 16 << 20,
        now: Callable[[], float] = time.time,
        offset: float | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``now`` gives Unix time; ``offset`` is the zone of shown times in seconds east of UTC, by default ours."""
        super().__init__(LogBuffer(max_lines, max_bytes), offset=offset, name=name, id=id, classes=classes)
        self._pending: list[LogLine] = []
        self._now = now
        self._skews: dict[str, float] = {}
        self._born = now()
        self._lag: float | None = None
        self._told = LogPosition()
        self._waited = _FLOOD_PERIOD

    def on_mount(self) -> None:
        """Begin to take lines over."""
        self.set_interval(_PERIOD, self.drain, name="log-drain")

    # What comes in

    def feed(self, lines: Iterable[LogLine]) -> None:
        """Add lines, the newest last. They are shown at the next look."""
        self._pending.extend(lines)
        if len(self._pending) > 2 * self._buffer.max_lines:
            # Not taken over for long (the screen is not open): keep what would be kept anyway.
            del self._pending[: -self._buffer.max_lines]

    def dropped(self, count: int) -> None:
        """Say in the view that so many lines were dropped here."""
        self._pending.append(self._buffer.marker(count))

    def clear(self) -> None:
        """Forget all lines; filter and search stay."""
        self._pending.clear()
        self._buffer.clear()
        self._born, self._lag, self._match, self._left = self._now(), None, None, 0
        self._scroll(0)
        self.following = True
        self._changed()

    def set_skews(self, skews: Mapping[str, float]) -> None:
        """Set by how many seconds the clock of each host is ahead of ours; without it the lag would be wrong."""
        self._skews = dict(skews)

    def drain(self) -> None:
        """Take over what was fed; called ten times a second."""
        pending = self._pending
        if not pending:
            self._tell()
            return
        self._waited += _PERIOD
        if len(pending) > self._page and self._waited < _FLOOD_PERIOD - _PERIOD / 2:
            return
        self._waited = 0.0
        self._pending = []
        newest = pending[-1]
        if newest.at is not None:
            at = newest.at - self._skews.get(newest.host, 0.0)
            self._lag = max(0.0, self._now() - at) if at >= self._born - 1 else None
        gone = self._buffer.add(pending)
        if not self.following and gone:
            self._scroll(self.scroll_offset.y - gone)
        self._changed(painted=self.following or gone > 0 or len(self._buffer) <= self._page + len(pending))

    def _changed(self, painted: bool = True) -> None:
        """The lines are others than before."""
        self.set_line_count(self._end_top() + self._page)
        if self.following:
            self._scroll(self._end_top())
        if painted:
            self._repaint()
        self._tell()

    # Filter and search

    def set_filter(self, text: str, *, regex: bool = False, worst: str = "debug") -> str | None:
        """Show only lines whose message has the text and that are at least as bad as ``worst``; ``""`` shows all.

        Returns what is wrong with a regular expression; then nothing changes. The line at the top stays near.
        """
        try:
            pattern = pattern_of(text, regex=regex) if text else None
        except re.error as error:
            return f"not a regular expression: {error}"
        buffer = self._buffer
        top = self.scroll_offset.y
        anchor = buffer.sequence(top) if top < len(buffer) else None
        buffer.set_filter(pattern, worst)
        self.set_line_count(self._end_top() + self._page)
        if anchor is not None and not self.following:
            self._scroll(buffer.index(anchor))
        self._changed()
        return None

    def search(self, text: str, *, regex: bool = False) -> str | None:
        """Highlight the text and go to the last line that has it, at or above the end of what is in sight.

        Returns what is wrong with a regular expression; then nothing changes. ``""`` ends the search.
        """
        try:
            pattern = pattern_of(text, regex=regex) if text else None
        except re.error as error:
            return f"not a regular expression: {error}"
        self._buffer.set_search(pattern)
        self._match = None
        last = min(len(self._buffer), self.scroll_offset.y + self._page)
        if pattern is not None and last:
            end = self._buffer.sequence(last - 1) + 1
            found = self._buffer.find(end, -1)
            self._show_match(found if found is not None else self._buffer.find(end - 1, 1))
        self._repaint()
        self._tell()
        return None

    def next_match(self) -> bool:
        """Go to the next match below; ``False`` where there is none."""
        return self._step(1)

    def previous_match(self) -> bool:
        """Go to the next match above; ``False`` where there is none."""
        return self._step(-1)

    def _step(self, direction: int) -> bool:
        if not len(self._buffer):
            return False
        here = self._match
        if here is None:
            here = self._buffer.sequence(min(self.scroll_offset.y, len(self._buffer) - 1))
        return self._show_match(self._buffer.find(here, direction))

    def _show_match(self, sequence: int | None) -> bool:
        if sequence is None:
            return False
        self._match = sequence
        self.following = False
        index, top = self._buffer.index(sequence), self.scroll_offset.y
        if not top <= index < top + self._lines_in_sight():
            self._scroll(index - self._page // 2)
        self._repaint()
        self._tell()
        return True

    # Where one is

    @property
    def position(self) -> LogPosition:
        """Where the view stands."""
        buffer = self._buffer
        shown = len(buffer)
        first = min(self.scroll_offset.y + 1, shown)
        last = min(shown, max(0, first + self._lines_in_sight() - 1))
        return LogPosition(
            first,
            last,
            shown,
            len(buffer.lines),
            buffer.hidden,
            buffer.dropped,
            buffer.matches,
            self._lag,
            self.following,
        )

    def histogram(self, buckets: int) -> LogBuckets | None:
        """The shown lines over time."""
        return self._buffer.histogram(buckets)

    def visible_text(self) -> str:
        """The messages in sight, whole, one a line; for copying."""
        top = self.scroll_offset.y
        end = min(len(self._buffer), top + self._lines_in_sight())
        return "\n".join(self._buffer.line(index).message for index in range(top, end))

    def around(self, lines: int) -> tuple[tuple[LogLine, ...], int] | None:
        """The line under the cursor with so many lines before and after it, and its place among them."""
        at = self.pointed
        if at is None:
            return None
        first = max(0, at - lines)
        last = min(len(self._buffer), at + lines + 1)
        return tuple(self._buffer.line(index) for index in range(first, last)), at - first

    def on_click(self, event: events.Click) -> None:
        """Point at a line, and stay there."""
        rows = self._rows()
        if event.y < len(rows):
            self._match = self._buffer.sequence(rows[event.y][0])
            self.following = False
            self._repaint()
            self._tell()

    def _tell(self) -> None:
        position = self.position
        if position != self._told:
            self._told = position
            self.post_message(self.Moved(self, position))

    def on_resize(self) -> None:
        """Fit the lines to another size."""
        self._changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Another part is in sight."""
        self._painted = None
        super().watch_scroll_y(old_value, new_value)
        self._tell()

    def on_mouse_scroll_up(self) -> None:
        """Who turns the wheel back wants to read: freeze."""
        if self.max_scroll_y:
            self.following = False

    # Keys

    def watch_following(self, following: bool) -> None:
        """Go to the newest line, or stay."""
        if following:
            self._match = None
            self._changed()
        self._tell()

    def watch_wrap(self) -> None:
        """Wrap or cut; the line at the top stays."""
        self._left = 0
        self._changed()

    def action_toggle_follow(self) -> None:
        """Follow or freeze."""
        self.following = not self.following

    def action_toggle_wrap(self) -> None:
        """Wrap long lines or cut them."""
        self.wrap = not self.wrap

    def action_next_match(self) -> None:
        """Go to the next match."""
        self.next_match()

    def action_previous_match(self) -> None:
        """Go to the previous match."""
        self.previous_match()

    def action_move(self, by: int) -> None:
        """Scroll by so many lines."""
        if by < 0:
            self.following = False
        self._scroll(self.scroll_offset.y + by)
        self._tell()

    def action_page(self, pages: int) -> None:
        """Scroll by so many screenfuls."""
        self.action_move(pages * max(1, self._lines_in_sight() - 1))

    def action_edge(self, direction: int) -> None:
        """Go to the oldest line (-1), or to the newest and follow (1)."""
        if direction > 0:
            self.following = True
        else:
            self.following = False
            self._scroll(0)
            self._tell()
