"""Where the parts are put together: the one place that knows which part serves which."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from console.config.model import Config
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from argparse import Namespace

    from console.core.command import Command
    from console.core.declaration import Declaration
    from console.core.finding import Finding
    from console.core.plan import Intent, Plan, PlanProgress
    from console.core.service import Endpoint, ServiceRef
    from console.core.snapshot import Snapshot, Symptom
    from console.diagnosis.evidence import Evidence
    from console.diagnosis.verdict import Verdict
    from console.findings import Evaluator
    from console.remote.connect import Reach
    from console.remote.fleet import Fleet
    from console.remote.plan_inspect import HostPlan
    from console.remote.plan_others import OtherPlan
    from console.remote.transport import Transport
    from console.ui.fleet_port import FleetPort


def fleet(config: Config, specs: tuple[HostSpec, ...], reach: "Reach | None" = None) -> "Fleet":
    """The fleet of these hosts, not started. Nothing is connected, and the SSH library not loaded, before it is.

    ``reach``: what gives the connections, where some were begun already.
    """
    from console.cli.declared import health_checks, pid_files, recipe
    from console.remote.connect import JumpPool, connect, prepare
    from console.remote.fleet import Fleet

    reach = reach or partial(connect, pool=JumpPool())
    contexts = config.production_contexts
    specs = tuple(
        replace(
            spec,
            pid_files=pid_files(config, spec),
            health_checks=health_checks(config, spec),
            production_contexts=contexts,
        )
        for spec in specs
    )
    by_name = {spec.name: spec for spec in specs}
    return Fleet(
        specs,
        reach,
        judge(config, specs),
        run_plan,
        resume=resume_plan,
        missed=missed_plans,
        others=other_plans,
        prepare=prepare,
        recipe=lambda ref, services: recipe(config, by_name[ref.host], ref, services),
        interval=config.interval,
    )


def judge(config: Config, specs: tuple[HostSpec, ...]) -> "Callable[[Snapshot], tuple[Finding, ...]]":
    """What says what is wrong with a snapshot; its rules are loaded for the first one."""
    made: list[Evaluator] = []

    def judged(snapshot: "Snapshot") -> "tuple[Finding, ...]":
        if not made:
            made.append(_evaluator(config, specs))
        return made[0](snapshot)

    return judged


def _evaluator(config: Config, specs: tuple[HostSpec, ...]) -> "Evaluator":
    """The rules with the limits and declarations of the configuration."""
    from console.cli.declared import declarations, expected
    from console.findings import Evaluator

    by_name = {spec.name: spec for spec in specs}

    def commands(snapshot: "Snapshot", intent: "Intent") -> "tuple[Command, ...]":
        from console.cli.planning import commands_of

        spec = by_name.get(snapshot.host) or HostSpec(snapshot.host, snapshot.host)
        return commands_of(config, spec, snapshot, intent)

    def declared(snapshot: "Snapshot") -> "tuple[Declaration, ...]":
        spec = by_name.get(snapshot.host)
        return declarations(config, spec, snapshot.services) if spec is not None else ()

    alone = max(len(config.hosts), len(specs)) == 1
    wanted = {spec.name: expected(config, spec, alone=alone) for spec in specs} if config.services else {}
    return Evaluator(config.thresholds, declared if config.services else None, commands, wanted)


def run_plan(plan: "Plan", fleet: "Fleet") -> "AsyncGenerator[PlanProgress, None]":
    """Run a plan on its host under this person's name, with the audit trail of this machine."""
    from console.cli.whoami import operator
    from console.remote.audit import AuditTrail
    from console.remote.runner import execute, not_begun
    from console.remote.transport import TransportError

    host = plan.target.host
    try:
        transport = fleet.transport(host)
    except TransportError as error:
        return not_begun(plan, str(error))
    return execute(
        transport,
        plan,
        root=fleet.identity(host).uid == 0,
        operator=operator(),
        audit=AuditTrail(),
        spare=lambda: fleet.own_transport(host),
    )


def resume_plan(plan: "Plan", fleet: "Fleet") -> "AsyncGenerator[PlanProgress, None]":
    """Watch a plan that its host has already."""
    from console.remote.audit import AuditTrail
    from console.remote.runner import resume

    host = plan.target.host
    return resume(fleet.transport(host), plan, audit=AuditTrail(), spare=lambda: fleet.own_transport(host))


async def missed_plans(host: str, fleet: "Fleet") -> "tuple[HostPlan, ...]":
    """What this person's consoles began on a host and saw no end of; a host without such a plan is not asked."""
    import asyncio

    from console.remote.audit import AuditFilter, AuditTrail
    from console.remote.plan_others import abandoned
    from console.remote.runner import pick_up

    trail = AuditTrail()
    unknown = await asyncio.to_thread(trail.read, AuditFilter(host=host, result="unknown"))
    if not unknown:
        return ()
    wanted = {entry.id for entry in unknown}
    there = await pick_up(fleet.transport(host), trail, seen=lambda all_: fleet.abandoned(host, abandoned(all_)))
    return tuple(found for found in there if found.plan.id in wanted)


