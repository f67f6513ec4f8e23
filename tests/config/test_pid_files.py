"""Services that are declared by their pid files."""

import pytest

from console.cli.declared import log_files, pid_files
from console.config.load import parse
from console.config.mistakes import ConfigError
from console.config.places import example
from console.core.pid_file import PidFile
from console.core.service import Service, ServiceRef, State
from console.remote.transport import HostSpec

HEAD = '[[services]]\nname = "worker"\nmanager = "pidfile"\n'


def test_the_example_declares_one_for_its_host() -> None:
    config = parse(example(), "example")
    [found] = pid_files(config, HostSpec("web1", "web1"))
    assert found == PidFile(
        "worker", "/srv/worker/worker.pid", ("/srv/worker/bin/worker", "--queue", "mail"), "/srv/worker", "deploy",
        "TERM", 10.0, ("/var/log/worker.log",),
    )  # fmt: skip
    assert pid_files(config, HostSpec("db1", "db1")) == ()


def test_what_is_not_said_has_its_default() -> None:
    config = parse(HEAD + 'pid_file = "/run/worker.pid"\n', "f")
    assert pid_files(config, HostSpec("any", "any")) == (PidFile("worker", "/run/worker.pid"),)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        (HEAD, ["f:1: services[worker].pid_file: not there; expected the pid file of the service"]),
        (HEAD + 'pid_file = "worker.pid"\n', ['f:4: services[worker].pid_file: found "worker.pid"; expected an abs']),
        (
            HEAD + 'pid_file = "/x"\ncommand = []\n',
            ["f:5: services[worker].command: found an empty list; expected a program and its arguments"],
        ),
        (
            HEAD + 'pid_file = "/x"\ncommand = ["-c"]\nstop_signal = "KILL"\nstop_timeout = 0\n',
            [
                "f:5: services[worker].command: found",
                'f:6: services[worker].stop_signal: found "KILL"; expected one of TERM, INT, QUIT, HUP, USR1, USR2',
                "f:7: services[worker].stop_timeout: found 0; expected a number from 1 to 600 seconds",
            ],
        ),
        (
            '[[services]]\nname = "api"\npid_file = "/run/api.pid"\n',
            ["f:3: services[api].pid_file: no manager is named; expected no pid_file, or manager = "],
        ),
        (
            '[[services]]\nname = "api"\nmanager = "systemd"\npid_file = "/run/api.pid"\n',
            ["f:4: services[api].pid_file: the manager is not pidfile; expected no pid_file, or manager = "],
        ),
        (
            HEAD + 'pid_file = "/x"\n' + HEAD.replace("worker", "other") + 'pid_file = "/x"\n',
            ['f:8: services[other].pid_file: "/x" is another service\'s too; expected a pid file of its own'],
        ),
        (HEAD + 'pid_file = "/x"\ncommand = ["a\\nb"]\n', ["f:5: services[worker].command[#1]: found"]),
    ],
)
def test_mistakes_name_line_and_key(text: str, starts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f", managers=("systemd", "pidfile"))
    lines = caught.value.lines
    assert len(lines) == len(starts), lines
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)


def test_the_log_that_its_manager_reads_is_not_read_twice() -> None:
    text = HEAD + 'pid_file = "/run/w.pid"\nlogs = ["/var/log/a.log", "/var/log/b.log"]\n'
    ref = ServiceRef("any", "pidfile", "worker")
    known = (Service(ref, State.RUNNING, "running"),)
    assert log_files(parse(text, "f"), HostSpec("any", "any"), ref, known) == ("/var/log/b.log",)
