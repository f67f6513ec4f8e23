"""How a service manager ends a service: by which signal, how long it waits, and what then follows."""

from dataclasses import dataclass

from console.core.durations import whole


@dataclass(frozen=True, slots=True)
class StopWay:
    """``signal`` comes first, ``None`` where the manager does not tell which; after ``seconds`` comes ``last``.

    Without ``last`` nothing follows, and the manager gives up after that time; ``seconds`` is ``None`` where it waits
    for ever.
    """

    signal: str | None
    seconds: float | None
    last: str | None = "SIGKILL"
    spares: str | None = None
    """What says that only its main process is ended, and nothing that this started: ``KillMode=process``."""
    unless: str | None = None
    """What may say otherwise and was not told: then the time, and a signal, are what the manager has by default."""

    @property
    def words(self) -> str:
        """``SIGTERM, then SIGKILL after 90 s``."""
        first, doubt = self.signal or "its stop signal", f", unless {self.unless} says otherwise" if self.unless else ""
        if self.seconds is None:
            return f"{first}, and waits for its end without limit"
        if self.last is None:
            return f"{first}, and nothing more where it has not ended after {whole(self.seconds)}"
        return f"{first}, then {self.last} after {_span(self.seconds)}{doubt}"


LONGEST = 4 * 3600.0
"""Seconds: a lock may not be kept much longer than a day, and a plan may stop several services."""
_AFTER = 30.0
"""Seconds after the last signal in which what was stopped is gone and the manager says so."""


def patience(way: StopWay | None) -> float:
    """Seconds that a command which stops a service is given on top, since its manager may wait so long.

    None where that is not told, and where it waits without limit or for more than ``LONGEST``: see ``outwaits``.
    """
    seconds = None if way is None or outwaits(way) else way.seconds
    return 0.0 if seconds is None else seconds + _AFTER


def start_patience(seconds: float | None) -> float:
    """Seconds that a command which starts a service is given, where its manager waits ``seconds`` for that.

    None where that is not told, and where it waits without limit or for more than ``LONGEST``.
    """
    return 0.0 if seconds is None or seconds > LONGEST else seconds + _AFTER


def outwaits(way: StopWay) -> bool:
    """Whether the manager waits longer for the end of a service than any command is given."""
    return way.seconds is None or way.seconds > LONGEST


def _span(seconds: float) -> str:
    return whole(seconds) if seconds >= 10 or seconds == int(seconds) else f"{seconds:g} s"
