"""The loop that keeps the workloads of a cluster known, and the ports that it gives away, as far as may be listed."""

import asyncio

from console.managers.kubernetes import SURVEY
from console.managers.kubernetes_ports import PORTS
from console.managers.kubernetes_rights import Seen
from console.remote.shell import Ask
from console.remote.survey_loop import SETTLE, Place, Report, failed

PORTS_EVERY = 300.0
"""Seconds between two looks at the ports, as between those at the files that declare others."""


async def loop(place: Place) -> None:
    """Ask when the way to the cluster changes, after an action, and now and then.

    The ports come before the services: who waits for these looks at a host only once.
    """
    changed, due = False, 0.0
    while True:
        answer = await place.ask(Ask(SURVEY))
        if answer.failure is not None:
            failed(place.report, answer)
        else:
            now = asyncio.get_running_loop().time()
            if changed or now >= due:
                due = now + PORTS_EVERY
                await _look_at_ports(place)
            _tell(place.report, answer.value)
        changed = await place.wanted.wait(SETTLE if changed else SURVEY.every)


async def _look_at_ports(place: Place) -> None:
    answer = await place.ask(Ask(PORTS))
    if answer.failure is not None:
        place.report.ungiven(answer.failure, hangs=answer.hangs)
    else:
        place.report.given(answer.value)


def _tell(report: Report, seen: Seen) -> None:
    """A workload of a kind that may not be listed any more is not gone: it stays, and its age grows."""
    kept = tuple(service for service in report.known() if seen.unseen.hides(service))
    lost = {service.ref for service in kept}
    report.services((*seen.services, *kept), lost=lost, trouble=seen.unseen.why)
