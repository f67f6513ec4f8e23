"""Services that are there and of which nobody can say that they are well."""

from collections.abc import Iterable, Iterator

from console.core.finding import Finding, Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Service, State
from console.core.snapshot import Snapshot
from console.core.words import listed
from console.diagnosis.container_ways import unpause
from console.diagnosis.proposals import CommandsOf, proposal
from console.findings.services import MANY, about
from console.managers.adrift import NOT_TOLD
from console.managers.container_commands import is_paused


def _is_unclear(service: Service) -> bool:
    """Whether its manager tells of it, and not how it is.

    Of what no manager looks after another finding tells, and of what only files tell why its manager does not.
    """
    return service.state is State.UNKNOWN and service.adrift is None and service.native_state != NOT_TOLD


def unclear(snapshot: Snapshot, services: Iterable[Service], commands_of: CommandsOf) -> list[Finding]:
    """Each of them; many of one manager that are so for one reason are one finding."""
    groups: dict[tuple[str, str, str | None], list[Service]] = {}
    found = []
    for service in filter(_is_unclear, services):
        if is_paused(service):
            found.append(_paused(snapshot, service))
        else:
            key = (service.ref.manager, service.ref.scope, service.unclear)
            groups.setdefault(key, []).append(service)
    for (manager, _, why), mine in groups.items():
        if why is not None and len(mine) >= MANY:
            found.append(_many(snapshot, manager, why, mine))
        else:
            found += [_one(snapshot, service, commands_of) for service in mine]
    return found


def _paused(snapshot: Snapshot, service: Service) -> Finding:
    """Its clients wait as they do for one that a signal stopped, and it keeps its ports."""
    summary = "paused: it does nothing, and answers nobody"
    evidence, ways = (f"{service.ref.name}: {service.native_state}",), (unpause(service),)
    return about("process-stopped", Severity.CRITICAL, snapshot, service, summary, evidence, ways, since=None)


def _one(snapshot: Snapshot, service: Service, commands_of: CommandsOf) -> Finding:
    # Of a workload of a cluster no process is known.
    kind = ActionKind.RESTART if service.pids or service.replicas else ActionKind.START
    again = (Intent(kind, service.ref),)
    way = proposal(kind.value, f"{kind.value} {service.ref.name}", again, commands_of, recommended=False)
    summary = f"not known whether it is well: {service.native_state}"
    evidence = tuple(_lines(service))
    return about("state-unknown", Severity.WARNING, snapshot, service, summary, evidence, (way,), since=service.since)


def _many(snapshot: Snapshot, manager: str, why: str, services: list[Service]) -> Finding:
    names = listed([service.ref.name for service in services])
    return Finding(
        "state-unknown",
        Severity.WARNING,
        snapshot.host,
        manager if services[0].ref.scope == "system" else f"{manager} of {services[0].ref.scope.removeprefix('user:')}",
        f"not known whether {len(services)} services are well: {names}",
        (why, *(f"{service.ref.name}: {service.native_state}" for service in services)),
        covers=tuple(service.ref for service in services),
    )


def _lines(service: Service) -> Iterator[str]:
    yield f"{service.ref.name}: {service.native_state}"
    if service.unclear is not None:
        yield service.unclear
