"""Declared against actual on real hosts: what will clash, what nobody declared, what is not there, who drifts."""

from collections.abc import Iterator
from typing import Any

import pytest

from console.core.finding import Severity
from console.findings import evaluate
from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.diagnosis.real import look
from tests.lab import FreshHost, Host, Lab

__all__ = ["hostdeck"]
USERS = ("root", "oncall", "nosudo")
OWN = "/etc/systemd/system"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Host]:
    """A host on which nothing has failed, and several things will."""
    made = lab.boot("map1")
    made.install_api(name="first", port=9000)
    made.install_api(name="second", port=9000, start=False)
    made.run(["systemctl", "enable", "first.service", "second.service"])
    made.sh("setsid socat TCP-LISTEN:9003,fork /dev/null >/dev/null 2>&1 </dev/null &", user="deploy")
    made.install_api(name="taker", port=9006)
    # Three that were told otherwise since they were started.
    for name, port in (("moved", 9004), ("late", 9005), ("wide", 9001)):
        made.install_api(name=name, port=port)
        made.wait(f"curl -fs http://127.0.0.1:{port}/health")
    made.install_api(name="moved", port=9014, start=False)
    made.install_api(name="late", port=9006, start=False)
    made.install_api(name="wide", port=9001, unit_extra="Environment=HOST=127.0.0.1", start=False)
    made.wait("ss -Hltn 'sport = :9003' | grep -q . && curl -fs http://127.0.0.1:9000/health")
    yield made
    lab.stop(made)


def mapped(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {entry["port"]: entry for entry in document["map"]}


@pytest.mark.parametrize("user", USERS)
def test_what_does_not_fit_is_told_with_its_lines(user: str, host: Host, hostdeck: Hostdeck) -> None:
    done = hostdeck(user, "ports", host.name, "--json")
    assert done.code == 1
    found = mapped(done.json("ports/1"))
    assert (found[9000]["fit"], found[9000]["when"]) == ("clash", "next boot")
    assert found[9000]["summary"] == (
        f"first.service ({OWN}/first.service:10) and second.service ({OWN}/second.service:10) both start with the host"
    )
    assert found[9000]["services"] == [f"{host.name}/systemd:second.service", f"{host.name}/systemd:first.service"]
    assert (found[9006]["fit"], found[9006]["when"]) == ("clash", "next start")
    assert found[9006]["summary"] == f"late.service declares it ({OWN}/late.service:10), but taker.service has it"
    assert found[9001]["fit"] == "exposed"
    assert found[9001]["summary"] == f"declared for 127.0.0.1 ({OWN}/wide.service:10), open at 0.0.0.0"
    assert found[9003]["fit"] == "undeclared"
    assert found[9003]["summary"].startswith("no service answers for ")
    assert (found[9004]["fit"], found[9004]["summary"]) == (
        "undeclared", "moved.service declares 9014 and listens here too"
    )  # fmt: skip
    assert (found[22]["fit"], found[22]["summary"]) == ("declared", None)
    assert found[80]["fit"] == "idle"
    claim = next(one for one in done.json("ports/1")["declared"] if one["port"] == 9001)
    assert {key: claim[key] for key in ("host", "service", "manager", "where", "address", "protocol", "sure")} == {
        "host": host.name, "service": "wide.service", "manager": "systemd", "where": f"{OWN}/wide.service:10",
        "address": "127.0.0.1", "protocol": "tcp", "sure": True,
    }  # fmt: skip


def test_the_same_for_a_person(host: Host, hostdeck: Hostdeck) -> None:
    done = hostdeck("oncall", "ports", host.name)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("CLASH    map1/systemd:second.service  wants tcp 9000 at the next boot, and so does")
    assert any(line.startswith("CLASH    map1  tcp 9006 at the next start: late.service declares it") for line in lines)
    assert any(line.startswith("OPEN     map1  tcp 9001: declared for 127.0.0.1") for line in lines)
    assert any(line.startswith("STRAY    map1  tcp 9003: no service answers for") for line in lines)
    [row] = [line for line in lines if " 9001 " in line and line.startswith("map1 ")]
    assert row.endswith(f"{OWN}/wide.service:10")


def test_only_the_clash_at_boot_is_a_finding(lab: Lab, host: Host) -> None:
    for user in USERS:
        [finding] = [one for one in evaluate(look(lab, host, user)) if "port" in one.code]
        assert (finding.code, finding.severity) == ("port-claimed-twice", Severity.WARNING), user
        assert finding.summary == "wants tcp 9000 at the next boot, and so does first.service"
        assert f"second.service declares tcp/*:9000 ({OWN}/second.service:10)" in finding.evidence
    # Disabled it is no longer in the way.
    host.run(["systemctl", "disable", "second.service"])
    assert [one for one in evaluate(look(lab, host)) if "port" in one.code] == []
    host.run(["systemctl", "enable", "second.service"])


def test_a_port_that_is_declared_and_not_there_is_told_after_a_while(host: Host, hostdeck: Hostdeck) -> None:
    host.wait("test $(ps -o etimes= -p $(systemctl show -P MainPID moved.service)) -gt 31", timeout=40)
    found = mapped(hostdeck("nosudo", "ports", host.name, "--json").json("ports/1"))
    assert (found[9014]["fit"], found[9014]["services"]) == ("missing", [f"{host.name}/systemd:moved.service"])


def test_a_plain_host_and_one_with_its_packages_started_stay_quiet(
    lab: Lab, fresh_host: FreshHost, hostdeck: Hostdeck
) -> None:
    host = fresh_host("plain1")
    for _ in range(2):
        for user in USERS:
            assert list(evaluate(look(lab, host, user))) == [], user
            done = hostdeck(user, "ports", host.name)
            assert done.code == 0
            assert done.out.startswith("HOST "), done.out
        packages = ("nginx", "supervisor", "prometheus", "prometheus-node-exporter")
        host.run(["systemctl", "enable", "--now", *(f"{name}.service" for name in packages)], timeout=60)
        host.wait("for p in 80 9090 9100; do ss -Hltn sport = :$p | grep -q . || exit 1; done")


def test_one_host_of_three_that_differs(lab: Lab, hostdeck: Hostdeck) -> None:
    hosts = lab.boot_many(["drift1", "drift2", "drift3"])
    for host in hosts:
        host.install_api(port=9001 if host.name == "drift2" else 9000)
    for host in hosts:
        host.wait("ss -Hltn '( sport = :9000 or sport = :9001 )' | grep -q .")
    done = hostdeck("nosudo", "ports", *(host.name for host in hosts), "--json")
    [drift] = done.json("ports/1")["drift"]
    assert (done.code, drift["host"], drift["service"]) == (0, "drift2", "drift2/systemd:api.service")
    assert drift["summary"] == "api.service has tcp 9001 here, tcp 9000 on 2 other hosts"
    for host in hosts:
        lab.stop(host)
