"""What a service manager stops along with a service is started again where that stop is undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.core.plan import ActionKind, Intent, Plan, Result
from console.core.service import Service, State
from console.managers import MANAGERS
from tests.diagnosis.acting import act
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
