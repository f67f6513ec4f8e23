"""What the scripts of pm2 make of files and sockets on a host: here, with a node that is no pm2."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers.pm2 import PM2, PM2_PRESENCE, PM2_SURVEY
from console.managers.pm2_ask import ASK_JS

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None or not Path("/proc/self/comm").exists(), reason="needs node and /proc")
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
STRANGER = 'stat() { command stat "$@" | while read -r hd_any; do echo 4242; done; }'


@pytest.fixture
def daemon() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is called node, as the daemon is for a moment."""
    with subprocess.Popen(
        [str(NODE), "-e", "process.stdout.write('.'); setInterval(() => 0, 9e5)"], stdout=-1
    ) as found:
        assert found.stdout is not None
        found.stdout.read(1)
        try:
            yield found
        finally:
            found.kill()


@pytest.fixture
def home(tmp_path: Path, daemon: subprocess.Popen[bytes]) -> Path:
    """A home of pm2 that names this process."""
    (tmp_path / "pm2.pid").write_text(f"{daemon.pid}\n")
    return tmp_path


def run(script: str, home: Path, *, shell: str = "dash", before: str = "") -> str:
    """What the probe says of this home."""
    text = f"probe() {{\n{script}\n}}\n{before}\nprobe\n"
    argv = [shell, *(["sh"] if shell == "busybox" else []), "-c", text]
    env = {**os.environ, "PM2_HOME": str(home), "HOME": str(home)}
    done = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=30, check=False)
    assert done.stderr == ""
    return done.stdout


def frame(number: int, value: object) -> bytes:
    parts = (b"j:" + json.dumps({"args": [value]}).encode(), b"s:%d" % number)
    return b"\x12" + b"".join(len(part).to_bytes(4) + part for part in parts)


@contextmanager
def answering(place: Path, *values: object) -> Iterator[None]:
    """A socket that gives these answers to the first who asks."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        server.settimeout(20)

        def answer() -> None:
            with suppress(OSError), server.accept()[0] as link:
                link.recv(4096)
                link.sendall(b"".join(frame(number, value) for number, value in enumerate(values)))
                link.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


def tool(tmp_path: Path, main: Path) -> list[str] | None:
    """The words for pm2 where a daemon says that this is its program."""
    place = tmp_path / "rpc.sock"
    with answering(place, [], {"pm2_version": "6.0.0", "argv": ["node", str(main)]}):
        argv = [str(NODE), "-e", ASK_JS, "--", str(place), "survey"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, env={"PATH": "/nowhere"})
    found: list[str] | None = json.loads(done.stdout.split("\n")[0])["tool"]
    return found


def installed(folder: Path) -> Path:
    """Something that looks like an installed pm2; returns its daemon's program."""
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").mkdir()
    (folder / "bin/pm2").write_text("")
    (folder / "lib/Daemon.js").write_text("")
    return folder / "lib/Daemon.js"


