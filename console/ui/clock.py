"""The clocks of the console, in one place, so that tests and pictures can hold them still."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds for ages of what was seen, Unix seconds for what hosts tell; ``zone`` is the reader's."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    zone: tzinfo | None = None

    def moment(self, unix: float | None) -> str:
        """An absolute time with its zone: ``2026-11-20 14:02:11 CET``, without the date when it is today."""
        if unix is None:
            return "?"
        then = self._local(unix)
        form = "%H:%M:%S %Z" if then.date() == self._local(self.wall()).date() else "%Y-%m-%d %H:%M:%S %Z"
        return then.strftime(form)

    def stamp(self) -> str:
        """The time of day now: ``14:02:31``."""
        return self._local(self.wall()).strftime("%H:%M:%S")

    def offset(self) -> float:
        """Seconds that the reader's zone is east of UTC now."""
        east = self._local(self.wall()).utcoffset()
        return east.total_seconds() if east is not None else 0.0

    def zone_name(self) -> str:
        """The reader's zone as times are labelled with it: ``CET``."""
        return self._local(self.wall()).strftime("%Z")

    def here(self) -> tzinfo:
        """The reader's zone."""
        return self._local(self.wall()).tzinfo or UTC

    def _local(self, unix: float) -> datetime:
        return datetime.fromtimestamp(unix, UTC).astimezone(self.zone)
