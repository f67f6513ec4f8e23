"""The door through which a console asks a host, in a place where other users have laid something out for it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.plan import Check, Step
from console.remote import plan_door, plan_inspect
from console.remote.plan_script import render
from tests.patience import SHARED
from tests.remote.plans import SHELLS, LocalPlaces, change, make, shell

words = pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])


@pytest.fixture
def places(tmp_path: Path) -> LocalPlaces:
    return LocalPlaces(tmp_path)


def ask(words: tuple[str, ...], request: bytes, *, first: str = "") -> str:
    """What the door answers; ``first`` is shell text that the host's shell reads before it."""
    asked = first.encode() + request
    done = subprocess.run([*words], input=asked, capture_output=True, timeout=10 * SHARED, check=False)
    return done.stdout.decode()


@words
def test_saying_why_a_plan_cannot_be_taken_overwrites_nothing(
    places: LocalPlaces, words: tuple[str, ...], tmp_path: Path
) -> None:
    """The name of what is tried is easily guessed: here a link of just that name is there already."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    lay = f'ln -s {precious} "{places.first}/hostdeck-trial-$$"; ln -s {precious} "{places.first}/hostdeck-plan-x1"\n'
    answer = ask(words, plan_door.call_off("x1", places.all), first=lay)
    assert answer.startswith("d refused ")
    assert precious.read_text() == "precious"


@words
def test_saying_why_a_plan_cannot_be_taken_leaves_nothing(places: LocalPlaces, words: tuple[str, ...]) -> None:
    (places.first / "hostdeck-plan-x1").write_text("in the way")
    answer = ask(words, plan_door.call_off("x1", places.all))
    assert answer == f"d refused ({places.first} cannot take it)\n"
    assert [path.name for path in places.first.iterdir()] == ["hostdeck-plan-x1"]


def script_of(places: LocalPlaces, mark: Path, plan_id: str) -> str:
    return render(make(Step("x", change("touch", str(mark))), plan_id=plan_id), root=False, operator="ann",
                  places=places.all)  # fmt: skip


MEANWHILE = """
mkdir() {
  if [ ! -e "%s/hooked" ]; then : >"%s/hooked"; "$hd_sh" <"%s/other" >"%s/answer"; fi
  command mkdir "$@"
}
hd_detach() { "$hd_sh" "$hd_dir/script" "$hd_dir"; }
"""
"""Another connection asks just before the first directory is made; a plan that begins has ended before it is told."""


@words
@pytest.mark.parametrize("call_off", [True, False])
def test_a_plan_that_is_called_off_while_it_is_handed_over_does_not_run(
    tmp_path: Path, words: tuple[str, ...], call_off: bool
) -> None:
    """Whichever of the two comes first, also where there is a second place."""
    places, mark, plan_id = LocalPlaces(tmp_path, 2), tmp_path / "ran", "20261120-120000-race01"
    handed = plan_door.hand_over(plan_id, script_of(places, mark, plan_id), places.all).decode()
    called = plan_door.call_off(plan_id, places.all).decode()
    meanwhile = MEANWHILE.replace("%s", str(tmp_path)).replace('"$hd_sh"', " ".join(words))
    quick = meanwhile[meanwhile.index("hd_detach") :]
    at = handed.index(f"hd_hand_over {plan_id}")
    before, after = handed[:at], handed[at:]
    if call_off:
        (tmp_path / "other").write_text(called)
        first = ask(words, f"{before}{meanwhile}{after}".encode())
        assert ((tmp_path / "answer").read_text(), first[:8]) == ("d called-off\n", "d begun ")
    else:
        (tmp_path / "other").write_text(f"{before}{quick}{after}")
        at = called.index(f"hd_call_off {plan_id}")
        assert ask(words, f"{called[:at]}{meanwhile}{called[at:]}".encode()) == "d running\n"
    assert mark.exists() is not call_off
    assert [path.name for place in places.all for path in Path(place).glob("hostdeck-plan-*")] == [
        f"hostdeck-plan-{plan_id}"
    ]


def lay_plan(places: LocalPlaces, plan_id: str, uid: int | None = None) -> Path:
    """A plan's directory whose state takes long to read and next to no room."""
    directory = places.first / f"hostdeck-plan-{plan_id}"
    directory.mkdir()
    with (directory / "state").open("wb") as file:
        file.truncate(200 << 20)
    for path in (directory, directory / "state"):
        os.chown(path, -1 if uid is None else uid, -1)
    return directory


