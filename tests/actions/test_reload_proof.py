"""What a reload is tested with before, and what proves it afterwards, by processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.actions import health, reload_proof
from tests.managers.tools import Tools, every_shell

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """A process that has exactly these words, and waits."""
    begun: list[subprocess.Popen[bytes]] = []

    def process(*words: str) -> int:
        begun.append(subprocess.Popen(words, executable="/bin/bash", stdin=subprocess.PIPE))
        return begun[-1].pid

    yield process
    for one in begun:
        one.kill()
        one.communicate()


# nginx and sshd make one word of all in their title; what has one word here is read in the same way.
@every_shell
@pytest.mark.parametrize(
    ("tool", "title", "said"),
    [
        ("nginx", "nginx: master process /usr/sbin/nginx", "nginx -t -q"),
        ("nginx", "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;", "nginx -t -q"),
        (
            "nginx",
            "nginx: master process nginx -g daemon off; user www; -c /o.conf",
            "nginx -t -q -g user www; -c /o.conf",
        ),
        ("nginx", "nginx: master process nginx -c other.conf -p /srv", "nginx -t -q -c other.conf -p /srv"),
        ("nginx", "nginx: master process nginx -p srv", "not tested: process PID reads srv"),
        ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd -t"),
        ("sshd", "sshd: /usr/sbin/sshd -D -f /o [listener] 0 of 10-100 startups", "sshd -t -f /o"),
        ("sshd", "sshd: /usr/sbin/sshd -f o [listener] 0 of 10-100 startups", "not tested: process PID reads o"),
        ("haproxy", "/usr/sbin/haproxy -Ws -f /a -f /b -p /run/pid", "haproxy -c -q -f /a -f /b"),
        ("haproxy", "/usr/sbin/haproxy -Ws", "not tested: which files process PID reads"),
        ("haproxy", "/usr/sbin/haproxy -f /a -- /b", "not tested: which files process PID reads"),
        ("promtool", "prometheus --config.file=/p.yml", "promtool check config /p.yml"),
    ],
)
def test_what_is_tested_is_what_the_process_reads(
    tmp_path: Path, start: Start, shell: list[str], tool: str, title: str, said: str
) -> None:
    tools = Tools(tmp_path)
    tools.add(tool, "")
    pid = start(title)
    done = tools.run(shell, reload_proof._TEST, tool, "key", "echo", f"MainPID={pid}")
    assert said.replace("PID", str(pid)) in done.stdout, done
    assert done.returncode == (77 if said.startswith("not tested") else 0)
    if not done.returncode:
        assert tools.called == [said]


@every_shell
@pytest.mark.parametrize(
    ("code", "does", "ended", "last"),
    [
        (0, "exit 0", 0, "check is content"),
        (0, "echo no; exit 77", 1, "check --all ended with 77"),
        (0, "echo no; exit 3", 1, "no"),
        (7, "exit 0", 0, "check is content"),
        (7, "echo no; exit 77", 1, "check --all ended with 77"),
        (7, "exit 3", 1, "check --all ended with 3"),
    ],
)
def test_a_configured_test_that_ends_with_77_has_failed(
    tmp_path: Path, shell: list[str], code: int, does: str, ended: int, last: str
) -> None:
    """By root and by another user, whom sudo lets do it."""
    tools = Tools(tmp_path)
    tools.add("sudo", 'case $* in "-n -l"*) exit 0 ;; esac; while [ "$1" != -- ]; do shift; done; shift; "$@"')
    tools.add("check", does)
    # A login that is not root has sudo find the command where root would.
    script = f"id() {{ echo {code}; }}\n{reload_proof._OWN_TEST}"
    script = script.replace("PATH=/usr/local/sbin:", f"PATH={tmp_path}:/usr/local/sbin:")
    done = tools.run(shell, script, "check", "--all")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (ended, last), done


@every_shell
def test_a_configured_test_that_may_not_be_run_is_no_failure(tmp_path: Path, shell: list[str]) -> None:
    tools = Tools(tmp_path)
    tools.add("sudo", "exit 1")
    tools.add("check", "exit 77")
    script = f"id() {{ echo 7; }}\n{reload_proof._OWN_TEST}"
    script = script.replace("PATH=/usr/local/sbin:", f"PATH={tmp_path}:/usr/local/sbin:")
    done = tools.run(shell, script, "check")
    assert (done.returncode, done.stdout.partition(":")[0]) == (77, "not tested"), done


@every_shell
@pytest.mark.parametrize(("does", "ended"), [("exit 0", 0), ("exit 3", 3), ("exit 77", 1)])
def test_a_configured_command_that_ends_with_77_says_that_the_service_is_not_well(
    tmp_path: Path, shell: list[str], does: str, ended: int
) -> None:
    tools = Tools(tmp_path)
    tools.add("check", does)
    done = tools.run(shell, health._BY_EXIT_0, "check", "a b")
    assert (done.returncode, done.stdout) == (ended, "check ended with 77\n" if "77" in does else ""), done


@every_shell
def test_words_that_are_apart_are_not_split(tmp_path: Path, start: Start, shell: list[str]) -> None:
    tools = Tools(tmp_path)
    tools.add("haproxy", 'for one; do echo "<$one>"; done; exit 1')
    pid = start("haproxy", "-s", "-f", "/a b")
    done = tools.run(shell, reload_proof._TEST, "haproxy", "key", "echo", f"MainPID={pid}")
    assert (done.returncode, "<-f>\n</a b>\n" in done.stdout) == (1, True), done


WRITER = """
import os, signal, sys, tempfile
names = sys.argv[1].split(",")
held = {name: open(name, "a") for name in names}
loose = [tempfile.TemporaryFile(), tempfile.NamedTemporaryFile()]
os.unlink(loose[1].name)
memory = os.memfd_create("jit", 0)
print("ready", flush=True)
for line in sys.stdin:
    for name in line.split():
        held.pop(name).close()
        held[name] = open(name, "a")
    print("ready", flush=True)
