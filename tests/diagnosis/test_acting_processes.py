"""Processes that no manager owns, ended for real: what is proved, what is refused, and what comes back."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.core.plan import ActionKind, Intent, Result, StepState
from console.core.service import Endpoint, ServiceRef
from console.diagnosis import VerdictWord
from tests.lab import FreshHost, Host, Lab, faults
from tests.lab.cases import install
from tests.lab.host import ONCALL_COMMANDS, SERVICE

from .acting import Acted, act, kill
from .real import why

LISTENS = "import os, signal, socket, time\nserver = lambda: socket.create_server((str(), 8080))\n"
DEAF = LISTENS + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nheld = server()\ntime.sleep(9999)"
LETS_GO = LISTENS + (
    "held = server()\nsignal.signal(signal.SIGUSR1, lambda *_: held.close())\nwhile True: time.sleep(1)"
)
KEEPER = LISTENS + "while True:\n  if os.fork(): os.wait()\n  else: held = server(); time.sleep(9999)"
HELD = "ss -Hltn 'sport = :8080' | grep -q ."


@pytest.fixture(autouse=True)
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit trail of this test alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def holder_of(host: Host) -> str:
    """The process that listens on 8080."""
    return host.sh("ss -Hltnp 'sport = :8080'").split("pid=")[1].split(",")[0]


def in_a_session(lab: Lab, host: Host, user: str, command: str, seen: str = HELD) -> None:
    """Leave a command running in somebody's login session, as nohup does; then the API tries its port in vain."""
    host.write("/usr/local/lib/lab/hold.py", (SERVICE / "hold.py").read_text(encoding="utf-8"), mode=0o755)
    line = f"nohup {command} >/dev/null 2>&1 </dev/null & sleep 0.2"
    ssh = ["ssh", "-F", str(lab.ssh_config(user)), host.name, line]
    subprocess.run(ssh, check=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    host.wait(seen)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)


def proved(acted: Acted, host: Host) -> None:
    """Released, held by the service, both for a while; the failure cleared; the audit line written."""
    last = acted.last
    assert (last.result, last.reason) == (Result.DONE, None), last
    assert "tcp 8080 held by api.service" in last.proof
    assert "nobody else came to tcp 8080" in last.proof
    assert any(step.name.startswith("see tcp 8080 released by") for step in last.steps)
    assert sorted(host.sh("systemctl show -P ActiveState -P Result api.service").split()) == ["active", "success"]
    assert (acted.audit.result, acted.audit.kind) == ("done", "free-port")
    assert "begin user=" in host.sh("journalctl -t hostdeck --no-pager -o cat")


def test_an_orphan_is_ended_and_not_the_unit_that_left_it(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "15")
    acted = act(lab, host, "/api")
    assert acted.way.id == "signal"
    assert acted.way.label.startswith("end sleep (pid ")
    [ended] = [command for command in acted.plan.commands if command.startswith("kill ")]
    assert ended == f"kill -TERM {acted.verdict.holders[0].pid}"
    assert str(acted.plan.touches[0]) == f"{host.name}/process:{acted.verdict.holders[0].pid}"
    assert "nobody knows how sleep" in (acted.plan.irreversible or "")
    proved(acted, host)


def test_who_listens_and_who_is_connected_both_let_go(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "13both")
    acted = act(lab, host, "/api")
    assert [command for command in acted.plan.commands if "stop" in command] == [
        "systemctl stop client.service",
        "systemctl stop legacy.service",
    ]
    # How many processes it has the kernel of this host may not tell.
    assert all(" has KillMode=process: " in word for word in acted.plan.warnings)
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert "tcp 8080 held by api.service" in acted.last.proof


