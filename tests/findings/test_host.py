from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.finding import Finding, Severity
from console.core.network import Process
from console.core.plan import Intent
from console.core.sample import CpuRate, DiskRate, Filesystem, Memory, Pressure, Rates
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Source
from console.findings import CODES, Evaluator, evaluate, not_seen
from console.findings.words import size, span
from tests.diagnosis.factories import HOST, NOW, failed, hidden, identity, listener, sample, snapshot, unit

GIB = 1 << 30


def filesystem(used: float, **changes: Any) -> Filesystem:
    """100 GiB, so much per cent of it used."""
    made = Filesystem("/var", "/dev/vda1", "ext4", 100 * GIB, int(used * GIB), int((100 - used) * GIB), 1000, 10)
    return replace(made, **changes)


def rates(iowait: float, *disks: DiskRate) -> Rates:
    return Rates(1.0, CpuRate(2.0, 1.0, iowait, 0.0), (), disks, ())


def pressure(some: float) -> Pressure:
    return Pressure(some, some, some / 2, some / 2)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


# disks


@pytest.mark.parametrize(
    ("used", "severity"), [(89.9, None), (90, Severity.WARNING), (94.9, Severity.WARNING), (95, Severity.CRITICAL)]
)
def test_space(used: float, severity: Severity | None) -> None:
    found = evaluate(snapshot(filesystems=(filesystem(used),)))
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_space_in_words() -> None:
    finding = only(evaluate(snapshot(filesystems=(filesystem(94),))))
    assert (finding.code, finding.subject, finding.summary) == ("disk-full", "/var", "94 % full, 6.0 GiB left")
    full = only(evaluate(snapshot(filesystems=(filesystem(100),))))
    assert full.summary == "full"


def test_space_counts_as_df_does() -> None:
    """5 % is kept for root: a file system with nothing available is full at 95 % of its size."""
    kept = filesystem(95, available=0)
    assert only(evaluate(snapshot(filesystems=(kept,)))).summary == "full"


def test_what_cannot_be_written_is_no_finding() -> None:
    assert evaluate(snapshot(filesystems=(filesystem(100, read_only=True), filesystem(0, size=0, available=0)))) == ()


def test_inodes() -> None:
    finding = only(evaluate(snapshot(filesystems=(filesystem(10, inodes_used=990),))))
    assert (finding.code, finding.severity) == ("inodes-full", Severity.CRITICAL)
    assert finding.summary.startswith("99 % of its inodes used, 10 left")
    assert evaluate(snapshot(filesystems=(filesystem(10, inodes=None, inodes_used=None),))) == ()


def growing(
    evaluator: Evaluator, minutes: int, start: float, per_minute: float, boot: str = "b"
) -> tuple[Finding, ...]:
    found: tuple[Finding, ...] = ()
    for minute in range(minutes + 1):
        made = sample(uptime=1000.0 + 60.0 * minute, boot_id=boot)
        found = evaluator(snapshot(sample=made, filesystems=(filesystem(start + per_minute * minute),)))
    return found


def test_growth_tells_when_it_is_full() -> None:
    finding = only(growing(Evaluator(), 20, 90.0, 0.1))
    assert finding.summary == "92 % full, 8.0 GiB left, full in 80 min at this rate"
    assert finding.severity is Severity.CRITICAL


def test_slow_growth_can_wait() -> None:
    finding = only(growing(Evaluator(), 20, 91.0, 0.01))
    assert finding.severity is Severity.WARNING
    assert "full in 15 h" in finding.summary


@pytest.mark.parametrize(("minutes", "per_minute"), [(5, 0.1), (20, 0.0), (20, -0.05)])
def test_no_forecast_without_a_trend(minutes: int, per_minute: float) -> None:
    assert "rate" not in only(growing(Evaluator(), minutes, 92.0, per_minute)).summary


def test_a_reboot_begins_a_new_history() -> None:
    evaluator = Evaluator()
    growing(evaluator, 20, 90.0, 0.1)
    assert "rate" not in only(growing(evaluator, 1, 92.0, 0.1, boot="other")).summary


# IO and memory


