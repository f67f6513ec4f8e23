"""What the poller knows of systemd on one host: both scopes, what changed, and what the logs of failures say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from console.core.endings import Ending
from console.core.probe import Probe
from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine, Symptom
from console.managers.systemd import (
    JOURNAL,
    LINGERING_JOURNAL,
    SHOW,
    SHOW_UNITS,
    SYSTEMD,
    USER_JOURNAL,
    USER_SHOW,
    USER_SHOW_UNITS,
    WATCH,
)
from console.managers.systemd_ending import last_ending, telling
from console.managers.systemd_lingering import LINGERING, LINGERING_UNITS, uid_of
from console.remote.builder import SnapshotBuilder
from console.remote.failure_logs import last_words, symptoms_of
from console.remote.lingering import LingeringManagers
from console.remote.service_book import Pause, ServiceBook, SymptomSearch
from console.remote.shell import Answer, Ask

_SYSTEM_KEY, _USER_KEY = "", "user/"
"""How ``WATCH`` names the units of the two scopes."""

LOGS_AT_ONCE = 8
"""Units whose logs are read in one request; the others follow in the next round."""


class SystemdWatch:
    """Keeps the services of both managers of a host and says what to ask next."""

    routine: tuple[Probe[Any], ...] = (WATCH, LINGERING, SHOW, USER_SHOW)
    probes: tuple[Probe[Any], ...] = tuple(SYSTEMD.probes())

    def __init__(self, builder: SnapshotBuilder, clock: Callable[[], float]) -> None:
        self._builder = builder
        self._clock = clock
        self._books = {SHOW.name: ServiceBook(), USER_SHOW.name: ServiceBook()}
        self._lingering = LingeringManagers(builder, clock)
        # What a former connection learned stays until it is asked again: not asked is not gone.
        for service in builder.snapshot.services:
            if service.ref.manager != SYSTEMD.id or uid_of(service) is not None:
                continue
            source = SHOW.name if service.ref.scope == "system" else USER_SHOW.name
            self._books[source].update((), [service])
        self._search = SymptomSearch()
        self._pause = Pause()
        self._symptoms: dict[ServiceRef, tuple[Symptom, ...]] = {}
        self._ends = {each.ref: each for each in builder.snapshot.last_words if each.ref.manager == SYSTEMD.id}
        for symptom in builder.snapshot.symptoms:
            if symptom.ref.manager == SYSTEMD.id:
                self._symptoms[symptom.ref] = (*self._symptoms.get(symptom.ref, ()), symptom)

    def take(self, answer: Answer, args: tuple[str, ...]) -> bool:
        """Take an answer that is systemd's; false for any other probe's."""
        name = answer.probe.name
        if name == WATCH.name:
            self._watched(answer)
        elif name in self._books:
            if self._answered(name, answer):
                self._books[name].sweep(self._named(answer.value), self._clock())
                self._tell(name)
        elif name in (SHOW_UNITS.name, USER_SHOW_UNITS.name):
            source = SHOW.name if name == SHOW_UNITS.name else USER_SHOW.name
            if self._answered(source, answer):
                self._books[source].update(args, self._named(answer.value))
                self._tell(source)
        elif name == LINGERING.name:
            self._lingers(answer)
        elif name == LINGERING_UNITS.name:
            if (told := self._lingering.told(args, answer)) is not None:
                self._tell(told)
        elif name in (JOURNAL.name, USER_JOURNAL.name, LINGERING_JOURNAL.name):
            self._read_logs(args, answer)
        else:
            return False
        return True

    def touch(self, names: Iterable[str]) -> None:
        """Ask these units again, e.g. after an action."""
        names = tuple(names)
        self._lingering.touch(names)
        for book in self._books.values():
            book.touch((name for name in names if book.knows(name)), self._clock())

    def changed(self) -> list[Ask]:
        """Units to be asked by name now."""
        now = self._clock()
        pairs = ((SHOW_UNITS, self._books[SHOW.name]), (USER_SHOW_UNITS, self._books[USER_SHOW.name]))
        asks = [Ask(probe, names) for probe, book in pairs if (names := book.to_ask(now))]
        return [*asks, *self._lingering.due()]

    def logs(self) -> list[Ask]:
        """Units whose log may say why they do not start."""
        asks = []
        for probe in self._pause.over((JOURNAL, USER_JOURNAL, LINGERING_JOURNAL), self._clock()):
            mine = [service for service in self._builder.snapshot.services if _journal_of(service) is probe]
            found = self._search.to_read(mine)
            # Of one user at a time.
            uid = uid_of(found[0]) if found else None
            if names := tuple(service.ref.name for service in found if uid_of(service) == uid):
                asks.append(Ask(probe, (*(() if uid is None else (uid,)), *names[:LOGS_AT_ONCE])))
        return asks

    @property
    def moving(self) -> bool:
        """Whether something changed a short while ago."""
        return bool(self.changed())

    @property
    def has_user_units(self) -> bool:
        """Whether the connected user's own manager runs anything."""
        return bool(self._books[USER_SHOW.name].services)

    def _lingers(self, answer: Answer) -> None:
        # Where nobody lingers it is no source; one that failed is told of until it answers.
        if answer.failure is not None or self._builder.source(LINGERING.name) is not None:
            self._builder.note(LINGERING.name, self._clock(), answer.failure, hangs=answer.hangs)
        if answer.failure is None and not answer.same:
            self._lingering.watched(answer.value)

    def _watched(self, answer: Answer) -> None:
        if answer.failure is not None or answer.same:
            return
        units: Mapping[str, str] = answer.value
        now = self._clock()
        system = {name: run for name, run in units.items() if not name.startswith(_USER_KEY)}
        own = {name.removeprefix(_USER_KEY): run for name, run in units.items() if name.startswith(_USER_KEY)}
        self._books[SHOW.name].watch(system, now)
        self._books[USER_SHOW.name].watch(own, now)

    def _named(self, services: Iterable[Service]) -> list[Service]:
        host = self._builder.snapshot.host
        return [replace(service, ref=replace(service.ref, host=host)) for service in services]

    def _answered(self, source: str, answer: Answer) -> bool:
        if answer.failure is not None:
            self._builder.note(source, self._clock(), answer.failure, hangs=answer.hangs)
        return answer.failure is None

    def _tell(self, source: str) -> None:
        known = tuple(service for book in self._books.values() for service in book.services)
        known += self._lingering.services
        self._builder.services(SYSTEMD.id, known, source, self._clock())
        alive = {service.ref for service in self._search.down(known)}
        self._search.forget(alive)
        self._symptoms = {ref: found for ref, found in self._symptoms.items() if ref in alive}
        self._ends = {ref: end for ref, end in self._ends.items() if ref in alive}
        self._publish()

    def _read_logs(self, names: tuple[str, ...], answer: Answer) -> None:
        self._builder.note(answer.probe.name, self._clock(), answer.failure)
        self._pause.note(answer.probe, self._clock(), failed=answer.failure is not None)
        if answer.failure is not None:
            # Not read is not "says nothing": what it said before stays, and it is read again.
            return
        uid, names = (names[0], names[1:]) if answer.probe is LINGERING_JOURNAL else (None, names)
        asked = [
            each
            for each in self._builder.snapshot.services
            if each.ref.name in names and _journal_of(each) is answer.probe and uid_of(each) == uid
        ]
        self._search.done(asked)
        lines: tuple[LogLine, ...] = answer.value
        endings: dict[ServiceRef, Ending] = {}
        for service in asked:
            own = tuple(line for line in lines if line.service == service.ref.name)
            self._symptoms[service.ref] = symptoms_of(service, own)
            self._ends[service.ref] = last_words(service.ref, telling(own))
            if (ending := last_ending(service.ref.name, own)) is not None:
                endings[service.ref] = ending
        self._builder.ended(endings, self._clock())
        self._publish()

    def _publish(self) -> None:
        self._builder.symptoms(SYSTEMD.id, tuple(symptom for found in self._symptoms.values() for symptom in found))
        self._builder.last_words(SYSTEMD.id, self._ends.values())


def _journal_of(service: Service) -> Probe[Any] | None:
    if service.ref.manager != SYSTEMD.id:
        return None
    if service.ref.scope == "system":
        return JOURNAL
    return USER_JOURNAL if uid_of(service) is None else LINGERING_JOURNAL
