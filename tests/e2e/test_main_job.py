"""The main job with the real program, terminal and host: see why a service is down, mend it, see it up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.lab import FreshHost, Host, Lab

LEGACY = """[Unit]
Description=Web API, the release before
[Service]
User=deploy
ExecStart=/usr/bin/python3 -m http.server 8080
Restart=always
"""


def console(*words: str) -> list[str]:
    return [sys.executable, "-m", "console", *words]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment without configuration and with an audit trail of its own."""
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "LANG": "C.UTF-8",
    }


def command(env: dict[str, str], *words: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run(console(*words), capture_output=True, text=True, env={**env, "PATH": "/usr/bin"}, timeout=90)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def web(fresh_host: FreshHost) -> Host:
    """A host on which the service runs and another unit is ready to take its port."""
    host = fresh_host("e2e")
    host.install_api()
    host.unit("legacy.service", LEGACY, start=False)
    return host


def take_the_port(host: Host) -> None:
    host.sh("systemctl stop api.service && systemctl start legacy.service")
    host.wait("ss -Hltn sport = :8080 | grep -q .")
    host.sh("systemctl start api.service || true")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_port_conflict_is_seen_within_3_s_mended_with_keys_and_seen_mended(
    lab: Lab, web: Host, home: dict[str, str], size: tuple[int, int]
) -> None:
    argv = console("-F", str(lab.ssh_config("root")), "e2e")
    with Terminal(argv, columns=size[0], lines=size[1], env=home) as terminal:
        terminal.wait_for(r"All quiet: 1 host, [1-9]\d* services", 15)
        take_the_port(web)
        terminal.wait_for(r"api\.service +cannot bind", 3)
        terminal.wait_for(r"legacy\.service", 3)
        terminal.press("x")
        terminal.wait_for(r"systemctl stop legacy\.service", 5)
        terminal.run_plan()
        terminal.wait_for(r"RESULT +. done", 40)
        terminal.press("esc")
        terminal.wait_for(r"All quiet: 1 host", 10)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0
    assert web.sh("systemctl is-active api.service").strip() == "active"
    assert web.sh("systemctl is-active legacy.service || true").strip() == "inactive"
    code, audit = command(home, "audit", "--json")
    assert code == 0
    plans = audit["plans"]
    assert isinstance(plans, list)
    assert [plan["result"] for plan in plans] == ["done"]
    assert "legacy.service" in json.dumps(audit)


def test_the_same_through_commands_as_json(lab: Lab, web: Host, home: dict[str, str]) -> None:
    config = str(lab.ssh_config("root"))
    take_the_port(web)
    web.wait("systemctl is-failed -q api.service", timeout=30)
    code, why = command(home, "-F", config, "why", "e2e/api", "--json")
    assert code == 1
    assert why["schema"] == "hostdeck.why/1"
    assert why["verdict"] == "held"
    holders = why["holders"]
    assert isinstance(holders, list)
    assert holders[0]["unit"] == "legacy.service"
    code, plan = command(home, "-F", config, "stop", "e2e/legacy", "--yes", "--json", "--reason", "incident 1")
    assert (code, plan["result"]) == (0, "done")
    code, plan = command(home, "-F", config, "restart", "e2e/api", "--yes", "--json")
    assert (code, plan["schema"], plan["result"]) == (0, "hostdeck.plan/1", "done")
    code, why = command(home, "-F", config, "why", "e2e/api", "--json")
    assert (code, why["verdict"]) == (0, "held")
    holders = why["holders"]
    assert isinstance(holders, list)
    assert holders[0]["unit"] == "api.service"


def test_a_console_that_is_killed_in_the_midst_of_a_plan_shows_its_end_the_next_time(
    lab: Lab, web: Host, home: dict[str, str]
) -> None:
    """Row 32."""
    argv = console("-F", str(lab.ssh_config("root")), "e2e")
    with Terminal(argv, env=home) as terminal:
        terminal.wait_for(r"All quiet: 1 host, [1-9]\d* services", 15)
        terminal.press("2", "/")
        terminal.press("api.service")
        terminal.wait_for(r"\d+ hidden", 10)
        terminal.press("enter", "r")
        terminal.run_plan()
        terminal.wait_for(r"done +restart api\.service", 20)
        terminal.process.kill()
        terminal.process.wait(5)
    with Terminal(argv, env=home) as terminal:
        terminal.wait_for(r"All quiet: 1 host", 15)
        terminal.press("7")
        terminal.wait_for(r"RESULT +. done", 40)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0
    _, audit = command(home, "audit", "--json")
    plans = audit["plans"]
    assert isinstance(plans, list)
    assert [plan["result"] for plan in plans] == ["done"]
