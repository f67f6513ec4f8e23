"""Choosing lines of a log."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator

import pytest

from console.cli.commands.logs import _fitting, _follow, _once, arguments, pattern, span
from console.cli.streams import when
from console.cli.terminal import Terminal
from console.core.service import ServiceRef
from console.core.snapshot import LogLine

NOW = 1_795_183_331.0


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1.5d", 129600)])
def test_spans(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-5m", "5 m", "1w", "1e3", "9" * 20])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        span(text)


def test_case_matters_only_where_it_is_written() -> None:
    assert pattern("error").search("ERROR")
    assert not pattern("Error").search("error")


@pytest.mark.parametrize(
    ("at", "expected"),
    # What Go writes for a time that was never set, and the other end.
    [(5.0, 5.0), (-62_135_596_800.0, None), (2.6e11, None), (None, None)],
)
def test_the_time_of_a_line(at: float | None, expected: float | None) -> None:
    assert when(LogLine("h", "s", "f", "m", at=at)) == expected


REF = ServiceRef("web1", "supervisord", "prog")
OUT, ERR = "/var/log/prog.out", "/var/log/prog.err"


async def log(*lines: LogLine) -> AsyncIterator[LogLine]:
    for line in lines:
        yield line


def untimed(source: str, *messages: str) -> list[LogLine]:
    return [LogLine("web1", "prog", source, message, untimed=True) for message in messages]


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    arguments(parser)
    return parser.parse_args(["web1/prog", *words])


TIMED = LogLine("web1", "prog", OUT, "timed", at=NOW)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "15m"), f"--since cannot be applied to {ERR}: its lines carry no time; "
         "its last 3 lines are shown instead"),
        (("--since", "15m", "-n", "1"), f"--since cannot be applied to {ERR}: its lines carry no time; "
         "its last line is shown instead"),
        (("--since", "15m", "--grep", "[ab]"), f"--since cannot be applied to {ERR}: its lines carry no time; "
         "its last 2 lines that fit are shown instead"),
        (("-n", "2"), ""),
    ],
)  # fmt: skip
async def test_a_file_without_times_is_told_with_what_is_shown_instead(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    chosen = options(*words)
    logs = [_fitting(log(*untimed(ERR, "a", "b", "c"), TIMED), None, chosen)]
    await _once(logs, REF, chosen, Terminal())
    out, err = capsys.readouterr()
    assert err == (f"hostdeck: {said}\n" if said else "")
    assert len(out.splitlines()) == (2 if "-n" in words and "1" in words else 2 if "--grep" in words else
                                     3 if "-n" in words else 4)  # fmt: skip


async def test_a_log_that_a_tool_prints_is_named_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = options("--since", "15m")
    await _once([log(*untimed("stderr", "a"))], REF, chosen, Terminal())
    assert "cannot be applied to the log of prog (stderr): its lines carry" in capsys.readouterr().err


async def test_following_tells_it_once_before_the_lines_of_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = options("--since", "15m", "-f")
    await _follow([log(*untimed(ERR, "a", "b"), TIMED, *untimed(ERR, "c"))], REF, chosen, Terminal())
    out, err = capsys.readouterr()
    assert err == (
        f"hostdeck: --since cannot be applied to {ERR}: its lines carry no time; "
        "shown instead are at most the last 200 of its lines, and all that come\n"
    )
    assert len(out.splitlines()) == 4
    assert ERR not in out.splitlines()[0]
    assert out.splitlines()[-1].endswith(f"{ERR}  c"), "which of them is said as soon as there are several"
