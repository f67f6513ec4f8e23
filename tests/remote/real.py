"""Lab hosts for the tests of plans: a connection, and a look at what the host is like now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from console.actions import ActionSettings, plan
from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Intent, Plan, PlanProgress, Step, StepState
from console.core.probe import Probe
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers import MANAGERS
from console.managers.join import with_ports
from console.managers.systemd import SHOW, USER_SHOW
from console.probes import identity, listeners
from console.remote.audit import AuditTrail
from console.remote.runner import RunSettings, execute, new_plan_id
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from console.remote.transport import HostSpec, Transport, TransportError
from tests.lab import Host

T = TypeVar("T")

QUICK = ActionSettings(hold=1.0, respawn=1.0, within=15.0)
COUNT = 'echo run >>"$1"; sleep "$2"'

RUN = RunSettings(silence=6.0, patience=40.0, longest_wait=1.0)


@asynccontextmanager
async def connected(host: str, config: Path) -> AsyncIterator[SshTransport]:
    """A connection as the user of the configuration."""
    transport = SshTransport(HostSpec(host, host, ssh_config=str(config), connect_timeout=4.0), JumpPool())
    try:
        await transport.connect()
        yield transport
    finally:
        await transport.close()


async def ask(transport: Transport, probe: Probe[T]) -> T:
    output = await transport.run(Command(("sh",), timeout=20.0), f"probe() {{\n{probe.script}\n}}\nprobe\n".encode())
    if output.exit != 0:
        raise TransportError("shell", output.stderr)
    return probe.parse(output.stdout.removesuffix("\n"))


async def look(transport: Transport) -> Snapshot:
    """What the host is like, by the real probes."""
    who = await ask(transport, identity.PROBE)
    found = await ask(transport, listeners.PROBE)
    services = [*await ask(transport, SHOW)]
    if who.uid != 0:
        services += await ask(transport, USER_SHOW)
    named = tuple(replace(service, ref=replace(service.ref, host=transport.host)) for service in services)
    link = Link(LinkState.UP, 0.0)
    return Snapshot(
        transport.host, link, identity=who, services=with_ports(named, tuple(found)), listeners=tuple(found)
    )


def unit(host: str, name: str, scope: str = "system") -> ServiceRef:
    return ServiceRef(host, "systemd", name, scope)


def named(where: Snapshot, name: str) -> Service:
    return next(service for service in where.services if service.ref.name == name)


async def planned(
    transport: Transport,
    kind: ActionKind,
    name: str,
    *,
    port: int | None = None,
    settings: ActionSettings = QUICK,
    reason: str | None = None,
    scope: str = "system",
) -> Plan:
    """The plan of an action on a unit, from a fresh look."""
    where = await look(transport)
    endpoint = None if port is None else Endpoint("tcp", "0.0.0.0", port)
    intent = Intent(kind, unit(transport.host, name, scope), endpoint)
    return plan(intent, where, managers=MANAGERS, settings=settings, plan_id=new_plan_id(), reason=reason)


async def run(
    transport: Transport, wanted: Plan, *, root: bool, operator: str = "ann", audit: AuditTrail | None = None
) -> PlanProgress:
    """Run a plan to its end."""
    told = execute(transport, wanted, root=root, operator=operator, audit=audit, settings=RUN)
    return [progress async for progress in told][-1]


def slow(host: Host, seconds: float = 3.0, *, name: str = "api.service", file: str = "/tmp/count") -> Plan:
    """A plan that leaves a line each time it is really run, and takes its time."""
    command = Command(("sh", "-c", COUNT, "sh", file, str(seconds)), timeout=30, effect=Effect.CHANGE)
    well = Check("the line is there", Command(("grep", "-c", "run", file)))
    ref = unit(host.name, name)
    return Plan(
        new_plan_id(), ActionKind.RESTART, ref, (Step("count", command),), checks=(well,), reason="incident 4711"
    )


def count(host: Host, file: str = "/tmp/count") -> int:
    return len(host.sh(f"cat {file} 2>/dev/null || true").splitlines())


def processes(host: Host, plan: Plan) -> list[str]:
    """The processes of the host that run the plan's script."""
    return host.run(["pgrep", "-f", f"hostdeck-plan-{plan.id}"], check=False).stdout.split()


async def until_running(transport: SshTransport, plan: Plan, *, root: bool = True) -> None:
    """Start a plan and leave as soon as its step runs."""
    async with aclosing(execute(transport, plan, root=root, operator="ann", settings=RUN)) as told:
        async for progress in told:
            if progress.steps[0].state is StepState.RUNNING:
                return
