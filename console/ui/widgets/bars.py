"""The lines at the edges of the screen: where one is, what can be opened, what can be pressed."""

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from console.ui.cells import Cell, glyph
from console.ui.widgets.palette import Line, cut_cells, strip_of, width_of


class Tab(NamedTuple):
    """A screen in the tabs line. ``tone`` is that of its number: ``critical`` where something needs a person."""

    id: str
    key: str
    title: str
    number: int | None = None
    tone: str = ""
    short: str = ""
    """The title where there is little room."""


class KeyHint(NamedTuple):
    """A key that can be pressed now.

    ``off`` says why it cannot; ``danger`` marks what changes a host; ``keep`` is not dropped when the line is narrow.
    """

    key: str
    label: str
    off: str | None = None
    danger: bool = False
    keep: bool = False


def _width(cells: Iterable[Cell]) -> int:
    return sum(width_of(cell.text) for cell in cells)


class _Form(NamedTuple):
    """How much the first line says."""

    title: bool = True
    fleet: bool = True
    total: bool = False
    up: bool = True
    note: str = "short"
    """``all`` of it, ``short`` for what is before its colon, or nothing."""
    clock: bool = True


_FORMS = (
    _Form(total=True, note="all"),
    _Form(note="all"),
    _Form(),
    _Form(up=False),
    _Form(title=False, up=False),
    _Form(title=False, fleet=False, up=False, clock=False),
    _Form(title=False, note=""),
    _Form(title=False, fleet=False, note="", clock=False),
)


class StatusBar(Line):
    """The first line: the program, the fleet, its hosts by state, what is special, the time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--strong", "deck--alert", "deck--production"}
    DEFAULT_CSS = """
    StatusBar { height: 1; background: $deck-bar; color: $deck-bar-text; text-style: $deck-bar-style; }
    StatusBar .deck--alert { color: $deck-bar-alert; text-style: bold; }
    StatusBar .deck--production {
        color: $deck-production-text; background: $deck-production; text-style: $deck-production-style;
    }
    """

    clock: reactive[str] = reactive("")
    """The time on the right."""

    def __init__(
        self,
        *,
        clock: str | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """Show a fixed ``clock``, or the time of day when there is none."""
        super().__init__(name=name, id=id, classes=classes)
        self._ticks = clock is None
        self.set_reactive(StatusBar.clock, clock or time.strftime("%H:%M:%S"))
        self._shown: tuple[str, tuple[tuple[str, int], ...], bool, str, str] = ("", (), False, "", "")

    def on_mount(self) -> None:
        """Start the clock."""
        if self._ticks:
            self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        self.clock = time.strftime("%H:%M:%S")

    def show(
        self,
        *,
        fleet: str = "",
        hosts: Sequence[tuple[str, int]] = (),
        read_only: bool = False,
        production: str = "",
        note: str = "",
    ) -> None:
        """Show the fleet's name, how many ``hosts`` are in which state, the word for production and a short note.

        Of a note like ``restart api.service: see it active`` a narrow line keeps what is before the colon.
        """
        shown = (fleet, tuple(hosts), read_only, production, note)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def _left(self, form: _Form) -> list[Cell]:
        fleet, hosts, _, _, note = self._shown
        note = {"all": note, "short": note.partition(": ")[0]}.get(form.note, "")
        cells = [Cell(" hostdeck  ", "strong")] if form.title else [Cell(" ")]
        if fleet and form.fleet:
            cells.append(Cell(f"{fleet}  ", "strong"))
        total = sum(number for _, number in hosts)
        if hosts and form.total:
            cells.append(Cell(f"{total} host{'' if total == 1 else 's'}: "))
        for state, number in hosts:
            if number and (form.up or not note or state != "up"):
                cells.append(Cell(f"{number} {state} ", "" if state == "up" else "alert"))
        if note:
            cells.append(Cell(f" {note}"))
        return cells

    def _right(self, form: _Form) -> list[Cell]:
        _, _, read_only, production, _ = self._shown
        cells: list[Cell] = []
        if production:
            cells += [Cell(f" {production} ", "production"), Cell(" ")]
        if read_only:
            cells += [Cell(" READ-ONLY" if form.title else " RO", "alert"), Cell(" ")]
        if form.clock:
            cells.append(Cell(f" {self.clock} "))
        return cells

    def render_line(self, y: int) -> Strip:
        """Draw the line in the longest form that fits."""
        width = self.size.width
        left: list[Cell] = []
        right: list[Cell] = []
        for form in _FORMS:
            left, right = self._left(form), self._right(form)
            if _width(left) + _width(right) <= width:
                break
        room = max(0, width - _width(right))
        kept, taken = cut_cells(tuple(left), room)
        return strip_of([*kept, Cell(" " * (room - taken)), *right], width, self.book)


class _Zoned(Line):
    """A line with parts that can be clicked."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._zones: list[tuple[int, int, str]] = []

    def zone_at(self, event: events.Click) -> str | None:
        """The part that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        return next((name for start, end, name in self._zones if start <= offset.x < end), None)

    def joined(self, parts: Iterable[tuple[str, list[Cell]]], between: list[Cell], start: list[Cell]) -> list[Cell]:
        """The parts in one line, remembered with their places."""
        cells = list(start)
        x = _width(start)
        self._zones = []
        for name, part in parts:
            if self._zones:
                cells += between
                x += _width(between)
            end = x + _width(part)
            self._zones.append((x, end, name))
            cells += part
            x = end
        return cells


class TabsLine(_Zoned):
    """The screens by number: ``1 Findings 3 | 2 Services 148 | ...``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--muted", "deck--critical", "deck--warning", "deck--tab"}
    DEFAULT_CSS = """
    TabsLine { height: 1; }
    TabsLine .deck--tab { background: $deck-cursor; text-style: $deck-cursor-style; }
    """

    active: reactive[str] = reactive("")
    """The id of the open screen."""

    class Selected(Message):
        """A click on a tab."""

        def __init__(self, bar: "TabsLine", tab: str) -> None:
            super().__init__()
            self.bar = bar
            self.tab = tab

        @property
        def control(self) -> "TabsLine":
            """The line."""
            return self.bar

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._tabs: tuple[Tab, ...] = ()

    def show(self, tabs: Sequence[Tab]) -> None:
        """Show these tabs."""
        if tuple(tabs) != self._tabs:
            self._tabs = tuple(tabs)
            self.refresh()

    def _title(self, tab: Tab, brief: int) -> str:
        """The title, ever shorter; of the open tab and of those that alarm it goes last."""
        matters = tab.id == self.active or (tab.number is not None and bool(tab.tone))
        if brief < 2 or (tab.id == self.active and brief < 6):
            return tab.title
        if brief < 3:
            return tab.title if matters else tab.short or tab.title
        return (tab.short or tab.title) if matters or brief < 4 else ""

    def _part(self, tab: Tab, brief: int) -> list[Cell]:
        """A tab, ever shorter: without the numbers that alarm nobody, with a short title, without any."""
        open_now = tab.id == self.active
        title = self._title(tab, brief)
        cells = [Cell(f"{tab.key} {title}".rstrip(), "tab" if open_now else "")]
        if tab.number is not None and (brief < 1 or tab.tone or open_now):
            cells.append(Cell(f" {tab.number}", tab.tone if not open_now else "tab"))
        pad = Cell(" ", "tab" if open_now else "")
        return [pad, *cells, pad]

    def render_line(self, y: int) -> Strip:
        """Draw the line in the longest form that fits."""
        width = self.size.width
        cells: list[Cell] = []
        for brief in range(7):
            between = [Cell(glyph("│", "|"), "muted")] if brief < 5 else []
            cells = self.joined([(tab.id, self._part(tab, brief)) for tab in self._tabs], between, [])
            if _width(cells) <= width:
                break
        return strip_of(cells, width, self.book)

    def on_click(self, event: events.Click) -> None:
        """Tell which tab was clicked."""
        tab = self.zone_at(event)
        if tab is not None:
            event.stop()
            self.post_message(self.Selected(self, tab))


