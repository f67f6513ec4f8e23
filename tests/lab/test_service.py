"""The lab's web service behaves as a production service does."""

from __future__ import annotations

import json

import pytest

from tests.lab import Fleet as Hosts
from tests.lab import FreshHost, Host, fleet


@pytest.fixture(scope="module")
def api(fleet: Hosts) -> Host:
    host = fleet["web2"]
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    return host


def _log(host: Host, name: str = "api") -> list[dict[str, object]]:
    return [json.loads(line) for line in host.read(f"/var/log/{name}/{name}.log").splitlines()]


def test_it_tells_its_version(api: Host) -> None:
    assert json.loads(api.sh("curl -fs http://127.0.0.1:8080/version"))["version"] == "1.4.2"
    assert "commit 3f2a9c1, built 2026" in api.sh("python3 /srv/api/api.py --version")


def test_its_metrics_have_a_histogram(api: Host) -> None:
    text = api.sh("curl -fs http://127.0.0.1:8080/metrics")
    assert 'http_request_duration_seconds_bucket{le="+Inf"}' in text
    assert "# TYPE http_requests_total counter" in text


def test_it_logs_json_and_reopens_its_log(api: Host) -> None:
    api.sh("curl -s http://127.0.0.1:8080/fail; mv /var/log/api/api.log /var/log/api/api.log.1")
    api.run(["systemctl", "reload", "api.service"])
    api.wait("test -s /var/log/api/api.log")
    assert _log(api)[0]["msg"] == "log re-opened"
    assert '"status": 500' in api.read("/var/log/api/api.log.1")


def test_it_drains_when_told_to_stop(api: Host) -> None:
    script = "curl -s -m 5 'http://127.0.0.1:8080/slow?ms=700' & sleep 0.2; systemctl stop api.service; wait"
    assert api.sh(script) == "slow\n"
    assert _log(api)[-1]["msg"] == "stopped"
    assert api.sh("systemctl show -P Result api.service") == "success\n"
    api.run(["systemctl", "start", "api.service"])


def test_a_taken_port_is_logged_with_its_errno_until_systemd_gives_up(fresh_host: FreshHost) -> None:
    host = fresh_host()
    fleet.port_conflict(host)
    line = _log(host)[-1]
    assert (line["level"], line["errno"], line["error"]) == ("fatal", 98, "EADDRINUSE")
    journal = host.sh("journalctl --unit api.service --no-pager")
    assert "listen tcp 0.0.0.0:8080: bind: address already in use" in journal
    assert "Start request repeated too quickly" in journal
