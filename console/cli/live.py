"""The step that runs now: one line that is written over on a terminal, and told once elsewhere where it takes long."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from console.cli.terminal import Terminal, cut_cells
from console.core.durations import against, whole
from console.core.plan import PlanProgress, StepState

_BACK = "\r\x1b[K"


class LiveLine:
    """What runs, for how long, and how long it took the last time."""

    def __init__(self, terminal: Terminal, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal, self._now = terminal, now
        self._step: tuple[int, str, float | None] | None = None
        # A host tells again from the beginning how far a plan is when its link comes back.
        self._begun: dict[int, float] = {}
        self._paused = False
        self._shown = False

    def clear(self) -> None:
        """Take the line away, before another is printed."""
        if self._shown:
            self._terminal.stream.write(_BACK)
            self._shown = False

    def follow(self, progress: PlanProgress) -> None:
        """Show the step that runs, if one does; a link that was lost is told once."""
        self._pause(progress)
        step = _running(progress)
        if step is None:
            self.clear()
        elif step[0] not in self._begun and not self._terminal.moves and step[2] is not None:
            self._print(f"{self._terminal.state('running')}  {step[1]}  took {whole(step[2])} the last time")
        for place, result in enumerate(progress.steps):
            if result.state is not StepState.PENDING:
                self._begun.setdefault(place, self._now())
        self._step = step
        self.tick()

    def _pause(self, progress: PlanProgress) -> None:
        lost = progress.reason if progress.result is None else None
        if lost is not None and not self._paused:
            self._print(lost)
        self._paused = lost is not None

    def _print(self, line: str) -> None:
        self.clear()
        self._terminal.wrap(line)
        self._terminal.stream.flush()

    def tick(self) -> None:
        """Write the line anew."""
        if self._step is None or not self._terminal.moves:
            return
        place, name, usual = self._step
        elapsed = f" ... {against(self._now() - self._begun[place], usual)}"
        state = self._terminal.state("running")
        room = max(8, (self._terminal.width or 80) - len(elapsed) - len("* running  ") - 1)
        self._terminal.stream.write(f"{_BACK}{state}  {cut_cells(name, room)}{elapsed}")
        self._terminal.stream.flush()
        self._shown = True

    async def every_second(self) -> None:
        """Count on until it is cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(1.0)
                self.tick()


def _running(progress: PlanProgress) -> tuple[int, str, float | None] | None:
    for place, (step, result) in enumerate(zip(progress.plan.steps, progress.steps, strict=False)):
        if result.state is StepState.RUNNING:
            return place, step.name, step.usual
    return None
