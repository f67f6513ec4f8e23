"""What comes before a host is given a plan: looks, a build on this machine, an upload."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from console.actions import upload_scripts
from console.core.command import Command, Effect
from console.core.plan import Plan, PlanProgress, Preparation, Result, StepResult, StepState, Where
from console.remote import plan_json
from console.remote.audit import AuditTrail
from console.remote.local import LocalTransport
from console.remote.plan_state import PlanState
from console.remote.runner import execute
from console.remote.transport import ChannelRefusedError, HostSpec
from tests.lab.record import process_state
from tests.remote.links import count, counted, quick
from tests.remote.plans import LocalPlaces

STATES = (StepState.DONE, StepState.DONE, StepState.DONE)


class Bench:
    """A work tree, a directory of releases, and this machine as its host."""

    def __init__(self, root: Path) -> None:
        self.places = LocalPlaces(root)
        self.source, self.directory = root / "src", root / "api"
        self.source.mkdir()
        (self.directory / "releases").mkdir(parents=True)
        self.audit = AuditTrail(root / "audit.jsonl")
        self.transport = LocalTransport(HostSpec("web1", None))

    def plan(self, build: str, *, look: str = "echo fine", timeout: float = 30.0, fresh: bool = True) -> Plan:
        python = (sys.executable, "-c", build)
        words = ("sh", "-c", upload_scripts.RECEIVE, "sh", str(self.directory), "1", "30")
        gone = Command(("sh", "-c", upload_scripts.GONE, "sh", str(self.directory), "1"), effect=Effect.CHANGE)
        prepare = (
            Preparation("look", Where.HOST, Command(("sh", "-c", look))),
            Preparation(
                "build 1", Where.HERE, Command(python, timeout=timeout, effect=Effect.CHANGE), str(self.source),
                (("VERSION", "v1"),),
            ),
            Preparation(
                "send it", Where.UPLOAD, Command(words, timeout=30.0, effect=Effect.CHANGE),
                str(self.source / "build"), undo=gone, fresh=fresh,
            ),
        )  # fmt: skip
        return replace(counted(self.places), prepare=prepare)

    async def told(self, plan: Plan) -> AsyncGenerator[PlanProgress, None]:
        await self.transport.connect()
        run = execute(
            self.transport, plan, root=True, operator="ann", audit=self.audit, settings=quick(self.places)
        )  # fmt: skip
        async with aclosing(run) as going:
            async for progress in going:
                yield progress
        await self.transport.close()

    async def run(self, plan: Plan) -> PlanProgress:
        return [progress async for progress in self.told(plan)][-1]

    @property
    def there(self) -> list[str]:
        return [one.name for one in (self.directory / "releases").iterdir()]


GOOD = "import os; os.mkdir('build'); open('build/x', 'w').write(os.environ['VERSION']); print('made')"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_all_of_it_comes_before_the_plan(bench: Bench) -> None:
    last = await bench.run(bench.plan(GOOD))
    assert (last.result, count(bench.places)) == (Result.DONE, 1), last.reason
    assert tuple(one.state for one in last.prepare) == STATES
    assert [one.output for one in last.prepare] == [
        "fine", "made", "10 KiB of 10 KiB, received and compared",
    ]  # fmt: skip
    assert (bench.directory / "releases/1.partial/tree/x").read_text() == "v1"
    (entry,) = bench.audit.read()
    assert (entry.result, entry.started is not None) == ("done", True)
    assert f"# on the console's machine, in {bench.source}" in entry.commands[0]


@pytest.mark.parametrize(
    ("build", "more", "result", "why"),
    [
        (GOOD, {"look": "echo no room; exit 1"}, Result.REFUSED, "look failed: no room; nothing was done"),
        ("print('a'); raise SystemExit(3)", {}, Result.FAILED, "build 1 failed with exit 3: a; nothing that runs on"),
        ("import time; time.sleep(60)", {"timeout": 0.5}, Result.FAILED, "build 1 took longer than 0 s and was ended"),
        ("pass", {}, Result.FAILED, "send it failed: the build left no "),
        ("import os; os.mkdir('build'); os.mkfifo('build/p')", {}, Result.FAILED, "send it failed: "),
        ("import os; os.mkdir('build'); os.utime('build', (1, 1))", {}, Result.FAILED, "send it failed: the build cha"),
    ],
)
async def test_what_fails_ends_it_before_the_host_has_the_plan(
    bench: Bench, build: str, more: dict[str, object], result: Result, why: str
) -> None:
    plan = bench.plan(build, **more)  # type: ignore[arg-type]
    last = await bench.run(plan)
    assert (last.result, (last.reason or "").startswith(why)) == (result, True), last.reason
    assert (count(bench.places), bench.there, bench.places.directory(plan).exists()) == (0, [], False)
    assert all(one.state is StepState.SKIPPED for one in last.steps)
    (entry,) = bench.audit.read()
    assert (entry.result, entry.result_reason, entry.started) == (result.value, last.reason, None)


async def test_a_program_that_is_not_there_is_named(bench: Bench) -> None:
    plan = bench.plan(GOOD)
    look, build, upload = plan.prepare
    build = replace(build, command=replace(build.command, argv=("no-such-program",)))
    last = await bench.run(replace(plan, prepare=(look, build, upload)))
    assert (last.reason or "").startswith("no-such-program is not on this machine")
    build = replace(build, directory=str(bench.source / "nowhere"))
    last = await bench.run(replace(plan, id=f"{plan.id}2", prepare=(look, build, upload)))
    assert "src/nowhere on this machine: no such file or directory" in (last.reason or "")


async def test_a_locked_service_is_seen_before_anything_is_built(bench: Bench) -> None:
    holder = replace(counted(bench.places, 30.0), reason="incident 4711")
    await bench.transport.connect()
    async with aclosing(
        execute(bench.transport, holder, root=True, operator="bob", settings=quick(bench.places))
    ) as going:
        async for progress in going:
            if progress.steps[0].state is StepState.RUNNING:
                break
        last = await bench.run(bench.plan(GOOD))
    assert last.result is Result.REFUSED
    assert "as bob" in (last.reason or "")
    assert "incident 4711" in (last.reason or "")
    assert not (bench.source / "build").exists()


async def test_a_plan_that_is_refused_leaves_nothing_of_the_upload(bench: Bench) -> None:
    plan = bench.plan(GOOD)
    # The lock cannot be seen before, and is taken when the plan comes.
    no_place = replace(quick(bench.places), places=("/nowhere",))
    await bench.transport.connect()
    run = execute(bench.transport, plan, root=True, operator="ann", settings=no_place)
    last = [progress async for progress in run][-1]
    assert (last.result, bench.there) == (Result.REFUSED, [])
    assert tuple(one.state for one in last.prepare) == STATES


async def test_what_is_built_ends_with_who_waits_for_it(bench: Bench) -> None:
    child = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    pids: list[str] = []

    async def watch() -> None:
        async for progress in bench.told(bench.plan(child)):
            if progress.prepare[1].output:
                pids.append(progress.prepare[1].output)

    task = asyncio.ensure_future(watch())
    while not pids:
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while process_state(int(pids[0])) not in "ZX":
        await asyncio.sleep(0.05)
    (entry,) = bench.audit.read()
    assert (entry.result, entry.result_reason) == ("failed", "interrupted before the host was given the plan")


async def test_a_build_that_leaves_something_running_has_ended(bench: Bench) -> None:
    left = f"{GOOD}; import subprocess; p = subprocess.Popen(['sleep', '61']); print(p.pid)"
    last = await bench.run(bench.plan(left))
    assert last.result is Result.DONE
    assert process_state(int(last.prepare[1].output.split()[-1])) in "ZX"


async def test_output_is_made_safe_and_the_last_lines_are_kept(bench: Bench) -> None:
    build = (
        f"{GOOD}; import sys; [print(n) for n in range(500)]; "
        "print('token=hunter2hunter2'); sys.stderr.write('\\x1b]52;c;x\\x07bell\\n'); print(' 1%\\r50%\\r99%', end='')"
    )
    told: list[StepResult] = [progress.prepare[1] async for progress in bench.told(bench.plan(build))]
    lines = told[-1].output.split("\n")
    assert (len(lines), told[-1].lines, lines[-1]) == (200, 504, "99%")
    assert "hunter2" not in told[-1].output
    assert "bell" in lines
    assert "\x1b" not in told[-1].output


async def test_two_consoles_do_not_build_in_one_work_tree(bench: Bench, tmp_path: Path) -> None:
    slow = bench.plan("import time; print('x', flush=True); time.sleep(60)")
    async with aclosing(bench.told(slow)) as going:
        async for progress in going:
            if progress.prepare[1].output:
                break
        last = await bench.run(bench.plan(GOOD))
    assert last.result is Result.REFUSED
    assert "another console of this machine builds in" in (last.reason or "")


class OneChannel(LocalTransport):
    """A connection whose only channel is taken."""

    async def open(self, argv: tuple[str, ...]) -> NoReturn:
        raise ChannelRefusedError("MaxSessions")

    async def run(self, command: Command, stdin: bytes = b"") -> NoReturn:
        raise ChannelRefusedError("MaxSessions")


async def test_a_connection_without_a_channel_left_gets_a_second_one(bench: Bench) -> None:
    first = OneChannel(HostSpec("web1", None))
    await first.connect()
    made: list[LocalTransport] = []

    def spare() -> LocalTransport:
        made.append(LocalTransport(HostSpec("web1", None)))
        return made[-1]

    plan = bench.plan(GOOD)
    run = execute(first, plan, root=True, operator="ann", settings=quick(bench.places), spare=spare)
    last = [progress async for progress in run][-1]
    assert (last.result, len(made)) == (Result.DONE, 1), last.reason
    assert not made[0].connected


def test_a_plan_keeps_its_preparations_on_its_host(bench: Bench) -> None:
    plan = bench.plan(GOOD, fresh=False)
    found, _ = plan_json.loads(plan_json.dumps(plan, "ann"), "web1")
    assert found.prepare == plan.prepare
    assert [one.state for one in PlanState(found).progress().prepare] == list(STATES)
    old = json.loads(plan_json.dumps(plan, "ann"))
    del old["prepare"]
    assert plan_json.loads(json.dumps(old), "web1")[0].prepare == ()


def test_a_line_tells_what_is_run_and_where(bench: Bench) -> None:
    look, build, upload = bench.plan("x = 'y z'").prepare
    assert (look.line, upload.line) == ("look (looks only)", "send it")
    assert build.line.startswith(f"VERSION=v1 {sys.executable} -c ")
    assert build.line.endswith(f"   (on this machine, in {bench.source})")
