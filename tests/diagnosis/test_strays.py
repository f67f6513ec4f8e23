"""Holders that no manager lets go, in the verdict: whose they are and how they are ended."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.network import Listener
from console.core.pid_file import Detached, PidFile
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Identity
from console.diagnosis import Confidence, VerdictWord, as_text, diagnose
from console.diagnosis.evidence import Evidence
from console.diagnosis.holder_words import after_a_kill
from console.diagnosis.strays import LEFT
from tests.diagnosis.factories import HOST, failed, hidden, identity, listener, process, ref, snapshot, symptom, unit

SESSION: dict[str, Any] = {"unit": "session-3.scope", "cgroup": "/user.slice/user-1000.slice/session-3.scope"}


def look(*listeners: Listener, services: tuple[Service, ...] = (failed(),), **more: Any) -> Evidence:
    where = snapshot(services=services, listeners=listeners, symptoms=(symptom(),))
    base = Evidence(where, ref(), processes=(process(ppid=1, started=1),), sockets=())
    return replace(base, **more)


def test_a_process_that_no_manager_owns_is_ended_by_one_plan() -> None:
    verdict = diagnose(look(listener(**SESSION)))
    (holder,) = verdict.holders
    assert (holder.ref, holder.strays) == (None, (4112,))
    assert holder.chain == ("systemd", "session-3.scope", "python3")
    first = verdict.actions[0]
    assert (first.id, first.label, first.recommended) == (
        "signal",
        "end python3 (pid 4112), then start api.service",
        True,
    )
    assert [(one.kind.value, one.target.name) for one in first.intents] == [("free-port", "api.service")]
    assert "RESPAWN  none known: no manager owns it" in as_text(verdict)


def test_who_started_it_is_told_and_what_starts_it_again_keeps_it_from_being_ended() -> None:
    above = (process(ppid=33, started=1), process(33, name="runsv", ppid=30), process(30, name="runsvdir", ppid=1))
    verdict = diagnose(look(listener(**SESSION), processes=above))
    (holder,) = verdict.holders
    assert holder.chain == ("systemd", "session-3.scope", "runsvdir", "runsv", "python3")
    assert holder.respawn == "runsv (pid 33)"
    first = verdict.actions[0]
    assert first.intents == ()
    assert first.reason_off == "by hand: runsv (pid 33) runs python3 (pid 4112) and would start it again: act on that"
    assert not first.recommended


@pytest.mark.parametrize(
    ("name", "command", "told"),
    [
        ("loop.sh", "/bin/sh /srv/loop.sh", True),
        ("sh", "sh /srv/loop.sh", True),
        ("bash", "bash -c while :; do api; done", True),
        ("python3", "python3 /srv/keeper.py", True),
        ("bash", "-bash", False),
        ("zsh", "zsh -i", False),
        ("sshd", "sshd: ann@pts/0", False),
        ("tmux: server", "tmux new -s api", False),
        ("dash", None, False),
    ],
)
def test_a_parent_that_lives_may_start_it_again_but_not_the_prompt_of_a_login(
    name: str, command: str | None, told: bool
) -> None:
    above = (process(ppid=34, started=1), process(34, name="sudo", ppid=33), process(33, name=name, ppid=1))
    known = tuple(replace(one, command=command) if one.pid == 33 else one for one in above)
    verdict = diagnose(look(listener(**SESSION), processes=known))
    words = f"not known: {name} (pid 33) started it, lives, and may start it again"
    assert verdict.holders[0].parent == (f"{name} (pid 33)" if told else None)
    assert (f"RESPAWN  {words}" in as_text(verdict)) is told
    assert verdict.actions[0].recommended


def test_of_a_master_and_its_workers_the_master_is_named() -> None:
    nginx = listener(pids=(40, 42, 43), process="nginx", **SESSION)
    told = tuple(process(pid, name="nginx", ppid=ppid) for pid, ppid in ((43, 45), (42, 45), (40, 45), (45, 1)))
    verdict = diagnose(look(replace(nginx, pids=(40, 42, 43, 45)), processes=told))
    assert (verdict.holders[0].pid, verdict.holders[0].strays) == (45, (45,))
    assert verdict.actions[0].label == "end nginx (pid 45), then start api.service"


def test_what_a_unit_left_behind_is_ended_and_the_unit_named() -> None:
    legacy = unit("legacy.service", State.STOPPED, cgroup="/system.slice/legacy.service")
    child = listener(pids=(70,), process="sleep")
    verdict = diagnose(look(child, services=(failed(), legacy), processes=(process(70, name="sleep", ppid=1),)))
    (holder,) = verdict.holders
    assert (holder.name, holder.pid) == ("legacy.service", 70)
    assert holder.chain == ("systemd", "legacy.service", "sleep")
    assert verdict.actions[0].label == "end sleep (pid 70), then start api.service"
    assert "RESPAWN  none known: legacy.service left it behind" in as_text(verdict)


WAITS = unit(
    "supervisor.service", State.FLAPPING, native_state="activating/auto-restart", restart_policy="on-failure",
    cgroup="/system.slice/supervisor.service",
)  # fmt: skip
PROGRAM = replace(
    unit("legacy", State.UNKNOWN, chain=("systemd", "supervisor.service", "supervisord", "legacy"), enabled="enabled"),
    ref=ServiceRef("web1", "supervisord", "legacy"),
)
OF_SUPERVISOR: dict[str, Any] = {"unit": "supervisor.service", "cgroup": "/system.slice/supervisor.service"}


def test_a_unit_that_systemd_starts_again_is_told_with_what_that_starts() -> None:
    left = listener(pids=(70,), process="python3", **OF_SUPERVISOR)
    where = look(left, services=(failed(), WAITS, PROGRAM), processes=(process(70, name="python3", ppid=1),))
    verdict = diagnose(where)
    told = "systemd starts supervisor.service again (Restart=on-failure), and that legacy"
    assert (verdict.holders[0].strays, verdict.holders[0].again) == ((70,), told)
    assert f"RESPAWN  not by itself, but {told}"[:79] in "\n".join(as_text(verdict))
    assert verdict.actions[0].label == "end python3 (pid 70), then start api.service"
    # The same without another service that it runs: nothing of a unit runs that waits for its next start.
    verdict = diagnose(replace(where, snapshot=replace(where.snapshot, services=(failed(), WAITS))))
    assert verdict.holders[0].again == "systemd starts supervisor.service again (Restart=on-failure)"


def test_what_a_hidden_process_of_a_manager_is_tells_who_started_it() -> None:
    runs = replace(WAITS, state=State.RUNNING, native_state="active/running", pids=(73,))
    shown = hidden(listener(**OF_SUPERVISOR))
    manager, program = process(73, name="supervisord", ppid=1, user="root"), process(70, name="python3", ppid=73)
    where = look(shown, services=(failed(), runs), processes=None)
    where = replace(where, snapshot=replace(where.snapshot, identity=identity(1001)))
    for ppid, left in ((73, False), (None, False), (1, True)):
        verdict = diagnose(replace(where, members=(manager, replace(program, ppid=ppid))))
        assert (verdict.holders[0].note == LEFT) is left
        assert verdict.actions[0].id == ("signal" if left else "find-program")
        assert verdict.actions[0].recommended is not left
    waits = replace(where, snapshot=replace(where.snapshot, services=(failed(), WAITS)))
    verdict = diagnose(waits)
    assert verdict.holders[0].note == LEFT
    assert after_a_kill(verdict.holders[0]).startswith("not known: systemd starts supervisor.service again")


def test_a_service_and_a_process_beside_it_are_one_plan() -> None:
    loose = listener("::1", pids=(99,), process="nc", inode=2, **SESSION)
    told = (process(ppid=1), process(99, name="nc", ppid=1))
    where = look(listener("127.0.0.1"), loose, processes=told)
    verdict = diagnose(replace(where, symptom=symptom(address="*")))
    first = verdict.actions[0]
    assert (first.id, first.label) == ("stop-holder", "stop legacy.service, end nc (pid 99), then start api.service")
    assert [(one.kind.value, one.target.name) for one in first.intents] == [("free-port", "api.service")]


def test_asked_for_a_port_that_nobody_wants_it_is_offered_and_not_recommended() -> None:
    where = look(listener(**SESSION), services=())
    where = replace(where, snapshot=replace(where.snapshot, symptoms=()), target=symptom().endpoint or ref())
    verdict = diagnose(where)
    first = verdict.actions[0]
    # Nobody's address clashes with it.
    assert verdict.clash is None
    assert (first.label, first.recommended) == ("end python3 (pid 4112)", False)
    assert [str(one.target) for one in first.intents] == [f"{HOST}/process:4112"]


def test_a_hidden_process_is_none_that_could_be_ended() -> None:
    hidden = listener(pids=(), process=None, **SESSION)
    own = Identity(HOST, "Debian", "6.1", "oncall", 1001)
    where = look(hidden, processes=None)
    verdict = diagnose(replace(where, snapshot=replace(where.snapshot, identity=own)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.MEDIUM)
    assert [one.id for one in verdict.actions] == ["end-session", "move"]


def test_the_unit_of_another_users_manager_is_stopped_by_root_through_that_manager() -> None:
    theirs = listener(cgroup="/user.slice/user-990.slice/user@990.service/app.slice/old.service", unit="old.service")
    verdict = diagnose(look(theirs))
    (holder,) = verdict.holders
    assert (str(holder.ref), holder.strays) == (f"{HOST}/systemd@deploy:old.service", ())
    assert holder.chain == ("systemd", "user@990.service", "old.service")
    assert verdict.actions[0].label == "stop old.service, then start api.service"
    assert "restart policy of old.service" in [gap.what for gap in verdict.not_checked]


def test_the_way_in_is_told_and_not_stopped() -> None:
    sshd = listener(pids=(35,), process="sshd", unit="ssh.service", cgroup="/system.slice/ssh.service")
    verdict = diagnose(
        look(sshd, services=(failed(), unit("ssh.service", pids=(35,))), processes=(process(35, name="sshd"),))
    )
    first = verdict.actions[0]
    assert (first.intents, first.reason_off) == ((), "by hand: it is the way to this host")


def test_what_a_pid_file_named_that_is_gone_is_never_ended() -> None:
    command = ("/usr/bin/env", "PORT=8080", "/usr/bin/python3", "/srv/bot.py")
    wanted = ServiceRef(HOST, "pidfile", "bot")
    bot = Service(
        wanted, State.STOPPED, "no pid file", wants=(Endpoint("tcp", "0.0.0.0", 8080),),
        detached=Detached(PidFile("bot", "/srv/bot.pid", command)),
    )  # fmt: skip
    told = (process(ppid=1, started=1, command="/usr/bin/python3 /srv/bot.py"),)
    for target in (wanted, Endpoint("tcp", "*", 8080)):
        where = snapshot(services=(bot,), listeners=(listener(**SESSION),))
        verdict = diagnose(Evidence(where, target, processes=told, sockets=()))
        first = verdict.actions[0]
        assert (first.intents, first.recommended) == ((), False)
        assert "may be bot: write 4112 to /srv/bot.pid" in (first.reason_off or "")
