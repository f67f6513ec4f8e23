"""pm2 on a real host: apps in every state, of one's own daemon and of others', and what is done to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from console.actions import plan
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.managers.join import with_ports
from console.managers.lineage import Lineage, mains
from console.managers.pm2 import PM2, PM2_PRESENCE, PM2_SURVEY
from console.managers.pm2_ask import ASK_JS
from console.managers.pm2_list import Found
from console.probes import family, identity
from console.remote.rights import rights
from console.remote.runner import new_plan_id
from console.remote.transport import Transport
from tests.lab import Host, Lab
from tests.managers import pm2_zoo
from tests.managers.pm2_zoo import app, pm2
from tests.probes.asking import Way, over_ssh
from tests.remote.real import QUICK, ask, connected, look, run

MAY = ("/usr/local/bin/pm2 jlist", *(f"/usr/local/bin/pm2 {verb} web" for verb in ("restart", "stop")))
SETTINGS = replace(QUICK, within=30.0)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("pm2zoo")
    made.write("/etc/sudoers.d/pm2", "".join(f"oncall ALL=(deploy) NOPASSWD: {line}\n" for line in MAY), mode=0o440)
    made.unit("wants.service", "[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:8082,fork -\n", start=False)
    pm2_zoo.furnish(made, "deploy")
    pm2(made, "deploy", "stop", "quiet")
    made.wait("grep -q 'App .loop:[0-9]*. exited' /srv/.pm2/pm2.log")
    return made


@pytest.fixture
def root(lab: Lab, host: Host) -> Way:
    return over_ssh(lab, host)


def named(found: Found) -> dict[str, Service]:
    return {service.ref.name: service for service in found.services}


async def seen(transport: Transport) -> Snapshot:
    """The host as the poller would show it."""
    where = await look(transport)
    mine = tuple(
        replace(service, ref=replace(service.ref, host=transport.host))
        for service in (await ask(transport, PM2_SURVEY)).services
    )
    asked = replace(family.PROBE, script=f"set -- {' '.join(map(str, mains(mine)))}\n{family.PROBE.script}")
    families = {found.pid: found for found in await ask(transport, asked)}
    services = (*where.services, *Lineage().joined(mine, families))
    return replace(where, services=with_ports(services, where.listeners))


async def planned(transport: Transport, kind: ActionKind, name: str, user: str = "deploy", hold: float = 1.0) -> Plan:
    where = await seen(transport)
    intent = Intent(kind, ServiceRef(transport.host, "pm2", name, f"user:{user}"))
    return plan(
        intent, where, managers=MANAGERS, settings=replace(SETTINGS, hold=hold), plan_id=new_plan_id(), reason=None
    )


async def done(
    transport: Transport, kind: ActionKind, name: str, user: str = "deploy", hold: float = 1.0
) -> PlanProgress:
    wanted = await planned(transport, kind, name, user, hold)
    return await run(transport, wanted, root=not wanted.steps[0].command.words(root=False)[0].startswith("sudo"))


@pytest.mark.parametrize("user", ["root", "oncall"])
def test_the_true_state_of_every_app(lab: Lab, host: Host, user: str) -> None:
    way = over_ssh(lab, host, user)
    text = way.output(PM2_SURVEY)
    found = named(PM2_SURVEY.parse(text))
    assert {name: service.state.value for name, service in found.items()} == pm2_zoo.STATES
    assert pm2_zoo.SECRET not in text
    assert len(text) < 12_000
    assert found["later"].pids == ()
    assert (found["bad"].exit_code, found["once-bad"].exit_code) == (3, 4)
    assert found["two"].native_state == "online"
    assert len(found["two"].pids) == 2
    assert found["red/twin"].group == "red"
    assert found["api"].wants == (Endpoint("tcp", "*", 8080),)


async def test_ports_processes_and_who_runs_them(lab: Lab, host: Host) -> None:
    async with connected(host.name, lab.ssh_config("root")) as transport:
        found = {service.ref.name: service for service in (await seen(transport)).services}
    assert {endpoint.port for endpoint in found["api"].ports} == {8080}
    assert {endpoint.port for endpoint in found["web"].ports} == {8081}
    daemon = found["api"].daemon
    assert host.read(f"/proc/{daemon}/comm").startswith("PM2 v")
    assert found["web"].chain[-2:] == ("pm2", "web")
    assert (found["api"].memory or 0) > 2 * 10**7
    assert len(found["api"].pids) == 3


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_restarted_stopped_and_started(lab: Lab, host: Host, user: str) -> None:
    async with connected(host.name, lab.ssh_config(user)) as transport:
        before = named(await ask(transport, PM2_SURVEY))["web"]
        last = await done(transport, ActionKind.RESTART, "web")
        assert (last.result, last.reason) == (Result.DONE, None), last
        # Which process has a port of deploy's is hidden from oncall.
        assert ("tcp 8081 held by web" in last.proof) is (user == "root"), last.proof
        after = named(await ask(transport, PM2_SURVEY))["web"]
        assert f"pid {before.pid} -> {after.pid}" in last.proof
        # A start by hand is no crash, however often it is done.
        assert (after.state, after.restarts) == (State.RUNNING, 0)
        assert (await done(transport, ActionKind.STOP, "web")).result is Result.DONE
        assert named(await ask(transport, PM2_SURVEY))["web"].state is State.STOPPED
        assert (await done(transport, ActionKind.START, "web")).result is Result.DONE
        assert named(await ask(transport, PM2_SURVEY))["web"].state is State.RUNNING


async def test_reload_replaces_workers_one_by_one_and_signals_a_fork(lab: Lab, host: Host) -> None:
    async with connected(host.name, lab.ssh_config("root")) as transport:
        before = named(await ask(transport, PM2_SURVEY))
        last = await done(transport, ActionKind.RELOAD, "api")
        assert last.result is Result.DONE, last
        assert "tcp 8080 held by api" in last.proof
        last = await done(transport, ActionKind.RELOAD, "web")
        assert last.result is Result.DONE, last
        after = named(await ask(transport, PM2_SURVEY))
        assert not set(before["api"].pids[:2]) & set(after["api"].pids[:2])
        assert before["web"].pids == after["web"].pids
        host.wait("grep -q 'read again' /srv/.pm2/logs/web-out.log")
        # A plain script has no handler: the signal would end it.
        last = await done(transport, ActionKind.RELOAD, "two")
        assert last.result is Result.REFUSED, last
        assert named(await ask(transport, PM2_SURVEY))["two"].pids == before["two"].pids


async def test_one_that_dies_again_is_no_success_and_a_deaf_one_ends(lab: Lab, host: Host) -> None:
    async with connected(host.name, lab.ssh_config("root")) as transport:
        last = await done(transport, ActionKind.RESTART, "loop", hold=4.0)
        assert last.result is Result.FAILED, last
        # pm2 itself kills what does not end within its kill_timeout.
        last = await done(transport, ActionKind.STOP, "deaf")
        assert last.result is Result.DONE, last
        assert "pm2 ended deaf by SIGKILL: it did not end within its kill_timeout" in last.proof
        assert last.plan.ends == ("deaf: its stop signal, then SIGKILL after 1 s",)


async def test_a_failed_start_leaves_it_errored(lab: Lab, host: Host) -> None:
    async with connected(host.name, lab.ssh_config("root")) as transport:
        last = await done(transport, ActionKind.START, "bad", hold=3.0)
        assert (last.result, last.undo) == (Result.FAILED, ()), last
        found = {service.ref.name: service for service in (await ask(transport, PM2_SURVEY)).services}
        assert found["bad"].state.value in ("failed", "flapping")


async def test_a_port_is_freed_from_an_app_that_pm2_would_start_again(lab: Lab, host: Host) -> None:
    pm2(host, "deploy", "start", pm2_zoo.written(host, (app("holder", "web.js", env={"PORT": "8082"}),)))
    host.wait("ss -Hltn 'sport = :8082' | grep -q .")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await seen(transport)
        intent = Intent(
            ActionKind.FREE_PORT, ServiceRef(host.name, "systemd", "wants.service"), Endpoint("tcp", "0.0.0.0", 8082)
        )
        wanted = plan(intent, where, managers=MANAGERS, settings=SETTINGS, plan_id=new_plan_id(), reason=None)
        assert wanted.steps[0].command.argv[-2:] == ("stop", "holder")
        last = await run(transport, wanted, root=True)
        assert last.result is Result.DONE, last
        assert named(await ask(transport, PM2_SURVEY))["holder"].state is State.STOPPED
    host.run(["systemctl", "stop", "wants.service"])
    pm2(host, "deploy", "delete", "holder")


def test_the_logs_of_an_app(host: Host, root: Way) -> None:
    service = named(root.ask(PM2_SURVEY))["loop"]
    command = PM2.log_command(service, lines=3, since=None, follow=False)
    lines = host.run(list(command.argv), user="nosudo").stdout.splitlines()
    assert "cannot go on" in lines
    follow = PM2.log_command(service, lines=1, since=None, follow=True)
    told = host.run(["timeout", "5", *follow.argv], check=False).stdout
    assert told.count("cannot go on") >= 2
    host.run(["chmod", "700", "/srv/.pm2"])
    try:
        refused = host.run(list(replace_tool(service)), user="nosudo", check=False)
        assert "nosudo may not read /srv/.pm2/logs/" in refused.stderr
        through = host.run(["runuser", "-u", "deploy", "--", *command.argv]).stdout
        assert "cannot go on" in through
    finally:
        host.run(["chmod", "755", "/srv/.pm2"])


@pytest.mark.parametrize(("user", "reads"), [("root", "[t]ail .*web-out"), ("oncall", "[p]m2 logs web")])
async def test_nothing_of_a_followed_log_stays_on_the_host(lab: Lab, host: Host, user: str, reads: str) -> None:
    """Of an app that says no more. Root reads as the app's user; others through pm2, and sudo passes on no signal."""
    host.write("/etc/sudoers.d/logs", "oncall ALL=(deploy) NOPASSWD: /usr/local/bin/pm2 logs *\n", mode=0o440)
    async with connected(host.name, lab.ssh_config(user)) as transport:
        service = named(await ask(transport, PM2_SURVEY))["web"]
        command = PM2.log_command(service, lines=3, since=None, follow=True)
        argv = command.argv
        if user != "root":  # as if the files were closed to this user
            argv = tuple(word.replace("/srv/", "/none/") if word.endswith(".log") else word for word in argv)
        channel = await transport.open(argv)
        told = b""
        while b"listening on" not in told:
            chunk = await channel.read()
            assert chunk, told
            told += chunk
        host.run(["pgrep", "-f", reads])
        await channel.close()
        await asyncio.to_thread(host.wait, f"! pgrep -f '{reads}'", 10)
    host.sh("rm /etc/sudoers.d/logs")


