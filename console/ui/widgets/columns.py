"""Columns of a table, and how they share a width."""

from collections.abc import Sequence
from typing import NamedTuple

WIDE = 100
"""From this width on two cells are between columns instead of one."""


class Column(NamedTuple):
    """A column of a table. Widths are in cells of the terminal."""

    id: str
    title: str
    width: int = 10
    """What it gets where there is room; with ``flex`` what it gets at least where there is room."""
    flex: int = 0
    """Its share of the width that is left over; 0 for none."""
    min_width: int = 4
    """What it can be narrowed to."""
    priority: int = 0
    """0 is never dropped; of the others the highest is dropped first."""
    align: str = "left"
    """``left`` or ``right``."""
    good: int = 0
    """Below this width of it other columns are dropped, as far as they can be; 0: below ``min_width``."""


class Place(NamedTuple):
    """Where a column is drawn: its index among all columns, its first cell and its width."""

    column: int
    x: int
    width: int


def _needed(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * max(0, len(widths) - 1)


def fit(columns: Sequence[Column], width: int) -> tuple[Place, ...]:
    """Share ``width`` cells among the columns: drop what may be dropped, narrow what is left, give the rest to flex."""
    kept = list(range(len(columns)))
    gap = 2 if width >= WIDE else 1

    def least(index: int) -> int:
        column = columns[index]
        return column.min_width if column.flex else column.width

    while _needed([max(least(index), columns[index].good) for index in kept], gap) > width:
        droppable = [index for index in kept if columns[index].priority > 0]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda index: (columns[index].priority, index)))
    widths = {index: least(index) for index in kept}
    _narrow(columns, widths, _needed(list(widths.values()), gap) - width)
    _widen(columns, widths, width - _needed(list(widths.values()), gap))
    places: list[Place] = []
    x = 0
    for index in kept:
        shown = min(widths[index], width - x)
        if shown <= 0:
            break
        places.append(Place(index, x, shown))
        x += shown + gap
    return tuple(places)


def _narrow(columns: Sequence[Column], widths: dict[int, int], excess: int) -> None:
    """Take cells from the widest columns first, none below its least."""
    while excess > 0:
        spare = [index for index in widths if widths[index] > columns[index].min_width]
        if not spare:
            return
        widths[max(spare, key=widths.__getitem__)] -= 1
        excess -= 1


def _widen(columns: Sequence[Column], widths: dict[int, int], left: int) -> None:
    """Give flexible columns their width first, the weightiest before others, then share what is left by weight."""
    flexible = sorted((index for index in widths if columns[index].flex), key=lambda index: -columns[index].flex)
    for index in flexible:
        more = max(0, min(left, columns[index].width - widths[index]))
        widths[index] += more
        left -= more
    weight = sum(columns[index].flex for index in flexible)
    for index in flexible:
        share = left * columns[index].flex // weight
        widths[index] += share
        left -= share
        weight -= columns[index].flex
