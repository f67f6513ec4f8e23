"""What proves a reload, by processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.actions import health, reload_proof
from tests.managers.tools import Tools, every_shell


@every_shell
@pytest.mark.parametrize(("does", "ended"), [("exit 0", 0), ("exit 3", 3), ("exit 77", 1)])
def test_a_configured_command_that_ends_with_77_says_that_the_service_is_not_well(
    tmp_path: Path, shell: list[str], does: str, ended: int
) -> None:
    tools = Tools(tmp_path)
    tools.add("check", does)
    done = tools.run(shell, health._BY_EXIT_0, "check", "a b")
    assert (done.returncode, done.stdout) == (ended, "check ended with 77\n" if "77" in does else ""), done


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
