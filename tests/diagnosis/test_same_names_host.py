"""A user's own unit of the name of a system unit, on a real host."""

from pathlib import Path

import pytest

from tests.diagnosis.acting import act
from tests.lab import FreshHost, Lab
from tests.lab.host import SERVICE
from tests.lab.user_units import linger, user_unit

HOLD = "/usr/local/lib/lab/hold.py"


def test_a_users_unit_gives_its_port_to_the_system_unit_of_its_name(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    host = fresh_host("names")
    host.write(HOLD, (SERVICE / "hold.py").read_text(), mode=0o755)
    linger(host)
    user_unit(host, "api.service", f"[Service]\nExecStart=/usr/bin/python3 {HOLD} listen 0.0.0.0 8080\n")
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    made = act(lab, host, "/systemd:api.service")
    assert made.verdict.summary == "tcp 8080 is held by api.service of oncall"
    assert made.last.result == "done", made.last.reason
    assert host.sh("systemctl is-active api.service").strip() == "active"
    assert host.sh("ss -Hltne 'sport = :8080'").count("cgroup:/system.slice/api.service") == 1
