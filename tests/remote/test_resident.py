"""The process that stays in a probe shell: it answers, and whatever befalls it, the shell answers instead."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from console.core.probe import Probe
from console.probes import vitals
from console.remote import shell as shell_module
from console.remote.local import LocalTransport
from console.remote.probe_program import BOOT
from console.remote.session import Session
from console.remote.shell import RESIDENT_WITHIN, WARM, Answer, Ask, ProbeShell
from console.remote.transport import HostSpec

SHELLS = [
    pytest.param(argv, id=argv[-1], marks=pytest.mark.skipif(shutil.which(argv[0]) is None, reason=f"no {argv[0]}"))
    for argv in (("dash",), ("bash",), ("busybox", "ash"))
]
AWKS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name}"))
    for name in ("mawk", "gawk", "original-awk", "busybox")
]
COUNT = Probe(
    "count", "echo shell", str, every=1.0, cached=False, resident='function look() { o = "resident " ++n "\\n" }'
)
ECHO = Probe("echo", 'printf "%b" "$1"', str, every=1.0)
BIG = Probe("big", "head -c 100000 /dev/zero | tr '\\0' x", str, every=1.0, cached=False)
PROBES = (COUNT, ECHO, BIG, vitals.PROBE)


@asynccontextmanager
async def warm(probe: Probe[object] = COUNT, sh: Sequence[str] = ("sh",)) -> AsyncIterator[tuple[ProbeShell, int]]:
    """A shell whose resident process has answered once, and the number of that process."""
    transport = LocalTransport(HostSpec("here", None))
    await transport.connect()
    opened = ProbeShell(Under(transport, sh), (probe, ECHO, BIG))  # type: ignore[arg-type]
    await opened.start()
    try:
        for _ in range(WARM + 1):
            await opened.request([Ask(probe)])
        found = children(pid_of(opened))
        yield opened, found[0] if found else 0
    finally:
        await opened.close()
        await transport.close()


class Under:
    """Starts the program under another shell than the host's own."""

    def __init__(self, transport: LocalTransport, sh: Sequence[str]) -> None:
        self._transport, self._sh = transport, sh

    async def open(self, argv: Sequence[str]) -> object:
        assert tuple(argv) == ("sh", "-c", BOOT)
        return await self._transport.open((*self._sh, "-c", BOOT))


def pid_of(opened: ProbeShell) -> int:
    pid: int = opened._channel._pid  # type: ignore[union-attr]
    return pid


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def one(opened: ProbeShell, probe: Probe[object] = COUNT, *args: str) -> Answer:
    [answer] = await opened.request([Ask(probe, args)])
    return answer