def test_what_a_socket_names_is_run_only_where_no_other_user_writes_it(tmp_path: Path) -> None:
    main = installed(tmp_path / "pm2")
    pm2 = str(tmp_path / "pm2/bin/pm2")
    assert (tool(tmp_path, main) or [])[-1:] == [pm2]
    (tmp_path / "rpc.sock").unlink()
    (tmp_path / "pm2").chmod(0o777)
    assert pm2 not in (tool(tmp_path, main) or [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_socket_names_is_not_run_where_it_is_another_users(tmp_path: Path) -> None:
    main = installed(tmp_path / "pm2")
    os.chown(tmp_path / "pm2", 65534, 65534)
    assert str(tmp_path / "pm2/bin/pm2") not in (tool(tmp_path, main) or [])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("probe", [PM2_PRESENCE, PM2_SURVEY], ids=lambda probe: probe.name)
def test_a_pid_file_of_another_user_names_no_daemon(
    probe: object, shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    script = PM2_PRESENCE.script if probe is PM2_PRESENCE else PM2_SURVEY.script
    assert str(daemon.pid) in run(script, home, shell=shell)
    assert str(daemon.pid) not in run(script, home, shell=shell, before=STRANGER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("name", ["", "pm2.pid", "rpc.sock"])
def test_each_part_of_the_home_must_be_of_the_daemons_user(
    name: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    (home / "rpc.sock").write_text("")
    assert str(daemon.pid) in run(PM2_SURVEY.script, home)
    os.chown(home / name, 65534, 65534)
    assert str(daemon.pid) not in run(PM2_SURVEY.script, home)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("now", "said"),
    [
        ([("a b", "default"), ("c", "default")], "asked: sendSignal SIGHUP 0\n"),
        ([("c", "default"), ("a b", "default")], "pm2 has c as number 0, not a b: look again\n"),
        ([], "pm2 has nothing as number 0, not a b: look again\n"),
    ],
    ids=["the same", "another", "none"],
)
def test_a_number_is_used_only_while_it_is_that_apps(
    now: list[tuple[str, str]], said: str, shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    pm2 = home / "pm2"
    pm2.write_text('#!/bin/sh\necho "asked: $*"\n')
    pm2.chmod(0o755)
    words = ("env", f"PM2_HOME={home}", str(pm2))
    ref = ServiceRef("", "pm2", "a b", "user:me")
    service = Service(ref, State.RUNNING, "online", daemon=daemon.pid, tool=words, handle=("0",))
    command = PM2.signal(service, "HUP")
    assert command.becomes == (*words, "sendSignal", "SIGHUP", "0")
    argv = list(command.argv)
    apps = [{"name": name, "pm2_env": {"pm_id": n, "namespace": space}} for n, (name, space) in enumerate(now)]
    with answering(home / "rpc.sock", apps):
        done = subprocess.run(
            [*([shell, "sh"] if shell == "busybox" else [shell]), *argv[1:]],
            capture_output=True, text=True, timeout=25, check=False,
        )  # fmt: skip
    assert (done.stdout, done.stderr) == (said, "")
    assert (done.returncode == 0) == said.startswith("asked")


def test_no_number_is_used_of_a_daemon_that_is_gone(home: Path, daemon: subprocess.Popen[bytes]) -> None:
    ref = ServiceRef("", "pm2", "a b", "user:me")
    service = Service(ref, State.RUNNING, "online", daemon=daemon.pid, tool=("echo", "asked"), handle=("0",))
    daemon.kill()
    daemon.wait()
    done = subprocess.run(PM2.stop(service).argv, capture_output=True, text=True, timeout=25, check=False)
    assert (done.returncode, done.stdout) == (1, f"the pm2 daemon that ran it (pid {daemon.pid}) is gone\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_daemon_that_crashed_is_told_until_the_host_starts_again(
    shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    daemon.kill()
    daemon.wait()
    assert f"dead {home} {daemon.pid}\n" in run(PM2_PRESENCE.script, home, shell=shell)
    user = getpass.getuser()
    [dead] = PM2_SURVEY.parse(run(PM2_SURVEY.script, home, shell=shell)).dead
    mend = f"run pm2 resurrect as {user}, or remove {home}/pm2.pid"
    assert (dead.pid, dead.why) == (daemon.pid, f"the pm2 daemon of {user} (pid {dead.pid}) crashed: {mend}")
    os.utime(home / "pm2.pid", (1, 1))
    assert "dead" not in run(PM2_PRESENCE.script, home, shell=shell)
    assert PM2_SURVEY.parse(run(PM2_SURVEY.script, home, shell=shell)).dead == ()


# What a program of another user's choice may print in the place of an answer, or a file of theirs be called.
EVIL = {"now": 1.0, "tool": ["sh", "-c", "id >/tmp/pwned"]}
APP = {"id": 0, "name": "api", "status": "errored", "err": "/n/a"}
FORGED = "\n".join(("x", "daemon\t1\troot\tdirect\ta\tb", json.dumps(EVIL), json.dumps(APP), "q"))


@pytest.mark.parametrize("shell", SHELLS)
def test_what_runs_in_a_daemons_name_speaks_for_that_daemon_alone(
    shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    said = FORGED.replace("\t", "\\t").replace("\n", "\\n")
    answers = f"timeout() {{ printf '{said}\\n'; }}"
    found = PM2_SURVEY.parse(run(PM2_SURVEY.script, home, shell=shell, before=answers))
    assert (found.daemons, [one.daemon for one in found.services]) == ((daemon.pid,), [daemon.pid])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("code", [0, 3])
def test_of_a_daemon_that_prints_without_end_no_more_is_held_than_can_be_read(
    code: int, shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    floods = f"timeout() {{ head -c 9000000 /dev/zero | tr '\\0' x; return {code}; }}"
    said = run(PM2_SURVEY.script, home, shell=shell, before=floods)
    assert len(said) < (3_001_000 if code == 0 else 2_000)
    found = PM2_SURVEY.parse(said)
    assert (found.daemons, found.services, len(found.refused)) == ((daemon.pid,), (), min(code, 1))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_title_that_a_shell_would_search_for_minutes_is_not_searched(shell: str, tmp_path: Path) -> None:
    named = "open('/proc/self/comm', 'w').write('PM2 v6'); print(flush=True); input()"
    titles = ["God Daemon (" * 10_000] * 8
    with subprocess.Popen([sys.executable, "-c", named, *titles], stdin=-1, stdout=-1) as found:
        assert found.stdout is not None
        found.stdout.readline()
        try:
            assert f"{found.pid} " in run(PM2_PRESENCE.script, tmp_path, shell=shell)
        finally:
            found.kill()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_name_of_a_pid_file_is_no_line_of_the_answer(
    shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    (home / "dump.pm2").write_text(LIST)
    (home / "pids").mkdir()
    daemon.kill()
    daemon.wait()
    with subprocess.Popen(["sleep", "60"]) as runs:
        for name in ("job-0.pid", f"{FORGED.replace('/', chr(92) + 'u002f')}.pid", "job\t-1.pid", "jo b-2.pid"):
            (home / "pids" / name).write_text(f"{runs.pid}\n")
        found = PM2_SURVEY.parse(run(PM2_SURVEY.script, home, shell=shell))
        runs.kill()
    assert (found.daemons, found.services) == ((), ())
    assert [one.pids for one in found.dead[0].services if one.ref.name.startswith("job")] == [(runs.pid,)]


LIST = """[
  {
    "namespace": "default",
    "env": {
      "name": "hunter2",
      "TOKEN": "hunter2"
    },
    "name": "a \\u001b[31mb",
    "pm_pid_path": "/x"
  },
  {
    "name": "job",
    "namespace": "red"
  }
]
"""


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_daemon_has_saved_is_told_without_its_environment(
    shell: str, home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    (home / "dump.pm2").write_text(LIST)
    (home / "pids").mkdir()
    with subprocess.Popen(["sleep", "60"]) as runs:
        (home / "pids/job-0.pid").write_text(str(runs.pid))
        (home / "pids/job-1.pid").write_text("1")  # began when no app of this host did
        assert "saved /" not in run(PM2_PRESENCE.script, home, shell=shell)
        daemon.kill()
        daemon.wait()
        said = run(PM2_SURVEY.script, home, shell=shell)
        assert "hunter2" not in said
        [dead] = PM2_SURVEY.parse(said).dead
        assert {one.ref.name.partition("@")[0]: one.pids for one in dead.services} == {
            "a b": (),
            "job": (runs.pid,),
        }
        runs.kill()
    # It ended well, or before the boot: the list is what is left.
    os.utime(home / "pm2.pid", (1, 1))
    for ran in (True, False):
        assert f"saved {home}\n" in run(PM2_PRESENCE.script, home, shell=shell)
        [dead] = PM2_SURVEY.parse(run(PM2_SURVEY.script, home, shell=shell)).dead
        assert [(one.state, one.ran) for one in dead.services] == [(State.STOPPED, ran)] * 2
        (home / "pm2.pid").unlink(missing_ok=True)


def test_a_list_that_is_no_file_or_that_another_user_put_there_is_not_read(
    home: Path, daemon: subprocess.Popen[bytes]
) -> None:
    (home / "pm2.pid").unlink()
    os.mkfifo(home / "dump.pm2")
    assert "saved /" not in run(PM2_PRESENCE.script, home)
    (home / "dump.pm2").unlink()
    (home / "dump.pm2").symlink_to("/etc/passwd")
    other = """stat() { case $1 in -Lc) printf '0\\n4242\\n' ;; *) command stat "$@" ;; esac; }"""
    assert PM2_SURVEY.parse(run(PM2_SURVEY.script, home, before=other)).dead == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("here", [True, False])
def test_where_a_pm2_is_installed_and_not_seen_the_homes_that_are_closed_are_told(
    here: bool, shell: str, tmp_path: Path
) -> None:
    if Path("/root").stat().st_mode & 0o005 or any(Path("/etc/systemd/system").glob("pm2*.service")):
        pytest.skip("this machine shows everybody what root has")
    folder = Path(f"/tmp/{tmp_path.name}-{shell}")  # those above pytest's own folders are closed
    folder.mkdir()
    try:
        if here:
            (folder / "pm2").write_text("#!/bin/sh\n")
            (folder / "pm2").chmod(0o755)
        argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else []), "-c"]
        env = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": "/nonexistent"}
        for probe in (PM2_PRESENCE, PM2_SURVEY):
            done = subprocess.run(
                [*argv, f"probe() {{\n{probe.script}\n}}\nprobe\n"],
                capture_output=True, text=True, env=env, timeout=30, check=False, user=65534, group=65534,
                extra_groups=(), cwd="/",
            )  # fmt: skip
            assert done.stderr == ""
            told = "/root/.pm2" in done.stdout
            assert told == (here or Path("/usr/local/bin/pm2").exists() or Path("/usr/bin/pm2").exists())
    finally:
        shutil.rmtree(folder)
