"""Plans with the settings of the configuration: health checks, times, and how often a service was started lately."""

import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from console.actions import ActionSettings, RefusedError, plan
from console.actions.context import one_per_port
from console.cli.declared import (
    health_command,
    health_url,
    log_files,
    recipe,
    reload_test,
    reloads_on_sighup,
    with_declared,
)
from console.cli.whoami import operator
from console.config.model import Config
from console.core.command import Command, Effect
from console.core.plan import ActionKind, Intent, Plan
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.remote.audit import AuditError, AuditTrail
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from console.remote.fleet import Fleet


def commands_of(config: Config, spec: HostSpec, snapshot: Snapshot, intent: Intent) -> tuple[Command, ...]:
    """The commands by which the plan of an intent would change something; none where there is no plan."""
    try:
        steps = _plan(config, spec, intent, with_declared(config, spec, snapshot)).steps
    except RefusedError:
        return ()
    return tuple(step.command for step in steps if step.command.effect is Effect.CHANGE)


def make_plan(
    config: Config, spec: HostSpec, intent: Intent, snapshot: Snapshot, reason: str | None
) -> tuple[Plan | None, str | None]:
    """The plan for an intent, or why there is none."""
    known = with_declared(config, spec, snapshot)
    try:
        return _plan(config, spec, intent, known, reason, recent_starts(known, intent)), None
    except RefusedError as error:
        return None, str(error)


_KEEPS_PORTS = (ActionKind.RESTART, ActionKind.RELOAD, ActionKind.REBUILD, ActionKind.ROLLBACK)


async def look_at_files(fleet: "Fleet", intent: Intent) -> Snapshot:
    """What is known of the host with what its files claim, where that is needed.

    Where a port is to be freed and none is named, and where a service may lose one of several.
    """
    from console.probes.declared import PROBE, words
    from console.remote.shell import Ask

    host = intent.target.host
    service = fleet.snapshot(host).service(intent.target)
    unnamed = intent.kind is ActionKind.FREE_PORT and intent.endpoint is None
    several = intent.kind in _KEEPS_PORTS and service is not None and len(one_per_port(service.ports)) > 1
    if (unnamed or several) and fleet.snapshot(host).declared is None:
        await fleet.ask_all(host, [Ask(PROBE, words(fleet.snapshot(host)))])
    return fleet.snapshot(host)


async def look_at_processes(fleet: "Fleet", intent: Intent) -> Snapshot:
    """What is known of the host with the processes that a plan may end: they must be known again when it runs."""
    from console.managers.unlisted import strangers
    from console.probes import process
    from console.remote.shell import Ask

    host = intent.target.host
    snapshot = fleet.snapshot(host)
    refs = (intent.target, intent.holder)
    own = tuple(int(ref.name) for ref in refs if ref is not None and ref.manager == "process")
    pids = [pid for pid in dict.fromkeys((*own, *strangers(snapshot))) if snapshot.process(pid) is None]
    if pids and intent.kind in (ActionKind.FREE_PORT, ActionKind.STOP, ActionKind.KILL):
        await fleet.ask_all(host, [Ask(process.PROBE, tuple(map(str, pids)))])
    return fleet.snapshot(host)


def _plan(
    config: Config, spec: HostSpec, intent: Intent, snapshot: Snapshot, reason: str | None = None, recent: int = 0
) -> Plan:
    times = config.actions
    started = intent.then or intent.target
    settings = ActionSettings(
        times.hold,
        times.respawn,
        times.within,
        times.term_timeout,
        health=health_url(config, spec, started, snapshot.services),
        health_command=health_command(config, spec, started, snapshot.services),
        recent_starts=recent,
        logs=log_files(config, spec, started, snapshot.services),
        declared_logs=log_files(config, spec, intent.target, snapshot.services, every=True),
        reload_test=reload_test(config, spec, intent.target, snapshot.services),
        reloads_on_sighup=reloads_on_sighup(config, spec, intent.target, snapshot.services),
        recipe=recipe(config, spec, intent.target, snapshot.services),
        operator=quote(operator(), safe="@"),
        stamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )
    return plan(intent, snapshot, managers=MANAGERS, settings=settings, plan_id=new_plan_id(), reason=reason)


def recent_starts(snapshot: Snapshot, intent: Intent) -> int:
    """How often the service was started from here within its manager's start limit, by the audit trail."""
    service = snapshot.service(intent.target)
    if service is None or service.start_limit is None:
        return 0
    try:
        return AuditTrail().recent_starts(intent.target, service.start_limit[1])
    except AuditError:
        return 0
