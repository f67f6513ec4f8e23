"""What is known of services across connections."""

from dataclasses import replace

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine, Symptom
from console.managers.systemd import JOURNAL, SHOW, USER_SHOW
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer
from console.remote.systemd import SystemdWatch


def service(name: str, scope: str = "system") -> Service:
    return Service(ServiceRef("", "systemd", name, scope), State.FAILED, "failed/failed")


def names(builder: SnapshotBuilder) -> list[str]:
    return [each.ref.name for each in builder.snapshot.services]


def known_host() -> SnapshotBuilder:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    watch = SystemdWatch(builder, lambda: 1.0)
    watch.take(Answer(SHOW, (service("api.service"),)), ())
    watch.take(Answer(USER_SHOW, (service("mine.service", "user:ann"),)), ())
    builder.symptoms("systemd", (Symptom(ServiceRef("web1", "systemd", "api.service"), "EADDRINUSE", "in use"),))
    builder.new_session()
    return builder


def test_a_failing_look_after_a_reconnect_keeps_what_was_known_and_says_why() -> None:
    builder = known_host()
    again = SystemdWatch(builder, lambda: 2.0)
    again.take(Answer(SHOW, failure="no answer in 22 s"), ())
    assert names(builder) == ["api.service", "mine.service"]
    source = builder.snapshot.source(SHOW.name)
    assert source is not None
    assert (source.at, source.failure) == (1.0, "no answer in 22 s")


def test_one_scope_answering_first_does_not_make_the_other_vanish() -> None:
    builder = known_host()
    again = SystemdWatch(builder, lambda: 2.0)
    again.take(Answer(SHOW, (service("api.service"),)), ())
    assert names(builder) == ["api.service", "mine.service"]
    assert [symptom.errno for symptom in builder.snapshot.symptoms] == ["EADDRINUSE"]


IN_USE = LogLine("web1", "api.service", "journal", "listen tcp 0.0.0.0:8080: bind: address already in use", at=1.0)


class Watch:
    """The watch of a host with one failed service, by a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
        self.watch = SystemdWatch(self.builder, lambda: self.now)
        self.fails(restarts=0)

    def fails(self, restarts: int) -> None:
        self.watch.take(Answer(SHOW, (replace(service("api.service"), restarts=restarts),)), ())

    def read(self, *, failure: str | None = None) -> bool:
        """Read the log where it is to be read; whether it was."""
        asks = self.watch.logs()
        for ask in asks:
            self.watch.take(Answer(JOURNAL, None if failure else (IN_USE,), failure), ask.args)
        return bool(asks)

    @property
    def errors(self) -> list[str]:
        return [symptom.errno for symptom in self.builder.snapshot.symptoms]


def test_a_log_that_could_not_be_read_once_is_read_again() -> None:
    host = Watch()
    assert host.read(failure="no answer in 12 s")
    assert not host.read()
    host.now += 6.0
    assert host.read()
    assert host.errors == ["EADDRINUSE"]
    assert not host.read()


def test_the_end_of_a_log_is_what_the_service_said_and_not_that_it_failed() -> None:
    host = Watch()
    said = replace(IN_USE, message="no ledger", pid=7)
    failed = replace(IN_USE, message="api.service: Failed with result 'exit-code'.", pid=1)
    [ask] = host.watch.logs()
    host.watch.take(Answer(JOURNAL, (said, failed)), ask.args)
    assert [each.lines for each in host.builder.snapshot.last_words] == [("no ledger",)]


def test_what_the_log_said_stays_while_it_cannot_be_read() -> None:
    host = Watch()
    host.read()
    host.fails(restarts=1)
    assert host.read(failure="no answer in 12 s")
    assert host.errors == ["EADDRINUSE"]


def test_a_log_that_can_never_be_read_is_asked_ever_more_rarely() -> None:
    host = Watch()
    asked = 0
    for _ in range(3600):
        host.now += 1.0
        asked += host.read(failure="may not read the system journal: join group systemd-journal or adm")
    assert 10 < asked < 20
