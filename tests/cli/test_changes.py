"""Plans as a person reads them before they run."""

from dataclasses import replace

import pytest

from console.cli.changes import print_plan
from console.core.command import Command, Effect
from console.core.plan import ActionKind, Plan, Step
from tests.actions.hosts import ref

STOP = Step("stop old.service", Command(("systemctl", "stop", "old.service")))
PLAN = Plan("20261120-1", ActionKind.FREE_PORT, ref("api.service"), (STOP,), irreversible="old.service is gone")


def test_a_script_that_looks_first_is_told_by_what_it_ends_in(capsys: pytest.CaptureFixture[str]) -> None:
    ends = ("pm2", "restart", "3")
    script = Command(("sh", "-c", "look\n" * 50, "sh", *ends), effect=Effect.CHANGE, becomes=ends)
    print_plan(replace(PLAN, steps=(Step("restart a b", script, script),)), root=True)
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 pm2 restart 3 (a script that looks first, --json prints it)" in shown
    assert "if not pm2 restart 3" in shown


def test_what_cannot_be_undone_is_shown_beside_what_can(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN, root=True)
    assert "if not        old.service is gone" in capsys.readouterr().out
    step = replace(STOP, undo=Command(("systemctl", "start", "old.service")))
    print_plan(replace(PLAN, steps=(step,)), root=True)
    shown = capsys.readouterr().out
    assert "if not        systemctl start old.service" in shown
    assert "no way back   old.service is gone" in shown
