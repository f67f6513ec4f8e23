"""Rebuild: a new release from the work tree, made live in one stroke, taken back when it does not hold its checks."""

from dataclasses import replace

from console.actions import checks, local_build, release_scripts, releases, restarting
from console.actions.context import Context, Parts, RefusedError
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.core.difference import Difference
from console.core.plan import Check, Step
from console.core.release import (
    Recipe,
    Release,
    ReleaseBook,
    Source,
    outlived,
    outlived_failures,
    remove_words,
    same_source,
)
from console.core.text import mask_words
from console.managers.releasing import Rebuildable


def refusal(context: Context) -> str | None:
    """Why nothing can be built."""
    if (why_not := restarting.refusal(context)) is not None:
        return why_not
    made = releases.recipe(context)
    if _by_itself(context, made):
        return None if made is None or made.source is None else _unfit(context, made)
    if made is None or made.work_tree is None or not made.command:
        return f"how {context.name} is built is not configured: [services.release] source and command"
    if made.directory is None:
        return f"where the releases of {context.name} are is not configured: [services.release] directory"
    return _unfit(context, made)


def _by_itself(context: Context, made: Recipe | None) -> bool:
    """Whether its manager builds it, since its releases are no directories."""
    return isinstance(context.manager, Rebuildable) and (made is None or made.directory is None)


def _unfit(context: Context, made: Recipe) -> str | None:
    """Why the work tree cannot be built as it is."""
    source = releases.book(context).source
    if source is None or source.commit is None:
        why = source.why if source is not None else None
        return f"the work tree {made.work_tree} cannot be read: {why or 'it was not looked at'}"
    if source.changed:
        rest = f" and {len(source.changed) - 3} more" if len(source.changed) > 3 else ""
        files = ", ".join(source.changed[:3])
        return f"{made.work_tree} differs from its commit: {files}{rest}; commit or restore it first"
    return None


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    made, book = releases.recipe(context), releases.book(context)
    if _by_itself(context, made):
        return _by_manager(context, made, book)
    assert made is not None
    directory, source, tree = made.directory, made.source, book.source
    if directory is None or tree is None:
        raise RefusedError(f"{context.name} cannot be built")
    target = _next(context, book, tree)
    was = book.live.id if book.live is not None else ""
    versions = releases.versions(book.live, target)
    closing = (
        releases.note_healthy(context, directory, target),
        _prune(context, made, book, target),
    )
    if source is None:
        here = local_build.parts(context, made, target, tree, closing)
        warnings = (*releases.begins(context), *restarting.warnings(context), *_again(book, target))
        return replace(here, warnings=warnings, difference=_coming(context, book, tree), versions=versions)
    steps = (
        replace(_build(context, made, target), usual=book.last_build),
        releases.switch(context, directory, target, book.live),
        *releases.take_up(context),
    )
    return Parts(
        steps=steps,
        preflight=(
            releases.ready(context, directory, book.live),
            _clean(context, source, tree, made.command[0]),
            Check(
                f"room in {directory}",
                releases.as_builder(context, release_scripts.SPACE, directory, was, str(releases.LEAST_ROOM)),
                within=0,
            ),
            *rehearsal(context),
            *checks.remember_run(context),
        ),
        checks=releases.proof(context),
        evidence=last_words(context),
        closing=closing,
        aftermath=releases.aftermath(context),
        shares=releases.shares(directory, source),
        warnings=(*releases.begins(context), *restarting.warnings(context), *_again(book, target)),
        difference=_coming(context, book, tree),
        versions=versions,
    )


def _by_manager(context: Context, made: Recipe | None, book: ReleaseBook) -> Parts:
    assert isinstance(context.manager, Rebuildable)
    tree = book.source or Source()
    target = _next(context, book, tree)
    swap = context.manager.rebuild(context.service, made, target, book, releases.signature(context))
    if made is not None and made.source is not None:
        swap = replace(swap, preflight=(_clean(context, made.source, tree, "git"), *swap.preflight))
    # The step that builds is the one that may take so long.
    steps: list[Step] = []
    for one in swap.steps:
        built = one.name.startswith("build ")
        steps.append(replace(one, usual=book.last_build, apart=True) if built else one)
        if built and made is not None and made.source is not None:
            steps.append(_stayed(context, made.source, tree))
    warnings = (*restarting.warnings(context), *_again(book, target))
    parts = releases.by_manager(context, replace(swap, steps=tuple(steps)), warnings)
    if made is not None and made.source is not None:
        parts = replace(parts, shares=(*parts.shares, *releases.shares(made.source)))
    return replace(parts, difference=_coming(context, book, tree), versions=releases.versions(book.live, target))


def _again(book: ReleaseBook, target: Release) -> tuple[str, ...]:
    """A warning where the commit that is to be built is what runs."""
    live = book.live
    if live is None or not same_source(target, live):
        return ()
    return (f"the commit of the work tree is live already, as {live.id}: this builds it once more",)


def _coming(context: Context, book: ReleaseBook, tree: Source) -> Difference:
    return releases.difference(context, book.live, tree.commit or "", unbuilt=True)


def _clean(context: Context, source: str, tree: Source, program: str) -> Check:
    command = releases.as_builder(context, release_scripts.CLEAN, source, tree.commit or "", program)
    return Check(f"{source} is clean at {(tree.commit or '')[:12]}", command, within=0)


def _stayed(context: Context, source: str, tree: Source) -> Step:
    """Before anything of it runs: it was built from the commit that it is named after."""
    look = releases.as_builder(context, release_scripts.STAYED, source, tree.commit or "")
    return Step(f"{source} is still at {(tree.commit or '')[:12]}", look, apart=True)


def _next(context: Context, book: ReleaseBook, tree: Source) -> Release:
    """The release that will be: named by the time and the commit."""
    commit = tree.commit or ""
    ident = f"{context.settings.stamp}-{commit[:9]}" if commit else context.settings.stamp
    if book.find(ident) is not None:
        raise RefusedError(f"release {ident} of {context.name} is there already")
    return Release(ident, tree.version, commit)


def _build(context: Context, made: Recipe, target: Release) -> Step:
    assert made.directory is not None
    assert made.source is not None
    words = (
        made.directory,
        made.source,
        made.output,
        target.id,
        context.settings.operator,
        target.version or "-",
        target.commit or "-",
        context.settings.stamp,
        *made.command,
    )
    build = releases.as_builder(context, release_scripts.BUILD, *words, change=True, purpose=f"build {target.id}")
    undo = releases.as_builder(
        context, release_scripts.UNBUILD, made.directory, target.id, change=True, purpose="remove an unfinished build"
    )
    name = f"build {target.id}: {' '.join(mask_words(made.command))}"
    return Step(name, context.lasting(build, made.timeout), undo, apart=True)


def _prune(context: Context, made: Recipe, book: ReleaseBook, target: Release) -> Step:
    assert made.directory is not None
    going, failed = outlived(book, target, made.keep), outlived_failures(book, target, made.keep)
    was = book.live.id if book.live is not None else ""
    words = (made.directory, was, target.id, " ".join(going), " ".join(failed))
    command = releases.as_builder(
        context, release_scripts.PRUNE, *words, change=True, purpose=remove_words(going, failed)
    )
    return Step(f"keep {made.keep} releases", context.lasting(command), always=True)
