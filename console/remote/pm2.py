"""The loop that keeps the apps of pm2 known, and leaves users alone whose daemon may not be asked."""

import asyncio
from dataclasses import replace

from console.managers.pm2 import PM2_SURVEY
from console.managers.pm2_list import Found
from console.remote.shell import Ask
from console.remote.surveys import SETTLE, Place, Report

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
            place.report.failed(answer.failure)
        else:
            found: Found = answer.value
            refused |= {user: (now + REFUSED_FOR, why) for user, why in found.refused if "may not ask" in why}
            reasons = {**{user: why for user, (_, why) in refused.items()}, **dict(found.refused)}
            _tell(place.report, found)
            lines = [*(reason for _, reason in found.dead), *(reasons[user] for user in sorted(reasons))]
            if lines:
                place.report.failed("; ".join(lines))
        changed = await place.wanted.wait(SETTLE if changed else PM2_SURVEY.every)


def _tell(report: Report, found: Found) -> None:
    """What a crashed daemon ran stays as it was known; where there is nothing else, its age is to grow."""
    if not found.dead:
        report.services(found.services)
        return
    known = report.known()
    dead = {pid for pid, _ in found.dead}
    kept = tuple(replace(service, pids=()) for service in known if service.daemon in dead)
    if found.services or len(kept) != len(known):
        report.services((*found.services, *kept))
