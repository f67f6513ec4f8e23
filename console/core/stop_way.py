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

    @property
    def words(self) -> str:
        """``SIGTERM, then SIGKILL after 90 s``."""
        first = self.signal or "its stop signal"
        if self.seconds is None:
            return f"{first}, and waits for its end without limit"
        if self.last is None:
            return f"{first}, and nothing more where it has not ended after {whole(self.seconds)}"
        return f"{first}, then {self.last} after {_span(self.seconds)}"


def _span(seconds: float) -> str:
    return whole(seconds) if seconds >= 10 or seconds == int(seconds) else f"{seconds:g} s"
