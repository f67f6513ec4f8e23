"""What a fleet asks of a host whose connection gives no further channel."""

from typing import Any

import pytest

from console.core.command import Command, Output
from console.core.plan import Step
from console.core.snapshot import Identity
from console.remote.fleet import Fleet
from console.remote.transport import ChannelRefusedError, HostSpec
from tests.remote.plans import make


class Connection:
    """Answers what sudo allows, or has no channel for it."""

    def __init__(self, *, full: bool) -> None:
        self.host, self.connected, self.full, self.closed = "web1", not full, full, False

    async def connect(self) -> None:
        self.connected = True

    async def close(self) -> None:
        self.closed = True

    async def run(self, _command: Command, _stdin: bytes = b"") -> Output:
        if self.full:
            raise ChannelRefusedError("MaxSessions 1")
        return Output(0, "user oncall\npath 0 /usr/bin/systemctl\nexit 0 1\nsaid 0 sudo: a password is required\n")


async def test_rights_are_asked_over_a_connection_of_their_own_where_the_first_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Row 13: MaxSessions 1."""
    own: list[Any] = []

    def connect(_spec: HostSpec) -> Any:
        own.append(Connection(full=False))
        return own[-1]

    fleet = Fleet([HostSpec("web1", "web1")], connect, lambda _snapshot: ())
    monkeypatch.setattr(fleet, "transport", lambda _host: Connection(full=True))
    monkeypatch.setattr(fleet, "identity", lambda _host: Identity("web1", "Debian", "6.1", "oncall", 1000))
    step = Step("restart", Command(("systemctl", "restart", "api.service"), elevate=True))
    found = await fleet.rights("web1", make(step))
    assert not found.allowed
    assert found.missing == ("oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service",)
    assert [each.closed for each in own] == [True]
