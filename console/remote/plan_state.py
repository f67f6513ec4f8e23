"""What a plan on a host has told so far, line by line, as ``PlanProgress``. Pure.

The lines are those of ``plan_door.sh``: ``s`` a line of the state file, ``o`` output of a step, ``h`` a sign of life,
``d`` what the door itself says.
"""

import re
from dataclasses import dataclass, field

from console.core.clients import daemon_of, tabular
from console.core.command import Command
from console.core.plan import FAULT_FOUND, Check, Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.text import Masker, cut, sanitise
from console.remote.plan_locks import LockHolder, duration_words, number
from console.remote.plan_script import lock_key, share_key

OUTPUT_LINES = 200
"""Lines of output of a step that are kept, the last ones."""

LINE_LENGTH = 2000

_PHASES = ("preflight", "step", "check", "undo", "evidence", "closing", "after")
_WORDS = {
    "running": StepState.RUNNING,
    "done": StepState.DONE,
    "failed": StepState.FAILED,
    "skipped": StepState.SKIPPED,
}
_RESULTS = {
    "done": Result.DONE,
    "undone": Result.UNDONE,
    "failed": Result.FAILED,
    "refused": Result.REFUSED,
}

_advice = re.compile(r'See "?system|To force a start use "systemctl|followed by "systemctl start')
"""What systemctl says last of a start that failed, below the line that says why."""


@dataclass(slots=True)
class _Look:
    """One step or check as far as it is told."""

    state: StepState = StepState.PENDING
    seconds: float | None = None
    exit: int | None = None
    over: bool = False
    held: float | None = None
    """Set when a check succeeded first and then failed: for how many seconds it had held."""
    lines: list[str] = field(default_factory=list)
    line_limit: int = OUTPUT_LINES
    masker: Masker = field(default_factory=Masker)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def last(self) -> str:
        said = [line.strip() for line in self.lines if line.strip()]
        return next((line for line in reversed(said) if not _advice.match(line)), said[-1] if said else "")

    def say(self, text: str) -> None:
        self.lines.append(self.masker.mask(cut(sanitise(text), LINE_LENGTH)))
        del self.lines[: -self.line_limit]

    def begin(self) -> None:
        """It is run anew: what it said before, and a key that was cut there, are over."""
        self.lines.clear()
        self.masker = Masker()