def replace_tool(service: Service) -> tuple[str, ...]:
    return PM2.log_command(replace(service, tool=()), lines=3, since=None, follow=False).argv


def test_who_may_not_ask_is_told_the_line(lab: Lab, host: Host) -> None:
    found = over_ssh(lab, host, "nosudo").ask(PM2_SURVEY)
    assert found.services == ()
    assert found.refused == (
        (
            "deploy",
            "nosudo may not ask the pm2 of deploy: "
            "sudoers needs: nosudo ALL=(deploy) NOPASSWD: /usr/local/bin/pm2 jlist",
        ),
    )
    assert over_ssh(lab, host, "nosudo").ask(PM2_SURVEY, "deploy") == Found()


async def test_rights_are_asked_as_the_daemons_user(lab: Lab, host: Host) -> None:
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        where = await seen(transport)
        assert where.identity is not None
        may = await rights(transport, await planned(transport, ActionKind.RESTART, "web"), where.identity)
        assert may.allowed
        may_not = await rights(transport, await planned(transport, ActionKind.RESTART, "bad"), where.identity)
        assert may_not.missing == ("oncall ALL=(deploy) NOPASSWD: /usr/local/bin/pm2 restart bad",)


async def test_the_line_for_a_number_is_named_and_with_it_the_plan_is_run(lab: Lab, host: Host) -> None:
    """pm2 takes the name for others too: sudo is asked for its number, which is used only while it is its own."""
    pm2(host, "deploy", "start", pm2_zoo.written(host, (app("a b", "sleeps.sh"),)))
    number = json.loads(pm2(host, "deploy", "jlist").splitlines()[-1])[-1]["pm_id"]
    line = f"oncall ALL=(deploy) NOPASSWD: /usr/local/bin/pm2 restart {number}"
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "a b")
        who = await ask(transport, identity.PROBE)
        may_not = await rights(transport, wanted, who)
        assert (may_not.allowed, may_not.missing) == (False, (line,))
        assert may_not.rights[0].command == f"sudo -n -u deploy -- pm2 restart {number}"
        last = await run(transport, wanted, root=False)
        assert last.result is Result.REFUSED, last
        assert last.reason == f"no right to run sudo -n -u deploy -- pm2 restart {number} without a password"
        host.write("/etc/sudoers.d/by-number", f"{line}\n", mode=0o440)
        before = named(await ask(transport, PM2_SURVEY))["a b"].pids
        wanted = await planned(transport, ActionKind.RESTART, "a b")
        assert (await rights(transport, wanted, who)).missing == ()
        last = await run(transport, wanted, root=False)
        assert last.result is Result.DONE, last
        assert named(await ask(transport, PM2_SURVEY))["a b"].pids != before
        stop = await planned(transport, ActionKind.STOP, "a b")
        assert (await rights(transport, stop, who)).missing == (line.replace("restart", "stop"),)
    host.sh("rm /etc/sudoers.d/by-number")
    pm2(host, "deploy", "delete", str(number))


