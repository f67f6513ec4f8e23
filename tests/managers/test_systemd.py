"""systemd: what its words mean, and the commands that are given to it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from console.core.command import Command, Effect
from console.core.probe import ParseError
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers.systemd import SHOW, SYSTEMD, WATCH
from console.managers.systemd_journal import journal_line, parse_oom
from console.managers.systemd_show import parse_show
from console.managers.systemd_watch import TOUCHED

REF = ServiceRef("web1", "systemd", "api.service")
API = Service(REF, State.RUNNING, "active/running", pids=(812,), reload_command=True)
MINE = replace(API, ref=ServiceRef("web1", "systemd", "api.service", "user:oncall"))


def shown(*lines: str, up: str = "1000.00") -> tuple[Service, ...]:
    body = "\n".join(("Id=api.service", "LoadState=loaded", "UnitFileState=enabled", *lines))
    return parse_show(f"scope system\nup {up}\n{body}")


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (("ActiveState=active", "SubState=running", "NRestarts=0"), State.RUNNING),
        (("ActiveState=active", "SubState=exited"), State.RUNNING),
        (("ActiveState=reloading", "SubState=reload"), State.RUNNING),
        (("ActiveState=deactivating", "SubState=stop-sigterm"), State.RUNNING),
        (("ActiveState=deactivating", "SubState=stop-post", "Result=exit-code", "NRestarts=3"), State.FLAPPING),
        (("ActiveState=inactive", "SubState=dead", "Result=success"), State.STOPPED),
        (("ActiveState=failed", "SubState=failed", "Result=exit-code"), State.FAILED),
        (("ActiveState=failed", "SubState=failed", "Result=start-limit-hit"), State.FAILED),
        (("ActiveState=activating", "SubState=start", "Result=success", "NRestarts=0"), State.STARTING),
        (("ActiveState=activating", "SubState=start-pre", "Result=success", "NRestarts=3"), State.FLAPPING),
        (("ActiveState=activating", "SubState=auto-restart", "Result=exit-code", "NRestarts=0"), State.FLAPPING),
        (("ActiveState=activating", "SubState=auto-restart-queued", "Result=signal"), State.FLAPPING),
        (("ActiveState=activating", "SubState=auto-restart", "Result=success", "NRestarts=7"), State.STARTING),
        (("ActiveState=maintenance", "SubState=cleaning"), State.UNKNOWN),
    ],
)
def test_states(lines: tuple[str, ...], state: State) -> None:
    [service] = shown(*lines)
    assert service.state is state
    assert service.native_state == "/".join(line.partition("=")[2] for line in lines[:2])


@pytest.mark.parametrize(
    ("began", "restarts", "state"),
    [
        ("995000000", "1", State.FLAPPING),
        ("995000000", "0", State.RUNNING),
        ("1000100000", "1", State.FLAPPING),
        ("985000000", "1", State.RUNNING),
        ("1005000000", "1", State.RUNNING),
        ("[not set]", "1", State.RUNNING),
    ],
    ids=["5 s ago", "by hand", "while it was asked", "15 s ago", "another clock", "unknown"],
)
def test_one_that_its_manager_just_started_again_is_flapping(began: str, restarts: str, state: State) -> None:
    [service] = shown("ActiveState=active", f"ActiveEnterTimestampMonotonic={began}", f"NRestarts={restarts}")
    assert service.state is state


def test_a_run_that_lives_has_not_ended_well() -> None:
    lives = ("NRestarts=3", "MainPID=7", "ExecMainCode=0", "ExecMainStatus=0", "Result=success")
    [starting] = shown("ActiveState=activating", "SubState=start", *lives)
    [active] = shown("ActiveState=active", "ActiveEnterTimestampMonotonic=995000000", *lives)
    [between] = shown("ActiveState=activating", "SubState=auto-restart", "Result=success", "NRestarts=3")
    assert [each.result for each in (starting, active, between)] == [None, None, "success"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("SendSIGKILL=yes", "FinalKillSignal=9"), "SIGTERM, then SIGKILL after 90 s"),
        (("SendSIGKILL=yes", "TimeoutStopFailureMode=terminate"), "SIGTERM, then SIGKILL after 90 s"),
        (("SendSIGKILL=yes", "FinalKillSignal=3"), "SIGTERM, then SIGQUIT after 90 s"),
        (("SendSIGKILL=yes", "TimeoutStopFailureMode=abort"), "SIGTERM, then SIGABRT after 90 s"),
        (("SendSIGKILL=no",), "SIGTERM, and nothing more where it has not ended after 90 s"),
        ((), None),
    ],
)
def test_how_it_is_ended(lines: tuple[str, ...], words: str | None) -> None:
    [service] = shown("ActiveState=active", "TimeoutStopUSec=1min 30s", "KillSignal=15", *lines)
    assert (service.stop_way and service.stop_way.words) == words


def test_one_that_is_waited_for_without_limit_and_one_that_tells_no_time() -> None:
    kill = ("KillSignal=2", "SendSIGKILL=yes")
    for told, seconds in (
        ("TimeoutStartUSec=15min 30s", 930.0),
        ("TimeoutStartUSec=infinity", math.inf),
        ("TimeoutStartSec=900", 900.0),
        ("TimeoutSec=5min20s", 320.0),
        ("TimeoutStartSec=0", math.inf),
        ("TimeoutStartSec=soon", None),
        ("", None),
    ):
        assert shown("ActiveState=active", *filter(None, (told,)))[0].start_seconds == seconds
    [endless] = shown("ActiveState=active", "TimeoutStopUSec=infinity", *kill)
    [silent] = shown("ActiveState=active", *kill)
    assert endless.stop_way is not None
    assert endless.stop_way.words == "SIGINT, and waits for its end without limit"
    assert silent.stop_way is None


def test_what_is_not_set_is_unknown_and_not_zero() -> None:
    [service] = shown(
        "ActiveState=active", "MemoryCurrent=[not set]", "CPUUsageNSec=18446744073709551615", "TasksCurrent=",
        "MainPID=0", "ExecMainCode=0", "ExecMainStatus=0", "StateChangeTimestamp=", "StartLimitIntervalUSec=infinity",
    )  # fmt: skip
    assert (service.memory, service.cpu_seconds, service.tasks, service.pid) == (None, None, None, None)
    assert (service.exit_code, service.exit_signal, service.since, service.start_limit) == (None, None, None, None)


def test_what_ended_it() -> None:
    [exited] = shown("ActiveState=failed", "ExecMainCode=1", "ExecMainStatus=203")
    [killed] = shown("ActiveState=failed", "ExecMainCode=2", "ExecMainStatus=9")
    assert (exited.exit_code, exited.exit_signal) == (203, None)
    assert (killed.exit_code, killed.exit_signal) == (None, 9)


@pytest.mark.parametrize(
    ("lines", "once"),
    [
        (("Type=oneshot", "RemainAfterExit=no"), True),
        (("Type=oneshot",), True),
        (("Type=oneshot", "RemainAfterExit=yes"), False),
        (("Type=oneshot", "RemainAfterExit=true"), False),
        (("Type=simple", "RemainAfterExit=no"), False),
        ((), False),
    ],
)
def test_what_ends_by_itself(lines: tuple[str, ...], once: bool) -> None:
    """Names and values as systemd 252 prints them, or as a unit file has them that is not loaded."""
    (found,) = shown("Id=backup.service", "ActiveState=active", "SubState=running", *lines)
    assert found.oneshot is once


def test_what_a_socket_unit_listens_on() -> None:
    text = (
        "scope system\nup 1.0\nId=x.socket\nActiveState=active\nListen=[::]:80 (Stream)\n"
        "Listen=127.0.0.1:53 (Datagram)\nListen=/run/x.sock (Stream)\n"
        "Listen=[fe80::1%2]:81 (Stream)\nListen=@abstract (Stream)"
    )
    [service] = parse_show(text)
    assert service.wants == (
        Endpoint("tcp", "::", 80),
        Endpoint("udp", "127.0.0.1", 53),
        Endpoint("tcp", "fe80::1", 81),
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("LoadState=not-found", "ActiveState=inactive"),
        ("LoadState=masked", "ActiveState=inactive"),
        ("UnitFileState=static", "ActiveState=inactive", "FragmentPath=/usr/lib/systemd/system/api.service"),
    ],
)
def test_what_nobody_looks_for_is_left_out(lines: tuple[str, ...]) -> None:
    assert shown(*lines) == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("LoadState=not-found", "ActiveState=failed"),
        ("UnitFileState=static", "ActiveState=inactive", "Result=exit-code"),
        ("UnitFileState=static", "ActiveState=inactive", "FragmentPath=/etc/systemd/system/api.service"),
        ("LoadState=bad-setting", "ActiveState=inactive"),
    ],
)
def test_what_may_matter_is_kept(lines: tuple[str, ...]) -> None:
    assert len(shown(*lines)) == 1


@pytest.mark.parametrize("text", ["", "scope system", "scope system\nup 1\nId=a b", "scope system\nup 1\nX=1"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        SHOW.parse(text)


def test_changed_links_and_the_directory() -> None:
    text = (
        "'/run/systemd/units' 2026-11-20 17:00:00.1 +0000\n"
        "'/run/systemd/units/invocation:a\\x2db@1.service' -> '0123' 2026-11-20 17:00:00.1 +0000\n"
        "'/run/user/1001/systemd/units/invocation:mine.service' -> '4567' 2026-11-20 17:00:00.1 +0000"
    )
    assert WATCH.parse(text) == {
        TOUCHED: "2026-11-20 17:00:00.1 +0000",
        "a\\x2db@1.service": "0123",
        "user/mine.service": "4567",
    }
    # busybox and other versions of stat quote in their own ways.
    bare = "/run/systemd/units 2026-11-20 17:00:00\n‘/run/systemd/units/invocation:a\\\\x2db.service’ -> ‘01’ 2026"
    assert WATCH.parse(bare) == {TOUCHED: "2026-11-20 17:00:00", "a\\x2db.service": "01"}


def test_commands_are_what_a_sudoers_line_says() -> None:
    verbs = {"start": SYSTEMD.start, "stop": SYSTEMD.stop, "restart": SYSTEMD.restart}
    for verb, command in {**verbs, "reset-failed": SYSTEMD.reset_failed}.items():
        assert command(API).words(root=False) == ("sudo", "-n", "--", "systemctl", verb, "api.service")
        assert command(API).effect is Effect.CHANGE
        assert command(MINE).words(root=False) == ("systemctl", "--user", verb, "api.service")
    assert SYSTEMD.daemon_reload(API).words(root=True) == ("systemctl", "daemon-reload")


def test_reload_only_where_the_unit_has_one() -> None:
    command = SYSTEMD.reload(API)
    assert command is not None
    assert command.argv == ("systemctl", "reload", "api.service")
    assert SYSTEMD.reload(replace(API, reload_command=False)) is None


def test_a_name_that_looks_like_an_option_is_none() -> None:
    assert named("-.service").argv == ("systemctl", "restart", "--", "-.service")
    assert named("a\\x2db@x:y.service").argv[-1] == "a\\x2db@x:y.service"


@pytest.mark.parametrize("name", ["*", "a[bc].service", "a?.service", "a b.service", "a;touch x", "$(x)", "a\nb", ""])
def test_a_name_that_no_unit_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a unit"):
        named(name)


def named(name: str) -> Command:
    return SYSTEMD.restart(replace(API, ref=replace(REF, name=name)))


def test_the_log_is_asked_for_in_one_word_per_name() -> None:
    command = SYSTEMD.log_command(API, lines=100, since=1795193674.400001, follow=True)
    assert command.argv[-4:] == ("--since", "@1795193674.400001", "-f", "--unit=api.service")
    assert command.effect is Effect.READ
    own = SYSTEMD.log_command(MINE, lines=5, since=None, follow=False)
    assert own.argv[-1] == "--user-unit=api.service"


@pytest.mark.parametrize(
    ("line", "message", "level"),
    [
        ('{"MESSAGE":"plain","PRIORITY":"3"}', "plain", "error"),
        ('{"MESSAGE":[104,105,255],"PRIORITY":"6"}', "hi\ufffd", "info"),
        ('{"MESSAGE":["one",[27,91,50,74],"two"],"PRIORITY":"0"}', "one two", "critical"),
        ('{"MESSAGE":null,"PRIORITY":"7"}', "(message not printed by journalctl: too long or not text)", "debug"),
        ('{"PRIORITY":"9"}', "(message not printed by journalctl: too long or not text)", "info"),
        ('{"MESSAGE":"\\u001b]52;c;aGk=\\u0007a\\u009b2Jb","PRIORITY":"6"}', "ab", "info"),
        ('{"MESSAGE":"{\\"level\\":\\"warn\\",\\"msg\\":\\"slow\\"}","PRIORITY":"6"}', "slow", "warning"),
        ('{"MESSAGE":"[error] password=hunter2","PRIORITY":"6"}', "[error] password=********", "error"),
        ('{"MESSAGE":"error in the text","PRIORITY":"4"}', "error in the text", "warning"),
    ],
)
def test_lines_of_the_journal(line: str, message: str, level: str) -> None:
    found = journal_line(REF, line)
    assert found is not None
    assert (found.message, found.level, found.service, found.source) == (message, level, "api.service", "journal")


def test_numbers_come_as_strings() -> None:
    found = journal_line(REF, '{"MESSAGE":"x","_PID":"12","__REALTIME_TIMESTAMP":"1795195482479704","__CURSOR":"s=1"}')
    assert found is not None
    assert (found.at, found.pid, found.cursor) == (1795195482.479704, 12, "s=1")


@pytest.mark.parametrize("line", ["-- Boot 0123 --", "[]", "1", '{"a":' * 5000])
def test_what_is_no_entry_is_left_out(line: str) -> None:
    assert journal_line(REF, line) is None


def test_kills_for_lack_of_memory_from_the_journal() -> None:
    # What dmesg prints is recorded; the journal has the same text in its own form.
    [line] = parse_oom('{"MESSAGE":"Out of memory: Killed process 812 (api) total-vm:1kB","PRIORITY":"3"}')
    assert (line.service, line.source, line.level) == ("kernel", "journal", "error")


def test_what_units_run_may_be_told_apart_from_them() -> None:
    [api] = shown("ActiveState=active", "", "Runs=api.service", "ExecStart={ path=/usr/sbin/sshd ; argv[]=sshd -D ;")
    assert api.program == "sshd"
    [api] = shown("ActiveState=active", "", "Runs=other.service", "ExecStart={ path=/usr/sbin/sshd ; argv[]=sshd -D ;")
    assert api.program is None


def test_which_of_what_starts_a_unit_again_is_active() -> None:
    lines = ("ActiveState=active", "SubState=running", "TriggeredBy=api.timer api.socket", "UpheldBy=beta.service")
    [untold] = shown(*lines)
    assert untold.starters is None
    [told] = shown(*lines, "", "Awake= beta.service api.timer other.timer")
    assert told.starters == ("api.timer", "beta.service")
    [none] = shown(*lines, "", "Awake=")
    assert none.starters == ()
    [alone] = shown(*lines[:2])
    assert alone.starters == ()
    # No unit tells it of itself.
    [forged] = shown(*lines, "Awake=api.timer")
    assert forged.starters is None
