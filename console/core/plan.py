"""A change as data: preview, dry run, JSON, audit line and execution all read the same object."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.command import Command, Effect, quote
from console.core.difference import Difference
from console.core.service import Endpoint, ServiceRef


class ActionKind(StrEnum):
    """What can be done to a service."""

    RESTART = "restart"
    RELOAD = "reload"
    START = "start"
    STOP = "stop"
    RESET_FAILED = "reset-failed"
    DAEMON_RELOAD = "daemon-reload"
    FREE_PORT = "free-port"
    KILL = "kill"
    REBUILD = "rebuild"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants done, before it is worked out: the part of a plan that a finding can propose."""

    kind: ActionKind
    target: ServiceRef
    endpoint: Endpoint | None = None
    """The port that is to be released or taken."""
    release: str | None = None
    """The release that is to be gone back to; ``None`` is the last one that was live and well."""
    then: ServiceRef | None = None
    """What is started once a process was killed for its port."""
    holder: ServiceRef | None = None
    """Who keeps the port from the target, where it does so without listening: by connections."""
    sockets: tuple[int, ...] = ()
    """By which sockets it was seen to do so: their inodes."""
    bound: bool = False
    """These are bound and nothing else: no list of an older ss shows them."""
    after: tuple[ServiceRef, ...] = ()
    """What the same plan has stopped before."""


@dataclass(frozen=True, slots=True)
class Check:
    """A command that must succeed.

    It is tried for up to ``within`` seconds until it succeeds; then it must go on succeeding for ``hold`` seconds.
    """

    name: str
    command: Command
    within: float = 10.0
    hold: float = 0.0
    early: bool = False
    """Looked at too when the plan is reviewed: a person is told what it says before anything is run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a plan and, beside it, what undoes it."""

    name: str
    command: Command
    undo: Command | None = None
    undo_last: bool = False
    """Its undo comes after those of all other steps: a restart takes up the former release when that is back.

    Of several such steps the first is undone first: what must be cleared before that restart is a step before it.
    """
    undo_unless: Check | None = None
    """What makes the undo needless where it is so at that moment; it is tried once."""
    usual: float | None = None
    """Seconds that it took the last time, where that was noted."""
    otherwise: Intent | None = None
    """What may be offered where just this step fails, as a plan of its own."""
    apart: bool = False
    """It does nothing to the service, as a build: what that says meanwhile is of no failure of the plan's."""
    mark: Command | None = None
    """A look just before it, whose result is kept; of evidence: when the plan first does something to the service."""
    always: bool = False
    """Of what closes a plan: done too once all was undone, with ``HOSTDECK_UNDONE`` set."""
    takes_up: bool = False
    """It lets the service run what is live now: it ends the service and starts it, or starts one that was stopped."""

    @property
    def purpose(self) -> str:
        """What its command does, where its name does not begin with that; else empty."""
        return "" if self.name.startswith(self.command.purpose) else self.command.purpose


class Where(StrEnum):
    """Where something is done that prepares a plan."""

    HOST = "host"
    """A look at the host."""
    HERE = "here"
    """On the console's machine."""
    UPLOAD = "upload"
    """From the console's machine to a command of the host."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done before a plan is handed to its host: nothing that runs there is changed by it."""

    name: str
    where: Where
    command: Command
    """What runs; of an upload what the host runs, which is given the archive."""
    directory: str | None = None
    """On the console's machine: in which it runs, or what is sent."""
    environment: tuple[tuple[str, str], ...] = ()
    """Given to a command of the console's machine beside what is set there."""
    undo: Command | None = None
    """What removes from the host what a part of an upload left."""
    fresh: bool = False
    """What is sent must have been made by this preparation."""

    @property
    def line(self) -> str:
        """For a person: the exact command of a build and where it runs, else what is looked at or sent."""
        if self.where is Where.UPLOAD:
            return self.name
        here = "" if self.where is Where.HOST else ", on this machine"
        if self.command.effect is Effect.READ:
            return f"{self.name} (looks only{here})"
        given = "".join(f"{name}={quote((value,))} " for name, value in self.environment)
        return f"{given}{self.command.told()}   (on this machine, in {self.directory})"


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one host as one transaction: preflight, steps, checks; the undo steps when a check fails."""

    id: str
    kind: ActionKind
    target: ServiceRef
    steps: tuple[Step, ...]
    prepare: tuple[Preparation, ...] = ()
    """What comes before all else, one after the other, without the host's lock: a build on the console's machine."""
    preflight: tuple[Check, ...] = ()
    checks: tuple[Check, ...] = ()
    evidence: tuple[Step, ...] = ()
    """What is looked at before anything is undone, since it goes with the undo: the log of a release that failed.

    Only once a step was begun that does something to the service.
    """
    closing: tuple[Step, ...] = ()
    """What is done last, when every check has held, or ``always``. One that fails is told; nothing is undone for it."""
    aftermath: tuple[Check, ...] = ()
    """What must hold once all was undone; where it does not the plan has failed, and is not merely undone."""
    touches: tuple[ServiceRef, ...] = ()
    """Other services that are locked and changed with it, e.g. the one that is stopped to free a port."""
    shares: tuple[str, ...] = ()
    """What it changes and other services may have too, locked as well: a directory of releases, a tag of an image."""
    along: tuple[ServiceRef, ...] = ()
    """What the manager takes along, as far as it is known which services these are: locked, since they end with it."""
    names: tuple[tuple[ServiceRef, str], ...] = ()
    """How a person calls those of them whose own name is but a number: ``node (pid 4112)``."""
    ends: tuple[str, ...] = ()
    """How what it stops or restarts is ended by its manager: ``api: SIGTERM, then SIGKILL after 90 s``."""
    starts: tuple[str, ...] = ()
    """How long the manager of what it starts gives it to come up, where that was told: ``api: 90 s``."""
    also_hit: tuple[str, ...] = ()
    """What the manager takes along, in words: ``nginx.service (PartOf)``."""
    irreversible: str | None = None
    """Why it cannot be undone, where it cannot."""
    warnings: tuple[str, ...] = ()
    difference: Difference | None = None
    """What another release would change; ``None`` for a plan that makes none live."""
    versions: tuple[str, str] | None = None
    """What is live and what comes in its place, as a person calls them; ``None`` for a plan that makes none live."""
    confirm: str | None = None
    """What a person must say yes to once more, besides the plan, before it is run; one line that says why."""
    reason: str | None = None
    """Why a person does it: goes into the lock and the audit trail."""

    @property
    def services(self) -> tuple[ServiceRef, ...]:
        """All whose lock it needs."""
        return tuple(dict.fromkeys((self.target, *self.touches, *self.along)))

    @property
    def undo_order(self) -> tuple[tuple[int, Step], ...]:
        """The steps that can be undone, in the order in which they are, with their numbers from 1."""
        undone = [(number, step) for number, step in enumerate(self.steps, 1) if step.undo is not None]
        last = [(number, step) for number, step in undone if step.undo_last]
        return (*(entry for entry in reversed(undone) if entry not in last), *last)

    @property
    def commands(self) -> tuple[str, ...]:
        """The steps as lines a person can run as root."""
        return tuple(step.command.told() for step in self.steps)


@dataclass(frozen=True, slots=True)
class Swap:
    """How a manager makes another release of a service run: its part of a plan."""

    steps: tuple[Step, ...]
    preflight: tuple[Check, ...] = ()
    checks: tuple[Check, ...] = ()
    closing: tuple[Step, ...] = ()
    aftermath: tuple[Check, ...] = ()
    """What must hold once all was undone."""
    shares: tuple[str, ...] = ()
    """What it changes that other services may have too."""
    warnings: tuple[str, ...] = ()
    irreversible: str | None = None
    """Why it cannot be undone, where it cannot."""


class StepState(StrEnum):
    """How far a step or a check is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    SKIPPED = "skipped"


