"""Roll back of a unit that comes from a Debian package, with an archive on the host that has several versions of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.actions.by_command import Bench
from tests.lab import Host, Lab, debs, releases

CONFIG = """[[services]]
name = "labapi"
health = "http://127.0.0.1:8080/health"

[actions]
hold = 1
respawn = 1
within = 8
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("debhost")
    for version, fault in (("1.0-1", None), ("1.1-1", None), ("1.2~rc1-1", "unhealthy")):
        debs.offer(made, version, fault)
    return made


@pytest.fixture
def bench(lab: Lab, host: Host, tmp_path: Path) -> Bench:
    host.sh(
        "rm -rf /var/lib/hostdeck /var/log/dpkg.log; : >/var/log/dpkg.log; apt-get -q purge --yes labapi", check=False
    )
    debs.install(host, "1.0-1")
    # dpkg notes whole seconds.
    host.wait('[ "$(date +%s)" -gt "$(stat -c %Y /usr/share/labapi)" ]')
    debs.install(host, "1.1-1")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    return Bench(lab, host, tmp_path, "labapi", CONFIG)


def installed(host: Host) -> str:
    return host.sh("dpkg-query -W -f '${Version}' labapi")


def test_versions_come_and_go(bench: Bench) -> None:
    host = bench.host
    found, way = bench.listed()
    assert way == "1.0-1"
    assert {one: found[one]["live"] for one in found} == {"1.0-1": False, "1.1-1": True, "1.2~rc1-1": False}
    document = bench.does("rollback")
    assert "--force-confold labapi=1.0-1" in json.dumps(document["steps"])
    assert (installed(host), releases.version(host)) == ("1.0-1", "1.0-1")
    bench.does("rollback")
    assert (installed(host), releases.version(host)) == ("1.1-1", "1.1-1")

    document = bench.undoes("rollback", "--to", "1.2~rc1-1")
    assert str(document["reason"]).startswith("/health answers 2xx failed"), document
    assert (installed(host), releases.version(host)) == ("1.1-1", "1.1-1")
    found, way = bench.listed()
    assert (found["1.2~rc1-1"]["healthy"], found["1.0-1"]["healthy"], way) == (False, True, "1.0-1")


def test_what_no_archive_offers_is_refused(bench: Bench) -> None:
    host = bench.host
    assert "has no release 0.9" in bench.refuses("rollback", "--to", "0.9")
    debs.withdraw(host, "1.0-1")
    try:
        assert "was removed" in bench.refuses("rollback", "--to", "1.0-1")
        assert "no earlier release" in bench.refuses("rollback")
    finally:
        debs.offer(host, "1.0-1")
    host.sh("apt-mark hold labapi")
    try:
        assert "held" in bench.refuses("rollback").lower()
    finally:
        host.sh("apt-mark unhold labapi")


HOLD = """import fcntl, sys, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/held", "w").close()
time.sleep(float(sys.argv[1]))
"""


def test_another_package_manager_is_seen_before_and_waited_for(bench: Bench) -> None:
    host = bench.host
    host.write("/opt/hold.py", HOLD)
    host.run(["systemd-run", "-q", "--unit", "other-apt", "/usr/bin/python3", "/opt/hold.py", "600"])
    try:
        host.wait("test -e /run/held")
        assert "/var/lib/dpkg/lock-frontend is held by process" in bench.refuses("rollback")
    finally:
        host.sh("systemctl stop other-apt; rm /run/held")
    document = bench.does("rollback")
    steps = document["steps"]
    assert isinstance(steps, list)
    back = next(step["undo"] for step in steps if "install labapi" in step["name"])
    host.run(["systemd-run", "-q", "--unit", "other-apt", "/usr/bin/python3", "/opt/hold.py", "5"])
    host.wait("test -e /run/held")
    host.sh(back)
    assert installed(host) == "1.1-1"


def test_whoever_may_not_install_is_told_which_line_is_missing(bench: Bench) -> None:
    host = bench.host
    host.sudoers("oncall", ["/usr/bin/systemctl restart labapi.service"])
    why = bench.refuses("rollback", user="oncall")
    install = (
        "/usr/bin/apt-get install --yes --allow-downgrades -o DPkg\\:\\:Lock\\:\\:Timeout\\=60 "
        "-o Dpkg\\:\\:Options\\:\\:\\=--force-confold labapi\\=1.0-1"
    )
    assert f"oncall ALL=(root) NOPASSWD: {install}" in why, why
    service = ("/usr/bin/systemctl restart labapi.service", "/usr/bin/systemctl reset-failed labapi.service")
    host.sudoers("oncall", [*service, "/usr/bin/apt-get install *"])
    bench.does("rollback", user="oncall")
    assert (installed(host), releases.version(host)) == ("1.0-1", "1.0-1")
    found, _ = bench.listed(user="oncall")
    assert found["1.0-1"]["healthy"] is True


def test_a_unit_of_no_package_says_so(bench: Bench) -> None:
    bench.host.install_api("own", 8081)
    bench.target = f"{bench.host.name}/own"
    assert "own.service comes from no Debian package" in bench.refuses("rollback")
