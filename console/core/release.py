"""Releases of a service: what ran before, what runs now, and what a new one is built from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from console.core.service import ServiceRef


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a service gets a new release, as the configuration says. Paths are of the host unless they say otherwise."""

    directory: str | None = None
    """Holds ``releases/`` and the symbolic link ``current`` to the live one; ``None`` where releases are images."""
    source: str | None = None
    """The work tree that is built; ``None`` where nothing is built on the host."""
    command: tuple[str, ...] = ()
    """The program that builds it and its arguments, run in the work tree; no shell reads them."""
    image: str | None = None
    """The repository whose images are the releases of a container; ``None`` is that of the image that it runs."""
    output: str = "."
    """What becomes the release, relative to the work tree; ``.`` is all of it but ``.git``."""
    user: str | None = None
    """As whom it is built, and whose the releases are; ``None`` is the connected user."""
    keep: int = 5
    """Releases that are kept, the live one among them."""
    timeout: float = 900.0
    """Seconds that a build may take, and as many an upload."""
    local_source: str | None = None
    """Instead of ``source``: the work tree that is built on the console's machine, a path there; what comes of it is
    sent to the host."""

    @property
    def work_tree(self) -> str | None:
        """What is built, wherever it is."""
        return self.source or self.local_source


@dataclass(frozen=True, slots=True)
class Release:
    """One release. ``None`` is "nobody noted it", never "no"."""

    id: str
    """What its manager takes for it: a directory of ``releases/``, an image, a revision, a version of a package."""
    version: str | None = None
    commit: str | None = None
    built: float | None = None
    """When it was made: the host's wall clock (Unix time, seconds)."""
    live_since: float | None = None
    """When it became live for the last time, on the same clock."""
    live_seconds: float | None = None
    """For how long it has been live, all its times together."""
    by: str | None = None
    """Who made it live for the last time."""
    healthy: bool | None = None
    """Whether it ever held its checks; ``False``: it was tried and never did."""
    well_since: float | None = None
    """When the last of its times began in which it held its checks; ``live_since`` may be a later try that failed."""
    failed_last: bool = False
    """Whether the last that was noted of it is that it failed."""
    live: bool = False
    """Whether it is what runs, or would run at the next start."""
    present: bool = True
    """Whether it is still there to go back to."""
    note: str | None = None
    """Anything else that tells it from others, in a few words."""
    reference: str | None = None
    """By which other name its manager knows it: ``registry/api:1.4`` of an image; ``None`` where it has none."""
    not_as_it_is: str | None = None
    """Of the live one: why an undo would not make it again as it is; ``None`` where it would."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who makes a release live, and when, for its name and its history."""

    operator: str
    """One word."""
    stamp: str
    """``20261120T140211Z``."""


@dataclass(frozen=True, slots=True)
class Source:
    """A work tree, as git describes it."""

    commit: str | None = None
    """The whole name of HEAD; ``None`` where it is no work tree of git, and ``why`` says so."""
    version: str | None = None
    """``git describe --tags --always``."""
    branch: str | None = None
    subject: str | None = None
    """The first line of the commit's message."""
    at: float | None = None
    """When it was committed (Unix time, seconds)."""
    changed: tuple[str, ...] = ()
    """Files that differ from the commit, the first few."""
    why: str | None = None
    """Why nothing is known of it."""


@dataclass(frozen=True, slots=True)
class ReleaseBook:
    """All releases of a service that its host knows, the newest first, and what the next one would be built from."""

    ref: ServiceRef
    releases: tuple[Release, ...] = ()
    source: Source | None = None
    now: float | None = None
    """The host's wall clock at that moment (Unix time, seconds)."""
    failure: str | None = None
    """Why they are not known."""
    last_build: float | None = None
    """Seconds that the last build took, where it was noted."""

    @property
    def live(self) -> Release | None:
        """What runs, or would run."""
        return next((release for release in self.releases if release.live), None)

    def find(self, ident: str) -> Release | None:
        """The release of that id, or the only one whose id, version or commit begins with the word."""
        exact = next((release for release in self.releases if release.id == ident), None)
        if exact is not None or not ident:
            return exact
        like = [
            release
            for release in self.releases
            if any((word or "").startswith(ident) for word in (release.id, release.version, release.commit))
        ]
        return like[0] if len(like) == 1 else None


def way_back(book: ReleaseBook) -> Release | None:
    """Where a roll back goes unless somebody chooses: the release that was live last and held its checks.

    Not the second newest: that one may never have run. One whose health nobody noted comes after all that are known
    to have been well, and after both one that was well and failed when it was tried again; one that only ever failed
    is never chosen. One of the live one's commit comes last of those that are alike in this.
    """
    live = book.live
    others = [release for release in book.releases if release.present and not release.live]
    lived = [release for release in others if release.live_since is not None and release.healthy is not False]
    return max(lived, key=lambda release: _trust(release, live), default=None)


def _trust(release: Release, live: Release | None) -> tuple[bool, bool, bool, float]:
    began = release.well_since if release.well_since is not None else release.live_since
    return not release.failed_last, release.healthy is True, not same_source(release, live), began or 0.0


def same_source(one: Release, other: Release | None) -> bool:
    """Whether both are of one commit as it is; what was built while its files changed is of none."""
    if other is None or not one.commit or one.commit != other.commit:
        return False
    return not any((release.version or "").endswith("+dirty") for release in (one, other))


def outlived(book: ReleaseBook, coming: Release, keep: int, ours: Callable[[Release], bool] | None = None) -> list[str]:
    """The ids of what is to be removed once ``coming`` is live and well, so that ``keep`` releases are left.

    What failed goes first, then the oldest. Never the one that is live until then, nor the one that a roll back from
    ``coming`` would go to. ``ours``: which releases count and may be removed; all where it is not told.
    """
    former = [replace(release, live=False) for release in book.releases if release.id != coming.id]
    back = way_back(replace(book, releases=(replace(coming, live=True), *former)))
    spared = {release.id for release in (book.live, back) if release is not None}
    counted = [release for release in former if release.present and (ours is None or ours(release))]
    surplus = 1 + len(counted) - keep
    going = sorted((release for release in counted if release.id not in spared), key=_worth)
    return [release.id for release in going[: max(surplus, 0)]]


def outlived_failures(
    book: ReleaseBook, coming: Release, keep: int, ours: Callable[[Release], bool] | None = None
) -> list[str]:
    """The ids of what is to be removed once ``coming`` was made, failed and was undone, the worst first.

    Only what failed, ``coming`` itself at last: nothing that was ever well goes for what was not.
    """
    failed = replace(coming, healthy=False, failed_last=True, built=inf)
    there = [release for release in (*book.releases, failed) if release.present and (ours is None or ours(release))]
    going = sorted((one for one in there if one.healthy is False and not one.live), key=_worth)
    return [release.id for release in going[: max(len(there) - keep, 0)]]


def remove_words(going: list[str], failed: list[str]) -> str:
    """What is removed, for a person: when all went well, and when it was undone."""
    well = f"remove {', '.join(going)}" if going else "remove none"
    return well if not failed else f"{well}; if it was undone, remove {', '.join(failed)}"


def _worth(release: Release) -> tuple[bool, bool, float]:
    return release.healthy is not False, not release.failed_last, release.built or 0.0
