"""A shell on a host: what may be opened, and what is said when it could not."""

import stat
from pathlib import Path

import pytest

from console.demo.fleet import demo_fleet
from console.ui.shell import _run
from tests.ui import scenes
from tests.ui.steps import until


def program(folder: Path, text: str) -> str:
    path = folder / "ssh"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_the_last_line_of_a_failed_ssh_is_kept(tmp_path: Path) -> None:
    ssh = program(
        tmp_path, "printf 'Warning: added\\r\\nssh: connect to host web1 port 22: \\033[2JRefused\\r\\n' >&2; exit 255"
    )
    assert await _run((ssh,), listen=True) == (255, "ssh: connect to host web1 port 22: Refused")


async def test_a_connection_that_stays_behind_does_not_hold_the_console(tmp_path: Path) -> None:
    ssh = program(tmp_path, "echo shared >&2; sleep 3 & exit 255")
    assert await _run((ssh,), listen=True) == (255, "shared")


async def test_a_shell_of_this_machine_keeps_the_terminal(tmp_path: Path) -> None:
    assert await _run((program(tmp_path, "exit 3"),), listen=False) == (3, "")


async def test_the_demo_has_no_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_args: object) -> str | None:
        raise AssertionError("a real ssh was started")

    monkeypatch.setattr("console.ui.shell.open_shell", never)
    fleet = scenes.fleet()
    fleet.can_shell = demo_fleet(lambda _snapshot: ()).can_shell
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("!")
        await until(pilot, lambda: "the demo has no shells" in scenes.text_of(app))
