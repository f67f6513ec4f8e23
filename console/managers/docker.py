"""Docker and Podman: containers that belong to no project of Compose."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from console.core.command import Command
from console.core.plan import ActionKind, Check, Swap
from console.core.probe import Probe
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LogLine
from console.managers import container_commands as commands
from console.managers import container_difference, container_releases
from console.managers.container_clients import CLIENTS
from console.managers.container_engines import ENGINES, PRESENCE
from console.managers.container_images import IMAGES
from console.managers.container_services import Told, as_service, chained
from console.managers.container_sudo import LISTED, TOLD


def services(told: Iterable[Told]) -> tuple[Service, ...]:
    """The containers of all engines; of two with one name the second bears that of its engine in front."""
    return tuple(service for service, _ in _found(told).values())


def lost(told: Iterable[Told]) -> frozenset[ServiceRef]:
    """Those of an engine that does not answer now."""
    return frozenset(ref for ref, (_, one) in _found(told).items() if one.lost)


def _found(told: Iterable[Told]) -> dict[ServiceRef, tuple[Service, Told]]:
    found: dict[ServiceRef, tuple[Service, Told]] = {}
    for one in told:
        for each in one.containers:
            if each.project is not None:
                continue
            service = as_service(one, each, "docker", each.name)
            if service.ref in found:
                service = replace(service, ref=replace(service.ref, name=f"{one.engine.kind}/{each.name}"))
            chain = chained(one, service, each.name, one.engine.kind, each.name)
            found[service.ref] = replace(service, chain=chain), one
    return found


_client = re.compile(r"Docker version ([^\s,]{1,80})")


class Docker:
    """The manager of containers."""

    id = "docker"
    priority = 3
    presence = PRESENCE
    releases = IMAGES
    comparison = container_difference.DIFFERENCE
    plain_tool = ("docker",)
    version_words = ("version", "--format", "{{.Server.Version}}")
    installed_words = ("docker", "--version")

    def takes_effect(self, service: Service, file: str | None) -> str:
        """A container has the ports and variables with which it was made."""
        return f"make the container {service.ref.name} anew, with the options of its docker run"

    def version_of(self, said: str) -> str | None:
        """The last line: warnings come before it. The client without its server says so in a sentence."""
        if (client := _client.match(said)) is not None:
            return f"client {client[1]}"
        return (said.strip().splitlines() or [""])[-1].strip()[:80] or None

    def probes(self) -> tuple[Probe[Any], ...]:
        """What is asked through the shell; the rest comes over the engine's socket."""
        return (PRESENCE, ENGINES, LISTED, TOLD, CLIENTS, IMAGES, self.comparison)

    def start(self, service: Service) -> Command:
        """Start the same container."""
        return commands.change(service, "start")

    def stop(self, service: Service) -> Command:
        """Stop it; no policy starts what was stopped this way."""
        return commands.change(service, "stop")

    def restart(self, service: Service) -> Command:
        """Stop and start the same container."""
        return commands.change(service, "restart")

    def signal(self, service: Service, name: str) -> Command:
        """Send a signal to its main process."""
        return commands.change(service, "kill", f"--signal={name}")

    def is_running(self, service: Service, *, hold: float) -> Check:
        """Up and not unhealthy."""
        return commands.is_running(service, _which(service), hold)

    def is_stopped(self, service: Service) -> Check:
        """Not up, and not about to be started again."""
        return commands.is_stopped(service, _which(service))

    def own_health(self, service: Service) -> tuple[Check, ...]:
        """By the health check of its image, where it has one."""
        return container_releases.health(service)

    def has_network_of(self, service: Service, owner: Service) -> Check:
        """By when both were started."""
        return commands.has_network_of(service, owner)

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """By what its engine remembers."""
        return commands.how_ended(service, kind)

    def run_id(self, service: Service) -> Command:
        """Process, identity and start."""
        return commands.run_id(service, _which(service))

    def holds_port(self, service: Service, endpoint: Endpoint) -> Command:
        """Whether it publishes the port, or has it in the host's network."""
        return commands.holds_port(service, _which(service), endpoint)

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """One that is paused has its run still; one that is removed when it ends gets no other image."""
        if kind in (ActionKind.REBUILD, ActionKind.ROLLBACK):
            return container_releases.why_no_other(service)
        return commands.why_not(service, kind)

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The images of its repository."""
        if (why_not := container_releases.why_no_other(service)) is not None:
            raise ValueError(why_not)
        return container_releases.book_words(service, recipe)

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """Both images, and the commits that they were built from."""
        return container_difference.words(service, recipe, live, target)

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """The container made again, with the same options, from a former image."""
        return container_releases.rolled_back(service, target, live, by)

    def rebuild(
        self, service: Service, recipe: Recipe | None, target: Release, book: ReleaseBook, by: Signature
    ) -> Swap:
        """``docker build``, and the container made again from what it gave."""
        return container_releases.rebuilt(service, recipe or Recipe(), target, book, by)

    def disposed(self, service: Service) -> str | None:
        """One that was made with ``--rm``."""
        return commands.disposed(service)

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``docker logs``, from run to run."""
        return commands.log_command(service, _which(service), lines, since, follow)

    def control_groups(self, service: Service) -> tuple[str, ...]:
        """Those of its containers, each of which may have several processes here."""
        return tuple(map(str, service.pids))

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """What its containers were made with, and their process."""
        return commands.environment_words(service)

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line with its time."""
        return commands.log_line(ref, text)


DOCKER = Docker()


def _which(service: Service) -> commands.Which:
    return "", commands.names(service)[0]
