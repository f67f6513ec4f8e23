"""Roll back: the release that was live and well last, or the one that is named, becomes live again."""

from dataclasses import replace

from console.actions import checks, release_scripts, releases, restarting
from console.actions.context import Context, Parts, RefusedError
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.core.durations import whole
from console.core.plan import Check
from console.core.release import Release, ReleaseBook, same_source, way_back
from console.managers.releasing import Revertible


def refusal(context: Context) -> str | None:
    """Why there is no way back."""
    if (why_not := restarting.refusal(context)) is not None:
        return why_not
    made = releases.recipe(context)
    if (made is None or made.directory is None) and not isinstance(context.manager, Revertible):
        return f"where the releases of {context.name} are is not configured: [services.release] directory"
    book = releases.book(context)
    if not book.releases:
        return f"{context.name} has no releases that its host knows"
    target = chosen(context, book)
    if not target.present:
        return f"release {target.id} of {context.name} was removed: it cannot be gone back to"
    if target.live:
        return f"{context.name} runs {target.id} already"
    return None


def chosen(context: Context, book: ReleaseBook) -> Release:
    """The release to go to; raises ``RefusedError`` where there is none."""
    wanted = context.intent.release
    if wanted is None:
        found = way_back(book)
        if found is None:
            raise RefusedError(
                f"no earlier release of {context.name} is known to have been live: choose one by its name"
            )
        return found
    named = book.find(wanted)
    if named is None:
        known = ", ".join(release.id for release in book.releases if release.present) or "none"
        raise RefusedError(f"{context.name} has no release {wanted}, or several that begin so; there are {known}")
    return named


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    made, book = releases.recipe(context), releases.book(context)
    target = chosen(context, book)
    if made is None or made.directory is None:
        return _by_manager(context, book, target)
    directory = made.directory
    there = releases.as_builder(context, release_scripts.THERE, directory, target.id)
    steps = (releases.switch(context, directory, target, book.live), *releases.take_up(context))
    return Parts(
        steps=steps,
        preflight=(
            releases.ready(context, directory, book.live),
            Check(f"{target.id} is there", there, within=0),
            *rehearsal(context),
            *checks.remember_run(context),
        ),
        checks=releases.proof(context),
        evidence=last_words(context),
        closing=(releases.note_healthy(context, directory, target),),
        aftermath=releases.aftermath(context),
        shares=releases.shares(directory),
        warnings=(*releases.begins(context), *restarting.warnings(context), *_doubts(book, target)),
        difference=releases.difference(context, book.live, target.id),
        versions=releases.versions(book.live, target),
    )


def _by_manager(context: Context, book: ReleaseBook, target: Release) -> Parts:
    assert isinstance(context.manager, Revertible)
    swap = context.manager.roll_back(context.service, target, book.live, releases.signature(context))
    warnings = (*restarting.warnings(context), *_doubts(book, target))
    parts = releases.by_manager(context, swap, warnings)
    difference = releases.difference(context, book.live, target.id)
    return replace(parts, difference=difference, versions=releases.versions(book.live, target))


def _doubts(book: ReleaseBook, target: Release) -> tuple[str, ...]:
    doubts, live = (*_of_its_past(target), *_forward(book, target)), book.live
    if live is not None and same_source(target, live):
        doubts = (*doubts, f"{target.id} is of the same commit as {live.id}, which is live")
    return doubts


def _forward(book: ReleaseBook, target: Release) -> tuple[str, ...]:
    """A warning where the target is what a roll back has just left, perhaps for a reason."""
    live = book.live
    since = None if live is None else live.well_since or live.live_since
    if live is None or since is None or not _left_by(book, target, live, since):
        return ()
    ago = f" {whole(round(book.now - since))} ago" if book.now is not None and book.now >= since else ""
    by = f" by {live.by}" if live.by else ""
    return (f"{releases.called(target)} was rolled back from{ago}{by}: this goes forward to it again",)


def _left_by(book: ReleaseBook, target: Release, live: Release, since: float) -> bool:
    """Whether an older release took the place of the target at that time, and nothing well came between."""
    if target.live_since is None or target.failed_last or target.live_since > since:
        return False
    if live.built is None or target.built is None or live.built >= target.built:
        return False
    others = (one for one in book.releases if one.id not in (target.id, live.id) and not one.failed_last)
    return not any(target.live_since < (one.live_since or 0.0) < since for one in others)


def _of_its_past(target: Release) -> tuple[str, ...]:
    if target.healthy is False:
        return (f"{target.id} was live before and never held its checks",)
    if target.live_since is None:
        return (f"{target.id} is not known to have ever been live",)
    if target.failed_last:
        return (f"{target.id} was well before, and failed when it was tried last",)
    return () if target.healthy else (f"nobody noted whether {target.id} was well when it was live",)
