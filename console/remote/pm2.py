"""The loop that keeps the apps of pm2 known, and leaves users alone whose daemon may not be asked."""

from console.managers.pm2 import PM2_SURVEY
from console.managers.pm2_list import Found
from console.remote.shell import Ask
from console.remote.surveys import SETTLE, Place

REFUSED_FOR = 20
"""Of so many looks, one asks a daemon again that may not be asked: sudo writes each refusal into the host's log."""


async def loop(place: Place) -> None:
    """Ask when an app of any daemon starts or ends, and now and then."""
    refused: dict[str, str] = {}
    looks = 0
    changed = False
    while True:
        if looks % REFUSED_FOR == 0:
            refused = {}
        looks += 1
        answer = await place.ask(Ask(PM2_SURVEY, tuple(sorted(refused))))
        if answer.failure is not None:
            place.report.failed(answer.failure)
        else:
            found: Found = answer.value
            refused |= {user: reason for user, reason in found.refused if "may not ask" in reason}
            reasons = {**refused, **dict(found.refused)}
            place.report.services(found.services)
            if reasons:
                place.report.failed("; ".join(reasons[user] for user in sorted(reasons)))
        changed = await place.wanted.wait(SETTLE if changed else PM2_SURVEY.every)