class PlanState:
    """Collects what is told of one plan."""

    def __init__(self, plan: Plan, *, root: bool = False) -> None:
        self.plan = plan
        self.root = root
        self.result: Result | None = None
        self.reason: str | None = None
        self.broke: list[str] = []
        self.took: float | None = None
        """Seconds from its beginning to its result, by its host's own record; ``None`` where that has none."""
        self.begun = False
        """Whether the host has written a first line."""
        self.prepared: tuple[StepResult, ...] | None = None
        """How far its preparations are; ``None`` of a plan that was handed over already."""
        self._looks: dict[str, dict[int, _Look]] = {
            "preflight": {n: _Look() for n, _ in enumerate(plan.preflight, 1)},
            "step": {n: _Look() for n, _ in enumerate(plan.steps, 1)},
            "check": {n: _Look() for n, _ in enumerate(plan.checks, 1)},
            "undo": {n: _Look() for n, _ in plan.undo_order},
            "evidence": {n: _Look() for n, _ in enumerate(plan.evidence, 1)},
            "closing": {n: _Look() for n, _ in enumerate(plan.closing, 1)},
            "after": {n: _Look() for n, _ in enumerate(plan.aftermath, 1)},
        }

    def feed(self, line: str) -> bool:
        """Take in one line of the door; whether anything to show has changed."""
        tag, _, rest = line.partition(" ")
        if tag == "s":
            return self._state(rest)
        if tag == "o":
            return self._output(rest)
        return False

    def _output(self, rest: str) -> bool:
        where, _, text = rest.partition(" ")
        phase, _, number = where.partition(".")
        look = self._look(phase, number)
        found = self._item(phase, number)
        if look is None or (found is not None and tabular(found.command, text)):
            return False
        look.say(text)
        return True

    def _look(self, phase: str, number: str) -> _Look | None:
        return self._looks.get(phase, {}).get(int(number)) if number.isdecimal() and len(number) < 6 else None

    def _state(self, line: str) -> bool:
        words = line.split()
        if not words:
            return False
        if words[0] == "run":
            self.begun = True
            return True
        if words[0] == "broke" and len(words) == 3:
            self.broke.append(sanitise(words[2])[:64])
            return True
        if words[0] == "took":
            self.took = _seconds(words, 1)
            return False
        if words[0] == "result" and len(words) > 1:
            return self._end(words[1], words[2:])
        if len(words) == 4 and words[2] == "late":
            return self._late(words)
        if len(words) < 3 or words[0] not in _PHASES or words[2] not in _WORDS:
            return False
        look = self._look(words[0], words[1])
        if look is None:
            return False
        look.state = _WORDS[words[2]]
        if look.state is StepState.RUNNING:
            look.begin()
        look.exit = _integer(words, 3)
        look.seconds = _seconds(words, 4)
        look.over = words[5:6] == ["over"]
        look.held = _seconds(words, 6) if words[5:6] == ["flapped"] else None
        return True

    def _late(self, words: list[str]) -> bool:
        look = self._look(words[0], words[1])
        if look is None:
            return False
        look.say(f"still at it after {_span(words[3])}: it is waited for, since half of it would be worse")
        return True

    def _end(self, word: str, cause: list[str]) -> bool:
        if word not in _RESULTS or self.result is not None:
            return False
        self.result = _RESULTS[word]
        self.reason = self._reason(cause)
        self.skip_rest()
        if self.result is Result.UNDONE:
            for number, undo in self._looks["undo"].items():
                if undo.state is StepState.DONE and self._looks["step"][number].state is StepState.DONE:
                    self._looks["step"][number].state = StepState.UNDONE
        return True

    def skip_rest(self) -> None:
        """What was not done by now will not be."""
        for phase in ("preflight", "step", "check", "closing"):
            for look in self._looks[phase].values():
                if look.state is StepState.PENDING:
                    look.say("not reached")
                if look.state is StepState.RUNNING and not look.lines:
                    look.say("it had not told when the plan ended")
                if look.state is StepState.RUNNING and phase in ("step", "closing"):
                    # It was begun: what it changed is not known, so it is not left out.
                    look.state = StepState.FAILED
                elif look.state in (StepState.PENDING, StepState.RUNNING):
                    look.state = StepState.SKIPPED

    def _reason(self, cause: list[str]) -> str | None:
        if not cause:
            return None
        cause, ill = _parted(cause, "not-well")
        cause, left = _parted(cause, "not-undone")
        cause, kept = _parted(cause, "kept")
        names = ", ".join(self._name("undo", number) for number in left)
        text = self._cause(cause) if cause else "it failed"
        if len(kept) == 3:
            text += f"; the lock stays until {self._name(*kept[1:])} has ended, at most {_span(kept[0])}"
            return f"{text}; because it still runs this was not done or not finished: {names}" if names else text
        if ill:
            look = self._look("after", ill[0])
            said = f" ({look.last})" if look is not None and look.last else ""
            return f"{text}; it was undone, and yet it does not hold that {self._name('after', ill[0])}{said}"
        return f"{text}; and these could not be undone: {names}" if names else text

    def _cause(self, cause: list[str]) -> str:
        known = _FIXED.get(cause[0])
        if known is not None:
            return known
        if cause[0] == "lock":
            return self._locked(cause)
        if cause[0] == "link" and len(cause) > 1:
            return self._unlinked(cause[1], sanitise(" ".join(cause[2:]))[:200])
        if cause[0] == "right" and len(cause) > 1:
            return f"no right to run {self._command_text('step', cause[1])} without a password"
        if cause[0] in _PHASES and len(cause) > 1:
            return self._failure(cause[0], cause[1])
        return sanitise(" ".join(cause))[:200]

    def _locked(self, cause: list[str]) -> str:
        """``lock KEY AGE KIND OWNER PAYLOAD``."""
        holder = LockHolder.parse(cause[1:])
        if holder is None:
            return "another plan holds the lock"
        share = next((one for one in self.plan.shares if share_key(one) == holder.key), None)
        if share is None:
            return holder.sentence(self._locked_ref(holder.key))
        # By whatever name its own console has for the service that locked it.
        whose = holder.target.partition("/")[2]
        return f"{share}: {holder.sentence(f'{self.plan.target.host}/{whose}' if whose else None)}"

    def _unlinked(self, key: str, said: str) -> str:
        """``link KEY WHY``: nobody holds the lock, and yet it could not be made."""
        why = (
            "every name that was tried for it is taken"
            if said == "File exists"
            else said or "the host does not say why"
        )
        return f"the host could not make the lock of {self._locked_ref(key) or 'a service'}, nothing was done: {why}"

    def _locked_ref(self, key: str) -> str | None:
        found = next((str(ref) for ref in self.plan.services if lock_key(ref) == key), None)
        return found or next((share for share in self.plan.shares if share_key(share) == key), None)

    def _failure(self, phase: str, number: str) -> str:
        """Why one step or check is the cause, in words."""
        look = self._look(phase, number)
        name = self._name(phase, number)
        if look is None:
            return f"{name} failed"
        said = f": {look.last}" if look.last else ""
        if look.held is not None:
            return f"flapping: {name} held for {look.held:.1f} s and then failed{said}"
        if look.exit == 125 and look.over:
            return f"{name} took longer than {look.seconds or 0:.0f} s and could not be ended: it still runs{said}"
        if look.over:
            return f"{name} took longer than {look.seconds or 0:.0f} s{self._ended(phase, number)}{said}"
        untold = look.exit in (None, FAULT_FOUND) or phase in ("preflight", "check")
        exit_word = "" if untold else f" with exit {look.exit}"
        return f"{name} failed{exit_word}{said}"

    def _ended(self, phase: str, number: str) -> str:
        found = self._item(phase, number) if phase != "undo" else None
        daemon = daemon_of(found.command) if found is not None else None
        return f": its command was ended, and {daemon} may still be at it" if daemon is not None else " and was ended"

    def _item(self, phase: str, number: str) -> Step | Check | None:
        index = int(number) - 1 if number.isdecimal() and len(number) < 6 else -1
        by_phase: dict[str, tuple[Step | Check, ...]] = {
            "preflight": self.plan.preflight,
            "check": self.plan.checks,
            "evidence": self.plan.evidence,
            "closing": self.plan.closing,
            "after": self.plan.aftermath,
        }
        found = by_phase.get(phase, self.plan.steps)
        return found[index] if 0 <= index < len(found) else None

    def _name(self, phase: str, number: str) -> str:
        found = self._item(phase, number)
        name = found.name if found is not None else f"{phase} {number}"
        return f"undo of {name}" if phase == "undo" else name

    def _command_text(self, phase: str, number: str) -> str:
        found = self._item(phase, number)
        command: Command | None = found.command if found is not None else None
        if command is None:
            return "a step"
        # Of a script what it does: its text tells nobody what is to be allowed.
        return (
            f"a script ({command.purpose})" if command.is_script and command.purpose else command.told(root=self.root)
        )

    def progress(self, *, result: Result | None = None, reason: str | None = None) -> PlanProgress:
        """Where the plan stands; ``result`` and ``reason`` where the host itself has not told."""
        return PlanProgress(
            plan=self.plan,
            prepare=self.prepared if self.prepared is not None else _long_done(self.plan),
            preflight=self._results("preflight"),
            steps=self._results("step"),
            checks=self._results("check"),
            undo=self._results("undo", begun=True),
            evidence=tuple(one for one in self._results("evidence") if one.state is not StepState.PENDING),
            closing=self._results("closing"),
            result=self.result or result,
            reason=self.reason if self.result is not None else reason,
            broke=tuple(dict.fromkeys(self.broke)),
            proof=self._proof(),
        )

    def _results(self, phase: str, *, begun: bool = False) -> tuple[StepResult, ...]:
        looks = self._looks[phase].items()
        return tuple(
            StepResult(self._name(phase, str(number)), look.state, look.seconds, look.output, exit=look.exit)
            for number, look in looks
            if not begun or look.state is not StepState.PENDING
        )

    def _proof(self) -> tuple[str, ...]:
        if self.result is not Result.DONE:
            return ()
        return tuple(
            look.last or self._name("check", str(number))
            for number, look in self._looks["check"].items()
            if look.state is StepState.DONE or (look.state is StepState.SKIPPED and look.last)
        )


