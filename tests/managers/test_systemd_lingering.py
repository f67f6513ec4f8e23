"""The units of other users' service managers: what is believed of them, and when they are asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from console.core.freshness import of_service
from console.core.probe import ParseError
from console.core.service import ServiceRef, State
from console.managers.systemd import LINGERING_JOURNAL, SYSTEMD, USER_JOURNAL
from console.managers.systemd_lingering import LINGERING, LINGERING_UNITS, Lingering, parse_presence, parse_units
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer
from console.remote.systemd import SystemdWatch
from tests.probes.asking import HERE, RefusedError
from tests.probes.recorded import read

RECORDED = Path(__file__).parent / "recorded"
SHOWN = read(RECORDED / "user-show.txt").output
"""As that user asks; for root its first line has who and which of the processes are the user's."""
ONCALL = Lingering("oncall", 1001)
ASK = ("oncall", "1001")
BECOME = ("runuser", "-u", "oncall", "--", "env", "XDG_RUNTIME_DIR=/run/user/1001", "systemctl", "--user")


def test_units_of_another_user_are_acted_on_as_that_user() -> None:
    mine, fails = sorted(parse_units(f"of 1001 oncall 208\n{SHOWN}"), key=lambda one: one.ref.name != "mine.service")
    assert (mine.ref, mine.pids, mine.user) == (
        ServiceRef("", "systemd", "mine.service", "user:oncall"), (208,), "oncall"
    )  # fmt: skip
    assert fails.state is State.FAILED
    stop = SYSTEMD.stop(mine)
    assert (stop.argv, stop.elevate) == ((*BECOME, "stop", "mine.service"), False)
    assert SYSTEMD.is_stopped(mine).command.argv[:6] == BECOME[:6]
    words = SYSTEMD.log_command(mine, lines=5, since=None, follow=False).argv
    match = "_UID=1001 _SYSTEMD_USER_UNIT=mine.service + _UID=1001 USER_UNIT=mine.service"
    assert " ".join(words).endswith(match)
    assert SYSTEMD.plain_log(mine, lines=5).argv[-5:] == tuple(match.split())
    # The files of root's own manager say nothing of it.
    assert SYSTEMD.environment_words(mine) == ("process", "208")


def test_a_user_claims_no_process_and_no_control_group_of_another() -> None:
    forged = SHOWN.replace("/user.slice/user-1001.slice/user@1001.service/app.slice/", "/system.slice/")
    mine = next(one for one in parse_units(f"of 1001 oncall\n{forged}") if one.ref.name == "mine.service")
    assert (mine.pids, mine.cgroup) == ((), None)
    with pytest.raises(ParseError):
        parse_units(SHOWN)


def test_who_lingers() -> None:
    line = "1001 oncall 2026-11-27 19:02:03.123456789 +0000 /run/user/1001/systemd/units"
    assert parse_presence(line) == {ONCALL: line.removeprefix("1001 oncall ")}
    assert parse_presence("") == {}
    odd = line.replace("1001 oncall", "1003 ann@corp")
    assert parse_presence(f"{odd}\n{line}").keys() == {ONCALL, Lingering("ann@corp", 1003)}
    with pytest.raises(ParseError):
        parse_presence("x oncall now")