async def other_plans(host: str, fleet: "Fleet") -> "tuple[OtherPlan, ...]":
    """The plans that a host knows of, whoever began them, those that have ended too."""
    import asyncio

    from console.remote.plan_others import abandoned, others
    from console.remote.runner import inspect
    from console.remote.transport import ChannelRefusedError

    try:
        view = await inspect(fleet.transport(host))
    except ChannelRefusedError:
        # MaxSessions 1: the probe shell has the only channel.
        own = fleet.own_transport(host)
        try:
            view = await inspect(own)
        finally:
            await asyncio.shield(own.close())
    fleet.abandoned(host, abandoned(view.plans))
    return others(view)


def open_screen(config: Config, specs: tuple[HostSpec, ...], theme: str | None) -> int:
    """The console for these hosts, until the user leaves. The fleet is made behind the first frame."""
    from console.ui.fleet_port import LazyFleet

    return show(LazyFleet(specs, lambda: fleet(config, specs)), config, theme)


def show(shown: "FleetPort", config: Config, theme: str | None) -> int:
    """The console for a fleet, its plans and verdicts made with all that the configuration says."""
    from console.cli.declared import declarations, log_files
    from console.ui.app import run
    from console.ui.diagnoser import HostDiagnoser
    from console.ui.planner import ActionsPlanner

    specs = {spec.name: spec for spec in shown.hosts}

    def make(intent: "Intent", snapshot: "Snapshot") -> "tuple[Plan | None, str | None]":
        from console.cli.planning import make_plan

        return make_plan(config, specs[snapshot.host], intent, snapshot, None)

    def known(snapshot: "Snapshot", subject: "ServiceRef | Endpoint", symptom: "Symptom | None" = None) -> "Verdict":
        return verdict_now(config, specs[snapshot.host], snapshot, subject, symptom)

    def asked(host: str, subject: "ServiceRef | Endpoint", symptom: "Symptom | None" = None) -> "Awaitable[Verdict]":
        return verdict(cast("Fleet", shown), config, specs[host], subject, symptom)

    return run(
        shown,
        config,
        read_only=config.read_only,
        theme=theme,
        planner=ActionsPlanner(config, make),
        diagnoser=HostDiagnoser(known, asked),
        log_files=lambda ref, services: log_files(config, specs[ref.host], ref, services),
        declared=lambda host: declarations(config, specs[host], ()),
    )


def transports(specs: tuple[HostSpec, ...]) -> "tuple[Transport, ...]":
    """A connection of its own to each host, not connected yet; the caller closes them."""
    from console.remote.connect import JumpPool, connect

    pool = JumpPool()
    return tuple(connect(spec, pool) for spec in specs)


def audit_path() -> Path:
    """Where the audit trail of this user lies."""
    from console.remote.audit import audit_path as place

    return place()


async def verdict(
    fleet: "Fleet",
    config: Config,
    spec: HostSpec,
    subject: "ServiceRef | Endpoint",
    symptom: "Symptom | None" = None,
    asked_from: str | None = None,
    *,
    wholly: bool = False,
) -> "Verdict":
    """Why a service cannot have its port, or who has a port, from a fresh look at the host.

    ``symptom``: the line of a log that somebody points at. ``asked_from``: another host of the fleet that should get
    there. ``wholly``: all service managers of the host are waited for.
    """
    from console.cli.declared import declarations
    from console.remote.why import collect

    known = declarations(config, spec, fleet.snapshot(spec.name).services)
    evidence = await collect(
        fleet, spec.name, subject, declared=known, symptom=symptom, asked_from=asked_from, wholly=wholly
    )
    return _judged(config, spec, evidence)


def verdict_now(
    config: Config,
    spec: HostSpec,
    snapshot: "Snapshot",
    subject: "ServiceRef | Endpoint",
    symptom: "Symptom | None" = None,
) -> "Verdict":
    """The same from what is known already; nothing is asked."""
    from console.cli.declared import declarations
    from console.diagnosis.evidence import Evidence

    declared = declarations(config, spec, snapshot.services)
    return _judged(config, spec, Evidence(snapshot, subject, symptom, declared=declared))


def _judged(config: Config, spec: HostSpec, evidence: "Evidence") -> "Verdict":
    from console.cli.planning import commands_of
    from console.diagnosis.diagnose import diagnose

    return diagnose(evidence, partial(commands_of, config, spec, evidence.snapshot))


def open_demo(arguments: "Namespace") -> int:
    """The console on the scripted fleet."""
    from console.cli.hosts import read_config
    from console.demo.fleet import demo_fleet

    config = replace(read_config(arguments), hosts=(), services=())
    return show(demo_fleet(judge(config, ())), config, arguments.theme or config.theme)


def draw_screenshots(folder: str) -> int:
    """Draw every picture of the README and name them."""
    from console.cli.pictures import draw

    for path in draw(Path(folder), judge(Config(), ())):
        print(path)
    return 0
