"""Service managers that are stopped, crash or cannot start, on real hosts: what is still said of what they ran."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from console.actions import plan, refusal
from console.core.finding import Finding, Severity
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.findings import evaluate
from console.managers import MANAGERS
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec
from tests.lab import Host, Lab
from tests.managers import pm2_zoo
from tests.managers.pm2_zoo import app
from tests.remote.real import QUICK, run
from tests.remote.watching import Watched, watching

PROGRAMS = """
[program:api]
command=/usr/bin/socat TCP-LISTEN:8090,fork,reuseaddr -
[program:cart]
command=/bin/sleep 100000
[program:idle]
command=/bin/sleep 100001
autostart=false
"""
ZOO = "/etc/supervisor/conf.d/zoo.conf"
BAD = "/etc/supervisor/conf.d/zz.conf"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    booted = lab.boot("adrift")
    booted.write(ZOO, PROGRAMS)
    return booted


@pytest.fixture
def supervised(host: Host) -> Iterator[Host]:
    """Enabled and started; afterwards nothing of it is left."""
    host.sh(f"rm -f {BAD}; systemctl reset-failed; systemctl enable --now supervisor")
    host.wait("supervisorctl status api | grep -q RUNNING && supervisorctl status cart | grep -q RUNNING")
    yield host
    host.sh("systemctl stop supervisor")


class Seen:
    """A host under the eyes of one user."""

    def __init__(self, watched: Watched, host: Host) -> None:
        self.watched = watched
        self.host = host

    @property
    def snapshot(self) -> Snapshot:
        return self.watched.fleet.snapshot(self.host.name)

    @property
    def programs(self) -> dict[str, Service]:
        return {one.ref.name: one for one in self.snapshot.services if one.ref.manager in ("supervisord", "pm2")}

    @property
    def findings(self) -> dict[str, Finding]:
        return {one.code: one for one in evaluate(self.snapshot)}

    async def until(self, *states: State, names: tuple[str, ...] = ("api", "cart"), seconds: float = 60.0) -> None:
        def holds(_: Snapshot) -> bool:
            return all(name in self.programs and self.programs[name].state in states for name in names)

        await self.watched.until(self.host.name, holds, seconds)

    async def told(self, code: str, *, seconds: float = 60.0) -> Finding:
        await self.watched.until(self.host.name, lambda _: code in self.findings, seconds)
        return self.findings[code]

    async def act(self, intent: Intent) -> PlanProgress:
        settings = replace(QUICK, within=20.0)
        wanted = plan(intent, self.snapshot, managers=MANAGERS, settings=settings, plan_id=new_plan_id())
        last = await run(self.watched.fleet.transport(self.host.name), wanted, root=True)
        self.watched.fleet.touch(self.host.name, ())
        return last


def made(eyes: Seen, kind: ActionKind, unit: str) -> Plan:
    intent = Intent(kind, ServiceRef(eyes.host.name, "systemd", unit))
    return plan(intent, eyes.snapshot, managers=MANAGERS, settings=QUICK, plan_id=new_plan_id())


@asynccontextmanager
async def seen(lab: Lab, host: Host, user: str = "root") -> AsyncIterator[Seen]:
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config(user)), connect_timeout=4.0)
    async with watching(spec) as watched:
        yield Seen(watched, host)


async def test_programs_of_a_supervisord_that_is_stopped_stay_and_its_unit_is_started_from_there(
    lab: Lab, supervised: Host
) -> None:
    async with seen(lab, supervised) as eyes:
        await eyes.until(State.RUNNING)
        supervised.sh("systemctl stop supervisor")
        finding = await eyes.told("manager-down")
        await eyes.until(State.STOPPED)
        assert finding.severity is Severity.WARNING
        assert finding.subject == f"{supervised.name}/systemd:supervisor.service"
        assert eyes.findings["manager-down"].summary == "not running: nobody looks after its 2 services: api and cart"
        assert eyes.findings.keys() == {"manager-down"}
        api = eyes.programs["api"]
        assert api.adrift == (
            "nobody looks after it: supervisor.service, which runs it, is inactive/dead: "
            "systemctl start supervisor.service"
        )
        assert refusal(Intent(ActionKind.START, api.ref), eyes.snapshot, managers=MANAGERS) == api.adrift
        # Nothing of it is expected to answer.
        await eyes.watched.until(supervised.name, lambda where: where.source("supervisord") is None, 10)
        [start] = finding.proposals
        assert start.recommended
        last = await eyes.act(start.intents[0])
        assert last.result is Result.DONE, last
        await eyes.until(State.RUNNING)
        assert eyes.findings == {}


async def test_who_comes_later_is_told_by_the_files(lab: Lab, supervised: Host) -> None:
    supervised.sh("systemctl stop supervisor")
    for user in ("root", "nosudo"):
        async with seen(lab, supervised, user) as eyes:
            found = {name: (one.state, one.enabled) for name, one in eyes.programs.items()}
            assert found == {
                "api": (State.STOPPED, "enabled"),
                "cart": (State.STOPPED, "enabled"),
                "idle": (State.STOPPED, "disabled"),
            }
            assert eyes.programs["api"].unit_file == ZOO
            assert "its 2 services: api and cart" in eyes.findings["manager-down"].summary
    supervised.sh("systemctl disable supervisor")
    async with seen(lab, supervised) as eyes:
        # Nobody wants it to run.
        assert eyes.programs.keys() == {"api", "cart", "idle"}
        assert eyes.findings == {}


async def test_what_is_disabled_under_our_eyes_is_missed_and_no_outage_and_what_is_removed_is_gone(
    lab: Lab, supervised: Host
) -> None:
    unit = supervised.sh("systemctl show -p FragmentPath --value supervisor").strip()
    async with seen(lab, supervised) as eyes:
        await eyes.until(State.RUNNING)
        supervised.sh("systemctl disable --now supervisor")
        await eyes.until(State.STOPPED)
        # Somebody meant it, yet what ran is down with it.
        assert (await eyes.told("manager-down")).severity is Severity.WARNING
        supervised.sh(f"mv {unit} /root/kept.service; systemctl daemon-reload")
        try:
            eyes.watched.fleet.touch(supervised.name, ("supervisor.service",))
            await eyes.watched.until(supervised.name, lambda _: not eyes.programs, 20)
            assert eyes.findings == {}
        finally:
            supervised.sh(f"mv /root/kept.service {unit}; systemctl daemon-reload")


SECOND = """
[unix_http_server]
file=/opt/b/s.sock
[supervisord]
pidfile=/opt/b/s.pid
logfile=/opt/b/s.log
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///opt/b/s.sock
[program:worker]
command=/bin/sleep 100002
"""


async def test_of_two_supervisords_one_is_stopped_or_killed_and_started_from_there(lab: Lab, supervised: Host) -> None:
    unit, name = "supervisor-b.service", "worker@/opt/b/s.sock"
    supervised.write("/opt/b/supervisord.conf", SECOND)
    supervised.unit(unit, "[Service]\nExecStart=/usr/bin/supervisord -n -c /opt/b/supervisord.conf\n")
    supervised.wait("supervisorctl -c /opt/b/supervisord.conf status worker | grep -q RUNNING")
    try:
        async with seen(lab, supervised) as eyes:
            await eyes.until(State.RUNNING, names=("api", name))
            for ends in (f"systemctl stop {unit}", "kill -9 $(cat /opt/b/s.pid)"):
                supervised.sh(ends)
                finding = await eyes.told("manager-down")
                await eyes.until(State.STOPPED, State.UNKNOWN, names=(name,))
                assert finding.subject == f"{supervised.name}/systemd:{unit}"
                assert f"nobody looks after {name}" in eyes.findings["manager-down"].summary
                assert f"systemctl start {unit}" in (eyes.programs[name].adrift or "")
                assert eyes.programs["api"].state is State.RUNNING
                [start] = [way for way in finding.proposals if way.id == "start"]
                for intent in start.intents:
                    assert (await eyes.act(intent)).result is Result.DONE
                await eyes.until(State.RUNNING, names=("api", name))
                assert "manager-down" not in eyes.findings
        supervised.sh(f"systemctl stop {unit}")
        async with seen(lab, supervised) as later:
            assert (later.programs[name].state, later.programs["api"].state) == (State.STOPPED, State.RUNNING)
    finally:
        supervised.sh(f"systemctl stop {unit}; rm -r /opt/b /etc/systemd/system/{unit}; systemctl daemon-reload")


async def test_what_a_supervisord_that_was_killed_leaves_behind_runs_on(lab: Lab, supervised: Host) -> None:
    """Its unit leaves its programs alone, so a new one would start them a second time."""
    async with seen(lab, supervised) as eyes:
        await eyes.watched.until(supervised.name, lambda _: bool(eyes.programs["api"].ports), 15)
        pid = eyes.programs["api"].pid
        supervised.sh("kill -9 $(cat /run/supervisord.pid)")
        await eyes.told("manager-down")
        await eyes.until(State.UNKNOWN)
        await eyes.watched.until(supervised.name, lambda _: eyes.programs["api"].pid == pid, 10)
        finding = eyes.findings["manager-down"]
        assert finding.severity is Severity.CRITICAL
        assert finding.summary == (
            "does not stay up: killed by SIGKILL: nobody looks after its 2 services: api and cart; 2 still run"
        )
        assert not any(way.recommended for way in finding.proposals)
        assert "manager-silent" not in eyes.findings
        api = eyes.programs["api"]
        assert [port.port for port in api.ports] == [8090]
        assert (api.adrift or "").startswith(f"its process {pid} runs on, and nobody looks after it")
        begin = made(eyes, ActionKind.START, "supervisor.service")
        assert f"process {pid} of api still runs" in begin.warnings[0]
        supervised.sh(f"kill {pid} {eyes.programs['cart'].pid}")
        await eyes.until(State.STOPPED)


async def test_a_supervisord_that_cannot_start_says_where_its_file_is_wrong(lab: Lab, supervised: Host) -> None:
    supervised.write(BAD, "; mine\n[program:wrong]\ncommand=/bin/sleep 5\nstartsecs=abc\n")
    place = f"{BAD}:4: startsecs of [program:wrong] is not taken"
    async with seen(lab, supervised) as eyes:
        finding = await eyes.told("files-wrong")
        assert finding.summary == f"its files are wrong, a restart would leave its 3 services down: {place}"
        ref = ServiceRef(supervised.name, "systemd", "supervisor.service")
        for kind in (ActionKind.RESTART, ActionKind.RELOAD):
            why = refusal(Intent(kind, ref), eyes.snapshot, managers=MANAGERS)
            assert why == (
                f"after a {kind.value} supervisor.service would not come up, and its 3 services would stay down: "
                f"mend {place}"
            )
        stop = made(eyes, ActionKind.STOP, "supervisor.service")
        assert stop.warnings[0] == f"supervisor.service could not be started again: {place}"
        # Somebody does it by hand.
        supervised.sh("systemctl restart supervisor")
        supervised.wait("! systemctl is-active supervisor")
        await eyes.watched.until(
            supervised.name, lambda _: any(place in line for line in _evidence(eyes, "manager-down")), 20
        )
        finding = eyes.findings["manager-down"]
        assert [way.id for way in finding.proposals if way.recommended] == ["mend-files"]
    async with seen(lab, supervised) as later:
        assert f"it would not start: {place}" in _evidence(later, "service-failed", "restart-loop", "start-limit")


async def test_files_that_break_after_the_look_are_not_started_with(lab: Lab, supervised: Host) -> None:
    async with seen(lab, supervised) as eyes:
        for kind in (ActionKind.RESTART, ActionKind.START):
            wanted = made(eyes, kind, "supervisor.service")
            assert not any(BAD in line for line in wanted.warnings)
            supervised.write(BAD, "[program:wrong]\ncommand=/bin/sleep 5\nstartsecs=abc\n")
            last = await run(eyes.watched.fleet.transport(supervised.name), wanted, root=True)
            assert last.result is Result.REFUSED
            assert f"{BAD}:3: startsecs of [program:wrong] is not taken" in (last.reason or "")
            supervised.sh(f"rm {BAD}; systemctl stop supervisor")
            await eyes.until(State.STOPPED)


def _codes(eyes: Seen) -> list[str]:
    return [finding.code for finding in evaluate(eyes.snapshot)]


def _evidence(eyes: Seen, *codes: str) -> tuple[str, ...]:
    return tuple(line for code in codes if code in eyes.findings for line in eyes.findings[code].evidence)


async def test_what_a_restart_would_change_is_said_before(lab: Lab, supervised: Host) -> None:
    changed = PROGRAMS.replace("100000", "200000").replace("[program:api]", "[program:fresh]")
    supervised.write(ZOO, changed)
    try:
        async with seen(lab, supervised) as eyes:
            await eyes.watched.until(supervised.name, lambda _: "fresh" in eyes.programs, 15)
            for kind, more in ((ActionKind.RESTART, 0), (ActionKind.RELOAD, 1)):
                assert made(eyes, kind, "supervisor.service").warnings[more:] == (
                    "api: is not in its files any more and vanishes",
                    "cart: comes back as its file has it now (command)",
                    "fresh: is new in its files and appears",
                )
            supervised.write(ZOO, PROGRAMS)
            supervised.sh("supervisorctl stop cart")
            await eyes.until(State.STOPPED, names=("cart",))
            await eyes.watched.until(supervised.name, lambda _: "fresh" not in eyes.programs, 15)
            assert made(eyes, ActionKind.RESTART, "supervisor.service").warnings == (
                "cart: is stopped now, and starts with supervisord",
            )
    finally:
        supervised.write(ZOO, PROGRAMS)


async def test_apps_of_a_pm2_that_is_stopped_or_was_never_seen(lab: Lab) -> None:
    host = lab.boot("adriftpm2")
    unit = (
        "[Service]\nType=forking\nUser=deploy\nEnvironment=PM2_HOME=/srv/.pm2 HOME=/srv\nPIDFile=/srv/.pm2/pm2.pid\n"
        "ExecStart=/usr/local/bin/pm2 resurrect\nExecStop=/usr/local/bin/pm2 kill\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
    pm2_zoo.furnish(host, "deploy", (app("web", "web.js", env={"PORT": "8081"}), app("job", "sleeps.sh")))
    pm2_zoo.pm2(host, "deploy", "save")
    pm2_zoo.pm2(host, "deploy", "kill")
    host.unit("pm2-deploy.service", unit)
    host.sh("systemctl enable pm2-deploy")
    names = ("web", "job")
    async with seen(lab, host) as eyes:
        await eyes.until(State.RUNNING, State.FLAPPING, names=names)
        assert "what was saved last" in made(eyes, ActionKind.RESTART, "pm2-deploy.service").warnings[0]
        host.sh("systemctl stop pm2-deploy")
        await eyes.until(State.STOPPED, names=names)
        finding = await eyes.told("manager-down")
        assert finding.severity is Severity.WARNING
        assert eyes.findings["manager-down"].summary == "not running: nobody looks after its 2 services: web and job"
    for user in ("root", "nosudo"):
        async with seen(lab, host, user) as later:
            assert later.programs.keys() == set(names)
            assert later.findings.keys() == {"manager-down"}
    host.sh("systemctl start pm2-deploy")
    host.wait("ss -Hltn 'sport = :8081' | grep -q .")
    async with seen(lab, host) as eyes:
        await eyes.until(State.RUNNING, State.FLAPPING, names=names)
        host.sh("kill -9 $(cat /srv/.pm2/pm2.pid)")
        finding = await eyes.told("manager-down", seconds=40)
        assert finding.severity is Severity.CRITICAL
        await eyes.until(State.STOPPED, State.UNKNOWN, names=names)
        assert "manager-silent" not in eyes.findings
    lab.stop(host)


async def test_what_ran_without_a_unit_is_told_to_who_comes_after_the_crash(lab: Lab) -> None:
    host = lab.boot("adrifthand")
    pm2_zoo.furnish(host, "deploy", (app("web", "web.js", env={"PORT": "8081"}), app("job", "sleeps.sh")))
    pm2_zoo.pm2(host, "deploy", "save")
    host.write(ZOO, PROGRAMS)
    host.sh("rm /lib/systemd/system/supervisor.service; systemctl daemon-reload; supervisord")
    host.wait("supervisorctl status api | grep -q RUNNING")
    names = ("web", "job", "api", "cart")
    async with seen(lab, host) as eyes:
        await eyes.until(State.RUNNING, State.FLAPPING, names=names)
        host.sh("kill -9 $(cat /srv/.pm2/pm2.pid) $(cat /run/supervisord.pid)")
        await eyes.until(State.STOPPED, State.UNKNOWN, names=names)
        await eyes.watched.until(host.name, lambda _: _codes(eyes).count("manager-down") == 2, 20)
        # One cause is one finding.
        assert set(_codes(eyes)) == {"manager-down"}
    async with seen(lab, host) as later:
        assert {"web", "job", "api", "cart"} <= later.programs.keys()
        assert all(one.adrift is not None and one.state is not State.RUNNING for one in later.programs.values())
        assert _codes(later) == ["manager-down"] * 2
        pm2, supervisord = sorted(evaluate(later.snapshot), key=lambda finding: finding.subject)
        assert pm2.severity is supervisord.severity is Severity.WARNING
        assert "nobody looks after web and job" in pm2.summary
        assert supervisord.summary == "supervisord is not running: nobody looks after api and cart"
        assert pm2.proposals[0].commands == ("sudo -H -u deploy -- env -C / pm2 resurrect",)
    host.sh("pkill -x sleep; sudo -H -u deploy -- env -C / pm2 resurrect")
    async with seen(lab, host) as back:
        await back.until(State.RUNNING, State.FLAPPING, names=("web", "job"))
    lab.stop(host)


async def test_apps_of_a_pm2_that_was_killed_and_saved_nothing_are_missed(lab: Lab) -> None:
    """Nothing on the host tells of them any more: the console itself saw them."""
    host = lab.boot("adriftkill")
    apps = (app("web", "web.js", env={"PORT": "8081"}), app("job", "sleeps.sh"))
    pm2_zoo.furnish(host, "deploy", apps)
    names = ("web", "job")
    async with seen(lab, host) as eyes:
        await eyes.until(State.RUNNING, State.FLAPPING, names=names)
        pm2_zoo.pm2(host, "deploy", "kill")
        finding = await eyes.told("manager-down", seconds=40)
        await eyes.until(State.STOPPED, names=names)
        assert finding.severity is Severity.WARNING
        summary = eyes.findings["manager-down"].summary
        assert summary.startswith("pm2 of deploy (process ")
        assert summary.endswith("), which no unit runs, is gone: nobody looks after web and job")
        [way] = eyes.findings["manager-down"].proposals
        assert (way.commands, way.reason_off) == (
            (),
            "by hand: nothing was saved, so that only who started it knows how",
        )
        # Whoever looks what is there starts a daemon that runs nothing.
        pm2_zoo.pm2(host, "deploy", "ls")
        await eyes.watched.until(host.name, lambda where: where.source("pm2") is not None, 20)
        assert eyes.findings.keys() == {"manager-down"}
        assert eyes.programs.keys() == set(names)
        pm2_zoo.furnish(host, "deploy", apps[:1])
        await eyes.until(State.RUNNING, State.FLAPPING, names=("web",))
        await eyes.watched.until(host.name, lambda _: eyes.programs.keys() == {"web"}, 20)
        assert "manager-down" not in eyes.findings
    # One that ended in a home that is closed is not taken for one that never was.
    host.sh("chmod 700 /srv/.pm2; kill -9 $(cat /srv/.pm2/pm2.pid)")
    async with seen(lab, host, "nosudo") as later:
        source = later.snapshot.source("pm2")
        assert source is not None
        assert "/srv/.pm2" in (source.failure or "")
        assert (source.failure or "").endswith("cannot be seen: connect as root, or as its user")
        assert "manager-silent" not in later.findings
    async with seen(lab, host) as root:
        told = root.snapshot.source("pm2")
        assert told is not None
        assert "crashed: run pm2 resurrect as deploy" in (told.failure or "")
    lab.stop(host)
