"""From answers to snapshots, where no host is needed to see it."""

from dataclasses import replace

import pytest

from console.core.freshness import of_service
from console.core.network import Listener, Process
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Source
from console.probes import listeners, process, vitals
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer
from tests.diagnosis.factories import sample

HUNG = "the pm2 daemon of web (pid 7) does not answer within 6 s"


def app(name: str) -> Service:
    return Service(ServiceRef("web1", "pm2", name), State.RUNNING, "online")


API, SHOP = app("api"), app("shop")


def builder() -> SnapshotBuilder:
    made = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    made.link(Link(LinkState.UP, 0.0))
    return made


def ages(snapshot: Snapshot, now: float) -> dict[str, tuple[float | None, bool]]:
    """Age and staleness of each service."""
    fresh = {service.ref.name: of_service(snapshot, service) for service in snapshot.services}
    return {name: (one.age(now), one.stale) for name, one in fresh.items()}


def test_what_one_of_two_daemons_ran_grows_old_from_its_last_answer_on() -> None:
    made = builder()
    made.services("pm2", (API, SHOP), "pm2", 10.0)
    for now in (40.0, 70.0):
        made.services("pm2", (API, SHOP), "pm2", now, lost={SHOP.ref}, trouble=HUNG)
    assert ages(made.snapshot, 72.0) == {"api": (2.0, False), "shop": (62.0, True)}
    made.note("pm2", 75.0, "sh: out of memory")
    assert ages(made.snapshot, 80.0) == {"api": (10.0, True), "shop": (70.0, True)}
    made.services("pm2", (API, SHOP), "pm2", 90.0)
    assert ages(made.snapshot, 91.0) == {"api": (1.0, False), "shop": (1.0, False)}


def test_services_that_stay_lost_stay_the_same_objects_in_value() -> None:
    made = builder()
    made.services("pm2", (API, SHOP), "pm2", 10.0)
    made.services("pm2", (API, SHOP), "pm2", 40.0, lost={SHOP.ref}, trouble=HUNG)
    before = made.snapshot.services
    made.services("pm2", (API, SHOP), "pm2", 70.0, lost={SHOP.ref}, trouble=HUNG)
    assert made.snapshot.services == before


def test_what_the_former_connection_told_is_stale_until_it_is_asked_again() -> None:
    made = builder()
    made.services("pm2", (API,), "pm2", 10.0)
    made.new_session()
    assert ages(made.snapshot, 50.0) == {"api": (40.0, True)}
    made.services("pm2", (API,), "pm2", 51.0)
    assert ages(made.snapshot, 51.0) == {"api": (0.0, False)}


HIDDEN = Listener("tcp", "0.0.0.0", 8080, inode=55, uid=990)
SEEN = replace(HIDDEN, pids=(70,), process="sleep")
SLEEP = Process(70, "sleep", 30, started=7)
SHELL = Process(30, "bash", 1, started=3)


def told(made: SnapshotBuilder, *answers: Answer) -> None:
    made.take(answers, 1.0)


def test_what_root_saw_stays_with_its_socket_and_goes_with_it() -> None:
    made = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    told(made, Answer(listeners.PROBE, (HIDDEN,)))
    told(made, Answer(listeners.AS_ROOT_PROBE, (SEEN,)))
    assert made.snapshot.listeners == (SEEN,)
    told(made, Answer(listeners.PROBE, (HIDDEN,)))
    assert made.snapshot.listeners == (SEEN,)
    other = replace(HIDDEN, inode=56)
    told(made, Answer(listeners.PROBE, (other,)))
    told(made, Answer(listeners.PROBE, (HIDDEN,)))
    assert made.snapshot.listeners == (HIDDEN,), "the socket was gone meanwhile"


def test_processes_are_kept_while_they_listen_with_those_above_them() -> None:
    made = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    told(made, Answer(listeners.PROBE, (SEEN,)))
    told(made, Answer(process.PROBE, (SLEEP, SHELL)))
    told(made, Answer(process.PROBE, (Process(99, "nc", 1, started=9),)))
    assert [one.pid for one in made.snapshot.processes] == [70, 30, 99]
    told(made, Answer(listeners.PROBE, ()))
    assert [one.pid for one in made.snapshot.processes] == [99]


def test_a_process_that_does_not_listen_is_kept_for_a_while_after_a_look_at_another() -> None:
    """It keeps a port by a connection: the verdict that named it is acted on later."""
    made = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    made.take([Answer(process.PROBE, (SLEEP,))], 1.0)
    made.take([Answer(process.PROBE, (Process(99, "nc", 1, started=9),))], 200.0)
    made.take([Answer(listeners.PROBE, ())], 230.0)
    assert [one.pid for one in made.snapshot.processes] == [70, 99]
    made.take([Answer(process.PROBE, (Process(98, "nc", 1, started=9),))], 700.0)
    assert [one.pid for one in made.snapshot.processes] == [99, 98]


def test_a_command_that_looks_once_knows_the_hosts_clock() -> None:
    """The clock is asked after the first sample: what that sample cannot know yet is added to it."""
    builder = SnapshotBuilder("web1", 0.0, lambda: 1000.0)
    builder.take([Answer(vitals.PROBE, sample(wall=None))], 1.0)
    builder.skew(60.0)
    assert builder.snapshot.sample is not None
    assert builder.snapshot.sample.wall == 1060.0
    builder.take([Answer(vitals.PROBE, sample(wall=None))], 2.0)
    assert builder.snapshot.sample.wall == 1060.0


def test_what_is_known_to_hold_is_as_fresh_as_that_unless_it_failed() -> None:
    made = builder()
    made.holds("systemd_watch", 5.0)
    assert made.snapshot.source("systemd_watch") is None, "it was never asked"
    made.note("systemd_watch", 10.0, None)
    made.holds("systemd_watch", 20.0)
    assert made.snapshot.source("systemd_watch") == Source("systemd_watch", 20.0)
    made.note("systemd_watch", 25.0, "no answer in 5 s")
    made.holds("systemd_watch", 30.0)
    assert made.snapshot.source("systemd_watch") == Source("systemd_watch", 20.0, "no answer in 5 s")


def test_what_is_told_again_and_did_not_change_costs_no_join(monkeypatch: pytest.MonkeyPatch) -> None:
    made = builder()
    made.services("pm2", (API, SHOP), "pm2", 10.0)
    before = made.snapshot
    joins: list[float] = []
    join = made._join

    def joined(now: float) -> None:
        joins.append(now)
        join(now)

    monkeypatch.setattr(made, "_join", joined)
    made.services("pm2", (replace(API), replace(SHOP)), "pm2", 12.0)
    assert joins == []
    assert made.snapshot.services is before.services
    assert (made.snapshot.at, ages(made.snapshot, 13.0)["api"]) == (12.0, (1.0, False))
    made.services("pm2", (replace(API, native_state="stopped", state=State.STOPPED), SHOP), "pm2", 14.0)
    made.note("pm2", 16.0, HUNG)
    made.services("pm2", made.told("pm2"), "pm2", 18.0)
    made.services("pm2", made.told("pm2"), "pm2", 20.0, trouble=HUNG)
    assert joins[0] == 14.0
    assert joins[-2:] == [18.0, 20.0], "who fell silent may have changed what is known of its services"
