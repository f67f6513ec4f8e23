"""A change as data: preview, dry run, JSON, audit line and execution all read the same object."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.command import Command
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
    REBUILD = "rebuild"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants done, before it is worked out: the part of a plan that a finding can propose."""

    kind: ActionKind
    target: ServiceRef
    endpoint: Endpoint | None = None
    """The port that is to be released or taken."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a plan and, beside it, what undoes it."""

    name: str
    command: Command
    undo: Command | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A command that must succeed.

    It is tried for up to ``within`` seconds until it succeeds; then it must go on succeeding for ``hold`` seconds.
    """

    name: str
    command: Command
    within: float = 10.0
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one host as one transaction: preflight, steps, checks; the undo steps when a check fails."""

    id: str
    kind: ActionKind
    target: ServiceRef
    steps: tuple[Step, ...]
    preflight: tuple[Check, ...] = ()
    checks: tuple[Check, ...] = ()
    touches: tuple[ServiceRef, ...] = ()
    """Other services that are locked and changed with it, e.g. the one that is stopped to free a port."""
    also_hit: tuple[str, ...] = ()
    """What the manager takes along, in words: ``nginx.service (PartOf)``."""
    irreversible: str | None = None
    """Why it cannot be undone, where it cannot."""
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    """Why a person does it: goes into the lock and the audit trail."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The steps as lines a person can run as root."""
        return tuple(step.command.shell() for step in self.steps)


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


@dataclass(frozen=True, slots=True)
class StepResult:
    """Progress of one step or check."""

    name: str
    state: StepState
    seconds: float | None = None
    output: str = ""


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """Where a plan stands. ``result`` is ``None`` while it runs."""

    plan: Plan
    preflight: tuple[StepResult, ...] = ()
    steps: tuple[StepResult, ...] = ()
    checks: tuple[StepResult, ...] = ()
    undo: tuple[StepResult, ...] = ()
    result: Result | None = None
    reason: str | None = None
    proof: tuple[str, ...] = ()
    """What was found true afterwards, in words: ``pid 812 -> 977``, ``tcp 8080 held by api.service``."""
