"""Other images for containers: what is built, what is noted of them, and how one container is made again."""

from dataclasses import replace
from urllib.parse import quote

from console.core.command import Command, Effect
from console.core.engines import is_engine
from console.core.plan import Check, Step, Swap
from console.core.release import Recipe, Release, ReleaseBook, Signature, outlived, outlived_failures, remove_words
from console.core.service import Service, State
from console.core.stop_way import LONGEST, patience
from console.managers import compose_files
from console.managers import container_commands as commands
from console.managers import container_release_scripts as scripts
from console.managers.container_images import SHORT, made_here, repository, tag_of
from console.managers.container_recreate import WITH_PYTHON
from console.managers.container_services import REMOVED
from console.managers.release_notes import file_of

_TIMEOUT = 120.0
_BUILD = 900.0
_LOOK = 15.0
_WELL = 90.0
"""Seconds for which its own health check is waited for at least: of another image it may be another."""


def book_words(service: Service, recipe: Recipe | None) -> tuple[str, ...]:
    """The arguments of ``IMAGES``: history, repository, work tree, its user, a container, those of files, the tool."""
    repo, tool = repository(service, recipe.image if recipe is not None else None), commands.words(service)
    compared = compose_files.words(service) if service.ref.manager == "compose" else ()
    name = commands.names(service)[0]
    return (file_of(service.ref), repo, *source_words(recipe), name, str(len(compared)), *compared, *tool)


def source_words(recipe: Recipe | None) -> tuple[str, str]:
    """The work tree that is built and who builds it: git reads it as that user; empty words where none is told."""
    return ("", "") if recipe is None else (recipe.source or "", recipe.user or "")


