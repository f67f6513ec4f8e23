"""What is told of how a run ended, by tools that print what real ones printed: systemd 252, Docker 20.10.24."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.core.plan import ActionKind
from console.core.service import Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.managers.container_scripts import HOW_ENDED, STOPPED
from console.managers.docker import DOCKER
from console.managers.pm2 import PM2
from console.managers.supervisord import SUPERVISORD
from console.managers.supervisord_scripts import HOW_ENDED as PROGRAM_ENDED
from console.managers.supervisord_scripts import IS_ONCE
from console.managers.systemd import SYSTEMD
from console.managers.systemd_how_ended import USER_HOW_ENDED
from tests.managers.tools import Tools, every_shell

RUN = "run 1 20261120-1 812 4711 boot 100 1795267000 180 root\n"
"""The first line of a plan's state, in ``plan_run.sh``."""


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "state").write_text(RUN)
    return Tools(tmp_path)


def look(tools: Tools, shell: list[str], script: str, *args: str) -> tuple[int, str]:
    done = tools.run(shell, f"HOSTDECK_PLAN='{tools.folder}'\nexport HOSTDECK_PLAN\n{script}", *args)
    return done.returncode, done.stdout.strip()


@every_shell
@pytest.mark.parametrize(
    ("stopped", "timed_out", "told"),
    [
        ("Stopped deaf.service.", "deaf.service: Failed with result 'timeout'.",
         (0, "deaf.service did not end in its time before (Result=timeout): systemd then sends SIGKILL")),
        ("Stopped deaf.service.", "", (0, "deaf.service ended in its time before")),
        ("", "", (77, "not told: the journal has no end of its stop")),
    ],
    ids=["killed", "in time", "a journal that says nothing"],
)  # fmt: skip
def test_a_run_before_a_restart_by_the_journal(
    tools: Tools, shell: list[str], stopped: str, timed_out: str, told: tuple[int, str]
) -> None:
    tools.add("sleep", "exit 0")
    tools.add("journalctl", f'case "$*" in *UNIT_RESULT=timeout) echo "{timed_out}" ;; *) echo "{stopped}" ;; esac')
    assert look(tools, shell, USER_HOW_ENDED, "deaf.service") == told
    [asked, *_] = [line for line in tools.called if line.startswith("journalctl")]
    assert "--since=@1795267000 USER_UNIT=deaf.service" in asked


@every_shell
def test_without_a_beginning_nothing_is_said(tools: Tools, shell: list[str]) -> None:
    tools.add("journalctl", "echo Stopped deaf.service.")
    tools.add("docker", "echo 9 stubborn")
    tools.add("systemctl", "echo active")
    untold = "not told: when the plan began is not known"
    for state in ("", "run 1 x\n", "run 1 a 2 3 b 4 soon 5 root\n"):
        (tools.folder / "state").write_text(state)
        assert look(tools, shell, USER_HOW_ENDED, "deaf.service") == (77, untold)
        assert look(tools, shell, HOW_ENDED, "stubborn", "stubborn stubborn.former", "docker", "events") == (77, untold)


@every_shell
@pytest.mark.parametrize(
    ("events", "told"),
    [
        ("echo 15 stubborn; echo 9 stubborn",
         (0, "stubborn was ended by SIGKILL, which its engine sends where it does not end in its time")),
        ("echo 15 stubborn; echo 9 stubborn2", (0, "stubborn ended in its time before")),
        ("echo 15 stubborn.former; echo 9 stubborn.former",
         (0, "stubborn.former was ended by SIGKILL, which its engine sends where it does not end in its time")),
        ("echo 9 stubborn2", (77, "not told: the engine has no event of its stop")),
        (":", (77, "not told: the engine has no event of its stop")),
        ("echo permission denied >&2; exit 1", (77, "not told: permission denied")),
    ],
    ids=["killed", "in time", "made again", "another", "no events", "no right"],
)  # fmt: skip
def test_a_container_before_a_restart_by_the_signals_of_its_engine(
    tools: Tools, shell: list[str], events: str, told: tuple[int, str]
) -> None:
    tools.add("docker", events)
    tools.add("systemctl", "echo active")
    assert look(tools, shell, HOW_ENDED, "stubborn", "stubborn stubborn.former", "docker", "events") == told


@every_shell
def test_a_container_that_was_stopped_by_its_exit_code(tools: Tools, shell: list[str]) -> None:
    tools.add("systemctl", "echo active")
    tools.add("docker", "echo 'stubborn Exited (137) Less than a second ago'")
    by_kill = "stubborn: Exited (137) Less than a second ago: by SIGKILL, which its engine sends"
    assert look(tools, shell, STOPPED, "", "stubborn", "docker")[1].startswith(by_kill)
    tools.add("docker", "echo 'stubborn Exited (0) 2 seconds ago'")
    assert look(tools, shell, STOPPED, "", "stubborn", "docker") == (0, "stubborn Exited (0) 2 seconds ago")