async def test_hostile_names_are_names(lab: Lab, host: Host) -> None:
    apps = tuple(app(name, "sleeps.sh") for name in pm2_zoo.HOSTILE)
    pm2_zoo.furnish(host, "oncall", apps)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        found = {s.ref.name: s for s in (await ask(transport, PM2_SURVEY)).services if s.ref.scope == "user:oncall"}
        assert len(found) == len(pm2_zoo.HOSTILE)
        assert all("\x1b" not in name for name in found)
        for name in ("all", "$(touch /tmp/pwned)"):
            last = await done(transport, ActionKind.RESTART, name, "oncall")
            assert last.result is Result.DONE, last
        after = {s.ref.name: s for s in (await ask(transport, PM2_SURVEY)).services if s.ref.scope == "user:oncall"}
        changed = {name for name in found if found[name].pids != after[name].pids}
        assert changed == {"all", "$(touch /tmp/pwned)"}
    assert host.run(["test", "-e", "/tmp/pwned"], check=False).returncode == 1
    pm2(host, "oncall", "kill")


FORGED = r"""
HOME=/home/nosudo
mkdir -p ~/.pm2/pids
chmod 755 ~ ~/.pm2 ~/.pm2/pids
printf '[\n  {\n    "name": "x",\n    "namespace": "default"\n  }\n]\n' >~/.pm2/dump.pm2
forged='x\ndaemon\t1\troot\tdirect\ta\tb\n{"now":1,"tool":["sh","-c","id"]}\n{"id":0,"name":"a","status":"errored"}\nq'
name=$(printf "$forged")
setsid sleep 300 >/dev/null 2>&1 </dev/null &
echo $! >~/.pm2/pids/x-0.pid
echo $! >"$HOME/.pm2/pids/$name.pid"
echo $!
"""


