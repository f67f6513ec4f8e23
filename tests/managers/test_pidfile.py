"""Pid files: what the answers mean, what is said against a process, and the commands."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from console.actions import ActionSettings, RefusedError, plan, refusal
from console.core.command import Effect
from console.core.pid_file import Detached, PidFile
from console.core.plan import OUTLIVED, ActionKind, Intent, Plan
from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers import MANAGERS
from console.managers import pidfile_actions as scripts
from console.managers.pidfile import PIDFILE, SURVEY_PROBE
from tests.patience import SHARED

HEAD = "me 1001 oncall\ntool sudo\ntool systemd-run\nsystemd\nboot 1000000"
DEPLOY = "owner 990 deploy"
FILE = PidFile("api", "/srv/api/api.pid", ("/srv/api/bin/api", "--port", "8080"), "/srv/api", "deploy")


def block(path: str, *lines: str, file: PidFile | None = None) -> str:
    told = "found" if file is None else "told " + json.dumps(asdict(file))
    return "\n".join((f"file {path}", told, *lines))


def running(
    argv: str, *, name: str = "api", uid: int = 990, late: int = 0, cwd: str = "/", exe: str = "", alone: bool = True
) -> tuple[str, ...]:
    """A process that began at 1000100; its file was written then, or that many seconds before."""
    found = (f"written {uid} {1000100 - late}", f"process 812 10000 {name}", *(("alone",) if alone else ()), DEPLOY,
             f"command {argv}\t", f"cwd {cwd}")  # fmt: skip
    return (*found, f"exe {exe}") if exe else found


def parsed(*blocks: str, head: str = HEAD) -> tuple[Service, ...]:
    return SURVEY_PROBE.parse("\n".join((head, *blocks)))


def one(*lines: str, file: PidFile = FILE) -> Service:
    [service] = parsed(block(file.path, *lines, file=file))
    return service


def snapshot(service: Service) -> Snapshot:
    there = replace(service, ref=replace(service.ref, host="web1"))
    return Snapshot("web1", Link(LinkState.UP, 0.0), services=(there,))


def planned(service: Service, kind: ActionKind) -> Plan:
    intent = Intent(kind, replace(service.ref, host="web1"))
    return plan(intent, snapshot(service), managers=MANAGERS, settings=ActionSettings(), plan_id="plan-0001")


def why_not(service: Service, kind: ActionKind) -> str | None:
    return refusal(Intent(kind, replace(service.ref, host="web1")), snapshot(service), managers=MANAGERS)


@pytest.mark.parametrize(
    ("command", "argv", "words"),
    [
        (("/srv/api/bin/api", "-p", "1"), "/srv/api/bin/api\t-p\t1", {}),
        (("/srv/run.sh", "x"), "/bin/sh\t/srv/run.sh\tx", {}),
        (("env", "A=b", "python3", "/srv/app.py"), "/usr/bin/python3\t/srv/app.py", {}),
        (("sh", "-c", "cd /x; exec node ."), "node\t.", {}),
        (("/usr/sbin/nginx",), "nginx: master process /usr/sbin/nginx", {"name": "nginx"}),
        (("/srv/api/bin/start.sh",), "java\t-jar\t/srv/api/lib/api.jar", {"cwd": "/srv/api/bin"}),
        (("/opt/tool/averyveryverylongname",), "renamed", {"name": "averyveryverylo"}),
        (("worker",), "[x]", {"exe": "/opt/w/worker"}),
    ],
)
def test_what_a_command_may_have_started(command: tuple[str, ...], argv: str, words: dict[str, str]) -> None:
    service = one(*running(argv, **words), file=replace(FILE, command=command))  # type: ignore[arg-type]
    assert (service.state, service.native_state) == (State.RUNNING, "alive")


def test_what_it_cannot_have_started_is_a_wrong_process() -> None:
    service = one(*running("/usr/bin/redis-server\t*:6379", name="redis-server"), file=replace(FILE, directory="/"))
    assert (service.state, service.native_state, service.pids) == (State.FAILED, "wrong process: redis-server", ())
    assert service.result == "process 812 does not run /srv/api/bin/api"


def test_a_process_that_began_after_its_file_is_another_one() -> None:
    for argv in ("/srv/api/bin/api\t--port\t8080", "/srv/api/bin/api\t--port\t9"):
        assert one(*running(argv, late=3600)).result == "process 812 began 3600 s after its pid file was written"
        assert one(*running(argv, late=2)).native_state == "alive"
    assert parsed(block("/run/x.pid", *running("x", late=60))) == ()


def bereft(*, run: tuple[int, int, int] | None, declared: bool = True) -> tuple[Service, ...]:
    """As a host told of a file that was removed under its process."""
    file = PidFile("x", "/srv/x/x.pid", ("/bin/sleep", "1000"), run=run, declared=declared)
    lines = ("missing", "process 25913 161881 sleep", "alone", "group /", "owner 0 root",
             "command /bin/sleep\t1000\t", "cwd /srv", "exe /usr/bin/sleep", "out /dev/null")  # fmt: skip
    return parsed(block(file.path, *lines, file=file))


@pytest.mark.parametrize("declared", [True, False])
def test_one_whose_file_is_removed_while_it_runs_is_neither_stopped_nor_well(declared: bool) -> None:
    [found] = bereft(run=(25913, 161881, 1000000), declared=declared)
    assert (found.state, found.native_state) == (State.UNKNOWN, "pid file gone, process 25913 still runs")
    assert (found.pids, found.result) == ((25913,), None)
    assert found.detached is not None
    assert found.detached.file.run == (25913, 161881, 1000000)
    assert "process 25913 of x still runs" in (why_not(found, ActionKind.START) or "")
    assert planned(found, ActionKind.STOP).steps[0].command.argv[-5:] == ("x", "25913", "161881", "TERM", "10")


def test_another_process_of_that_number_is_not_it() -> None:
    [found] = bereft(run=(25913, 161880, 1000000))
    assert (found.state, found.native_state) == (State.STOPPED, "no pid file")
    assert bereft(run=(25913, 161880, 1000000), declared=False) == ()


def test_who_has_the_program_as_an_argument_is_not_it() -> None:
    """Its number was given away before the file was written, so that the times say nothing."""
    file = replace(FILE, command=("/srv/api/run.sh",), directory="/", run=(812, 9990, 1000100))
    for pager in ("less", "/usr/bin/vim"):
        service = one(*running(f"{pager}\t/srv/api/run.sh", name="less"), file=file)
        assert service.result == "process 812 is another one than before"
        late = one(*running(f"{pager}\t/srv/api/run.sh", name="less", late=60), file=replace(file, run=None))
        assert late.result == "process 812 began 60 s after its pid file was written"
    for interpreter in ("/bin/sh", "python3.12"):
        assert one(*running(f"{interpreter}\t/srv/api/run.sh"), file=file).native_state == "alive"


def test_a_number_that_was_given_away_within_a_second_is_known_by_its_start() -> None:
    seen = replace(FILE, command=(), declared=False, run=(812, 9990, 1000100))
    assert one(*running("x"), file=seen).result == "process 812 is another one than before"
    assert one(*running("x"), file=replace(seen, run=(812, 9990, 1000000))).native_state == "alive"


def test_the_file_of_another_user_is_not_believed() -> None:
    assert one(*running("/srv/api/bin/api", uid=33)).result == (
        "its pid file is of another user (uid 33) than process 812 (deploy)"
    )
    assert one(*running("/srv/api/bin/api", uid=0)).native_state == "alive"
    forged = block("/srv/x/x.pid", *running("x", uid=33))
    assert parsed(forged) == ()
    [service] = parsed(forged, block("/srv/api/api.pid", *running("x")))
    assert service.ref.name == "api"


def test_each_process_and_each_file_once() -> None:
    blocks = (
        block("/srv/api/api.pid", *running("/srv/api/bin/api"), file=FILE),
        block("/run/other.pid", *running("/srv/api/bin/api")),
        block("/var/run/y.pid", *(line.replace("812", "813") for line in running("y"))),
        block("/run/y.pid", *(line.replace("812", "814") for line in running("y"))),
        block("/opt/b/y.pid", *(line.replace("812", "815") for line in running("y"))),
        block("/opt/c/unit.pid", *(line.replace("812", "816") for line in running("y", alone=False))),
    )
    assert [service.ref.name for service in parsed(*blocks)] == ["api", "y", "/opt/b/y.pid"]


def test_one_odd_entry_does_not_hide_the_others() -> None:
    odd = "file /run/odd.pid\ntold {broken\nmissing"
    assert [service.ref.name for service in parsed(odd, block(FILE.path, "missing", file=FILE))] == ["api"]
    for text in ("", "me 0", "me x y\nboot 1", "me 0 root\nboot x"):
        with pytest.raises(ParseError):
            SURVEY_PROBE.parse(text)


def test_secrets_of_the_command_line_are_masked() -> None:
    [service] = parsed(block("/run/x.pid", *running("x\t--password\thunter2\t--token=abc", cwd="/srv")))
    assert service.description == "x --password ******** --token=******** (in /srv)"
    assert "hunter2" not in str(service)


def test_logs_are_those_declared_and_then_those_it_writes() -> None:
    out = ("out /srv/api/out.log", "out /dev/null", "out pipe:[1]", "out /srv/x.log (deleted)", "out /srv/api/out.log")
    [service] = parsed(block("/run/x.pid", *running("x"), *out))
    assert service.log_files == ("/srv/api/out.log",)
    declared = one(*running("/srv/api/bin/api"), *out, file=replace(FILE, logs=("/var/log/api.log",)))
    assert declared.log_files == ("/var/log/api.log", "/srv/api/out.log")


def test_what_was_seen_is_asked_for_again_with_its_log() -> None:
    out = ("out /srv/api/out.log",)
    known = (*parsed(block("/run/x.pid", *running("x"), *out)), one(*running("/srv/api/bin/api"), *out))
    words = PIDFILE.survey_words((FILE,), known)
    assert words[::2] == ("/srv/api/api.pid", "/run/x.pid", ".")
    mine, found = (json.loads(word) for word in words[1::2])
    assert mine["logs"] == found["logs"] == ["/srv/api/out.log"]
    assert (mine["declared"], found["declared"], found["run"]) == (True, False, [812, 10000, 1000100])
    assert not any("\n" in word for word in words)


def test_start_runs_the_declared_words_as_its_user() -> None:
    [step] = planned(one("missing"), ActionKind.START).steps
    words = step.command.argv
    assert words[:8] == ("sudo", "-n", "-u", "deploy", "--", "sh", "-c", scripts.START)
    assert words[9:] == ("/srv/api/api.pid", "api", "", "/srv/api", "/dev/null", *FILE.command)
    assert step.command.effect is Effect.CHANGE
    assert step.undo is not None
    assert step.undo.argv[7] == scripts.STOP_STARTED


def test_root_starts_it_in_a_scope_and_signals_it_as_root() -> None:
    head = "me 0 root\ntool runuser\ntool systemd-run\nsystemd\nboot 1000000"
    [service] = parsed(block(FILE.path, *running("/srv/api/bin/api"), file=FILE), head=head)
    restart, stop = PIDFILE.restart(service), PIDFILE.stop(service)
    ended = (
        "TERM to pid 812 of /srv/api/api.pid if it still is the process that began at 1970-01-12T13:48:20Z, wait 10 s"
    )
    assert (stop.purpose, restart.purpose) == (ended, f"{ended}, then start /srv/api/bin/api --port 8080")
    assert stop.brief() == f"# {ended}"
    [down] = parsed(block(FILE.path, "missing", file=FILE), head=head)
    assert PIDFILE.restart(down).purpose == (
        "TERM to what /srv/api/api.pid names by now, then start /srv/api/bin/api --port 8080"
    )
    scope = ("systemd-run", "--scope", "--quiet", "--collect", "--description=api", "--")
    assert restart.argv[:10] == (*scope, "runuser", "-u", "deploy", "--")
    assert stop.argv[:2] == ("sh", "-c")
    assert stop.argv[4:] == ("/srv/api/api.pid", "api", "812", "10000", "TERM", "10")


def test_what_was_only_found_is_stopped_and_never_started() -> None:
    [service] = parsed(block("/run/x.pid", *running("x")))
    made = planned(service, ActionKind.STOP)
    assert made.steps[0].undo is None
    assert made.irreversible is not None
    assert "cannot be started again from here: how x is started is not known" in made.irreversible
    assert why_not(service, ActionKind.RESTART) == (
        'how x is started is not known: declare its command under [[services]], manager = "pidfile"'
    )
    with pytest.raises(ValueError, match="not known"):
        PIDFILE.start(service)


def test_a_wrong_process_gets_no_signal_at_all() -> None:
    service = one(*running("/usr/bin/redis-server", name="redis-server"), file=replace(FILE, directory="/"))
    for kind in (ActionKind.STOP, ActionKind.RELOAD):
        assert why_not(service, kind) is not None
    with pytest.raises(ValueError, match="no process that could be signalled"):
        PIDFILE.signal(service, "HUP")
    with pytest.raises(RefusedError):
        planned(service, ActionKind.STOP)
    assert PIDFILE.start(service).argv[11] == "812 10000"
    assert "812" not in PIDFILE.stop(service).argv[9:11]


def test_a_restart_as_another_user_is_refused() -> None:
    service = one(*running("/srv/api/bin/api"), file=replace(FILE, user=None))
    assert why_not(service, ActionKind.RESTART) == (
        "api runs as deploy and would be started as oncall: declare its user in the configuration"
    )


@pytest.mark.parametrize(
    "lines", [("gone 812",), ("process 812 10000 redis-server", "alone", DEPLOY, "command redis-server\t")]
)
def test_so_is_a_start_as_another_user_than_the_last_run_was_of(lines: tuple[str, ...]) -> None:
    nobody = replace(FILE, user=None)
    left = one("written 990 1000100", *lines, file=nobody)
    for kind in (ActionKind.START, ActionKind.RESTART):
        assert why_not(left, kind) == (
            "/srv/api/api.pid is of another user (uid 990) than oncall, as whom api would be started: "
            "declare its user in the configuration"
        )
    assert why_not(one("written 1001 1000100", *lines, file=nobody), ActionKind.START) is None
    assert why_not(one("written 990 1000100", *lines), ActionKind.START) is None
    assert why_not(one("missing", file=nobody), ActionKind.START) is None


@pytest.mark.parametrize(
    ("cgroup", "why"),
    [
        ("/system.slice/legacy.service/main", "api is a process of legacy.service: act on that"),
        ("/system.slice/legacy.service", "api is a process of legacy.service: act on that"),
        ("/user.slice/user-990.slice/user@990.service", None),
        ("/system.slice/cron.service", None),
        ("/user.slice/user-990.slice/session-3.scope", None),
    ],
)
def test_a_process_of_a_unit_is_left_to_the_unit(cgroup: str, why: str | None) -> None:
    service = replace(one(*running("/srv/api/bin/api")), cgroup=cgroup)
    assert why_not(service, ActionKind.STOP) == why


def test_the_way_in_is_not_stopped() -> None:
    [service] = parsed(block("/run/harmless.pid", *running("/usr/sbin/sshd", name="sshd")))
    assert why_not(service, ActionKind.STOP) == "sshd is the way to this host: it is not signalled from here"


def test_without_sudo_it_is_said_as_whom_to_connect() -> None:
    [service] = parsed(block(FILE.path, *running("/srv/api/bin/api"), file=FILE), head="me 1001 x\nboot 1000000")
    assert why_not(service, ActionKind.STOP) == "it runs as deploy, and this host has no sudo: connect as deploy"
    assert why_not(service, ActionKind.RESTART) == "it runs as deploy, and this host has no sudo: connect as deploy"


def test_a_log_that_is_not_known_is_said() -> None:
    with pytest.raises(ValueError, match="declare its logs"):
        PIDFILE.log_command(one("missing"), lines=5, since=None, follow=True)


@pytest.mark.parametrize(
    ("line", "message", "level"),
    [
        ('{"level":"error","msg":"broken"}', "broken", "error"),
        ("2026-11-20 14:02:11 ERROR cannot bind", "2026-11-20 14:02:11 ERROR cannot bind", "error"),
        ("plain", "plain", "info"),
    ],
)
def test_lines_of_a_log(line: str, message: str, level: str) -> None:
    found = PIDFILE.log_line(ServiceRef("web1", "pidfile", "api"), line)
    assert found is not None
    assert (found.message, found.level) == (message, level)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the scripts read /proc")
@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_the_scripts_in_every_shell(tmp_path: Path, shell: str) -> None:
    pid_file, log = tmp_path / "a b.pid", tmp_path / "log"
    file = PidFile("a b", str(pid_file), ("sleep", "60"), str(tmp_path), logs=(str(log),), stop_timeout=3.0)

    def sh(script: str, *args: str) -> subprocess.CompletedProcess[str]:
        words = [*shell.split(), "-c", script, "sh", *args]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)

    def run_id() -> tuple[str, ...]:
        done = sh(scripts.RUN_ID, file.path, "")
        return tuple(line.partition("=")[2] for line in done.stdout.splitlines())

    launch = ("", file.directory, str(log), *file.command)
    done = sh(scripts.START, file.path, file.name, *launch)
    assert (done.returncode, done.stderr) == (0, ""), done
    pid, began = run_id()
    try:
        assert sh(scripts.START, file.path, file.name, *launch).stdout == f"a b runs already as process {pid}\n"
        assert sh(scripts.IS_RUNNING, file.path, file.name, "").returncode == 0
        assert sh(scripts.IS_STOPPED, file.path, file.name, pid, began, "").returncode == 1
        other = sh(scripts.STOP, file.path, file.name, pid, str(int(began) - 1), "TERM", "3")
        assert (other.returncode, other.stdout) == (
            1, f"process {pid} is another one than before: nothing was signalled\n",
        )  # fmt: skip
        assert sh(scripts.SIGNAL, file.path, file.name, pid, "1", "HUP").returncode == 1
        done = sh(scripts.RESTART, file.path, file.name, pid, began, "TERM", "3", *launch)
        assert done.returncode == 0, done
        was, (pid, began) = pid, run_id()
        assert done.stdout == f"process {was} ended\na b runs as process {pid}\n"
        absent = sh(scripts.RESTART, file.path, file.name, pid, began, "TERM", "3", "", "/", str(log), "/no/such")
        assert (absent.returncode, run_id()) == (1, (pid, began)), "it is not stopped where it cannot be started"
        # Whoever saw no process, because it was just being restarted, means the one that is there by now.
        done = sh(scripts.RESTART_STARTED, file.path, file.name, "TERM", "3", *launch)
        was, (pid, began) = pid, run_id()
        assert (done.returncode, done.stdout) == (0, f"process {was} ended\na b runs as process {pid}\n")
        # Its file may be gone under it; one that names another process is of another run.
        pid_file.write_text(str(os.getpid()))
        done = sh(scripts.STOP, file.path, file.name, pid, began, "TERM", "3")
        assert (done.returncode, done.stdout) == (
            1, f"{file.path} names {os.getpid()} by now, not {pid}: nothing was signalled\n",
        )  # fmt: skip
        pid_file.unlink()
        done = sh(scripts.STOP, file.path, file.name, pid, began, "TERM", "3")
        assert (done.returncode, done.stdout) == (0, f"process {pid} ended\n")
        assert not pid_file.exists()
        assert sh(scripts.IS_STOPPED, file.path, file.name, pid, began, "").returncode == 0
        assert run_id() == ("0",)
    finally:
        subprocess.run(["kill", "-KILL", pid], capture_output=True, check=False)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the scripts read /proc")
@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_a_restart_that_fails_says_by_its_exit_whether_the_process_outlived_the_signal(
    tmp_path: Path, shell: str
) -> None:
    pid_file, log = tmp_path / "app.pid", tmp_path / "log"

    def sh(script: str, *args: str) -> tuple[int, str]:
        words = [*shell.split(), "-c", script, "sh", str(pid_file), *args]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    deaf = ("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    for command, again, expected in ((deaf, deaf, OUTLIVED), (("sleep", "60"), ("false",), 1)):
        place = ("", str(tmp_path), str(log))
        assert sh(scripts.START, "app", *place, *command)[0] == 0
        pid, began = (line.partition("=")[2] for line in sh(scripts.RUN_ID, "")[1].splitlines())
        try:
            code, told = sh(scripts.RESTART, "app", pid, began, "TERM", "1", *place, *again)
        finally:
            subprocess.run(["kill", "-KILL", pid], capture_output=True, check=False)
        assert code == expected, told
        assert ("it still runs" in told) == (expected == OUTLIVED)
        pid_file.unlink(missing_ok=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
@pytest.mark.parametrize("link", [False, True])
def test_a_file_of_another_user_speaks_of_no_process_of_root(tmp_path: Path, shell: str, link: bool) -> None:
    pid_file, log = tmp_path / "app.pid", tmp_path / "log"
    victim = subprocess.Popen(["sleep", "60"])

    def sh(script: str, *args: str) -> tuple[int, str]:
        words = [*shell.split(), "-c", script, "sh", str(pid_file), *args]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    written = tmp_path / "root.pid" if link else pid_file
    written.write_text(f"{victim.pid}\n")
    if link:
        pid_file.symlink_to(written)
    os.chown(pid_file, 65534, 65534, follow_symlinks=False)
    launch = ("", "/", str(log), "sleep", "60")
    try:
        foreign = f"{pid_file} is of another user (uid 65534) than process {victim.pid} (uid 0)"
        assert sh(scripts.STOP_STARTED, "app", "", "TERM", "3") == (1, f"{foreign}: nothing was signalled\n")
        assert sh(scripts.RESTART_STARTED, "app", "TERM", "3", *launch) == (1, f"{foreign}: nothing was signalled\n")
        assert sh(scripts.START, "app", *launch) == (1, f"{foreign}: nothing was started\n")
        assert sh(scripts.IS_RUNNING, "app", "") == (1, f"process {victim.pid} is not app: {foreign}\n")
        assert sh(scripts.IS_STOPPED, "app", "", "", "") == (0, "app has ended\n")
        assert sh(scripts.RUN_ID, "") == (0, "MainPID=0\n")
        assert victim.poll() is None
        told = subprocess.run(
            [*shell.split(), "-c", f"f() {{ {SURVEY_PROBE.script}\n}}; f \"$@\"", "sh", str(pid_file), "told {}", "."],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert "\nwritten 65534 " in told.stdout
    finally:
        victim.kill()
        victim.wait()


def test_what_is_not_known_yet_is_refused() -> None:
    service = Service(ServiceRef("web1", "pidfile", "api"), State.UNKNOWN, "not asked")
    assert why_not(service, ActionKind.STOP) == "api: its pid file was not looked at yet"
    assert Detached(FILE).pid is None


def sleeps(pid: int) -> bool:
    """Whether a script is at a ``sleep`` of its own."""
    with suppress(psutil.NoSuchProcess):
        return any(child.name() == "sleep" for child in psutil.Process(pid).children())
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the scripts read /proc")
@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_what_ends_later_than_it_was_given_is_awaited_and_started(tmp_path: Path, shell: str) -> None:
    pid_file, log, go = tmp_path / "a.pid", tmp_path / "log", tmp_path / "go"
    drains = f"trap 'while ! [ -e {go} ]; do sleep 0.1; done; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    launch = ("", str(tmp_path), str(log), "sh", "-c", drains)

    def begun(script: str, *args: str) -> subprocess.Popen[str]:
        words = [*shell.split(), "-c", script, "sh", str(pid_file), "a", *args]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def sh(script: str, *args: str) -> tuple[int, str]:
        running = begun(script, *args)
        told, _ = running.communicate(timeout=60)
        return running.returncode, told

    def waits(script: subprocess.Popen[str]) -> None:
        """It has seen what runs, and sleeps until it looks again."""
        deadline = time.monotonic() + 10 * SHARED
        while not sleeps(script.pid):
            assert time.monotonic() < deadline, "it does not wait"
            time.sleep(0.01)

    def run_id() -> tuple[str, ...]:
        deadline = time.monotonic() + 10 * SHARED
        while "up" not in log.read_text():
            assert time.monotonic() < deadline, "it did not come up"
            time.sleep(0.02)
        log.write_text("")
        return tuple(line.partition("=")[2] for line in sh(scripts.RUN_ID, "")[1].splitlines())

    assert sh(scripts.START, *launch)[0] == 0
    pid, began = run_id()
    try:
        code, told = sh(scripts.STOP, pid, began, "TERM", "1")
        assert (code, told) == (
            OUTLIVED,
            f"process {pid} does not end: it still runs 1 s after SIGTERM; it was not killed\n",
        )
        code, told = sh(scripts.START_AGAIN, pid, began, "TERM", "1", *launch)
        assert code == OUTLIVED, "it does not run as before: it is told to end"
        assert told == f"process {pid} still runs 2 s after SIGTERM; it may still end, and nothing starts a then\n"
        undo = begun(scripts.START_AGAIN, pid, began, "TERM", "30", *launch)
        waits(undo)
        go.touch()
        told, _ = undo.communicate(timeout=60)
        was, (pid, began) = pid, run_id()
        assert told == f"process {was} ended, more than 30 s after SIGTERM\na runs as process {pid}\n"
        go.unlink()
        for script, known in ((scripts.RESTART, True), (scripts.RESTART_STARTED, False)):
            restart = begun(script, *((pid, began) if known else ()), "TERM", "1", *launch)
            assert restart.stdout is not None
            assert "does not end" in restart.stdout.readline()
            go.touch()
            told, _ = restart.communicate(timeout=60)
            was, (pid, began) = pid, run_id()
            assert told == f"process {was} ended, more than 1 s after SIGTERM\na runs as process {pid}\n"
            go.unlink()
    finally:
        subprocess.run(["kill", "-KILL", pid], capture_output=True, check=False)


def test_a_restart_in_vain_offers_to_kill_what_does_not_end_and_to_start_it() -> None:
    lines = running("/srv/api/bin/api\t--port\t8080")
    [deaf] = parsed(block(FILE.path, *lines, file=FILE), head=HEAD.replace("1001 oncall", "990 deploy"))
    [step] = planned(deaf, ActionKind.RESTART).steps
    assert step.otherwise is not None
    assert str(step.otherwise.target) == "web1/process:812"
    assert step.otherwise.kind is ActionKind.KILL
    assert step.otherwise.then == replace(deaf.ref, host="web1")


def test_the_undo_of_a_stop_awaits_the_process_that_was_told_to_end() -> None:
    [step] = planned(one(*running("/srv/api/bin/api\t--port\t8080")), ActionKind.STOP).steps
    assert step.undo is not None
    assert step.undo.argv[7] == scripts.START_AGAIN
    assert step.undo.argv[9:15] == ("/srv/api/api.pid", "api", "812", "10000", "TERM", "10")