def test_io_wait_names_who_waits_and_where() -> None:
    made = snapshot(
        rates=rates(62.4, DiskRate("vdb", 0.0, 9e6, 300.0, 41.0, 97.6), DiskRate("vda", 0.0, 0.0, 0.0, 0.0, 2.0)),
        sample=sample(pressure_io=pressure(71.0)),
        blocked=(Process(5, "postgres", wait_channel="io_schedule"), Process(6, "postgres"), Process(7, "jbd2/vdb")),
    )
    finding = only(evaluate(made))
    assert (finding.code, finding.severity) == ("io-wait", Severity.CRITICAL)
    assert finding.summary == "IO wait 62 %: postgres and jbd2/vdb waiting, vdb 98 % busy"
    assert "in state D: postgres (pid 5) in io_schedule" in finding.evidence
    assert "vdb: 98 % busy, 41 ms a request, 0 B/s read, 9 MiB/s written" in finding.evidence


def test_io_wait_names_the_units_that_wait_and_how_to_stop_them() -> None:
    made = snapshot(
        rates=rates(62.4),
        services=(unit("pg-backup.service"), unit("ssh.service")),
        blocked=(
            Process(5, "pg_basebackup", cgroup="/system.slice/pg-backup.service/worker"),
            Process(6, "sshd", cgroup="/system.slice/ssh.service"),
            Process(7, "jbd2/vdb"),
        ),
    )

    def commands(intent: Intent) -> tuple[Command, ...]:
        return (Command(("systemctl", str(intent.kind), intent.target.name)),)

    finding = only(evaluate(made, commands_of=commands))
    assert "waiting (pg-backup.service)" in finding.summary
    (stop,) = finding.proposals
    assert (stop.label, stop.recommended) == ("stop pg-backup.service", False)
    assert stop.commands == ("systemctl stop pg-backup.service",)


@pytest.mark.parametrize(
    ("iowait", "some", "severity"),
    [
        (39.0, None, None),
        (41.0, None, Severity.WARNING),
        (61.0, None, Severity.CRITICAL),
        (61.0, 5.0, None),  # one bad second that the pressure does not confirm
        (61.0, 15.0, Severity.WARNING),
        (61.0, 45.0, Severity.CRITICAL),
        (1.0, 41.0, Severity.WARNING),
        (1.0, 85.0, Severity.CRITICAL),
    ],
)
def test_io_limits(iowait: float, some: float | None, severity: Severity | None) -> None:
    made = snapshot(rates=rates(iowait), sample=sample(pressure_io=None if some is None else pressure(some)))
    assert [one.severity for one in evaluate(made)] == ([severity] if severity else [])


def test_without_rates_and_pressure_nothing_is_said() -> None:
    assert evaluate(snapshot(sample=None, rates=None)) == ()


@pytest.mark.parametrize(
    ("available", "some", "severity"),
    [
        (0.06, 0.0, None),
        (0.04, 0.0, Severity.WARNING),
        (0.01, 0.0, Severity.CRITICAL),
        (0.5, 12.0, Severity.WARNING),
        (0.5, 45.0, Severity.CRITICAL),
    ],
)
def test_memory(available: float, some: float, severity: Severity | None) -> None:
    memory = Memory(8 * GIB, int(8 * GIB * available), 0, 0)
    found = evaluate(snapshot(sample=sample(memory=memory, pressure_memory=pressure(some))))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(one.code == "memory-pressure" for one in found)


