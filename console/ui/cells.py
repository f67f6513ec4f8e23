"""How values look on the screen: pure formatting, the same everywhere.

A state is never told by colour alone: every state, severity and level has a glyph and, where there is room, its word.
Nothing here parses what it is given: text is text.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple

from console.core.finding import Severity
from console.core.plan import StepState
from console.core.service import Endpoint, State
from console.core.snapshot import LinkState

TONES = ("muted", "strong", "critical", "warning", "ok", "accent", "user", "system", "iowait", "steal")
"""What a piece of text may be, besides plain (the empty tone). Each is a component class ``deck--TONE``.

``"a|b"`` is the foreground of ``a`` on a background in the colour of ``b``.
"""

UNKNOWN = "?"
"""Shown for every value that is not known."""


class Cell(NamedTuple):
    """A piece of plain text and what it is."""

    text: str
    tone: str = ""


Spans = tuple[Cell, ...]
Text = str | Cell | Spans


def spans(text: Text) -> Spans:
    """Return any text as a tuple of cells."""
    if isinstance(text, str):
        return (Cell(text),)
    if isinstance(text, Cell):
        return (text,)
    return text


def plain(text: Text) -> str:
    """Return any text without its tones."""
    if isinstance(text, str):
        return text
    if isinstance(text, Cell):
        return text.text
    return "".join(cell.text for cell in text)


class _Glyphs:
    """The glyphs in use: Unicode, or ASCII where the terminal or the locale has nothing better."""

    ascii = False


def set_ascii(on: bool) -> None:
    """Use only ASCII glyphs from now on (``LANG=C``, a dumb terminal)."""
    _Glyphs.ascii = on


def is_ascii() -> bool:
    """Whether only ASCII glyphs are used."""
    return _Glyphs.ascii


def glyph(fancy: str, simple: str) -> str:
    """Return the glyph for this terminal."""
    return simple if _Glyphs.ascii else fancy


_STATES = {
    State.RUNNING: ("●", "+", "ok"),
    State.STARTING: ("◐", "^", "accent"),
    State.STOPPED: ("○", "-", "muted"),
    State.FAILED: ("✗", "x", "critical"),
    State.FLAPPING: ("↻", "@", "warning"),
    State.UNKNOWN: ("?", "?", "muted"),
}
_LINKS = {
    LinkState.UP: ("●", "+", "ok"),
    LinkState.CONNECTING: ("◐", "^", "accent"),
    LinkState.STALE: ("◌", "~", "warning"),
    LinkState.DOWN: ("✗", "x", "critical"),
}
_STEPS = {
    StepState.PENDING: ("○", "-", "muted"),
    StepState.RUNNING: ("◐", "^", "accent"),
    StepState.DONE: ("✓", "+", "ok"),
    StepState.FAILED: ("✗", "x", "critical"),
    StepState.UNDONE: ("↶", "<", "warning"),
    StepState.SKIPPED: ("–", "=", "muted"),
}
_SEVERITIES = {
    Severity.CRITICAL: ("!", "!", "critical"),
    Severity.WARNING: ("~", "~", "warning"),
    Severity.INFO: ("·", ".", "muted"),
}
_LEVELS = {
    "critical": Cell("C", "critical"),
    "error": Cell("E", "critical"),
    "warning": Cell("W", "warning"),
    "info": Cell("I", ""),
    "debug": Cell("D", "muted"),
}


def _mark(entry: tuple[str, str, str], word: str) -> Cell:
    fancy, simple, tone = entry
    return Cell(f"{glyph(fancy, simple)} {word}".rstrip(), tone)


def state(value: State | str) -> Cell:
    """A service's state as glyph and word."""
    known = State(value)
    return _mark(_STATES[known], known.value)


def stale_mark() -> Cell:
    """The sign of what is only known from earlier."""
    fancy, simple, tone = _LINKS[LinkState.STALE]
    return _mark((fancy, simple, tone), "")


