"""The loop that keeps the apps of pm2 known, and leaves users alone whose daemon may not be asked."""

import asyncio
from collections.abc import Collection

from console.core.service import Service
from console.managers.pm2 import PM2_SURVEY
from console.managers.pm2_list import Found
from console.remote.shell import Ask
from console.remote.survey_loop import SETTLE, Place, Report

REFUSED_FOR = 600.0
"""Seconds for which a daemon is left alone that may not be asked: sudo writes each refusal into the host's log."""


async def loop(place: Place) -> None:
    """Ask when an app of any daemon starts or ends, and now and then."""
    refused: dict[str, tuple[float, str]] = {}
    changed = False
    while True:
        now = asyncio.get_running_loop().time()
        refused = {user: known for user, known in refused.items() if now < known[0]}
        answer = await place.ask(Ask(PM2_SURVEY, tuple(sorted(refused))))
        if answer.failure is not None:
            place.report.failed(answer.failure, hangs=answer.hangs, broken=not answer.hangs)
        else:
            found: Found = answer.value
            refused |= {user: (now + REFUSED_FOR, why) for user, why in found.refused if "may not ask" in why}
            reasons = {**{user: why for user, (_, why) in refused.items()}, **dict(found.refused)}
            lines = [*(reason for _, reason in found.dead), *(reasons[user] for user in sorted(reasons))]
            _tell(place.report, found, refused.keys(), "; ".join(lines))
        changed = await place.wanted.wait(SETTLE if changed else PM2_SURVEY.every)


def _tell(report: Report, found: Found, refused: Collection[str], trouble: str) -> None:
    """What a daemon ran that does not tell now stays as it was known, and its age grows.

    Of one that crashed some processes may run on.
    """
    known = report.known()
    dead = {pid for pid, _ in found.dead}
    silent = dead.union(found.mute)
    kept = [service for service in known if service.daemon in silent or _user(service) in refused]
    if trouble and not found.services and len(kept) == len(known):
        report.failed(trouble, hangs=found.hangs, broken=found.broken)
        return
    lost = {service.ref for service in kept}
    report.services(
        (*found.services, *kept), lost=lost, trouble=trouble or None, hangs=found.hangs, broken=found.broken
    )


def _user(service: Service) -> str:
    return service.ref.scope.removeprefix("user:")
