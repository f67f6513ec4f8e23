"""Plain text for a person."""

import io

import pytest

from console.cli.terminal import Terminal, age, cells, cut_cells, size, wrap_cells


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Tty:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Tty()


def test_columns_are_aligned_and_cut_to_the_terminal(tty: Tty) -> None:
    Terminal(tty).table([("a", "1", "long text here and there"), ("日本", "22", "x")], right=(1,))
    lines = tty.getvalue().splitlines()
    assert lines == ["a      1  long text…", "日本  22  x"]
    assert [cells(line) for line in lines] == [20, 11]


def test_colour_only_on_a_terminal_that_wants_it(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Terminal(tty).state("failed") == "\x1b[31m✖ failed\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal(tty).state("failed") == "✖ failed"
    assert Terminal(io.StringIO()).state("failed") == "x failed"


def test_lines_of_a_file_are_not_cut() -> None:
    stream = io.StringIO()
    Terminal(stream).line("x" * 500)
    assert len(stream.getvalue()) == 501


def test_cutting_leaves_colours_closed() -> None:
    assert cut_cells("\x1b[31mabcdef\x1b[0m", 4) == "\x1b[31mabc…\x1b[0m"
    assert cut_cells("日本語", 4) == "日…"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (-3, "0s"), (12.4, "12s"), (300, "5m"), (7200, "2h"), (600000, "7d")]
)
def test_ages(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "-"), (0, "0B"), (1536, "1.5K"), (50 * 1024**2, "50M"), (3 * 1024**5, "3072T")]
)
def test_sizes(count: float | None, text: str) -> None:
    assert size(count) == text


def test_long_text_goes_on_in_the_next_line() -> None:
    assert list(wrap_cells(" one two three four five six", 24, 3)) == [" one two three four five", "   six"]
    assert list(wrap_cells("one two three four five six", None, 3)) == ["one two three four five six"]
    assert list(wrap_cells("x " + "a" * 30 + " y", 24, 2)) == ["x", "  " + "a" * 30, "  y"]