"""


class Writer:
    """A process that writes to files, opens those anew that it is told to, and is looked at before and after."""

    def __init__(self, tools: Tools, shell: list[str], *names: str) -> None:
        self.tools, self.shell = tools, shell
        self.paths = [str(tools.folder / name) for name in names]
        words = (sys.executable, "-c", WRITER, ",".join(self.paths))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ready()

    def _ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def look(self, script: str) -> tuple[int, str]:
        # What it writes to changes only between two looks, never within one: no second of a look has to pass.
        script = f"export HOSTDECK_PLAN={self.tools.folder}\nsleep() {{ :; }}\n{script}"
        done = self.tools.run(self.shell, script, "key", "echo", f"MainPID={self.process.pid}")
        return done.returncode, done.stdout

    def open_again(self, *paths: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(paths) + "\n")
        self.process.stdin.flush()
        self._ready()


@pytest.fixture
def writer(tmp_path: Path, shell: list[str]) -> Iterator[Callable[..., Writer]]:
    begun: list[Writer] = []

    def begin(*names: str) -> Writer:
        begun.append(Writer(Tools(tmp_path), shell, *names))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()


@every_shell
def test_what_was_never_rotated_does_not_fail_a_reload(writer: Callable[..., Writer], shell: list[str]) -> None:
    one = writer("api.log", "db", "db.1", "segment.7")
    code, said = one.look(reload_proof._NOTE_LOGS)
    assert (code, "memfd" in said, "#" in said, "db " in said) == (0, False, False, False), said
    code, said = one.look(reload_proof._REOPENED)
    assert (code, "writes on to what no new file has replaced" in said, "segment" in said) == (0, True, True), said


@every_shell
@pytest.mark.parametrize("away", ["mv {0} {0}.1; touch {0}", "mv {0} {0}-20261120; touch {0}", "rm {0}; touch {0}"])
def test_a_log_that_a_new_file_replaced_has_to_be_opened_again(
    writer: Callable[..., Writer], shell: list[str], away: str
) -> None:
    one = writer("api.log", "db.1")
    path = one.paths[0]
    one.tools.run(shell, away.format(path))
    assert path in one.look(reload_proof._NOTE_LOGS)[1]
    code, said = one.look(reload_proof._REOPENED)
    assert (code, said) == (1, f"process {one.process.pid} still writes to what was rotated away, not to {path} \n")
    one.open_again(path)
    assert one.look(reload_proof._REOPENED) == (0, f"writes to the new file: {path}\n")
