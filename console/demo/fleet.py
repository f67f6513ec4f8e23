"""The demo as a fleet that screens and commands can use like any other."""

import time
from collections.abc import AsyncGenerator, Callable

from console.core.finding import Finding
from console.core.plan import Plan, PlanProgress
from console.core.snapshot import Snapshot
from console.demo import executor
from console.demo.scenes import PRODUCTION, fleet
from console.demo.transport import DemoTransport
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec


def demo_fleet(
    evaluate: Callable[[Snapshot], tuple[Finding, ...]],
    *,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    interval: float = 1.0,
    delay: float = 0.02,
) -> Fleet:
    """A dozen hosts with three incidents; nothing leaves this process. The clocks may be those of a picture."""
    began = clock()
    hosts = {host.name: host for host in fleet()}
    for host in hosts.values():
        host.epoch = wall()

    def elapsed() -> float:
        return clock() - began

    def run(plan: Plan, _fleet: Fleet) -> AsyncGenerator[PlanProgress, None]:
        return executor.run(plan, hosts[plan.target.host], elapsed)

    specs = [HostSpec(name, name, groups=("demo",), production=name in PRODUCTION) for name in hosts]
    made = Fleet(
        specs,
        lambda spec: DemoTransport(hosts[spec.name], elapsed, delay),
        evaluate,
        run,
        interval=interval,
        clock=clock,
        wall=wall,
    )
    made.can_shell = False
    return made
