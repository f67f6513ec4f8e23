"""Docker through sudo: what is asked, what leaves the host, and what is made of it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from console.core.probe import ParseError, Probe
from console.managers.container_sudo import LISTED, TOLD, is_settled, parse_listed, parse_told
from console.managers.containers import Project
from tests.managers.tools import Tools, every_shell

IDENT = "ab12" * 16
REFUSED = "sudo: a password is required"


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


def script(probe: Probe[object], *args: str) -> str:
    return f"f() {{ {probe.script}\n}}; f {' '.join(args)}"


@every_shell
@pytest.mark.parametrize(
    ("says", "stamp"),
    [
        ("Up Less than a second", "web Up young"),
        ("Up 1 second", "web Up young"),
        ("Up 59 seconds (healthy)", "web Up young (healthy)"),
        ("Up About a minute (unhealthy)", "web Up young (unhealthy)"),
        ("Up 2 minutes (health: starting)", "web Up old (health: starting)"),
        ("Up About an hour (Paused)", "web Up old (Paused)"),
        ("Up 47 hours", "web Up old"),
        ("Exited (137) 3 days ago", "web Exited (137) old ago"),
        ("Exited (0) 11 weeks ago", "web Exited (0) old ago"),
        ("Exited (0) 2 months ago", "web Exited (0) old ago"),
        ("Exited (0) 3 years ago", "web Exited (0) old ago"),
        ("Restarting (1) 5 seconds ago", "web Restarting (1) young ago"),
        ("Created", "web Created"),
        ("Removal In Progress", "web Removal In Progress"),
    ],
)
def test_an_answer_in_which_only_time_went_by_is_the_same(
    tools: Tools, shell: list[str], says: str, stamp: str
) -> None:
    tools.add("sudo", f"echo '{IDENT} web {says}'")
    done = tools.run(shell, script(LISTED, "known"))
    assert (done.returncode, parse_listed(done.stdout.rstrip("\n"))) == (0, {IDENT: stamp})
    assert is_settled(stamp) is ("young" not in stamp)


@every_shell
@pytest.mark.skipif(shutil.which("timeout") is None, reason="no timeout here")
@pytest.mark.parametrize("probe", [LISTED, TOLD], ids=lambda probe: probe.name)
def test_a_look_at_an_engine_that_hangs_comes_to_an_end(tools: Tools, shell: list[str], probe: Probe[object]) -> None:
    tools.add("sudo", 'case $* in *" -l "*) exit 0 ;; esac; exec sleep 15')
    began = time.monotonic()
    done = tools.run(shell, script(probe).replace("1 8", "1 0.5"))
    assert done.returncode != 0
    assert time.monotonic() - began < 12
    assert "dockerd does not answer" in done.stderr


@every_shell
def test_what_sudo_allowed_is_not_asked_again(tools: Tools, shell: list[str]) -> None:
    tools.add("sudo", "exit 0")
    for words, asks in ((), 2), (("known",), 0):
        done = tools.run(shell, script(LISTED, *words))
        assert (done.returncode, parse_listed(done.stdout.rstrip("\n"))) == (0, {})
        assert sum(" -l " in line for line in tools.called) == asks
        (tools.folder / "called").unlink()


@every_shell
@pytest.mark.parametrize("probe", [LISTED, TOLD], ids=lambda probe: probe.name)
def test_what_sudo_refuses_is_no_empty_host(tools: Tools, shell: list[str], probe: Probe[object]) -> None:
    tools.add("sudo", f"echo '{REFUSED}' >&2; exit 1")
    done = tools.run(shell, script(probe, "known"))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", REFUSED)
    assert tools.run(shell, script(LISTED)).returncode == 3


@every_shell
@pytest.mark.parametrize("says", ["Error: No such container: b", "Error response from daemon: no such container: b"])
def test_a_container_that_went_meanwhile_leaves_the_others(tools: Tools, shell: list[str], says: str) -> None:
    body = """case $* in *" a"*) echo '{"Id":"a","Name":"/a"}' ;; esac"""
    tools.add("sudo", f"{body}\necho '{says}' >&2; exit 1")
    done = tools.run(shell, script(TOLD, "a", "b"))
    assert (done.returncode, [one.name for one in parse_told(done.stdout.rstrip()).containers]) == (0, ["a"])
    done = tools.run(shell, script(TOLD, "b"))
    assert (done.returncode, done.stdout) == (0, "")


@every_shell
def test_what_docker_says_of_one_that_it_cannot_tell_is_kept_and_leaves_the_others(
    tools: Tools, shell: list[str]
) -> None:
    body = """case $* in *" a"*) echo '{"Id":"a","Name":"/a"}' ;; esac"""
    tools.add("sudo", f"{body}\necho 'Error response from daemon: it is odd' >&2; exit 1")
    expected: tuple[tuple[tuple[str, ...], list[str]], ...] = ((("a", "b"), ["a"]), (("b",), []))
    for idents, names in expected:
        done = tools.run(shell, script(TOLD, *idents))
        told = parse_told(done.stdout.rstrip("\n"))
        assert (done.returncode, [one.name for one in told.containers]) == (0, names)
        assert told.said == "Error response from daemon: it is odd"


def test_neither_the_environment_nor_what_health_checks_print_is_asked_for() -> None:
    for word in ("{{json .}}", ".Config.Env", ".Config}}", ".Labels}}", ".State}}", ".Health}}", ".Log", ".Args"):
        assert word not in TOLD.script.replace("{{with .State.Health}}", "")


def test_a_container_is_read_as_its_engine_tells_it() -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    data = {"Id": IDENT, "Name": "/shop_web_1", "State": {"Status": "running", "Pid": 7}, "Config": {"Labels": labels}}
    [one] = parse_told(json.dumps(data)).containers
    assert (one.ident, one.name, one.pid, one.project) == (IDENT, "shop_web_1", 7, Project("shop", "web"))


def test_one_that_cannot_be_read_leaves_the_others_alone() -> None:
    odd: tuple[object, ...] = ({"Id": 3}, {"Id": "abc", "Name": "/web", "State": "odd", "Config": 4}, [])
    assert [one.name for one in parse_told("\n".join(map(json.dumps, odd))).containers] == ["web"]
    with pytest.raises(ParseError):
        parse_told("docker: command not found")
    with pytest.raises(ParseError):
        parse_listed(f"{IDENT} web Up old\nWARNING: something else")
