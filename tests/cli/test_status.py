"""What ``hostdeck status`` may call quiet."""

from dataclasses import replace

import pytest

from console.cli import looking, run
from console.cli.commands import status
from console.core.finding import Finding
from console.core.service import State
from console.core.snapshot import Snapshot, Source
from console.findings import evaluate
from tests.cli.examples import AT, FAILED, HOLDER, snapshot


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


def at_boot(count: int) -> Snapshot:
    """A host on which several services failed right after its boot."""
    services = tuple(
        replace(FAILED, ref=replace(FAILED.ref, name=f"job{number}.service"), wants=(), since=AT - 900.0)
        for number in range(count)
    )
    return replace(host(), services=(*services, HOLDER), listeners=())


def asked(snapshot: Snapshot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """What ``status web1/job1`` says of a host in this state."""
    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: SettledFleet(snapshot))
    return run(["status", "web1/job1"]), capsys.readouterr().out


class SettledFleet:
    """A host that was looked at."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def start(self, _changed: object) -> None: ...

    async def stop(self) -> None: ...

    async def settled(self, _host: str) -> Snapshot:
        return self._snapshot

    def snapshot(self, _host: str) -> Snapshot:
        return self._snapshot

    def findings(self, _host: str) -> tuple[Finding, ...]:
        return evaluate(self._snapshot)


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


@pytest.mark.parametrize("state", [State.FAILED, State.FLAPPING, State.UNKNOWN])
def test_a_service_that_was_asked_for_and_is_not_well_is_never_quiet(
    capsys: pytest.CaptureFixture[str], state: State
) -> None:
    service = replace(FAILED, state=state)
    status._text([host()], [service], [], everything=True, wanted=("web1",))
    assert "Nothing says why, but 1 of what was asked for is not well: 1 host" in capsys.readouterr().out
    assert status._verdict([host()], [], status._unwell([service], ("web1",))) == 1
