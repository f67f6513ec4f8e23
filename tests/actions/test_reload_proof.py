"""What proves a reload, by processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.actions import health, reload_proof
from tests.managers.tools import SHELLS, Tools, every_shell


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
names = sys.argv[1].split(",") if sys.argv[1] else []
held = {name: open(name, "a") for name in names}
loose = [tempfile.TemporaryFile(), tempfile.NamedTemporaryFile()]
os.unlink(loose[1].name)
memory = os.memfd_create("jit", 0)
print("ready", flush=True)
for line in sys.stdin:
    if line == "drop\\n":
        loose.clear()
        line = ""
    for name in line.split():
        held.pop(name).close()
        held[name] = open(name, "a")
    print("ready", flush=True)
"""


class Writer:
    """A process that writes to files, opens those anew that it is told to, and is looked at before and after."""

    def __init__(self, tools: Tools, shell: list[str], *names: str) -> None:
        self.tools, self.shell = tools, shell
        self.declared: list[str] = []
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
        words = ("key", str(len(self.declared)), *self.declared, "echo", f"MainPID={self.process.pid}")
        done = self.tools.run(self.shell, script, *words)
        return done.returncode, done.stdout

    def drop_loose(self) -> None:
        """Close the files without a name of their own."""
        self.open_again("drop")

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


ROTATED = (
    "api.log.1", "api.log.100", "api.log-20261120", "api.log-2026112005", "api.log-20261120-053000",
    "api.log-1764307800", "api.log.2026-11-20", "api.log.2026-11-20-05", "api.log-20261120.1", "api-20261120.log",
    "api_2026-11-20.log", "api.log.old", "api.log.bak", "api.log~",
)  # fmt: skip
"""Names by logrotate (its dateext, dateformat, extension, start), savelog and others, of what was api.log."""


@every_shell
def test_what_was_never_rotated_does_not_fail_a_reload(writer: Callable[..., Writer], shell: list[str]) -> None:
    one = writer("api.log", "db", "db.1", "segment.7")
    code, said = one.look(reload_proof._NOTE_LOGS)
    assert (code, "memfd" in said, "#" in said, "db " in said) == (0, False, False, False), said
    code, said = one.look(reload_proof._REOPENED)
    assert (code, said.startswith("not told: it writes to "), "db" in said) == (77, True, True), said
    alone = writer("segment.7")
    alone.look(reload_proof._NOTE_LOGS)
    code, said = alone.look(reload_proof._REOPENED)
    assert (code, "writes on to what no new file has replaced" in said, "segment" in said) == (0, True, True), said


@every_shell
@pytest.mark.parametrize(
    "away", [*(f"mv api.log {name}; touch api.log" for name in ROTATED), "rm api.log; touch api.log"]
)
def test_a_log_that_a_new_file_replaced_has_to_be_opened_again(
    writer: Callable[..., Writer], shell: list[str], away: str
) -> None:
    one = writer("api.log", "db.1")
    path = one.paths[0]
    one.tools.run(shell, away)
    assert path in one.look(reload_proof._NOTE_LOGS)[1]
    code, said = one.look(reload_proof._REOPENED)
    assert (code, said) == (1, f"process {one.process.pid} still writes to what was rotated away, not to {path} \n")
    one.open_again(path)
    assert one.look(reload_proof._REOPENED) == (0, f"writes to the new file: {path}\n")


@every_shell
@pytest.mark.parametrize(
    "away", ["mkdir kept; mv api.log kept/api-a.log", "mv api.log api.log.then", "mv api.log api.1.log"]
)
def test_of_a_name_that_says_nothing_it_is_not_told_unless_the_log_is_declared(
    writer: Callable[..., Writer], shell: list[str], away: str
) -> None:
    one = writer("api.log")
    path = one.paths[0]
    one.tools.run(shell, f"{away}; touch api.log")
    one.look(reload_proof._NOTE_LOGS)
    code, said = one.look(reload_proof._REOPENED)
    assert (code, said.startswith("not told: it writes to ")) == (77, True), said
    one.declared = [path]
    one.look(reload_proof._NOTE_LOGS)
    code, said = one.look(reload_proof._REOPENED)
    if "api.1.log" in away:
        assert (code, said) == (1, f"process {one.process.pid} still writes to what was rotated away, not to {path} \n")
    else:
        assert (code, said.startswith(f"not told: it has not open {path}, which is declared as its log")) == (77, True)
    one.open_again(path)
    code, said = one.look(reload_proof._REOPENED)
    assert (code, said.split(":")[0] in ("writes to the new file", "writes to the file that has this name now")) == (
        0,
        True,
    )


@every_shell
def test_a_declared_name_may_lead_to_the_file(writer: Callable[..., Writer], shell: list[str]) -> None:
    """As of ``rotatelogs -L``, which names what is written by its date."""
    one = writer("api.log.2026-11-28")
    one.drop_loose()
    link = str(one.tools.folder / "api.log")
    one.tools.run(shell, "ln -s api.log.2026-11-28 api.log")
    one.declared = [link]
    assert one.look(reload_proof._NOTE_LOGS) == (0, f"process {one.process.pid} writes to {link}\n")
    assert one.look(reload_proof._REOPENED) == (0, f"writes to the file that has this name now: {link}\n")
    one.declared = []
    assert one.look(reload_proof._NOTE_LOGS) == (0, f"process {one.process.pid} writes to {one.paths[0]}\n")


# That of busybox does not tell when a file began: there it counts as the new one.
@pytest.mark.parametrize("shell", [words for words in SHELLS if words[0] != "busybox"], ids=lambda words: words[0])
def test_an_older_file_did_not_come_in_the_place_of_a_dated_one(
    writer: Callable[..., Writer], shell: list[str]
) -> None:
    (writer("other").tools.folder / "api.log").write_text("of last year", encoding="utf-8")
    one = writer("api-2026-11-28.log")
    one.drop_loose()
    assert "rotated away" not in one.look(reload_proof._NOTE_LOGS)[1]
    assert one.look(reload_proof._REOPENED)[0] == 77


@every_shell
def test_who_writes_to_no_file_has_no_log_to_open_again(writer: Callable[..., Writer], shell: list[str]) -> None:
    one = writer()
    one.drop_loose()
    assert one.look(reload_proof._NOTE_LOGS) == (0, f"process {one.process.pid} writes to no file\n")
    assert one.look(reload_proof._REOPENED) == (0, "it writes to no file\n")
