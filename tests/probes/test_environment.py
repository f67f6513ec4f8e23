"""Reading the environment of a service: files as those read them who use them, and an answer that quotes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.core.environment import Origin, Told, environment
from console.core.probe import ParseError
from console.core.service import ServiceRef
from console.core.text import decode, sanitise
from console.probes.environment import PROBE, parse
from console.probes.environment_files import entries
from tests.managers.tools import every_shell

KEY = "MIIEpAIBAAKCAQEAx9fTqkNgk0m1W3vQ5r5S8N9m2Yw7f0kq3dJ6z1c4b8aLhXyP"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\n# no\n;no\nB = 2 \n", [("A", "1", 1), ("B", "2", 4)]),
        ("A=1 # no comment", [("A", "1 # no comment", 1)]),
        ("A=\"x y\" 'z'\"!\"", [("A", "x yz!", 1)]),
        ('A="one\ntwo"\nB=3', [("A", "one\ntwo", 1), ("B", "3", 3)]),
        ("A=x\\\ny\nB=a\\ b", [("A", "xy", 1), ("B", "a b", 3)]),
        (r'A="a\"b\$c\n"', [("A", r'a"b$c\n', 1)]),
        ("A=it's", [("A", "it's", 1)]),
        ("1A=x\nA B=x\n=x\nx\nC=", [("C", "", 5)]),
        ("A='open\nB=2", [("A", "open\nB=2", 1)]),
        (f"A=-----BEGIN RSA PRIVATE KEY-----\n{KEY}\nabc==\n-----END RSA PRIVATE KEY-----\nB=2",
         [("A", "-----BEGIN RSA PRIVATE KEY-----", 1), ("B", "2", 5)]),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\nabc==", []),
    ],
)  # fmt: skip
def test_files_are_read_as_systemd_reads_them(text: str, found: list[tuple[str, str, int]]) -> None:
    assert list(entries(text.split("\n"))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("export A=1 # a comment\nB='x # y'\nC=x#y", [("A", "1", 1), ("B", "x # y", 2), ("C", "x#y", 3)]),
        ("A=a\\b", [("A", "a\\b", 1)]),
    ],
)
def test_files_beside_a_program_have_comments(text: str, found: list[tuple[str, str, int]]) -> None:
    assert list(entries(text.split("\n"), dotenv=True)) == found


@pytest.mark.parametrize("text", ["TOKEN=hunter2", "source\tx\thunter2", "line\thunter2", "source\tfile\t/e\nhunter2"])
def test_an_answer_that_is_none_is_not_quoted(text: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse(text)
    assert "hunter2" not in str(raised.value)


def ask(shell: list[str], *words: str, path: str = os.environ["PATH"]) -> tuple[Told, ...]:
    script = f'p_environment() {{\n{PROBE.script}\n}}\np_environment "$@"'
    env = {"PATH": path}
    done = subprocess.run([*shell, "-c", script, "sh", *words], capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return parse(sanitise(decode(done.stdout)).removesuffix("\n"))


@every_shell
def test_a_process_a_file_and_a_program(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("export PORT=8080\nAPI_TOKEN='hunter 2'\n")
    (tmp_path / ".env").chmod(0o640)
    conf = tmp_path / "s.conf"
    conf.write_text('[program:api]\nenvironment=A="1,2",\n  DB_PASSWORD="hunter2",H="%(ENV_HOME)s"\n')
    env = {"PORT": "80", "API_TOKEN": "hunter 2", "ODD": "a\nB=\\n"}
    child = subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE)
    try:
        words = ("beside", str(tmp_path), "program", str(conf), "api", "process", str(child.pid))
        beside, program, process = ask(
            shell,
            *words,
        )
    finally:
        child.communicate(b"\n")
    assert (beside.origin, beside.mode, beside.changed is not None) == (Origin.BESIDE, "0640", True)
    assert [(raw.name, raw.value.reveal(), raw.line) for raw in beside.variables] == [
        ("PORT", "8080", 1), ("API_TOKEN", "hunter 2", 2),
    ]  # fmt: skip
    assert [(raw.name, raw.value.reveal(), raw.filled) for raw in program.variables] == [
        ("A", "1,2", True), ("DB_PASSWORD", "hunter2", True), ("H", "%(ENV_HOME)s", False),
    ]  # fmt: skip
    assert {raw.name: raw.value.reveal() for raw in process.variables}.items() >= env.items()
    assert process.started is not None
    assert abs(process.started - (tmp_path / ".env").stat().st_mtime) < 30
    assert "hunter" not in repr(environment(ServiceRef("h", "pidfile", "api"), (beside, program, process)))


@every_shell
def test_the_files_that_compose_gives_to_a_service(shell: list[str], tmp_path: Path) -> None:
    compose = tmp_path / "compose.yml"
    compose.write_text("services:\n  db:\n    env_file: db.env\n  api:\n    env_file: [a b.env, none.env]\n")
    (tmp_path / "a b.env").write_text("PORT=8080\nURL=http://${HOST}/\n")
    (tmp_path / "db.env").write_text("PORT=5432\n")
    given, none = ask(shell, "given", str(compose), "api")
    assert (given.origin, given.where) == (Origin.GIVEN, f"{tmp_path}/a b.env")
    assert [(raw.name, raw.filled) for raw in given.variables] == [("PORT", True), ("URL", False)]
    assert none.failure == "not there"
    [lost] = ask(shell, "given", f"{tmp_path}/other.yml", "api")
    assert (lost.failure or "").startswith("not there, or ")


@every_shell
def test_commands_of_several_sources(shell: list[str]) -> None:
    printed = '"A=1"\n"B=x y"\n'
    words = (
        "run",
        "container",
        "a",
        "2",
        "printf",
        printed.replace("\n", "\\n"),
        "run",
        "container",
        "b",
        "1",
        "false",
    )
    first, second = ask(shell, *words)
    assert [(raw.name, raw.value.reveal()) for raw in first.variables] == [("A", "1"), ("B", "x y")]
    assert (second.where, second.failure) == ("b", "false does not tell it")


@every_shell
def test_what_is_not_there_says_so(shell: list[str], tmp_path: Path) -> None:
    [gone] = ask(shell, "process", "999999999")
    assert gone.failure == "it has ended"
    [missing] = ask(shell, "program", f"{tmp_path}/none.conf", "api")
    assert (missing.failure or "").startswith("not there")
    assert ask(shell, "beside", str(tmp_path)) == ()


@every_shell
def test_the_name_of_a_file_that_a_pattern_finds_is_no_line_of_the_answer(shell: list[str], tmp_path: Path) -> None:
    for name in ("a.env", "b\nsource\tfile\tx\nline\tPORT=1.env", "c\tx.env"):
        (tmp_path / name).write_text("PORT=8080\n")
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho 'EnvironmentFiles={tmp_path}/*.env (ignore_errors=no)'\n")
    systemctl.chmod(0o755)
    unit, *files = ask(shell, "unit", "system", "api.service", path=f"{tmp_path}:{os.environ['PATH']}")
    assert unit.variables == ()
    assert [(file.where, len(file.variables)) for file in files] == [(f"{tmp_path}/a.env", 1)]
