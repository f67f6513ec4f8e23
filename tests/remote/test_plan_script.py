"""The script of a plan, run for real in dash, bash and busybox sh."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.plan import Check, Plan, Result, Step
from console.core.service import ServiceRef
from console.remote import plan_door
from console.remote.plan_json import dumps, loads
from console.remote.plan_script import lease, lock_key, lock_keys, render, share_key, shell_text
from console.remote.plan_state import PlanState
from tests.remote.plans import REF, SHELLS, LocalPlaces, change, make, shell

HOSTILE = (
    "it's",
    'say "hi"',
    "$(touch PWNED)",
    "`touch PWNED`",
    "a;touch PWNED",
    "a\ntouch PWNED\n",
    "-rf",
    "--",
    "",
    " ",
    "*",
    "~",
    "\\",
    "\\x2d",
    "%s%n",
    "$HOME",
    "!!",
    "# no comment",
    "'; touch PWNED; '",
    "FOO=bar",
    "é\u202e\ttab",
    "&&",
    "END_of_here",
)

NO_LOG = "hd_syslog=/none\n"

words = pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])


@pytest.fixture
def places(tmp_path: Path) -> LocalPlaces:
    return LocalPlaces(tmp_path)


def untimed(lines: list[str]) -> list[str]:
    """State lines without the first and without the seconds."""
    return [re.sub(r" \d+\.\d\d\b", "", line).rstrip() for line in lines[1:] if not line.startswith("took ")]


@words
def test_steps_and_checks_are_written_down_one_by_one(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(
        Step("one", change("echo", "first")),
        Step("two", change("sh", "-c", "echo out; echo err >&2")),
        preflight=(Check("there", shell("exit 0"), within=0),),
        checks=(Check("well", shell("echo fine"), within=1),),
    )
    assert untimed(places.run(plan, words)) == [
        "preflight 1 running",
        "preflight 1 done 0",
        "step 1 running",
        "step 1 done 0",
        "step 2 running",
        "step 2 done 0",
        "check 1 running",
        "check 1 done 0",
        "result done",
    ]
    assert places.output(plan, "step.2") == "out\nerr\n"
    assert places.locks() == []
    assert (places.directory(plan) / "log").read_text() == ""
    assert not (places.directory(plan) / "script").exists()


@words
def test_a_failing_step_undoes_what_was_begun_last_first(places: LocalPlaces, words: tuple[str, ...]) -> None:
    trail = places.first / "trail"
    add = 'echo "$2" >>"$1"'
    plan = make(
        Step("one", change("sh", "-c", add, "sh", str(trail), "do1"), shell(add, str(trail), "undo1")),
        Step("two", change("true")),
        Step("three", change("sh", "-c", "exit 3"), shell(add, str(trail), "undo3")),
        Step("four", change("sh", "-c", add, "sh", str(trail), "do4"), shell(add, str(trail), "undo4")),
    )
    lines = untimed(places.run(plan, words))
    assert trail.read_text() == "do1\nundo3\nundo1\n"
    assert lines[-6:] == [
        "step 3 failed 3",
        "undo 3 running",
        "undo 3 done 0",
        "undo 1 running",
        "undo 1 done 0",
        "result undone step 3 3",
    ]


@words
def test_an_undo_that_must_come_last_comes_last(places: LocalPlaces, words: tuple[str, ...]) -> None:
    trail = places.first / "trail"
    add = 'echo "$2" >>"$1"'
    plan = make(
        Step("swap", change("true"), shell(add, str(trail), "swapped back")),
        Step("clear", change("true"), shell(add, str(trail), "cleared"), undo_last=True),
        Step("restart", change("true"), shell(add, str(trail), "restarted"), undo_last=True),
        Step("three", change("false"), shell(add, str(trail), "undo3")),
    )
    places.run(plan, words)
    assert trail.read_text() == "undo3\nswapped back\ncleared\nrestarted\n"
    assert [(number, step.name) for number, step in plan.undo_order] == [
        (4, "three"), (1, "swap"), (2, "clear"), (3, "restart"),
    ]  # fmt: skip


@words
def test_what_does_not_hold_once_it_was_undone_is_told(places: LocalPlaces, words: tuple[str, ...]) -> None:
    step = Step("one", change("false"), change("true"))
    for script, end in (
        ("exit 0", "result undone step 1 1"),
        ("echo dead; exit 3", "result failed step 1 1 not-well 1"),
    ):
        ident = f"20261120-120000-{len(end):04}"
        look = Check("api runs", shell(script), within=0.2)
        plan = replace(make(step, plan_id=ident), aftermath=(look,))
        lines = places.run(plan, words)
        assert untimed(lines)[-1] == end
    state = PlanState(plan)
    for line in lines:
        state.feed(f"s {line}")
    state.feed("o after.1 dead")
    assert state.result is Result.FAILED
    assert (state.reason or "").endswith("it was undone, and yet it does not hold that api runs")


@words
def test_an_undo_that_is_needless_is_left_out(places: LocalPlaces, words: tuple[str, ...]) -> None:
    trail = places.first / "trail"
    add = 'echo "$2" >>"$1"'
    plan = make(
        Step("one", change("true"), shell(add, str(trail), "undo1"), undo_unless=Check("it is down", shell("exit 1"))),
        Step("two", change("true"), shell(add, str(trail), "undo2"), undo_unless=Check("it is down", shell("exit 0"))),
        Step("three", change("false")),
    )
    lines = untimed(places.run(plan, words))
    assert trail.read_text() == "undo1\n"
    assert lines[-4:] == ["undo 2 skipped 0", "undo 1 running", "undo 1 done 0", "result undone step 3 1"]
    only = Step("one", change("false"), change("true"), undo_unless=Check("it is down", shell("exit 0")))
    alone = make(only, plan_id="20261120-120000-bbbb")
    assert untimed(places.run(alone, words))[-2:] == ["undo 1 skipped 0", "result failed step 1 1"]


@words
def test_a_failing_check_without_undo_is_a_failure(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(Step("one", change("true")), checks=(Check("well", shell("exit 4"), within=0.3),))
    lines = untimed(places.run(plan, words))
    assert lines[-2:] == ["check 1 failed 4", "result failed check 1 4"]


@words
def test_an_undo_that_fails_is_told(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(Step("one", change("false"), change("false")))
    assert untimed(places.run(plan, words))[-1] == "result failed step 1 1 not-undone  1"


@words
def test_what_is_left_to_do_is_done_after_the_checks_and_undoes_nothing(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    plan = replace(
        make(Step("one", change("true"), change("false")), checks=(Check("well", shell("exit 0"), within=1),)),
        closing=(Step("tidy", change("sh", "-c", "echo full; exit 5")), Step("note", change("echo", "noted"))),
        evidence=(Step("log", change("echo", "never asked")),),
    )
    assert untimed(places.run(plan, words))[-5:] == [
        "closing 1 running",
        "closing 1 failed 5",
        "closing 2 running",
        "closing 2 done 0",
        "result done closing 1 5",
    ]
    assert places.locks() == []


@words
def test_what_goes_with_the_undo_is_looked_at_before(places: LocalPlaces, words: tuple[str, ...]) -> None:
    released = places.first / "released"
    plan = replace(
        make(
            Step("one", change("touch", str(released)), change("rm", str(released))),
            checks=(Check("well", shell("exit 4"), within=0.1),),
        ),
        evidence=(Step("gone", change("false")), Step("log", change("ls", str(released)))),
        closing=(Step("never", change("true")),),
    )
    assert untimed(places.run(plan, words))[-8:] == [
        "check 1 failed 4",
        "evidence 1 running",
        "evidence 1 failed 1",
        "evidence 2 running",
        "evidence 2 done 0",
        "undo 1 running",
        "undo 1 done 0",
        "result undone check 1 4",
    ]
    assert places.output(plan, "evidence.2") == f"{released}\n"


@words
def test_how_long_it_took_is_noted_before_its_result(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(Step("one", change("sleep", "0.3")))
    *_, took, _ = lines = places.run(plan, words)
    state = PlanState(plan)
    for line in lines:
        state.feed(f"s {line}")
    assert took == f"took {state.took:.2f}"
    assert state.took is not None
    assert state.took >= (state.progress().steps[0].seconds or 0.0) >= 0.3


@words
@pytest.mark.parametrize("well", [True, False])
def test_what_is_always_done_at_last_is_done_too_once_all_was_undone(
    places: LocalPlaces, words: tuple[str, ...], well: bool
) -> None:
    told = shell('echo "${HOSTDECK_UNDONE-not undone}"')
    plan = replace(
        make(Step("one", change("true"), change("true")), checks=(Check("well", change(str(well).lower()), within=0),)),
        closing=(Step("note it well", change("true")), Step("keep 3", told, always=True)),
    )
    lines = untimed(places.run(plan, words))
    assert ("closing 1 running" in lines) is well
    assert lines[-3:-1] == ["closing 2 running", "closing 2 done 0"]
    assert places.output(plan, "closing.2") == ("not undone\n" if well else "1\n")


@words
def test_last_words_are_asked_for_from_the_step_on_that_touches_the_service(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    told = shell('echo "${HOSTDECK_SINCE-none}"')
    log = places.first / "log"
    began, line = int(time.time()), shell(f"echo line >>{log}")
    plan = replace(
        make(Step("build", line, apart=True), Step("told", told, apart=True), Step("swap", line), Step("end", line)),
        checks=(Check("well", change("false"), within=0),),
        evidence=(
            Step("since", told),
            Step("log", shell('wc -l <"$HOSTDECK_PLAN/before"'), mark=shell(f'cp {log} "$HOSTDECK_PLAN/before"')),
        ),
    )
    places.run(plan, words)
    assert places.output(plan, "step.2") == "none\n"
    assert began <= float(places.output(plan, "evidence.1")) <= time.time()
    assert int(places.output(plan, "evidence.2")) == 1, "the line of the build was there when it was touched"


@words
def test_of_a_service_to_which_nothing_was_done_yet_no_last_words_are_looked_at(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    build = Step("build", change("sh", "-c", "echo 'api.c:42: error'; exit 2"), change("true"), apart=True)
    log = (Step("log", change("echo", "of the release that runs")),)
    plan = replace(make(build, Step("swap", change("true"))), evidence=log)
    assert untimed(places.run(plan, words))[-4:] == [
        "step 1 failed 2",
        "undo 1 running",
        "undo 1 done 0",
        "result undone step 1 2",
    ]
    built = replace(build, command=change("true"))
    plan = replace(make(built, Step("swap", change("false")), plan_id="20261120-0102"), evidence=log)
    assert "evidence 1 done 0" in untimed(places.run(plan, words))


@words
def test_a_preflight_that_fails_changes_nothing(places: LocalPlaces, words: tuple[str, ...]) -> None:
    marker = places.first / "changed"
    plan = make(
        Step("one", change("touch", str(marker))), preflight=(Check("no", shell("echo why; exit 1"), within=0),)
    )
    assert untimed(places.run(plan, words))[-1] == "result refused preflight 1 1"
    assert not marker.exists()


@words
def test_a_look_that_takes_as_long_as_something_must_hold_is_one_look(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    """On a busy host: one look of a second said that a service had stayed up for a second."""
    seen = places.first / "seen"
    slow = shell(f"sleep 0.5; [ ! -e {seen} ] && : >{seen}")
    plan = make(Step("one", change("true")), checks=(Check("stays", slow, within=5, hold=0.3),))
    assert untimed(places.run(plan, words))[-1].startswith("result failed check 1 1 flapped")


@words
def test_what_succeeds_and_then_fails_is_flapping(places: LocalPlaces, words: tuple[str, ...]) -> None:
    once = 'if [ -e "$1" ]; then exit 7; fi; : >"$1"'
    plan = make(Step("one", change("true")), checks=(Check("up", shell(once, str(places.first / "seen")), hold=5),))
    lines = places.run(plan, words)
    assert re.fullmatch(r"check 1 failed 7 \d\.\d\d flapped \d\.\d\d", lines[-3])
    assert lines[-1] == "result failed check 1 7 flapped"


@words
def test_what_cannot_be_told_once_after_a_success_is_looked_at_again(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    looks = 'echo x >>"$1"; case $(wc -l <"$1") in *2) echo not checked; exit 77 ;; esac'
    later = Check("up", shell(looks, str(places.first / "looks")), hold=0.5)
    never = Check("never again", shell('[ -e "$1" ] && exit 77; : >"$1"', str(places.first / "seen")), hold=0.3)
    lines = untimed(places.run(make(Step("one", change("true")), checks=(later, never)), words))
    assert sorted(lines[-3:]) == ["check 1 done 0", "check 2 skipped 77", "result done"]


@words
def test_checks_hold_side_by_side(places: LocalPlaces, words: tuple[str, ...]) -> None:
    late = '[ -e "$1" ] || { : >"$1"; exit 1; }'
    checks = (
        Check("a", shell("exit 0"), hold=0.6),
        Check("b", shell(late, str(places.first / "late")), within=3, hold=0.6),
        Check("cannot be told here", shell("echo no tool; exit 77"), hold=0.6),
    )
    lines = untimed(places.run(make(Step("one", change("true")), checks=checks), words))
    assert lines[-4:] == ["check 3 skipped 77", "check 1 done 0", "check 2 done 0", "result done"]


@words
def test_a_step_that_takes_too_long_is_ended_with_its_children(places: LocalPlaces, words: tuple[str, ...]) -> None:
    child = places.first / "child"
    plan = make(Step("one", change("sh", "-c", 'sleep 60 & echo $! >"$1"; wait', "sh", str(child), timeout=0.5)))
    lines = places.run(plan, words)
    assert re.fullmatch(r"step 1 failed 124 \d\.\d\d over", lines[-3])
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child.read_text().strip()}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child.read_text().strip()}").exists()


@words
def test_a_step_that_ignores_sigterm_is_killed(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(Step("one", change("sh", "-c", "trap '' TERM; sleep 60; sleep 60", timeout=0.3)))
    began = time.monotonic()
    lines = places.run(plan, words)
    assert re.fullmatch(r"step 1 failed 124 \d\.\d\d over", lines[-3])
    assert time.monotonic() - began < 40


@words
def test_what_must_not_be_ended_half_way_is_waited_for(places: LocalPlaces, words: tuple[str, ...]) -> None:
    slow = replace(change("sh", "-c", "sleep 1; echo set up", timeout=0.3), unended=True)
    plan = make(Step("install", slow), Step("next", change("true")))
    lines = untimed(places.run(plan, words))
    assert lines[-5:] == ["step 1 late 0", "step 1 done 0", "step 2 running", "step 2 done 0", "result done"]
    state = PlanState(plan)
    for line in ("step 1 running", "step 1 late 300"):
        state.feed(f"s {line}")
    state.feed("o step.1 Setting up api")
    assert state.progress().steps[0].output.splitlines() == [
        "still at it after 5 min: it is waited for, since half of it would be worse", "Setting up api",
    ]  # fmt: skip
    assert lease(plan) > lease(make(Step("install", replace(slow, unended=False)))) + 3600


UNSTOPPABLE = "kill() { return 1; }\n"
"""As when the command is root's by sudo, or waits for a disk that does not answer."""


