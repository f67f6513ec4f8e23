"""A port that somebody's login over SSH forwards is no way to the host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from console.core.finding import Proposal
from console.core.keepers import is_ssh_session
from console.core.network import Listener
from console.core.snapshot import Snapshot
from console.diagnosis import diagnose
from console.diagnosis.evidence import Evidence
from tests.lab import FreshHost, Host, Lab
from tests.patience import SHARED

from .factories import failed, identity, listener, process, snapshot, symptom
from .real import why

SCOPE = "session-7.scope"


@pytest.mark.parametrize(
    ("name", "command", "found"),
    [
        ("sshd", "sshd: oncall         ", True),
        ("sshd", "sshd: oncall@pts/0", True),
        ("sshd", "sshd: oncall [priv]", True),
        ("sshd-session", "sshd-session: oncall@notty", True),
        ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", False),
        ("sshd", "/usr/sbin/sshd -p 8080", False),
        ("sshd", "sshd: [accepted]", False),
        ("python3", "sshd: oncall", False),
        ("dropbear", "dropbear -R", False),
        ("sshd", None, False),
    ],
)
def test_a_session_is_told_from_the_server_by_its_title(name: str, command: str | None, found: bool) -> None:
    assert is_ssh_session(name, command) is found


def _forward(command: str = "sshd: oncall", **changes: object) -> Evidence:
    group = f"/user.slice/user-1001.slice/{SCOPE}"
    socket: Listener = listener(
        "127.0.0.1", pids=(143,), process="sshd", user="oncall", uid=1001, unit=SCOPE, cgroup=group
    )
    socket = replace(socket, **changes)  # type: ignore[arg-type]
    known = process(143, name="sshd", user="oncall", command=command, cgroup=socket.cgroup, ppid=130, started=5)
    host = snapshot(services=(failed(),), listeners=(socket,), symptoms=(symptom(),), processes=(known,))
    return _evidence(host) if socket.pids else replace(_evidence(host), processes=())


def _evidence(host: Snapshot) -> Evidence:
    return Evidence(host, host.services[0].ref, processes=host.processes, sockets=())


def _way(evidence: Evidence) -> Proposal:
    return diagnose(evidence).actions[0]


def test_the_forward_of_a_login_is_ended_with_its_session() -> None:
    way = _way(_forward())
    assert (way.id, way.label) == ("end-session", "end the SSH session of oncall that forwards 8080")
    assert way.commands == ("loginctl session-status 7",)
    assert way.reason_off is not None
    assert "loginctl terminate-session 7" in way.reason_off
    assert not way.recommended
    assert not way.intents


def test_without_a_unit_of_the_login_only_the_session_is_named() -> None:
    way = _way(_forward(unit="ssh.service", cgroup="/system.slice/ssh.service"))
    assert (way.id, way.commands) == ("end-session", ())


def test_a_server_that_somebody_started_is_a_way_to_the_host() -> None:
    way = _way(_forward("sshd: /usr/sbin/sshd -p 8080 [listener] 0 of 10-100 startups"))
    assert way.reason_off == "by hand: it is the way to this host"


def test_the_own_session_is_the_way_by_which_the_console_is_here() -> None:
    evidence = _forward()
    own = replace(evidence, snapshot=replace(evidence.snapshot, identity=identity(session=(143,))))
    assert _way(own).reason_off == "by hand: it is the way to this host"


def test_of_a_hidden_process_of_a_login_it_is_not_said_what_it_is() -> None:
    way = _way(_forward(pids=(), process=None))
    assert way.label == "end what the login of oncall has at 8080"
    assert "maybe a forward" in (way.reason_off or "")


@contextmanager
def _forwarding(lab: Lab, host: Host) -> Iterator[None]:
    words = ["ssh", "-F", str(lab.ssh_config("oncall")), "-N", "-R", "8080:127.0.0.1:22", host.name]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as client:
        try:
            host.wait("ss -Hltnp 'sport = :8080' | grep -q sshd")
            yield
        finally:
            client.terminate()
            client.wait(timeout=SHARED * 10)


def test_on_a_host_the_forward_of_a_login_is_no_way_to_it(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    with _forwarding(lab, host):
        host.install_api()
        host.wait("systemctl is-failed --quiet api.service", timeout=30)
        for user, label in (
            ("root", "end the SSH session of oncall that forwards 8080"),
            ("nosudo", "end what the login of oncall has at 8080"),
        ):
            way = why(lab, host, ["/api"], user)[0].actions[0]
            assert (way.id, way.label) == ("end-session", label)
            assert way.commands[0].startswith("loginctl session-status ")
