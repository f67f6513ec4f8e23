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
        if source is None:
            absent.append(manager.id)
        elif source.failure is not None:
            found.append(warning(manager.id, source.failure))
        else:
            count = f"{len(mine)} service{'' if len(mine) == 1 else 's'}"
            version = await _version(manager, mine, run)
            found.append(ok(manager.id, f"{version}, {count}" if version else count))
        found += _without_tool(manager, mine)
    if absent:
        found.append(ok("managers", f"not found here: {', '.join(absent)}"))
    return found


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