@words
def test_what_cannot_be_stopped_is_not_undone_and_keeps_the_lock(places: LocalPlaces, words: tuple[str, ...]) -> None:
    ended, undone = places.first / "ended", places.first / "undone"
    undo = change("touch", str(undone))
    runs_on = change("sh", "-c", 'sleep 8; : >"$1"', "sh", str(ended), timeout=0.2)
    plan = make(Step("one", change("true"), undo), Step("two", runs_on, undo))
    process = places.start(plan, words, mend=UNSTOPPABLE)
    line = result_of(places, plan)
    held = places.locks()
    assert not ended.exists()
    assert re.fullmatch(r"result failed step 2 125 kept \d+ step 2 not-undone  2 1", line)
    assert len(held) == 1
    process.wait(30)
    assert (ended.exists(), undone.exists(), places.locks()) == (True, False, [])
    assert sum(line.startswith("result") for line in places.state(plan)) == 1


def test_an_undo_that_cannot_be_stopped_is_the_last(places: LocalPlaces) -> None:
    undone = places.first / "undone"
    plan = make(
        Step("one", change("true"), change("touch", str(undone))),
        Step("two", change("false"), change("sleep", "8", timeout=0.2)),
    )
    process = places.start(plan, mend=UNSTOPPABLE)
    assert re.fullmatch(r"result failed step 2 1 kept \d+ undo 2 not-undone  2 1", result_of(places, plan))
    assert len(places.locks()) == 1
    process.wait(30)
    assert (undone.exists(), places.locks()) == (False, [])