def test_swap_matters_only_when_memory_is_short() -> None:
    used_up = {"swap_total": 2 * GIB, "swap_free": GIB // 10}
    assert evaluate(snapshot(sample=sample(memory=Memory(8 * GIB, 4 * GIB, **used_up)))) == ()
    found = evaluate(snapshot(sample=sample(memory=Memory(8 * GIB, 8 * GIB // 10, **used_up))))
    assert only(found).summary == "swap 95 % used, 102 MiB left, and memory is short"


def test_kills_for_memory_are_told_when_they_happen() -> None:
    evaluator = Evaluator()

    def look(uptime: float, kills: int | None, boot: str = "b") -> tuple[Finding, ...]:
        return evaluator(snapshot(sample=sample(uptime=uptime, oom_kills=kills, boot_id=boot)))

    assert look(100.0, 3) == ()  # before the console looked: nobody knows when
    assert look(110.0, None) == ()
    assert look(115.0, 3) == ()
    finding = only(look(120.0, 5))
    assert (finding.code, finding.summary) == ("oom-kill", "2 processes killed for lack of memory")
    assert finding.since == NOW
    assert only(look(130.0, 6)).summary == "3 processes killed for lack of memory"
    assert only(look(1000.0, 6)).since == NOW - 870.0
    assert look(1031.0, 6) == ()
    assert only(look(1100.0, 7)).summary == "1 process killed for lack of memory"
    assert look(10.0, 9, boot="c") == ()


@pytest.mark.parametrize(
    ("since", "named"),
    [(NOW - 3.0, True), (NOW - 5.5, True), (NOW - 8.0, False), (NOW - 604_800.0, False), (None, False)],
)
def test_of_what_was_killed_for_memory_only_what_is_counted_is_named(since: float | None, named: bool) -> None:
    killed = failed(result="oom-kill", exit_signal=9, exit_code=None, since=since)
    evaluator = Evaluator()

    def look(uptime: float, kills: int) -> tuple[Finding, ...]:
        seen = sample(uptime=uptime, oom_kills=kills, wall=NOW - 120.0 + uptime)
        found = evaluator(snapshot(sample=seen, services=(killed,)))
        return tuple(one for one in found if one.code == "oom-kill")

    assert look(115.0, 3) == ()
    summary = "1 process killed for lack of memory" + (": api.service" if named else "")
    assert only(look(120.0, 4)).summary == summary
    assert only(look(400.0, 4)).summary == summary


def test_a_single_look_cannot_tell_when_kills_were() -> None:
    assert evaluate(snapshot(sample=sample(oom_kills=9))) == ()


# hosts


def down(state: LinkState, **changes: Any) -> Snapshot:
    link = Link(state, 5.0, "connection refused: is sshd running?", "refused", retry_at=9.0)
    return snapshot(link=link, **changes)


def test_a_host_that_is_down_is_one_finding() -> None:
    finding = only(evaluate(down(LinkState.DOWN, services=(failed(),), filesystems=(filesystem(99),))))
    assert (finding.code, finding.severity) == ("host-unreachable", Severity.CRITICAL)
    assert finding.summary == "cannot be reached: connection refused: is sshd running?"
    assert finding.evidence[0] == "refused: connection refused: is sshd running?"
    assert "before that: web1/systemd:api.service: failed: exit code 1" in finding.evidence


def test_a_host_that_is_not_tried_again_says_so() -> None:
    made = down(LinkState.DOWN)
    made = replace(made, link=replace(made.link, retry_at=None))
    assert "it is not tried again by itself" in only(evaluate(made)).evidence


def test_a_stale_host_keeps_its_findings() -> None:
    found = evaluate(down(LinkState.STALE, services=(failed(enabled="enabled"),)))
    assert [one.code for one in found] == ["service-failed", "host-stale"]


def test_a_host_that_connects_is_no_finding() -> None:
    assert evaluate(snapshot(link=Link(LinkState.CONNECTING, 1.0))) == ()


@pytest.mark.parametrize(
    ("skew", "rtt", "severity", "word"),
    [
        (1.9, None, None, ""),
        (-2.5, None, Severity.INFO, "2 s behind"),
        (2.5, 1.0, None, ""),
        (3600.0, 0.1, Severity.WARNING, "60 min ahead"),
    ],
)
def test_clocks(skew: float, rtt: float | None, severity: Severity | None, word: str) -> None:
    found = evaluate(snapshot(clock_skew=skew, link=Link(LinkState.UP, 1.0, rtt=rtt)))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(word in one.summary for one in found)


# what was not seen


def test_everything_was_seen() -> None:
    assert not_seen(snapshot(sample=sample(pressure_io=pressure(0.0)), listeners=(listener(),))) == ()


def test_what_was_not_seen_has_its_reason() -> None:
    made = snapshot(
        sources=(Source("listeners", 1.0), Source("docker", None, "no right on /run/docker.sock")),
        identity=identity(1001),
        listeners=(hidden(listener()), hidden(listener(port=9)), listener(port=10)),
    )
    assert not_seen(made) == (
        "docker (no right on /run/docker.sock)",
        "IO and memory pressure (its kernel does not tell)",
        "the processes of 2 listeners (needs root)",
    )
    assert not_seen(replace(made, sample=None))[1] == "its vitals (not answered yet)"
    assert not_seen(down(LinkState.DOWN)) == ("anything of it now (connection refused: is sshd running?)",)


# the evaluator


def test_the_evaluator_agrees_with_a_single_look() -> None:
    made = snapshot(
        services=(failed(), unit("legacy.service", pids=(4112,))),
        listeners=(listener(),),
        filesystems=(filesystem(96),),
    )
    evaluator = Evaluator()
    assert evaluator(made) == evaluator(made) == evaluate(made)


def test_the_evaluator_judges_services_again_only_when_something_changed() -> None:
    calls = []
    evaluator = Evaluator(commands_of=lambda _snapshot, intent: calls.append(intent) or ())  # type: ignore[func-returns-value]
    made = snapshot(services=(failed(),))
    first = evaluator(made)
    assert calls
    calls.clear()
    assert evaluator(replace(made, at=200.0, sample=sample(uptime=86_401.0))) == first
    assert calls == []
    assert evaluator(replace(made, services=(unit("api.service"),))) == ()
    assert evaluator(made) == first


def test_hosts_do_not_share_a_history() -> None:
    evaluator = Evaluator()
    bad = snapshot(services=(failed(),))
    assert evaluator(bad)
    assert evaluator(replace(bad, host="web2", services=())) == ()


def test_declarations_are_made_for_what_the_host_has() -> None:
    from console.core.declaration import Declaration
    from console.core.service import Endpoint

    claim = Declaration("api.service", Endpoint("tcp", "*", 8080), "config")
    made = snapshot(services=(failed(), unit("legacy.service", pids=(4112,))), listeners=(listener(),))
    assert Evaluator(declared=lambda seen: (claim,) if seen is made else ())(made)[0].code == "port-held"
    assert Evaluator(declared=lambda _: ())(made)[0].code == "service-failed"


def test_a_broken_list_of_sockets_is_judged_anew() -> None:
    evaluator = Evaluator()
    made = snapshot(services=(failed(), unit("legacy.service", pids=(4112,))), listeners=(listener(),))
    broken = replace(made, sources=(Source("listeners", 1.0, "timed out"),))
    assert evaluator(made)[0].code == evaluator(broken)[0].code == "service-failed"


def test_every_code_is_in_the_vocabulary() -> None:
    assert len(set(CODES)) == len(CODES)


# words


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "0.2 s"), (41, "41 s"), (600, "10 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (2048, "2 KiB"), (5 << 20, "5 MiB"), (3 << 29, "1.5 GiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Source("supervisord", 90.0, "no answer in 5 s", hangs=True), True),
        (Source("supervisord", None, "no answer in 5 s", hangs=True), True),
        (Source("docker", None, "dockerd: ValueError: no list of containers", broken=True), True),
        (Source("supervisord", None, "may not be asked: there is no answer in its sudoers"), False),
        (Source("supervisord", 90.0, "the connection broke"), True),
        (Source("supervisord", 90.0), False),
        (Source("supervisord", None, "permission denied on /run/supervisor.sock"), False),
        (Source("listeners", 90.0, "no answer in 5 s", hangs=True), False),
    ],
)
def test_a_manager_that_does_not_answer_any_more_is_told(source: Source, told: bool) -> None:
    known = snapshot()
    found = evaluate(replace(known, sources=(*known.sources, source)))
    assert [one.code for one in found] == (["manager-silent"] if told else [])
    if told:
        assert (found[0].subject, found[0].severity) == (source.name, Severity.CRITICAL)
        assert found[0].evidence == (f"{source.name}: {source.failure}",)


@pytest.mark.parametrize("at", [None, 90.0])
def test_a_manager_that_is_only_slow_is_no_reason_to_wake_anybody(at: float | None) -> None:
    known = snapshot()
    slow = Source("supervisord", at, "no answer in 8 s, it is waited for", waiting=True)
    found = only(evaluate(replace(known, sources=(*known.sources, slow))))
    assert (found.code, found.severity) == ("manager-silent", Severity.WARNING)
    assert found.summary == "has not answered yet: its services are not seen"


@pytest.mark.parametrize(
    ("why", "told_at", "summary"),
    [
        ("permission denied on /run/podman.sock", None, None),
        ("its files are wrong, an update would be refused", None, None),
        ("dockerd does not answer: it hangs, see its log", None, "its services are not seen"),
        ("dockerd does not answer: it hangs, see its log", 60.0, "1 service shown as last seen"),
        ("the pm2 daemon of web (pid 7) crashed", 60.0, "1 service shown as last seen"),
    ],
)
def test_of_a_manager_that_answers_in_part_only_what_is_old_or_hangs_is_told(
    why: str, told_at: float | None, summary: str | None
) -> None:
    known = snapshot(services=(unit("a"), unit("b")))
    services = tuple(replace(one, ref=replace(one.ref, manager="docker")) for one in known.services)
    services = (replace(services[0], told_at=told_at), *services[1:])
    source = Source("docker", 90.0, why, partial=True, hangs="dockerd" in why)
    found = evaluate(replace(known, services=services, sources=(*known.sources, source)))
    expected = [] if summary is None else [f"a part of it does not answer: {summary}"]
    assert [one.summary for one in found if one.code == "manager-silent"] == expected


def test_an_engine_that_hangs_is_told_once_with_what_is_seen_through_it() -> None:
    known = snapshot(services=(unit("a"), unit("b")))
    docker, compose = (
        replace(one, ref=replace(one.ref, manager=name))
        for one, name in zip(known.services, ("docker", "compose"), strict=True)
    )
    hung = [Source(name, 90.0, "dockerd does not answer") for name in ("docker", "compose")]
    found = only(evaluate(replace(known, services=(docker, compose), sources=(*known.sources, *hung))))
    assert (found.subject, found.summary) == ("docker", "does not answer: 2 services shown as last seen")


def test_another_users_manager_that_hangs_is_told_with_that_users_units() -> None:
    known = snapshot(services=(unit("a"), unit("b")))
    theirs = replace(known.services[1], ref=replace(known.services[1].ref, scope="user:web"))
    hung = Source("systemd_user:web", 90.0, "the service manager of web does not answer", hangs=True)
    found = only(evaluate(replace(known, services=(known.services[0], theirs), sources=(*known.sources, hung))))
    assert (found.code, found.subject) == ("manager-silent", "systemd_user:web")
    assert found.summary == "does not answer: 1 service shown as last seen"


def test_systemd_that_does_not_answer_any_more_is_told() -> None:
    known = snapshot(services=(unit("a"),))
    sources = tuple(replace(one, failure="no answer in 20 s") for one in known.sources if one.name == "systemd")
    others = tuple(one for one in known.sources if one.name != "systemd")
    assert "manager-silent" in {one.code for one in evaluate(replace(known, sources=(*others, *sources)))}


def test_a_service_whose_process_a_signal_stopped_is_not_well() -> None:
    process = Process(4112, "node", 1, state="T")
    well = unit("api.service", pids=(4112,))
    other = replace(process, pid=77, name="vim")
    assert evaluate(snapshot(services=(well,), halted=(other,))) == ()
    finding = only(evaluate(snapshot(services=(well,), halted=(other, process))))
    assert (finding.code, finding.severity, finding.service) == ("process-stopped", Severity.CRITICAL, well.ref)
    assert finding.summary == "its process 4112 (node) was stopped by a signal and does nothing"
    [way] = finding.proposals
    assert (way.commands, way.recommended) == (("kill -CONT 4112",), False)


def test_a_manager_that_a_signal_stopped_is_one_finding_and_not_silent_as_well() -> None:
    process = Process(531, "supervisord", 1, state="T")
    unit_of_it = unit("supervisor.service", pids=(531,))
    api = Service(ServiceRef(HOST, "supervisord", "api"), State.RUNNING, "RUNNING")
    why = "supervisord (process 531) was stopped by a signal and does not answer: kill -CONT 531"
    source = Source("supervisord", 90.0, why, hangs=True)
    known = snapshot(services=(unit_of_it, api), halted=(process,))
    finding = only(evaluate(replace(known, sources=(*known.sources, source))))
    assert finding.code == "process-stopped"
    assert finding.evidence[1] == f"supervisord: {why}"
    # Another of its daemons is a matter of its own.
    both = replace(source, failure=f"/opt/b.sock: does not answer; {why}")
    codes = {one.code for one in evaluate(replace(known, sources=(*known.sources, both)))}
    assert codes == {"process-stopped", "manager-silent"}
