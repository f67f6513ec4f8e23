"""Plans on real hosts, as root and as a user with narrow rights: what is done, proved, undone and refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from console.actions import plan
from console.core.command import Command
from console.core.finding import Severity
from console.core.plan import ActionKind, Intent, PlanProgress, Result, StepState
from console.core.service import Endpoint, State
from console.core.snapshot import Symptom
from console.findings import evaluate
from console.managers import MANAGERS
from console.remote.rights import rights
from console.remote.runner import new_plan_id
from console.remote.transport import Transport
from tests.lab import FreshHost, Lab, faults
from tests.lab.fleet import port_conflict
from tests.remote.real import QUICK, connected, look, named, planned, run, unit

MAY = tuple(
    f"/usr/bin/systemctl {verb} {name}.service"
    for verb in ("start", "stop", "restart", "reload", "reset-failed")
    for name in ("api", "legacy")
)
HUP = "/usr/bin/systemctl kill --signal=HUP --kill-who=main"


def script(body: str, extra: str = "") -> str:
    """A unit that runs a shell script."""
    return f"[Unit]\n{extra}\n[Service]\nUser=deploy\nExecStart=/bin/sh -c '{body}'\nRestartSec=200ms\n"


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_a_port_is_freed(lab: Lab, fresh_host: FreshHost, user: str) -> None:
    host = fresh_host(sudo=MAY)
    port_conflict(host)
    async with connected(host.name, lab.ssh_config(user)) as transport:
        wanted = await planned(transport, ActionKind.FREE_PORT, "api.service", port=8080, reason="incident 4711")
        assert [step.name for step in wanted.steps][:2] == [
            "stop legacy.service",
            "see tcp 8080 released by legacy.service",
        ]
        last = await run(transport, wanted, root=user == "root")
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert "tcp 8080 held by api.service" in last.proof
        after = await look(transport)
        assert named(after, "legacy.service").state.value == "stopped"
        assert named(after, "api.service").state.value == "running"
        assert last.undo == ()
    assert "incident%204711" in host.sh("journalctl -t hostdeck --no-pager -o cat")


GIVEN_BACK = [
    "undo of start api.service",
    "undo of stop legacy.service",
    "undo of see tcp 8080 released by legacy.service",
    "undo of clear the failure of api.service",
]


async def test_when_the_newcomer_fails_the_holder_runs_again(lab: Lab, fresh_host: FreshHost) -> None:
    """And what had failed before has failed again: who ran with the port, and who ended by itself."""
    host = fresh_host(sudo=MAY)
    port_conflict(host)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        ill = replace(QUICK, health="http://127.0.0.1:8080/fail", within=5.0)
        for settings, why in (
            (ill, "/fail answers 2xx failed: /fail 500: failed, as asked"),
            (QUICK, "flapping: api.service"),
        ):
            before = named(await look(transport), "legacy.service").pid
            wanted = await planned(transport, ActionKind.FREE_PORT, "api.service", port=8080, settings=settings)
            last = await run(transport, wanted, root=False)
            assert last.result is Result.UNDONE, last
            assert last.reason is not None
            assert last.reason.startswith(why) or "nothing listens on tcp 8080" in last.reason
            assert [step.name for step in last.undo] == GIVEN_BACK
            after = await look(transport)
            holder = named(after, "legacy.service")
            assert holder.state.value == "running"
            assert holder.pid != before
            assert any(endpoint.port == 8080 for endpoint in holder.ports)
            # Put down it would be inactive, and no finding.
            host.wait("systemctl is-failed api.service")
            assert named(await look(transport), "api.service").state is State.FAILED
            host.unit("api.service", script("sleep 1; exit 3"), start=False)


async def test_a_failed_start_of_a_loop_leaves_it_in_its_loop(lab: Lab, fresh_host: FreshHost) -> None:
    """systemd calls a unit inactive that is stopped while it waits for its next attempt."""
    host = fresh_host()
    looping = script("sleep 1; exit 3", "StartLimitIntervalSec=0")
    host.unit("api.service", f"{looping}Restart=always\nRestartSec=2\n")
    host.wait("systemctl show -p NRestarts api.service | grep -q '=[1-9]'")
    host.wait("systemctl show -p SubState api.service | grep -q auto-restart")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.START, "api.service")
        last = await run(transport, wanted, root=True)
        assert (last.result, last.undo) == (Result.FAILED, ()), last
        assert named(await look(transport), "api.service").state.value in ("flapping", "failed")


async def test_a_oneshot_is_done_when_it_ended_well(lab: Lab, fresh_host: FreshHost) -> None:
    """Kept in memory by a timer, forgotten at once, failing, and one whose conditions are not met."""
    host = fresh_host()
    once = "[Unit]\n{extra}\n[Service]\nType=oneshot\nExecStart=/bin/sh -c '{body}'\n[Install]\nWantedBy=x.target\n"
    all_of_them = ("kept", "loose", "bad", "off", "stays")
    for name in all_of_them:
        body = "exit 3" if name == "bad" else "sleep 0.3"
        text = once.format(body=body, extra="ConditionPathExists=/nowhere" if name == "off" else "")
        text = text.replace("oneshot", "oneshot\nRemainAfterExit=yes") if name == "stays" else text
        host.unit(f"{name}.service", text, start=False)
    for name in ("kept", "off"):
        host.unit(f"{name}.timer", "[Timer]\nOnCalendar=2040-01-01\n", start=False)
        host.sh(f"systemctl start {name}.timer")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await look(transport)
        kinds = {name: named(where, f"{name}.service").oneshot for name in all_of_them}
        assert kinds == {"kept": True, "loose": True, "bad": True, "off": True, "stays": False}
        for kind in (ActionKind.START, ActionKind.RESTART):
            told = {}
            for name in all_of_them:
                last = await run(transport, await planned(transport, kind, f"{name}.service"), root=True)
                assert last.undo == ()
                told[name] = (last.result, last.checks[-1].state, last.reason or last.proof[-1])
            assert told["kept"] == (Result.DONE, StepState.DONE, "a new run")
            assert told["loose"][:2] == (Result.DONE, StepState.SKIPPED)
            assert told["bad"][0] is Result.FAILED
            assert told["off"][0] is Result.FAILED
            assert "its conditions are not met" in told["off"][2]
            assert told["stays"][:2] == (Result.DONE, StepState.DONE)


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.START])
async def test_who_was_moved_to_another_port_is_not_stopped_for_it(
    lab: Lab, fresh_host: FreshHost, kind: ActionKind
) -> None:
    host = fresh_host()
    port_conflict(host)
    host.sh(
        "systemctl stop api; mkdir -p /etc/systemd/system/api.service.d; cd /etc/systemd/system/api.service.d;"
        "printf '[Service]\nEnvironment=PORT=8081\n' >z.conf; systemctl daemon-reload; systemctl reset-failed api"
    )
    if kind is ActionKind.RESTART:
        host.sh("systemctl start api; cd /etc/systemd/system/api.service.d; sed -i s/8081/8082/ z.conf")
        host.wait("ss -Hltn | grep 8081")
        host.sh("systemctl daemon-reload")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        where = await look(transport)
        ref = unit(host.name, "api.service")
        old = Symptom(ref, "EADDRINUSE", "address already in use", endpoint=Endpoint("tcp", "0.0.0.0", 8080))
        where = replace(where, symptoms=(old,) if kind is ActionKind.START else ())
        wanted = plan(Intent(kind, ref), where, managers=MANAGERS, settings=QUICK, plan_id=new_plan_id())
        last = await run(transport, wanted, root=True)
        assert (last.result, last.reason) == (Result.DONE, None), last
        told = "tcp 8082 (before: tcp 8081)" if kind is ActionKind.RESTART else "tcp 8081 (before: tcp 8080)"
        assert f"listens on {told}" in last.proof


async def test_a_service_that_listens_nowhere_any_more_is_not_well(lab: Lab, fresh_host: FreshHost) -> None:
    """Nothing declares its port, and its process stays up: only that it had one tells."""
    host = fresh_host()
    host.install_api("api", 8080)
    host.wait("ss -Hltn | grep 8080")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        well = await run(transport, await planned(transport, ActionKind.RESTART, "api.service"), root=True)
        assert (well.result, "listens on tcp 8080 as before" in well.proof) == (Result.DONE, True), well
        host.sh("printf 'import time\\ntime.sleep(9999)\\n' >/srv/api/api.py")
        last = await run(transport, await planned(transport, ActionKind.RESTART, "api.service"), root=True)
        assert last.result is Result.FAILED, last
        assert last.reason is not None
        assert "listens on nothing any more (before: tcp 8080)" in last.reason


async def test_a_holder_that_let_go_meanwhile_is_not_stopped(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    port_conflict(host)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.FREE_PORT, "api.service", port=8080)
        host.sh("systemctl stop legacy.service; systemctl reset-failed api.service; systemctl start api.service")
        last = await run(transport, wanted, root=True)
        assert last.result is Result.REFUSED
        assert last.reason is not None
        assert "legacy.service still holds tcp 8080 failed: tcp 8080 is held by api.service" in last.reason
        assert named(await look(transport), "api.service").state.value == "running"


async def test_a_restart_that_dies_soon_is_flapping(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 36."""
    host = fresh_host(sudo=MAY)
    host.unit("api.service", script("sleep 2; echo no ledger there; exit 1"))
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service", settings=replace(QUICK, hold=6.0))
        last = await run(transport, wanted, root=False)
        assert last.result is Result.FAILED
        assert last.reason is not None
        # Either look may be the first to see the end of the process.
        assert re.match(r"flapping: api\.service( is active for 6 s|: a new run, .*) held for ", last.reason)
        if "a new run" in last.reason:
            assert "its process ended, pid " in last.reason
        assert last.steps[0].state is StepState.DONE
        assert any("no ledger there" in line for line in last.kept), last.evidence


