"""Processes that no service manager owns, each for as long as it lives: they can be ended, and nothing else.

None of them is in a list of services: one is named by its number, ``web1/process:4112``, once it holds a port that is
wanted. A number is given to another process sooner or later, so a process is signalled only after its number, the time
of its start and its socket were compared, in the step before.
"""

from typing import Any

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check
from console.core.probe import Probe
from console.core.service import Endpoint, Service
from console.managers import process_scripts as scripts

ID = "process"
_FLAGS = {"tcp": "t", "udp": "u"}


class Processes:
    """The manager of what has none, not even a pid file. ``Service.handle``: pid, start in clock ticks, sockets."""

    id = ID
    priority = 7

    def probes(self) -> tuple[Probe[Any], ...]:
        """None of its own: processes are looked at when a listener names them."""
        return ()

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """Nobody knows how it was started."""
        if kind in (ActionKind.STOP, ActionKind.KILL):
            return None
        return f"{named(service)} belongs to no service manager: it can only be ended"

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """What it was started with."""
        return ("process", _handle(service)[0])

    def stop(self, service: Service) -> Command:
        """SIGTERM."""
        return self.end(service, "TERM", None)

    def end(self, service: Service, signal: str, endpoint: Endpoint | None) -> Command:
        """The signal to just the process that was seen: it is compared in the same breath."""
        words = (*(service.tool or ("kill",)), f"-{signal}", _handle(service)[0])
        argv = (*self.seen(service, endpoint).argv, *words)
        text = f"send SIG{signal} to {named(service)}"
        return Command(argv, timeout=10.0, effect=Effect.CHANGE, purpose=text, becomes=words)

    def seen(self, service: Service, endpoint: Endpoint | None) -> Command:
        """Whether it still is the process that was seen, with a socket that was seen."""
        pid, began, *inodes = _handle(service)
        place = ("", "", "") if endpoint is None else _place(endpoint)
        words = (pid, began, named(service), *place, " ".join(inodes))
        return _look(scripts.SEEN, words, f"compare number, start and socket of process {pid} with what was seen")

    def ended(self, service: Service, signal: str, seconds: float) -> Command:
        """Wait until it has ended."""
        pid, began, *_ = _handle(service)
        words = (pid, began, named(service), signal, str(max(1, round(seconds))))
        return _look(scripts.ENDED, words, f"wait up to {seconds:g} s until process {pid} has ended", seconds)

    def outlived(self, service: Service) -> Check:
        """It was ended by a mild signal before, in vain."""
        pid, began, *_ = _handle(service)
        look = _look(scripts.OUTLIVED, (pid, began, named(service)), f"see that SIGTERM did not end process {pid}")
        return Check(f"SIGTERM was tried on {named(service)}", look, within=0)

    def at_port(self, service: Service, endpoint: Endpoint) -> Check:
        """It has the port by something else than a listener of its own: a connection, or a process below it."""
        pid, *_ = _handle(service)
        place = _place(endpoint)
        look = _look(scripts.AT_PORT, (pid, named(service), *place), f"see that process {pid} is at {place[2]}")
        return Check(f"{named(service)} has a socket at {place[2]}", look, within=0)

    def released(self, service: Service, endpoint: Endpoint, seconds: float) -> Command:
        """Wait until none of its sockets is at the port, with whatever process inherited one."""
        pid, _, *inodes = _handle(service)
        tries = str(round(seconds * 5))
        words = (pid, named(service), *_place(endpoint), tries, *inodes)
        purpose = f"wait until {endpoint.protocol} {endpoint.port} is released"
        return _look(scripts.RELEASED, words, purpose, seconds * 2)


PROCESS = Processes()


def named(service: Service) -> str:
    """``node (pid 4112)``."""
    return f"{service.description} (pid {service.ref.name})"


def _place(endpoint: Endpoint) -> tuple[str, str, str]:
    return _FLAGS[endpoint.protocol], str(endpoint.port), f"{endpoint.protocol} {endpoint.port}"


def _handle(service: Service) -> tuple[str, ...]:
    """Number, start and sockets; raises ``ValueError`` for what was not looked at."""
    if len(service.handle) < 2 or not all(word.isdecimal() for word in service.handle):
        raise ValueError(f"process {service.ref.name} was not looked at yet")
    return service.handle


def _look(script: str, words: tuple[str, ...], purpose: str, seconds: float = 0.0) -> Command:
    return Command(("sh", "-c", script, "sh", *words), timeout=10.0 + seconds, purpose=purpose)
