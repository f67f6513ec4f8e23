"""Who is sent SIGHUP: what real programs have in /proc/PID/status, and whether they lived on when it was sent.

``recorded/on-sighup.txt`` was recorded on Debian 12: the lines of a process that tell of signals, then the signal.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from console.actions import ActionSettings
from console.actions.hup_scripts import HANDLES_HUP
from console.core.plan import ActionKind
from tests.actions.hosts import service, snapshot
from tests.actions.test_plan import made
from tests.managers.tools import Tools, every_shell

TEXT = (Path(__file__).parent / "recorded" / "on-sighup.txt").read_text(encoding="utf-8")
RECORDED = dict(each.split("\n", 1) for each in TEXT.split("== ")[1:])
"""By ``PROGRAM -> ends`` or ``PROGRAM -> lives``."""
ENDS = sorted(name for name in RECORDED if name.endswith(" -> ends"))
LIVES = sorted(name for name in RECORDED if name.endswith(" -> lives"))
SAME_MASK = ("prometheus ", 'ruby 3.1.2: trap("HUP")')
"""What lives on, and is not told from another program of its runtime that ends."""


def ask(folder: Path, shell: list[str], recorded: str, declared: str = "") -> tuple[int, str]:
    (folder / "status").write_text(RECORDED[recorded], encoding="utf-8")
    look = HANDLES_HUP.replace("/proc/$pid/status", str(folder / "status"), 1)
    done = Tools(folder).run(shell, look, "812", "api.service", declared, "echo", "MainPID=812")
    return done.returncode, done.stdout


@every_shell
@pytest.mark.parametrize("recorded", ENDS)
def test_nothing_that_ends_by_it_is_said_to_handle_it(tmp_path: Path, shell: list[str], recorded: str) -> None:
    code, said = ask(tmp_path, shell, recorded)
    assert (code, "handles SIGHUP" in said) == (1, False), said
    assert "cannot be told" in said or "does not handle SIGHUP: it would end it" in said


@every_shell
@pytest.mark.parametrize("recorded", LIVES)
def test_what_has_a_handler_of_its_own_is_sent_it(tmp_path: Path, shell: list[str], recorded: str) -> None:
    code, said = ask(tmp_path, shell, recorded)
    if recorded.startswith(SAME_MASK):
        assert code == 1
        assert "reloads_on_sighup = true" in said
    else:
        assert (code, said) == (0, "pid 812 handles SIGHUP\n")
    assert ask(tmp_path, shell, recorded, "declared") == (
        0, "pid 812 handles SIGHUP, and reloads on it by the configuration\n",
    )  # fmt: skip


@every_shell
def test_no_configuration_has_it_sent_to_what_has_no_handler(tmp_path: Path, shell: list[str]) -> None:
    [plain] = [name for name in ENDS if name.startswith("dash")]
    assert ask(tmp_path, shell, plain, "declared") == (
        1, "api.service (pid 812) does not handle SIGHUP: it would end it\n",
    )  # fmt: skip


@pytest.mark.parametrize("declared", [False, True])
def test_the_plan_tells_the_look_what_the_configuration_says(declared: bool) -> None:
    settings = ActionSettings(reloads_on_sighup=declared)
    found = made(ActionKind.RELOAD, snapshot(service()), settings)
    [look] = [check for check in found.preflight if check.name == "api.service handles SIGHUP"]
    assert look.command.argv[4:7] == ("812", "api.service", "declared" if declared else "")
