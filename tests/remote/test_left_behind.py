"""What is kept of a manager that went away, and when its files are read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from console.core.network import Family, Listener
from console.core.on_disk import OnDisk
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, ServiceRef, State
from console.findings import evaluate
from console.findings.managers import down, fallen
from console.probes import listeners
from console.remote.builder import SnapshotBuilder
from console.remote.left_behind import LeftBehind
from console.remote.shell import Answer, Ask

UNIT = Service(ServiceRef("web1", "systemd", "supervisor.service"), State.STOPPED, "inactive/dead", enabled="enabled")
API = Service(ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING", pids=(812,), daemon=7)
WRITTEN = Service(ServiceRef("", "supervisord", "api"), State.UNKNOWN, "not told", adrift="its files")
FAMILIES = tuple(Family(pid, 100 + pid, 0.0, 0, "/system.slice/supervisor.service", (pid,)) for pid in (7, 812))


@dataclass
class Host:
    """A host whose files say what they are told to say."""

    on_disk: OnDisk = field(default_factory=lambda: OnDisk((WRITTEN,)))
    failure: str | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
        self.left = LeftBehind(self.builder, self.ask, lambda: None, lambda: self.now)

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append((ask.probe.name, *ask.args))
        await asyncio.sleep(0)
        return Answer(ask.probe, self.on_disk, failure=self.failure)

    def unit(self, *units: Service) -> None:
        self.builder.services("systemd", units, "systemd", 1.0)

    def runs(self) -> None:
        """It is seen to run as it should."""
        self.unit(replace(UNIT, state=State.RUNNING))
        self.builder.services("supervisord", (API,), "supervisord", 1.0)
        self.builder.families(FAMILIES, 1.0)

    @property
    def programs(self) -> dict[str, Service]:
        return {one.ref.name: one for one in self.builder.snapshot.services if one.ref.manager == "supervisord"}


async def test_files_are_read_once_for_a_unit_that_is_down() -> None:
    host = Host()
    host.unit(UNIT)
    for _ in range(2):
        await host.left.look()
    assert host.asked == [("supervisord_written", "supervisor.service")]
    api = host.programs["api"]
    assert (api.state, api.ref.host, api.chain[:2]) == (State.STOPPED, "web1", ("systemd", "supervisor.service"))
    host.now = 400.0
    await host.left.look()
    host.left.forget()
    await host.left.look()
    assert len(host.asked) == 3
    # It runs again: until it tells, nothing is certain.
    host.unit(replace(UNIT, state=State.RUNNING))
    await host.left.look()
    assert len(host.asked) == 3
    assert host.programs["api"].state.value == "unknown"
    host.builder.services("supervisord", (API,), "supervisord", 2.0)
    assert host.programs["api"].state.value == "running"


async def test_files_that_are_being_read_are_waited_for_and_not_read_twice() -> None:
    host = Host()
    host.unit(UNIT)
    await asyncio.gather(host.left.look(), host.left.look())
    assert len(host.asked) == 1
    assert "api" in host.programs


async def test_no_files_are_read_of_what_runs_or_is_not_there() -> None:
    host = Host()
    host.unit(replace(UNIT, state=State.RUNNING), replace(UNIT, ref=replace(UNIT.ref, name="cron.service")))
    await host.left.look()
    host.unit(replace(UNIT, ref=replace(UNIT.ref, scope="user:ann")))
    await host.left.look()
    assert (host.asked, host.programs) == ([], {})


async def test_files_of_nothing_leave_no_trace() -> None:
    host = Host(OnDisk())
    host.unit(UNIT)
    await host.left.look()
    assert host.programs == {}
    assert [source.name for source in host.builder.snapshot.sources] == ["systemd"]


async def test_what_could_not_be_read_is_said_and_what_is_wrong_is_on_the_unit() -> None:
    host = Host(OnDisk(wrong="/etc/x.conf:3: it is badly formatted"))
    host.unit(UNIT)
    await host.left.look()
    [unit] = host.builder.snapshot.services
    assert unit.files_wrong == "/etc/x.conf:3: it is badly formatted"
    host.on_disk, host.now = OnDisk(unseen="ann may not read /etc/x.conf"), 400.0
    await host.left.look()
    source = host.builder.snapshot.source("supervisord_files")
    assert source is not None
    assert source.failure == "ann may not read /etc/x.conf"
    assert host.builder.snapshot.services[0].files_wrong is None
    host.failure, host.now = "no answer", 800.0
    await host.left.look()
    assert (host.builder.snapshot.source("supervisord_files") or source).failure == "no answer"
    host.on_disk, host.failure, host.now = OnDisk(), None, 1200.0
    await host.left.look()
    assert (host.builder.snapshot.source("supervisord_files") or source).failure is None


async def test_what_it_told_itself_is_more_than_its_files() -> None:
    host = Host()
    host.runs()
    assert host.programs["api"].chain == ("systemd", "supervisor.service", "supervisord", "api")
    host.builder.gone("supervisord", 2.0)
    host.unit(UNIT)
    assert host.programs["api"].state is State.UNKNOWN  # its process was not looked at since
    host.builder.families((), 2.0)
    await host.left.look()
    api = host.programs["api"]
    assert (api.state, api.pids, api.daemon) == (State.STOPPED, (), 7)
    assert host.builder.snapshot.source("supervisord") is None


async def test_what_runs_on_is_seen_and_another_process_with_its_number_is_not_it() -> None:
    host = Host()
    host.runs()
    host.builder.note("supervisord", 2.0, "no supervisord answers")
    assert host.builder.outdated
    host.unit(replace(UNIT, state=State.FAILED, native_state="failed/failed"))
    host.builder.families(FAMILIES[1:], 2.0)
    api = host.programs["api"]
    assert (api.state, api.pids) == (State.UNKNOWN, (812,))
    assert (api.adrift or "").startswith("its process 812 runs on")
    host.builder.families((replace(FAMILIES[1], started=999),), 3.0)
    assert (host.programs["api"].state, host.programs["api"].pids) == (State.STOPPED, ())


async def test_what_a_manager_without_a_unit_ran_is_missed_when_it_is_gone() -> None:
    host = Host()
    host.builder.services("supervisord", (API,), "supervisord", 1.0)
    scopes = [replace(one, cgroup="/user.slice/user-0.slice/session-4.scope") for one in FAMILIES]
    host.builder.families(scopes, 1.0)
    host.builder.gone("supervisord", 2.0)
    host.builder.families((), 2.0)
    api = host.programs["api"]
    assert (api.state, api.ran) == (State.STOPPED, True)
    assert api.adrift == "nobody looks after it: its supervisord (process 7), which no unit runs, has ended"
    [finding] = evaluate(host.builder.snapshot)[:1]
    assert (finding.code, finding.severity.value) == ("manager-down", "warning")
    # What it tells when it is there again is all that it runs.
    host.builder.services("supervisord", (), "supervisord", 3.0)
    assert host.programs == {}


async def test_where_a_service_listened_is_remembered_while_it_does_not() -> None:
    host = Host()
    host.runs()
    cgroup = "/system.slice/supervisor.service"
    sockets = tuple(Listener("tcp", "0.0.0.0", port, pids=(812,), cgroup=cgroup) for port in (8080, 40000))
    host.builder.take([Answer(listeners.PROBE, sockets)], 1.0)
    assert host.builder.snapshot.last_ports == ()
    host.builder.take([Answer(listeners.PROBE, ())], 2.0)
    assert host.builder.snapshot.listened(replace(API.ref, host="web1")) == (Endpoint("tcp", "0.0.0.0", 8080),)
    failed = replace(API, state=State.FAILED, pids=())
    host.builder.services("supervisord", (failed,), "supervisord", 3.0)
    assert host.builder.snapshot.listened(API.ref) == (Endpoint("tcp", "0.0.0.0", 8080),)


async def test_the_unit_of_a_manager_did_not_listen_where_its_services_do() -> None:
    host = Host()
    unit = replace(UNIT, state=State.RUNNING, cgroup="/system.slice/supervisor.service")
    host.unit(unit)
    socket = Listener("tcp", "0.0.0.0", 8080, pids=(812,), cgroup="/system.slice/supervisor.service")
    host.builder.take([Answer(listeners.PROBE, (socket,))], 1.0)
    assert [port.port for port in host.builder.snapshot.services[0].ports] == [8080]
    host.runs()
    host.builder.take([Answer(listeners.PROBE, ())], 2.0)
    assert host.builder.snapshot.listened(UNIT.ref) == ()


OTHER_UNIT = replace(UNIT, ref=replace(UNIT.ref, name="supervisor-b.service"))
WORKER = Service(
    ServiceRef("web1", "supervisord", "worker@/opt/b.sock"), State.RUNNING, "RUNNING", pids=(913,), daemon=9
)
OTHERS = tuple(Family(pid, 100 + pid, 0.0, 0, "/system.slice/supervisor-b.service", (pid,)) for pid in (9, 913))


def two_run(host: Host) -> None:
    """Two supervisords, each in a unit of its own."""
    host.unit(replace(UNIT, state=State.RUNNING), replace(OTHER_UNIT, state=State.RUNNING))
    host.builder.services("supervisord", (API, WORKER), "supervisord", 1.0)
    host.builder.families((*FAMILIES, *OTHERS), 1.0)


def one_ends(host: Host) -> None:
    host.builder.services("supervisord", (API, WORKER), "supervisord", 2.0, ended=frozenset({WORKER.ref}))
    assert host.builder.outdated


async def test_what_one_of_two_ran_stays_with_its_unit_and_a_finding_names_it() -> None:
    host = Host(OnDisk())
    two_run(host)
    one_ends(host)
    assert host.builder.awaits("supervisord")
    host.unit(replace(UNIT, state=State.RUNNING), OTHER_UNIT)
    host.builder.families(FAMILIES, 2.0)
    await host.left.look()
    assert not host.builder.awaits("supervisord")
    assert host.programs["api"].adrift is None
    worker = host.programs[WORKER.ref.name]
    assert (worker.state, worker.pids, worker.ran) == (State.STOPPED, (), True)
    [finding] = down(host.builder.snapshot, fallen(host.builder.snapshot.services), (), lambda _: ())
    assert (finding.code, finding.subject) == ("manager-down", "web1/systemd:supervisor-b.service")
    assert finding.summary == f"not running: nobody looks after {WORKER.ref.name}"
    assert finding.proposals[0].intents == (Intent(ActionKind.START, OTHER_UNIT.ref),)
    # It runs again, elsewhere: what it tells now is all that it runs.
    moved = replace(WORKER, ref=replace(WORKER.ref, name="worker@/opt/c.sock"), daemon=10, pids=(914,))
    host.unit(replace(UNIT, state=State.RUNNING), replace(OTHER_UNIT, state=State.RUNNING))
    host.builder.services("supervisord", (API, WORKER, moved), "supervisord", 3.0, ended=frozenset({WORKER.ref}))
    host.builder.families((*FAMILIES, *(replace(one, pid=one.pid + 1, members=(one.pid + 1,)) for one in OTHERS)), 3.0)
    assert host.programs.keys() == {"api", moved.ref.name}


async def test_one_that_ended_before_it_was_looked_at_ran_where_it_did_before() -> None:
    host = Host(OnDisk())
    two_run(host)
    anew = replace(WORKER, daemon=20, pids=(920,))
    host.builder.services("supervisord", (API, anew), "supervisord", 2.0)
    assert host.programs[WORKER.ref.name].chain[:2] == ("systemd", "supervisor-b.service")
    host.unit(replace(UNIT, state=State.RUNNING), OTHER_UNIT)
    host.builder.services(
        "supervisord", (API, anew), "supervisord", 3.0, lost={anew.ref}, trouble="nobody answers", broken=True
    )
    host.builder.families(FAMILIES, 3.0)
    [finding] = [one for one in evaluate(host.builder.snapshot) if one.code in ("manager-down", "manager-silent")]
    assert (finding.code, finding.subject) == ("manager-down", "web1/systemd:supervisor-b.service")
    # Run by hand from then on, it is seen to be in no unit.
    host.builder.services("supervisord", (API, replace(anew, daemon=21)), "supervisord", 4.0)
    host.builder.families((*FAMILIES, replace(OTHERS[0], pid=21, cgroup="/user.slice/x.slice")), 4.0)
    assert host.programs[WORKER.ref.name].chain == ()


async def test_what_one_of_two_ran_that_no_unit_runs_is_missed() -> None:
    host = Host(OnDisk())
    for cgroup in ("/user.slice/user-0.slice/session-4.scope", "/system.slice/ssh.service"):
        host.unit(replace(UNIT, state=State.RUNNING), replace(UNIT, ref=replace(UNIT.ref, name="ssh.service")))
        host.builder.services("supervisord", (API, WORKER), "supervisord", 1.0)
        host.builder.families((*FAMILIES, *(replace(one, cgroup=cgroup) for one in OTHERS)), 1.0)
        assert WORKER.ref.name in host.programs
        one_ends(host)
        host.builder.families(FAMILIES, 2.0)
        worker = host.programs[WORKER.ref.name]
        assert (worker.state, host.programs["api"].state) == (State.STOPPED, State.RUNNING)
        assert "supervisord (process 9), which no unit runs, has ended" in (worker.adrift or "")


async def test_files_of_a_unit_that_is_down_are_told_beside_another_that_runs() -> None:
    """Who comes later, or sees both go and one come back."""
    written = replace(WRITTEN, ref=replace(WRITTEN.ref, name=WORKER.ref.name))
    host = Host(OnDisk((written,)))
    host.unit(replace(UNIT, state=State.RUNNING), OTHER_UNIT)
    host.builder.services("supervisord", (API,), "supervisord", 1.0)
    host.builder.families(FAMILIES, 1.0)
    await host.left.look()
    worker = host.programs[WORKER.ref.name]
    assert (worker.state, worker.chain[1]) == (State.STOPPED, "supervisor-b.service")
    assert host.programs["api"].state is State.RUNNING
    host.unit(replace(UNIT, state=State.RUNNING), replace(OTHER_UNIT, state=State.RUNNING))
    host.builder.services("supervisord", (API, WORKER), "supervisord", 2.0)
    assert host.programs[WORKER.ref.name].state is State.RUNNING


async def test_what_is_run_by_hand_with_the_files_of_a_unit_is_all_that_they_tell() -> None:
    idle = replace(WRITTEN, ref=replace(WRITTEN.ref, name="idle"))
    host = Host(OnDisk((WRITTEN, idle)))
    host.unit(UNIT)
    host.builder.services("supervisord", (API,), "supervisord", 1.0)
    await host.left.look()
    assert host.programs.keys() == {"api"}
