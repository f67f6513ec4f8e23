"""The releases of a service: asked of its host when somebody wants to rebuild it or to go back."""

from console.core.difference import Pair, commit_word
from console.core.probe import Probe
from console.core.release import Recipe, Release, ReleaseBook
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot
from console.managers import MANAGERS, manager
from console.managers.releasing import Comparing, Revertible
from console.probes import release_difference, releases
from console.remote.shell import Ask


def asks_for(ref: ServiceRef, service: Service | None, recipe: Recipe | None) -> tuple[Ask | None, str | None]:
    """What is to be asked, or why there is nothing to ask."""
    if service is None:
        return None, f"{ref.host} has no such service: {ref}"
    if recipe is not None and recipe.directory is not None:
        return Ask(releases.PROBE, (recipe.directory, recipe.source or "", recipe.user or "")), None
    found = manager(ref.manager)
    if not isinstance(found, Revertible):
        return None, f"where the releases of {ref.name} are is not configured: [services.release] directory"
    try:
        return Ask(found.releases, found.release_words(service, recipe)), None
    except ValueError as error:
        return None, str(error)


def compares(pair: Pair, snapshot: Snapshot, recipe: Recipe | None) -> tuple[Ask | None, str | None]:
    """What is to be asked to know in what two releases differ, or why that cannot be asked."""
    book, service = snapshot.book(pair.ref), snapshot.service(pair.ref)
    if book is None or service is None:
        return None, f"the releases of {pair.ref.name} were not looked at yet"
    live = _listed(book, pair.live)
    if live is None:
        return None, "no release is known to be live"
    if pair.unbuilt:
        return _coming(pair, live, recipe)
    target = _listed(book, pair.target)
    if target is None or not target.present or not live.present:
        gone = pair.target if live.present else live.id
        return None, f"release {gone} was removed: there is nothing to compare"
    if recipe is not None and recipe.directory is not None:
        commits = (commit_word(live.commit), commit_word(target.commit))
        words = (recipe.directory, live.id, target.id, recipe.source or "", *commits, recipe.user or "")
        return Ask(release_difference.PROBE, words), None
    found = manager(pair.ref.manager)
    if not isinstance(found, Comparing):
        return None, f"{pair.ref.manager} does not tell in what two releases differ"
    try:
        return Ask(found.comparison, found.comparison_words(service, recipe, live, target)), None
    except ValueError as error:
        return None, str(error)


def _coming(pair: Pair, live: Release, recipe: Recipe | None) -> tuple[Ask | None, str | None]:
    """What a rebuild brings is known by the commits of its work tree, wherever that is."""
    built, coming = commit_word(live.commit), commit_word(pair.target)
    if recipe is None or recipe.work_tree is None or not coming:
        return None, "its work tree is not configured: [services.release] source"
    if not built:
        return None, f"nobody noted from which commit {live.id} was built"
    user = recipe.user or "" if recipe.source is not None else ""
    return Ask(release_difference.COMING, (recipe.work_tree, built, coming, user)), None


def is_here(pair: Pair, recipe: Recipe | None) -> bool:
    """Whether it is this machine that knows what is to come: it is built here."""
    return pair.unbuilt and recipe is not None and recipe.source is None and recipe.local_source is not None


def _listed(book: ReleaseBook, ident: str) -> Release | None:
    return next((release for release in book.releases if release.id == ident), None)


def probes() -> tuple[Probe[ReleaseBook], ...]:
    """Every probe that may be asked for releases."""
    own = (found.releases for found in MANAGERS if isinstance(found, Revertible))
    return tuple(dict.fromkeys((releases.PROBE, *own)))
