"""The test of a configuration before it is read anew, by processes and tools of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.actions import config_test
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


@every_shell
@pytest.mark.parametrize(("rights", "ended"), [("root", 77), ("sure", 1), ("self", 0)])
@pytest.mark.parametrize("said", ["not now", "sudo: a password is required"])
def test_what_may_not_be_tested_is_restarted_untested_but_for_the_way_in(
    tmp_path: Path, start: Start, shell: list[str], rights: str, ended: int, said: str
) -> None:
    """By a login that sudo lets nothing do: it tests only what is its own."""
    tools = Tools(tmp_path)
    tools.add("sudo", f"echo {said} >&2; exit 1")
    tools.add("sshd", "")
    script = f"id() {{ case $1 in -un) echo oncall ;; *) echo 7 ;; esac; }}\n{config_test._TEST}"
    script = script.replace("PATH=/usr/local/sbin:", f"PATH={tmp_path}:/usr/local/sbin:")
    done = tools.run(shell, script, "sshd", rights, "0", "echo", f"MainPID={start('sshd')}")
    assert done.returncode == ended, done
    if ended:
        assert f"oncall ALL=(root) NOPASSWD: {tmp_path}/sshd -t" in done.stdout


@every_shell
@pytest.mark.parametrize(
    ("begins", "said"),
    [
        ("/usr/sbin/nginx -c /new.conf -g daemon on; master_process on;", "nginx -t -q -c /new.conf"),
        ("", "nginx -t -q -c /old.conf"),
    ],
)
def test_before_a_restart_what_the_new_process_will_read_is_tested(
    tmp_path: Path, start: Start, shell: list[str], begins: str, said: str
) -> None:
    tools = Tools(tmp_path)
    tools.add("nginx", "")
    pid = start("nginx: master process nginx -c /old.conf")
    done = tools.run(shell, config_test._TEST, "nginx", "self", "2", "echo", begins, "echo", f"MainPID={pid}")
    assert (done.returncode, tools.called) == (0, [said]), done


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
    done = tools.run(shell, config_test._TEST, tool, "root", "0", "echo", f"MainPID={pid}")
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
        (0, "echo no; exit 78", 1, "check --all ended with 78"),
        (7, "echo no; exit 78", 1, "check --all ended with 78"),
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
    script = f"id() {{ echo {code}; }}\n{config_test._OWN_TEST}"
    script = script.replace("PATH=/usr/local/sbin:", f"PATH={tmp_path}:/usr/local/sbin:")
    done = tools.run(shell, script, "check", "--all")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (ended, last), done


@every_shell
@pytest.mark.parametrize("said", ["not now", "sudo: a password is required"])
def test_a_configured_test_that_may_not_be_run_is_no_failure(tmp_path: Path, shell: list[str], said: str) -> None:
    tools = Tools(tmp_path)
    tools.add("sudo", f"echo {said} >&2; exit 1")
    tools.add("check", "exit 77")
    script = f"id() {{ echo 7; }}\n{config_test._OWN_TEST}"
    script = script.replace("PATH=/usr/local/sbin:", f"PATH={tmp_path}:/usr/local/sbin:")
    done = tools.run(shell, script, "check")
    assert (done.returncode, done.stdout.partition(":")[0]) == (77, "not tested"), done


@every_shell
def test_words_that_are_apart_are_not_split(tmp_path: Path, start: Start, shell: list[str]) -> None:
    tools = Tools(tmp_path)
    tools.add("haproxy", 'for one; do echo "<$one>"; done; exit 1')
    pid = start("haproxy", "-s", "-f", "/a b")
    done = tools.run(shell, config_test._TEST, "haproxy", "root", "0", "echo", f"MainPID={pid}")
    assert (done.returncode, "<-f>\n</a b>\n" in done.stdout) == (1, True), done
