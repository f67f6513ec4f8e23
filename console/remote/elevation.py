"""What a connection remembers of its looks as root, so that they do not fill the host's log.

sudo notes each command that it runs, and most that it refuses, in the log of the host, and a screen asks the same
again every few seconds.
"""

from collections.abc import Callable, Sequence

from console.probes.elevated import NO_SUDO, REFUSED
from console.remote.shell import Answer, Ask

GOOD_FOR = 30.0
"""Seconds for which an answer through sudo is used again."""


class Elevation:
    """The memory of one connection; of a login that is root nothing needs to be remembered."""

    def __init__(self, clock: Callable[[], float], *, is_root: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_root = is_root
        self._refused: dict[str, Answer] = {}
        """By the probe alone: what sudo is asked for does not depend on the port."""
        self._seen: dict[tuple[str, tuple[str, ...]], tuple[float, Answer]] = {}
        self._nothing = self._asked = False
        """This login gets nothing from sudo, whatever the command."""
        self._asked = False
        """Whether sudo was asked for anything at all."""

    def known(self, ask: Ask) -> Answer | None:
        """The answer that need not be asked for again."""
        if not ask.probe.elevated or self._is_root():
            return None
        if ask.probe.name in self._refused:
            return self._refused[ask.probe.name]
        if self._nothing:
            return Answer(ask.probe, failure="needs root: this login has no sudo without a password", status=NO_SUDO)
        at, answer = self._seen.get((ask.probe.name, ask.args), (0.0, None))
        return answer if answer is not None and self._clock() - at < GOOD_FOR else None

    def together(self, asks: Sequence[Ask]) -> list[Ask]:
        """Those to be asked now: of looks as root only the first, until it is known that sudo grants anything."""
        if self._asked or self._is_root():
            return list(asks)
        first = next((ask for ask in asks if ask.probe.elevated), None)
        return [ask for ask in asks if ask is first or not ask.probe.elevated]

    def note(self, ask: Ask, answer: Answer) -> None:
        """Keep an answer that came from the host."""
        if not ask.probe.elevated or self._is_root():
            return
        self._asked = True
        if answer.status in (REFUSED, NO_SUDO):
            self._refused[ask.probe.name] = answer
            self._nothing = self._nothing or answer.status == NO_SUDO
        elif answer.failure is None:
            self._seen[ask.probe.name, ask.args] = (self._clock(), answer)

    def forget(self) -> None:
        """A person wants it asked anew: also what was refused, because the missing line may be there now."""
        self._refused.clear()
        self._seen.clear()
        self._nothing = self._asked = False
