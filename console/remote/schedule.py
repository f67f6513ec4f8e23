"""When each probe is due."""

import math
from collections.abc import Iterable
from typing import Any

from console.core.probe import Probe

MAX_DELAY = 60.0
"""Seconds: a failing probe is asked ever more rarely, but at least this often."""


class Allowance:
    """So many at once, and in the long run one each ``seconds``."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._left, self._at = float(most), -math.inf

    def take(self, now: float) -> bool:
        """Whether one is left; if so, it is taken."""
        self._left = min(self._most, self._left + (now - self._at) / self._seconds)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Schedule:
    """Due times of the probes of one lane, by the console's monotonic clock."""

    def __init__(self, probes: Iterable[Probe[Any]]) -> None:
        self._due: dict[str, float] = {}
        self._failed: dict[str, int] = {}
        self._probes = {probe.name: probe for probe in probes if probe.every > 0}

    @property
    def probes(self) -> tuple[Probe[Any], ...]:
        """Those that are still asked."""
        return tuple(self._probes.values())

    def due(self, now: float, within: float = math.inf) -> list[Probe[Any]]:
        """The probes to ask now, in their order; each is then due again after its interval.

        ``within``: only those that are asked at least that often, in seconds.
        """
        found = []
        for name, probe in self._probes.items():
            if probe.every <= within and now >= self._due.get(name, 0.0) - 0.05:
                found.append(probe)
                delay = probe.every * 2 ** self._failed.get(name, 0)
                self._due[name] = now + (min(delay, max(MAX_DELAY, probe.every)))
        return found

    def knows(self, name: str) -> bool:
        """Whether a probe of that name is asked here."""
        return name in self._probes

    def early(self, name: str, now: float) -> bool:
        """Whether a probe may be asked before it is due, as one that fails may not; if so, it counts as asked now."""
        probe = self._probes.get(name)
        if probe is None or self._failed.get(name):
            return False
        self._due[name] = now + probe.every
        return True

    def now(self, *names: str) -> None:
        """Make probes due at once."""
        for name in names:
            if name in self._probes:
                self._due[name] = 0.0

    def everything(self) -> None:
        """Make every probe due at once, also those that failed."""
        self._due.clear()
        self._failed.clear()

    def failed(self, name: str, *, failure: bool) -> None:
        """Tell how a probe went, so that a broken one is asked ever more rarely."""
        if failure:
            self._failed[name] = min(self._failed.get(name, 0) + 1, 6)
        else:
            self._failed.pop(name, None)

    def drop(self, name: str) -> None:
        """Never ask it again in this session (its tool is not there)."""
        self._probes.pop(name, None)

    def next(self) -> float:
        """When the next probe is due."""
        return min((self._due.get(name, 0.0) for name in self._probes), default=float("inf"))
