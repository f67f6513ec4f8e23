"""CUT: 200 plans whose connection is lost at a random moment. None may run twice, none may be told falsely, and every
release must be the old one or the new one afterwards.

Half of the connections are closed, half fall into a black hole (every packet is dropped for some seconds). Half of the
plans have a check that fails, so that they undo what they did. The peer is the truth on the host.
"""

import asyncio
import random
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Plan, PlanProgress, Result, Step
from console.core.service import ServiceRef
from console.remote.runner import execute, inspect, new_plan_id
from console.remote.ssh import SshTransport
from tests.lab import Host, Lab, faults
from tests.remote.real import RUN, connected

PLANS = 200
AT_ONCE = 8
SEED = 20261126
HOLE = (1.0, 5.0)
"""Seconds that a black hole lasts."""

# What a plan does: it counts that it ran, and puts another link in the place of the old one in one stroke.
_SWITCH = 'echo ran >>"$1/ran"; sleep 0.3; ln -s "$2" "$1/new.$$" && mv -T "$1/new.$$" "$1/current"; sleep 0.3'
_BACK = 'echo undone >>"$1/undone"; ln -s "$2" "$1/back.$$" && mv -T "$1/back.$$" "$1/current"'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the console said, and what is so."""

    said: PlanProgress
    ran: int
    undone: int
    live: str
    inspected: Result | None

    @property
    def fault(self) -> str | None:
        """What is wrong with it, if anything."""
        word = self.said.result
        if self.ran > 1 or self.undone > 1:
            return f"ran {self.ran} times, undone {self.undone} times"
        if self.live not in ("old", "new"):
            return f"neither the old nor the new one is live: {self.live!r}"
        truth = {Result.DONE: (1, 0, "new"), Result.UNDONE: (1, 1, "old"), Result.REFUSED: (0, 0, "old")}
        told = self.inspected if word is Result.UNKNOWN else word
        if told not in truth or truth[told] != (self.ran, self.undone, self.live):
            return f"told {word} (later {self.inspected}), and ran {self.ran}, undone {self.undone}, live {self.live}"
        return None


def _plan(host: Host, number: int) -> Plan:
    place = f"/srv/cut/{number}"
    swap = Command(("sh", "-c", _SWITCH, "sh", place, "new"), effect=Effect.CHANGE)
    back = Command(("sh", "-c", _BACK, "sh", place, "old"), effect=Effect.CHANGE)
    passes = "true" if number % 2 else "false"
    return Plan(
        new_plan_id(),
        ActionKind.REBUILD,
        ServiceRef(host.name, "systemd", f"cut{number}.service"),
        (Step("switch", swap, back),),
        checks=(Check("it is well", Command((passes,)), within=0.3, hold=0.3),),
    )


async def _one(host: Host, transport: SshTransport, number: int, close_at: float | None) -> PlanProgress:
    """Run one plan; its connection is closed after so many seconds."""

    async def close() -> None:
        if close_at is not None:
            await asyncio.sleep(close_at)
            await transport.close()

    closing = asyncio.create_task(close())
    last: PlanProgress | None = None
    async for progress in execute(transport, _plan(host, number), root=True, operator="bench", settings=RUN):
        last = progress
    await closing
    assert last is not None
    return last


async def _batch(host: Host, config: Path, first: int, chance: random.Random) -> list[PlanProgress]:
    numbers = range(first, min(first + AT_ONCE, PLANS))
    in_a_hole = (first // AT_ONCE) % 2 == 1
    at = [None if in_a_hole else chance.uniform(0, 2.0) for _ in numbers]
    begin, lasts = chance.uniform(0.1, 1.8), chance.uniform(*HOLE)

    async def hole() -> None:
        await asyncio.sleep(begin)
        with ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, faults.black_hole(host))
            await asyncio.sleep(lasts)
            await asyncio.to_thread(stack.close)

    async with AsyncExitStack() as links:
        transports = [await links.enter_async_context(connected(host.name, config)) for _ in numbers]
        falling = asyncio.create_task(hole()) if in_a_hole else None
        runs = (_one(host, link, n, when) for link, n, when in zip(transports, numbers, at, strict=True))
        told = await asyncio.gather(*runs)
        if falling is not None:
            await falling
    return list(told)


async def _outcomes(host: Host, config: Path, told: list[PlanProgress]) -> list[Outcome]:
    async with connected(host.name, config) as transport:
        for _ in range(60):
            view = await inspect(transport, RUN)
            if all(found.progress.result is not None for found in view.plans):
                break
            await asyncio.sleep(0.5)
    lines = host.sh(
        "cd /srv/cut && for d in *; do "
        'echo "$d $(cat $d/ran 2>/dev/null | wc -l) $(cat $d/undone 2>/dev/null | wc -l) $(readlink $d/current)"; done'
    )
    truth = {int(words[0]): words[1:] for line in lines.splitlines() if (words := line.split())}
    found = []
    for number, said in enumerate(told):
        ran, undone, live = truth[number]
        known = view.plan(said.plan.id)
        later = known.progress.result if known is not None else Result.REFUSED
        found.append(Outcome(said, int(ran), int(undone), live, later))
    return found


async def _measure(host: Host, config: Path) -> list[str]:
    host.sh(f"for n in $(seq 0 {PLANS - 1}); do mkdir -p /srv/cut/$n && ln -s old /srv/cut/$n/current; done")
    chance = random.Random(SEED)
    told: list[PlanProgress] = []
    for first in range(0, PLANS, AT_ONCE):
        told += await _batch(host, config, first, chance)
    outcomes = await _outcomes(host, config, told)
    words = [str(outcome.said.result) for outcome in outcomes]
    counts = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
    faults_found = [f"  plan {number}: {fault}" for number, one in enumerate(outcomes) if (fault := one.fault)]
    line = f"CUT {PLANS} plans, links cut at random moments: {counts}; {len(faults_found)} false (goal 0)"
    if faults_found:
        raise AssertionError("\n".join((line, *faults_found)))
    return [line]


def run() -> list[str]:
    """Boot one host and measure on it; a plan that ran twice or was told falsely fails the run."""
    with Lab() as lab:
        host = lab.boot("cut", sshd_config="MaxStartups 100:30:200")
        return asyncio.run(_measure(host, lab.ssh_config("root")))


if __name__ == "__main__":
    print("\n".join(run()))
