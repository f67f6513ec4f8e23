"""The output of a preparation while it runs, line by line with the seconds since it began."""

import time

from console.cli.terminal import Terminal
from console.core.command import Effect
from console.core.plan import Preparation, StepResult, StepState

SILENT = 30.0
"""Seconds after which a silent build is said to go on."""
METER = 2.0
"""Seconds between two lines of a meter."""


class PreparationLines:
    """Told again and again of the preparations of a plan."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._begun: set[str] = set()
        self._lines: dict[str, int] = {}
        self._said_at = 0.0
        self._meter = ""

    def tell(self, one: Preparation, result: StepResult) -> None:
        """Print what is new of one, whether it runs or has ended; of a look its end says all."""
        if result.state is StepState.PENDING or one.command.effect is Effect.READ:
            return
        if result.name not in self._begun:
            self._begun.add(result.name)
            self._said_at = time.monotonic()
        self._new(result)
        if result.state is StepState.RUNNING:
            self._meanwhile(result)

    def _new(self, result: StepResult) -> None:
        new = result.lines - self._lines.get(result.name, 0)
        self._lines[result.name] = result.lines
        if new <= 0:
            return
        kept = result.output.split("\n")[-new:]
        if new > len(kept):
            self._say(result, f"[{new - len(kept)} lines left out]")
        for line in kept:
            self._say(result, line)

    def _meanwhile(self, result: StepResult) -> None:
        quiet = time.monotonic() - self._said_at
        if not result.lines and result.output and result.output != self._meter:
            # A meter has one line that changes.
            if quiet >= METER:
                self._meter = result.output
                self._say(result, result.output)
        elif quiet >= SILENT:
            self._say(result, "(it goes on)")

    def _say(self, result: StepResult, line: str) -> None:
        self._said_at = time.monotonic()
        self._terminal.line(f"    {result.seconds or 0.0:6.1f} s  {line}")
        self._terminal.stream.flush()
