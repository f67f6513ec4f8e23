"""The log of one service, as it is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widgets import Static

from console.core.keys import Place
from console.core.snapshot import LogLine
from console.core.words import listed
from console.ui import cells, keymap
from console.ui.present.words import service_name
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.widgets.filter_input import FilterInput
from console.ui.widgets.histogram import NOTHING, Histogram
from console.ui.widgets.log_view import LogPosition, LogView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from console.core.service import ServiceRef
    from console.core.snapshot import Symptom

BACK = 500
"""Lines of the past that are asked for."""
BATCH = 2000
"""Lines handed to the view at once while more are waiting."""
TIMES = 56
"""Columns from which lines have their time."""
AGAIN = 2.0
"""Seconds until a log whose stream ended is followed again."""


class LogsScreen(DeckScreen):
    """Histogram, lines, position; filter and search in the line below."""

    PLACE: ClassVar[Place] = Place.LOGS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.LOGS)]
    CSS_PATH = "logs.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#log"

    def __init__(self) -> None:
        super().__init__()
        self._shown: ServiceRef | None = None
        self._workers: list[Worker[None]] = []
        self._searching = False
        self._pattern = ""
        self._why = ""
        self._needle = ""
        self._trouble: dict[str, str] = {}
        self._newest: dict[str, float | None] = {}
        """The time of the newest line of each stream that gave any."""
        self._without: dict[str, str] = {}
        """Files of which no line had a time so far, with the stream that each comes from."""

    def body(self) -> ComposeResult:
        """How many lines when, the lines, where one is in them."""
        offset = self.deck.clock.offset()
        yield Histogram(id="histogram", offset=offset)
        view = LogView(id="log", now=self.deck.clock.wall, offset=offset)
        # One service is followed here: the line below the log says which, once.
        view.set_reactive(LogView.source_column, False)
        view.picks = _says_bind
        yield view
        yield Static(id="position", markup=False)
        yield FilterInput(id="filter")

    def selection(self) -> Selection:
        """The service whose log is shown, and what the line under the cursor says of a port."""
        ref = self.deck.log
        if ref is None:
            return Selection(self.PLACE)
        symptom = self._symptom(ref)
        labels = {"why": _why_words(symptom)} if symptom is not None else {}
        return Selection(self.PLACE, ref.host, (ref,), symptom=symptom, labels=labels, open=True)

    def _symptom(self, ref: ServiceRef) -> Symptom | None:
        """What the line under the cursor says, where it is one on a port."""
        from console.diagnosis.bind_errors import NEAR, at_line

        found = self.view.around(NEAR) if self.is_mounted else None
        return None if found is None else at_line(ref, *found)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Follow the service that is wanted now."""
        del changed
        if self.deck.log != self._shown:
            self._follow(self.deck.log)
        if self._shown is not None:
            skew = self.deck.store.snapshot(self._shown.host).clock_skew
            self.view.set_skews({self._shown.host: skew or 0.0})
        self._show_position()

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one("#log", LogView)

    def _follow(self, ref: ServiceRef | None) -> None:
        self._shown = ref
        self._turn += 1
        self._trouble, self._newest, self._without = {}, {}, {}
        self.view.clear()
        for worker in self._workers:
            worker.cancel()
        services = self.deck.store.snapshot(ref.host).services if ref is not None else ()
        sources = ("", *self.deck.log_files(ref, services)) if ref is not None else ()
        self._workers = [
            self.run_worker(self._read(ref, source), group=f"follow {source}", exit_on_error=False)
            for source in sources
            if ref is not None
        ]

    _turn = 0
    """How many services were shown so far."""

    async def _read(self, ref: ServiceRef, file: str) -> None:
        """Feed the view for as long as the service is shown; a stream that ends is opened again where it ended."""
        lines = BACK
        while ref == self._shown:
            try:
                await self._stream(ref, file, lines)
                self._trouble[file] = "the log ended; it is opened again"
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._trouble[file] = str(error) or type(error).__name__
            self._show_position()
            lines = 0 if self._newest.get(file, 0.0) is None else BACK
            await asyncio.sleep(AGAIN)

    async def _stream(self, ref: ServiceRef, file: str, lines: int) -> None:
        """Follow one source to its end. Opened again, it goes on behind the newest line that is there already.

        Without times nobody knows where it ended: what came meanwhile is left out rather than shown twice.
        """
        waiting: list[LogLine] = []
        turn = self._turn
        newest = self._newest.get(file)
        since = None if newest is None else newest + 1e-6
        for source in [source for source, stream in self._without.items() if stream == file]:
            self._mark_gap(ref, source)
        stream = self.deck.fleet.follow(ref, lines=lines, since=since, follow_on=True, file=file, untimed=0)
        async for line in stream:
            self._trouble.pop(file, None)
            waiting.append(line)
            self._newest[file] = line.at or self._newest.get(file)
            self._note_times(line, file)
            if len(waiting) >= BATCH:
                self._flush(turn, waiting)
                await asyncio.sleep(0)
            elif len(waiting) == 1:
                self.call_later(self._flush, turn, waiting)
        self._flush(turn, waiting)

    def _note_times(self, line: LogLine, file: str) -> None:
        if line.at is None:
            self._without.setdefault(line.source, file)
        else:
            self._without.pop(line.source, None)

    def _mark_gap(self, ref: ServiceRef, source: str) -> None:
        words = f"… the stream broke off here: {_no_times(source)}, so what came of it meanwhile is not shown"
        self.view.feed((LogLine(ref.host, ref.name, source, words, level="warning"),))

    def _flush(self, turn: int, waiting: list[LogLine]) -> None:
        # What was called for later may come when another service is shown.
        if waiting and turn == self._turn:
            self.view.feed(tuple(waiting))
            waiting.clear()

    @on(LogView.Moved)
    def _moved(self, message: LogView.Moved) -> None:
        message.stop()
        self._show_histogram(message.position)
        self._show_position(message.position)
        self._name_why()

    def _name_why(self) -> None:
        """The key says so when it would diagnose just the line under the cursor."""
        symptom = self._symptom(self.deck.log) if self.deck.log is not None else None
        words = _why_words(symptom) if symptom is not None else ""
        if words != self._why:
            self._why = words
            self.show_keys()

    def _show_histogram(self, at: LogPosition) -> None:
        histogram = self.query_one("#histogram", Histogram)
        histogram.show(self.view.histogram(max(10, histogram.size.width)), self._nothing(at))

    def _nothing(self, at: LogPosition) -> str:
        """Why no line is shown; the line below says it where no log is chosen."""
        if self._shown is None:
            return ""
        if self._needle and at.total and not at.shown:
            return f"no line contains {self._needle!r}: esc shows all"
        return _no_times(listed(self._without, 2)) if self._without else NOTHING

    def _show_position(self, position: LogPosition | None = None) -> None:
        self.query_one("#position", Static).update(self.position_words(position or self.view.position))

    def position_words(self, at: LogPosition) -> str:
        """Where one is, what matters first: the service, whether it follows, which lines, what is hidden or lost."""
        ref = self._shown
        if ref is None:
            return "No service is chosen: press l on a finding, a service or a port."
        words = [f"{ref.host} {service_name(ref)}"]
        if self._trouble:
            words += [f"{file}: {why}" if file else why for file, why in self._trouble.items()]
        else:
            words.append("follows" if at.following else "FROZEN: f follows again")
        if at.shown:
            words.append(f"lines {cells.count(at.first)}-{cells.count(at.last)} of {cells.count(at.shown)}")
        words += [f"{cells.count(count)} {word}" for count, word in
                  ((at.matches, "found"), (at.hidden, "hidden"), (at.dropped, "dropped")) if count]  # fmt: skip
        words += [f"last line {cells.age(at.lag)} ago"] if at.lag is not None else []
        if self._without and any(newest is not None for newest in self._newest.values()):
            words.append(_no_times(listed(self._without, 2)))
        words += [] if at.total else ["no line yet"]
        words += [f"in {self.deck.clock.zone_name()}"] if self.size.width >= TIMES else []
        return "   ".join(words)

    def press_follow(self) -> None:
        """Follow the end, or stay."""
        self.view.action_toggle_follow()
        self._show_position()

    def press_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.view.action_toggle_wrap()

    def press_filter(self) -> None:
        """Type what lines must contain."""
        self._open_input("/", self._needle, searching=False)

    def press_search(self) -> None:
        """Go on, or type what to look for."""
        if self._pattern:
            if not self.view.next_match():
                self.say(f"{self._pattern!r} is in no line that is shown")
        else:
            self._open_input("find ", "", searching=True)

    def press_search_back(self) -> None:
        """Go back to the match before."""
        if not self._pattern:
            self.press_search()
        elif not self.view.previous_match():
            self.say(f"{self._pattern!r} is in no line that is shown")

    def _open_input(self, prompt: str, text: str, *, searching: bool) -> None:
        self._searching = searching
        line = self.query_one("#filter", FilterInput)
        line.prompt = prompt
        line.open(text)

    @on(FilterInput.Changed)
    def _typed(self, message: FilterInput.Changed) -> None:
        message.stop()
        self._apply(message.text)

    def _apply(self, text: str) -> None:
        """Show only what contains the text, or mark where it is found."""
        if self._searching:
            self._pattern = text
            problem = self.view.search(text)
        else:
            self._needle = text
            problem = self.view.set_filter(text)
        self.query_one("#filter", FilterInput).error = problem or ""
        self._show_histogram(self.view.position)
        self._show_position()

    @on(FilterInput.Submitted)
    def _kept(self, message: FilterInput.Submitted) -> None:
        message.stop()
        self.view.focus()

    @on(FilterInput.Cancelled)
    def _cancelled(self, message: FilterInput.Cancelled) -> None:
        message.stop()
        self._apply(message.text)
        self.view.focus()

    def _drop_input(self) -> None:
        self.query_one("#filter", FilterInput).close()
        self._needle = self._pattern = ""
        self.view.set_filter("")
        self.view.search("")
        self.view.focus()

    def press_back(self) -> None:
        """Without filter and search first, then to the findings."""
        if self._needle or self._pattern:
            self._drop_input()
        else:
            self.deck_app.show_place(Place.FINDINGS)

    def copied(self) -> str:
        """The lines in sight."""
        return self.view.visible_text()


def _no_times(source: str) -> str:
    return f"the lines of {source} carry no time"


def _says_bind(message: str) -> bool:
    """Whether a line says that something cannot be bound."""
    from console.diagnosis.bind_errors import read_line

    return read_line(message) is not None


def _why_words(symptom: Symptom) -> str:
    """What ``w`` would diagnose, as the key bar says it."""
    return f"why :{symptom.endpoint.port}" if symptom.endpoint is not None else "why this line"
