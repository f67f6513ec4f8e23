"""Images as releases of a container: those of one repository, and those of which the history or a label tells."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.core import release_history as history
from console.core import work_tree
from console.core.probe import ParseError, Probe
from console.core.release import Release, ReleaseBook
from console.core.service import Service, ServiceRef
from console.core.text import cut, sanitise
from console.managers import compose_files
from console.managers.container_release_scripts import LIST
from console.managers.containers import when

SHORT = 12
"""Letters of an identity that are enough for an engine, and for its history."""

_repository = re.compile(r"[a-z0-9][A-Za-z0-9._-]*(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_tag = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_told_nothing = re.compile(r"latest|was-[0-9a-f]{12}|\d{8}T\d{6}Z(?:-[0-9a-f]+)?")
_ident = re.compile(r"sha256:[0-9a-f]{64}")


def repository(service: Service, configured: str | None = None) -> str:
    """The repository whose images are its releases; raises ``ValueError`` where nothing tells it."""
    image = configured or service.image or ""
    place, _, name = image.partition("@")[0].rpartition("/")
    base = name.partition(":")[0]
    found = f"{place}/{base}" if place else base
    if _ident.fullmatch(image) or not _repository.fullmatch(found):
        raise ValueError(f"{service.ref.name} was made from an image without a name: [services.release] image names it")
    return found


def tag_of(image: str) -> str | None:
    """The tag of a reference as it is written; ``None`` for one that names a digest."""
    if "@" in image:
        return None
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return (tag if _tag.fullmatch(tag) else None) if colon else "latest"


@dataclass(frozen=True, slots=True)
class _Image:
    ident: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    created: float | None
    layers: tuple[str, ...]
    labels: Mapping[str, str]

    def of(self, repo: str) -> bool:
        """Whether its own names say that it is of a repository."""
        return any(name.rpartition(":")[0] == repo for name in self.tags) or any(
            name.partition("@")[0] == repo for name in self.digests
        )

    def kin(self) -> set[str]:
        """What its labels say of where it comes from."""
        return {f"{key}={self.labels[key]}" for key in ("title", "source") if self.labels.get(key)}


def parse(text: str) -> ReleaseBook:
    """Read the answer of ``LIST``; the reference is filled in by who asks."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    now = history.seconds((found.get("now") or ["-"])[0])
    words = (found.get("container") or [""])[0].split(" ")
    repo = (found.get("repository") or [""])[0]
    if now is None or not _ident.fullmatch(words[0]) or len(words) < 2:
        raise ParseError("the host's time and the container", text)
    live, made = words[0].removeprefix("sha256:")[:SHORT], when(words[1])
    events = history.read(found.get("event", ()))
    images = {image.ident: image for line in found.get("image", ()) if (image := _image(line)) is not None}
    mine = _own(images, repo, live, {event.id for event in events})
    releases = [_release(image, repo, images.get(live), live) for image in mine]
    if "files" in found:
        releases = [_compared(release, sanitise(found["files"][0])) for release in releases]
    told = [_told(release, events, now, made) for release in history.with_gone(releases, events)]
    newest = sorted(told, key=lambda release: (release.built or 0.0, release.id), reverse=True)
    took = history.last_build(events)
    return ReleaseBook(ServiceRef("", "", ""), tuple(newest), work_tree.read(found), now, last_build=took)


def _own(images: Mapping[str, _Image], repo: str, live: str, noted: set[str]) -> list[_Image]:
    named = {ident for ident, image in images.items() if image.of(repo)}
    kin = {word for ident in named | {live} if ident in images for word in images[ident].kin()}
    return [
        image
        for ident, image in images.items()
        if ident in named | noted | {live} or (not image.tags and image.kin() & kin)
    ]


def _image(line: str) -> _Image | None:
    try:
        data = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        raise ParseError("an image as JSON", line) from None
    if not isinstance(data, Mapping) or not _ident.fullmatch(str(data.get("Id"))):
        return None
    labels = data.get("Labels")
    return _Image(
        str(data["Id"]).removeprefix("sha256:")[:SHORT],
        tuple(one for one in _words(data.get("Tags")) if one != "<none>:<none>"),
        _words(data.get("Digests")),
        when(data.get("Created")),
        _words(data.get("Layers")),
        {str(key): _clean(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {},
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(_clean, value)) if isinstance(value, list) else ()


def _clean(value: object) -> str:
    return cut(sanitise(value).replace("\n", " ").strip(), 200) if isinstance(value, str) else ""


def _release(image: _Image, repo: str, runs: _Image | None, live: str) -> Release:
    tags = sorted(name for name in image.tags if name.rpartition(":")[0] == repo)
    plain = [tag for tag in (name.rpartition(":")[2] for name in tags) if not _told_nothing.fullmatch(tag)]
    return Release(
        image.ident,
        # A label may be that of the image it was built from; a tag was given to this one.
        version=plain[0] if plain else image.labels.get("version") or None,
        commit=image.labels.get("revision") or None,
        built=image.created,
        live=image.ident == live,
        note=_note(image, tags, runs),
        # One that a rebuild gave stands back behind those that people gave.
        reference=next(
            iter([*(f"{repo}:{tag}" for tag in plain), *(n for n in tags if not n.endswith(":latest")), *tags]), None
        ),
    )


def made_here(release: Release) -> bool:
    """Whether all that an image is called was given to it by a rebuild."""
    tag = (release.reference or "").rpartition(":")[2]
    return tag != "latest" and _told_nothing.fullmatch(tag) is not None


def _compared(release: Release, told: str) -> Release:
    return replace(release, not_as_it_is=compose_files.not_as_it_is(told)) if release.live else release


def _note(image: _Image, tags: Sequence[str], runs: _Image | None) -> str:
    names = ", ".join(tags[:3]) or "no tag"
    if runs is None or runs is image or not image.layers:
        return names
    same = sum(1 for one, other in zip(image.layers, runs.layers, strict=False) if one == other)
    return f"{names}; {len(image.layers) - same} of {len(image.layers)} layers are not those of what runs"


def _told(release: Release, events: Iterable[history.Event], now: float, made: float | None) -> Release:
    events = tuple(events)
    told = history.told(release, events, now)
    # What was noted when it was built is of this image; its labels may be those of the image below it.
    told = replace(told, version=told.version or release.version, commit=told.commit or release.commit)
    if not release.live or told.live_since is not None or made is None:
        return replace(told, built=release.built or told.built)
    return replace(told, built=release.built, live_since=made, live_seconds=max(0.0, now - made))


IMAGES: Probe[ReleaseBook] = Probe("container_images", LIST, parse, slow=True, cached=False, timeout=20.0)
"""The releases of one container."""