_FIXED = {
    "state": "the host could not write down what is being done (disk full?): nothing more was done",
    "audit": "the host could not write its audit line: nothing was done",
    "interrupted": "the plan was interrupted on the host (shut down, or ended by somebody)",
    "lost": "it lost its lock, which somebody set aside while it stood still: it did nothing more",
    "aborted": "the plan's own process ended unexpectedly on the host",
    "called-off": "it never began on the host and was called off: nothing was done",
}


def _long_done(plan: Plan) -> tuple[StepResult, ...]:
    """The preparations of a plan that its host has: else it would not have it."""
    return tuple(StepResult(one.name, StepState.DONE) for one in plan.prepare)


def _parted(words: list[str], mark: str) -> tuple[list[str], list[str]]:
    """What stands before a word and what after it."""
    at = words.index(mark) if mark in words else len(words)
    return words[:at], words[at + 1 :]


def _span(word: str) -> str:
    seconds = number(word)
    return "its lease" if seconds is None else duration_words(seconds)


def _integer(words: list[str], index: int) -> int | None:
    return number(words[index]) if len(words) > index else None


def _seconds(words: list[str], index: int) -> float | None:
    try:
        seconds = float(words[index])
    except (IndexError, ValueError):
        return None
    return seconds if 0 <= seconds < 1e9 else None
