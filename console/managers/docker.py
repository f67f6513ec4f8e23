"""Docker and Podman: containers that belong to no project of Compose."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from console.core.command import Command
from console.core.plan import ActionKind, Check
from console.core.probe import ParseError, Probe
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LogLine
from console.managers import container_commands as commands
from console.managers.container_clients import CLIENTS
from console.managers.container_engines import ENGINES, PRESENCE
from console.managers.container_services import Told, as_service, chained
from console.managers.containers import Container, container

SUDO_TOOL = ("sudo", "-n", "--", "docker")
_BY_SUDO = r"""
# sudo writes each question into the log of the host: what it has allowed once is not asked again.
if [ "${1:-}" != known ]; then
  command -v sudo >/dev/null 2>&1 && sudo -n -l docker ps -aq --no-trunc >/dev/null 2>&1 &&
    sudo -n -l docker inspect --type container -- x >/dev/null 2>&1 || return 3
fi
# With KILL it ends itself beside what it waits for: sudo, which nobody but root may kill, is not waited for.
hd_t=
if command -v timeout >/dev/null 2>&1; then hd_t='timeout -k 1 8'; fi
hd_ids=$($hd_t sudo -n docker ps -aq --no-trunc)
hd_rc=$?
[ "$hd_rc" -lt 124 ] || echo 'dockerd does not answer: it hangs, see its log' >&2
[ "$hd_rc" = 0 ] || return "$hd_rc"
[ -n "$hd_ids" ] || { echo '[]'; return; }
# A container may go between the two: the others are told all the same.
hd_told=$($hd_t sudo -n docker inspect --type container -- $hd_ids 2>/dev/null)
case $hd_told in '['*) printf '%s\n' "$hd_told" ;; *) echo 'docker inspect told nothing' >&2; return 1 ;; esac
"""


def parse_inspected(text: str) -> tuple[Container, ...]:
    """Read what ``docker inspect`` prints; one that cannot be read leaves the others alone."""
    try:
        data = json.loads(text, strict=False)
    except ValueError:
        raise ParseError("the JSON of docker inspect", text.partition("\n")[0]) from None
    if not isinstance(data, list):
        raise ParseError("a list of containers", text.partition("\n")[0])
    return readable(data)


def readable(data: Iterable[Any]) -> tuple[Container, ...]:
    """Those that can be read."""
    found = []
    for one in data:
        try:
            found.append(container(one))
        except ParseError:
            continue
    return tuple(found)


BY_SUDO: Probe[tuple[Container, ...]] = Probe(
    "docker_by_sudo", _BY_SUDO, parse_inspected, slow=True, cached=False, timeout=20.0
)
"""All containers, for a user who may run docker through sudo and not use its socket; exit 3 where sudo refuses."""


def services(told: Iterable[Told]) -> tuple[Service, ...]:
    """The containers of all engines; of two with one name the second bears that of its engine in front."""
    found: dict[ServiceRef, Service] = {}
    for one in told:
        for each in one.containers:
            if each.project is not None:
                continue
            service = as_service(one, each, "docker", each.name)
            if service.ref in found:
                service = replace(service, ref=replace(service.ref, name=f"{one.engine.kind}/{each.name}"))
            chain = chained(one, service, each.name, one.engine.kind, each.name)
            found[service.ref] = replace(service, chain=chain)
    return tuple(found.values())


class Docker:
    """The manager of containers."""

    id = "docker"
    priority = 3
    presence = PRESENCE
    version_words = ("version", "--format", "{{.Server.Version}}")

    def probes(self) -> tuple[Probe[Any], ...]:
        """What is asked through the shell; the rest comes over the engine's socket."""
        return (PRESENCE, ENGINES, BY_SUDO, CLIENTS)

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

    def run_id(self, service: Service) -> Command:
        """Process, identity and start."""
        return commands.run_id(service, _which(service))

    def holds_port(self, service: Service, endpoint: Endpoint) -> Command:
        """Whether it publishes the port, or has it in the host's network."""
        return commands.holds_port(service, _which(service), endpoint)

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """One that is paused has its run still."""
        return commands.why_not(service, kind)

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``docker logs``, from run to run."""
        return commands.log_command(service, _which(service), lines, since, follow)

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line with its time."""
        return commands.log_line(ref, text)


DOCKER = Docker()


def _which(service: Service) -> commands.Which:
    return "", commands.names(service)[0]