@every_shell
@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        ("(root) NOPASSWD: /usr/bin/supervisorctl status, /usr/bin/supervisorctl restart api", False),
        ("(root) NOPASSWD: /usr/bin/supervisorctl", True),
        ("(root) NOPASSWD: /usr/bin/systemctl restart a, /usr/bin/supervisorctl maintail -16384", True),
        ("(root) /usr/bin/supervisorctl", False),
        ("(ALL : ALL) ALL", False),
        ("(ALL : ALL) NOPASSWD: ALL", True),
        ("(root) NOPASSWD: SETENV: /usr/bin/supervisorctl *", True),
        ("(root) NOPASSWD: ALL, !/usr/bin/supervisorctl maintail *", False),
        ("(root) NOPASSWD: /usr/bin/true, PASSWD: /usr/bin/supervisorctl", False),
    ],
)
def test_the_log_of_supervisord_is_asked_for_through_sudo_only_where_that_is_allowed(
    tools: Tools, shell: list[str], rules: str, asked: bool
) -> None:
    listing = f"echo 'User oncall may run on web1:'; echo '    {rules}'"
    tools.add("sudo", f'case $2 in -l) {listing}; exit ;; esac; shift 2; "$@"')
    tools.add("supervisorctl", "echo \"x WARN killing 'api' (700) with SIGKILL\"")
    words = ("api", "700", "sudo", "-n", "--", "supervisorctl")
    code, said = look(tools, shell, PROGRAM_ENDED, *words)
    assert any(line.startswith("supervisorctl maintail") for line in tools.called) is asked
    assert (code, "SIGKILL" in said) == ((0, True) if asked else (77, False))


def test_only_what_can_be_told_is_asked() -> None:
    unit = Service(ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "active/running", pids=(812,))
    assert SYSTEMD.how_ended(unit, ActionKind.RESTART) is not None
    assert SYSTEMD.how_ended(unit, ActionKind.ROLLBACK) is not None
    assert SYSTEMD.how_ended(unit, ActionKind.STOP) is None
    assert SYSTEMD.how_ended(replace(unit, tool=("sudo", "-n", "-u", "ann")), ActionKind.RESTART) is None
    assert SYSTEMD.how_ended(replace(unit, stop_way=StopWay("SIGTERM", 9.0, None)), ActionKind.RESTART) is None
    container = replace(unit, ref=ServiceRef("web1", "docker", "web"), tool=("podman",))
    assert DOCKER.how_ended(container, ActionKind.RESTART) is None
    assert DOCKER.how_ended(replace(container, tool=("docker",)), ActionKind.RESTART) is not None
    app = replace(unit, ref=ServiceRef("web1", "pm2", "api", "user:deploy"), tool=("pm2",), daemon=700)
    assert PM2.how_ended(app, ActionKind.STOP) is not None
    assert PM2.how_ended(replace(app, tool=("sudo", "-n", "-u", "deploy", "--", "pm2")), ActionKind.STOP) is None
    assert PM2.how_ended(replace(app, pids=(700,)), ActionKind.STOP) is None
    program = replace(unit, ref=ServiceRef("web1", "supervisord", "api"))
    assert SUPERVISORD.how_ended(program, ActionKind.STOP) is not None
    assert SUPERVISORD.how_ended(replace(program, pids=()), ActionKind.STOP) is None


@every_shell
@pytest.mark.parametrize(
    ("log", "may", "ended"),
    [
        ("INFO exited: once (exit status 3; not expected)", True, (1, "it has ended (exit status 3; not expected)")),
        ("INFO exited: once (exit status 0; expected)", True, (0, "it has ended (exit status 0; expected)")),
        ("INFO exited: other (exit status 3; not expected)", True, (77, "the log of supervisord does not tell")),
        ("INFO exited: once (exit status 3; not expected)", False, (77, "sudo does not let this login read the log")),
    ],
)
def test_one_that_does_its_work_and_ends_has_ended_well_only_by_the_log(
    tools: Tools, shell: list[str], log: str, may: bool, ended: tuple[int, str]
) -> None:
    rule = "ALL" if may else "/usr/bin/supervisorctl status"
    tools.add("sudo", f'case $2 in -l) echo "    (root) NOPASSWD: {rule}"; exit ;; esac; shift 2; "$@"')
    lines = f"echo '2026-11-28 03:00:00,123 INFO exited: once (exit status 0; expected)'; echo '{log}'"
    lines = lines if "other" not in log else f"echo '{log}'"
    tools.add("supervisorctl", f"case $1 in status) echo 'jobs:once   EXITED   Nov 28 03:00 AM' ;; *) {lines} ;; esac")
    code, said = look(tools, shell, IS_ONCE, "jobs:once", "sudo", "-n", "--", "supervisorctl")
    assert (code, ended[1] in said) == (ended[0], True), said
