"""What is said of a loop of restarts stays the same from one attempt to the next."""

from dataclasses import replace

import pytest

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, LogLine
from console.findings import evaluate
from console.managers.systemd import JOURNAL, SHOW, USER_SHOW
from console.probes import listeners
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer
from console.remote.systemd import SystemdWatch
from tests.diagnosis.factories import listener

REF = ServiceRef("web1", "docker", "worker")
WAITS = Service(REF, State.FLAPPING, "restarting (3)", restarts=4, result="exit-code", exit_code=3, attempt_since=50.0)
RUNS = replace(WAITS, native_state="running", pids=(7,), result=None, exit_code=None, attempt_since=None)


def told(builder: SnapshotBuilder, service: Service) -> tuple[str, ...]:
    builder.services("docker", (service,), "docker", 1.0)
    return tuple(finding.summary for finding in evaluate(builder.snapshot))


def test_how_the_last_run_ended_is_said_while_the_next_one_lives() -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    assert told(builder, RUNS) == ("restarts again and again (4 restarts)",)
    known = ("restarts again and again (4 restarts): exit code 3",)
    assert (told(builder, WAITS), told(builder, RUNS)) == (known, known)
    assert builder.snapshot.services[0].attempt_since == 50.0


@pytest.mark.parametrize("state", [State.STOPPED, State.RUNNING])
def test_it_is_forgotten_with_the_loop(state: State) -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    told(builder, WAITS)
    told(builder, replace(RUNS, state=state, restarts=0))
    assert told(builder, RUNS) == ("restarts again and again (4 restarts)",)


class Loop:
    """A unit that is started each second and finds its port taken."""

    def __init__(self) -> None:
        self.builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
        self.watch = SystemdWatch(self.builder, lambda: 1.0)
        self.builder.services("systemd", (), USER_SHOW.name, 1.0)
        legacy = Service(ServiceRef("", "systemd", "legacy.service"), State.RUNNING, "active/running", pids=(4112,))
        self.others = (replace(legacy, chain=("systemd", "legacy.service")),)
        self.builder.link(Link(LinkState.UP, 0.0))
        self.builder.take([Answer(listeners.PROBE, (listener(port=8088),))], 1.0)

    def shows(self, began: float, **changes: object) -> tuple[str, ...]:
        front = Service(
            ServiceRef("", "systemd", "front.service"), State.FLAPPING, "activating/auto-restart", restarts=int(began),
            result="exit-code", exit_code=1, attempt_since=began, since=began + 0.3,
        )  # fmt: skip
        self.watch.take(Answer(SHOW, (replace(front, **changes), *self.others)), ())  # type: ignore[arg-type]
        return self.summaries

    @property
    def summaries(self) -> tuple[str, ...]:
        return tuple(finding.summary for finding in evaluate(self.builder.snapshot) if "front" in finding.subject)

    def reads(self, at: float) -> tuple[str, ...]:
        said = "listen tcp 0.0.0.0:8088: bind: address already in use"
        for ask in self.watch.logs():
            line = LogLine("web1", "front.service", "journal", said, at=at, pid=int(at))
            self.watch.take(Answer(JOURNAL, (line,)), ask.args)
        return self.summaries


def test_the_port_stays_the_cause_until_the_log_of_the_next_attempt_says_otherwise() -> None:
    host = Loop()
    host.shows(100.0)
    held = host.reads(100.2)
    assert held == ("cannot bind tcp 8088, held by legacy.service",)
    # Systemd tells of the next attempts before their log is read.
    assert host.shows(103.0) == held
    assert host.shows(106.0) == held
    assert host.reads(106.2) == held
    host.shows(109.0)
    assert host.reads(106.2) == ("restarts again and again (109 restarts): exit code 1",)


def test_since_when_a_loop_goes_on_is_not_when_its_last_attempt_was() -> None:
    host = Loop()
    host.shows(100.0)
    host.reads(100.2)
    [finding] = [each for each in evaluate(host.builder.snapshot) if each.service is not None]
    assert (finding.code, finding.port, finding.since) == ("port-held", 8088, None)


def test_how_it_ended_is_read_from_the_journal_where_the_pause_is_never_seen() -> None:
    host = Loop()
    alive = {"native_state": "active/running", "pids": (7,), "result": None, "exit_code": None}
    assert host.shows(100.0, **alive) == ("restarts again and again (100 restarts)",)
    line = LogLine("web1", "front.service", "journal", "front.service: Main process exited, code=exited, status=7/X")
    for ask in host.watch.logs():
        host.watch.take(Answer(JOURNAL, (line,)), ask.args)
    assert host.summaries == ("restarts again and again (100 restarts): exit code 7",)
    assert host.shows(105.0, **alive) == ("restarts again and again (105 restarts): exit code 7",)
