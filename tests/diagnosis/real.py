"""Verdicts on lab hosts by the product's own way: over SSH, as any of the lab's users, with every manager asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from console.cli import looking
from console.cli.commands.why import diagnosis, permitted
from console.cli.targets import any_target
from console.config.model import Config
from console.core.snapshot import Snapshot
from console.diagnosis import Verdict
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from tests.lab import Host, Lab


def why(
    lab: Lab,
    host: Host,
    targets: Sequence[str],
    user: str = "root",
    config: Config | None = None,
    *,
    asked_from: str | None = None,
) -> tuple[Verdict, ...]:
    """What ``hostdeck why`` finds for each of these targets: ``:8080``, ``:53/udp``, ``/api``."""
    return asyncio.run(_why(lab, host, targets, user, config or Config(), asked_from))


def why_as(lab: Lab, host: Host, targets: Sequence[str], users: Sequence[str]) -> dict[str, tuple[Verdict, ...]]:
    """The same for each of these users, who look at one time."""

    async def ask() -> list[tuple[Verdict, ...]]:
        return await asyncio.gather(*(_why(lab, host, targets, user, Config(), None) for user in users))

    return dict(zip(users, asyncio.run(ask()), strict=True))


def look(lab: Lab, host: Host, user: str = "root") -> Snapshot:
    """All that the console knows of a host after its first whole look."""
    return asyncio.run(_look(lab, host, user))


async def _why(
    lab: Lab, host: Host, targets: Sequence[str], user: str, config: Config, asked_from: str | None
) -> tuple[Verdict, ...]:
    found = []
    async with _up(lab, host, user, config, asked_from) as (fleet, spec):
        for target in targets:
            verdict = await diagnosis(fleet, config, spec, any_target(target), asked_from)
            found.append(replace(verdict, actions=await permitted(fleet, config, spec, verdict.actions)))
    return tuple(found)


async def _look(lab: Lab, host: Host, user: str) -> Snapshot:
    async with _up(lab, host, user, Config()) as (fleet, _):
        return fleet.snapshot(host.name)


@asynccontextmanager
async def _up(
    lab: Lab, host: Host, user: str, config: Config, other: str | None = None
) -> AsyncIterator[tuple[Fleet, HostSpec]]:
    names = (host.name, *((other,) if other is not None else ()))
    specs = tuple(HostSpec(name, name, ssh_config=str(lab.ssh_config(user))) for name in names)
    spec = specs[0]
    async with looking.started(config, specs) as fleet:
        await looking.up(fleet, host.name)
        yield fleet, spec
