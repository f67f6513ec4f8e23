"""Runs plans on hosts, looks at those that are there, and sets aside the locks of dead ones.

A plan runs on its host by itself (``plan_script``); this side hands it over, watches, and writes the local audit trail.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from console.core.command import Command
from console.core.plan import Plan, PlanProgress, Result
from console.core.service import ServiceRef
from console.core.text import mask
from console.remote import plan_door
from console.remote.audit import AuditError, AuditTrail
from console.remote.plan_inspect import HostPlan, HostView, PlanLife, parse
from console.remote.plan_locks import LockHolder
from console.remote.plan_script import lock_key, one_word, render
from console.remote.plan_state import PlanState
from console.remote.plan_watch import PlanWatch, RunSettings
from console.remote.prepare import Preparing, clear
from console.remote.transport import Transport, TransportError
from console.remote.way import Way

__all__ = [
    "LockError", "RunSettings", "break_lock", "execute", "inspect", "new_plan_id", "not_begun", "pick_up", "resume",
    "settle",
]  # fmt: skip

LATELY = 3600.0
"""Seconds since its beginning for which a plan that has ended is still picked up."""


class LockError(Exception):
    """A lock that cannot be set aside; one line for a person."""


def new_plan_id() -> str:
    """An identifier that no other plan has, sorted by time: ``20261120-143105-9f2c4e71a0b3``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(6)}"


async def execute(
    transport: Transport,
    plan: Plan,
    *,
    root: bool,
    operator: str,
    audit: AuditTrail | None = None,
    settings: RunSettings | None = None,
    spare: Callable[[], Transport] | None = None,
) -> AsyncGenerator[PlanProgress, None]:
    """Run a plan and tell how far it is; the last progress has a result. Raises nothing of the host's doing.

    ``root`` says that the connection is root's. The audit line is written before anything is done; if it cannot be, the
    plan is refused. The same plan is never run twice: executed again it is only watched.
    """
    settings = settings or RunSettings()
    # Once and here: the trail, the plan's file, the lock and the host's log are all made of this plan.
    plan = replace(plan, reason=mask(plan.reason)) if plan.reason else plan
    state = PlanState(plan, root=root)
    try:
        script = render(plan, root=root, operator=operator, places=settings.places)
        if audit is not None:
            await asyncio.to_thread(audit.planned, plan, operator)
    except (ValueError, AuditError) as error:
        yield state.progress(result=Result.REFUSED, reason=f"nothing was done: {error}")
        return
    if not plan.prepare:
        yield state.progress()
    way = Way(transport, spare)
    try:
        async with aclosing(_prepared(state, way, settings, audit, root=root)) as told:
            async for progress in told:
                yield progress
                if progress.result is not None:
                    return
        watch = PlanWatch(way.transport, state, script, settings, spare=spare)
        async with aclosing(_audited(watch, state, audit)) as told:
            async for progress in told:
                if progress.result is Result.REFUSED:
                    await clear(plan, way)
                yield progress
    finally:
        await way.close()


async def _prepared(
    state: PlanState, way: Way, settings: RunSettings, audit: AuditTrail | None, *, root: bool
) -> AsyncGenerator[PlanProgress, None]:
    """What comes before the host is given the plan. There is a result only where that is the end of it."""
    if not state.plan.prepare:
        return

    async def locks(asked: Transport) -> Sequence[LockHolder]:
        return (await inspect(asked, settings)).locks

    preparing = Preparing(state.plan, way, locks, root=root)
    ended: tuple[Result, str] | None = (Result.FAILED, "interrupted before the host was given the plan")
    try:
        async with aclosing(preparing.run()) as going:
            async for _ in going:
                state.prepared = preparing.told()
                yield state.progress()
        state.prepared, ended = preparing.told(), preparing.failure
    finally:
        # Also when nobody waits for it any more: what was interrupted is written down.
        trouble = (
            None
            if ended is None or audit is None
            else await _note(audit.finished, state.plan, *ended, state.progress())
        )
    if ended is not None:
        state.skip_rest()
        yield state.progress(result=ended[0], reason="; ".join(filter(None, (ended[1], trouble))))


async def not_begun(plan: Plan, why: str) -> AsyncGenerator[PlanProgress, None]:
    """A plan whose host cannot even be asked now: refused, since nothing was sent."""
    yield PlanState(plan).progress(result=Result.REFUSED, reason=f"nothing was done: {why}")


async def resume(
    transport: Transport,
    plan: Plan,
    *,
    audit: AuditTrail | None = None,
    settings: RunSettings | None = None,
    spare: Callable[[], Transport] | None = None,
) -> AsyncGenerator[PlanProgress, None]:
    """Watch a plan that is on its host already (from ``inspect``), from its beginning to its result."""
    state = PlanState(plan)
    watch = PlanWatch(transport, state, None, settings or RunSettings(), spare=spare)
    async with aclosing(_audited(watch, state, audit)) as told:
        async for progress in told:
            yield progress


