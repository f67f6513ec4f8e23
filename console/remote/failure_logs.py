"""Why services of managers beside systemd do not start, from their own logs."""

from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine, Symptom
from console.diagnosis.bind_errors import symptoms
from console.remote import logs
from console.remote.builder import SnapshotBuilder
from console.remote.service_book import SymptomSearch
from console.remote.transport import Transport, TransportError

LINES = 60
"""The last lines of a log in which the reason is looked for."""
AT_ONCE = 4
"""Logs that are read after one look at the services; the others follow after the next."""


class FailureLogs:
    """Reads the log of each service once after each of its failures."""

    def __init__(self, builder: SnapshotBuilder, transport: Transport) -> None:
        self._builder = builder
        self._transport = transport
        self._search = SymptomSearch()
        self._symptoms: dict[ServiceRef, tuple[Symptom, ...]] = {}

    async def read(self, manager: str) -> None:
        """Read what is due of one manager; raises ``TransportError`` when the link is lost."""
        mine = [service for service in self._builder.snapshot.services if service.ref.manager == manager]
        down = {service.ref for service in self._search.down(mine)}
        gone = [ref for ref in self._symptoms if ref.manager == manager and ref not in down]
        for ref in gone:
            del self._symptoms[ref]
        for service in self._search.to_read(mine)[:AT_ONCE]:
            self._symptoms[service.ref] = symptoms(service.ref, await self._tail(service))
            self._search.done([service])
        self._search.forget({service.ref for service in self._search.down(self._builder.snapshot.services)})
        mine_told = (found for ref, found in self._symptoms.items() if ref.manager == manager)
        self._builder.symptoms(manager, tuple(symptom for found in mine_told for symptom in found))

    async def _tail(self, service: Service) -> tuple[LogLine, ...]:
        try:
            command, read_line = logs.source(service, lines=LINES, since=None, follow=False)
        except TransportError:
            # It has no log that could be read: then nothing is known of the reason.
            return ()
        output = await self._transport.run(command)
        lines = (read_line(text) for text in output.stdout.splitlines())
        return tuple(line for line in lines if line is not None and _of_this_host(service, line))


def _of_this_host(service: Service, line: LogLine) -> bool:
    """Whether an address in the line is one of the host: a container or a pod has a network of its own.

    What an engine could not publish is told by itself, in these words.
    """
    if service.ref.manager in ("docker", "compose"):
        return "Error response from daemon" in line.message
    return service.ref.manager != "kubernetes"
