"""Why services of managers beside systemd do not start, from their own logs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from console.core.command import Command, Output
from console.core.service import HOST_NETWORK, Service, ServiceRef
from console.core.snapshot import LastWords, LogLine, Symptom
from console.core.text import cut
from console.diagnosis.bind_errors import symptoms
from console.remote import logs
from console.remote.builder import SnapshotBuilder
from console.remote.collect import run_when_free
from console.remote.service_book import SymptomSearch
from console.remote.transport import Transport, TransportError

LINES = 60
"""The last lines of a log in which the reason is looked for."""
UNTIMED = 25
"""Of a log without times only so many lines at its end count: as long as the traceback of one attempt."""
KEPT = 6
"""Lines at its end that are kept to be shown."""
LONGEST = 300
"""Characters of such a line."""
AGAIN = 60.0
"""Seconds until a log that could not be read is tried again."""
_CONTAINERS = ("docker", "compose")
AT_ONCE = 4
"""Logs that are read after one look at the services; the others follow after the next."""
TOGETHER = 2
"""Logs of a host that are read at a time, of all its managers: there are few channels, and one log may hang."""


class FailureLogs:
    """Reads the log of each service once after each of its failures."""

    def __init__(self, builder: SnapshotBuilder, transport: Transport) -> None:
        self._builder = builder
        self._transport = transport
        self._search = SymptomSearch()
        self._symptoms: dict[ServiceRef, tuple[Symptom, ...]] = {}
        self._ends: dict[ServiceRef, LastWords] = {}
        self._again: dict[ServiceRef, float] = {}
        self._turns = asyncio.Semaphore(TOGETHER)

    async def read(self, manager: str, clock: Callable[[], float]) -> None:
        """Read what is due of one manager; raises ``TransportError`` when the link is lost or gives no channel."""
        mine = [service for service in self._builder.snapshot.services if service.ref.manager == manager]
        down = {service.ref for service in self._search.down(mine)}
        gone = [ref for ref in self._symptoms if ref.manager == manager and ref not in down]
        for ref in gone:
            del self._symptoms[ref]
            self._ends.pop(ref, None)
        now = clock()
        due = [service for service in self._search.to_read(mine) if self._again.get(service.ref, now) <= now]
        for service in due[:AT_ONCE]:
            lines = await self._tail(service)
            if lines is None:
                # What was known stays.
                self._again[service.ref] = clock() + AGAIN
                continue
            self._again.pop(service.ref, None)
            here = [line for line in lines if _of_this_host(service, line)]
            self._symptoms[service.ref] = tuple(one for one in symptoms_of(service, here) if _may_want(service, one))
            self._ends[service.ref] = last_words(service.ref, lines)
            self._search.done([service])
        self._search.forget({service.ref for service in self._search.down(self._builder.snapshot.services)})
        mine_told = (found for ref, found in self._symptoms.items() if ref.manager == manager)
        self._builder.symptoms(manager, tuple(symptom for found in mine_told for symptom in found))
        self._builder.last_words(manager, (end for ref, end in self._ends.items() if ref.manager == manager))

    async def _tail(self, service: Service) -> tuple[LogLine, ...] | None:
        """The last lines; ``None`` where they could not be read this time."""
        try:
            command, read_line = logs.source(service, lines=LINES, since=None, follow=False)
        except TransportError:
            # It has no log that could be read: then nothing is known of the reason.
            return ()
        output = await self._output(command)
        if output.exit != 0:
            return None
        lines = [line for text in output.stdout.split("\n") if (line := read_line(text)) is not None]
        # Lines without a time may be of any run; what the newest attempt said is at the end.
        return tuple(lines if any(line.at is not None for line in lines) else lines[-UNTIMED:])

    async def _output(self, command: Command) -> Output:
        """What it prints, once it is its turn and a channel is free."""
        async with self._turns:
            return await run_when_free(self._transport, command)


def symptoms_of(service: Service, lines: Sequence[LogLine]) -> tuple[Symptom, ...]:
    """What the log of a service says, with the attempt up to which it was read.

    Its manager counts the restarts of the present run of attempts: what is beyond is of an earlier one.
    """
    most = service.restarts + 1 if service.restarts is not None else None
    return tuple(
        replace(found, attempt=service.attempt_since, count=found.count if most is None else min(found.count, most))
        for found in symptoms(service.ref, lines)
    )


def last_words(ref: ServiceRef, lines: Sequence[LogLine]) -> LastWords:
    """The end of a log."""
    said = [line.message for line in lines if line.message.strip()]
    return LastWords(ref, tuple(cut(line, LONGEST) for line in said[-KEPT:]))


def _of_this_host(service: Service, line: LogLine) -> bool:
    """Whether an address in the line is one of the host: most containers and pods have a network of their own.

    What an engine could not publish is told by itself.
    """
    if service.ref.manager in _CONTAINERS:
        return line.by_engine or service.network_of == HOST_NETWORK
    return service.ref.manager != "kubernetes"


def _may_want(service: Service, symptom: Symptom) -> bool:
    """Whether it is about a port of the service: a container has those of the host that are published for it.

    What an engine says may quote words of the image, such as those of a command that is not there.
    """
    if service.ref.manager not in _CONTAINERS or service.network_of == HOST_NETWORK or symptom.endpoint is None:
        return True
    return symptom.endpoint.port in {want.port for want in service.wants}
