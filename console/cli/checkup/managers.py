"""The service managers of a host: which are there, their versions, what is missing and the line that mends it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.cli.checkup.check import Check, ok, warning
from console.core.command import Command
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.managers import DETECTED
from console.managers.base import Detected, Versioned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from console.core.command import Output


async def checks(snapshot: Snapshot, run: "Callable[[Command], Awaitable[Output]]") -> list[Check]:
    """A line for each manager that is there, and one for those that are not. Raises ``TransportError``."""
    found: list[Check] = []
    absent = []
    for manager in DETECTED:
        mine = tuple(service for service in snapshot.services if service.ref.manager == manager.id)
        source = snapshot.source(manager.id)
        if source is None and mine:
            found.append(warning(manager.id, f"does not run; {_count(mine)} known of it"))
        elif source is None:
            absent.append(manager.id)
        elif source.failure is not None:
            found.append(warning(manager.id, source.failure))
        else:
            count = _count(mine)
            version = await _version(manager, mine, run)
            found.append(ok(manager.id, f"{version}, {count}" if version else count))
        found += _wrong_files(manager, mine)
        found += _without_tool(manager, mine)
    if snapshot.source("docker") is not None:
        found.append(await _compose(run))
    if absent:
        found.append(ok("managers", f"not found here: {', '.join(absent)}"))
    return found


COMPOSE = (("docker", "compose"), ("docker-compose",))
"""What may answer for Compose, the one that is used first in front."""


async def _compose(run: "Callable[[Command], Awaitable[Output]]") -> Check:
    """Which Compose the host has: without one its services are seen, and not made anew."""
    for words in COMPOSE:
        output = await run(Command((*words, "version", "--short"), timeout=8.0, ok_exits=tuple(range(256))))
        said = output.stdout.strip().removeprefix("v")
        if output.exit == 0 and said[:1].isdigit():
            version = "v1" if said.startswith("1.") else "v2"
            return ok("compose", f"{version}: {' '.join(words)} {said.splitlines()[0][:40]}")
    found = "neither docker compose nor docker-compose answers: services of Compose are not rebuilt or made anew"
    return warning("compose", found, "install docker-compose-plugin (v2), or docker-compose")


def _count(services: tuple[Service, ...]) -> str:
    return f"{len(services)} service{'' if len(services) == 1 else 's'}"


def _wrong_files(manager: Detected, services: tuple[Service, ...]) -> Iterator[Check]:
    """Files with which the manager would not start again."""
    for wrong in dict.fromkeys(service.files_wrong for service in services if service.files_wrong):
        yield warning(f"{manager.id} files", f"they would not be loaded: {wrong}")


async def _version(
    manager: Detected, services: tuple[Service, ...], run: "Callable[[Command], Awaitable[Output]]"
) -> str | None:
    """What the tool that answers for its services calls itself; ``None`` where there is no tool or no service."""
    tool = next((service.tool for service in services if service.tool), ())
    if not tool or not isinstance(manager, Versioned):
        return None
    output = await run(Command((*tool, *manager.version_words), timeout=8.0, ok_exits=tuple(range(256))))
    said = output.stdout.strip().splitlines()
    return said[-1].strip()[:80] if output.exit == 0 and said else None


def _without_tool(manager: Detected, services: tuple[Service, ...]) -> Iterator[Check]:
    """What keeps services from being changed, each reason once."""
    reasons = dict.fromkeys(service.tool_missing for service in services if service.tool_missing)
    for reason in reasons:
        yield warning(f"{manager.id} changes", reason)
