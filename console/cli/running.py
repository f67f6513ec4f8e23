"""Running a plan from the command line, told while it runs."""

import asyncio

from console.cli import again
from console.cli.changes import Teller
from console.cli.entry import report
from console.core.plan import Plan, PlanProgress, StepState
from console.core.snapshot import Snapshot
from console.remote.fleet import Fleet


async def run_plan(fleet: Fleet, made: Plan, *, quiet: bool) -> PlanProgress | None:
    """Run a plan to its end, told step by step unless ``quiet``."""
    teller = None if quiet else Teller(about_port=_about_port(fleet.snapshot(made.target.host), made))
    last: PlanProgress | None = None
    counting = None if teller is None else asyncio.create_task(teller.live.every_second())
    try:
        async for progress in fleet.execute(made):
            last = progress
            if teller:
                teller.tell(progress)
    except asyncio.CancelledError:
        if last is not None and any(part.state is not StepState.DONE for part in last.prepare):
            report(f"interrupted before {made.target.host} was given the plan: nothing that runs there was changed")
        elif last is None or last.result is None:
            ask = again.command("audit", "--result", "unknown", "--ask")
            report(f"the plan may go on on {made.target.host}; `{ask}` tells its end")
        raise
    finally:
        if teller is not None and counting is not None:
            counting.cancel()
            teller.live.clear()
    return last


def _about_port(snapshot: Snapshot, made: Plan) -> bool:
    """Whether anything is known of the ports that the service wants."""
    service = snapshot.service(made.target)
    wants = service is not None and bool(service.wants or service.ports)
    return wants or any(symptom.ref == made.target for symptom in snapshot.symptoms)
