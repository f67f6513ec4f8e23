"""What a terminal shows, as far as it is known, and the fewest bytes that make it show something else.

Control sequences as in ECMA-48, and DECSTBM (the scrolling region) as every terminal since the VT100 has it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TypeVar, cast

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size

Code = tuple[str, str, str]
"""Attributes, foreground and background as parameters of SGR (ECMA-48 8.3.117)."""

_PLAIN: Code = ("", "", "")
_ATTRIBUTES = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("reverse", "7"),
    ("conceal", "8"),
    ("strike", "9"),
    ("underline2", "21"),
    ("overline", "53"),
)
_GAP = 4
"""Moving the cursor over unchanged cells takes about as many bytes as writing this many again."""
_MOVED_FROM = 6
"""Scrolling pays when at least so many lines only moved."""

Row = tuple[list[str | None], list[Code]]
"""Characters and codes of one line, an entry a cell; ``None`` is a cell of which nothing is known."""


@lru_cache(maxsize=4096)
def code_of(style: Style | None, system: ColorSystem) -> Code:
    """The parameters that give a style in a colour system. Links are left out: none is wanted from a host."""
    if style is None:
        return _PLAIN
    attributes = ";".join(code for name, code in _ATTRIBUTES if getattr(style, name))
    front = back = ""
    if style.color is not None and not style.color.is_default:
        front = ";".join(style.color.downgrade(system).get_ansi_codes(foreground=True))
    if style.bgcolor is not None and not style.bgcolor.is_default:
        back = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False))
    return (attributes, front, back)


@lru_cache(maxsize=1024)
def _wide_cells(text: str) -> tuple[str, ...]:
    cells: list[str] = []
    for character in text:
        size = get_character_cell_size(character)
        if size:
            cells.append(character)
            cells.extend([""] * (size - 1))
        elif cells:
            lead = next(index for index in range(len(cells) - 1, -1, -1) if cells[index])
            cells[lead] += character
    width = cell_len(text)
    if len(cells) != width:
        # A sequence whose width is not the sum of its characters' (emoji): written whole or not at all.
        return (text, *[""] * (width - 1))
    return tuple(cells)


def cells_of(text: str) -> Sequence[str]:
    """One entry for each cell of the terminal: its characters, empty for the second half of a wide one."""
    return text if text.isascii() else _wide_cells(text)


class Terminal:
    """What the terminal shows, as far as it is known, and how it is brought to show something else."""

    __slots__ = ("_at", "_code", "_out", "characters", "codes", "size", "system")

    def __init__(self) -> None:
        self.size = Size(0, 0)
        self.system = ColorSystem.TRUECOLOR
        self.characters: list[list[str | None]] = []
        self.codes: list[list[Code]] = []
        self._begin()

    def _begin(self) -> None:
        self._out: list[str] = []
        self._code = _PLAIN
        self._at = (-1, -1)

    def forget(self, size: Size, console: Console) -> None:
        """Nothing is known of a terminal of this size."""
        self.size = size
        self.system = COLOR_SYSTEMS.get(console.color_system or "truecolor", ColorSystem.TRUECOLOR)
        self.characters = [[None] * size.width for _ in range(size.height)]
        self.codes = [[_PLAIN] * size.width for _ in range(size.height)]

    def put(self, x: int, y: int, segments: Iterable[Segment]) -> None:
        """Show these segments from a cell on."""
        if 0 <= y < self.size.height:
            self._show(x, y, *self._row(segments, self.size.width - x))

    def paint(self, pieces: Iterable[tuple[int, int, Iterable[Segment]]]) -> None:
        """Show many pieces (first cell, line, segments); lines that only moved are scrolled, not written again."""
        rows = [(x, y, self._row(segments, self.size.width - x)) for x, y, segments in pieces if y < self.size.height]
        wanted: dict[int, Row] = {}
        if len(rows) > _MOVED_FROM:
            wanted = self._scrolled(rows)
        if wanted:
            for y, row in wanted.items():
                self._show(0, y, *row)
        else:
            for x, y, row in rows:
                self._show(x, y, *row)

    def _row(self, segments: Iterable[Segment], width: int) -> Row:
        characters: list[str | None] = []
        codes: list[Code] = []
        for text, style, control in segments:
            if not control:
                cells = cells_of(text)
                characters.extend(cells)
                codes.extend([code_of(style, self.system)] * len(cells))
        del characters[width:], codes[width:]
        return characters, codes

    def _show(self, x: int, y: int, characters: list[str | None], codes: list[Code]) -> None:
        shown, shown_codes = self.characters[y], self.codes[y]
        end = x + len(characters)
        if shown[x:end] == characters and shown_codes[x:end] == codes:
            return
        for start, stop in self._runs(characters, codes, shown[x:end], shown_codes[x:end]):
            self._write(x + start, y, characters[start:stop], codes[start:stop])
        shown[x:end], shown_codes[x:end] = characters, codes

    def _scrolled(self, pieces: Sequence[tuple[int, int, Row]]) -> dict[int, Row]:
        """Scroll where that spares writing; returns the whole lines that are wanted then, or nothing.

        Lines are told apart by their text alone: what differs in style is written afterwards like any difference.
        """
        wanted: dict[int, Row] = {}
        for x, y, (characters, codes) in pieces:
            row = wanted.setdefault(y, (self.characters[y].copy(), self.codes[y].copy()))
            row[0][x : x + len(characters)], row[1][x : x + len(codes)] = characters, codes
        if any(None in row[0] for row in wanted.values()):
            return {}
        before = {y: _text(self.characters[y]) for y in wanted}
        after = {y: _text(row[0]) for y, row in wanted.items()}
        places: dict[str, list[int]] = {}
        for y, text in before.items():
            places.setdefault(text, []).append(y)
        votes = Counter(
            place - y for y, text in after.items() if text for place in places.get(text, ()) if len(places[text]) < 4
        )
        del votes[0]
        if not votes:
            return {}
        shift = votes.most_common(1)[0][0]
        moved = [y for y, text in after.items() if text and before.get(y + shift) == text]
        still = sum(text == before[y] for y, text in after.items() if text)
        top, bottom = min(moved) + min(shift, 0), max(moved) + max(shift, 0)
        if len(moved) < _MOVED_FROM or len(moved) <= still or any(y not in wanted for y in range(top, bottom + 1)):
            return {}
        self._scroll(top, bottom, shift)
        return wanted

    def _scroll(self, top: int, bottom: int, lines: int) -> None:
        """Move the lines of a region up (or down, where ``lines`` is negative)."""
        self._switch(_PLAIN)
        edge, step = (bottom, "\n") if lines > 0 else (top, "\x1bM")
        self._out.append(f"\x1b[{top + 1};{bottom + 1}r\x1b[{edge + 1}H{step * abs(lines)}\x1b[r")
        self._at = (-1, -1)
        width = self.size.width
        unknown: list[str | None] = [None] * width
        self.characters[top : bottom + 1] = _moved(self.characters[top : bottom + 1], lines, unknown)
        self.codes[top : bottom + 1] = _moved(self.codes[top : bottom + 1], lines, [_PLAIN] * width)

    @staticmethod
    def _runs(
        characters: Sequence[str | None],
        codes: Sequence[Code],
        shown: Sequence[str | None],
        shown_codes: Sequence[Code],
    ) -> Iterable[tuple[int, int]]:
        """Where the cells differ. Wide characters are never halved, and small gaps of the same style are bridged."""
        if shown.count(None) == len(shown):
            return [(0, len(characters))]
        pairs = zip(characters, shown, codes, shown_codes, strict=True)
        changed = [index for index, (new, old, code, was) in enumerate(pairs) if new != old or code != was]
        halves = "" in characters or "" in shown
        runs: list[tuple[int, int]] = []
        for index in changed:
            left, right = _whole(index, characters, shown) if halves else (index, index + 1)
            if runs and left - runs[-1][1] <= _GAP:
                start, stop = runs[-1]
                if left <= stop or codes[stop:left].count(codes[index]) == left - stop:
                    runs[-1] = (start, max(stop, right))
                    continue
            runs.append((left, right))
        return runs

    def _write(self, x: int, y: int, characters: Sequence[str | None], codes: Sequence[Code]) -> None:
        row, column = self._at
        if row == y and 0 < x - column < 100:
            self._out.append("\x1b[C" if x - column == 1 else f"\x1b[{x - column}C")
        elif (row, column) != (y, x):
            self._out.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        start = 0
        for code, group in groupby(codes):
            stop = start + len(list(group))
            self._switch(code)
            # Only what is shown can be unknown, never what is written.
            self._out.append("".join(cast("Sequence[str]", characters[start:stop])))
            start = stop
        end = x + len(characters)
        # After the last column terminals differ about where the cursor is.
        self._at = (y, end) if end < self.size.width else (-1, -1)

    def _switch(self, code: Code) -> None:
        if code == self._code:
            return
        if code == _PLAIN:
            self._out.append("\x1b[0m")
            self._code = code
            return
        attributes, front, back = code
        old_attributes, old_front, old_back = self._code
        if attributes != old_attributes and old_attributes:
            parts = ["0", attributes, front, back]
        else:
            parts = [attributes] if attributes != old_attributes else []
            parts += [front or "39"] if front != old_front else []
            parts += [back or "49"] if back != old_back else []
        self._out.append(f"\x1b[{';'.join(part for part in parts if part)}m")
        self._code = code

    def take(self) -> str:
        """What has to be written so that the terminal shows everything that was put."""
        self._switch(_PLAIN)
        text = "".join(self._out)
        self._begin()
        return text


def _whole(index: int, characters: Sequence[str | None], shown: Sequence[str | None]) -> tuple[int, int]:
    """The cells that have to be written with one cell: wide characters, the old as the new, as a whole."""
    left, right = index, index + 1
    while left > 0 and (characters[left] == "" or shown[left] == ""):
        left -= 1
    while right < len(characters) and (characters[right] == "" or shown[right] == ""):
        right += 1
    return left, right


C = TypeVar("C")


def _moved(region: list[list[C]], lines: int, blank: list[C]) -> list[list[C]]:
    """The lines of a region after it was scrolled."""
    fresh = [blank.copy() for _ in range(abs(lines))]
    return [*region[lines:], *fresh] if lines > 0 else [*fresh, *region[:lines]]


def _text(characters: Sequence[str | None]) -> str:
    """A line's text, empty where it is blank."""
    return "".join([character or "" for character in characters]).rstrip()