@pytest.mark.parametrize("user", ["root", "oncall"])
def test_what_a_user_calls_a_file_is_no_app_of_another_user(lab: Lab, host: Host, user: str) -> None:
    pid = int(host.sh(FORGED, user="nosudo").split()[-1])
    try:
        found = over_ssh(lab, host, user).ask(PM2_SURVEY)
    finally:
        host.sh(f"kill {pid}; rm -r /home/nosudo/.pm2; chmod 700 /home/nosudo")
    assert 1 not in found.daemons
    assert {service.ref.scope for service in found.services} == {"user:deploy"}
    [left] = [dead for dead in found.dead if dead.user == "nosudo"]
    assert [(one.ref.name, one.pids) for one in left.services] == [("x", (pid,))]


@contextmanager
def frozen(host: Host, pid: int) -> Iterator[None]:
    host.run(["kill", "-STOP", str(pid)])
    try:
        yield
    finally:
        host.run(["kill", "-CONT", str(pid)])


def test_a_daemon_that_hangs_says_so(host: Host, root: Way) -> None:
    daemon = root.ask(PM2_SURVEY).services[0].daemon
    assert daemon is not None
    with frozen(host, daemon):
        [(user, reason)] = root.ask(PM2_SURVEY).refused
    assert user == "deploy"
    why = f"was stopped by a signal and does not answer: kill -CONT {daemon}"
    assert reason == f"the pm2 daemon of deploy (pid {daemon}) {why}"


def test_the_stamp_changes_when_an_app_ends_and_homes_may_be_closed(lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host, "nosudo")
    host.sh("chown deploy /srv && chmod 700 /srv")
    try:
        first = way.ask(PM2_PRESENCE)
        assert "/srv/.pm2" in first
        pm2(host, "deploy", "stop", "two")
        assert way.ask(PM2_PRESENCE) != first
        assert "sudoers needs" in way.ask(PM2_SURVEY).refused[0][1]
    finally:
        host.sh("chown root /srv && chmod 755 /srv")