async def test_a_crash_between_two_looks_is_seen_by_its_new_run(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.unit("api.service", script("sleep 2; exit 1").replace("RestartSec=200ms", "RestartSec=1ms\nRestart=always"))
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service", settings=replace(QUICK, hold=8.0))
        last = await run(transport, wanted, root=True)
        assert last.result is Result.FAILED
        assert last.reason is not None
        assert "flapping" in last.reason


async def test_a_crash_before_the_first_look_is_no_success(lab: Lab, fresh_host: FreshHost) -> None:
    """It came up by its ``Restart=``, sooner than anybody could look."""
    host = fresh_host()
    once = script("rm /run/fail/it 2>/dev/null && exit 1; exec sleep 1000")
    host.sh("install -d -o deploy /run/fail")
    host.unit("api.service", once.replace("RestartSec=200ms", "RestartSec=1ms\nRestart=always"))
    host.sh("touch /run/fail/it")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service", settings=replace(QUICK, within=2.0))
        last = await run(transport, wanted, root=True)
    assert host.sh("systemctl show -p NRestarts --value api.service").strip() == "1"
    assert last.result is Result.FAILED, last
    assert "started once more by itself before it was first looked at" in (last.reason or "")


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.START])
async def test_what_systemd_counted_before_is_not_held_against_a_start(
    lab: Lab, fresh_host: FreshHost, kind: ActionKind
) -> None:
    """Of a unit that waits for its next attempt, or was stopped while it did, it goes on counting."""
    host = fresh_host()
    mended = script("[ -e /run/ok ] || exit 1; exec sleep 1000", "StartLimitIntervalSec=0")
    host.unit("api.service", mended.replace("RestartSec=200ms", "RestartSec=8\nRestart=always"))
    # Down, a unit to which nobody refers would be forgotten with its count.
    host.unit("refers.service", "[Unit]\nAfter=api.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    host.wait("systemctl show -p NRestarts api.service | grep -q '=[1-9]'")
    host.wait("systemctl show -p SubState api.service | grep -q auto-restart")
    if kind is ActionKind.START:
        host.sh("systemctl stop api.service")
    host.sh("touch /run/ok")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        last = await run(transport, await planned(transport, kind, "api.service"), root=True)
    assert (last.result, last.reason) == (Result.DONE, None), last
    assert host.sh("systemctl show -p NRestarts --value api.service").strip() != "0"


async def test_a_start_limit_is_cleared_and_told_before(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 35: five quick starts, and systemd leaves the unit down."""
    host = fresh_host(sudo=MAY)
    limit = "StartLimitBurst=5\nStartLimitIntervalSec=600"
    host.unit("api.service", script("sleep 1000", limit))
    host.sh("for i in 1 2 3 4 5; do systemctl restart api.service; done", check=False)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        found = named(await look(transport), "api.service")
        assert found.start_limit == (5, 600.0)
        assert found.state.value == "failed"
        wanted = await planned(transport, ActionKind.RESTART, "api.service")
        assert wanted.commands == ("systemctl reset-failed api.service", "systemctl restart api.service")
        assert (await run(transport, wanted, root=False)).result is Result.DONE
        warned = await planned(transport, ActionKind.RESTART, "api.service", settings=replace(QUICK, recent_starts=4))
        assert "the next is the last one" in warned.warnings[0]


async def test_sighup_only_to_a_process_that_handles_it(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 40."""
    host = fresh_host(sudo=[f"{HUP} {name}.service" for name in ("deaf", "ignores", "api")])
    host.unit("deaf.service", script("sleep 1000; true"))
    host.unit("ignores.service", script('trap "" HUP; sleep 1000; true'))
    host.install_api()
    text = host.read("/etc/systemd/system/api.service").replace("ExecReload=/bin/kill -HUP $MAINPID\n", "")
    host.unit("api.service", text)
    host.sh("systemctl restart api.service")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        for name, words in (("deaf", "does not handle SIGHUP: it would end it"), ("ignores", "ignores SIGHUP")):
            last = await run(transport, await planned(transport, ActionKind.RELOAD, f"{name}.service"), root=False)
            assert last.result is Result.REFUSED
            assert last.reason is not None
            assert words in last.reason
        pid = named(await look(transport), "api.service").pid
        wanted = await planned(transport, ActionKind.RELOAD, "api.service")
        assert wanted.commands == ("systemctl kill --signal=HUP --kill-who=main api.service",)
        last = await run(transport, wanted, root=False)
        assert (last.result, last.reason) == (Result.DONE, None)
        assert last.proof[1] == f"pid unchanged: {pid}"
    assert "log re-opened" in host.read("/var/log/api/api.log")


async def test_what_catches_sighup_only_by_its_runtime_is_left_alone(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 40: both are written in Go and catch it alike; one is ended by it, the other reloads."""
    host = fresh_host()
    host.write("/etc/prom.yml", "global:\n  scrape_interval: 1m\n")
    for name, port, words in (
        ("exporter", 9200, "prometheus-node-exporter"),
        ("prom", 9201, "prometheus --config.file=/etc/prom.yml --storage.tsdb.path=/run/prom"),
    ):
        start = f"ExecStart=/usr/bin/{words} --web.listen-address=127.0.0.1:{port}\n"
        host.unit(f"{name}.service", f"[Service]\nRestart=on-failure\n{start}")
        host.wait(f"curl -fs http://127.0.0.1:{port}/metrics >/dev/null")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        for name in ("exporter", "prom"):
            pid = named(await look(transport), f"{name}.service").pid
            last = await run(transport, await planned(transport, ActionKind.RELOAD, f"{name}.service"), root=True)
            assert last.result is Result.REFUSED
            assert "cannot be told, it may end by it" in (last.reason or "")
            assert named(await look(transport), f"{name}.service").pid == pid
        known = replace(QUICK, reloads_on_sighup=True)
        wanted = await planned(transport, ActionKind.RELOAD, "prom.service", settings=known)
        last = await run(transport, wanted, root=True)
        assert (last.result, last.reason) == (Result.DONE, None), last
        assert f"pid unchanged: {pid}" in last.proof
    assert "Completed loading of configuration file" in host.sh("journalctl -u prom.service --no-pager -o cat")


async def test_a_process_that_changed_since_the_look_gets_no_signal(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 39: the number in the plan is another process's by now."""
    host = fresh_host()
    host.unit("api.service", script('trap "echo hup" HUP; while :; do sleep 1; done'))
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RELOAD, "api.service")
        old = named(await look(transport), "api.service").pid
        assert old is not None
        host.sh("systemctl stop api.service")
        with faults.reused_pid(host, old):
            host.sh("systemctl start api.service")
            last = await run(transport, wanted, root=True)
        assert last.result is Result.REFUSED
        assert last.reason is not None
        assert f"not {old}" in last.reason


async def test_a_step_that_takes_too_long_is_told(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 37: SIGTERM is ignored; systemd's own patience is longer than ours here."""
    host = fresh_host(sudo=MAY)
    host.unit("api.service", script('trap "" TERM; while :; do sleep 1; done') + "TimeoutStopSec=9\n")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.STOP, "api.service")
        step = replace(wanted.steps[0], command=replace(wanted.steps[0].command, timeout=2.0), undo=None)
        last = await run(transport, replace(wanted, steps=(step,)), root=False)
        assert last.result is Result.FAILED
        assert last.reason is not None
        assert "stop api.service took longer than" in last.reason


async def test_health_is_a_proof(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=MAY)
    host.install_api()
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        good = replace(QUICK, health="http://127.0.0.1:8080/health")
        last = await run(
            transport, await planned(transport, ActionKind.RESTART, "api.service", settings=good), root=False
        )
        assert last.result is Result.DONE
        assert last.proof[-1] == "/health 200"
        bad = replace(QUICK, health="http://127.0.0.1:8080/fail", within=2.0)
        last = await run(
            transport, await planned(transport, ActionKind.RESTART, "api.service", settings=bad), root=False
        )
        assert last.result is Result.FAILED
        assert last.reason == "/fail answers 2xx failed: /fail 500: failed, as asked"
        told = replace(QUICK, health="tcp://127.0.0.1:8080", health_command=("test", "-s", "/etc/hostname"))
        wanted = await planned(transport, ActionKind.RESTART, "api.service", settings=told)
        last = await run(transport, wanted, root=False)
        both = ("tcp 8080 answers", "test -s /etc/hostname says that api.service is well")
        assert (last.result, last.proof[-2:]) == (Result.DONE, both)
        for settings, why in (
            (replace(QUICK, health="tcp://127.0.0.1:9", within=2.0), "tcp 9 answers failed: tcp 9 does not answer"),
            (
                replace(QUICK, health_command=("ls", "/nowhere"), within=2.0),
                "ls /nowhere says that",
            ),
        ):
            wanted = await planned(transport, ActionKind.RESTART, "api.service", settings=settings)
            last = await run(transport, wanted, root=False)
            assert (last.result, (last.reason or "").startswith(why)) == (Result.FAILED, True), last.reason


async def test_stop_start_daemon_reload_and_reset_failed(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    async with connected(host.name, lab.ssh_config("root")) as transport:
        for kind in (ActionKind.STOP, ActionKind.START):
            last = await run(transport, await planned(transport, kind, "api.service"), root=True)
            assert last.result is Result.DONE, last
        host.sh("touch /etc/systemd/system/api.service")
        assert named(await look(transport), "api.service").needs_reload
        last = await run(transport, await planned(transport, ActionKind.DAEMON_RELOAD, "api.service"), root=True)
        assert last.result is Result.DONE
        assert not named(await look(transport), "api.service").needs_reload
        host.unit("bad.service", script("exit 3"))
        host.wait("systemctl is-failed bad.service")
        last = await run(transport, await planned(transport, ActionKind.RESET_FAILED, "bad.service"), root=True)
        assert last.result is Result.DONE
        assert "bad.service" not in host.sh("systemctl --failed --no-pager --plain")


async def test_the_users_own_services_need_no_root(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=[])
    host.write("/home/oncall/.config/systemd/user/mine.service", script("sleep 1000").replace("User=deploy\n", ""),
               owner="oncall:oncall")  # fmt: skip
    host.sh("chown -R oncall: /home/oncall/.config")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        await transport.run(Command(("systemctl", "--user", "start", "mine.service")))
        wanted = await planned(transport, ActionKind.RESTART, "mine.service", scope="user:oncall")
        assert wanted.commands == ("systemctl --user restart mine.service",)
        last = await run(transport, wanted, root=False)
        assert (last.result, last.reason) == (Result.DONE, None)


async def test_unit_names_with_special_characters(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 29, with what systemd allows in a name."""
    host = fresh_host()
    names = ("a\\x2db.service", "at@x:y.service", "--help.service")
    for name in names:
        file = "at@.service" if "@" in name else name
        host.write(f"/etc/systemd/system/{file}", script("sleep 1000"))
    host.sh("systemctl daemon-reload")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        for name in names:
            host.run(["systemctl", "start", "--", name])
            last = await run(transport, await planned(transport, ActionKind.RESTART, name), root=True)
            assert (last.result, last.reason) == (Result.DONE, None)


async def test_dependants_are_named(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    host.unit("helper.service", script("sleep 1000", "PartOf=api.service"))
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service")
        assert any("helper.service" in word and "PartOf" in word for word in wanted.also_hit)


async def test_a_stop_that_systemd_ended_by_sigkill_says_so(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.unit("api.service", script('trap "" TERM; while :; do sleep 1; done') + "TimeoutStopSec=1\n")
    host.unit("well.service", script("sleep 1000"))
    async with connected(host.name, lab.ssh_config("root")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service")
        assert wanted.ends == ("api.service: SIGTERM, then SIGKILL after 1 s",)
        last = await run(transport, wanted, root=True)
        told = "api.service did not end in its time before (Result=timeout): systemd then sends SIGKILL"
        assert told in last.proof, last
        last = await run(transport, await planned(transport, ActionKind.RESTART, "well.service"), root=True)
        assert "well.service ended in its time before" in last.proof, last
        last = await run(transport, await planned(transport, ActionKind.STOP, "api.service"), root=True)
    assert last.result is Result.DONE, last
    assert "api.service is down, but did not end in its time (Result=timeout): systemd then sends SIGKILL" in last.proof


FORGED = "plan=forged begin kind=reset-failed&target=x%2Fsystemd%3Aapi.service&\nplan=forged end result=done\n"


async def test_a_restart_that_the_start_limit_forbids_is_not_begun(lab: Lab, fresh_host: FreshHost) -> None:
    """Whoever started it before, by hand or from another machine: only the host's journal tells of them."""
    host = fresh_host(sudo=MAY)
    host.unit("api.service", script("sleep 1000", "StartLimitBurst=5\nStartLimitIntervalSec=600"))
    host.unit("legacy.service", script("sleep 1000", "StartLimitBurst=2\nStartLimitIntervalSec=15"))
    host.sh("for i in 1 2 3 4; do systemctl restart api.service; done")
    async with connected(host.name, lab.ssh_config("root")) as transport:
        told, last = await _restarted(transport)
        assert told == (
            "systemd allows api.service 5 starts within 600 s, and this is the last of them: the next is refused and "
            "leaves it down",
        )
        assert last.result is Result.DONE, last
        pid = named(await look(transport), "api.service").pid
        [refuses], last = await _restarted(transport)
        assert (last.result, last.steps[-1].state) == (Result.REFUSED, StepState.SKIPPED), last
        for said in (refuses, last.reason or ""):
            assert re.search(r"refuses the next for 5\d\d s more, which would leave it down", said), said
        assert named(await look(transport), "api.service").pid == pid
        host.wait("journalctl -q -t hostdeck -o cat | grep -c result=refused")
        # What anybody else logs under the console's name clears nothing.
        host.write("/tmp/forged", FORGED)
        host.run(["logger", "-t", "hostdeck", "-f", "/tmp/forged"], user="nosudo")
        host.wait("journalctl -q -t hostdeck -o cat | grep -c plan=forged.end")
        assert (await _restarted(transport))[1].result is Result.REFUSED
        assert named(await look(transport), "api.service").pid == pid
        lifted = await planned(transport, ActionKind.RESET_FAILED, "api.service")
        assert f"hostdeck {lifted.kind.value} {lifted.target} lifts that" in refuses
        assert (await run(transport, lifted, root=True)).result is Result.DONE
        told, last = await _restarted(transport)
        assert (told, last.result) == ((), Result.DONE), last
        # systemd 252 counts anew after it has read all units again.
        host.sh("for i in 1 2 3; do systemctl restart api.service; done; sleep 1; systemctl daemon-reload")
        told, last = await _restarted(transport)
        assert (told, last.result) == ((), Result.DONE), last
    # A short one is waited out.
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        seconds = []
        for _ in range(3):
            last = await run(transport, await planned(transport, ActionKind.RESTART, "legacy.service"), root=False)
            assert last.result is Result.DONE, last
            seconds.append(last.preflight[0].seconds or 0.0)
        assert max(seconds[:2]) < 2.0 < seconds[2]


async def test_a_start_that_systemd_refuses_is_told_as_that(lab: Lab, fresh_host: FreshHost) -> None:
    """Where this login may not read how often the unit was started: it is warned, and the restart may take it down."""
    host = fresh_host(sudo=MAY)
    host.unit("api.service", script("sleep 1000", "StartLimitBurst=5\nStartLimitIntervalSec=600"))
    host.sh("for i in 1 2 3 4; do systemctl restart api.service; done; gpasswd -d oncall adm")
    host.sh("gpasswd -d oncall systemd-journal")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        wanted = await planned(transport, ActionKind.RESTART, "api.service")
        where = await look(transport)
        assert where.identity is not None
        told = (await rights(transport, wanted, where.identity)).undo_doubts
        assert told[0] == (
            "not told how much of the start limit of api.service is used up (5 starts within 600 s): "
            "may not read the system journal: join group systemd-journal or adm"
        )
        last = await run(transport, wanted, root=False)
        assert last.result is Result.FAILED, last
        assert "because start of the service was attempted too often" in (last.reason or ""), last.reason
        after = await look(transport)
        [finding] = [one for one in evaluate(after) if one.service == unit(host.name, "api.service")]
    told_now = "down: systemd refused to start it again, started too often (5 starts within 600 s)"
    assert (finding.code, finding.severity, finding.summary) == ("start-limit", Severity.CRITICAL, told_now)
    assert finding.evidence[0] == "api.service: failed/failed, started too often"
    assert finding.proposals[0].recommended


async def _restarted(transport: Transport) -> tuple[tuple[str, ...], PlanProgress]:
    """What its review says beforehand, and what becomes of it."""
    where = await look(transport)
    wanted = await planned(transport, ActionKind.RESTART, "api.service")
    assert where.identity is not None
    told = (await rights(transport, wanted, where.identity)).undo_doubts
    return told, await run(transport, wanted, root=True)
