"""supervisord on a real host: programs in every state, through its socket or its tool, and what is done to them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from console.actions import plan, refusal
from console.core.finding import Finding, Severity
from console.core.freshness import of_service
from console.core.plan import ActionKind, Intent, PlanProgress, Result, StepState
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.thresholds import Thresholds
from console.findings.host import silent_managers
from console.findings.services import failed, not_reloaded
from console.managers import MANAGERS
from console.managers.supervisord import SUPERVISORD, SUPERVISORD_PRESENCE, SUPERVISORD_STATUS
from console.managers.supervisord_files import GROUND_PROBE
from console.remote import logs
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec
from tests.lab import BusyboxHost, Host, Lab
from tests.managers import supervisor_zoo
from tests.managers.supervisor_zoo import CONF_D
from tests.probes.asking import SHELLS, over_ssh
from tests.remote.real import QUICK, run
from tests.remote.watching import Watched, watching

TOOL = "/usr/bin/supervisorctl"
MAY = (
    f"{TOOL} status",
    *(f"{TOOL} {verb} {name}" for verb in ("restart", "stop", "start", "signal HUP") for name in ("api", "worker\\:*")),
    f"{TOOL} tail *",
)
WANTS = "[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:8080,fork -\n"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("svzoo", sudo=MAY)
    made.unit("wants.service", WANTS, start=False)
    supervisor_zoo.furnish(made)
    return made


@dataclass(frozen=True)
class Seen:
    """A host under the eyes of one user."""

    watched: Watched
    host: Host
    user: str

    @property
    def snapshot(self) -> Snapshot:
        return self.watched.fleet.snapshot(self.host.name)

    @property
    def services(self) -> dict[str, Service]:
        return {one.ref.name: one for one in self.snapshot.services if one.ref.manager == "supervisord"}

    @property
    def failure(self) -> str | None:
        source = self.snapshot.source("supervisord")
        return None if source is None else source.failure

    async def until(self, name: str, *states: State, seconds: float = 60.0) -> Service:
        def holds(_: Snapshot) -> bool:
            return name in self.services and self.services[name].state in states

        await self.watched.until(self.host.name, holds, seconds)
        return self.services[name]

    async def act(
        self, kind: ActionKind, name: str, *, manager: str = "supervisord", port: int | None = None, hold: float = 1.0
    ) -> PlanProgress:
        """Plan it from what is seen, and run it."""
        endpoint = None if port is None else Endpoint("tcp", "0.0.0.0", port)
        intent = Intent(kind, ServiceRef(self.host.name, manager, name), endpoint)
        settings = replace(QUICK, hold=hold, respawn=1.0, within=20.0)
        wanted = plan(intent, self.snapshot, managers=MANAGERS, settings=settings, plan_id=new_plan_id())
        last = await run(self.watched.fleet.transport(self.host.name), wanted, root=self.user == "root")
        self.watched.fleet.touch(self.host.name, ())
        return last


@asynccontextmanager
async def seen(lab: Lab, host: Host, user: str = "root") -> AsyncIterator[Seen]:
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config(user)), connect_timeout=4.0)
    async with watching(spec) as watched:
        yield Seen(watched, host, user)


def status(host: Host, name: str) -> str:
    return host.run(["supervisorctl", "status", name], check=False).stdout


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_the_true_state_of_every_program(lab: Lab, host: Host, user: str) -> None:
    async with seen(lab, host, user) as eyes:
        # Between two runs, and before its second one, it is not to be seen that it goes on like that.
        await eyes.until("loop", State.FLAPPING, seconds=60.0 if user == "oncall" else 20.0)
        found = eyes.services
        assert {name: one.state.value for name, one in found.items()} == supervisor_zoo.STATES, eyes.failure
        assert found["api"].pid == int(host.sh("supervisorctl pid api"))
        assert (found["quick"].exit_code, found["broke"].exit_code, found["shot"].exit_signal) == (3, 7, 11)
        assert found["nofile"].result == "can't find command '/nonexistent/program'"
        assert (found["loop"].restarts or 0) > 0
        assert (found["loop"].restart_policy, found["api"].restart_policy) == ("always", "on-failure")
        assert (found["idle"].enabled, found["api"].enabled) == ("disabled", "enabled")
        assert (found["shop:cart"].group, found["worker:worker_01"].group, found["api"].group) == (
            "shop",
            "worker",
            None,
        )
        assert found["api"].unit_file == f"{CONF_D}/zoo.conf"
        assert not any(one.needs_reload for one in found.values())
        broke = float(host.sh("stat -c %Y /proc/1")) < (found["broke"].since or 0.0) <= float(host.sh("date +%s"))
        assert broke
        tool = ("supervisorctl",) if user == "root" else ("sudo", "-n", "--", "supervisorctl")
        assert {one.tool for one in found.values()} == {tool}


async def test_who_runs_them_where_they_listen_and_what_they_use(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as eyes:
        await eyes.watched.until(host.name, lambda _: bool(eyes.services["api"].ports), 15)
        api = eyes.services["api"]
        assert api.chain == ("systemd", "supervisor.service", "supervisord", "api")
        assert {endpoint.port for endpoint in api.ports} == {8080}
        assert (api.memory or 0) > 10**7
        assert api.daemon == int(host.read("/run/supervisord.pid"))


async def test_what_happens_is_seen_soon(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as eyes:
        before = eyes.services["worker:worker_02"].pid
        host.sh(f"kill -9 {before}")
        await eyes.watched.until(host.name, lambda _: eyes.services["worker:worker_02"].pid not in (before, None), 10)
        again = eyes.services["worker:worker_02"]
        # The log told that nobody wished it.
        assert (again.state, again.restarts) == (State.FLAPPING, 1)


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_restarted_stopped_started_and_reloaded(lab: Lab, host: Host, user: str) -> None:
    async with seen(lab, host, user) as eyes:
        before = eyes.services["api"].pid
        last = await eyes.act(ActionKind.RESTART, "api")
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert f"pid {before} -> {host.sh('supervisorctl pid api').strip()}" in last.proof
        # A restart by hand is no crash.
        await eyes.watched.until(host.name, lambda _: eyes.services["api"].pid not in (before, None), 10)
        assert (await eyes.until("api", State.RUNNING)).restarts in (0, None)
        if user != "root":
            last = await eyes.act(ActionKind.RESTART, "worker:worker_00")
            assert (last.result, last.reason) == (Result.DONE, None), last
            return
        last = await eyes.act(ActionKind.RELOAD, "api")
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert "log re-opened" in host.read("/var/log/api/api.log")
        assert (await eyes.act(ActionKind.STOP, "api")).result is Result.DONE
        assert "STOPPED" in status(host, "api")
        await eyes.until("api", State.STOPPED)
        assert (await eyes.act(ActionKind.START, "api")).result is Result.DONE
        await eyes.until("api", State.RUNNING)


async def test_a_program_without_a_handler_gets_no_sighup(lab: Lab, host: Host) -> None:
    """Row 40."""
    async with seen(lab, host) as eyes:
        last = await eyes.act(ActionKind.RELOAD, "shop:cart")
        assert last.result is Result.REFUSED
        assert "does not handle SIGHUP" in (last.reason or "")


async def test_one_that_dies_after_its_restart_is_flapping(lab: Lab, host: Host) -> None:
    """Row 36."""
    async with seen(lab, host) as eyes:
        last = await eyes.act(ActionKind.RESTART, "loop", hold=5.0)
        assert last.result is Result.FAILED
        # On a busy machine it has died before the first look.
        assert re.match("flapping: |loop: a new run failed: started once more by", last.reason or ""), last.reason


async def test_a_crash_before_the_first_look_is_no_success(lab: Lab, host: Host) -> None:
    """Only the log of supervisord tells of it; a restart by hand after that is none."""
    body = "[ ! -e /run/fail ] || { rm /run/fail; exit 1; }; exec sleep 100007"
    host.write(f"{CONF_D}/once.conf", f"[program:once]\nstartsecs=0\nautorestart=true\ncommand=/bin/sh -c '{body}'\n")
    host.sh("supervisorctl update once")
    async with seen(lab, host) as eyes:
        await eyes.until("once", State.RUNNING)
        for result in (Result.FAILED, Result.DONE):
            if result is Result.FAILED:
                host.sh("touch /run/fail")
            last = await eyes.act(ActionKind.RESTART, "once")
            assert last.result is result, last
            assert result is Result.DONE or "started once more by itself" in (last.reason or ""), last.reason
    host.sh(f"rm {CONF_D}/once.conf; supervisorctl update once")


@pytest.mark.parametrize("name", ["quick", "broke"])
async def test_a_failed_start_leaves_it_failed(lab: Lab, host: Host, name: str) -> None:
    """Stopped by an undo it would be quiet, as if somebody had put it down."""
    async with seen(lab, host) as eyes:
        await eyes.until(name, State.FAILED)
        last = await eyes.act(ActionKind.START, name, hold=3.0)
        assert (last.result, last.undo) == (Result.FAILED, ()), last
        host.wait(f"supervisorctl status {name} | grep -Eq 'FATAL|EXITED'")
        after = await eyes.until(name, State.FAILED)
        said = ("bind: Address already in use",) if name == "quick" else ()
        await eyes.watched.until(host.name, lambda where: where.said_last(after.ref)[-1:] == said, 10)
        [finding] = failed(eyes.snapshot, [after], Thresholds(), lambda _intent: ())
        assert finding.severity is Severity.CRITICAL


async def test_a_port_goes_back_and_what_failed_stays_failed(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as eyes:
        await eyes.watched.until(host.name, lambda _: bool(eyes.services["api"].ports), 15)
        last = await eyes.act(ActionKind.FREE_PORT, "quick", port=8080)
        assert last.result is Result.UNDONE, last
        undone = {one.name: one.state for one in last.undo}
        assert list(undone) == [
            "undo of start quick",
            "undo of stop api",
            "undo of see tcp 8080 released by api",
            "undo of see what runs of quick before its start",
        ]
        # Between two attempts it is stopped and started once more; one that has given up by itself is let be.
        assert undone.pop("undo of start quick") is undone.pop("undo of see what runs of quick before its start")
        assert set(undone.values()) == {StepState.DONE}
        host.wait("supervisorctl status quick | grep FATAL", timeout=30)
        host.wait("supervisorctl status api | grep RUNNING")


async def test_one_that_ignores_sigterm_is_ended_by_supervisord(lab: Lab, host: Host) -> None:
    """Row 37: ``stopwaitsecs``, then SIGKILL."""
    async with seen(lab, host) as eyes:
        for kind in (ActionKind.RESTART, ActionKind.STOP):
            last = await eyes.act(kind, "deaf")
            assert last.result is Result.DONE, last
            assert "supervisord ended deaf by SIGKILL: it did not end within its stopwaitsecs" in last.proof
            assert last.plan.ends == ("deaf: SIGTERM, then SIGKILL after 2 s",)
        host.sh("supervisorctl start deaf")


async def test_a_stop_that_leaves_a_child_at_the_port_has_failed(lab: Lab, host: Host) -> None:
    """Without ``stopasgroup``, and with ``KillMode=process``: only the shell before it is ended."""
    serve = "sh -c '/usr/bin/socat TCP-LISTEN:{},fork -; true'"
    host.write(f"{CONF_D}/wrap.conf", f"[program:wrap]\ncommand={serve.format(9100)}\n")
    host.unit("wrapped.service", f"[Service]\nKillMode=process\nExecStart=/bin/{serve.format(9101)}\n")
    host.sh("supervisorctl update wrap")
    async with seen(lab, host) as eyes:
        for manager, name, port in (("supervisord", "wrap", 9100), ("systemd", "wrapped.service", 9101)):
            ref = ServiceRef(host.name, manager, name)

            def serves(found: Snapshot, ref: ServiceRef = ref) -> bool:
                service = found.service(ref)
                return service is not None and bool(service.ports)

            await eyes.watched.until(host.name, serves, 15)
            last = await eyes.act(ActionKind.STOP, name, manager=manager)
            pid = host.sh(f"fuser {port}/tcp 2>/dev/null || ss -Hlntp 'sport = :{port}'")
            assert last.result is Result.FAILED, last
            found = re.fullmatch(
                rf"nothing of {name} serves on failed: process (\d+), which {name} began, still serves tcp {port}",
                last.reason or "",
            )
            assert found, last.reason
            assert found[1] in pid
            assert not [undo for undo in last.undo if undo.state is StepState.DONE]
            host.sh(f"kill {found[1]}")
    host.sh(f"rm {CONF_D}/wrap.conf; supervisorctl update wrap")


async def test_a_port_is_freed_from_a_program_that_would_come_back(lab: Lab, host: Host) -> None:
    """Row 38: killed, it would be started again at once; its supervisor stops it."""
    async with seen(lab, host) as eyes:
        await eyes.watched.until(host.name, lambda _: bool(eyes.services["api"].ports), 15)
        last = await eyes.act(ActionKind.FREE_PORT, "wants.service", manager="systemd", port=8080)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert last.steps[0].name == "stop api"
        assert "STOPPED" in status(host, "api")
        host.sh("systemctl stop wants.service; supervisorctl start api")


async def test_sudo_is_not_asked_for_a_log_that_it_would_refuse(lab: Lab, host: Host) -> None:
    async with seen(lab, host, "oncall") as eyes:
        last = await eyes.act(ActionKind.RESTART, "api")
        assert last.result is Result.DONE, last
    assert "maintail" not in host.sh("journalctl -q -t sudo --no-pager")


async def test_what_is_written_and_not_loaded(lab: Lab, host: Host) -> None:
    old = host.read(f"{CONF_D}/zoo.conf")
    new = old.replace('MARK="first"', 'MARK="second"').replace("sleep 100000", "sleep 110000")
    new = new.replace("[program:slow]", "[program:fresh]\ncommand=/bin/sleep 100007\n\n[program:slow]")
    async with seen(lab, host) as eyes:

        def stale() -> dict[str, str]:
            return {name: one.description for name, one in eyes.services.items() if one.needs_reload}

        host.write(f"{CONF_D}/zoo.conf", new)
        await eyes.watched.until(host.name, lambda _: len(stale()) == 3, 15)
        wrong = {
            "api": "changed in its file: MARK",
            "shop:cart": "changed in its file: command",
            "fresh": "in its files, not loaded yet",
        }
        assert stale() == wrong
        # The daemon was not made to read anything.
        assert "fresh" not in host.sh("supervisorctl avail")
        [finding] = findings(eyes)
        assert "api, fresh and shop:cart" in finding.summary
        # Started anew they have what the daemon has loaded, which is not what is written.
        before = eyes.services["api"].pid
        for name in ("api", "shop:cart"):
            assert (await eyes.act(ActionKind.RESTART, name)).result is Result.DONE
        await eyes.watched.until(host.name, lambda _: eyes.services["api"].pid not in (None, before), 15)
        async with seen(lab, host) as others:
            assert {name: one.description for name, one in others.services.items() if one.needs_reload} == wrong
        assert stale() == wrong
        host.sh("supervisorctl reread")
        # Read, but not applied: what runs is as old as before.
        async with seen(lab, host) as others:
            assert {name for name, one in others.services.items() if one.needs_reload} == set(wrong)
        intent = Intent(ActionKind.START, ServiceRef(host.name, "supervisord", "fresh"))
        assert "has not loaded fresh yet" in (refusal(intent, eyes.snapshot, managers=MANAGERS) or "")
        for name in ("fresh", "shop:cart"):
            last = await eyes.act(ActionKind.DAEMON_RELOAD, name)
            assert last.result is Result.DONE, last
        # What is not of these groups is left alone.
        assert int(host.sh("supervisorctl pid api")) == eyes.services["api"].pid
        host.sh("supervisorctl update api")
        await eyes.watched.until(host.name, lambda _: not stale(), 15)
        await eyes.until("fresh", State.RUNNING)
        host.write(f"{CONF_D}/zoo.conf", f"{old}\n[program:wrong]\n")
        await eyes.watched.until(host.name, lambda _: eyes.services["api"].files_wrong is not None, 15)
        told = f"{CONF_D}/zoo.conf:{len(old.splitlines()) + 2}: [program:wrong] does not specify a command"
        assert {one.files_wrong for one in eyes.services.values()} == {told}
        assert eyes.failure is None
        host.write(f"{CONF_D}/zoo.conf", old)
        host.sh("supervisorctl update")
        await eyes.watched.until(
            host.name,
            lambda _: eyes.services["api"].files_wrong is None and not stale() and "fresh" not in eyes.services,
            15,
        )


def findings(eyes: Seen) -> list[Finding]:
    stale = [one for one in eyes.snapshot.services if one.needs_reload]
    return not_reloaded(eyes.snapshot, stale, lambda _intents: ())


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_the_log_of_a_program(lab: Lab, host: Host, user: str) -> None:
    async with seen(lab, host, user) as eyes:
        transport = eyes.watched.fleet.transport(host.name)
        quick, worker = eyes.services["quick"], eyes.services["worker:worker_01"]
        command, read_line = logs.source(quick, lines=1, since=None, follow=False)
        told = [read_line(text) for text in (await transport.run(command)).stdout.splitlines()]
        [line] = [line for line in told if line is not None]
        assert line.message == "bind: Address already in use"
        assert "stderr" in line.source, "which of its two logs it is from"
        command, read_line = logs.source(worker, lines=1, since=None, follow=True)
        async with aclosing(logs.follow(await transport.open(command.argv), read_line)) as lines:
            followed = [(await anext(lines)).message for _ in range(3)]
        assert set(followed) == {"worker 1 at work"}


async def test_hostile_names_are_names(lab: Lab, host: Host) -> None:
    """Row 21; "all" means every program to supervisorctl."""
    async with seen(lab, host) as eyes:
        before = {name: one.pid for name, one in eyes.services.items()}
        odd = ("--help", "x;$(id)'\"\\[red]")
        for name in odd:
            host.run(list(SUPERVISORD.restart(eyes.services[name]).argv))
        last = await eyes.act(ActionKind.RESTART, "all", hold=0.2)
        assert (last.result, last.reason) == (Result.DONE, None), last
        others = [name for name in ("shop:pay", "shop:cart", "deaf") if name in before]
        await eyes.watched.until(host.name, lambda _: eyes.services["all"].pid not in (before["all"], None), 10)
        now = {name: one.pid for name, one in eyes.services.items()}
        assert [now[name] for name in others] == [before[name] for name in others]
        assert not {now[name] for name in (*odd, "all")} & {before[name] for name in (*odd, "all")}


async def test_who_may_not_ask_is_told_the_line(lab: Lab, host: Host) -> None:
    async with seen(lab, host, "nosudo") as eyes:
        assert eyes.services == {}
        assert eyes.failure is not None
        assert f"sudoers needs: nosudo ALL=(root) NOPASSWD: {TOOL} status" in eyes.failure
        assert "\n" not in eyes.failure
        assert any(one.ref.manager == "systemd" for one in eyes.snapshot.services)


async def test_a_daemon_that_hangs_leaves_the_others_alone(lab: Lab, host: Host) -> None:
    """Row 48, of supervisord: only this source is stale, and comes back."""
    async with seen(lab, host) as eyes:
        host.sh("kill -STOP $(cat /run/supervisord.pid)")
        try:
            pid = host.read("/run/supervisord.pid").strip()
            await eyes.watched.until(host.name, lambda _: f"kill -CONT {pid}" in (eyes.failure or ""), 15)
            # What was known stays, and grows old: no look that fails makes it younger.
            assert eyes.services["api"].state is State.RUNNING
            await eyes.watched.until(host.name, lambda _: _age(eyes, "api") > 9.0, 20)
            assert of_service(eyes.snapshot, eyes.services["api"]).stale
            assert [one.code for one in silent_managers(eyes.snapshot)] == ["manager-silent"]
            assert all(one.failure is None for one in eyes.snapshot.sources if one.name == "systemd")
        finally:
            host.sh("kill -CONT $(cat /run/supervisord.pid)")
        await eyes.watched.until(host.name, lambda _: eyes.failure is None, 15)
        assert not of_service(eyes.snapshot, eyes.services["api"]).stale


async def test_one_that_hangs_when_it_is_seen_first_has_its_programs_by_its_files(lab: Lab, host: Host) -> None:
    host.sh("kill -STOP $(cat /run/supervisord.pid)")
    try:
        async with seen(lab, host) as eyes:
            await eyes.watched.until(host.name, lambda _: "api" in eyes.services, 15)
            api = eyes.services["api"]
            assert (api.state, api.native_state) == (State.UNKNOWN, "not told")
            assert "kill -CONT" in (api.tool_missing or "")
            await eyes.watched.until(host.name, lambda _: eyes.services["api"].chain[0] == "systemd", 15)
            host.sh("kill -CONT $(cat /run/supervisord.pid)")
            await eyes.until("api", State.RUNNING)
    finally:
        host.sh("kill -CONT $(cat /run/supervisord.pid)")


def _age(eyes: Seen, name: str) -> float:
    return of_service(eyes.snapshot, eyes.services[name]).age(time.monotonic()) or 0.0


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gives_the_same_answers(lab: Lab, host: Host, shell: str) -> None:
    root = over_ssh(lab, host)
    text = root.output(SUPERVISORD_PRESENCE, shell=shell)
    assert text.splitlines()[0] == "rw /run/supervisor.sock"
    assert f"{CONF_D}/zoo.conf" in text
    assert over_ssh(lab, host, "nosudo").output(SUPERVISORD_PRESENCE, shell=shell).startswith("denied ")
    ground = root.ask(GROUND_PROBE, "/run/supervisor.sock", shell=shell)
    assert (ground.tool, ground.pid, ground.bad) == (("supervisorctl",), int(host.read("/run/supervisord.pid")), None)
    assert len(ground.programs or ()) == len(supervisor_zoo.STATES)
    told = root.ask(SUPERVISORD_STATUS, ground.log or "-", *ground.tool, shell=shell)
    assert len(told.programs) == len(supervisor_zoo.STATES)


async def test_a_socket_of_another_place_and_one_with_a_password(lab: Lab, host: Host) -> None:
    """Last: the daemon of the package is stopped. The tool knows the password of the second from its file."""
    host.sh("systemctl stop supervisor; while [ -e /run/supervisor.sock ]; do sleep 0.1; done")
    conf = (
        "[unix_http_server]\nfile = %(here)s/own.sock ; here\nusername=me\npassword=secret\n[supervisord]\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        "[supervisorctl]\nserverurl=unix://%(here)s/own.sock\nusername=me\npassword=secret\n"
        "[program:solo]\ncommand=/bin/sleep 100008\n"
    )
    host.write("/etc/supervisor/supervisord.conf", conf)
    host.sh("cd / && systemctl start supervisor")
    host.wait("supervisorctl status solo | grep RUNNING")
    async with seen(lab, host) as eyes:
        solo = await eyes.until("solo", State.RUNNING)
        assert eyes.failure is None
        host.sh("systemctl stop supervisor")
        stopped = await eyes.until(solo.ref.name, State.STOPPED)
        assert "systemctl start supervisor.service" in (stopped.adrift or "")
        await eyes.watched.until(host.name, lambda where: where.source("supervisord") is None, 10)


def test_nothing_is_said_where_it_is_not(lab: Lab) -> None:
    box = lab.boot("svnone", kind=BusyboxHost)
    assert over_ssh(lab, box).output(SUPERVISORD_PRESENCE) == ""
    lab.stop(box)