class Result(StrEnum):
    """How a plan ended. ``unknown``: the host has not told yet; it is asked again, the plan never run again blindly."""

    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


FAULT_FOUND = 79
"""The exit status of a step whose command ended well, while its script finds fault with what that left and says so."""

OUTLIVED = 3
"""The exit status of a step whose process runs on after the signal that was to end it."""

LINES_SHOWN = 12
"""Lines that a person is shown of what failed, and of what a service said last; ``--json`` has more."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """Progress of one step or check."""

    name: str
    state: StepState
    seconds: float | None = None
    output: str = ""
    lines: int = 0
    """How many lines it has printed, with those that are not kept; 0 where nobody counts."""
    exit: int | None = None
    """The exit status of what failed, where the host told it."""

    @property
    def said(self) -> tuple[str, ...]:
        """The last lines that it printed, as many as a person is shown of a failure."""
        return tuple(self.output.strip().splitlines()[-LINES_SHOWN:])


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """Where a plan stands. ``result`` is ``None`` while it runs."""

    plan: Plan
    preflight: tuple[StepResult, ...] = ()
    steps: tuple[StepResult, ...] = ()
    checks: tuple[StepResult, ...] = ()
    undo: tuple[StepResult, ...] = ()
    evidence: tuple[StepResult, ...] = ()
    closing: tuple[StepResult, ...] = ()
    result: Result | None = None
    reason: str | None = None
    prepare: tuple[StepResult, ...] = ()
    broke: tuple[str, ...] = ()
    """The plans whose locks it has set aside, since nothing of them ran any more."""
    proof: tuple[str, ...] = ()
    """What was found true afterwards, in words: ``pid 812 -> 977``, ``tcp 8080 held by api.service``."""

    @property
    def kept(self) -> tuple[str, ...]:
        """What was said last before anything was undone, line by line."""
        # What a look that failed has printed is no word of the service.
        told = (part.output.splitlines() for part in self.evidence if part.state is StepState.DONE)
        return tuple(line for lines in told for line in lines if line.strip())

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Where nothing was written that could be kept, and what could not be read and why, a line each."""
        lines = []
        for part in self.evidence:
            if part.state in (StepState.FAILED, StepState.SKIPPED):
                lines.append(f"not kept: {part.said[-1] if part.said else 'why was not told'}")
            elif part.state is StepState.DONE and not part.output.strip():
                lines.append(f"nothing was written since for {part.name}")
        return tuple(lines)

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """What has failed, in the order in which it is told."""
        parts = (*self.prepare, *self.preflight, *self.steps, *self.checks, *self.undo, *self.closing)
        return tuple(part for part in parts if part.state is StepState.FAILED)

    @property
    def offer(self) -> Intent | None:
        """What may be tried next, where the step that failed says so: what it signalled has outlived that."""
        if self.result in (None, Result.DONE):
            return None
        pairs = zip(self.plan.steps, self.steps, strict=False)
        outlived = (step for step, told in pairs if told.state is StepState.FAILED and told.exit == OUTLIVED)
        return next((step.otherwise for step in outlived if step.otherwise), None)