@pytest.mark.parametrize("name", ["ann@corp", "svc$", "a;b", "-x"])
def test_units_of_a_user_with_an_odd_name_are_refused_and_that_is_told(name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        HERE.ask(LINGERING_UNITS, name, "1003")
    assert str(refused.value).startswith(f"units of {name} (user 1003) are not shown")
    host = Watch()
    host.watch.take(Answer(LINGERING, {ONCALL: "first", Lingering(name, 1003): "first"}), ())
    host.tells()
    host.watch.take(Answer(LINGERING_UNITS, failure=str(refused.value)), (name, "1003"))
    assert host.names == UNITS
    assert host.failures == {f"systemd_user:{name}": str(refused.value)}


def test_that_who_lingers_is_not_told_is_told() -> None:
    host = Watch()
    host.there()
    host.tells()
    assert host.failures == {}
    host.watch.take(Answer(LINGERING, failure="no answer in 10 s", hangs=True), ())
    assert host.failures == {"systemd_lingering": "no answer in 10 s"}
    assert host.names == UNITS
    host.watch.take(Answer(LINGERING, same=True), ())
    assert host.failures == {}


def test_who_has_no_right_is_not_asked_for_again_on_this_connection() -> None:
    host = Watch()
    host.there()
    host.tells(Answer(LINGERING_UNITS, failure="connect as oncall or root", status=77))
    host.now += 100_000.0
    assert host.asks == []
    assert host.failures == {"systemd_user:oncall": "connect as oncall or root"}
    assert parse_units(f"of 1001 oncall sudo 208\n{SHOWN}")[0].tool[:3] == ("sudo", "-n", "-u")


def test_where_nobody_lingers_there_is_nothing_to_tell() -> None:
    assert isinstance(HERE.ask(LINGERING), dict)


class Watch:
    def __init__(self) -> None:
        self.now = 100.0
        self.builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
        self.watch = SystemdWatch(self.builder, lambda: self.now)

    def there(self, stamp: str | None = "first") -> None:
        self.watch.take(Answer(LINGERING, {} if stamp is None else {ONCALL: stamp}), ())

    def tells(self, answer: Answer | None = None) -> None:
        self.watch.take(answer or Answer(LINGERING_UNITS, parse_units(f"of 1001 oncall 208\n{SHOWN}")), ASK)

    @property
    def asks(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(ask.probe.name, ask.args) for ask in self.watch.changed()]

    @property
    def failures(self) -> dict[str, str]:
        return {each.name: each.failure for each in self.builder.snapshot.sources if each.failure is not None}

    @property
    def names(self) -> set[str]:
        return {str(one.ref) for one in self.builder.snapshot.services}


UNITS = {"web1/systemd@oncall:mine.service", "web1/systemd@oncall:mine-fails.service"}


def test_they_are_asked_for_when_something_changed_and_are_gone_with_their_manager() -> None:
    host = Watch()
    assert host.asks == []
    host.there()
    assert host.asks == [(LINGERING_UNITS.name, ASK)]
    host.tells()
    assert host.names == UNITS
    assert host.asks == []
    host.there("second")
    assert host.asks == [(LINGERING_UNITS.name, ASK)]
    host.tells()
    host.watch.touch(("mine.service",))
    assert host.asks == [(LINGERING_UNITS.name, ASK)]
    host.tells()
    host.now += 121.0
    assert len(host.asks) == 1
    host.there(None)
    assert (host.names, host.asks) == (set(), [])
    assert host.builder.snapshot.sources == ()


def test_a_manager_that_does_not_answer_makes_only_its_own_units_old() -> None:
    host = Watch()
    host.there()
    host.tells()
    host.there("second")
    host.tells(Answer(LINGERING_UNITS, failure="the service manager of oncall does not answer", hangs=True))
    [one, _] = host.builder.snapshot.services
    fresh = of_service(host.builder.snapshot, one)
    assert (fresh.at, fresh.why) == (100.0, "the service manager of oncall does not answer")
    assert host.asks == []
    host.now += 31.0
    assert len(host.asks) == 1
    # Another connection keeps what is known, and asks as soon as the manager is seen.
    host.watch = SystemdWatch(host.builder, lambda: host.now)
    assert host.asks == []
    host.there("third")
    assert len(host.asks) == 1
    assert host.names == UNITS


def test_the_log_of_a_failed_one_is_read_as_that_of_its_user() -> None:
    host = Watch()
    host.there()
    host.tells()
    [ask] = host.watch.logs()
    assert (ask.probe, ask.args) == (LINGERING_JOURNAL, ("1001", "mine-fails.service"))
    host.watch.take(Answer(LINGERING_JOURNAL, ()), ask.args)
    assert host.watch.logs() == []
    assert all(ask.probe is not USER_JOURNAL for ask in host.watch.logs())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("shell", [shell for shell in ("dash", "bash", "busybox sh") if shutil.which(shell.split()[0])])
def test_a_manager_that_prints_without_end_is_left_at_once(shell: str) -> None:
    floods = "timeout() { head -c 3000000 /dev/zero | tr '\\0' x; }\ngetent() { echo nobody:x:65534:65534::/:/bin/sh; }"
    script = f"{floods}\nf() {{\n{LINGERING_UNITS.script}\n}}\nf nobody 65534"
    done = subprocess.run([*shell.split(), "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the service manager of nobody does not tell its units (exit xxxxxxxxx)\n"