def last_seen(value: State | str) -> Cell:
    """A service's state as it was told earlier: whether it holds is not known."""
    fancy, simple, _ = _LINKS[LinkState.STALE]
    return _mark((fancy, simple, "muted"), State(value).value)


def link(value: LinkState | str) -> Cell:
    """The state of a connection as glyph and word."""
    known = LinkState(value)
    return _mark(_LINKS[known], known.value)


def step(value: StepState | str) -> Cell:
    """The state of a plan's step as glyph and word."""
    known = StepState(value)
    return _mark(_STEPS[known], known.value)


def severity(value: Severity | str) -> Cell:
    """A severity as glyph and word."""
    known = Severity(value)
    return _mark(_SEVERITIES[known], known.value)


def severity_mark(value: Severity | str) -> Cell:
    """A severity as one glyph, for the first column of a list."""
    return _mark(_SEVERITIES[Severity(value)], "")


def level(value: str) -> Cell:
    """A log level as one letter. A level that is not known shows as ``?``."""
    return _LEVELS.get(value, Cell(UNKNOWN, "muted"))


def age(value: float | None) -> str:
    """Seconds as one short number with its unit: ``2s``, ``41m``, ``3h``, ``6d``, ``2y``."""
    if value is None:
        return UNKNOWN
    left = max(0.0, value)
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (31536000, 86400, "d")):
        if left < limit:
            return f"{int(left // divisor)}{unit}"
    return f"{int(left // 31536000)}y"


def seconds(value: float | None) -> str:
    """A duration with the digits that matter: ``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if value is None:
        return UNKNOWN
    if value < 9.95:
        return f"{max(0.0, value):.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def clock(unix: float | None, offset: float = 0.0) -> str:
    """Unix time as ``14:02:11``, ``offset`` seconds east of UTC."""
    if unix is None:
        return UNKNOWN
    day = int(unix + offset) % 86400
    return f"{day // 3600:02}:{day // 60 % 60:02}:{day % 60:02}"


def date(unix: float, offset: float = 0.0) -> str:
    """The day of a Unix time: ``2026-11-20``, ``offset`` seconds east of UTC."""
    return datetime.fromtimestamp(unix + offset, UTC).strftime("%Y-%m-%d")


def size(value: float | None) -> str:
    """Bytes in binary units with at most three digits: ``512 B``, ``1.5 GiB``, ``22 MiB``."""
    if value is None:
        return UNKNOWN
    left = max(0.0, value)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if left < 999.5:
            return f"{left:.0f} {unit}" if unit == "B" or left >= 9.95 else f"{left:.1f} {unit}"
        left /= 1024
    return f"{left:.1f} PiB" if left < 9.95 else f"{left:.0f} PiB"


def rate(value: float | None) -> str:
    """Bytes per second in binary units: ``1.5 MiB/s``."""
    return UNKNOWN if value is None else f"{size(value)}/s"


def percent(value: float | None) -> str:
    """Per cent without decimals, but never ``0 %`` for a little and never ``100 %`` for nearly all."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.5:
        return "<1 %"
    if 99.5 <= value < 100:
        return "99 %"
    return f"{value:.0f} %"


def count(value: int | None) -> str:
    """A number with separators: ``1,234``."""
    return UNKNOWN if value is None else f"{value:,}"


def ports(endpoints: Sequence[Endpoint], limit: int = 3) -> str:
    """The distinct ports of a service, ``8080 443/udp +2``; the protocol only where it is not TCP."""
    names = dict.fromkeys(str(e.port) if e.protocol == "tcp" else f"{e.port}/{e.protocol}" for e in endpoints)
    words = list(names)
    shown = words[:limit] if len(words) <= limit else [*words[: limit - 1], f"+{len(words) - limit + 1}"]
    return " ".join(shown)


