"""systemd on a real host: what the probes tell, what changes, and what the commands do."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from console.core.command import Command
from console.core.service import Service, ServiceRef, State
from console.findings import evaluate
from console.managers.join import with_ports, with_socket_units
from console.managers.systemd import (
    JOURNAL,
    LINGERING_JOURNAL,
    SHOW,
    SHOW_UNITS,
    SYSTEMD,
    USER_JOURNAL,
    USER_SHOW,
    USER_SHOW_UNITS,
    WATCH,
)
from console.managers.systemd_lingering import LINGERING, LINGERING_UNITS, Lingering
from console.managers.systemd_watch import TOUCHED
from console.probes import listeners
from console.remote.transport import HostSpec
from tests.lab import BusyboxHost, Host, Lab
from tests.probes import scene
from tests.probes.asking import SHELLS, RefusedError, Way, over_ssh
from tests.remote.watching import watching


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("managed")
    scene.furnish(made)
    return made


@pytest.fixture
def root(lab: Lab, host: Host) -> Way:
    return over_ssh(lab, host)


def named(found: tuple[Service, ...]) -> dict[str, Service]:
    return {service.ref.name: service for service in found}


def one(way: Way, name: str) -> Service:
    [service] = way.ask(SHOW_UNITS, name)
    return service


@pytest.mark.parametrize("user", ["root", "nosudo"])
def test_every_service_in_the_words_of_an_engineer(lab: Lab, host: Host, user: str) -> None:
    found = named(over_ssh(lab, host, user).ask(SHOW))
    assert {name: found[name].state.value for name in scene.STATES} == scene.STATES
    for name, service in found.items():
        truth = host.run(["systemctl", "is-active", "--", name], check=False).stdout.strip()
        assert service.native_state.partition("/")[0] == truth
    assert found["nginx.service"].state is State.STOPPED
    assert not {"systemd-udevd.service", "cron.service", "dbus.socket"} & found.keys()


def test_the_details_of_a_service(host: Host, root: Way) -> None:
    found = named(root.ask(SHOW))
    zoo = found["zoo.service"]
    assert zoo.pid == int(host.sh("systemctl show -p MainPID --value zoo.service"))
    assert (zoo.user, zoo.reload_command, zoo.dependants) == ("nosudo", True, ("beside.service (PartOf)",))
    assert zoo.since == float(host.sh('date +%s -d "$(systemctl show -p ActiveEnterTimestamp --value zoo)"'))
    assert found["beside.service"].enabled == "disabled"
    assert found["changed.service"].needs_reload
    assert not zoo.needs_reload
    assert (found["failing.service"].exit_code, found["failing.service"].result) == (3, "exit-code")
    assert (found["killed.service"].exit_signal, found["killed.service"].result) == (11, "signal")
    assert found["limited.service"].start_limit == (2, 90.0)
    assert found["echo.service"].triggered_by == ("echo.socket",)


_END = "; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
_BEGIN = "ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c :"
FORGERS = {
    "forger-torn.service": r"\n\nMainPID=1\nNRestarts=77\nUser=forged\n",
    "forger-own.service": rf"{_END}\nUser=forged\nFinalKillSignal=2\nListen=[::]:22 (Stream)\n{_BEGIN}",
    "forger-other.service": (
        rf"{_END}\nId=forger-other.service\n\nMainPID=1\nUser=forged\n"
        rf"{_BEGIN} {_END}\nId=zoo.service\nActiveState=failed\n\nType=simple\n{_BEGIN}"
    ),
}
"""Units whose command has lines in it that look like what systemctl prints of properties."""


def test_no_words_of_a_command_are_taken_for_what_systemd_says_of_a_unit(host: Host, root: Way) -> None:
    true = named(root.ask(SHOW))
    try:
        for name, lines in FORGERS.items():
            unit = f'[Service]\nType=simple\nUser=nosudo\nExecStart=/bin/sh -c "exec sleep 900 # {lines}"\n'
            host.write(f"/etc/systemd/system/{name}", unit)
        host.run(["systemctl", "daemon-reload"])
        host.run(["systemctl", "start", *FORGERS])
        found = named(root.ask(SHOW))
        for name in FORGERS:
            alone = named(root.ask(SHOW_UNITS, name, "ssh.service"))
            assert alone.keys() == {name, "ssh.service"}
            for seen in (found[name], alone[name]):
                assert seen.pid == int(host.sh(f"systemctl show -p MainPID --value {name}"))
                assert (seen.user, seen.restarts, seen.state, seen.wants) == ("nosudo", 0, State.RUNNING, ())
                assert seen.stop_way == true["zoo.service"].stop_way
            assert (found["ssh.service"].program, alone["ssh.service"].program) == ("sshd", "sshd")
        assert found.keys() - FORGERS.keys() == true.keys()
        assert {name: (one.pids, one.program, one.state) for name, one in true.items()} == {
            name: (one.pids, one.program, one.state) for name, one in found.items() if name not in FORGERS
        }
    finally:
        host.run(["systemctl", "stop", *FORGERS])
        host.sh(f"cd /etc/systemd/system && rm -f {' '.join(FORGERS)} && systemctl daemon-reload")


@pytest.mark.parametrize("user", ["root", "oncall"])
def test_ports_of_services_whoever_looks(lab: Lab, host: Host, user: str) -> None:
    way = over_ssh(lab, host, user)
    services = way.ask(SHOW)
    seen = with_socket_units(way.ask(listeners.PROBE), services)
    found = named(with_ports(services, seen))
    ports = {endpoint.port for endpoint in found["zoo.service"].ports}
    assert ports == {*range(scene.FIRST_PORT, scene.FIRST_PORT + 9), scene.FIRST_PORT + 20, scene.FIRST_PORT + 30}
    assert [str(endpoint) for endpoint in found["echo.socket"].ports] == [
        f"tcp/*:{scene.FIRST_PORT + 50}",
        f"udp/127.0.0.1:{scene.FIRST_PORT + 51}",
    ]
    assert {each.unit for each in seen if each.port == scene.FIRST_PORT + 50} == {"echo.socket"}


def test_names_only_and_names_that_are_none(root: Way) -> None:
    found = named(root.ask(SHOW_UNITS, "zoo.service", "odd\\x2dname@a:b.service", "nothere.service"))
    assert set(found) == {"zoo.service", "odd\\x2dname@a:b.service"}
    assert root.ask(SHOW_UNITS, "nothere.service") == ()


def test_all_that_is_in_trouble_by_one_name(root: Way) -> None:
    found = named(root.ask(SHOW_UNITS, TOUCHED))
    troubled = {name for name, state in scene.STATES.items() if state in ("failed", "flapping", "starting")}
    assert set(found) == troubled


def test_the_watch_sees_a_restart_and_a_failure_too_fast_for_a_link(host: Host, root: Way) -> None:
    before = root.ask(WATCH)
    assert {"zoo.service", "echo.socket"} & before.keys() == {"zoo.service"}
    host.sh("systemctl restart odd\\\\x2dname@a:b.service")
    after = root.ask(WATCH)
    name = "odd\\x2dname@a:b.service"
    assert before[name] != after[name]
    host.run(["systemctl", "start", "failing.service"], check=False)
    assert "failing.service" not in (last := root.ask(WATCH))
    assert last[TOUCHED] != after[TOUCHED]


def test_own_services_of_a_user(lab: Lab, host: Host, root: Way) -> None:
    way = over_ssh(lab, host, "oncall")
    found = named(way.ask(USER_SHOW))
    assert (found["mine.service"].state, found["mine-fails.service"].exit_code) == (State.RUNNING, 7)
    assert found["mine.service"].ref.scope == "user:oncall"
    assert named(way.ask(USER_SHOW_UNITS, "mine.service", "zoo.service")).keys() == {"mine.service"}
    assert "user/mine.service" in way.ask(WATCH)
    assert "mine.service" not in named(root.ask(USER_SHOW))
    assert [line.service for line in way.ask(USER_JOURNAL, "1", "mine.service")] == ["mine.service"]


@pytest.mark.parametrize("shell", SHELLS)
def test_root_sees_what_a_user_runs_who_lingers(lab: Lab, host: Host, root: Way, shell: str) -> None:
    who, way = Lingering("oncall", 1001), over_ssh(lab, host, "oncall")
    before = root.ask(LINGERING, shell=shell)
    assert before.keys() == {who}
    assert way.ask(LINGERING, shell=shell) == {}
    found, own = named(root.ask(LINGERING_UNITS, "oncall", "1001", shell=shell)), named(way.ask(USER_SHOW))
    assert {"mine.service", "mine-fails.service"} <= found.keys()
    for name, service in found.items():
        other = own[name]
        assert (service.ref, service.state, service.pids, service.cgroup) == (
            other.ref, other.state, other.pids, other.cgroup
        )  # fmt: skip
    lines = root.ask(LINGERING_JOURNAL, "1001", "5", "mine.service", "mine-fails.service", shell=shell)
    # What so short a process prints, journald cannot always tell whose it is.
    assert any("status=7" in line.message for line in lines if line.service == "mine-fails.service")
    assert {line.service for line in lines} == {"mine.service", "mine-fails.service"}
    mine = found["mine.service"]
    assert len(host.run(list(SYSTEMD.log_command(mine, lines=3, since=None, follow=False).argv)).stdout.split("\n")) > 1
    host.run(list(SYSTEMD.restart(mine).argv))
    host.run(list(SYSTEMD.is_running(mine, hold=0.0).command.argv))
    assert root.ask(LINGERING, shell=shell)[who] != before[who]
    with pytest.raises(RefusedError, match="the service manager of nobody does not tell its units"):
        root.ask(LINGERING_UNITS, "nobody", "65534", shell=shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_another_login_sees_them_by_sudo_or_is_told_that_it_does_not(
    lab: Lab, host: Host, root: Way, shell: str
) -> None:
    who, way = Lingering("oncall", 1001), over_ssh(lab, host, "nosudo")
    assert way.ask(LINGERING, shell=shell).keys() == {who}
    with pytest.raises(RefusedError) as refused:
        way.ask(LINGERING_UNITS, "oncall", "1001", shell=shell)
    assert str(refused.value) == (
        "what oncall runs without a login is not seen: connect as oncall or root, or sudoers needs: "
        "nosudo ALL=(oncall) NOPASSWD: ALL"
    )
    host.write("/etc/sudoers.d/nosudo", "nosudo ALL=(oncall) NOPASSWD: ALL\n", mode=0o440)
    try:
        by_sudo = named(way.ask(LINGERING_UNITS, "oncall", "1001", shell=shell))
        seen = named(root.ask(LINGERING_UNITS, "oncall", "1001", shell=shell))
        assert {name: (one.ref, one.state, one.pids) for name, one in by_sudo.items()} == {
            name: (one.ref, one.state, one.pids) for name, one in seen.items()
        }
        mine = by_sudo["mine.service"]
        host.run(list(SYSTEMD.restart(mine).argv), user="nosudo")
        host.run(list(SYSTEMD.is_running(mine, hold=0.0).command.argv), user="nosudo")
    finally:
        host.run(["rm", "/etc/sudoers.d/nosudo"])


async def test_a_failed_unit_of_a_user_who_lingers_is_a_finding(lab: Lab, host: Host) -> None:
    ref = ServiceRef(host.name, "systemd", "mine-fails.service", "user:oncall")
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config("root")), connect_timeout=4.0)
    async with watching(spec) as watched:
        await watched.until(host.name, lambda where: any(one.service == ref for one in evaluate(where)), 20.0)


def test_the_journal_of_units(root: Way) -> None:
    found = root.ask(JOURNAL, "40", "failing.service", "zoo.service")
    messages = {(line.service, line.level): line for line in found}
    assert messages["failing.service", "error"].message == "cannot bind "
    assert messages["failing.service", "error"].fields == (("port", "8080"),)
    text = "".join(line.message for line in found)
    assert "red password=********" in text
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert {line.service for line in found} == {"failing.service", "zoo.service"}


def test_who_may_not_read_the_journal_is_told(lab: Lab, host: Host) -> None:
    with pytest.raises(RefusedError, match="may not read the system journal: join group systemd-journal or adm"):
        over_ssh(lab, host, "nosudo").ask(JOURNAL, "zoo.service")


def test_no_systemd_is_said_and_not_taken_for_no_services(lab: Lab) -> None:
    box = lab.boot("unmanaged", kind=BusyboxHost)
    with pytest.raises(RefusedError, match="systemd does not run here"):
        over_ssh(lab, box).ask(WATCH)
    with pytest.raises(RefusedError):
        over_ssh(lab, box).ask(SHOW)
    lab.stop(box)


def holds(host: Host, command: Command) -> bool:
    return host.run(list(command.argv), check=False).returncode == 0


def eventually(check: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.1)
    return False


def test_the_commands_do_what_they_say(lab: Lab, host: Host, root: Way) -> None:
    before = one(root, "beside.service")
    running = SYSTEMD.is_running(before, hold=1.0).command
    stopped = SYSTEMD.is_stopped(before).command
    run_id = SYSTEMD.run_id(before)
    first = host.run(list(run_id.argv)).stdout
    assert f"MainPID={before.pid}" in first.splitlines()
    assert holds(host, running)
    assert not holds(host, stopped)
    host.run(list(SYSTEMD.restart(before).argv))
    assert host.run(list(run_id.argv)).stdout != first
    assert one(root, "beside.service").pid != before.pid
    host.run(list(SYSTEMD.stop(before).argv))
    assert holds(host, stopped)
    assert not holds(host, running)
    host.run(list(SYSTEMD.start(before).argv))
    assert holds(host, running)
    host.run(list(SYSTEMD.signal(before, "KILL").argv))
    assert eventually(lambda: (one(root, "beside.service").restarts or 0) > 0)
    assert eventually(lambda: one(root, "beside.service").state is State.FLAPPING)


def test_what_loops_or_failed_is_not_running(host: Host, root: Way) -> None:
    for name in ("looping.service", "failing.service", "starting.service"):
        assert not holds(host, SYSTEMD.is_running(one(root, name), hold=0.0).command)
    killed = one(root, "killed.service")
    host.run(list(SYSTEMD.reset_failed(killed).argv))
    assert one(root, "killed.service").state is State.STOPPED
    host.run(list(SYSTEMD.start(killed).argv), check=False)


def test_the_log_command_follows(host: Host, root: Way) -> None:
    service = one(root, "zoo.service")
    command = SYSTEMD.log_command(service, lines=1, since=None, follow=False)
    [line] = host.run(list(command.argv)).stdout.splitlines()
    found = SYSTEMD.log_line(service.ref, line)
    assert found is not None
    assert "zoo.service" in found.message
    refused = host.run(list(command.argv), user="nosudo", check=False)
    assert "join group systemd-journal" in refused.stderr
