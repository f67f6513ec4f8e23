"""The loop that keeps the apps of pm2 known, and leaves users alone whose daemon may not be asked."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import replace

from console.core.service import Service, State
from console.managers.adrift import UP
from console.managers.elsewhere import place_in
from console.managers.pm2 import PM2_SURVEY
from console.managers.pm2_dead import Dead
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
            lines = [reasons[user] for user in sorted(reasons)]
            lines += [found.unseen] if found.unseen is not None else []
            _tell(place.report, found, refused.keys(), lines)
        changed = await place.wanted.wait(SETTLE if changed else PM2_SURVEY.every)


def _tell(report: Report, found: Found, refused: Collection[str], reasons: Iterable[str]) -> None:
    """What a daemon ran that does not tell now stays as it was known, and its age grows.

    Of one that does not run it is told that nobody looks after what it ran, and what it has saved. What ended with it
    is what it ran until another one in its place tells what that runs.
    """
    known = report.known()
    by_daemons = [service for service in known if service.adrift is None]
    kept = [service for service in by_daemons if service.daemon in found.mute or _user(service) in refused]
    told = {service.ref: service for service in (*found.services, *kept)}
    places = {_place(service) for service in told.values()}
    silent = (service for service in by_daemons if service.ref not in told and service.daemon not in found.daemons)
    ended = {service.ref: _left(service, found.dead) for service in silent if _place(service) not in places}
    saved = {service.ref: service for each in found.dead for service in each.services}
    missed = [each.why for each in found.dead if each.pid and not _is_told(each, (*ended.values(), *saved.values()))]
    trouble = "; ".join((*missed, *reasons))
    services = tuple((saved | ended | told).values())
    if trouble and not found.services and len(kept) == len(services) == len(known):
        report.failed(trouble, hangs=found.hangs, broken=found.broken)
        return
    report.services(
        services,
        lost={service.ref for service in kept},
        ended=ended.keys(),
        trouble=trouble or None,
        hangs=found.hangs,
        broken=found.broken,
    )


def _left(service: Service, dead: Iterable[Dead]) -> Service:
    """What a daemon told that does not run any more, with the list in which it is saved."""
    known = (each for each in dead if (each.user, each.at) == _place(service))
    file = next((each.file for each in known if service.ref in {one.ref for one in each.services}), None)
    return replace(service, unit_file=file, ran=service.ran or service.state in (*UP, State.FLAPPING))


def _is_told(dead: Dead, services: Iterable[Service]) -> bool:
    return any(_place(one) == (dead.user, dead.at) for one in services)


def _place(service: Service) -> tuple[str, str]:
    return _user(service), place_in(service.ref.name)


def _user(service: Service) -> str:
    return service.ref.scope.removeprefix("user:")
