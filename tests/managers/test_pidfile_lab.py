"""Processes with pid files on a real host: which are alive, stale or somebody else's, and what is done to them."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from dataclasses import replace

import pytest

from console.actions import RefusedError, plan, refusal
from console.core.pid_file import PidFile
from console.core.plan import ActionKind, Intent, Result
from console.core.service import State
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.managers.pidfile import PRESENCE_PROBE, SURVEY_PROBE
from console.remote.logs import follow, source
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec
from tests.lab import Host, Lab, faults
from tests.managers.pidfile_zoo import API, SOON, asked, by_hand, install, look, named, planned
from tests.probes.asking import SHELLS, over_ssh
from tests.remote.real import QUICK, connected, run
from tests.remote.watching import watching

SLEEP = ("/bin/sleep", "1000")
BY_HAND = """[supervisord]
pidfile=/tmp/supervisord.pid
logfile=/tmp/supervisord.log
[program:child]
command=sh -c 'echo $$ >/srv/odd/child.pid; exec sleep 1000'
"""
AS_DEPLOY = "oncall ALL=(deploy) NOPASSWD: ALL\n"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("pidfiles")
    install(made)
    made.write("/etc/sudoers.d/oncall", AS_DEPLOY, mode=0o440)
    made.sh("install -d -o deploy /srv/found /srv/odd /run/mine /srv/old; install -d -o oncall /opt/tool")
    return made


@pytest.mark.parametrize("user", ["root", "oncall", "nosudo"])
async def test_what_is_found_and_what_is_not(lab: Lab, host: Host, user: str) -> None:
    pid = by_hand(host, "/srv/found/found.pid", *SLEEP, log="/srv/found/out.log", cwd="/srv/found")
    by_hand(host, "/run/mine/late.pid", *SLEEP, age="2 hours ago")
    host.sh("systemctl start nginx; echo 4194000 >/srv/old/old.pid; echo x >/srv/old/x.pid; echo 1 >/srv/old/init.pid")
    # What a supervisord runs is its own, also where no unit says so.
    host.write("/etc/by-hand.conf", BY_HAND)
    host.sh("pidof -x supervisord >/dev/null || supervisord -c /etc/by-hand.conf; rm -f /srv/found/lost.pid")
    host.wait("test -s /srv/odd/child.pid")
    # The file of one user may not name the process of another: whoever wrote it would choose what root signals.
    host.sh("pidof nginx | tr ' ' '\\n' | sort -n | head -n 1 >/srv/odd/nginx.pid; chown deploy /srv/odd/nginx.pid")
    async with connected(host.name, lab.ssh_config(user)) as transport:
        where = await look(transport)
        assert {service.ref.name for service in where.services} == {"found"}
        found = named(where, "found")
        assert (found.state, found.native_state, found.pid, found.user) == (State.RUNNING, "alive", pid, "deploy")
        sees_links = user == "root"
        assert found.log_files == (("/srv/found/out.log",) if sees_links else ())
        assert found.description == "/bin/sleep 1000" + (" (in /srv/found)" if sees_links else "")
        assert found.since is not None
        assert abs(found.since - float(host.sh("stat -c %Y /srv/found/found.pid"))) < 3
        assert found.tasks == 1
        for kind in (ActionKind.START, ActionKind.RESTART):
            said = refusal(Intent(kind, found.ref), where, managers=MANAGERS)
            assert said is not None
            assert "how found is started is not known: declare its command" in said or kind is ActionKind.START


async def test_where_services_put_it_and_where_what_a_login_left_works(lab: Lab, host: Host) -> None:
    host.sh("install -d -o deploy /srv/app/run /usr/local/app /var/log/applog /home/deploy /home/deploy/api")
    for file in ("/srv/app/run/deep.pid", "/usr/local/app/local.pid", "/var/log/applog/logged.pid", "/tmp/thrown.pid"):
        by_hand(host, file, *SLEEP)
    left = "cd /home/deploy/api && { nohup sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >api.pid; }"
    login = over_ssh(lab, host).words
    subprocess.run([*login, f"runuser -u deploy -- sh -c {shlex.quote(left)}"], check=True, timeout=60)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await look(transport)
        paths = {one.detached.file.path for one in where.services if one.detached is not None}
    assert paths >= {
        "/srv/app/run/deep.pid", "/usr/local/app/local.pid", "/var/log/applog/logged.pid", "/tmp/thrown.pid",
        "/home/deploy/api/api.pid",
    }  # fmt: skip
    for path in paths:
        host.sh(f"kill $(cat {path}); rm {path}")


async def test_a_file_that_anybody_wrote_hides_no_service_and_takes_no_name(lab: Lab, host: Host) -> None:
    host.sh("install -d -o deploy /opt/api")
    for file in ("/opt/api/api.pid", "/tmp/late.pid"):
        by_hand(host, file, *SLEEP)
    host.sh("cat /tmp/late.pid >/tmp/early.pid; chown nosudo /tmp/early.pid")
    host.run(["sh", "-c", "nohup sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >/tmp/api.pid"], user="nosudo")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await look(transport)
        paths = {one.ref.name: one.detached.file.path for one in where.services if one.detached is not None}
    assert paths["api"] == "/opt/api/api.pid"
    assert "/tmp/late.pid" in paths.values()
    assert "/tmp/early.pid" not in paths.values()
    for path in ("/opt/api/api.pid", "/tmp/late.pid", "/tmp/api.pid"):
        host.sh(f"kill $(cat {path}); rm {path}")
    host.sh("rm /tmp/early.pid")


async def test_stale_and_wrong_as_they_are_declared(lab: Lab, host: Host) -> None:
    other = by_hand(host, "/srv/odd/wrong.pid", *SLEEP)
    late = by_hand(host, "/srv/odd/late.pid", *SLEEP, age="2 hours ago")
    mine = by_hand(host, "/srv/odd/same.pid", *SLEEP)
    host.sh("echo 4194001 >/srv/odd/stale.pid; echo no >/srv/odd/none.pid; install -m 600 /dev/null /root/closed.pid")
    declared = (
        PidFile("wrong", "/srv/odd/wrong.pid", ("/usr/bin/python3", "/opt/x.py")),
        PidFile("late", "/srv/odd/late.pid"),
        PidFile("same", "/srv/odd/same.pid", SLEEP),
        PidFile("stale", "/srv/odd/stale.pid"),
        PidFile("none", "/srv/odd/none.pid"),
        PidFile("missing", "/srv/odd/missing.pid"),
        PidFile("closed", "/root/closed.pid"),
        PidFile("nginx", "/srv/odd/nginx.pid"),
    )
    host.sh("systemctl start nginx; echo 1 >/srv/odd/nginx.pid; chown deploy /srv/odd/nginx.pid")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        where = await look(transport, *declared)
        told = {file.name: named(where, file.name) for file in declared}
        assert {name: (found.state.value, found.native_state) for name, found in told.items()} == {
            "wrong": ("failed", "wrong process: sleep"),
            "late": ("failed", "wrong process: sleep"),
            "same": ("running", "alive"),
            "stale": ("failed", "stale pid file"),
            "none": ("stopped", "no pid in its file"),
            "missing": ("stopped", "no pid file"),
            "closed": ("unknown", "pid file not readable"),
            "nginx": ("failed", "wrong process: systemd"),
        }
        assert told["wrong"].result == f"process {other} does not run /usr/bin/python3"
        assert re.fullmatch(f"process {late} began 7[12][0-9]{{2}} s after its pid file was written",
                            told["late"].result or "")  # fmt: skip
        assert told["same"].pid == mine
        assert all(found.pid is None for name, found in told.items() if name != "same")
        for name in ("wrong", "late", "nginx"):
            for kind in (ActionKind.STOP, ActionKind.RELOAD):
                assert refusal(Intent(kind, told[name].ref), where, managers=MANAGERS) is not None
    assert host.sh(f"kill -0 {other} {late} {mine} && echo there") == "there\n"


async def test_a_wrong_process_is_left_alone_by_a_start(lab: Lab, host: Host) -> None:
    other = by_hand(host, "/srv/odd/app.pid", *SLEEP, age="2 hours ago")
    app = PidFile("app", "/srv/odd/app.pid", ("/bin/sh", "-c", "sleep 900; true"), user="deploy")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        last = await run(transport, await planned(transport, ActionKind.START, app, name="app"), root=False)
        assert (last.result, last.reason) == (Result.DONE, None), last
        found = named(await look(transport, app), "app")
        assert found.state is State.RUNNING
        assert found.pid not in (None, other)
        assert host.sh(f"kill -0 {other} && echo there") == "there\n"
        last = await run(transport, await planned(transport, ActionKind.STOP, app, name="app"), root=False)
        assert (last.result, last.reason) == (Result.DONE, None), last
    assert host.run(["test", "-e", "/srv/odd/app.pid"], check=False).returncode == 1


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_started_restarted_reloaded_and_stopped(lab: Lab, host: Host, user: str) -> None:
    root = user == "root"
    settings = replace(SOON, health="http://127.0.0.1:8080/health")
    async with connected(host.name, lab.ssh_config(user)) as transport:
        last = await run(transport, await planned(transport, ActionKind.START, API, settings=settings), root=root)
        assert (last.result, last.reason) == (Result.DONE, None), last
        first = named(await look(transport, API), "api")
        assert (first.user, first.log_files) == ("deploy", ("/srv/api/api.log",))
        # The sockets of another user's processes are hidden from a user, and of no unit of their own.
        assert [str(port) for port in first.ports] == (["tcp/0.0.0.0:8080"] if root else [])
        # What root starts outlives the unit of the plan in a scope of its own.
        assert first.chain[0] == "systemd"
        assert re.match(r"run-.*\.scope|session-.*\.scope", first.chain[1]), first.chain
        last = await run(transport, await planned(transport, ActionKind.RESTART, API, settings=settings), root=root)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert any(line.startswith(f"pid {first.pid} -> ") for line in last.proof)
        assert "/health 200" in last.proof
        second = named(await look(transport, API), "api")
        last = await run(transport, await planned(transport, ActionKind.RELOAD, API), root=root)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert f"pid unchanged: {second.pid}" in last.proof
        wanted = await planned(transport, ActionKind.STOP, API)
        assert wanted.steps[0].undo is not None
        last = await run(transport, wanted, root=root)
        assert (last.result, last.reason) == (Result.DONE, None), last
        after = named(await look(transport, API), "api")
        assert (after.state, after.native_state) == (State.STOPPED, "no pid file")
    assert "log re-opened" in host.read("/srv/api/api.log")
    clean = host.sh(f"tr '\\0' '\\n' </proc/self/environ | grep -c HOSTDECK_PLAN || true; kill -0 {second.pid} || true")
    assert clean.startswith("0")


async def test_who_may_not_become_the_user_is_told_the_sudoers_line(lab: Lab, host: Host) -> None:
    from console.core.command import Command
    from console.probes import identity
    from console.remote.rights import rights
    from tests.remote.real import ask

    by_hand(host, "/srv/found/found.pid", *SLEEP)
    async with connected(host.name, lab.ssh_config("nosudo")) as transport:
        wanted = await planned(transport, ActionKind.STOP, name="found")
        assert wanted.steps[0].command.argv[:5] == ("sudo", "-n", "-u", "deploy", "--")
        assert wanted.steps[0].undo is None
        assert wanted.irreversible is not None
        may = await rights(transport, wanted, await ask(transport, identity.PROBE))
        assert not may.allowed
        assert "nosudo may not run" in (may.reason or "")
        assert (may.reason or "").endswith("; sudoers needs: nosudo ALL=(deploy) NOPASSWD: /usr/bin/sh")
        assert (await transport.run(Command(("true",)))).exit == 0


async def test_what_ignores_sigterm_is_told_and_not_killed(lab: Lab, host: Host) -> None:
    """Row 37."""
    file = PidFile("deaf", "/opt/tool/deaf.pid", ("/bin/sh", "/opt/tool/deaf.sh"), stop_timeout=1.0)
    host.write("/opt/tool/deaf.sh", 'trap "" TERM\nwhile :; do sleep 0.2; done\n', owner="oncall")
    pid = by_hand(host, file.path, *file.command, user="oncall")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        last = await run(transport, await planned(transport, ActionKind.STOP, file, name="deaf"), root=False)
        assert last.result is Result.UNDONE, last
        assert f"process {pid} ignores SIGTERM: it still runs 1 s after SIGTERM; it was not killed" in str(last)
        last = await run(transport, await planned(transport, ActionKind.RESTART, file, name="deaf"), root=False)
        assert last.result is Result.FAILED, last
        assert last.plan.ends == ("deaf: SIGTERM, and nothing more where it has not ended after 1 s",)
        assert last.offer is not None
        assert str(last.offer.target) == f"{host.name}/process:{pid}"
        assert last.offer.then == last.plan.target
        assert named(await look(transport, file), "deaf").pid == pid
    host.sh(f"kill -KILL {pid}")


async def test_what_ends_later_than_it_was_given_does_not_stay_down(lab: Lab, host: Host) -> None:
    file = PidFile("slow", "/opt/tool/slow.pid", ("/bin/sh", "/opt/tool/slow.sh"), stop_timeout=5.0)
    host.write("/opt/tool/slow.sh", 'trap "sleep 7; exit 0" TERM\nwhile :; do sleep 0.2; done\n', owner="oncall")
    pid = by_hand(host, file.path, *file.command, user="oncall")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        last = await run(transport, await planned(transport, ActionKind.STOP, file, name="slow"), root=False)
        assert last.result is Result.UNDONE, last
        assert f"process {pid} does not end: it still runs 5 s after SIGTERM; it was not killed" in str(last)
        again = named(await look(transport, file), "slow").pid
        assert again not in (None, pid), "what ran before is ended by now: it was started again"
        last = await run(transport, await planned(transport, ActionKind.RESTART, file, name="slow"), root=False)
        assert last.result is Result.DONE, last
        assert named(await look(transport, file), "slow").pid not in (None, pid, again)
    host.sh(f"kill -KILL $(cat {file.path})")


async def test_who_starts_it_again_is_named(lab: Lab, host: Host) -> None:
    """Row 38."""
    loop = "while :; do sleep 1000 & echo $! >/opt/tool/kept.pid; wait; sleep 0.3; done"
    host.write("/opt/tool/keeper", f"#!/bin/sh\n{loop}\n", mode=0o755)
    keeper = by_hand(host, "/opt/tool/x", "/opt/tool/keeper", user="oncall")
    host.wait("test -s /opt/tool/kept.pid")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        told = rf"kept was started again as process \d+, by keeper \(process {keeper}\)"
        # Once, on a busy machine, the failing look had no words.
        for _ in range(3):
            last = await run(transport, await planned(transport, ActionKind.STOP, name="kept"), root=False)
            assert last.result is Result.FAILED, last
            if re.search(told, str(last)):
                break
        assert re.search(told, str(last)), last
    host.sh(f"kill {keeper} $(cat /opt/tool/kept.pid)")


async def test_a_restart_that_dies_soon_is_flapping(lab: Lab, host: Host) -> None:
    """Row 36."""
    file = PidFile("weak", "/opt/tool/weak.pid", ("/bin/sh", "-c", "sleep 4; exit 3"), logs=("/opt/tool/weak.log",))
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.START, file, name="weak", settings=replace(QUICK, hold=6.0))
        last = await run(transport, wanted, root=False)
        assert last.result in (Result.FAILED, Result.UNDONE), last
        assert "flapping" in (last.reason or ""), last
        gone = replace(file, command=("/bin/sh", "-c", "echo no such table; exit 3"))
        last = await run(transport, await planned(transport, ActionKind.START, gone, name="weak"), root=False)
        assert "it ended at once with exit status 3: no such table" in str(last)
        absent = replace(file, command=("/opt/tool/absent",))
        last = await run(transport, await planned(transport, ActionKind.START, absent, name="weak"), root=False)
        assert "oncall cannot run /opt/tool/absent: it is not there" in str(last)


async def test_a_number_that_is_another_process_by_now_gets_no_signal(lab: Lab, host: Host) -> None:
    """Row 39."""
    pid = by_hand(host, "/srv/found/reused.pid", *SLEEP)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        before = await look(transport)
        wanted = {kind: await planned(transport, kind, name="reused") for kind in (ActionKind.STOP, ActionKind.RELOAD)}
        host.sh(f"kill -KILL {pid}")
        host.wait(f"! kill -0 {pid} 2>/dev/null")
        with faults.reused_pid(host, pid):
            for plan in wanted.values():
                last = await run(transport, plan, root=True)
                assert last.result in (Result.FAILED, Result.REFUSED), last
            assert host.sh(f"kill -0 {pid} && echo there") == "there\n"
            known = tuple(service for service in before.services if service.ref.name == "reused")
            found = named(await look(transport, known=known), "reused")
            assert (found.state, found.native_state) == (State.FAILED, "wrong process: sleep")
            with pytest.raises(RefusedError):
                await planned(transport, ActionKind.STOP, name="reused")


async def test_one_that_was_seen_to_run_is_missed_when_it_dies(lab: Lab, host: Host) -> None:
    pid = by_hand(host, "/srv/found/lost.pid", *SLEEP, log="/srv/found/lost.log")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        before = await look(transport)
        stamp = await asked(transport, PRESENCE_PROBE)
        host.sh(f"kill -KILL {pid}")
        host.wait(f"! kill -0 {pid} 2>/dev/null")
        assert await asked(transport, PRESENCE_PROBE) != stamp
        found = named(await look(transport, known=before.services), "lost")
        assert (found.state, found.native_state) == (State.FAILED, "stale pid file")
        assert found.log_files == ("/srv/found/lost.log",)
        assert "lost" not in {service.ref.name for service in (await look(transport)).services}
        host.sh("rm /srv/found/lost.pid")
        after = await look(transport, known=before.services)
        assert "lost" not in {service.ref.name for service in after.services}


async def test_one_whose_file_is_removed_while_it_runs_is_neither_stopped_nor_well(lab: Lab, host: Host) -> None:
    job = PidFile("bereft", "/srv/odd/bereft.pid", SLEEP)
    pids = [by_hand(host, path, *SLEEP) for path in (job.path, "/srv/found/alone.pid")]
    async with connected(host.name, lab.ssh_config("root")) as transport:
        before = await look(transport, job)
        host.sh(f"rm {job.path} /srv/found/alone.pid")
        where = await look(transport, job, known=before.services)
        for name, pid in zip(("bereft", "alone"), pids, strict=True):
            found = named(where, name)
            assert (found.state, found.native_state) == (State.UNKNOWN, f"pid file gone, process {pid} still runs")
            assert found.pid == pid
            assert "still runs" in (refusal(Intent(ActionKind.START, found.ref), where, managers=MANAGERS) or "")
            # So it stays for as long as it is seen.
            again = named(await look(transport, job, known=where.services), name)
            assert again.native_state == found.native_state
        intent = Intent(ActionKind.STOP, named(where, "bereft").ref)
        wanted = plan(intent, where, managers=MANAGERS, settings=SOON, plan_id=new_plan_id())
        assert (await run(transport, wanted, root=True)).result is Result.DONE
        host.sh(f"! kill -0 {pids[0]} 2>/dev/null; kill {pids[1]}")


async def test_a_console_that_watches_sees_them_come_and_go(lab: Lab, host: Host) -> None:
    job = PidFile("job", "/srv/odd/job.pid", SLEEP)
    config = str(lab.ssh_config("root"))
    where = HostSpec(host.name, host.name, ssh_config=config, connect_timeout=4.0, pid_files=(job,))
    first = by_hand(host, "/srv/found/seen.pid", *SLEEP)

    def states(snapshot: Snapshot) -> dict[str, str]:
        return {found.ref.name: found.native_state for found in snapshot.services if found.ref.manager == "pidfile"}

    async with watching(where) as watched:
        told = states(watched.fleet.snapshot(host.name))
        assert (told["job"], told["seen"]) == ("no pid file", "alive")
        second = by_hand(host, job.path, *SLEEP)
        await watched.until(host.name, lambda snapshot: states(snapshot).get("job") == "alive", 9)
        service = named(watched.fleet.snapshot(host.name), "job")
        assert (service.pid, service.log_files) == (second, ())
        host.sh(f"kill -KILL {first} {second}")
        await watched.until(host.name, lambda snapshot: states(snapshot).get("seen") == "stale pid file", 9)
        assert states(watched.fleet.snapshot(host.name))["job"] == "stale pid file"
        host.sh(f"rm /srv/found/seen.pid {job.path}")
        await watched.until(host.name, lambda snapshot: "seen" not in states(snapshot), 9)
        assert states(watched.fleet.snapshot(host.name))["job"] == "no pid file"


async def test_the_log_is_followed(lab: Lab, host: Host) -> None:
    by_hand(host, "/srv/found/talks.pid", "sh", "-c", "echo password=hunter2; sleep 1000; true", log="/srv/found/t.log")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        service = named(await look(transport), "talks")
        command, read_line = source(service, lines=10, since=None, follow=True)
        lines = follow(await transport.open(command.argv), read_line)
        first = await asyncio.wait_for(anext(lines), 5)
        assert (first.message, first.level) == ("password=********", "info")
        host.sh('echo \'{"level":"error","msg":"broken"}\' >>/srv/found/t.log')
        second = await asyncio.wait_for(anext(lines), 5)
        assert (second.message, second.level) == ("broken", "error")
        await lines.aclose()


async def test_hostile_names_are_words(lab: Lab, host: Host) -> None:
    """Row 29."""
    names = ("-$(touch x);touch x", "[x]* o'b \"c")
    for name in names:
        by_hand(host, f"/srv/odd/{name}.pid", *SLEEP, user="deploy")
    host.sh("printf '%s' 'a b\nc' >'/srv/odd/new\nline.pid'")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await look(transport)
        assert set(names) <= {service.ref.name for service in where.services}
        for name in names:
            last = await run(transport, await planned(transport, ActionKind.STOP, name=name), root=True)
            assert (last.result, last.reason) == (Result.DONE, None), last
    assert host.sh("ls /srv/odd /srv /root / | grep -cx x || true").strip() == "0"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gives_the_same_answer(lab: Lab, host: Host, shell: str) -> None:
    way = over_ssh(lab, host)
    assert way.output(PRESENCE_PROBE, API.path, shell=shell) == way.output(PRESENCE_PROBE, API.path)
    assert way.output(SURVEY_PROBE, ".", shell=shell) == way.output(SURVEY_PROBE, ".")