def test_the_lock_of_what_never_ends_is_over_with_its_lease(places: LocalPlaces) -> None:
    plan = make(Step("one", change("sleep", "12", timeout=0.2)))
    process = places.start(plan, mend=f"{UNSTOPPABLE}hd_lease=5\n")
    assert result_of(places, plan).startswith("result failed step 1 125 kept ")
    process.wait(10)
    assert len(places.locks()) == 1


def test_a_command_may_exit_with_125_itself(places: LocalPlaces) -> None:
    undone = places.first / "undone"
    plan = make(Step("one", change("sh", "-c", "exit 125"), change("touch", str(undone))))
    assert places.run(plan)[-1] == "result undone step 1 125"
    assert (undone.exists(), places.locks()) == (True, [])


def result_of(places: LocalPlaces, plan: Plan) -> str:
    """Its last line of state, as soon as that is a result."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if places.state(plan)[-1:] and places.state(plan)[-1].startswith("result "):
            break
        time.sleep(0.02)
    return places.state(plan)[-1]


@words
def test_a_daemon_that_keeps_the_output_open_holds_nothing_up(places: LocalPlaces, words: tuple[str, ...]) -> None:
    plan = make(Step("one", change("sh", "-c", "sleep 12 & echo started")), Step("two", change("echo", "second")))
    began = time.monotonic()
    assert untimed(places.run(plan, words))[-1] == "result done"
    assert time.monotonic() - began < 10
    assert places.output(plan, "step.1") == "started\n"
    assert places.output(plan, "step.2") == "second\n"


@words
def test_output_is_bounded_at_both_ends(places: LocalPlaces, words: tuple[str, ...]) -> None:
    flood = "i=0; while [ $i -lt 60 ]; do head -c 65536 /dev/zero | tr '\\0' x; i=$((i+1)); done; echo; echo the end"
    plan = make(Step("one", change("sh", "-c", flood)))
    assert untimed(places.run(plan, words))[-1] == "result done"
    assert (places.directory(plan) / "out.step.1").stat().st_size <= 1 << 20
    tail = (places.directory(plan) / "out.step.1.tail").read_text()
    assert len(tail) == 16384
    assert tail.endswith("the end\n")


@words
def test_output_is_for_nobody_else_to_read(places: LocalPlaces, words: tuple[str, ...]) -> None:
    """What a command prints may hold secrets; the state holds none, and other operators look at it."""
    made = places.first / "made"
    plan = make(
        Step("one", change("sh", "-c", 'head -c 1100000 /dev/zero; : >"$1"', "sh", str(made))),
        checks=(Check("well", shell("echo fine")),),
    )
    assert places.run(plan, words)[-1] == "result done"
    modes = {path.name: path.stat().st_mode & 0o777 for path in places.directory(plan).iterdir()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert private == {"out.step.1", "out.step.1.tail", "out.check.1", "log"}
    assert (modes["state"], modes["plan"], made.stat().st_mode & 0o777) == (0o644, 0o644, 0o644)


@words
def test_hostile_words_arrive_as_they_are_and_nothing_else_runs(places: LocalPlaces, words: tuple[str, ...]) -> None:
    show = 'cd "$1" || exit; shift; for word in "$@"; do printf "<%s>\\n" "$word"; done'
    here = str(places.first)
    hostile = "evil'\n$(touch PWNED)`touch PWNED`;touch PWNED"
    plan = make(
        Step(hostile, change("sh", "-c", show, "sh", here, *HOSTILE), shell(show, here, *HOSTILE)),
        preflight=(Check(hostile, shell(show, here, *HOSTILE), within=0),),
        checks=(Check(hostile, shell(show, here, *HOSTILE)), Check("no", shell("exit 1"), within=0)),
        target=ServiceRef(hostile, "systemd", hostile),
        touches=(ServiceRef("web1", "systemd", "-x"), ServiceRef("web1", "systemd", "../../etc/passwd")),
        reason=hostile,
    )
    lines = untimed(places.run(plan, words))
    assert lines[-1] == "result undone check 2 1"
    expected = "".join(f"<{word}>\n" for word in HOSTILE)
    for tag in ("preflight.1", "step.1", "check.1", "undo.1"):
        assert places.output(plan, tag) == expected
    assert not list(places.first.rglob("PWNED"))
    assert not Path("PWNED").exists()
    assert (places.directory(plan) / "audit").read_text().count("\n") == 2


@words
def test_a_cut_script_does_nothing(places: LocalPlaces, words: tuple[str, ...], tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = render(make(Step("one", change("touch", str(marker)))), root=True, operator="ann", places=places.all)
    directory = places.first / "hostdeck-plan-cut"
    directory.mkdir()
    # Everywhere in what is rendered, and at some places of the constant part.
    start = text.index("hd_id=")
    for length in (*range(start, len(text) - len("hd_main\n"), 7), *range(0, start, 997)):
        script = tmp_path / "script"
        script.write_text(text[:length])
        subprocess.run([*words, str(script), str(directory)], capture_output=True, timeout=20, check=False)
        assert not marker.exists()
        assert not (directory / "begun").exists()


@words
def test_the_same_plan_runs_once(places: LocalPlaces, words: tuple[str, ...]) -> None:
    count = places.first / "count"
    plan = make(Step("one", change("sh", "-c", 'echo x >>"$1"; sleep 0.5', "sh", str(count))))
    running = [places.start(plan, words) for _ in range(3)]
    for process in running:
        process.wait(30)
    assert count.read_text() == "x\n"
    assert sum(line.startswith("result") for line in places.state(plan)) == 1


@words
def test_of_many_at_once_one_gets_the_lock(places: LocalPlaces, words: tuple[str, ...]) -> None:
    count = places.first / "count"
    step = Step("one", change("sh", "-c", 'echo x >>"$1"; sleep 1.5', "sh", str(count)))
    plans = [make(step, plan_id=f"20261120-120000-{number}", reason="incident 4711") for number in range(5)]
    running = [places.start(plan, words) for plan in plans]
    for process in running:
        process.wait(30)
    results = sorted(places.state(plan)[-1].split()[1] for plan in plans)
    assert results == ["done", "refused", "refused", "refused", "refused"]
    assert count.read_text() == "x\n"
    refused = next(line for plan in plans if " refused lock " in (line := places.state(plan)[-1]))
    assert "by=ann&why=incident%204711" in refused
    assert places.locks() == []


def test_locks_are_taken_in_one_order_and_all_given_back(places: LocalPlaces) -> None:
    other = ServiceRef("web1", "systemd", "legacy.service")
    one = make(Step("one", change("sleep", "1")), plan_id="20261120-one", touches=(other,))
    two = make(Step("one", change("sleep", "1")), plan_id="20261120-two", target=other, touches=(REF,))
    assert lock_keys(one) == lock_keys(two)
    first, second = places.start(one), places.start(two)
    first.wait(20), second.wait(20)
    assert sorted(places.state(plan)[-1].split()[1] for plan in (one, two)) == ["done", "refused"]


def test_what_a_plan_takes_along_is_not_acted_on_meanwhile(places: LocalPlaces) -> None:
    other = ServiceRef("web1", "systemd", "nginx.service")
    one = replace(make(Step("one", change("sleep", "1")), plan_id="20261120-one"), along=(other,))
    two = make(Step("one", change("sleep", "1")), plan_id="20261120-two", target=other)
    assert set(lock_keys(one)) & set(lock_keys(two)) == {lock_key(other)}
    assert loads(dumps(one, "ann"), "web1")[0].along == (other,)
    first, second = places.start(one), places.start(two)
    first.wait(20), second.wait(20)
    assert sorted(places.state(plan)[-1].split()[1] for plan in (one, two)) == ["done", "refused"]
    assert places.locks() == []


def test_two_services_of_one_directory_of_releases_do_not_change_it_at_once(places: LocalPlaces) -> None:
    other = ServiceRef("web1", "systemd", "worker.service")
    one = make(Step("one", change("sleep", "1")), plan_id="20261120-one", shares=("/srv/api",))
    two = make(Step("one", change("sleep", "1")), plan_id="20261120-two", target=other, shares=("/srv/api",))
    assert set(lock_keys(one)) & set(lock_keys(two)) == {share_key("/srv/api")}
    first, second = places.start(one), places.start(two)
    first.wait(20), second.wait(20)
    assert sorted(places.state(plan)[-1].split()[1] for plan in (one, two)) == ["done", "refused"]
    assert places.locks() == []
    assert places.locks() == []


@words
def test_links_of_others_block_no_plan_whatever_their_numbers(places: LocalPlaces, words: tuple[str, ...]) -> None:
    """Dead ones, of an earlier boot; each number that would come next is taken too."""
    for number in (
        "999999999999",
        "1000000000000",
        "09",
        "999999999",
        "1000000000",
        "1000000001",
        "x",
        "1e9",
        "-1",
        "",
    ):
        (places.first / f"hostdeck-lock-{lock_key(REF)}.{number}").symlink_to("v=1&plan=20261120-dead&boot=0")
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1000000002").mkdir()
    before = places.locks()
    for plan_id in ("20261120-one", "20261120-two"):
        assert places.run(make(Step("one", change("true")), plan_id=plan_id), words)[-1] == "result done"
    assert places.locks() == before


@words
@pytest.mark.parametrize("said", ["up=09&lease=5", "up=08&lease=09", "up=010&lease=86000"])
def test_a_number_that_a_shell_cannot_read_ends_no_plan(places: LocalPlaces, words: tuple[str, ...], said: str) -> None:
    (places.first / f"hostdeck-lock-{lock_key(ServiceRef('h', 'systemd', 'x'))}.09").symlink_to("v=1")
    (places.first / f"hostdeck-lock-{lock_key(REF)}.09").symlink_to(f"v=1&plan=20261120-odd&{said}")
    line = places.run(make(Step("one", change("true"))), words)[-1]
    assert line.startswith(f"result refused lock {lock_key(REF)} - over ")


def test_a_lock_that_cannot_be_made_says_why(places: LocalPlaces) -> None:
    """Nobody holds it and the disk is not full; the names of both are told apart by what the host said."""
    plan = make(Step("one", change("true")))
    for made, told in (
        ("echo \"ln: failed to create symbolic link '$3': Permission denied\" >&2; return 1", "Permission denied"),
        (":", ""),
    ):
        lines = places.run(plan, mend=f"ln() {{ {made}; }}\n")
        assert lines[-1].rstrip() == f"result refused link {lock_key(REF)} {told}".rstrip()
        shutil.rmtree(places.directory(plan))


def test_the_lock_does_not_depend_on_what_the_console_calls_the_host() -> None:
    assert lock_key(ServiceRef("web1", "systemd", "api.service")) == lock_key(
        ServiceRef("web-1.example", "systemd", "api.service")
    )
    assert lock_key(ServiceRef("h", "systemd", "a", "user:ann")) != lock_key(ServiceRef("h", "systemd", "a"))
    for name in ("../../x", "a b", "a\nb", "-", "é" * 300):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", lock_key(ServiceRef("h", "systemd", name)))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The socket of a host's log, and the shell text with which a plan writes to it."""
    if shutil.which("logger", path="/usr/bin") is None:
        pytest.skip("logger is not on this machine")
    # The path of a socket has at most 108 bytes.
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(f"{short}/log")
        tool = tmp_path / "tools" / "logger"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec /usr/bin/logger -u {short}/log "$@"\n')
        tool.chmod(0o755)
        yield made, f"hd_syslog={short}/log PATH={tool.parent}:$PATH\n"