class KeyBar(_Zoned):
    """The last line: the next keys. What is off is grey; pressing or clicking it says why."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--muted", "deck--key", "deck--danger"}
    DEFAULT_CSS = """
    KeyBar { height: 1; }
    KeyBar .deck--key { color: $deck-accent; text-style: bold; }
    KeyBar .deck--danger { color: $deck-warning; text-style: bold; }
    """

    class Pressed(Message):
        """A click on a key, also on one that is off."""

        def __init__(self, bar: "KeyBar", key: str) -> None:
            super().__init__()
            self.bar = bar
            self.key = key

        @property
        def control(self) -> "KeyBar":
            """The line."""
            return self.bar

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show these keys, the most useful first."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    @staticmethod
    def _part(hint: KeyHint) -> list[Cell]:
        label = f" {hint.label}" if hint.label else ""
        if hint.off is not None:
            return [Cell(f"{hint.key}{label}", "muted")]
        return [Cell(hint.key, "danger" if hint.danger else "key"), Cell(label)]

    @staticmethod
    def _shorten(hints: list[KeyHint]) -> None:
        """Leave out what matters least: a key that is not kept, then keys before the last two, which lead to all."""
        loose = [index for index, hint in enumerate(hints) if not hint.keep]
        worded = [index for index, hint in enumerate(hints) if hint.label]
        if loose:
            del hints[loose[-1]]
        elif len(hints) > 3:
            del hints[-3]
        elif worded:
            hints[worded[-1]] = hints[worded[-1]]._replace(label="")
        else:
            del hints[0]

    def render_line(self, y: int) -> Strip:
        """Draw as many keys as fit."""
        width = self.size.width
        hints = list(self._hints)
        cells: list[Cell] = []
        while True:
            parts = [(hint.key, self._part(hint)) for hint in hints]
            cells = self.joined(parts, [Cell("  ")], [Cell(" ")])
            if _width(cells) <= width or len(hints) < 2:
                break
            self._shorten(hints)
        return strip_of(cells, width, self.book)

    def on_click(self, event: events.Click) -> None:
        """Tell which key was clicked."""
        key = self.zone_at(event)
        if key is not None:
            event.stop()
            self.post_message(self.Pressed(self, key))
