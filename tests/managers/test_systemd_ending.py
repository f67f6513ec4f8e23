"""How the last run of a unit ended. The lines are those of systemd 252."""

from pathlib import Path

import pytest

from console.core.endings import Ending
from console.core.snapshot import LogLine
from console.managers.systemd_ending import last_ending, telling
from console.managers.systemd_journal import parse_journal

SEVEN = ("crash.service: Main process exited, code=exited, status=7/NOTRUNNING",
         "crash.service: Failed with result 'exit-code'.")  # fmt: skip
AGAIN = (
    "crash.service: Scheduled restart job, restart counter is at 44.",
    "Started crash.service - crash.",
    "working",
)


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ((*SEVEN, *AGAIN), Ending("exit-code", exit_code=7)),
        (("crash.service: Main process exited, code=killed, status=9/KILL",
          "crash.service: Failed with result 'signal'.", *AGAIN), Ending("signal", exit_signal=9)),
        (("crash.service: Main process exited, code=dumped, status=11/SEGV",
          "crash.service: Failed with result 'core-dump'."), Ending("core-dump", exit_signal=11)),
        (("crash.service: A process of this unit has been killed by the OOM killer.",
          "crash.service: Main process exited, code=killed, status=9/KILL",
          "crash.service: Failed with result 'oom-kill'."), Ending("oom-kill", exit_signal=9)),
        ((*SEVEN, *AGAIN, "crash.service: Deactivated successfully.", *AGAIN), Ending("success")),
        ((*SEVEN, "crash.service: Failed with result 'resources'."), Ending("resources")),
        (AGAIN, None),
        (("other.service: Main process exited, code=exited, status=7/NOTRUNNING",), None),
    ],
)  # fmt: skip
def test_the_newest_ending_is_what_systemd_wrote_last(said: tuple[str, ...], ending: Ending | None) -> None:
    lines = [LogLine("web1", "crash.service", "journal", each) for each in said]
    assert last_ending("crash.service", lines) == ending


def journal(*said: tuple[int, str]) -> list[LogLine]:
    return [LogLine("web1", "crash.service", "journal", text, pid=pid) for pid, text in said]


def told(*said: tuple[int, str]) -> list[str]:
    return [line.message for line in telling(journal(*said))]


END = [(1, each) for each in SEVEN]
NEXT = [(1, AGAIN[0]), (1, AGAIN[1])]
GIVEN_UP = [
    (1, "crash.service: Scheduled restart job, restart counter is at 5."),
    (1, "Stopped crash.service - crash."),
    (1, "crash.service: Start request repeated too quickly."),
    (1, "crash.service: Failed with result 'exit-code'."),
    (1, "Failed to start crash.service - crash."),
]


def test_what_the_process_said_is_told_before_the_course_of_things() -> None:
    assert told((7, "no ledger"), *END, *NEXT, (8, "reading"), (8, "no ledger"), *END, *GIVEN_UP) == [
        "reading", "no ledger"
    ]  # fmt: skip


def test_the_run_that_failed_is_told_not_the_one_that_goes_on_now() -> None:
    assert told((7, "no ledger"), *END, *NEXT, (8, "Started to work")) == ["no ledger"]
    assert told(*NEXT, (8, "Started to work")) == ["Started to work"]


def test_what_systemd_alone_knows_is_told() -> None:
    missing = (1, "crash.service: Failed to load environment files: No such file or directory")
    resources = (1, "crash.service: Failed with result 'resources'.")
    assert told(missing, resources, (1, "Failed to start crash.service - crash.")) == [missing[1]]
    assert told((7, "working"), (1, "crash.service: start operation timed out. Terminating."), *END) == [
        "working", "crash.service: start operation timed out. Terminating."
    ]  # fmt: skip


def test_where_nobody_says_more_the_course_of_things_is_told() -> None:
    assert told((7, "no ledger"), *END, *NEXT, *END) == [text for _, text in (*NEXT, *END)]


KILLED = [
    (1, "crash.service: Main process exited, code=killed, status=9/KILL"),
    (1, "crash.service: Failed with result 'signal'."),
]


def test_what_an_earlier_attempt_said_is_no_reason() -> None:
    begun = (1, "Starting crash.service - crash...")
    mended = [begun, (9, "checked"), (1, AGAIN[1])]
    assert told(begun, (7, "unknown directive"), *END, *mended, *KILLED) == ["checked"]
    silent = [begun, (1, AGAIN[1]), *KILLED]
    assert told(begun, (7, "unknown directive"), *END, *silent) == [text for _, text in silent]
    # Not even where systemd has tried by itself again.
    assert "address in use" not in told(*NEXT, (7, "address in use"), *END, *NEXT, *KILLED, *GIVEN_UP)


def test_what_a_process_says_before_systemd_has_written_that_it_runs_is_of_its_own_attempt() -> None:
    missing, begun = (8, "crash.service: Failed to locate executable /opt/crash"), (1, AGAIN[1])
    assert told(missing, begun, *END) == [missing[1]]
    assert told(begun, (7, "no ledger"), *END, (7, "late"), missing, begun, *END) == [missing[1]]
    assert told(begun, (7, "no ledger"), *END, *NEXT[:1], missing, begun, *END, *GIVEN_UP) == [missing[1]]
    # Where nothing tells that it is of the next attempt it is late.
    assert told(begun, *END, (7, "late"), *NEXT) == ["late"]


def test_an_attempt_that_fails_before_anything_begins_is_one_of_its_own() -> None:
    missing = (1, "crash.service: Failed to load environment files: No such file or directory")
    resources = (1, "crash.service: Failed with result 'resources'.")
    assert told(*NEXT, (7, "address in use"), *END, (7, "late word"), missing, resources) == [missing[1]]


def test_a_users_own_manager_is_known_by_what_it_writes() -> None:
    mine = [(812, text) for text in SEVEN]
    assert told((900, "no ledger"), *mine, (812, AGAIN[0]), (812, AGAIN[1]), (901, "no book"), *mine) == ["no book"]


def test_of_a_recorded_journal_what_the_process_said_is_told() -> None:
    text = (Path(__file__).parent / "recorded" / "journal.txt").read_text()
    answer = text.partition("---- output\n")[2].partition("\n---- expected")[0]
    lines = [line for line in parse_journal(answer) if line.service == "failing.service"]
    assert [line.pid for line in lines] == [157, 157, 157, 1, 1]
    assert telling(lines) == tuple(lines[:3])