def runs(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return False


async def gone(pid: int, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while runs(pid):
            await asyncio.sleep(0.01)


@pytest.fixture(params=AWKS)
def awk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    found = shutil.which(name)
    assert found is not None
    (tmp_path / "awk").symlink_to(found)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return name


@pytest.mark.parametrize("sh", SHELLS)
async def test_it_answers_with_what_was_asked_beside_it(sh: Sequence[str], awk: str) -> None:
    async with warm(sh=sh) as (opened, resident):
        assert runs(resident), awk
        hostile = r"1 x\n\ncount 0 3\nabc\nü\0377"
        asks = [Ask(ECHO, (hostile,)), Ask(COUNT), Ask(ECHO, ("b",))]
        first, second, third = await opened.request(asks)
        assert (first.value, second.value, third.value) == ("1 x\n\ncount 0 3\nabc\nü\ufffd", "resident 2", "b")
        assert (await one(opened)).value == "resident 3"


@pytest.mark.parametrize("sh", SHELLS)
async def test_it_tells_the_counters_of_a_host_as_a_process_of_its_own_does(sh: Sequence[str], awk: str) -> None:
    async with warm(vitals.PROBE, sh) as (opened, resident):
        first, second = await one(opened, vitals.PROBE), await one(opened, vitals.PROBE)
        assert runs(resident)
        fresh = (await opened.request([Ask(vitals.PROBE, verbatim=True)]))[0].value
    for sample in (first.value, second.value):
        assert (sample.boot_id, sample.memory.total) == (fresh.boot_id, fresh.memory.total)
        assert len(sample.cpus) == len(fresh.cpus)
        assert {disk.name for disk in sample.disks} == {disk.name for disk in fresh.disks}
    assert first.value.uptime <= second.value.uptime <= fresh.uptime
    assert first.value.cpus[0].user <= fresh.cpus[0].user


async def test_who_looks_but_once_or_twice_starts_none() -> None:
    transport = LocalTransport(HostSpec("here", None))
    await transport.connect()
    opened = ProbeShell(transport, PROBES)
    await opened.start()
    for _ in range(WARM):
        assert (await one(opened)).value == "shell"
    assert children(pid_of(opened)) == []
    await opened.close()
    await transport.close()


async def test_what_is_too_much_for_its_pipe_is_answered_by_the_shell() -> None:
    async with warm() as (opened, resident):
        big, count = await opened.request([Ask(BIG), Ask(COUNT)])
        assert (len(big.value), count.value) == (100000, "shell")
        assert (await one(opened)).value == "resident 2"
        assert runs(resident)


@pytest.mark.parametrize("sh", SHELLS)
async def test_one_that_is_killed_is_replaced_by_the_shell_at_once(sh: Sequence[str]) -> None:
    async with warm(sh=sh) as (opened, resident):
        os.kill(resident, signal.SIGKILL)
        await gone(resident)
        began = time.monotonic()
        assert [(await one(opened)).value for _ in range(3)] == ["shell"] * 3
        assert time.monotonic() - began < RESIDENT_WITHIN


@pytest.mark.parametrize("sh", SHELLS)
async def test_one_that_is_stopped_costs_its_patience_once_and_is_ended(sh: Sequence[str]) -> None:
    async with warm(sh=sh) as (opened, resident):
        await opened.request([Ask(ECHO, ("kept",))])
        os.kill(resident, signal.SIGSTOP)
        asks = [Ask(ECHO, ("kept",)), Ask(COUNT)]
        began = time.monotonic()
        echo, count = await opened.request(asks)
        took = time.monotonic() - began
        assert (echo.value, count.value) == ("kept", "shell")
        assert RESIDENT_WITHIN <= took < vitals.PROBE.timeout
        await gone(resident)
        began = time.monotonic()
        assert [answer.value for answer in await opened.request(asks)] == ["kept", "shell"]
        assert time.monotonic() - began < RESIDENT_WITHIN


@pytest.mark.parametrize("sh", SHELLS)
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
async def test_it_ends_with_the_input_of_its_shell(sh: Sequence[str], stopped: bool) -> None:
    async with warm(sh=sh) as (opened, resident):
        if stopped:
            os.kill(resident, signal.SIGSTOP)
        opened._channel.end_input()  # type: ignore[union-attr]
        await gone(pid_of(opened))
        await gone(resident)


@pytest.mark.parametrize("sh", SHELLS)
async def test_it_ends_when_its_shell_is_killed(sh: Sequence[str]) -> None:
    async with warm(sh=sh) as (opened, resident):
        os.kill(pid_of(opened), signal.SIGKILL)
        await gone(resident)


async def test_one_that_was_ended_is_started_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_module, "REST", 2)
    async with warm() as (opened, resident):
        for rest in (2, 8):
            os.kill(children(pid_of(opened))[0], signal.SIGSTOP)
            assert [(await one(opened)).value for _ in range(rest + 1)] == ["shell"] * (rest + 1)
            assert (await one(opened)).value == "resident 1"
        assert not runs(resident)


async def test_one_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "awk").write_text('#!/bin/sh\n[ "$1" != -W ] || exit 0\nexec sleep 1000\n')
    (tmp_path / "awk").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(shell_module, "RESIDENT_WITHIN", 0.3)
    async with warm() as (opened, _):
        assert (await one(opened)).value == "shell"
        assert children(pid_of(opened)) == []


async def test_a_shell_in_place_of_a_frozen_one_has_none() -> None:
    transport = LocalTransport(HostSpec("here", None))
    session = Session(transport, PROBES)
    await session.open()
    await session.reopen_fast(5.0)
    for _ in range(WARM + 2):
        [answer] = await session.fast([Ask(COUNT)], 5.0)
        assert answer.value == "shell"
    await session.close()


async def test_without_awk_the_shell_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "awk").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "awk").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with warm() as (opened, resident):
        assert (await one(opened)).value == "shell"
        assert not runs(resident)
