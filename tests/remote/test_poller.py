"""The poller's own rules, with this machine as the host."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.core.finding import Finding
from console.core.service import ServiceRef
from console.core.snapshot import LinkState, Snapshot, Symptom
from console.probes import declared
from console.remote.builder import SnapshotBuilder
from console.remote.fleet import Fleet
from console.remote.local import LocalTransport
from console.remote.shell import Ask
from console.remote.surveys import Surveys
from console.remote.transport import HostSpec, TransportError
from tests.patience import SHARED
from tests.remote.watching import Watched, watching

HERE = HostSpec("here", None)


async def test_this_machine_is_looked_at_as_a_whole() -> None:
    async with watching(HERE) as watched:
        snapshot = watched.fleet.snapshot("here")
    assert snapshot.complete
    assert snapshot.sample is not None
    assert snapshot.identity is not None
    assert snapshot.filesystems


async def test_to_which_port_the_console_connected_is_known_of_the_host() -> None:
    class Dialled(LocalTransport):
        dialled = 2222

    watched = Watched([HERE])
    watched.fleet = Fleet([HERE], Dialled, lambda _: ())
    watched.fleet.start(watched.note)
    try:
        await watched.link("here", LinkState.UP, 20)
        found = watched.fleet.snapshot("here").identity
        assert found is not None
        assert found.dialled == 2222
    finally:
        await watched.fleet.stop()


async def test_a_rule_that_fails_is_a_finding_and_the_host_stays_visible() -> None:
    def evaluate(snapshot: Snapshot) -> tuple[Finding, ...]:
        raise ZeroDivisionError("a rule is broken")

    watched = Watched([HERE])
    watched.fleet = Fleet([HERE], LocalTransport, evaluate)
    watched.fleet.start(watched.note)
    try:
        await watched.link("here", LinkState.UP, 20)
        [finding] = watched.fleet.findings("here")
        assert finding.code == "internal-error"
        assert "ZeroDivisionError: a rule is broken" in finding.summary
    finally:
        await watched.fleet.stop()


async def test_a_fault_of_our_own_in_looking_is_shown_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(HERE) as watched:

        def broken(*_: object) -> None:
            raise KeyError("no such thing")

        with monkeypatch.context() as patched:
            patched.setattr(SnapshotBuilder, "take", broken)
            await watched.link("here", LinkState.DOWN, 10)
        link = watched.fleet.snapshot("here").link
        assert link.code == "internal"
        assert "KeyError" in (link.error or "")
        await watched.link("here", LinkState.UP, 20)


async def test_a_stopped_fleet_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with watching(HERE):
        pass
    assert asyncio.all_tasks() == before


async def test_a_fleet_that_is_stopped_just_when_a_look_fails_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    failing, go = asyncio.Event(), asyncio.Event()

    async def ends_slowly(_: Surveys) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            failing.set()
            await go.wait()

    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Surveys, "run", ends_slowly)
    async with watching(HERE) as watched:
        monkeypatch.setattr(SnapshotBuilder, "take", broken)
        await asyncio.wait_for(failing.wait(), 10 * SHARED)
        stopping = asyncio.create_task(watched.fleet.stop())
        await asyncio.sleep(0)
        go.set()
        await asyncio.wait_for(stopping, 10 * SHARED)


async def test_a_followed_log_tells_that_its_connection_was_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "app.log"
    file.write_text("first\n")

    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    async with watching(HERE) as watched:
        log = watched.fleet.follow(ServiceRef("here", "pidfile", "app"), file=str(file))
        async with asyncio.timeout(10 * SHARED):
            assert (await anext(log)).message == "first"
            monkeypatch.setattr(SnapshotBuilder, "take", broken)
            with pytest.raises(TransportError, match="KeyError: 'no such thing'"):
                await anext(log)


async def test_a_log_that_names_no_port_has_the_files_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(HERE) as watched:
        looking = watched.fleet._poller("here").looking
        builder = looking._builder
        assert builder.snapshot.declared is not None
        asked: list[Ask] = []

        async def note(asks: Sequence[Ask]) -> None:
            asked.extend(ask for ask in asks if ask.probe is declared.PROBE)

        monkeypatch.setattr(looking, "_ask_slowly", note)
        ref = ServiceRef("here", "pm2", "want90")
        builder.symptoms("pm2", (Symptom(ref, "EADDRINUSE", "Address already in use"),))
        await looking.slow_round()
        assert builder.snapshot.declared.stamp == ""
        assert len(asked) == 1
        await looking.slow_round()
        assert len(asked) == 1
