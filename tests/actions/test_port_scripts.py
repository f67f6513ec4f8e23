"""Whose a control group is, to the scripts that look at ports."""

from __future__ import annotations

import getpass
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import scripts
from console.actions.checks import port_words
from console.managers import MANAGERS
from console.managers.acting import Grouped
from tests.actions.hosts import PORT, ref, service
from tests.remote.plans import SHELLS

SAY = '\nscope=$1 name=$2\nmine "$3" && echo mine\n'
MY = f"user:{getpass.getuser()}"
UID = os.getuid()
OTHER = UID + 1


def of_user(uid: int) -> str:
    return f"/user.slice/user-{uid}.slice/user@{uid}.service/app.slice/app.service"


@pytest.mark.parametrize(
    ("scope", "cgroup", "mine"),
    [
        (MY, of_user(UID), True),
        (MY, of_user(OTHER), False),
        (MY, "/system.slice/app.service", False),
        ("user:no-such-user", of_user(OTHER), True),
        ("user:no-such-user", "/system.slice/app.service", False),
        ("system", "/system.slice/app.service", True),
        ("system", of_user(UID), False),
    ],
)
def test_units_of_two_users_with_one_name_are_told_apart(scope: str, cgroup: str, mine: bool) -> None:
    words = ["sh", "-c", scripts.MINE + SAY, "sh", scope, "app.service", cgroup]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("mine" if mine else "", "")


def test_the_user_is_told_to_them() -> None:
    [systemd] = [manager for manager in MANAGERS if manager.id == "systemd"]
    assert isinstance(systemd, Grouped)
    bobs = replace(service(), ref=ref("app.service", scope="user:bob"))
    assert port_words(PORT, systemd, bobs)[2] == "user:bob"


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
@pytest.mark.parametrize(
    ("down", "lacks", "needless"), [("true", "false", True), ("false", "false", False), ("false", "true", True)]
)
def test_only_what_an_undo_has_stopped_is_started_once_more(
    tmp_path: Path, words: tuple[str, ...], down: str, lacks: str, needless: bool
) -> None:
    def looked(text: str, *argv: str) -> bool:
        environment = {**os.environ, "HOSTDECK_PLAN": str(tmp_path)}
        return subprocess.run([*words, "-c", text, "sh", "key", *argv], env=environment, check=False).returncode == 0

    assert looked(scripts.DOWN_BY_ITSELF, down) is (down == "true")
    assert looked(scripts.WAS_DOWN, lacks) is needless


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
@pytest.mark.parametrize(("at_last", "exit_code", "looks"), [(0, 0, 3), (77, 77, 3), (1, 1, 4)])
def test_a_port_is_waited_for_until_it_is_held_or_cannot_be_told(
    tmp_path: Path, words: tuple[str, ...], at_last: int, exit_code: int, looks: int
) -> None:
    look = 'echo look >>"$1"; n=$(wc -l <"$1"); echo "look $((n))"; [ "$n" -lt 3 ] || exit "$2"; exit 1'
    count = tmp_path / "looks"
    asked = ("sh", "-c", look, "sh", str(count), str(at_last))
    done = subprocess.run(
        [*words, "-c", scripts.WAIT_FOR, "sh", "3", *asked], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (exit_code, f"look {looks}\n"), done.stderr
    assert len(count.read_text().splitlines()) == looks
