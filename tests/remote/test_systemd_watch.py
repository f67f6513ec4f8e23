"""What is known of services across connections."""

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Symptom
from console.managers.systemd import SHOW, USER_SHOW
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
