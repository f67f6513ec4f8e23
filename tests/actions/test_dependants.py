"""What a service manager stops along with a service is started again where that stop is undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.actions.context import context
from console.actions.dependants import with_restart
from console.core.command import Command
from console.core.plan import ActionKind, Intent, Plan, Result, Step
from console.core.service import Service, ServiceRef, State
from console.managers import MANAGERS
from tests.diagnosis.acting import act, kill
from tests.diagnosis.factories import failed, listener, ref, snapshot, symptom, unit
from tests.lab import FreshHost, Host, Lab

LEGACY = unit("legacy.service", pids=(4112,), dependants=("dep.service (Requires)",))
FREE = Intent(ActionKind.FREE_PORT, ref(), symptom().endpoint)
STOP = Intent(ActionKind.STOP, ref("legacy.service"))


def _plan(intent: Intent, *others: Service) -> Plan:
    # With the ports that it has.
    legacy = replace(LEGACY, ports=(symptom().endpoint,))  # type: ignore[arg-type]
    host = snapshot(services=(failed(), legacy, *others), listeners=(listener(),), symptoms=(symptom(),))
    return plan(intent, host, managers=MANAGERS, settings=ActionSettings(), plan_id="p1", reason=None)


def _undone(made: Plan) -> list[str]:
    return [step.undo.told() for _, step in made.undo_order if step.undo is not None]


@pytest.mark.parametrize("intent", [FREE, STOP])
def test_what_ended_along_comes_back_after_what_it_needs(intent: Intent) -> None:
    deep = unit("dep.service", dependants=("deep.service (BindsTo)",))
    words = _undone(_plan(intent, deep, unit("deep.service")))
    starts = [word for word in words if word.startswith("systemctl start") and "api" not in word]
    assert starts[0] == "systemctl start legacy.service"
    assert set(starts[1:]) == {"systemctl start dep.service", "systemctl start deep.service"}


@pytest.mark.parametrize("state", [State.STOPPED, State.FAILED])
def test_what_was_down_before_is_left_so(state: State) -> None:
    assert "systemctl start dep.service" not in _undone(_plan(STOP, unit("dep.service", state)))


def test_a_socket_unit_is_started_before_its_service() -> None:
    both = replace(LEGACY, dependants=("dep.service (Requires)", "dep.socket (Requires)"))
    host = snapshot(services=(both, unit("dep.service"), unit("dep.socket")))
    made = plan(STOP, host, managers=MANAGERS, settings=ActionSettings(), plan_id="p1", reason=None)
    assert _undone(made) == [
        "systemctl start legacy.service",
        "systemctl start dep.socket",
        "systemctl start dep.service",
    ]


def test_of_a_restart_it_is_seen_that_what_was_restarted_along_runs() -> None:
    host = snapshot(services=(LEGACY, unit("dep.service")))
    again = Intent(ActionKind.RESTART, ref("legacy.service"))
    made = plan(again, host, managers=MANAGERS, settings=ActionSettings(), plan_id="p1", reason=None)
    assert "dep.service is active" in [check.name for check in made.checks]
    down = replace(host, services=(LEGACY, unit("dep.service", State.STOPPED)))
    made = plan(again, down, managers=MANAGERS, settings=ActionSettings(), plan_id="p1", reason=None)
    assert "dep.service is active" not in [check.name for check in made.checks]


def test_of_a_users_whole_manager_it_is_not_asked_that_all_comes_back() -> None:
    name = "user@1001.service"
    theirs = replace(unit("echo.service", scope="user:ann"), chain=("systemd", name, "echo.service"))
    host = snapshot(services=(unit(name), theirs))
    again = Intent(ActionKind.RESTART, ref(name))
    made = plan(again, host, managers=MANAGERS, settings=ActionSettings(), plan_id="p1", reason=None)
    assert "echo.service is active" not in [check.name for check in made.checks]


def test_what_needs_a_service_is_started_again_where_a_release_is_taken_back() -> None:
    host = snapshot(services=(LEGACY, unit("dep.service")))
    intent = Intent(ActionKind.ROLLBACK, ref("legacy.service"))
    known = context(intent, host, MANAGERS, ActionSettings())
    forth = Command(("systemctl", "restart", "legacy.service"))
    taken = with_restart(known, (Step("restart", forth, forth, undo_last=True, takes_up=True),))
    assert [(one.undo_last, one.undo.told() if one.undo else None) for one in taken] == [
        (True, "systemctl start dep.service"),
        (True, "systemctl restart legacy.service"),
    ]
    # Of what was stopped before nothing is restarted.
    stopped = (Step("restart", forth, forth, takes_up=True),)
    assert with_restart(known, stopped) == stopped


def test_on_a_host_a_dependant_is_restarted_along(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    host = fresh_host()
    host.install_api(name="legacy")
    for name, how in (("needs", "Requires"), ("bound", "BindsTo"), ("part", "PartOf")):
        words = f"[Unit]\n{how}=legacy.service\nAfter=legacy.service\n[Service]\nExecStart=/usr/bin/sleep 100000\n"
        host.unit(f"{name}.service", words)
    again = Intent(ActionKind.RESTART, ServiceRef(host.name, "systemd", "legacy.service"))
    last = kill(lab, host, again)
    assert (last.result, last.reason) == (Result.DONE, None), last
    names = [check.name for check in last.checks]
    assert {f"{name}.service is active" for name in ("needs", "bound", "part")} <= set(names)
    # One that cannot come up again is said to be down.
    host.write("/etc/systemd/system/needs.service.d/no.conf", "[Service]\nExecStartPre=/bin/false\n")
    host.run(["systemctl", "daemon-reload"])
    last = kill(lab, host, again)
    assert last.result is Result.FAILED
    assert "needs.service is active" in (last.reason or "")


def test_on_a_host_a_dependant_runs_again_after_an_undo(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    host = fresh_host()
    host.install_api(name="legacy")
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    needs = "[Unit]\nRequires=legacy.service\nAfter=legacy.service\n[Service]\nExecStart=/usr/bin/sleep 100000\n"
    host.unit("dep.service", needs)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)

    @contextmanager
    def broken(at: Host) -> Iterator[None]:
        at.write("/etc/systemd/system/api.service.d/no.conf", "[Service]\nExecStartPre=/bin/false\n")
        at.run(["systemctl", "daemon-reload"])
        yield

    acted = act(lab, host, "/api", meanwhile=broken)
    assert acted.last.result is Result.UNDONE, acted.last
    assert host.run(["systemctl", "is-active", "legacy", "dep"], check=False).stdout.split() == ["active", "active"]
