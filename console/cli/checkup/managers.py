"""The service managers of a host: which are there, their versions, what is missing and the line that mends it."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.cli.checkup.check import Check, ok, unknown, warning
from console.core.command import Command, quote
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.managers import DETECTED
from console.managers.base import Detected, Versioned
from console.managers.kubernetes import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from console.core.command import Output


async def checks(snapshot: Snapshot, run: "Callable[[Command], Awaitable[Output]]") -> list[Check]:
    """A line for each manager that is there, and one for those that are not. Raises ``TransportError``."""
    found: list[Check] = []
    absent = []
    user = snapshot.identity.user if snapshot.identity is not None else "USER"
    for manager in DETECTED:
        mine = tuple(service for service in snapshot.services if service.ref.manager == manager.id)
        source = snapshot.source(manager.id)
        if source is None and mine:
            found.append(warning(manager.id, f"does not run; {_count(mine)} known of it"))
        elif source is None:
            absent.append(manager.id)
        elif source.failure is not None:
            told = (await _installed(manager, run), source.failure)
            found.append(parted(manager.id, ", ".join(word for word in told if word), user))
        else:
            words = (await _version(manager, mine, run), _count(mine), _changed_with(mine))
            found.append(ok(manager.id, ", ".join(word for word in words if word)))
        found += _wrong_files(manager, mine)
        found += _without_tool(manager, mine, user)
    if (engine := snapshot.source("docker")) is not None:
        found.append(await _compose(run, None if engine.partial else engine.failure, user))
    if "kubernetes" in absent and snapshot.identity is not None and "kubectl" in snapshot.identity.tools:
        absent.remove("kubernetes")
        version = await _installed(KUBERNETES, run) or "kubectl"
        found.append(unknown("kubernetes", f"{version} is there, and this login has no kubeconfig", KUBECONFIG))
    if absent:
        found.append(ok("managers", f"not found here: {', '.join(absent)}"))
    return found


KUBECONFIG = "give it one in ~/.kube/config, or set KUBECONFIG for its logins, where its cluster is to be seen"

COMPOSE = (("docker", "compose"), ("docker-compose",))
"""What may answer for Compose, the one that is used first in front."""


async def _compose(run: "Callable[[Command], Awaitable[Output]]", refused: str | None, user: str) -> Check:
    """Which Compose the host has: without one its services are seen, and not made anew.

    ``refused``: why Docker is not to be used, without which it does nothing.
    """
    for words in COMPOSE:
        output = await run(Command((*words, "version", "--short"), timeout=8.0, ok_exits=tuple(range(256))))
        said = output.stdout.strip().removeprefix("v")
        if output.exit == 0 and said[:1].isdigit():
            version = "v1" if said.startswith("1.") else "v2"
            told = f"{version}: {' '.join(words)} {said.splitlines()[0][:40]}"
            return ok("compose", told) if refused is None else parted("compose", f"{told}, {refused}", user)
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
    """What it told itself, or what the tool that answers for its services says; ``None`` where neither does."""
    told = dict.fromkeys(service.manager_version for service in services if service.manager_version)
    if told:
        return ", ".join(told)
    if not isinstance(manager, Versioned):
        return None
    tool = next((service.tool for service in services if service.tool), manager.plain_tool)
    output = await run(Command((*tool, *manager.version_words), timeout=8.0, ok_exits=tuple(range(256))))
    return manager.version_of(output.stdout) if output.exit == 0 else None


async def _installed(manager: Detected, run: "Callable[[Command], Awaitable[Output]]") -> str | None:
    """The version that is installed where the manager itself may not be asked; ``None`` where that is not told."""
    if not isinstance(manager, Versioned):
        return None
    output = await run(Command(manager.installed_words, timeout=8.0, ok_exits=tuple(range(256))))
    return manager.version_of(output.stdout) if output.exit == 0 else None


def _changed_with(services: tuple[Service, ...]) -> str | None:
    """The words with which its services are changed: as whom, and of which daemon or cluster."""
    words = list(dict.fromkeys(quote(service.tool) for service in services if service.tool))
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return f"changed with {', '.join(words[:3])}{more}" if words else None


def _without_tool(manager: Detected, services: tuple[Service, ...], user: str) -> Iterator[Check]:
    """What keeps services from being changed, each reason once."""
    reasons = dict.fromkeys(service.tool_missing for service in services if service.tool_missing)
    for reason in reasons:
        yield parted(f"{manager.id} changes", reason, user)


_mends = re.compile(
    r"[:;] (?=sudoers needs: |join group |connect as |install |declare |bind |start its unit|log in again|renew it"
    r"|see \w|run \w|(?:docker|podman|journalctl|systemctl|kubectl|loginctl|kill) )"
)
_group = re.compile(r"join group ([\w.-]+)")


def parted(what: str, reason: str, user: str) -> Check:
    """A reason of a manager, which ends with what mends it where that is known, as a check with both."""
    told = _mends.search(reason)
    if told is None:
        return warning(what, reason)
    mend = reason[told.end() :]
    if (group := _group.fullmatch(mend)) is not None:
        mend = f"usermod -aG {group[1]} {user} (as root), then log in again"
    return warning(what, reason[: told.start()], mend)
