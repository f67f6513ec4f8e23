"""Whose a control group is, to the scripts that look at ports."""

from __future__ import annotations

import getpass
import os
import subprocess
from dataclasses import replace

import pytest

from console.actions import scripts
from console.actions.checks import port_words
from console.managers import MANAGERS
from console.managers.base import Grouped
from tests.actions.hosts import PORT, ref, service

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
    words = ["sh", "-c", scripts._MINE + SAY, "sh", scope, "app.service", cgroup]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("mine" if mine else "", "")


def test_the_user_is_told_to_them() -> None:
    [systemd] = [manager for manager in MANAGERS if manager.id == "systemd"]
    assert isinstance(systemd, Grouped)
    bobs = replace(service(), ref=ref("app.service", scope="user:bob"))
    assert port_words(PORT, systemd, bobs)[2] == "user:bob"