def rolled_back(service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
    """One container back to an image that is still there."""
    image = target.reference or target.id
    tagging: tuple[Step, ...] = ()
    if target.reference is None:
        # An image without a name is anybody's to tidy away, and a container of it would not tell whose it is.
        image, tagging = f"{repository(service)}:was-{target.id}", (_tag(service, target),)
    swap = replaced(service, image, target.id, target, live, by)
    look = may_be_replaced(service, target.id if tagging else image, target.id, live)
    return replace(swap, steps=(*tagging, *swap.steps), preflight=(look,))


def rebuilt(service: Service, recipe: Recipe, target: Release, book: ReleaseBook, by: Signature) -> Swap:
    """One container made again from an image that is built."""
    if recipe.source is None:
        raise ValueError(f"how {service.ref.name} is built is not configured: [services.release] source")
    repo, live = repository(service, recipe.image), book.live
    image = f"{repo}:{target.id}"
    told = (*build_arguments(target, by), *labels(target, by))
    words = (*commands.words(service), "build", "--force-rm", "--tag", image, *told, recipe.source)
    swap = replaced(service, image, "", target, live, by)
    return Swap(
        steps=(built(service, image, target, by, words, recipe.timeout), *swap.steps),
        preflight=(may_be_replaced(service, "", "", live), room(service, live)),
        checks=swap.checks,
        aftermath=swap.aftermath,
        closing=(*swap.closing, pruned(service, repo, recipe, target, book)),
    )


def recomposed(service: Service, up: tuple[str, ...], target: Release, live: Release | None, by: Signature) -> Swap:
    """A service of Compose whose tag is moved to an image that is still there, and back; ``up`` lets it run that."""
    image = tag(service)
    was = _live(service, live)
    tool = commands.words(service)
    move = Step(
        f"{image} is {target.id}", _change((*tool, "tag", target.id, image)), _change((*tool, "tag", was, image))
    )
    same, as_before = _as_it_is(service, live)
    return Swap(
        steps=(move, noted_live(service, target.id, target, live, by), _up(service, up)),
        preflight=(_same(service, was, image), *same, _there(service, target.id)),
        checks=(_runs(service, target.id),),
        closing=(noted_well(service, target.id, target, live, by),),
        aftermath=(_runs(service, was), *as_before),
        shares=(image,),
        irreversible=live.not_as_it_is if live is not None else None,
    )


def composed(
    service: Service, recipe: Recipe, words: tuple[str, ...], up: tuple[str, ...], target: Release,
    book: ReleaseBook, by: Signature,
) -> Swap:  # fmt: skip
    """A service of Compose that is built anew; the image of before keeps a name for the way back."""
    live = book.live
    image, repo, was = tag(service), repository(service), _live(service, live)
    tool = commands.words(service)
    kept, unique = f"{repo}:was-{was}", f"{repo}:{target.id}"
    back = _change((*tool, "tag", was, image))
    build = built(service, image, target, by, words, recipe.timeout)
    name = Step(f"name it {unique}", _change((*tool, "tag", image, unique)))
    same, as_before = _as_it_is(service, live)
    return Swap(
        steps=(
            Step(f"keep the present image as {kept}", _change((*tool, "tag", was, kept))),
            replace(build, undo=back),
            name,
            noted_live(service, unique, target, live, by),
            _up(service, up),
        ),
        preflight=(_same(service, was, image), *same, _declares_build(service), room(service, live)),
        checks=(_runs(service, unique),),
        closing=(
            noted_well(service, unique, target, live, by),
            pruned(service, repo, recipe, target, book),
        ),
        aftermath=(_runs(service, was), *as_before),
        shares=(image,),
        irreversible=live.not_as_it_is if live is not None else None,
    )


def _as_it_is(service: Service, live: Release | None) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """Before and after an undo: its files say what it was made by, where they were seen to do so."""
    if live is None or live.not_as_it_is is not None:
        return (), ()
    return (compose_files.same(service),), (compose_files.as_before(service),)


def tag(service: Service) -> str:
    """The tag that the files of a project name, which decides what runs; raises ``ValueError`` for a digest."""
    image = service.image or ""
    name = tag_of(image)
    if name is None or not repository(service):
        raise ValueError(f"{service.ref.name} is pinned to a digest: change it in its file")
    return image if image.rpartition("/")[2].partition(":")[1] else f"{image}:latest"


def _runs(service: Service, image: str) -> Check:
    """After: what Compose, an engine or its undo has made is of just this image."""
    project, _, name = service.ref.name.rpartition("/")
    return commands.runs_image(service, (project, name), image)


def _up(service: Service, words: tuple[str, ...]) -> Step:
    """What was stopped is made again and not started where this is undone."""
    start, rest = (_made_again(service, (*words[:-1], *more, words[-1])) for more in (("-d",), ("--no-start",)))
    undo = start if service.pids or service.state is not State.STOPPED else rest
    # What it is to run has to be back before.
    return Step(f"make {service.ref.name} again", start, undo, undo_last=True)


def _made_again(service: Service, words: tuple[str, ...]) -> Command:
    """What is live is decided by the tag that was moved: no other image may be fetched for it now."""
    pull = "" if "docker-compose" in words else "never"
    told = (*words, "--pull", pull) if pull else words
    verb = str(len(service.file_tool) + 1)
    argv, purpose = ("sh", "-c", scripts.UP, "sh", pull, verb, *words), f"make {service.ref.name} again"
    seconds = 300.0 + patience(service.stop_way)
    return Command(argv, timeout=seconds, effect=Effect.CHANGE, purpose=purpose, becomes=told)


def _same(service: Service, was: str, image: str) -> Check:
    name = commands.names(service)[0]
    return Check(
        f"{service.ref.name} runs {was}", _script(service, scripts.SAME, name, was, image, change=False), within=0
    )


def _declares_build(service: Service) -> Check:
    name, words = service.ref.name.partition("/")[2], service.file_tool
    argv = ("sh", "-c", scripts.DECLARES_BUILD, "sh", name, *words)
    command = Command(argv, timeout=_LOOK, becomes=(*words, "config") if words[:1] == ("sudo",) else ())
    return Check(f"its file says how {name} is built", command, within=0)


def _there(service: Service, ident: str) -> Check:
    return Check(f"image {ident} is there", _script(service, scripts.THERE, ident, change=False), within=0)


def why_no_other(service: Service) -> str | None:
    """Why a container cannot be given another image from here."""
    name, chain = service.ref.name, service.chain
    if service.enabled == REMOVED:
        return f"{name} was made with --rm: it is removed when it ends, and cannot be kept for the way back"
    if any("podman" in word for word in commands.words(service)):
        return f"{name} is a container of Podman, which tells no program enough to make it again with the same options"
    units = [one for one in chain[1:-1] if one.endswith(".service")] if chain[:1] == ("systemd",) else []
    if units and not is_engine(units[-1]):
        return f"{name} is made by {units[-1]}: change the image there"
    return None


def replaced(service: Service, image: str, identity: str, target: Release, live: Release | None, by: Signature) -> Swap:
    """One container made again from another image; the former one is kept until the new one has held its checks."""
    name = commands.names(service)[0]
    was = _live(service, live)
    former = f"{name}.former"
    stops = commands.words(service)
    ran = bool(service.pids)
    steps = (
        Step(
            f"make {name} again from {image}",
            _program(service, "make", name, was, image, identity),
            _program(service, "unmake", name, was, image, identity),
        ),
        noted_live(service, image, target, live, by),
        Step(f"stop the former {name}", _stop(service, former), _change((*stops, "start", former))) if ran else None,
        Step(f"start {name}", _change((*stops, "start", name)), _stop(service, name)),
    )
    return Swap(
        steps=tuple(step for step in steps if step is not None),
        checks=(_runs(service, identity or image), own_health(service, name)),
        closing=(
            noted_well(service, image, target, live, by),
            Step(f"remove the former {name}", _change((*stops, "rm", former))),
        ),
        aftermath=(_runs(service, was),),
    )


def may_be_replaced(service: Service, image: str, identity: str, live: Release | None) -> Check:
    """Before: nothing stands in the way of making it again."""
    name = commands.names(service)[0]
    look = _program(service, "look", name, _live(service, live), image, identity)
    return Check(f"{name} can be made again", look, within=0)


def noted_live(service: Service, image: str, target: Release, live: Release | None, by: Signature) -> Step:
    """Note that an image runs from now on, and that it failed when it is taken back."""
    told = _noted(service, image, target, live, by)
    forth, back = (_script(service, text, *told) for text in (scripts.LIVE, scripts.NOT_LIVE))
    return Step(f"note that {image} is live", forth, back)


def noted_well(service: Service, image: str, target: Release, live: Release | None, by: Signature) -> Step:
    """At last: it held its checks, which makes it one to go back to."""
    told = _noted(service, image, target, live, by)
    return Step(f"note that {image} is well", _script(service, scripts.WELL, *told))


def built(
    service: Service, image: str, target: Release, by: Signature, words: tuple[str, ...], seconds: float | None
) -> Step:
    """Build an image, with a note of how long it took; ``words`` are the whole command, its tool too."""
    tool = commands.words(service)
    about = (file_of(service.ref), image, by.operator, _word(target.version), _word(target.commit))
    argv = ("sh", "-c", scripts.BUILD, "sh", *about, str(len(tool)), *tool, *words)
    purpose = f"build {image}"
    forth = Command(argv, timeout=seconds or _BUILD, effect=Effect.CHANGE, purpose=purpose, becomes=words)
    back = _script(service, scripts.UNBUILD, image)
    if tool[:1] == ("sudo",):
        back = replace(back, becomes=(*tool, "image", "inspect", "--format", f"{image} stays", image))
    return Step(purpose, forth, replace(back, purpose="see what was built"))


def room(service: Service, live: Release | None) -> Check:
    """Before: an image fits where the engine keeps them."""
    was = _live(service, live)
    command = _script(service, scripts.SPACE, was, change=False)
    return Check("room for an image", command, within=0)


def health(service: Service) -> tuple[Check, ...]:
    """After: each of its containers is well by its own check; none where the service is known to have none."""
    return tuple(own_health(service, name) for name in commands.names(service)) if service.health else ()


def own_health(service: Service, name: str) -> Check:
    """After: the health check of the image or the container, where there is one, says that it is well.

    It is waited for as long as its definition leaves open how it is: before that its engine says "starting".
    """
    command = _script(service, scripts.HEALTHY, name, change=False)
    within = min(LONGEST, max(_WELL, service.health_seconds or 0.0))
    return Check(f"{name} is healthy by its own check", command, within=within)


def pruned(service: Service, repo: str, recipe: Recipe, target: Release, book: ReleaseBook) -> Step:
    """Remove old images that were built from here."""
    going = outlived(book, target, recipe.keep, made_here)
    failed = outlived_failures(book, target, recipe.keep, lambda one: one.id == target.id or made_here(one))
    was = book.live.id if book.live is not None else ""
    words = (repo, target.id, was, " ".join(going), " ".join(failed))
    command = replace(_script(service, scripts.PRUNE, *words), purpose=remove_words(going, failed))
    return Step(f"keep {recipe.keep} images", command, always=True)


def build_arguments(target: Release, by: Signature) -> tuple[str, ...]:
    """What a build is given: version, commit and time."""
    told = (("VERSION", target.version), ("COMMIT", target.commit), ("BUILD_TIME", by.stamp))
    return tuple(word for key, value in told for word in ("--build-arg", f"{key}={value or ''}"))


def labels(target: Release, by: Signature) -> tuple[str, ...]:
    """By which the image is known later."""
    at = by.stamp
    created = f"{at[:4]}-{at[4:6]}-{at[6:11]}:{at[11:13]}:{at[13:]}" if len(at) == len("20261120T140211Z") else at
    told = (("version", target.version), ("revision", target.commit), ("created", created))
    return tuple(
        word for key, value in told if value for word in ("--label", f"org.opencontainers.image.{key}={value}")
    )


def _tag(service: Service, target: Release) -> Step:
    words = (*commands.words(service), "tag", target.id, f"{repository(service)}:was-{target.id}")
    return Step(f"give image {target.id} a name", _change(words))


def _noted(service: Service, image: str, target: Release, live: Release | None, by: Signature) -> tuple[str, ...]:
    known = live or Release("")
    since = str(int(known.live_since)) if known.live_since is not None else "0"
    former = (known.id, since, _word(known.version), _word(known.commit))
    return (file_of(service.ref), image, *former, by.operator, _word(target.version), _word(target.commit))


def _word(text: str | None) -> str:
    return quote(text, safe="+~:") if text else "-"


def _live(service: Service, live: Release | None) -> str:
    if live is None or len(live.id) != SHORT:
        raise ValueError(f"which image {service.ref.name} runs is not known")
    return live.id


def _script(service: Service, script: str, *first: str, change: bool = True) -> Command:
    argv = ("sh", "-c", script, "sh", *first, *commands.words(service))
    effect = Effect.CHANGE if change else Effect.READ
    return Command(argv, timeout=_LOOK, effect=effect, purpose=f"note what {service.ref.name} runs" if change else "")


def _program(service: Service, *words: str) -> Command:
    tool = commands.words(service)
    argv = ("sh", "-c", WITH_PYTHON, "sh", *words, *tool)
    effect = Effect.READ if words[0] == "look" else Effect.CHANGE
    command = Command(argv, timeout=60.0, effect=effect, purpose=f"{words[0]} {words[1]}")
    # What sudo has to allow.
    return replace(command, becomes=(*tool, "system", "dial-stdio")) if tool[:1] == ("sudo",) else command


def _stop(service: Service, name: str) -> Command:
    """A container made again has the time to end that the former one has."""
    command = _change((*commands.words(service), "stop", name))
    return replace(command, timeout=command.timeout + patience(service.stop_way))


def _change(argv: tuple[str, ...]) -> Command:
    return Command(argv, timeout=_TIMEOUT, effect=Effect.CHANGE, purpose=" ".join(argv[-2:]))