async def _audited(watch: PlanWatch, state: PlanState, audit: AuditTrail | None) -> AsyncGenerator[PlanProgress, None]:
    started = audit is None
    async with aclosing(watch.run()) as told:
        async for progress in told:
            if not started and audit is not None and watch.arrived:
                started = True
                await _note(audit.started, state.plan)
            if progress.result not in (None, Result.UNKNOWN) and audit is not None:
                write = partial(audit.finished, abandoned=watch.abandoned)
                trouble = await _note(write, state.plan, progress.result, progress.reason, progress)
                if trouble is not None:
                    progress = state.progress(
                        result=progress.result, reason="; ".join(filter(None, (progress.reason, trouble)))
                    )
            yield progress


async def _note(write: Callable[..., None], *args: object) -> str | None:
    """Write an audit line after the fact: it cannot undo what was done, so its failure is only told."""
    try:
        await asyncio.to_thread(write, *args)
    except AuditError as error:
        return f"the audit trail lacks this: {error}"
    return None


async def inspect(transport: Transport, settings: RunSettings | None = None) -> HostView:
    """All plans and locks on a host, whoever made them. Raises ``TransportError``."""
    places = (settings or RunSettings()).places
    answer = await _ask(transport, plan_door.inspect(places))
    return parse(answer, transport.host)


async def break_lock(
    transport: Transport,
    ref: ServiceRef,
    plan_id: str,
    *,
    operator: str,
    reason: str,
    audit: AuditTrail | None = None,
    settings: RunSettings | None = None,
    key: str | None = None,
) -> None:
    """Set aside the lock that a plan left behind; audited here and on the host.

    ``key`` names another lock of that plan than the one of the service.

    Raises ``LockError`` when it may not or cannot be, ``AuditError`` and ``TransportError``.
    """
    if audit is not None:
        await asyncio.to_thread(audit.breaks_lock, ref, plan_id, operator, reason)
    try:
        await _set_aside(transport, ref, key or lock_key(ref), plan_id, _about_break(operator, reason), settings)
    except (LockError, TransportError) as error:
        if audit is not None:
            await _note(audit.kept_lock, ref, plan_id, str(error))
        raise


async def _set_aside(
    transport: Transport, ref: ServiceRef, key: str, plan_id: str, who: str, settings: RunSettings | None
) -> None:
    places = (settings or RunSettings()).places
    answer = await _ask(transport, plan_door.set_aside(key, plan_id, who, places))
    line = next((line[2:] for line in answer.splitlines() if line.startswith("d ")), "")
    word, _, rest = line.partition(" ")
    if word in ("set-aside", "free"):
        return
    if word == "held":
        holder = LockHolder.parse(rest.split(" "))
        raise LockError(f"{ref} is {holder.sentence(str(ref)) if holder else 'locked by another plan'}")
    raise LockError(f"{ref}: the lock could not be set aside: {rest or 'the host gave no answer'}")


def _about_break(operator: str, reason: str) -> str:
    """Who sets a lock aside and why, as one word of safe characters."""
    return one_word({"by": operator, "why": mask(reason)})


async def settle(audit: AuditTrail, view: HostView, host: str) -> int:
    """Write the missing end of every plan of the local audit trail whose result the host knows by now; how many.

    A plan whose process is gone without a result has failed: nothing checked or undid what it began.
    """
    return len(await _settled(audit, view, host))


def unheard(_: tuple[HostPlan, ...]) -> None:
    """Nobody asks for all plans of a host."""


async def pick_up(
    transport: Transport,
    audit: AuditTrail,
    settings: RunSettings | None = None,
    *,
    seen: Callable[[tuple[HostPlan, ...]], None] = unheard,
) -> tuple[HostPlan, ...]:
    """What a console that starts has missed on a host: plans that run there, have ended within ``LATELY``, or whose end
    was not known here. The audit trail then has these ends. The newest first; only the connected user's and root's.

    ``seen`` is given all plans that the host knows of. Those that run can be watched with ``resume``. Raises
    ``TransportError`` and ``AuditError``.
    """
    view = await inspect(transport, settings)
    seen(view.plans)
    learned = await _settled(audit, view, transport.host)
    return tuple(
        found
        for found in view.plans
        if found.life is PlanLife.RUNNING or found.plan.id in learned or (found.age is not None and found.age < LATELY)
    )


async def _settled(audit: AuditTrail, view: HostView, host: str) -> frozenset[str]:
    """Settle, and tell which plans."""
    learned = set()
    for entry in await asyncio.to_thread(audit.read):
        found = view.plan(entry.id) if entry.host == host and entry.result == Result.UNKNOWN.value else None
        if found is None or found.life not in (PlanLife.ENDED, PlanLife.ABANDONED):
            continue
        abandoned, progress = found.life is PlanLife.ABANDONED, found.progress
        result = Result.FAILED if abandoned else progress.result
        if result is not None:
            write = partial(audit.finished, abandoned=abandoned)
            await asyncio.to_thread(write, found.plan, result, progress.reason, progress)
            learned.add(entry.id)
    return frozenset(learned)


async def _ask(transport: Transport, request: bytes) -> str:
    if not transport.connected:
        await transport.connect()
    output = await transport.run(Command(plan_door.SHELL, timeout=20.0, purpose="look at plans and locks"), request)
    if output.exit not in (0, 1):
        said = output.stderr.strip() or f"exit {output.exit}"
        raise TransportError("lost", f"{transport.host}: asking for its plans failed: {said}")
    return output.stdout
