"""The rules on a real host with several troubles at once, seen as root and as users with less rights."""

import pytest

from console.core.finding import Finding, Severity
from console.findings import evaluate, not_seen
from tests.diagnosis.real import look
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import install

API = "api.service"


@pytest.fixture
def troubled(fresh_host: FreshHost) -> Host:
    """A held port, a program that is not there, a service that is killed each second, a file that was not reloaded."""
    host = fresh_host()
    host.unit("gone.service", "[Service]\nExecStart=/srv/gone/program\n[Install]\nWantedBy=multi-user.target\n")
    host.run(["systemctl", "enable", "gone.service"])
    host.unit(
        "loop.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'sleep 0.2; kill -9 $$$$'\n"
        "Restart=always\nRestartSec=1\n",
    )
    host.unit("old.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    install(host, "1")
    host.write("/etc/systemd/system/old.service", "[Service]\nExecStart=/bin/sleep 2000\n")
    host.wait("test $(systemctl show -P NRestarts loop.service) -ge 3")
    return host


def by_code(found: tuple[Finding, ...]) -> dict[str, Finding]:
    return {one.code: one for one in found}


def test_troubles_of_a_real_host(lab: Lab, troubled: Host) -> None:
    seen = look(lab, troubled)
    found = by_code(evaluate(seen))
    held = found["port-held"]
    assert (held.summary, held.severity) == ("cannot bind tcp 8080, held by legacy.service", Severity.CRITICAL)
    assert held.proposals[0].label == "stop legacy.service, then start api.service"
    gone = found["service-failed"]
    assert gone.subject.endswith(":gone.service")
    assert gone.summary == "failed: exit code 203: its program cannot be run"
    assert gone.severity is Severity.CRITICAL
    loop = found["restart-loop"]
    assert loop.subject.endswith(":loop.service")
    assert loop.summary.startswith("restarts again and again")
    assert found["daemon-reload"].summary.endswith(": old.service")
    assert set(found) == {"port-held", "service-failed", "restart-loop", "daemon-reload"}

    theirs = look(lab, troubled, "oncall")
    assert set(by_code(evaluate(theirs))) == set(found)

    least = look(lab, troubled, "nosudo")
    # Without the log its unit file tells which port it wants.
    held = by_code(evaluate(least))["port-held"]
    assert (held.subject, held.summary) == (f"{troubled.name}/systemd:{API}", "wants tcp 8080, held by legacy.service")
    assert any("listener" in gap and "needs root" in gap for gap in not_seen(least))