def exposure(address: str) -> str:
    """Who can reach a listener at this address: ``local``, ``private`` or ``world``.

    An address that is bound to everything is ``world``: what a firewall does with it is not known here.
    """
    bare = address.lower().removeprefix("::ffff:").partition("%")[0]
    if bare.startswith("127.") or bare == "::1":
        return "local"
    if bare.startswith(("10.", "192.168.", "169.254.", "fe80:", "fc", "fd")):
        return "private"
    first, _, rest = bare.partition(".")
    second = rest.partition(".")[0]
    if first == "172" and second.isdigit() and 16 <= int(second) <= 31:
        return "private"
    if first == "100" and second.isdigit() and 64 <= int(second) <= 127:
        return "private"
    return "world"


def _edges(parts: Sequence[float], cells: int) -> list[int]:
    """Where each of the stacked per cents ends, in cells; a sum above nothing is at least one cell."""
    ends = list(accumulate(max(part, 0.0) for part in parts))
    edges = [min(cells, round(end * cells / 100)) for end in ends]
    if edges and edges[-1] == 0 and ends[-1] > 0.5 and cells:
        biggest = max(range(len(parts)), key=parts.__getitem__)
        edges[biggest:] = [1] * (len(parts) - biggest)
    return edges


_BAR = {"user": ("█", "#"), "system": ("▓", "="), "iowait": ("▒", "w"), "steal": ("░", "s")}


def bar(parts: Sequence[tuple[float, str]], width: int) -> Spans:
    """A stacked bar of fixed range 0..100, ``width`` cells long; the parts differ in glyph as well as in colour."""
    edges = _edges([value for value, _ in parts], width)
    done: list[Cell] = []
    start = 0
    for (_, tone), end in zip(parts, edges, strict=True):
        if end > start:
            done.append(Cell(glyph(*_BAR.get(tone, ("█", "#"))) * (end - start), tone))
        start = end
    if start < width:
        done.append(Cell(glyph("·", ".") * (width - start), "muted"))
    return tuple(done)


_EIGHTHS = " ▁▂▃▄▅▆▇█"
_ASCII_EIGHTHS = " ._-=+*%#"
LAYERS = ("user", "system", "iowait")


def spark_cell(value: Sequence[float], layers: Sequence[str], row: int = 0, rows: int = 1) -> Cell:
    """One column of a spark line: ``row`` counts from the bottom of ``rows``.

    Where two layers meet in a full cell both are drawn, one as the background. In a cell that is not full only one
    colour is possible: that of the layer that has the most of it.
    """
    edges = _edges(value, rows * 8)
    floor = row * 8
    filled = [max(0, min(edge - floor, 8)) for edge in edges]
    top = filled[-1] if filled else 0
    if top == 0:
        return Cell(" ")
    own = [b - a for a, b in zip([0, *filled], filled, strict=False)]
    if _Glyphs.ascii:
        return Cell(_ASCII_EIGHTHS[top], layers[own.index(max(own))])
    inside = [index for index, part in enumerate(own) if part]
    if top == 8 and len(inside) > 1:
        lower, upper = inside[0], max(inside[1:], key=own.__getitem__)
        return Cell(_EIGHTHS[own[lower]], f"{layers[lower]}|{layers[upper]}")
    return Cell(_EIGHTHS[top], layers[own.index(max(own))])


def spark(values: Sequence[float | Sequence[float]], width: int, layers: Sequence[str] = LAYERS) -> Spans:
    """A spark line of fixed range 0..100 in one line, the newest value last, ``width`` cells long.

    Each value is a number or, stacked from the bottom, one number for each of ``layers``.
    """
    columns: list[Cell] = []
    for value in values[-width:] if width > 0 else ():
        parts = (float(value),) if isinstance(value, int | float) else value
        cell = spark_cell(parts, layers)
        if columns and columns[-1].tone == cell.tone:
            columns[-1] = Cell(columns[-1].text + cell.text, cell.tone)
        else:
            columns.append(cell)
    missing = width - min(width, len(values))
    return (Cell(" " * missing), *columns) if missing > 0 else tuple(columns)
