"""Attempts to reach a port, and where each was made from."""

from dataclasses import dataclass
from enum import StrEnum


class Reached(StrEnum):
    """What came of an attempt to connect."""

    ANSWERS = "answers"
    REFUSED = "refused"
    """Told that nobody listens there, or that it is not wanted."""
    SILENT = "silent"
    """Nothing came back in time: dropped on the way, or too busy."""
    FAILED = "failed"
    """The network said no, e.g. that there is no way there."""
    NOT_TRIED = "not tried"


class Vantage(StrEnum):
    """Where an attempt was made from, and so what it proves."""

    HOST = "on the host"
    """Only that somebody accepts there: it never meets the rules for what comes from outside."""
    SSH = "through ssh"
    """The same: sshd connects from the host itself, to an address of its own."""
    HERE = "from here"
    """The machine of the console: what a client beside it meets."""
    OTHER = "from another host"
    """What a client on that host meets."""

    @property
    def outside(self) -> bool:
        """Whether it met what keeps clients out."""
        return self in (Vantage.HERE, Vantage.OTHER)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect to an address and a port."""

    vantage: Vantage
    address: str
    port: int
    result: Reached
    said: str = ""
    """The words of the tool or the kernel, or why it was not tried."""
    tool: str = ""
    host: str | None = None
    """The other host's name."""

    @property
    def where(self) -> str:
        """``on the host``, ``from web2``."""
        return f"from {self.host}" if self.host is not None else self.vantage.value
