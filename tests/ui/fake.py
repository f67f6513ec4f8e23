"""A fleet without hosts, for the screens: it is fed snapshots, runs plans by a script and remembers what was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace

from console.core.command import Command
from console.core.difference import Difference, Pair
from console.core.environment import Environment, Told, environment
from console.core.finding import Finding
from console.core.plan import Check, Intent, Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.release import ReleaseBook
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import LogLine, Snapshot, Symptom
from console.core.usage import Usage
from console.diagnosis.verdict import Verdict
from console.remote.plan_others import OtherPlan
from console.remote.transport import HostSpec
from console.ui.diagnoser import HostDiagnoser
from console.ui.fleet_port import FleetPort
from console.ui.planner import RefusedError


@dataclass(frozen=True)
class FakeRights:
    allowed: bool = True
    missing: tuple[str, ...] = ()
    reason: str | None = None
    undo_doubts: tuple[str, ...] = ()
    stays_down: str | None = None

    def may_stay_down(self, plan: Plan) -> str | None:
        return self.stays_down


@dataclass(frozen=True)
class FakeKey:
    fingerprint: str = "SHA256:n1Rz1vKfTmGqZ1lJcT0yQ3YB7h9GZyq1C2oJm0aXw8E"
    kind: str = "ssh-ed25519"


@dataclass(frozen=True)
class FakeMissed:
    plan: Plan
    progress: PlanProgress
    age: float | None = 40.0
    took: float | None = None


@dataclass
class FakeFleet:
    hosts: tuple[HostSpec, ...]
    log: dict[ServiceRef, tuple[LogLine, ...]] = field(default_factory=dict)
    files: dict[str, tuple[LogLine, ...]] = field(default_factory=dict)
    allowed: FakeRights = field(default_factory=FakeRights)
    offered: FakeKey | None = None
    result: Result = Result.DONE
    failing: str = ""
    """How the name of the step begins that fails."""
    output: str = ""
    exit: int = 1
    """With which the step fails."""
    after: dict[str, tuple[Snapshot, tuple[Finding, ...]]] = field(default_factory=dict)
    """What a host tells once a plan ended there."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Set for plans to run to their end; cleared, they hang in their first step."""
    asked: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    """Of which hosts the files were compared."""
    ran: list[Plan] = field(default_factory=list)
    accepted: list[tuple[str, str]] = field(default_factory=list)
    left_behind: tuple[FakeMissed, ...] = ()
    elsewhere: dict[str, tuple[OtherPlan, ...]] = field(default_factory=dict)
    """What other consoles run."""
    resumed: list[Plan] = field(default_factory=list)
    environments: dict[ServiceRef, tuple[Told, ...]] = field(default_factory=dict)
    usages: list[Usage] = field(default_factory=list)
    """What is told of whichever service is read, one after the other."""
    read: list[ServiceRef] = field(default_factory=list)
    """The services whose usage was asked for."""
    differences: dict[str, Difference] = field(default_factory=dict)
    """What a release would change, by its id."""
    compare: asyncio.Event = field(default_factory=asyncio.Event)
    """Set for a comparison to end; cleared, it hangs."""
    can_shell: bool = True
    started: bool = False
    stopped: bool = False

    def __post_init__(self) -> None:
        self.gate.set()
        self.compare.set()
        self._on_change: Callable[[Snapshot, tuple[Finding, ...]], None] | None = None
        self._waiting: list[tuple[Snapshot, tuple[Finding, ...]]] = []
        self.latest: dict[str, Snapshot] = {}

    def start(self, on_change: Callable[[Snapshot, tuple[Finding, ...]], None]) -> None:
        self.started = True
        self._on_change = on_change
        for snapshot, findings in self._waiting:
            on_change(snapshot, findings)

    async def stop(self) -> None:
        self.stopped = True

    def push(self, snapshot: Snapshot, *findings: Finding) -> None:
        self.latest[snapshot.host] = snapshot
        if self._on_change is None:
            self._waiting.append((snapshot, findings))
        else:
            self._on_change(snapshot, findings)

    def snapshot(self, host: str) -> Snapshot:
        return self.latest[host]

    async def refresh(self, host: str) -> Snapshot:
        self.asked.append(host)
        known = self.after.get(host)
        if known is not None and self.ran:
            self.push(known[0], *known[1])
            return known[0]
        return self.latest[host]

    async def look_at_files(self, host: str) -> None:
        self.looked_at.append(host)

    async def follow(
        self, ref: ServiceRef, *, lines: int, since: float | None, follow_on: bool, file: str = "", untimed: int = 0
    ) -> AsyncIterator[LogLine]:
        known = self.files.get(file, ()) if file else self.log.get(ref, ())
        for line in known[-lines:] if since is None else ():
            yield line
        if follow_on:
            await asyncio.Event().wait()

    async def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        self.ran.append(plan)
        steps = tuple(StepResult(step.name, StepState.PENDING) for step in plan.steps)
        checks = tuple(StepResult(check.name, StepState.PENDING) for check in plan.checks)
        progress = PlanProgress(plan, steps=steps, checks=checks)
        for place, step in enumerate(steps):
            progress = replace(progress, steps=_with(progress.steps, place, replace(step, state=StepState.RUNNING)))
            yield progress
            await self.gate.wait()
            fails = self.result is Result.FAILED and step.name.startswith(self.failing)
            ended = StepState.FAILED if fails else StepState.DONE
            done = replace(step, state=ended, seconds=0.2, output=self.output, exit=self.exit if fails else 0)
            progress = replace(progress, steps=_with(progress.steps, place, done))
            if ended is StepState.FAILED:
                break
        if self.result is Result.DONE:
            checks = tuple(replace(check, state=StepState.DONE, seconds=1.0) for check in checks)
            yield replace(progress, checks=checks, result=Result.DONE, proof=("tcp 8080 held by api.service",))
        else:
            yield replace(progress, result=self.result, reason="the first step failed")

    async def missed(self, host: str) -> tuple[FakeMissed, ...]:
        return tuple(found for found in self.left_behind if found.plan.target.host == host)

    def resume(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        self.resumed.append(plan)
        return self.execute(plan)

    async def others(self, host: str) -> tuple[OtherPlan, ...]:
        self.asked.append(f"others {host}")
        return self.elsewhere.get(host, ())

    async def releases(self, ref: ServiceRef) -> ReleaseBook:
        """The book of the snapshot, as the host would tell it again."""
        self.asked.append(f"releases {ref}")
        known = self.latest[ref.host].book(ref) if ref.host in self.latest else None
        return known or ReleaseBook(ref, failure="nobody asked")

    async def environment(self, ref: ServiceRef) -> Environment:
        self.asked.append(f"environment {ref}")
        return environment(ref, self.environments.get(ref, ()))

    async def usage(self, ref: ServiceRef) -> Usage:
        self.read.append(ref)
        return self.usages.pop(0) if self.usages else Usage()

    async def difference(self, pair: Pair) -> Difference:
        """What was given for the pair, once ``compare`` is set; the snapshot then has it."""
        self.asked.append(f"difference {pair.live} {pair.target}")
        await self.compare.wait()
        known = self.differences.get(pair.target)
        found = Difference(pair, failure="nobody told") if known is None else replace(known, pair=pair)
        if (snapshot := self.latest.get(pair.ref.host)) is not None:
            self.push(replace(snapshot, differences=(*snapshot.differences, found)))
        return found

    async def rights(self, host: str, plan: Plan) -> FakeRights:
        del host, plan
        return self.allowed

    def offered_key(self, host: str) -> FakeKey | None:
        del host
        return self.offered

    async def accept_host_key(self, host: str, fingerprint: str) -> None:
        self.accepted.append((host, fingerprint))


def _with(parts: tuple[StepResult, ...], place: int, part: StepResult) -> tuple[StepResult, ...]:
    return (*parts[:place], part, *parts[place + 1 :])


class FakeDiagnoser(HostDiagnoser):
    """Judges what the fake fleet was fed; a fresh look finds the same."""

    asked = 0

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        self.asked += 1
        assert isinstance(fleet, FakeFleet)
        return self.now(fleet.snapshot(host), target, symptom)


@dataclass
class FakePlanner:
    """Plans of one systemctl line for each intent; refuses what it was told to refuse."""

    refused: dict[str, str] = field(default_factory=dict)
    """Reason by the word of the kind."""

    def refusal(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> str | None:
        del snapshot
        return next((self.refused[intent.kind] for intent in intents if intent.kind in self.refused), None)

    def plan(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> Plan:
        if why := self.refusal(intents, snapshot):
            raise RefusedError(why)
        steps = tuple(_step(intent) for intent in intents)
        last = intents[-1].target
        return Plan(
            id=f"plan-{snapshot.host}-{last.name}-{intents[-1].kind}",
            kind=intents[-1].kind,
            target=last,
            steps=steps,
            checks=(Check("active", Command(("systemctl", "is-active", last.name)), 10.0, 10.0),),
            touches=tuple(intent.target for intent in intents[:-1] if intent.target != last),
            also_hit=("nginx.service (PartOf)",),
        )


def _step(intent: Intent) -> Step:
    verb = {"free-port": "stop"}.get(intent.kind, intent.kind.value)
    return Step(f"{verb} {intent.target.name}", Command(("systemctl", verb, intent.target.name), elevate=True))


def lines(ref: ServiceRef, messages: Iterable[str], at: float = 1_795_183_300.0) -> tuple[LogLine, ...]:
    return tuple(LogLine(ref.host, ref.name, "journal", message, at + place) for place, message in enumerate(messages))