def test_the_log_of_the_host_is_told_who_does_what(places: LocalPlaces, log: tuple[socket.socket, str]) -> None:
    plan = make(Step("one", change("true")))
    assert places.run(plan, mend=log[1])[-1] == "result done"
    log[0].setblocking(False)
    begin, end = (log[0].recv(4096).decode() for _ in range(2))
    assert "hostdeck" in begin
    assert f"plan={plan.id} begin user=" in begin
    assert f"plan={plan.id} end result=done" in end


def test_a_log_that_takes_nothing_holds_no_plan_up(places: LocalPlaces, log: tuple[socket.socket, str]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.connect(log[0].getsockname())
        full.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                full.send(b"x")
        plan = make(Step("one", change("touch", str(places.first / "one"))))
        assert places.run(plan, mend=log[1])[-1] == "result refused audit"
    assert not (places.first / "one").exists()
    assert places.locks() == []


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A disk of its own at ``places`` that writes nothing down by itself, and what a crash leaves of it."""
    image, mounted = tmp_path / "disk", [tmp_path / "places"]

    def mount(file: Path, place: Path) -> Path:
        place.mkdir()
        subprocess.run(["mount", "-o", "loop,commit=600", file, place], check=True)
        return place

    def crash() -> Path:
        after = tmp_path / "after"
        shutil.copyfile(image, tmp_path / "copy")
        mounted.append(mount(tmp_path / "copy", after))
        return after

    with image.open("wb") as made:
        made.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount(image, mounted[0])
    yield crash
    for place in mounted:
        subprocess.run(["umount", place], check=True)


@words
def test_what_was_begun_is_on_the_disk_before_it_is_done(
    tmp_path: Path, disk: Callable[[], Path], words: tuple[str, ...]
) -> None:
    """A host that crashes writes nothing down any more: a plan that left no file would never have been."""
    places = LocalPlaces(tmp_path / "places")
    go = tmp_path / "go"
    plan = make(Step("one", change("sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done", timeout=60)))
    going = places.start(plan, words)
    until(lambda: "step 1 running" in places.state(plan))
    left = disk() / "place0" / f"hostdeck-plan-{plan.id}"
    go.touch()
    going.wait(30)
    assert loads((left / "plan").read_text(), "web1")[0] == plan
    assert (left / "state").read_text().startswith(f"run 1 {plan.id} ")
    assert " begin user=" in (left / "audit").read_text()


def recorded(places: LocalPlaces, number: int = 1) -> list[str]:
    """What was written down on a host without a log."""
    file = places.first / f"hostdeck-audit-{os.getuid()}.{number}" / "log"
    return [line.split(" ", 1)[1] for line in file.read_text().splitlines()] if file.exists() else []


@words
def test_a_host_without_a_log_keeps_who_did_what(places: LocalPlaces, words: tuple[str, ...]) -> None:
    """What lies beside the plan goes with it the day after."""
    plan = make(Step("one", change("true")))
    assert places.run(plan, words, mend=NO_LOG)[-1] == "result done"
    begin, end = recorded(places)
    assert begin.startswith(f"plan={plan.id} begin user=")
    assert end == f"plan={plan.id} end result=done"
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to("v=1&plan=20261120-dead&up=1&lease=1")
    program = plan_door.set_aside(lock_key(REF), "20261120-dead", "by=bob&why=stale", places.all)
    said = subprocess.run([*words], input=program.replace(b"/dev/log", b"/none"), capture_output=True, check=True)
    assert said.stdout == b"d set-aside\n"
    assert recorded(places)[2].startswith(f"break-lock key={lock_key(REF)} of-plan=20261120-dead user=")


@words
def test_what_others_lay_out_where_it_is_kept_is_left_alone(
    places: LocalPlaces, words: tuple[str, ...], tmp_path: Path
) -> None:
    """And where nothing of it can be written, nothing is done."""
    name, own = f"{places.first}/hostdeck-audit-{os.getuid()}", tmp_path / "own"
    own.mkdir()
    os.mkfifo(f"{name}.1")
    Path(f"{name}.2").symlink_to(own)
    Path(f"{name}.3").mkdir(mode=0o777)
    os.chown(f"{name}.3", 65534, 65534)
    plan = make(Step("one", change("true")))
    assert places.run(plan, words, mend=NO_LOG)[-1] == "result done"
    assert len(recorded(places, 4)) == 2
    assert [*own.iterdir(), *Path(f"{name}.3").iterdir()] == []
    shutil.rmtree(f"{name}.4")
    for number in (4, 5):
        Path(f"{name}.{number}").write_text("in the way")
    shutil.rmtree(places.directory(plan))
    assert places.run(plan, words, mend=NO_LOG)[-1] == "result done"
    lines = [line for file in places.first.glob("hostdeck-audit-*/log") for line in file.read_text().splitlines()]
    assert sorted(line.split()[2] for line in lines) == ["begin", "end"]
    shutil.rmtree(places.directory(plan))
    assert places.run(plan, words, mend=f"{NO_LOG}mktemp() {{ false; }}\n")[-1] == "result refused audit"
    assert "step 1 running" not in places.state(plan)


@words
@pytest.mark.parametrize("code", [0, 1])
def test_a_plan_that_lost_its_lock_does_and_undoes_nothing_more(
    places: LocalPlaces, words: tuple[str, ...], code: int
) -> None:
    folder = places.first
    waits = "until [ -e {} ]; do sleep 0.05; done; exit {}"

    def step(name: str, go: str, code: int) -> Step:
        wait = change("sh", "-c", waits.format(folder / go, code), timeout=60)
        return Step(name, wait, change("touch", str(folder / "undone")))

    plan = make(step("one", "go1", code), Step("two", change("touch", str(folder / "two"))))
    other = make(step("other", "go2", 0), plan_id="20261120-120000-bbbb")
    first = places.start(plan, words, mend="hd_lease=1\n")
    until(lambda: "step 1 running" in places.state(plan))
    program = plan_door.set_aside(lock_key(REF), plan.id, "by=bob&why=stale", places.all)
    until(lambda: b"set-aside" in subprocess.run([*words], input=program, capture_output=True, check=False).stdout)
    second = places.start(other, words)
    until(lambda: "step 1 running" in places.state(other))
    held = set(places.locks())
    (folder / "go1").touch()
    first.wait(30)
    assert places.state(plan)[-1] == "result failed lost not-undone  1"
    assert len(held - set(places.locks())) == 1
    (folder / "go2").touch()
    second.wait(30)
    assert places.state(other)[-1] == "result done"
    assert [(folder / name).exists() for name in ("two", "undone")] == [False, False]
    state = PlanState(plan)
    for line in places.state(plan):
        state.feed(f"s {line}")
    assert (state.reason or "").startswith("it lost its lock"), state.reason
    assert (state.reason or "").endswith("these could not be undone: undo of one")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@words
def test_term_interrupts_and_undoes(places: LocalPlaces, words: tuple[str, ...]) -> None:
    undone = places.first / "undone"
    plan = make(Step("one", change("true"), change("touch", str(undone))), checks=(Check("up", shell(":"), hold=30),))
    process = places.start(plan, words)
    deadline = time.monotonic() + 30
    while "check 1 running" not in places.state(plan) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.wait(15)
    if Path("/proc/self/cgroup").read_text().count("session-"):
        pytest.skip("run in a login session, where the script ignores this signal")
    assert places.state(plan)[-1] == "result undone interrupted"
    assert undone.exists()
    assert places.locks() == []


@pytest.mark.parametrize("bad", ["short", "../../../etc", "-rf-rf-rf", "a b c d e f g", "x" * 65])
def test_a_plan_id_is_a_plain_word(bad: str) -> None:
    with pytest.raises(ValueError, match="plan id"):
        render(make(plan_id=bad), root=True, operator="ann")


def test_words_that_no_command_can_have_are_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        render(make(Step("one", change("echo", "a\0b"))), root=True, operator="ann")
    for argv in ((), ("",), ("-c", "x")):
        with pytest.raises(ValueError, match="no command"):
            render(make(Step("one", change(*argv))), root=True, operator="ann")


def test_elevated_steps_go_through_sudo_with_exactly_their_words() -> None:
    plan = make(Step("one", change("systemctl", "restart", "api.service", elevate=True)))
    text = render(plan, root=False, operator="ann")
    assert "step.1) exec $hd_setsid sudo -n -- systemctl restart api.service ;;" in text
    assert "may.1) exec sudo -n -l -- systemctl restart api.service ;;" in text
    assert "step.1) exec $hd_setsid systemctl restart api.service ;;" in render(plan, root=True, operator="ann")


def test_of_a_script_that_looks_first_sudo_is_asked_for_what_it_ends_in() -> None:
    ends = ("sudo", "-n", "-u", "deploy", "--", "pm2", "restart", "3")
    plan = make(Step("one", replace(change("sh", "-c", 'shift; exec "$@"', "sh", *ends), becomes=ends)))
    text = render(plan, root=False, operator="ann")
    assert "may.1) exec sudo -n -l -u deploy -- pm2 restart 3 ;;" in text
    assert "step.1) exec $hd_setsid sh -c" in text
    found, _ = loads(dumps(plan, "ann"), "web1")
    assert found.steps[0].command.told() == "sudo -n -u deploy -- pm2 restart 3"


def test_the_lease_outlives_the_plan() -> None:
    plan = make(
        Step("one", change("true", timeout=100), change("true", timeout=50)),
        checks=(Check("up", shell(":", timeout=5), within=20, hold=10),),
    )
    assert lease(plan) > 100 + 50 + 20 + 10


def test_no_state_no_change(places: LocalPlaces) -> None:
    """Row 42, and a full disk: what cannot be written down is not done."""
    marker = places.first / "ran"
    plan = make(Step("one", change("touch", str(marker))))
    places.directory(plan).mkdir()
    (places.directory(plan) / "state").symlink_to("/dev/full")
    places.start(plan).wait(20)
    assert not marker.exists()
    assert places.locks() == []


def test_a_disk_that_fills_between_steps_stops_and_undoes(places: LocalPlaces) -> None:
    marker, undone = places.first / "ran", places.first / "undone"
    fill = 'rm -f "$1/state"; mkdir "$1/state"'
    directory = str(places.directory(make()))
    plan = make(
        Step("fills", change("sh", "-c", fill, "sh", directory), change("touch", str(undone))),
        Step("next", change("touch", str(marker))),
    )
    places.start(plan).wait(20)
    assert undone.exists()
    assert not marker.exists()
    assert places.locks() == []


@pytest.mark.parametrize("name", ["plan_common.sh", "plan_command.sh", "plan_run.sh", "plan_door.sh", "rights.sh"])
@words
def test_shell_files_are_read_by_every_shell(name: str, words: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(shell_text(name))
    done = subprocess.run([*words, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
