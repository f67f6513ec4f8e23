"""What passes a connection on to sshd is on the way by which the console came. Recorded: Debian 12, iproute2 6.1.0."""

from __future__ import annotations

import pytest

from console.core.service import Endpoint
from console.probes.identity import parse

TOLD = "hostname=web1\nuid=1002\nsession= 100 90\ncgroups= /user.slice/user-1002.slice/session-3.scope\n"
GATE = "ino:4656084 sk:162b cgroup:/system.slice/gate.service <->"
SHOWN = f'ESTAB 0      0      127.0.0.1:59606 127.0.0.1:22 users:(("systemd-socket-",pid=262,fd=10)) {GATE}'
HIDDEN = f"ESTAB 0      0      127.0.0.1:59606 127.0.0.1:22 {GATE}"


@pytest.mark.parametrize(("row", "pids"), [(SHOWN, (262,)), (HIDDEN, ())])
def test_a_relay_is_among_what_the_console_came_by(row: str, pids: tuple[int, ...]) -> None:
    found = parse(f"{TOLD}came=127.0.0.1 59606 127.0.0.1 22\nrelay={row}\n")
    assert found.session == (100, 90, *pids)
    assert found.cgroups == ("/user.slice/user-1002.slice/session-3.scope", "/system.slice/gate.service")
    assert (found.came_by, found.relayed) == (Endpoint("tcp", "127.0.0.1", 22), True)


@pytest.mark.parametrize(
    ("came", "relayed"),
    [
        ("127.0.0.1 59606 127.0.0.1 22", True),
        ("::1 59606 ::1 22", True),
        ("10.0.0.5 59606 10.0.0.5 22", True),
        ("10.0.0.9 59606 10.0.0.5 22", False),
        ("", False),
    ],
)
def test_without_ss_its_address_tells(came: str, *, relayed: bool) -> None:
    found = parse(f"{TOLD}came={came}\n")
    assert (found.session, found.relayed) == ((100, 90), relayed)


def test_what_is_at_the_same_ports_of_other_addresses_is_none() -> None:
    found = parse(f"{TOLD}came=10.0.0.9 59606 10.0.0.5 22\nrelay={SHOWN}\n")
    assert (found.session, found.relayed) == ((100, 90), False)
    # What cannot be read is not known, and all else is.
    assert parse(f"{TOLD}came=127.0.0.1 59606 127.0.0.1 22\nrelay=odd\n").session == (100, 90)
