"""What all widgets of the console have in common: tones as component classes, and plain text made into strips.

A widget draws whole lines itself (Textual's line API): remote text never meets a markup parser, and only what changed
is painted again.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Self

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.ui.cells import TONES, Cell, Text, glyph, spans

PALETTE_CSS = """
.deck--muted { color: $deck-muted; text-style: $deck-muted-style; }
.deck--strong { text-style: bold; }
.deck--critical { color: $deck-critical; text-style: bold; }
.deck--warning { color: $deck-warning; }
.deck--ok { color: $deck-ok; }
.deck--accent { color: $deck-accent; }
.deck--user { color: $deck-user; }
.deck--system { color: $deck-system; }
.deck--iowait { color: $deck-iowait; }
.deck--steal { color: $deck-steal; }
"""

SCROLL_BINDINGS: list[BindingType] = [
    Binding("j,down", "scroll_down", "Down", show=False, id="move.down"),
    Binding("k,up", "scroll_up", "Up", show=False, id="move.up"),
    Binding("g,home", "scroll_home", "First", show=False, id="move.top"),
    Binding("G,end", "scroll_end", "Last", show=False, id="move.bottom"),
    Binding("ctrl+f,pagedown", "page_down", "Page down", show=False, id="move.page-down"),
    Binding("ctrl+b,pageup", "page_up", "Page up", show=False, id="move.page-up"),
]
"""Keys of widgets that scroll and have no cursor."""

_BREAKS = str.maketrans(
    dict.fromkeys("\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029", " ")
    # Terminals do not agree on the width of what these two join, and one wrong width moves a whole line.
    | dict.fromkeys("\u200d\ufe0f", None)
)


def one_line(text: str) -> str:
    """Return the text with a space for everything that would break a line or move the cursor in it."""
    return text if text.isascii() and text.isprintable() else text.translate(_BREAKS)


def width_of(text: str) -> int:
    """How many cells of a terminal a line of text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Return what fits of a line into ``width`` cells, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    if width < 1:
        return ""
    kept = text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)
    return kept + glyph("…", "~")


def cut_cells(text: Text, width: int) -> tuple[list[Cell], int]:
    """Return the pieces of a text that fit into ``width`` cells, each on one line, and how many cells they take."""
    pieces = [Cell(one_line(cell.text), cell.tone) for cell in spans(text) if cell.text]
    widths = [width_of(cell.text) for cell in pieces]
    total = sum(widths)
    if total <= width:
        return pieces, total
    kept: list[Cell] = []
    left = width
    for cell, taken in zip(pieces, widths, strict=True):
        if taken >= left:
            # An ellipsis is due even where this piece just fits: something follows that does not.
            last = cut(cell.text + " ", left)
            kept.append(Cell(last, cell.tone))
            return kept, width - left + width_of(last)
        kept.append(cell)
        left -= taken
    return kept, width - left


class StyleBook:
    """The styles of one widget's component classes by tone, kept until theme, focus or CSS change."""

    __slots__ = ("_styles", "_widget")

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, str], Style] = {}

    def clear(self) -> None:
        """Forget everything: the widget's styles changed."""
        self._styles.clear()

    def __call__(self, tone: str = "", over: str = "") -> Style:
        """The style of a tone (``"a|b"``: of ``a`` on the colour of ``b``); ``over`` is laid above it (``cursor``)."""
        key = (tone, over)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._make(tone, over)
        return style

    def _make(self, tone: str, over: str) -> Style:
        front, _, back = tone.partition("|")
        style = self._widget.rich_style
        for name in (front, *over.split()):
            if name:
                style += self._part(name)
        color = self._part(back).color if back else None
        return style + Style(bgcolor=color) if color else style

    def _part(self, name: str) -> Style:
        return self._widget.get_component_rich_style(f"deck--{name}", partial=True, default=Style.null())


def strip_of(cells: Iterable[Cell], width: int, book: StyleBook, over: str = "") -> Strip:
    """One line of exactly ``width`` cells. Neighbours of the same style become one segment: fewer bytes to write."""
    segments: list[Segment] = []
    left = width
    text, style = "", book("", over)
    for piece in cells:
        taken = width_of(piece.text)
        if not taken or not left:
            continue
        shown = piece.text if taken <= left else set_cell_size(piece.text, left)
        left -= min(taken, left)
        own = book(piece.tone, over)
        if own is style:
            text += shown
            continue
        if text:
            segments.append(Segment(text, style))
        text, style = shown, own
    blank = book("", over)
    if left and style is not blank:
        segments.append(Segment(text, style))
        text, style = "", blank
    text += " " * left
    if text:
        segments.append(Segment(text, style))
    return Strip(segments, width)


class _Toned(Widget):
    """What both bases have: the styles of tones, kept for as long as they hold."""

    SCOPED_CSS: ClassVar[bool] = False
    DEFAULT_CSS = PALETTE_CSS
    ALLOW_SELECT: ClassVar[bool] = False

    @cached_property
    def book(self) -> StyleBook:
        """The styles of its tones."""
        return StyleBook(self)

    def notify_style_update(self) -> None:
        """Drop the styles that were kept; called by Textual."""
        super().notify_style_update()
        self.book.clear()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Ask to be painted again, as a whole or in regions; after a change of the theme Textual asks for the whole."""
        if not regions:
            self.book.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class Line(_Toned):
    """Base of the widgets of a fixed, small number of lines.

    Each names the tones it shows as component classes: every class costs time whenever styles are applied.
    """


class Lines(ScrollView, _Toned, can_focus=True):
    """Base of the widgets that scroll over many lines and draw only those in sight."""

    # Textual 8 takes CSS from the first base only.
    SCOPED_CSS: ClassVar[bool] = False
    DEFAULT_CSS = PALETTE_CSS
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"deck--{tone}" for tone in TONES}

    def set_line_count(self, count: int) -> None:
        """Set how many lines there are to scroll over. Lays the screen out anew only where a scroll bar comes or goes.

        Textual's own way, setting ``virtual_size``, repaints the whole widget for every line more or less.
        """
        old, new = self.virtual_size, Size(self.size.width, count)
        if old == new:
            return
        height = self.container_size.height
        if (old.height > height) != (count > height) or not height:
            self.virtual_size = new
        else:
            self.set_reactive(Widget.virtual_size, new)
            if count > height:
                self._scroll_update(new)
            else:
                self.scroll_y = 0
