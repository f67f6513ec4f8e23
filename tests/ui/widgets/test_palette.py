import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.ui.cells import Cell, plain
from console.ui.widgets.detail import wrap
from console.ui.widgets.palette import cut, cut_cells, one_line, width_of

HOSTILE = st.text(st.sampled_from("ab [/]@漢字é\u0301\u200d\ufe0f👩😀\t\n\x00\u2028"), max_size=40)


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abc", 0, ""), ("abc", 1, "…")]
)
def test_what_does_not_fit_is_cut_with_an_ellipsis(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


def test_a_wide_character_is_never_halved() -> None:
    assert cut("漢字漢字", 4) == "漢 …"
    assert width_of(cut("漢字漢字", 4)) == 4
    assert cut("漢字漢字", 5) == "漢字…"


def test_nothing_breaks_a_line() -> None:
    assert one_line("a\tb\nc\u2028d\x1ce") == "a b c d e"


def test_what_terminals_measure_differently_is_not_joined() -> None:
    assert one_line("👩\u200d🔧 ❤\ufe0f") == "👩🔧 ❤"


@given(HOSTILE, HOSTILE, st.integers(0, 50))
def test_cut_cells_fit_and_say_how_wide_they_are(one: str, two: str, width: int) -> None:
    pieces, taken = cut_cells((Cell(one, "muted"), Cell(two)), width)
    assert sum(width_of(piece.text) for piece in pieces) == taken <= width
    assert not set("\t\n\u2028") & set(plain(tuple(pieces)))


def test_a_cell_that_just_fits_but_is_followed_by_another_shows_that_something_is_missing() -> None:
    pieces, taken = cut_cells((Cell("abc"), Cell("def")), 3)
    assert (plain(tuple(pieces)), taken) == ("ab…", 3)


@given(HOSTILE, st.integers(2, 30))
@example("a  b   ccccccccccccc", 4)
def test_wrapping_loses_nothing_but_blanks_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    joined = "".join(plain(tuple(line)) for line in lines)
    assert joined.replace(" ", "") == one_line(text).replace(" ", "")
    assert all(width_of(plain(tuple(line))) <= width for line in lines)
