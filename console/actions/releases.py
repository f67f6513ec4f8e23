"""What rebuilding and rolling back have in common: the book of releases, and steps in a directory of releases."""

from dataclasses import replace
from posixpath import normpath

from console.actions import checks, health, release_scripts
from console.actions.context import Context, Parts, RefusedError
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.actions.start import stop_again
from console.core.command import Command, Effect
from console.core.difference import Difference, Pair
from console.core.plan import Check, Step, Swap
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import State
from console.managers.acting import Pinned, Resettable, Restartable, Rolling

_LOOK = 15.0  # seconds
LEAST_ROOM = 16 * 1024
"""KiB that a release is taken to need at least."""


def book(context: Context) -> ReleaseBook:
    """The releases of the service; raises ``RefusedError`` where they were not looked at or are not known."""
    found = context.snapshot.book(context.service.ref)
    if found is None:
        raise RefusedError(f"the releases of {context.name} were not looked at yet")
    if found.failure is not None:
        raise RefusedError(f"the releases of {context.name} are not known: {found.failure}")
    return found


def recipe(context: Context) -> Recipe | None:
    """What the configuration says of the service's releases."""
    return context.settings.recipe


def as_builder(context: Context, script: str, *args: str, change: bool = False, purpose: str = "") -> Command:
    """A script that is run as the user to whom the releases belong."""
    made = recipe(context)
    user = made.user if made is not None else None
    effect = Effect.CHANGE if change else Effect.READ
    words = ("sh", "-c", script, "sh", *args)
    return Command((*become(context, user), *words), timeout=_LOOK, effect=effect, purpose=purpose)


def become(context: Context, user: str | None) -> tuple[str, ...]:
    """The words with which the connected user becomes another; none where that is the same."""
    identity = context.snapshot.identity
    if user is None or (identity is not None and identity.user == user):
        return ()
    if identity is not None and identity.uid == 0:
        return ("runuser", "-u", user, "--")
    return ("sudo", "-n", *(() if user == "root" else ("-u", user)), "--")


def difference(context: Context, live: Release | None, target: str, *, unbuilt: bool = False) -> Difference:
    """What the target would change, as far as the host was asked; a plan is made without it all the same."""
    pair = Pair(context.service.ref, live.id if live is not None else "", target, unbuilt)
    return context.snapshot.difference(pair) or Difference(pair, pending=True)


def versions(live: Release | None, target: Release) -> tuple[str, str]:
    """What is live and what comes, each by its version where it has one."""
    return called(live) if live is not None else "nothing", called(target)


def called(release: Release) -> str:
    """What a person calls it."""
    return release.version or release.id


def switch(context: Context, directory: str, target: Release, live: Release | None) -> Step:
    """Make a release live, and back."""
    was = live.id if live is not None else ""
    told = (directory, target.id, was, context.settings.operator, target.version or "-", target.commit or "-")
    back = as_builder(
        context, release_scripts.SWITCH_BACK, *told, change=True, purpose=f"make {was or 'nothing'} live again"
    )
    forth = as_builder(context, release_scripts.SWITCH, *told, change=True, purpose=f"make {target.id} live")
    return Step(f"make {target.id} live", forth, back)


def take_up(context: Context) -> tuple[Step, ...]:
    """The restart that lets the service run what is live now, and once more when that is taken back."""
    if not isinstance(context.manager, Restartable):
        raise RefusedError(f"{context.service.ref}: {context.manager.id} cannot restart it")
    restart = context.manager.restart(context.service)
    again = context.manager.restart_started(context.service) if isinstance(context.manager, Pinned) else restart
    forth, back = (context.lasting(one, ends=context.service, starts=context.service) for one in (restart, again))
    restart_step = Step(f"restart {context.name}", forth, back, undo_last=True, takes_up=True)
    return _down_again(context, (*_cleared(context), checks.begins_run(context, restart_step)))