def test_who_listens_is_stopped_only_with_the_process_of_no_unit_that_is_connected(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    install(host, "13bare")
    acted = act(lab, host, "/api")
    client = acted.verdict.holders[1].pid
    changes = [command for command in acted.plan.commands if command.startswith(("systemctl stop", "kill"))]
    assert changes == ["systemctl stop legacy.service", f"kill -TERM {client}"]
    proved(acted, host)


def test_of_an_old_nginx_the_master_is_ended(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "20")
    acted = act(lab, host, "/nginx")
    master = int(host.sh("true; systemctl show -P MainPID nginx.service"))
    assert acted.last.result is Result.DONE, acted.last
    assert [step.name for step in acted.plan.steps if step.name.startswith("end ")] == [
        f"end nginx (pid {acted.verdict.holders[0].pid})"
    ]
    assert "tcp 80 held by nginx.service" in acted.last.proof
    assert host.sh("ss -Hltnp 'sport = :80' | grep -c nginx").strip() == "1"
    assert f"pid={master}," in host.sh("ss -Hltnp 'sport = :80'")


def test_what_somebody_left_running_in_his_session_is_ended_by_root_with_a_warning(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    in_a_session(lab, host, "nosudo", "python3 /usr/local/lib/lab/hold.py listen 0.0.0.0 8080")
    acted = act(lab, host, "/api")
    holder = acted.verdict.holders[0]
    assert (holder.user, holder.ref) == ("nosudo", None)
    assert holder.chain[:1] == ("systemd",)
    assert holder.chain[1].startswith("session-")
    assert any("of nosudo: somebody may be at it" in warning for warning in acted.plan.warnings)
    proved(acted, host)


def test_his_own_process_is_ended_by_its_owner_without_sudo(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=ONCALL_COMMANDS)
    in_a_session(lab, host, "oncall", "python3 /usr/local/lib/lab/hold.py listen 0.0.0.0 8080")
    acted = act(lab, host, "/api", "oncall")
    [end] = [step.command for step in acted.plan.steps if step.name.startswith("end ")]
    assert end.told(root=False) == f"kill -TERM {acted.verdict.holders[0].pid}"
    assert end.through_sudo(root=False) is None
    proved(acted, host)


SEES = "/usr/bin/ss -Hltunpe"


@pytest.mark.parametrize("name", ['a",pid={}', '",pid=1,fd=1),('])
def test_a_name_that_forges_a_number_misleads_no_plan(name: str, lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.run(["systemd-run", "--quiet", "--unit", "bystander", "sleep", "infinity"])
    other = host.sh("systemctl show -P MainPID bystander").strip()
    forged = name.format(other).encode().hex()
    code = f"import ctypes\nctypes.CDLL(None).prctl(15, bytes.fromhex({forged!r}), 0, 0, 0)\n{LISTENS}"
    in_a_session(lab, host, "oncall", f"python3 -c {shlex.quote(code + 'held = server(); time.sleep(9999)')}")
    acted = act(lab, host, "/api")
    [holder] = acted.verdict.holders
    assert holder.pid not in (None, 1, int(other))
    assert acted.way.id == "signal"
    proved(acted, host)
    assert host.sh("systemctl show -P MainPID bystander").strip() == other


def test_what_another_user_runs_is_seen_and_ended_through_two_sudoers_lines(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=[*ONCALL_COMMANDS, SEES, "/usr/bin/kill -TERM [0-9]*"])
    install(host, "15")
    acted = act(lab, host, "/api", "oncall")
    assert acted.verdict.holders[0].known_by == ("inode", "cgroup")
    [end] = [step.command for step in acted.plan.steps if step.name.startswith("end ")]
    assert end.told(root=False) == f"sudo -n -- kill -TERM {acted.verdict.holders[0].pid}"
    proved(acted, host)


def test_which_lines_are_missing_is_told_to_the_letter(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=[*ONCALL_COMMANDS, SEES])
    install(host, "15")
    [verdict] = why(lab, host, ["/api"], "oncall")
    line = f"oncall ALL=(root) NOPASSWD: /usr/bin/kill -TERM {verdict.holders[0].pid}"
    assert (verdict.actions[0].reason_off or "").endswith(f"sudoers needs: {line}")
    host.sudoers("oncall", ONCALL_COMMANDS)
    [verdict] = why(lab, host, ["/api"], "oncall")
    gap = next(gap for gap in verdict.not_checked if gap.what == "process of the holder")
    assert gap.why == f"needs root, or in sudoers: oncall ALL=(root) NOPASSWD: {SEES}"


def test_one_that_ignores_sigterm_is_killed_only_afterwards_and_by_a_plan_of_its_own(
    lab: Lab, fresh_host: FreshHost
) -> None:
    """Row 37."""
    host = fresh_host()
    in_a_session(lab, host, "nosudo", f"python3 -c {shlex.quote(DEAF)}")
    pid = holder_of(host)
    early = kill(lab, host, Intent(ActionKind.KILL, ServiceRef(host.name, "process", pid)))
    assert (early.result, early.steps[1].state) == (Result.REFUSED, StepState.SKIPPED)
    assert "was not asked to end yet: SIGTERM comes first" in (early.reason or "")
    acted = act(lab, host, "/api")
    assert acted.last.result is Result.FAILED, acted.last
    assert acted.last.reason is not None
    assert f"python3 (pid {pid}) ignores SIGTERM: it still runs 3 s after SIGTERM" in acted.last.reason
    assert not any(" -KILL " in command for command in acted.plan.commands)
    host.run(["kill", "-0", pid])
    [offer] = [step.otherwise for step in acted.plan.steps if step.otherwise is not None]
    assert (offer.kind, offer.target.name, offer.then) == (ActionKind.KILL, pid, acted.plan.target)
    last = kill(lab, host, offer)
    assert (last.result, last.reason) == (Result.DONE, None), last
    assert last.plan.confirm is not None
    assert f"kill -KILL {pid}" in last.plan.commands
    assert {"tcp 8080 held by api.service", "nobody else came to tcp 8080"} <= set(last.proof)
    assert host.sh("systemctl is-active api.service").strip() == "active"


def test_one_that_comes_back_by_itself_fails_the_plan_and_the_newcomer_is_stopped_again(
    lab: Lab, fresh_host: FreshHost
) -> None:
    """Row 38, with a keeper that nobody knows and that is quicker than the service."""
    host = fresh_host()
    in_a_session(lab, host, "nosudo", f"python3 -c {shlex.quote(KEEPER)}")
    before = holder_of(host)
    acted = act(lab, host, "/api")
    assert acted.last.result is Result.FAILED, acted.last
    assert f'tcp 8080 was taken again by process {holder_of(host)}, "python3"' in (acted.last.reason or "")
    assert host.sh("systemctl is-active api.service || true").strip() == "failed"
    assert holder_of(host) != before
    assert why(lab, host, [":8080"])[0].verdict is VerdictWord.HELD


def test_a_number_that_is_another_process_by_now_gets_no_signal(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 39."""
    host = fresh_host()
    install(host, "15")

    @contextmanager
    def reused(host: Host) -> Iterator[None]:
        pid = holder_of(host)
        host.sh(f"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.05; done")
        # The fault starts a program in the host's process numbers, and this one enters its network.
        argv = ("nsenter", "--net=/proc/1/ns/net", "python3", "/usr/local/lib/lab/hold.py", "listen", "0.0.0.0", "8080")
        with faults.reused_pid(host, int(pid), argv):
            host.wait(HELD)
            assert holder_of(host) == pid
            yield
            host.run(["kill", "-0", pid])

    acted = act(lab, host, "/api", meanwhile=reused)
    assert acted.last.result is Result.REFUSED, acted.last
    assert "is another one than before: nothing was signalled" in (acted.last.reason or "")


def test_a_process_that_let_go_meanwhile_gets_no_signal(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    in_a_session(lab, host, "nosudo", f"python3 -c {shlex.quote(LETS_GO)}")
    pid = holder_of(host)

    @contextmanager
    def let_go(host: Host) -> Iterator[None]:
        host.sh(f"kill -USR1 {pid}")
        host.wait(f"! {HELD}")
        yield

    acted = act(lab, host, "/api", meanwhile=let_go)
    assert acted.last.result is Result.REFUSED, acted.last
    assert "does not have tcp 8080 open any more: nothing was signalled" in (acted.last.reason or "")
    host.run(["kill", "-0", pid])


def test_the_way_to_the_host_is_never_signalled(lab: Lab, fresh_host: FreshHost) -> None:
    """sshd listens for a port that somebody forwards from afar: it is his session, and may be the console's own."""
    host = fresh_host()
    forward = [
        "ssh", "-F", str(lab.ssh_config("nosudo")), "-N", "-o", "ExitOnForwardFailure=yes",
        "-R", "127.0.0.1:8080:127.0.0.1:1", host.name,
    ]  # fmt: skip
    with subprocess.Popen(forward, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tunnel:
        try:
            host.wait(HELD)
            host.install_api()
            host.wait("systemctl is-failed --quiet api.service", timeout=30)
            [verdict] = why(lab, host, ["/api"])
            assert verdict.verdict is VerdictWord.HELD
            assert not any(action.intents for action in verdict.actions)
            assert any("nosudo's SSH session" in (action.reason_off or "") for action in verdict.actions)
            pid = verdict.holders[0].pid
            for kind in (ActionKind.STOP, ActionKind.KILL):
                intent = Intent(kind, ServiceRef(host.name, "process", str(pid)), Endpoint("tcp", "*", 8080))
                with pytest.raises(AssertionError, match="an SSH session of nosudo, which forwards: end that session"):
                    kill(lab, host, intent)
        finally:
            tunnel.terminate()


def test_the_session_of_the_console_itself_is_never_signalled(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    sshd = host.sh("pgrep -o sshd").strip()
    for pid, why_not in (("1", "is the system itself"), (sshd, "the way by which this console is here")):
        with pytest.raises(AssertionError, match=why_not):
            kill(lab, host, Intent(ActionKind.STOP, ServiceRef(host.name, "process", pid)))
