"""Services that run and are not well: by their own health check, or by one that the configuration declares."""

from collections.abc import Iterable

from console.core.finding import Finding, Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Service, State
from console.core.snapshot import Snapshot
from console.diagnosis.proposals import CommandsOf, proposal
from console.findings.services import about


def unhealthy(snapshot: Snapshot, services: Iterable[Service], commands_of: CommandsOf) -> list[Finding]:
    """A service that runs and whose own health check fails."""
    found = []
    for service in services:
        evidence = (f"{service.ref.name}: {service.native_state}",)
        again = (Intent(ActionKind.RESTART, service.ref),)
        ways = (proposal("restart", f"restart {service.ref.name}", again, commands_of, recommended=False),)
        summary = "runs, and its health check fails"
        found.append(about("unhealthy", Severity.CRITICAL, snapshot, service, summary, evidence, ways, since=None))
    return found


def not_well(snapshot: Snapshot, commands_of: CommandsOf) -> list[Finding]:
    """A service that runs and of which a declared check says that it is not well."""
    found = []
    for health in snapshot.health:
        service = snapshot.service(health.ref)
        if health.well is not False or service is None or service.state is not State.RUNNING:
            continue
        again = (Intent(ActionKind.RESTART, service.ref),)
        ways = (proposal("restart", f"restart {service.ref.name}", again, commands_of, recommended=False),)
        looks = f", {health.failures} looks in a row" if health.failures > 1 else ""
        evidence = (f"{health.said}{looks}", f"state: {service.native_state}")
        summary = f"unhealthy: {health.said}"
        found.append(
            about("unhealthy", Severity.CRITICAL, snapshot, service, summary, evidence, ways, since=health.since)
        )
    return found
