"""A plan: its steps by name, their commands where they are short, and how far each of them is."""

import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip

from console.core.durations import against
from console.core.plan import Check, PlanProgress, StepResult, StepState
from console.ui.cells import Cell, Text, plain, seconds, step
from console.ui.step_words import step_words
from console.ui.widgets.palette import SCROLL_BINDINGS, Lines, cut_cells, strip_of, width_of

_STATE_WIDTH = 10
_TIME_WIDTH = 14

Elapsed = Callable[[str, int], float | None]
"""Seconds that the step of a section at a place has been running for."""


class PlanSteps(Lines):
    """Preflight, steps, checks and what was undone: number, name, state, seconds and the last line of output."""

    BINDINGS: ClassVar[list[BindingType]] = SCROLL_BINDINGS
    DEFAULT_CSS = "PlanSteps { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``now`` gives monotonic seconds: what runs is counted from when it was first seen to run."""
        super().__init__(name=name, id=id, classes=classes)
        self._now = now
        self._progress: PlanProgress | None = None
        self._lines: list[list[Cell]] = []
        self._since: dict[tuple[str, int], float] = {}

    def on_mount(self) -> None:
        """Count the seconds of what runs."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self._since:
            self._compose_lines()

    def _elapsed(self, section: str, place: int) -> float | None:
        since = self._since.get((section, place))
        return None if since is None else self._now() - since

    def show(self, progress: PlanProgress) -> None:
        """Show how far a plan is; ``PlanProgress(plan)`` is one that has not begun."""
        if progress == self._progress:
            return
        if self._progress is None or progress.plan.id != self._progress.plan.id:
            self._since = {}
        self._progress = progress
        running = {
            (section, place)
            for section, results in _sections(progress)
            for place, result in enumerate(results)
            if result.state is StepState.RUNNING
        }
        self._since = {key: self._since.get(key, self._now()) for key in running}
        self._compose_lines()

    def on_resize(self) -> None:
        """Fit the commands to another width."""
        self._compose_lines()

    def _compose_lines(self) -> None:
        progress, width = self._progress, self.size.width
        if progress is None or not width:
            return
        old, self._lines = self._lines, plan_lines(progress, width, self._elapsed)
        self.set_line_count(len(self._lines))
        top = self.scroll_offset.y
        for y in range(self.size.height):
            if old[top + y : top + y + 1] != self._lines[top + y : top + y + 1]:
                self.refresh_line(top + y)
        self._reveal_running()

    def _reveal_running(self) -> None:
        """Keep the step that runs in sight."""
        running = step(StepState.RUNNING).text
        line = next((i for i, cells in enumerate(self._lines) if any(c.text.startswith(running) for c in cells)), None)
        top, height = self.scroll_offset.y, self.size.height
        if line is not None and height and not top <= line < top + height:
            self.scroll_to(y=line - height // 2, animate=False, force=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are, for ``height: auto``."""
        progress = self._progress
        return max(1, len(plan_lines(progress, width))) if progress is not None and width else 1

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y + self.scroll_offset.y
        return strip_of(self._lines[index] if index < len(self._lines) else (), self.size.width, self.book)


def _sections(progress: PlanProgress) -> tuple[tuple[str, Sequence[StepResult]], ...]:
    return (
        ("prepare", progress.prepare),
        ("first", progress.preflight),
        ("", progress.steps),
        ("then check", progress.checks),
        ("at last", progress.closing),
        ("kept", progress.evidence),
        ("undone", progress.undo),
    )


def _never(_section: str, _place: int) -> float | None:
    return None


def plan_lines(progress: PlanProgress, width: int, elapsed: Elapsed = _never) -> list[list[Cell]]:
    """The lines of a plan in a width."""
    plan = progress.plan
    results = dict(_sections(progress))
    begun = any(results.values()) or progress.result is not None
    lines: list[list[Cell]] = []

    def section(title: str, told: Sequence[Text], checks: Sequence[Check] = ()) -> None:
        for index, (words, result) in enumerate(zip_longest(told, results.get(title, ()))):
            label = f"{index + 1}" if not title else title if index == 0 else ""
            text = words if words is not None else result.name if result is not None else ""
            check = checks[index] if index < len(checks) else None
            known = not title and index < len(plan.steps) and width >= 60
            usual = plan.steps[index].usual if known else None
            spent = _spent(result, elapsed(title, index), check, usual)
            lines.extend(_step_lines(label, text, result, spent, begun, width))

    section("prepare", [one.name if begun else one.line for one in plan.prepare])
    section("first", [check.name for check in plan.preflight], plan.preflight)
    section("", [step_words(one.name, one.command) for one in plan.steps])
    section("then check", [check.name for check in plan.checks], plan.checks)
    section("at last", [step_words(one.name, one.command) for one in plan.closing])
    if progress.evidence:
        section("kept", ())
    if progress.undo:
        section("undone", ())
    elif not begun:
        section("if not", [step_words(f"undo {one.name}", one.undo) for _, one in plan.undo_order if one.undo])
    return lines


def _spent(result: StepResult | None, elapsed: float | None, check: Check | None, usual: float | None) -> str:
    """How long it took, or has been running; of a check ``4 s of 5 s`` and, once it is late, ``7 s, up to 35 s``.

    Of a step that took long before also that: ``12 s of about 40 s``.
    """
    if result is None:
        return ""
    if result.state is not StepState.RUNNING:
        return seconds(result.seconds) if result.seconds is not None else ""
    ran = elapsed if elapsed is not None else result.seconds
    if ran is None:
        return ""
    if check is None:
        return against(ran, usual)
    if check.hold and ran > check.hold:
        # It must hold for that long once it is true, and is tried until it is.
        return f"{ran:.0f} s, up to {check.within + check.hold:.0f} s"
    return f"{ran:.0f} s of {check.hold or check.within:.0f} s"


def _step_lines(
    label: str, text: Text, result: StepResult | None, spent: str, begun: bool, width: int
) -> list[list[Cell]]:
    margin = 12 if width >= 60 else 4
    head = Cell(f" {label[: margin - 2]:<{margin - 1}}", "muted")
    if not begun:
        return [[head, *cut_cells(_fitting(text, width - margin - 1), max(1, width - margin - 1))[0]]]
    state = step(result.state if result is not None else StepState.PENDING)
    running = result is not None and result.state is StepState.RUNNING
    right = max(_TIME_WIDTH, len(spent) + 1) if width >= 60 else len(spent) + 1 if running and spent else 0
    room = max(1, width - margin - _STATE_WIDTH - 1 - right)
    words, taken = cut_cells(_fitting(text, room), room)
    line: list[Cell] = [head, Cell(f"{state.text:<{_STATE_WIDTH}} ", state.tone), *words]
    line += [Cell(" " * (room - taken)), Cell(f"{spent:>{max(0, right - 1)}} "[:right], "muted")]
    lines = [line]
    if result is not None and result.output:
        failed = result.state is StepState.FAILED
        output: Text = Cell(result.output.splitlines()[-1], "critical" if failed else "muted")
        indent = margin + _STATE_WIDTH + 1
        lines.append([Cell(" " * indent), *cut_cells(output, max(1, width - indent - 1))[0]])
    return lines


def _fitting(text: Text, room: int) -> Text:
    """The name with its command where both fit, else the name alone: half a command tells nothing."""
    if isinstance(text, tuple) and not isinstance(text, Cell) and width_of(plain(text)) > room:
        return text[:1]
    return text
