"""Containers as services: what is the same for one container and for a service of Compose."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.core.service import HOST_NETWORK, Service, ServiceRef, State
from console.managers.container_engines import Engine, Engines
from console.managers.containers import Container, Project

_STAMPED_LATE = 1.0
"""Seconds: an engine notes the start when it is told of it, by when the process may have ended already."""
_OF_CONTAINER = "container:"
REMOVED = "removed when it ends"
"""What stands where others say whether they come back at the next boot."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one engine told."""

    engine: Engine
    engines: Engines
    containers: tuple[Container, ...]
    now: float | None = None
    """The host's clock, in Unix seconds."""
    tool: tuple[str, ...] = ()
    """The words that answered, where these are not the engine's own."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units of systemd whose main process attends to a container or a project, by its name."""

    gone: tuple[Project, ...] = ()
    """Projects of Compose that had containers and have none now."""
    lost: bool = False
    """Whether it does not answer now, so that this is what it told last."""

    @property
    def words(self) -> tuple[tuple[str, ...], str | None]:
        """The tool, or why there is none."""
        return (self.tool, None) if self.tool else self.engines.words(self.engine)


def as_service(told: Told, container: Container, manager: str, name: str) -> Service:
    """One container as a service of that name."""
    tool, missing = told.words
    result, code, signal = container.ended
    down = container.state(told.now) in (State.FAILED, State.FLAPPING)
    # While the next attempt runs, the one that ended is told of no more.
    known = down and not container.runs
    return Service(
        ServiceRef("", manager, name, told.engine.scope),
        container.state(told.now),
        container.native,
        description=container.image,
        pids=() if container.pid is None else (container.pid,),
        since=container.since,
        attempt_since=container.started - _STAMPED_LATE if known and container.started is not None else None,
        never_ran=container.started is None and not container.runs,
        restarts=container.restarts,
        ports=container.ports if container.has_network else (),
        wants=container.wants,
        network=_network(told, container),
        version=container.version,
        health=container.health,
        health_seconds=container.health_seconds,
        result=result,
        exit_code=code,
        exit_signal=signal,
        enabled=REMOVED if container.removed else None,
        restart_policy=container.policy,
        stop_way=container.stop_way,
        user=container.user,
        daemon=told.engine.pid,
        tool=tool,
        tool_missing=missing,
        members=(container.name,),
        image=container.image or None,
        origin=container.origin,
        unclear=container.why_unclear,
    )


def _network(told: Told, container: Container) -> str | None:
    """Whose network it has: of one that joined another container's that of the one at the end of the chain."""
    seen: set[str] = set()
    one, joined = container, ""
    while one.network.startswith(_OF_CONTAINER) and one.ident not in seen:
        seen.add(one.ident)
        joined = one.network.removeprefix(_OF_CONTAINER)
        found = next((each for each in told.containers if joined in (each.ident, each.name)), None)
        if found is None:
            return joined[:12]
        one, joined = found, found.name
    if one.network != HOST_NETWORK:
        return joined or None
    # What rootless Docker calls so is the network in which it runs itself.
    return joined or None if (told.engine.kind, told.engine.scope != "system") == ("docker", True) else HOST_NETWORK


def chained(told: Told, service: Service, key: str, *tail: str) -> tuple[str, ...]:
    """Who runs it: the unit that attends to it where there is one, else the engine's own is found by ``lineage``."""
    unit = told.units.get(key)
    return ("systemd", *unit.split("/"), *tail) if unit is not None and service.pids else tail