@words
def test_a_huge_state_does_not_hold_up_the_look_at_all(places: LocalPlaces, words: tuple[str, ...]) -> None:
    lay_plan(places, "20261120-huge")
    answer = ask(words, plan_door.inspect(places.all))
    assert f"p 20261120-huge {os.getuid()}\n" in answer
    assert len(answer) < 1 << 20


@words
def test_of_plans_without_number_the_newest_are_told(places: LocalPlaces, words: tuple[str, ...]) -> None:
    for number in range(300):
        (places.first / f"hostdeck-plan-20261120-{number:04}").mkdir()
    told = [line.split()[1] for line in ask(words, plan_door.inspect(places.all)).splitlines() if line[:2] == "p "]
    assert told == [f"20261120-{number:04}" for number in range(299, 199, -1)]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@words
def test_what_others_lay_out_is_not_read_and_does_not_hide_ones_own(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    lay_plan(places, "20261120-foreign", 65534)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for number in range(400):
        link = places.first / f"hostdeck-lock-key{number}.1"
        link.symlink_to(f"v=1&plan=20261120-{number}&boot={boot}&up=1&lease=1")
        if number != 399:
            os.chown(link, 65534, -1, follow_symlinks=False)
    lines = ask(words, plan_door.inspect(places.all)).splitlines()
    assert [line for line in lines if line[:2] in ("p ", "st")] == []
    locks = [line.split()[1] for line in lines if line[:2] == "l "]
    assert ("key399" in locks, len(locks)) == (True, 101)


@words
def test_a_plans_script_is_readable_by_its_user_and_root_alone(places: LocalPlaces, words: tuple[str, ...]) -> None:
    """It holds the real words of every command."""
    body = 'mkdir "$1/begun"\nls -l "$0" >"$1/mode"\necho "result done" >"$1/state"\n'
    answer = ask(words, plan_door.hand_over("20261120-mode", body, places.all), first="umask 000\n")
    assert answer.endswith("s result done\n")
    assert (places.first / "hostdeck-plan-20261120-mode" / "mode").read_text().startswith("-rw------- ")


@words
def test_what_a_failed_plan_has_kept_is_told_to_a_console_that_did_not_watch_it(
    places: LocalPlaces, words: tuple[str, ...]
) -> None:
    said = r"seq 60; echo; echo 'API_TOKEN=hunter2hunter2'; printf 'p x 0\npanic: nil map at main.go:42'"
    failing = (Check("/health answers 2xx", shell("exit 1"), within=0),)
    plan = make(Step("make 2 live", change("true"), change("true")), checks=failing)
    plan = replace(plan, evidence=(Step("the last lines of api", shell(said)), Step("nothing", shell("true"))))
    assert places.run(plan, words)[-1].startswith("result undone")
    # An output by another name, or one that lies elsewhere, is none.
    (places.directory(plan) / "out.evidence.x").write_text("not of it")
    (places.directory(plan) / "out.evidence.3").symlink_to("/etc/passwd")
    [found] = plan_inspect.parse(ask(words, plan_door.inspect(places.all)), "web1").plans
    log, nothing = found.progress.evidence
    last = ["60", "", "API_TOKEN=********", "p x 0", "panic: nil map at main.go:42"]
    assert log.output.splitlines() == [*(str(number) for number in range(25, 60)), *last]
    assert nothing.output == ""
