"""Plans with the settings of the configuration: health checks, times, and how often a service was started lately."""

from console.actions import ActionSettings, RefusedError, plan
from console.cli.declared import health_url, with_declared
from console.config.model import Config
from console.core.command import Effect
from console.core.plan import Intent, Plan
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.remote.audit import AuditError, AuditTrail
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec


def commands_of(config: Config, spec: HostSpec, snapshot: Snapshot, intent: Intent) -> tuple[str, ...]:
    """The commands by which the plan of an intent would change something; none where there is no plan."""
    try:
        steps = _plan(config, spec, intent, with_declared(config, spec, snapshot)).steps
    except RefusedError:
        return ()
    return tuple(step.command.shell() for step in steps if step.command.effect is Effect.CHANGE)


def make_plan(
    config: Config, spec: HostSpec, intent: Intent, snapshot: Snapshot, reason: str | None
) -> tuple[Plan | None, str | None]:
    """The plan for an intent, or why there is none."""
    known = with_declared(config, spec, snapshot)
    try:
        return _plan(config, spec, intent, known, reason, recent_starts(known, intent)), None
    except RefusedError as error:
        return None, str(error)


def _plan(
    config: Config, spec: HostSpec, intent: Intent, snapshot: Snapshot, reason: str | None = None, recent: int = 0
) -> Plan:
    times = config.actions
    health = health_url(config, spec, intent.target)
    settings = ActionSettings(times.hold, times.respawn, times.within, health=health, recent_starts=recent)
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
