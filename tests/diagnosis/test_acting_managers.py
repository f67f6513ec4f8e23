"""Every kind of holder that a manager owns, stopped for real from the recommended way out of its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.core.plan import Result, StepState
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import hold, install

from .acting import Acted, act
from .real import why

REUSE = "ss -Hltn 'sport = :8080' | grep -c . | grep -qx 2"


@pytest.fixture(autouse=True)
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit trail of this test alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def proved(acted: Acted, host: Host, *stopped: str) -> None:
    """Released, held by the service, both for a while; the failure cleared; the audit line written."""
    last = acted.last
    assert (last.result, last.reason) == (Result.DONE, None), last
    assert "tcp 8080 held by api.service" in last.proof
    for name in stopped:
        assert any(step.name == f"see tcp 8080 released by {name}" for step in last.steps)
        assert any(check.name == f"{name} does not come back to tcp 8080" for check in last.checks)
    assert sorted(host.sh("systemctl show -P ActiveState -P Result api.service").split()) == ["active", "success"]
    assert host.sh("ss -Hltn 'sport = :8080'").count("\n") == 1
    assert (acted.audit.result, acted.audit.kind) == ("done", "free-port")
    assert "begin user=" in host.sh("journalctl -t hostdeck --no-pager -o cat")


@pytest.mark.parametrize(
    ("case", "holder", "commands"),
    [
        ("1", "legacy.service", ("systemctl stop legacy.service",)),
        ("6", "echo.socket", ("systemctl stop echo.socket",)),
        ("7", "legacy", ("supervisorctl stop legacy",)),
        ("7pm2", "api-old", ("runuser -u deploy -- env HOME=/srv PM2_HOME=/srv/.pm2 pm2 stop api-old",)),
        ("8", "legacy", ()),
        ("10", "legacy.service", ("systemctl stop legacy.service",)),
        ("11", "legacy.service", ("systemctl stop legacy.service",)),
    ],
)
def test_the_holder_is_stopped_through_its_manager(
    case: str, holder: str, commands: tuple[str, ...], lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    install(host, case)
    acted = act(lab, host, "/api")
    assert acted.way.label == f"stop {holder}, then start api.service"
    assert acted.plan.commands[: len(commands)] == commands
    assert not any(command.startswith("kill ") for command in acted.plan.commands)
    proved(acted, host, holder)


def test_two_that_share_the_port_are_both_stopped(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    for name in ("legacy", "other"):
        hold(host, "reuseport", "0.0.0.0", name=name)
    host.wait(REUSE)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    acted = act(lab, host, "/api")
    assert re.fullmatch(r"stop (legacy|other).service and (legacy|other).service, then start .*", acted.way.label)
    proved(acted, host, "legacy.service", "other.service")
    assert {ref.name for ref in acted.plan.touches} == {"legacy.service", "other.service"}


def box(host: Host) -> None:
    """A service that runs by a socket unit without Accept=yes: both have the socket."""
    serve = "import socket as s\nl = s.socket(fileno=3)\nwhile 1: c, _ = l.accept(); c.sendall(b'box'); c.close()\n"
    host.write("/srv/box.py", serve)
    host.unit("box.service", "[Service]\nExecStart=/usr/bin/python3 /srv/box.py\n", start=False)
    host.unit("box.socket", "[Socket]\nListenStream=8080\n")
    host.run(["systemctl", "start", "box.service"])
    host.wait("ss -Hltnp 'sport = :8080' | grep -q python3")


def test_a_socket_unit_and_the_service_that_runs_by_it_are_both_stopped(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    box(host)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    acted = act(lab, host, "/api")
    assert acted.plan.commands[:2] == ("systemctl stop box.socket", "systemctl stop box.service")
    proved(acted, host, "box.socket", "box.service")


def test_a_holder_that_somebody_starts_again_fails_the_plan_and_it_is_undone(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 38: the manager does as it is told, and something else starts the service again."""
    host = fresh_host()
    install(host, "11")
    stopped = "while systemctl -q is-active legacy; do sleep 0.05; done"
    watchdog = f"{stopped}; until systemctl -q is-active api; do sleep 0.05; done; systemctl start legacy; sleep 9000"
    before = host.sh("systemctl show -P MainPID legacy.service")

    @contextmanager
    def watched(host: Host) -> Iterator[None]:
        host.unit("watchdog.service", f"[Service]\nExecStart=/bin/sh -c '{watchdog}'\n")
        try:
            yield
        finally:
            host.sh("systemctl stop watchdog.service")

    acted = act(lab, host, "/api", meanwhile=watched)
    assert acted.last.result is Result.UNDONE, acted.last
    undone = {step.name: step.state for step in acted.last.undo}
    assert undone["undo of stop legacy.service"] is StepState.DONE
    assert undone["undo of see tcp 8080 released by legacy.service"] is StepState.DONE
    assert acted.audit.result == "undone"
    assert host.sh("systemctl is-active legacy.service").strip() == "active"
    assert host.sh("systemctl show -P MainPID legacy.service") != before
    # What had failed is begun again at the end, to fail again.
    host.wait("systemctl -q is-failed api.service", timeout=20)


@pytest.mark.parametrize("case", ["1", "7"])
def test_without_the_right_the_missing_line_is_told_and_nothing_done(
    case: str, lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host(sudo=["/usr/bin/id"])
    install(host, case)
    [verdict] = why(lab, host, ["/api"], "oncall")
    first = verdict.actions[0]
    assert first.recommended
    assert first.reason_off is not None
    assert "sudoers needs: oncall ALL=(root) NOPASSWD: " in first.reason_off or "sudoers" in first.reason_off


def test_what_must_not_be_stopped_is_told_with_its_reason(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api(port=22, unit_extra="User=root")
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    [verdict] = why(lab, host, ["/api"])
    reasons = [action.reason_off for action in verdict.actions if action.label == "stop ssh.service"]
    assert reasons == ["by hand: it is the way to this host"]
    assert not any(action.intents for action in verdict.actions)
