"""Services that failed, restart again and again, or run from an old definition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.core.attempts import is_current
from console.core.command import quote
from console.core.endings import START_LIMIT, ending_of, is_over, why_failed
from console.core.finding import Finding, Proposal, Severity
from console.core.overlap import overlaps
from console.core.plan import ActionKind, Intent
from console.core.restarts import gave_up, tries_again, wont_start
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot, Symptom
from console.core.thresholds import Thresholds
from console.core.words import listed
from console.diagnosis.proposals import CommandsOf, proposal
from console.diagnosis.wanting import is_own
from console.findings.pace import Pace
from console.findings.words import span, times
from console.managers import can
from console.managers.acting import Applying, Rereadable, Resettable
from console.managers.join import Owners

AT_BOOT = 300.0
"""Seconds after the boot in which a failure counts as one of the boot."""
MANY = 3
"""Failures at boot from which on they are one finding."""
LOG_LINES = 3
"""Lines of the end of its log that are evidence of a failure."""
RECENT = 600.0
"""Seconds for which it is told of a running service that it was started again: who was paged comes minutes later."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """The services that any rule may have a word on; the others are well."""

    down: tuple[Service, ...] = ()
    """Failed, flapping, or starting again after a failure."""
    stuck: tuple[Service, ...] = ()
    """Serving, and what is newly wanted of them does not get done."""
    restarted: tuple[Service, ...] = ()
    """Running, after automatic restarts."""
    stale: tuple[Service, ...] = ()
    """Loaded from a file that has changed since."""
    sick: tuple[Service, ...] = ()
    """Running, and their own health check fails."""
    unclear: tuple[Service, ...] = ()
    """In no state that is known."""


def troubled(services: Sequence[Service]) -> Troubled:
    """Sift the services in one pass: it is made for every host each second."""
    down, stuck, restarted, stale, sick, unclear = [], [], [], [], [], []
    for service in services:
        state = service.state
        if service.stuck:
            stuck.append(service)
        elif state is State.FAILED or state is State.FLAPPING or tries_again(service):
            down.append(service)
        elif service.restarts and state is State.RUNNING:
            restarted.append(service)
        elif state is State.UNKNOWN:
            unclear.append(service)
        if service.needs_reload:
            stale.append(service)
        if service.health == "unhealthy" and state is State.RUNNING:
            sick.append(service)
    return Troubled(tuple(down), tuple(stuck), tuple(restarted), tuple(stale), tuple(sick), tuple(unclear))


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


def restarting(snapshot: Snapshot, services: Iterable[Service], thresholds: Thresholds, pace: Pace) -> list[Finding]:
    """A service that runs now but was restarted by its manager a short while ago, and not for the first time."""
    now = snapshot.sample.wall if snapshot.sample is not None else None
    found = []
    for service in services:
        restarts = service.restarts or 0
        age = now - service.since if now is not None and service.since is not None else RECENT
        steady = pace.steady_after(service.ref)
        if _is_calm(service, thresholds, pace) or age >= max(RECENT, steady):
            continue
        if age >= steady:
            summary = f"runs again, after {times(restarts, 'restart')}"
            found.append(about("restart-loop", Severity.INFO, snapshot, service, summary, (), since=service.since))
        else:
            worst = restarts >= thresholds.restarts_critical
            severity = Severity.CRITICAL if worst and _matters(service) else Severity.WARNING
            summary = f"restarts again and again ({times(restarts, 'restart')})"
            found.append(about("restart-loop", severity, snapshot, service, summary, (), since=None))
    return found


def _is_calm(service: Service, thresholds: Thresholds, pace: Pace) -> bool:
    """Whether it was not started again often enough, or too long after the last time, to be in a loop."""
    return (service.restarts or 0) < thresholds.restarts_warning or pace.is_single(service)


def came_back(snapshot: Snapshot, service: Service, pace: Pace) -> bool:
    """Whether it was started again once, runs, and nothing says that it will end again."""
    runs = service.state is State.FLAPPING and bool(service.pids)
    well = _symptom(snapshot, service) is None and wont_start(service) is None
    return runs and well and pace.is_single(service)


def restarted(snapshot: Snapshot, troubled: Troubled, thresholds: Thresholds, pace: Pace) -> list[Finding]:
    """A service that its manager started again a while ago, which is no loop."""
    now = snapshot.sample.wall if snapshot.sample is not None else None
    recent = (one for one in troubled.restarted if _is_calm(one, thresholds, pace) and _is_recent(one, now))
    back = (one for one in troubled.down if came_back(snapshot, one, pace))
    found = []
    for service in (*back, *recent):
        often = "once" if pace.is_single(service) else f"{service.restarts} times, the last"
        ago = f" {span(max(0.0, now - service.since))} ago" if now is not None and service.since is not None else ""
        summary = f"restarted {often},{ago}" if often == "once" and ago else f"restarted {often}{ago}"
        # A manager that has it up again may not tell any more how it ended.
        told = ending_of(service) is not None and (service.state is State.FLAPPING or service.result != "success")
        summary += _how_it_ended(service) if told else ""
        evidence = facts(snapshot, service)
        if not told:
            evidence = (f"{service.ref.name}: {service.native_state}", *evidence[1:])
        found.append(about("restarted", Severity.INFO, snapshot, service, summary, evidence, since=service.since))
    return found


def _is_recent(service: Service, now: float | None) -> bool:
    return now is not None and service.since is not None and now - service.since < RECENT


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
    if (wrong := wont_start(service)) is not None:
        lines.append(f"it would not start: {wrong}")
    if service.restarts:
        told = "Restart=" if service.ref.manager == "systemd" else "restarts: "
        policy = f", {told}{service.restart_policy}" if service.restart_policy else ""
        lines.append(f"{times(service.restarts, 'automatic restart')}{policy}{_limit(service)}")
    symptom = _symptom(snapshot, service)
    if symptom is not None:
        lines.append(f"log: {symptom.line}")
    elif (why_not := _log_unread(snapshot, service)) is not None:
        lines.append(f"its log was not seen: {why_not}")
    else:
        lines += [f"log: {line}" for line in snapshot.said_last(service.ref)[-LOG_LINES:]]
        lines += [
            f"{hint.where} names {hint.endpoint.protocol} {hint.endpoint.port}, which {who} holds"
            for hint in service.hints
            if (who := _held_by_another(snapshot, service, hint.endpoint)) is not None
        ]
    return tuple(lines)


def _held_by_another(snapshot: Snapshot, service: Service, endpoint: Endpoint) -> str | None:
    others = (one for one in snapshot.listeners if not is_own(service, one, snapshot.services))
    listener = next((one for one in others if overlaps(endpoint, one)), None)
    if listener is None:
        return None
    owner = Owners(snapshot.services).of(listener)
    return owner.ref.name if owner is not None else listener.unit or listener.process or "a hidden process"


def _one(snapshot: Snapshot, service: Service, thresholds: Thresholds, commands_of: CommandsOf) -> Finding:
    symptom = _symptom(snapshot, service)
    # A port that is taken weighs the same whether it is known which one or not.
    taken = symptom is not None and symptom.errno == "EADDRINUSE" and not service.never_ran
    severity = Severity.CRITICAL if taken or _matters(service) else Severity.WARNING
    evidence = facts(snapshot, service)
    tried = f", {symptom.errno} in its log" if symptom is not None else ""
    wrong = wont_start(service)
    tried += f", {wrong}" if wrong is not None else ""
    # What its log complains of may be there still.
    ways = ways_out(service, commands_of, wise=symptom is None and wrong is None)
    if service.state is not State.FAILED:
        count = service.restarts or 0
        again = f"restarts again and again ({times(count, 'restart')})" if count else "does not come up"
        again = "ended, and is started again" if count == 1 else again
        summary = f"{again}{_how_it_ended(service)}{tried}"
        if count < thresholds.restarts_critical and not taken:
            severity = Severity.WARNING
        # Each attempt begins anew: how long the loop goes on no manager tells.
        return about("restart-loop", severity, snapshot, service, summary, evidence, ways, since=None)
    if service.result == START_LIMIT and not service.restarts:
        return _refused(snapshot, service, tried, evidence, ways)
    if gave_up(service):
        after = f"after {times(service.restarts, 'restart')} " if service.restarts else ""
        summary = f"{after}{service.ref.manager} gave up: {why_failed(service)}{tried}"
        return about("start-limit", severity, snapshot, service, summary, evidence, ways, since=service.since)
    return about(
        "service-failed",
        severity,
        snapshot,
        service,
        f"failed: {why_failed(service)}{tried}",
        evidence,
        ways,
        since=service.since,
    )


def _refused(
    snapshot: Snapshot, service: Service, tried: str, evidence: tuple[str, ...], ways: tuple[Proposal, ...]
) -> Finding:
    """Its last run had ended as it should: it is down because it was to be started once more, and that was refused."""
    burst, seconds = service.start_limit or (0, 0.0)
    limit = f" ({burst} starts within {seconds:g} s)" if burst else ""
    summary = f"down: {service.ref.manager} refused to start it again, {why_failed(service)}{limit}{tried}"
    # Who has it started that often wants it to run.
    wanted = service.ref.scope == "system" and not service.oneshot and not service.triggered_by
    severity = Severity.CRITICAL if wanted or _matters(service) else Severity.WARNING
    return about("start-limit", severity, snapshot, service, summary, evidence, ways, since=service.since)


def _how_it_ended(service: Service) -> str:
    return f": {why_failed(service)}" if ending_of(service) is not None else ""


def _boot_failures(snapshot: Snapshot, services: Sequence[Service], commands_of: CommandsOf) -> Finding:
    names = listed([service.ref.name for service in services])
    severity = Severity.CRITICAL if any(_matters(service) for service in services) else Severity.WARNING
    each = ([way for way in ways_out(service, commands_of) if way.intents] for service in services)
    ways = [way for found in each for way in found[:1]]
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
    if service.never_ran:
        return False
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


def ways_out(service: Service, commands_of: CommandsOf, *, wise: bool = True) -> tuple[Proposal, ...]:
    """What may help. To start what failed is no advice where its cause is not known to be gone."""
    ref = service.ref
    wise = wise and is_over(service)
    reset = Intent(ActionKind.RESET_FAILED, ref)
    begin = Intent(ActionKind.START, ref)
    if service.state is State.FAILED and not can(ref, Resettable):
        start = proposal("start", f"start {ref.name}", (begin,), commands_of, recommended=wise)
        return (start,) if wise else (_read_log(service), start)
    if service.state is State.FAILED:
        return (
            proposal("start", f"reset-failed, then start {ref.name}", (reset, begin), commands_of, recommended=wise),
            proposal("reset-failed", f"clear the failure of {ref.name}", (reset,), commands_of, recommended=False),
        )
    stop = Intent(ActionKind.STOP, ref)
    again = Intent(ActionKind.RESTART, ref)
    return (
        proposal("stop", f"stop {ref.name}", (stop,), commands_of, recommended=False),
        proposal("restart", f"restart {ref.name}", (again,), commands_of, recommended=False),
    )


def _read_log(service: Service) -> Proposal:
    """What a person does before it is started only to fail as it did."""
    look = (quote(("tail", "-n", "50", "--", *service.log_files[:2])),) if service.log_files else ()
    how = f"by hand: l, or {quote(('hostdeck', 'logs', str(service.ref)))}"
    label = f"read its log first: {why_failed(service)}"
    return Proposal("read-log", label, commands=look, recommended=True, reason_off=how)


def _limit(service: Service) -> str:
    if service.start_limit is None or not service.restarts:
        return ""
    burst, seconds = service.start_limit
    return f"; systemd gives up after {burst} starts in {seconds:.0f} s"


def _symptom(snapshot: Snapshot, service: Service) -> Symptom | None:
    mine = (symptom for symptom in snapshot.symptoms if symptom.ref == service.ref)
    return next((symptom for symptom in mine if is_current(symptom, service)), None)


def about(
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
    """A finding about one service."""
    subject = str(service.ref)
    return Finding(code, severity, snapshot.host, subject, summary, evidence, ways, service.ref, since=since)