def test_a_look_never_starts_a_daemon(lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host, "oncall")
    pm2(host, "oncall", "ls")
    assert any(line.endswith("/home/oncall/.pm2") for line in way.output(PM2_SURVEY).splitlines())
    # Killed: its pid file and its sockets stay.
    host.sh("kill -KILL $(cat /home/oncall/.pm2/pm2.pid)")
    host.wait("! pgrep -u oncall -f 'God Daemon'")
    # It crashed: that is told, and none of its lines is that of a live one.
    assert [line.split()[0] for line in way.ask(PM2_PRESENCE).splitlines() if "/home/oncall" in line] == ["dead"]
    assert not any(line.startswith("daemon") and "oncall/.pm2" in line for line in way.output(PM2_SURVEY).splitlines())
    assert host.run(["pgrep", "-u", "oncall", "-f", "God Daemon"], check=False).returncode == 1


NVM = """
mkdir -p /home/nosudo/.nvm/v18/bin /home/nosudo/.nvm/v18/lib
cp /usr/bin/node /home/nosudo/.nvm/v18/bin/node
cp -a /opt/pm2/node_modules /home/nosudo/.nvm/v18/lib/
ln -s ../lib/node_modules/pm2/bin/pm2 /home/nosudo/.nvm/v18/bin/pm2
chown -R nosudo: /home/nosudo
"""
ODD = "/home/nosudo/where/nobody/would/ever/look/for/it/not/even/by/night/.pm2"


async def test_a_daemon_of_nvm_whose_home_is_anywhere(lab: Lab, host: Host) -> None:
    host.sh(NVM)
    host.noisy_shell("nosudo", delay=0.1)
    start = f"PATH=$HOME/.nvm/v18/bin:$PATH PM2_HOME={ODD} pm2 start /srv/apps/sleeps.sh --name mine --interpreter sh"
    host.sh(f"cd; {start}", user="nosudo", timeout=60)
    tool = ("/home/nosudo/.nvm/v18/bin/node", "/home/nosudo/.nvm/v18/lib/node_modules/pm2/bin/pm2")
    async with connected(host.name, lab.ssh_config("nosudo")) as transport:
        [service] = [s for s in (await ask(transport, PM2_SURVEY)).services if s.ref.scope == "user:nosudo"]
        assert service.tool == ("env", f"PM2_HOME={ODD}", *tool)
        last = await done(transport, ActionKind.RESTART, f"mine@{ODD}", "nosudo")
        assert last.result is Result.DONE, last
    async with connected(host.name, lab.ssh_config("root")) as transport:
        last = await done(transport, ActionKind.STOP, f"mine@{ODD}", "nosudo")
        assert last.result is Result.DONE, last
    service = named(over_ssh(lab, host).ask(PM2_SURVEY))[f"mine@{ODD}"]
    assert (service.state, service.ref.scope) == (State.STOPPED, "user:nosudo")
    assert host.run(["pgrep", "-c", "-u", "nosudo", "-f", "God Daemon"]).stdout.strip() == "1"
    host.sh(f"cd; PATH=$HOME/.nvm/v18/bin:$PATH PM2_HOME={ODD} pm2 kill", user="nosudo", timeout=60)


def test_banners_before_the_list_are_no_part_of_it(host: Host) -> None:
    """What pm2 prints first when it is out of date, started anew, or asked to greet."""
    apps = '[{"name":"a [b]","pid":7,"pm2_env":{"pm_id":0,"status":"online","env":{"TOKEN":"x"}}}]'
    told = f"[PM2] Spawning PM2 daemon\\n>>>> In-memory PM2 is out-of-date [6]\\n[]x\\n{apps}\\n[PM2] done\\n"
    script = "printf '%b' \"$2\" | node -e \"$1\" -- - survey ''"
    for text in (told, apps, f"Welcome\n{apps}"):
        found = host.run(["sh", "-c", script, "sh", ASK_JS, text]).stdout
        assert '"name":"a [b]"' in found
        assert "TOKEN" not in found
    nothing = host.run(["sh", "-c", script, "sh", ASK_JS, "sudo: a password is required"], check=False)
    assert (nothing.returncode, nothing.stdout.strip()) == (7, "sudo: a password is required")
