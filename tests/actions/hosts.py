"""Snapshots for the tests of plans: one host with a few services."""

from __future__ import annotations

from dataclasses import replace

from console.core.network import Listener
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Identity, Link, LinkState, Snapshot

UP = Link(LinkState.UP, 0.0)
ONCALL = Identity("web1", "Debian", "6.1", "oncall", 1001)
PORT, TLS = Endpoint("tcp", "0.0.0.0", 8080), Endpoint("tcp", "0.0.0.0", 8443)


def ref(name: str, scope: str = "system", manager: str = "systemd") -> ServiceRef:
    return ServiceRef("web1", manager, name, scope)


def service(name: str = "api.service", state: State = State.RUNNING, **more: object) -> Service:
    pids = (812,) if state is State.RUNNING else ()
    base = Service(ref(name), state, f"{state.value}/{state.value}", pids=pids, cgroup=f"/system.slice/{name}")
    return replace(base, **more)  # type: ignore[arg-type]


def listener(unit: str | None = "legacy.service", **more: object) -> Listener:
    base = Listener("tcp", "0.0.0.0", 8080, inode=1, uid=990, unit=unit, cgroup=f"/system.slice/{unit}")
    return replace(base, **more)  # type: ignore[arg-type]


def snapshot(*services: Service, listeners: tuple[Listener, ...] = (), **more: object) -> Snapshot:
    base = Snapshot("web1", UP, identity=ONCALL, services=services, listeners=listeners)
    return replace(base, **more)  # type: ignore[arg-type]


def intent(kind: ActionKind, name: str = "api.service", endpoint: Endpoint | None = None) -> Intent:
    return Intent(kind, ref(name), endpoint)


def conflict(state: State = State.FAILED, **more: object) -> Snapshot:
    """api.service wants 8080, which legacy.service holds."""
    legacy = service("legacy.service", ports=(PORT,), enabled="enabled")
    return snapshot(service("api.service", state, wants=(PORT,), **more), legacy, listeners=(listener(),))


def two_conflicts() -> Snapshot:
    """The same, and other.service holds 8443, which api.service wants too."""
    where = conflict()
    other = service("other.service", pids=(77,), ports=(TLS,))
    has = Listener("tcp", "0.0.0.0", 8443, pids=(77,), process="nginx", unit="other.service")
    services = (replace(where.services[0], wants=(PORT, TLS)), where.services[1], other)
    return replace(where, services=services, listeners=(*where.listeners, has))