def _down_again(context: Context, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The restart of what was stopped starts it: that is undone by a stop, before the release is taken back."""
    stop = stop_again(context) if _was_stopped(context) else None
    last = steps[-1]
    if stop is None or not last.takes_up:
        return steps
    return (*steps[:-1], replace(last, undo=stop, undo_last=False))


def _was_stopped(context: Context) -> bool:
    # Another revision of what is scaled to nothing starts nothing.
    idle = context.service.state is State.STOPPED and not context.service.pids and not context.service.oneshot
    return idle and not isinstance(context.manager, Rolling)


def begins(context: Context) -> tuple[str, ...]:
    """A warning where what is stopped is started."""
    return (f"{context.name} is stopped, and is started by this",) if _was_stopped(context) else ()


def _cleared(context: Context) -> tuple[Step, ...]:
    """What lets it start again however often a bad release has failed: else the good one would stay down."""
    if not isinstance(context.manager, Resettable):
        return ()
    # Of a unit that is not loaded there is nothing to clear, which systemctl (252) calls an error.
    reset = replace(context.manager.reset_failed(context.service), ok_exits=(0, 1))
    return (Step(f"clear what {context.name} failed before", reset, reset, undo_last=True),)


def ready(context: Context, directory: str, live: Release | None) -> Check:
    """Before: the directory can be changed, and what is live still is."""
    was = live.id if live is not None else ""
    return Check(f"{was or 'nothing'} is live", as_builder(context, release_scripts.READY, directory, was), within=0)


def proof(context: Context) -> tuple[Check, ...]:
    """What is true of a service that runs another release well."""
    return (*checks.running(context), *checks.new_run(context), *checks.ports(context), *health.checks(context))


def aftermath(context: Context) -> tuple[Check, ...]:
    """Once all was undone: what ran before runs again, what was stopped is."""
    if context.service.pids:
        return checks.running(context, hold=context.settings.respawn)
    return checks.stopped(context, context.manager, context.service) if _was_stopped(context) else ()


def signature(context: Context) -> Signature:
    """Who does it, and when."""
    return Signature(context.settings.operator, context.settings.stamp)


def by_manager(context: Context, swap: Swap, warnings: tuple[str, ...]) -> Parts:
    """A plan of what a service's manager does by itself, with what proves it."""
    if joined := context.snapshot.joined_to(context.service.ref):
        names = ", ".join(one.ref.name for one in joined)
        raise RefusedError(f"{names} has the network of {context.name}, and could never have that of a new container")
    steps = tuple(_lasting(context, step) for step in swap.steps)
    steps = _down_again(context, steps)
    return Parts(
        steps=steps,
        preflight=(*swap.preflight, *rehearsal(context), *checks.remember_run(context)),
        # A container that has a check of its own is asked by both.
        checks=tuple(dict.fromkeys((*proof(context), *(health.patient(context, check) for check in swap.checks)))),
        evidence=last_words(context),
        closing=swap.closing,
        aftermath=(*aftermath(context), *swap.aftermath),
        shares=swap.shares,
        irreversible=swap.irreversible,
        warnings=(*begins(context), *swap.warnings, *warnings),
    )


def _lasting(context: Context, step: Step) -> Step:
    service = context.service if step.takes_up else None
    return replace(step, command=context.lasting(step.command, ends=service, starts=service))


def shares(*directories: str) -> tuple[str, ...]:
    """The directories, each in one spelling: several services may have one, to be released in or to be built in."""
    return tuple(dict.fromkeys(f"/{normpath(one).lstrip('/')}" for one in directories))


def note_healthy(context: Context, directory: str, target: Release) -> Step:
    """At last: it held its checks, which makes it one to go back to."""
    told = (directory, target.id, context.settings.operator, target.version or "-", target.commit or "-")
    command = as_builder(context, release_scripts.HEALTHY, *told, change=True, purpose="note that it held its checks")
    return Step(f"note that {target.id} is well", command)
