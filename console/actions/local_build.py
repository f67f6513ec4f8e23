"""A release that is built on the console's machine: built and sent before the host's plan, which makes it live."""

from console.actions import checks, release_scripts, releases, upload_scripts
from console.actions.context import Context, Parts, RefusedError
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.core.command import Command, Effect
from console.core.plan import Check, Preparation, Step, Where
from console.core.release import Recipe, Release, Source

_LOOK = 30.0  # seconds


def parts(context: Context, made: Recipe, target: Release, tree: Source, closing: tuple[Step, ...]) -> Parts:
    """The preparation, the steps and what proves them."""
    directory, source, book = made.directory, made.local_source, releases.book(context)
    if directory is None or source is None:
        raise RefusedError(f"{context.name} cannot be built")
    was = book.live.id if book.live is not None else ""
    ready = releases.ready(context, directory, book.live)
    room = releases.as_builder(context, release_scripts.SPACE, directory, was, str(releases.LEAST_ROOM))
    steps = (
        _place(context, directory, target),
        releases.switch(context, directory, target, book.live),
        *releases.take_up(context),
    )
    return Parts(
        steps=steps,
        prepare=(
            _look(ready),
            _look(Check(f"room in {directory}", room)),
            _look(Check("what takes an upload is there", releases.as_builder(context, upload_scripts.TOOLS))),
            _clean(source, tree, made.command[0]),
            _build(context, made, source, target),
            _stayed(source, tree),
            _upload(context, made, source, directory, target),
        ),
        preflight=(ready, *rehearsal(context), *checks.remember_run(context)),
        checks=releases.proof(context),
        evidence=last_words(context),
        closing=closing,
        aftermath=releases.aftermath(context),
        shares=releases.shares(directory),
    )


def _look(check: Check) -> Preparation:
    return Preparation(check.name, Where.HOST, check.command)


def _clean(source: str, tree: Source, program: str) -> Preparation:
    commit = tree.commit or ""
    words = ("sh", "-c", release_scripts.CLEAN, "sh", source, commit, program)
    command = Command(words, timeout=_LOOK, purpose="compare the work tree with its commit")
    return Preparation(f"{source} is clean at {commit[:12]}", Where.HERE, command)


def _stayed(source: str, tree: Source) -> Preparation:
    commit = tree.commit or ""
    words = ("sh", "-c", release_scripts.STAYED, "sh", source, commit)
    command = Command(words, timeout=_LOOK, purpose="compare the work tree with its commit once more")
    return Preparation(f"{source} is still at {commit[:12]}", Where.HERE, command)


def _build(context: Context, made: Recipe, source: str, target: Release) -> Preparation:
    """The program itself, with no shell."""
    purpose = f"build {target.id}"
    command = Command(made.command, timeout=made.timeout, effect=Effect.CHANGE, purpose=purpose, configured=True)
    told = (
        ("VERSION", target.version or "-"),
        ("COMMIT", target.commit or "-"),
        ("BUILD_TIME", context.settings.stamp),
    )
    return Preparation(f"build {target.id}", Where.HERE, command, source, told)


def _upload(context: Context, made: Recipe, source: str, directory: str, target: Release) -> Preparation:
    whole = made.output.rstrip("/") in ("", ".")
    sent = source if whole else f"{source}/{made.output}"
    place = f"{directory}/releases/{target.id}.partial"
    words = (directory, target.id, str(int(made.timeout)))
    take = releases.as_builder(context, upload_scripts.RECEIVE, *words, change=True, purpose=f"take {target.id}")
    undo = releases.as_builder(
        context, upload_scripts.GONE, directory, target.id, change=True, purpose="remove what has arrived"
    )
    name = f"send {sent} to {context.service.ref.host}:{place}"
    return Preparation(name, Where.UPLOAD, context.lasting(take, made.timeout), sent, undo=undo, fresh=not whole)


def _place(context: Context, directory: str, target: Release) -> Step:
    words = (directory, target.id, context.settings.operator, target.version or "-", target.commit or "-")
    command = releases.as_builder(
        context, upload_scripts.PLACE, *words, change=True, purpose="what has arrived becomes a release"
    )
    undo = releases.as_builder(
        context, upload_scripts.GONE, directory, target.id, change=True, purpose="remove what has arrived"
    )
    return Step(f"put {target.id} in its place", context.lasting(command), undo, apart=True)
