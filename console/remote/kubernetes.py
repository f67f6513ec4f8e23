"""The loop that keeps the workloads of a cluster known, as far as this login may list them."""

from console.managers.kubernetes import SURVEY
from console.managers.kubernetes_rights import Seen
from console.remote.shell import Ask
from console.remote.survey_loop import SETTLE, Place, Report, failed


async def loop(place: Place) -> None:
    """Ask when the way to the cluster changes, after an action, and now and then."""
    changed = False
    while True:
        answer = await place.ask(Ask(SURVEY))
        if answer.failure is not None:
            failed(place.report, answer)
        else:
            _tell(place.report, answer.value)
        changed = await place.wanted.wait(SETTLE if changed else SURVEY.every)


def _tell(report: Report, seen: Seen) -> None:
    """A workload of a kind that may not be listed any more is not gone: it stays, and its age grows."""
    kept = tuple(service for service in report.known() if seen.unseen.hides(service))
    lost = {service.ref for service in kept}
    report.services((*seen.services, *kept), lost=lost, trouble=seen.unseen.why)
