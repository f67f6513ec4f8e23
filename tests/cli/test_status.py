"""What ``hostdeck status`` may call quiet."""

import json
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from console.cli import looking, run
from console.cli.commands import status
from console.cli.targets import parsed
from console.core.finding import Finding
from console.core.health import Health
from console.core.service import Service, State
from console.core.snapshot import Snapshot, Source
from console.findings import evaluate
from console.remote.shell import Answer, Ask
from tests.cli.examples import AT, FAILED, HOLDER, LISTENER, snapshot
from tests.probes.recorded import find, read


def host(*failed: str) -> Snapshot:
    sources = (
        Source(name, 109.0, "no answer" if name in failed else None) for name in ("vitals", "listeners", "systemd")
    )
    return replace(snapshot(), services=(HOLDER,), sources=tuple(sources))


def told(capsys: pytest.CaptureFixture[str], *hosts: Snapshot) -> tuple[int, str]:
    status._text(hosts, [HOLDER], [], everything=False)
    return status._verdict(hosts, []), capsys.readouterr().out


def test_quiet_where_all_was_seen(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told(capsys, host())
    assert (code, "All quiet: 1 host" in out) == (0, True)


@pytest.mark.parametrize("source", ["vitals", "listeners", "systemd"])
def test_never_quiet_while_an_essential_source_fails(capsys: pytest.CaptureFixture[str], source: str) -> None:
    code, out = told(capsys, host(), host(source))
    assert (code, "quiet" in out) == (1, False)
    assert "Nothing wrong in what is seen: 2 hosts" in out
    assert "web1: not seen: its " in out


RECORDED = Path(__file__).parents[1] / "managers" / "recorded"


def recorded(name: str) -> tuple[Service, ...]:
    """The services of a recorded answer, on the host of the examples."""
    case = read(RECORDED / name)
    found = find(case.probe).parse(case.output)
    told = found if isinstance(found, tuple) else getattr(found, "services", ())
    return tuple(replace(each, ref=replace(each.ref, host="web1")) for each in told)


def shown(capsys: pytest.CaptureFixture[str], services: tuple[Service, ...]) -> tuple[set[str], str]:
    """The services of which there is a row."""
    status._text((replace(host(), services=services),), services, [], everything=False)
    out = capsys.readouterr().out
    return {str(each.ref) for each in services if f"{each.ref} " in out}, out


def test_workloads_of_a_cluster_run_though_no_process_of_theirs_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    services = recorded("kubernetes-1.33.txt")
    rows, out = shown(capsys, services)
    assert rows == {str(each.ref) for each in services if each.state is not State.STOPPED}
    assert "web1/kubernetes:shop/deploy/api" in rows
    assert "1 services of which nothing runs are not shown" in out


def test_units_that_are_up_without_a_process_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    services = recorded("show.txt")
    rows, _ = shown(capsys, services)
    idle = {str(each.ref) for each in services if each.native_state in ("active/exited", "active/listening")
            and not each.ports}  # fmt: skip
    assert idle
    assert not rows & idle
    running = {str(each.ref) for each in services if each.native_state == "active/running"}
    assert running
    assert running <= rows


JOB1 = {"web1": [parsed("web1/job1")]}


def at_boot(count: int) -> Snapshot:
    """A host on which several services failed right after its boot."""
    services = tuple(
        replace(FAILED, ref=replace(FAILED.ref, name=f"job{number}.service"), wants=(), since=AT - 900.0)
        for number in range(count)
    )
    return replace(host(), services=(*services, HOLDER), listeners=())


def asked(snapshot: Snapshot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """What ``status web1/job1`` says of a host in this state."""
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(SettledFleet(snapshot)))
    return run(["status", "web1/job1"]), capsys.readouterr().out


FROZEN = "dockerd (process 58) was stopped by a signal and does not answer: kill -CONT 58"


def frozen() -> Snapshot:
    known = host()
    return replace(known, sources=(*known.sources, Source("docker", None, FROZEN)))


def test_what_cannot_be_asked_is_not_called_missing_but_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(SettledFleet(frozen())))
    code = run(["status", "web1/docker:x"])
    out, _ = capsys.readouterr()
    assert code == 1
    assert "quiet" not in out
    flat = " ".join(out.split())
    assert f"it is not known whether web1 has docker:x: docker is not seen: {FROZEN}" in flat
    code = run(["status", "web1/docker:x", "--json"])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (code, document["services"]) == (1, [])
    assert {"host": "web1", "source": "docker", "reason": FROZEN} in document["failures"]
    assert FROZEN in err


def test_a_wrong_name_ends_as_one_where_this_login_may_not_ask_a_manager(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = host()
    denied = replace(known, sources=(*known.sources, Source("docker", None, "permission denied: join group docker")))
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(SettledFleet(denied)))
    for words in (["status", "web1/x"], ["status", "web1/x", "--json"], ["restart", "web1/x", "--yes"]):
        assert run(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "docker is not seen: permission denied: join group docker" in err


def test_a_change_of_what_cannot_be_asked_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(SettledFleet(frozen())))
    for word, schema in (("web1/docker:x", "hostdeck.plan/1"), ("web1/docker:x/*", "hostdeck.plans/1")):
        code = run(["restart", word, "--yes", "--json"])
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert (code, document["schema"], document["result"]) == (1, schema, "refused")
        assert FROZEN in document["reason"]
        assert document["failures"][-1] == {"host": "web1", "source": "docker", "reason": FROZEN}
        assert FROZEN in err


