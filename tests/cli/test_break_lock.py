"""``hostdeck break-lock``: shown, refused, broken and written down."""

from __future__ import annotations

import functools
import json
import os
import pwd
import re
from pathlib import Path
from typing import Any

import pytest

from console.core.service import ServiceRef
from console.remote import runner
from console.remote.audit import AuditTrail
from console.remote.fleet import Fleet
from console.remote.local import LocalTransport
from console.remote.plan_script import lock_key, share_key
from console.remote.runner import RunSettings
from console.remote.transport import HostSpec, Transport
from tests.cli.test_commands import Run, cli
from tests.remote.plans import LocalPlaces

__all__ = ["cli"]

REF = ServiceRef("web-3", "systemd", "api.service")
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalPlaces:
    """This machine stands for the demo's host where plans and locks are concerned."""
    places = LocalPlaces(tmp_path / "places")
    monkeypatch.setattr(runner, "RunSettings", functools.partial(RunSettings, places=places.all))

    def own(fleet: Fleet, host: str) -> Transport:
        return LocalTransport(HostSpec(host, None))

    monkeypatch.setattr(Fleet, "own_transport", own)
    return places


def lock(places: LocalPlaces, *, lease: int) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    up = max(0, int(float(Path("/proc/uptime").read_text().split()[0]) * 100) - 60_00)
    target = f"v=1&plan=20261120-old&by=ann&why=incident%204711&boot={boot}&up={up}&lease={lease}"
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(target)


def test_a_lock_whose_lease_is_over_is_shown_and_broken(cli: Run, places: LocalPlaces) -> None:
    lock(places, lease=1)
    code, out, err = cli("break-lock", "web-3/api", "--reason", "its plan is dead")
    assert (code, out) == (0, "web-3/systemd:api.service: 1 lock set aside\n")
    assert f"web-3/systemd:api.service was locked by {ME} (uid {os.getuid()}, as ann) for " in err
    assert err.endswith(": incident 4711; its lease is over\n")
    (entry,) = AuditTrail().read()
    assert (entry.kind, entry.target, entry.reason) == ("break-lock", str(REF), "its plan is dead")
    code, out, _ = cli("break-lock", "web-3/api", "--reason", "again")
    assert (code, out) == (0, "web-3/systemd:api.service: not locked\n")


def test_what_a_plan_of_the_service_locked_beside_it_is_set_aside_too(cli: Run, places: LocalPlaces) -> None:
    lock(places, lease=1)
    (own,) = places.locks()
    # The console that took it calls the host otherwise.
    for key, service in (("/srv/api", "api.service"), ("/srv/other", "other.service")):
        told = str((places.first / own).readlink()) + f"&target=web3.example%2Fsystemd%3A{service}"
        (places.first / f"hostdeck-lock-{share_key(key)}.1").symlink_to(told)
    code, out, _ = cli("break-lock", "web-3/api", "--reason", "its plan is dead")
    assert (code, out) == (0, "web-3/systemd:api.service: 2 locks set aside\n")
    assert cli("break-lock", "web-3/api", "--reason", "again")[1] == "web-3/systemd:api.service: not locked\n"


def test_a_live_lock_is_refused_with_who_holds_it(cli: Run, places: LocalPlaces) -> None:
    lock(places, lease=3600)
    code, out, err = cli("break-lock", "web-3/api", "--reason", "hurry")
    assert (code, out) == (1, "")
    assert err.startswith(f"hostdeck: refused: web-3/systemd:api.service is locked by {ME} ")
    assert re.search(r": incident 4711; it is released when that ends, or in 5\d min at the latest\n$", err)
    assert AuditTrail().read() == ()
    assert len(places.locks()) == 1
    code, out, _ = cli("break-lock", "web-3/api", "--reason", "hurry", "--json")
    found: dict[str, Any] = json.loads(out)
    assert (code, found["schema"], found["broken"]) == (1, "hostdeck.break-lock/1", 0)
    assert [(held["state"], held["operator"], held["user"]) for held in found["locks"]] == [("live", "ann", ME)]
    assert found["reason"].startswith("web-3/systemd:api.service is locked by ")


def test_a_reason_is_wanted_and_read_only_is_kept(cli: Run) -> None:
    assert cli("break-lock", "web-3/api", "--reason", " ")[0] == 2
    code, _, err = cli("--read-only", "break-lock", "web-3/api", "--reason", "x")
    assert (code, "is read-only" in err) == (1, True)
    code, _, err = cli("break-lock", "web-3/api")
    assert (code, "required: --reason" in err) == (2, True)
