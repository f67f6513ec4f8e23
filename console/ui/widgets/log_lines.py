"""How one log line looks: when, how bad, whose, and the message with what is searched for in it."""

from typing import NamedTuple

from console.core.snapshot import LogLine
from console.ui.cells import Cell, Spans, clock, glyph, level
from console.ui.widgets.detail import wrap
from console.ui.widgets.log_buffer import DROPPED, Pattern
from console.ui.widgets.palette import cut_cells, one_line, width_of

_TIME_FROM = 56
_SOURCE_FROM = 48
_MARGIN = 200
"""Characters that are looked at beyond the edge of the screen: some take no cell."""


class LogFormat(NamedTuple):
    """What the look of all lines depends on."""

    width: int
    """Of the screen, in cells."""
    source: int
    """Of the column with host and service; 0 for none."""
    offset: float
    """Seconds east of UTC of the times."""
    left: int
    """Cells of the message that are scrolled away on the left."""
    wrap: bool
    rows: int
    """A wrapped line takes at most so many lines of the screen."""
    search: Pattern | None


def gutter(line: LogLine, fmt: LogFormat, current: bool) -> list[Cell]:
    """What comes before the message: the mark of the current match, time, level, host and service."""
    cells = [Cell(glyph("›", ">") if current else " ", "accent")]
    if fmt.width >= _TIME_FROM:
        cells.append(Cell(f"{clock(line.at, fmt.offset):<8} ", "muted"))
    letter = level(line.level)
    cells.append(Cell(f"{letter.text} ", letter.tone))
    if fmt.source and fmt.width >= _SOURCE_FROM:
        width = min(fmt.source, fmt.width // 4)
        name, taken = cut_cells((Cell(line.host, "accent"), Cell(f" {line.service}", "muted")), width)
        cells += [*name, Cell(" " * (width - taken + 1))]
    return cells


def day_line(day: str, fmt: LogFormat) -> list[Cell]:
    """What stands above the first line of another day."""
    dash = glyph("─", "-")
    return cut_cells(Cell(f" {dash * 2} {day} {dash * 2}", "muted"), fmt.width)[0]


def format_line(line: LogLine, fmt: LogFormat, current: bool = False) -> list[list[Cell]]:
    """The lines of the screen that show a log line: one, or with ``wrap`` as many as it needs."""
    if line.level == DROPPED:
        dash = glyph("─", "-")
        return [cut_cells(Cell(f" {dash * 2} {line.message} {dash * 2}", "warning"), fmt.width)[0]]
    before = gutter(line, fmt, current)
    indent = sum(width_of(cell.text) for cell in before)
    room = max(8, fmt.width - indent)
    tone = "muted" if line.level == "debug" else ""
    if not fmt.wrap:
        text = one_line(line.message[: fmt.left + room + _MARGIN])
        return [[*before, *_from(highlight(text, fmt.search, tone), fmt.left, room)]]
    text = one_line(line.message[: room * fmt.rows + _MARGIN])
    parts = wrap(highlight(text, fmt.search, tone), room)
    if len(parts) > fmt.rows or len(text) < len(line.message):
        parts = parts[: fmt.rows]
        more = glyph("…", "~")
        parts[-1] = [*cut_cells(tuple(parts[-1]), room - 1)[0], Cell(more, "muted")]
    return [[*before, *parts[0]], *([Cell(" " * indent), *part] for part in parts[1:])]


def highlight(text: str, search: Pattern | None, tone: str) -> Spans:
    """The text with everything the search finds as cells of their own."""
    if search is None:
        return (Cell(text, tone),)
    cells: list[Cell] = []
    end = 0
    for match in search.finditer(text):
        if match.end() > match.start():
            cells += [Cell(text[end : match.start()], tone), Cell(match.group(), "match")]
            end = match.end()
    return (*cells, Cell(text[end:], tone))


def _from(cells: Spans, left: int, width: int) -> list[Cell]:
    """What is in sight of a line that is scrolled sideways by ``left`` cells."""
    if not left:
        return cut_cells(cells, width)[0]
    skip = left + 1
    kept: list[Cell] = []
    for cell in cells:
        taken = width_of(cell.text)
        if taken <= skip:
            skip -= taken
            continue
        text = cell.text
        while skip > 0:
            skip -= width_of(text[0])
            text = text[1:]
        kept.append(Cell(text, cell.tone))
    return [Cell(glyph("…", "<"), "muted"), *cut_cells(tuple(kept), width - 1)[0]]
