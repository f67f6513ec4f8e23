"""Holders that would come back after a stop by their manager, on real hosts: timers, paths, upholders, containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.core.plan import ActionKind, Intent, Result
from console.core.service import ServiceRef
from tests.lab import FreshHost, Host, Lab, cases_docker

from .acting import act, kill
from .real import why

HELD = "ss -Hltn 'sport = :8080' | grep -q ."
TIMER = "[Timer]\nOnActiveSec=100ms\nOnUnitInactiveSec=1s\nAccuracySec=10ms\n"
PATH = "[Path]\nPathExists=/etc/passwd\n"
UPHOLDS = "[Unit]\nUpholds=legacy.service\n[Service]\nExecStart=/bin/sleep infinity\n"
SHOP = """[Service]
ExecStart=/usr/bin/docker run --rm --init --name shop -p 8080:80 lab-httpd
Restart=always
RestartSec=200ms
SuccessExitStatus=143
"""


@pytest.fixture(autouse=True)
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit trail of this test alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def states(host: Host, *names: str) -> list[str]:
    return host.run(["systemctl", "is-active", "--", *names], check=False).stdout.split()


@pytest.mark.parametrize(
    ("starter", "text", "respawn"),
    [
        ("legacy.timer", TIMER, "systemd legacy.timer"),
        ("legacy.path", PATH, "systemd legacy.path"),
        ("beta.service", UPHOLDS, "systemd Upholds= of beta.service"),
    ],
)
def test_what_starts_the_holder_again_is_stopped_with_it(
    starter: str, text: str, respawn: str, lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.install_api(name="legacy", unit_extra="Restart=no", start=False)
    host.unit(starter, text)
    host.wait(HELD)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    acted = act(lab, host, "/api")
    assert acted.verdict.holders[0].respawn == respawn
    assert acted.way.label == f"stop {starter} and legacy.service, then start api.service"
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert states(host, starter, "legacy.service", "api.service") == ["inactive", "inactive", "active"]
    # One that is not active, or has elapsed, starts nothing.
    host.sh("systemctl stop api.service; systemctl start legacy.service")
    host.wait(HELD)
    [verdict] = why(lab, host, ["/legacy"])
    assert verdict.holders[0].respawn is None


def test_an_undo_starts_the_timer_again(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api(name="legacy", unit_extra="Restart=no", start=False)
    host.unit("legacy.timer", TIMER)
    host.wait(HELD)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    # It gets its port and is not the one that answers there.
    host.sh("mkdir -p /etc/systemd/system/api.service.d; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' "
            ">/etc/systemd/system/api.service.d/no.conf; systemctl daemon-reload")  # fmt: skip
    acted = act(lab, host, "/api")
    assert acted.last.result is Result.UNDONE, acted.last
    assert states(host, "legacy.timer", "legacy.service") == ["active", "active"]


def test_a_container_is_stopped_by_the_unit_that_runs_it(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    cases_docker.image(host)
    host.unit("shop.service", SHOP)
    host.wait("curl -fs -o /dev/null http://127.0.0.1:8080/busybox", timeout=30)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    # Who may not ask the engine knows only that the unit names the port and runs its client.
    [unseen] = why(lab, host, ["/api"], "nosudo")
    assert unseen.actions[0].label == "stop shop.service, which seems to run that container"
    assert unseen.actions[0].reason_off is not None
    acted = act(lab, host, "/api")
    assert acted.verdict.holders[0].respawn == "systemd Restart=always"
    assert acted.verdict.holders[0].chain == ("systemd", "shop.service", "docker", "shop")
    assert acted.way.label == "stop shop.service and shop, then start api.service"
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert states(host, "shop.service", "api.service") == ["inactive", "active"]
    assert host.sh("docker ps --all --quiet") == ""
    # So it is where just the container is to be stopped.
    host.sh("systemctl stop api.service; systemctl start shop.service")
    host.wait("curl -fs -o /dev/null http://127.0.0.1:8080/busybox", timeout=30)
    progress = kill(lab, host, Intent(ActionKind.STOP, ServiceRef(host.name, "docker", "shop")))
    assert progress.result is Result.DONE, progress
    assert states(host, "shop.service") == ["inactive"]
