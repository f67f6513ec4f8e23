"""Services that failed, restart again and again, or run from an old definition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.core.finding import Finding, Proposal, Severity
from console.core.plan import ActionKind, Intent
from console.core.restarts import gave_up
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Snapshot, Symptom
from console.core.thresholds import Thresholds
from console.diagnosis.proposals import CommandsOf, proposal
from console.diagnosis.wanting import is_current
from console.findings.words import listed, times, why_failed
from console.managers import can
from console.managers.base import Applying, Rereadable, Resettable

AT_BOOT = 300.0
"""Seconds after the boot in which a failure counts as one of the boot."""
MANY = 3
"""Failures at boot from which on they are one finding."""
RECENT = 300.0
"""Seconds after its last automatic restart in which a running service counts as restarting."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """The services that any rule may have a word on; the others are well."""

    down: tuple[Service, ...] = ()
    """Failed, flapping, or starting again after a failure."""
    restarted: tuple[Service, ...] = ()
    """Running, after automatic restarts."""
    stale: tuple[Service, ...] = ()
    """Loaded from a file that has changed since."""
    sick: tuple[Service, ...] = ()
    """Running, and their own health check fails."""


def troubled(services: Sequence[Service]) -> Troubled:
    """Sift the services in one pass: it is made for every host each second."""
    down, restarted, stale, sick = [], [], [], []
    for service in services:
        state = service.state
        if state is State.FAILED or state is State.FLAPPING or (state is State.STARTING and service.restarts):
            down.append(service)
        elif service.restarts and state is State.RUNNING:
            restarted.append(service)
        if service.needs_reload:
            stale.append(service)
        if service.health == "unhealthy" and state is State.RUNNING:
            sick.append(service)
    return Troubled(tuple(down), tuple(restarted), tuple(stale), tuple(sick))


def failed(
    snapshot: Snapshot, services: Iterable[Service], thresholds: Thresholds, commands_of: CommandsOf
) -> list[Finding]:
    """Each service that failed or does not come up; many failures of one boot are one finding."""
    rest = list(services)
    at_boot = [service for service in rest if _failed_at_boot(snapshot, service)]
    found = []
    if len(at_boot) >= MANY:
        found.append(_boot_failures(snapshot, at_boot, commands_of))
        rest = [service for service in rest if service not in at_boot]
    return found + [_one(snapshot, service, thresholds, commands_of) for service in rest]


def restarting(snapshot: Snapshot, services: Iterable[Service], thresholds: Thresholds) -> list[Finding]:
    """A service that runs now but was restarted by its manager a short while ago, and not for the first time."""
    now = snapshot.sample.wall if snapshot.sample is not None else None
    found = []
    for service in services:
        restarts = service.restarts or 0
        recent = now is not None and service.since is not None and now - service.since < RECENT
        if recent and restarts >= thresholds.restarts_warning:
            worst = restarts >= thresholds.restarts_critical
            severity = Severity.CRITICAL if worst and _matters(service) else Severity.WARNING
            summary = f"restarts again and again ({times(restarts, 'restart')})"
            found.append(_finding("restart-loop", severity, snapshot, service, summary, (), since=None))
    return found


def unhealthy(snapshot: Snapshot, services: Iterable[Service], commands_of: CommandsOf) -> list[Finding]:
    """A service that runs and whose own health check fails."""
    found = []
    for service in services:
        evidence = (f"{service.ref.name}: {service.native_state}",)
        again = (Intent(ActionKind.RESTART, service.ref),)
        ways = (proposal("restart", f"restart {service.ref.name}", again, commands_of, recommended=False),)
        summary = "runs, and its health check fails"
        found.append(_finding("unhealthy", Severity.CRITICAL, snapshot, service, summary, evidence, ways, since=None))
    return found


def not_reloaded(snapshot: Snapshot, services: Sequence[Service], commands_of: CommandsOf) -> list[Finding]:
    """Definitions that changed on disk: what runs is not what is written. One finding per manager and scope."""
    found = []
    for manager, scope in dict.fromkeys((service.ref.manager, service.ref.scope) for service in services):
        mine = [service for service in services if (service.ref.manager, service.ref.scope) == (manager, scope)]
        names = listed([service.ref.name for service in mine])
        user = "" if scope == "system" else f" of {scope.removeprefix('user:')}"
        label = f"daemon-reload{user}" if manager == "systemd" else f"let {manager} read its files again{user}"
        again = tuple(Intent(ActionKind.DAEMON_RELOAD, ref) for ref in _read_again(mine))
        ways = (proposal("daemon-reload", label, again, commands_of, recommended=True),)
        files = [f"{one.ref.name}: {_changed(one)}" for one in mine]
        subject = "host" if scope == "system" else f"host{user}"
        what = "unit files" if manager == "systemd" else f"files of {manager}"
        summary = f"{what} changed on disk and not reloaded: {names}"
        found.append(
            Finding("daemon-reload", Severity.INFO, snapshot.host, subject, summary, tuple(files),
                    ways if can(mine[0].ref, Rereadable) else (), mine[0].ref if len(mine) == 1 else None,
                    covers=tuple(service.ref for service in mine))
        )  # fmt: skip
    return found


def _read_again(services: Sequence[Service]) -> list[ServiceRef]:
    """Through which of them all are read again: any one, or one of each group where that is what it acts on."""
    if not can(services[0].ref, Applying):
        return [services[0].ref]
    return list({service.group or service.ref.name: service.ref for service in reversed(services)}.values())[::-1]


def _changed(service: Service) -> str:
    files = ", ".join((service.unit_file or "its file", *service.drop_ins))
    return f"{service.description} ({files})" if can(service.ref, Applying) else files


def facts(snapshot: Snapshot, service: Service) -> tuple[str, ...]:
    """What is known of a failure, a line each."""
    lines = [f"{service.ref.name}: {service.native_state}, {why_failed(service)}"]
    if service.restarts:
        told = "Restart=" if service.ref.manager == "systemd" else "restarts: "
        policy = f", {told}{service.restart_policy}" if service.restart_policy else ""
        lines.append(f"{times(service.restarts, 'automatic restart')}{policy}{_limit(service)}")
    symptom = _symptom(snapshot, service)
    if symptom is not None:
        lines.append(f"log: {symptom.line}")
    elif (why_not := _log_unread(snapshot, service)) is not None:
        lines.append(f"its log was not seen: {why_not}")
    return tuple(lines)


def _one(snapshot: Snapshot, service: Service, thresholds: Thresholds, commands_of: CommandsOf) -> Finding:
    severity = Severity.CRITICAL if _matters(service) else Severity.WARNING
    evidence = facts(snapshot, service)
    symptom = _symptom(snapshot, service)
    tried = f", {symptom.errno} in its log" if symptom is not None else ""
    # Where an address is taken and nobody knows which, a start fails as the last one did.
    seen = symptom.errno != "EADDRINUSE" if symptom is not None else _log_unread(snapshot, service) is None
    ways = _ways(service, commands_of, cause_seen=seen)
    if service.state is not State.FAILED:
        count = service.restarts or 0
        again = f"restarts again and again ({times(count, 'restart')})" if count else "does not come up"
        summary = f"{again}: {why_failed(service)}{tried}"
        if count < thresholds.restarts_critical:
            severity = Severity.WARNING
        # Each attempt begins anew: how long the loop goes on no manager tells.
        return _finding("restart-loop", severity, snapshot, service, summary, evidence, ways, since=None)
    if gave_up(service):
        after = f"after {times(service.restarts, 'restart')} " if service.restarts else ""
        summary = f"{after}{service.ref.manager} gave up: {why_failed(service)}{tried}"
        return _finding("start-limit", severity, snapshot, service, summary, evidence, ways, since=service.since)
    return _finding(
        "service-failed",
        severity,
        snapshot,
        service,
        f"failed: {why_failed(service)}{tried}",
        evidence,
        ways,
        since=service.since,
    )


def _boot_failures(snapshot: Snapshot, services: Sequence[Service], commands_of: CommandsOf) -> Finding:
    names = listed([service.ref.name for service in services])
    severity = Severity.CRITICAL if any(_matters(service) for service in services) else Severity.WARNING
    ways = [way for service in services for way in _ways(service, commands_of, cause_seen=True)[:1]]
    return Finding(
        "boot-failures",
        severity,
        snapshot.host,
        "host",
        f"{len(services)} services failed at boot: {names}",
        tuple(line for service in services for line in facts(snapshot, service)[:1]),
        tuple(ways[:9]),
        since=min((service.since for service in services if service.since is not None), default=None),
        covers=tuple(service.ref for service in services),
    )


def _failed_at_boot(snapshot: Snapshot, service: Service) -> bool:
    sample = snapshot.sample
    if service.state is not State.FAILED or sample is None or service.ref.scope != "system":
        return False
    if sample.wall is None or service.since is None:
        return sample.uptime < AT_BOOT
    return service.since - (sample.wall - sample.uptime) < AT_BOOT


def _matters(service: Service) -> bool:
    """Whether somebody must look now: it is meant to run always, not now and then and not for one user."""
    if service.ref.manager != "systemd":
        # Who puts a program into one of these wants it to run; they start nothing but that.
        return True
    if service.ref.scope != "system" or any(name.endswith(".timer") for name in service.triggered_by):
        return False
    # Who gave it a Restart= wants it to be there, however it was started.
    return bool(service.wants or service.restart_policy) or service.enabled in ("enabled", "enabled-runtime")


def _log_unread(snapshot: Snapshot, service: Service) -> str | None:
    """Why its log, and so the cause of its failure, could not be seen; ``None`` where it could."""
    if service.ref.manager != "systemd" or service.ref.scope != "system":
        return None
    source = snapshot.source("systemd_journal")
    return source.failure if source is not None else None


def _ways(service: Service, commands_of: CommandsOf, *, cause_seen: bool) -> tuple[Proposal, ...]:
    """What may help. To start what failed for a cause that nobody saw is no advice."""
    ref = service.ref
    reset = Intent(ActionKind.RESET_FAILED, ref)
    begin = Intent(ActionKind.START, ref)
    if service.state is State.FAILED and not can(ref, Resettable):
        return (proposal("start", f"start {ref.name}", (begin,), commands_of, recommended=cause_seen),)
    if service.state is State.FAILED:
        return (
            proposal(
                "start", f"reset-failed, then start {ref.name}", (reset, begin), commands_of, recommended=cause_seen
            ),
            proposal("reset-failed", f"clear the failure of {ref.name}", (reset,), commands_of, recommended=False),
        )
    stop = Intent(ActionKind.STOP, ref)
    again = Intent(ActionKind.RESTART, ref)
    return (
        proposal("stop", f"stop {ref.name}", (stop,), commands_of, recommended=False),
        proposal("restart", f"restart {ref.name}", (again,), commands_of, recommended=False),
    )


def _limit(service: Service) -> str:
    if service.start_limit is None or not service.restarts:
        return ""
    burst, seconds = service.start_limit
    return f"; systemd gives up after {burst} starts in {seconds:.0f} s"


def _symptom(snapshot: Snapshot, service: Service) -> Symptom | None:
    mine = (symptom for symptom in snapshot.symptoms if symptom.ref == service.ref)
    return next((symptom for symptom in mine if is_current(symptom, service)), None)


def _finding(
    code: str,
    severity: Severity,
    snapshot: Snapshot,
    service: Service,
    summary: str,
    evidence: tuple[str, ...],
    ways: tuple[Proposal, ...] = (),
    *,
    since: float | None,
) -> Finding:
    subject = str(service.ref)
    return Finding(code, severity, snapshot.host, subject, summary, evidence, ways, service.ref, since=since)