class SettledFleet:
    """A host that was looked at."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def settled(self, _host: str) -> Snapshot:
        return self._snapshot

    async def checked(self, _host: str) -> Snapshot:
        return self._snapshot

    def snapshot(self, _host: str) -> Snapshot:
        return self._snapshot

    def findings(self, _host: str) -> tuple[Finding, ...]:
        return evaluate(self._snapshot)


LINE = "needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/bin/ss -Hltunpe"


class Hiding(SettledFleet):
    """A host that does not show this login whose ports are open, and may show it through sudo."""

    def __init__(self, snapshot: Snapshot, why: str | None) -> None:
        super().__init__(snapshot)
        self.why = why
        self.asked = 0

    async def ask_all(self, _host: str, asks: list[Ask]) -> list[Answer]:
        self.asked += 1
        return [Answer(asks[0].probe, None if self.why else (), failure=self.why)]


@pytest.mark.parametrize(
    ("unit", "uid", "why", "told"),
    [(None, 1001, LINE, True), (None, 1001, None, False), ("x.service", 1001, LINE, False), (None, 0, LINE, False)],
)
def test_a_port_that_may_be_missing_is_told_with_what_shows_it(
    unit: str | None, uid: int, why: str | None, told: bool,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    known = host()
    assert known.identity is not None
    hidden = replace(LISTENER, pids=(), process=None, unit=unit)
    known = replace(known, listeners=(hidden,), identity=replace(known.identity, uid=uid))
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(Hiding(known, why)))
    run(["status", "web1"])
    out = " ".join(capsys.readouterr().out.split())
    line = f"web1: ports may be missing: the process of 1 listener is hidden: {LINE}"
    assert (line in out) is told
    run(["status", "web1", "--json"])
    sources = [one["source"] for one in json.loads(capsys.readouterr().out)["failures"]]
    assert ("listeners_root" in sources) is told


def test_a_service_among_many_failures_of_the_boot_is_not_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = asked(at_boot(3), capsys, monkeypatch)
    assert (code, "quiet" in out) == (1, False)
    assert "3 services failed at boot" in out


def test_findings_of_other_services_are_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = asked(at_boot(2), capsys, monkeypatch)
    assert code == 1
    assert "job1.service" in out
    assert "job0.service" not in out


def test_of_a_host_of_which_only_a_service_was_asked_for_nothing_is_said_but_how_much_is_wrong_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job0, job1, *_ = at_boot(2).services
    well = replace(job1, state=State.RUNNING, native_state="active/running", result=None, exit_code=None)
    code, out = asked(replace(at_boot(2), services=(job0, FAILED, well)), capsys, monkeypatch)
    assert code == 0
    assert "Nothing wrong in what was asked for: 1 service checked just now." in out
    assert "web1 has 1 critical finding and 1 warning of what was not asked for: hostdeck status web1" in out
    assert "quiet" not in out
    assert " host, " not in out


def test_a_manager_that_does_not_tell_may_have_one_of_that_name_too(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = replace(host(), sources=(*host().sources, Source("supervisord", None, "nosudo may not use its socket")))
    status._text([hidden], [HOLDER], [], everything=True, wanted=JOB1)
    out = capsys.readouterr().out
    assert "Nothing wrong in what is seen of what was asked for: 1 service checked just now." in out
    assert "web1: not seen: whether supervisord has 'job1', too" in out
    named = {"web1": [parsed("web1/systemd:job1")]}
    status._text([hidden], [HOLDER], [], everything=True, wanted=named)
    assert "Nothing wrong in what was asked for: 1 service" in capsys.readouterr().out


@pytest.mark.parametrize("state", [State.FAILED, State.FLAPPING, State.UNKNOWN])
def test_a_service_that_was_asked_for_and_is_not_well_is_never_quiet(
    capsys: pytest.CaptureFixture[str], state: State
) -> None:
    service = replace(FAILED, state=state)
    status._text([host()], [service], [], everything=True, wanted=JOB1)
    assert (
        "Nothing says why, but 1 of what was asked for is not well: 1 service checked just now."
        in capsys.readouterr().out
    )
    assert status._verdict([host()], [], unwell=bool(status._unwell([host()], [service], ("web1",)))) == 1


def silent() -> Snapshot:
    """systemd has not answered for 42 seconds."""
    sources = (
        Source(name, now if name != "systemd" else now - 42.0, None if name != "systemd" else "no answer in 20 s")
        for now in (time.monotonic(),)
        for name in ("vitals", "listeners", "systemd")
    )
    return replace(snapshot(), services=(HOLDER,), sources=tuple(sources))


def test_rows_of_a_silent_manager_are_stale_with_their_age(capsys: pytest.CaptureFixture[str]) -> None:
    status._text([silent()], [HOLDER], evaluate(silent()), everything=False)
    out = capsys.readouterr().out
    assert re.search(r"web1/systemd:legacy.service +◌ running +stale 42s +412 ", out), out
    assert "web1 systemd  does not answer: 1 service shown as last seen" in out


def test_a_service_that_was_asked_for_and_is_only_known_from_earlier_is_not_well() -> None:
    assert status._unwell([silent()], [HOLDER], ("web1",)) == [HOLDER]
    assert status._unwell([host()], [HOLDER], ("web1",)) == []


def test_a_declared_health_that_says_nothing_is_told_on_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    said = "tcp 8080: not checked: a proxy accepts"
    checked = replace(host(), health=(Health(HOLDER.ref, None, said, 109.0, never=True),))
    code, out = told(capsys, checked)
    assert (code, f"{HOLDER.native_state}, health unknown: {said}" in out) == (0, True)
    assert "health unknown" not in told(capsys, host())[1]
