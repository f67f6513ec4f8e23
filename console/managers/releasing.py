"""What a service manager may be able to do with the releases of its services."""

from typing import Protocol, runtime_checkable

from console.core.difference import Difference
from console.core.plan import Swap
from console.core.probe import Probe
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import Service


@runtime_checkable
class Revertible(Protocol):
    """Knows the former releases of its services and can go back to one: images, revisions.

    Releases in a directory of the host are nobody's in particular; see ``console.probes.releases``.
    """

    @property
    def releases(self) -> Probe[ReleaseBook]:
        """All releases of one service; the reference is filled in by who asks."""
        ...

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The arguments of ``releases``; raises ``ValueError`` for a service that has none, saying why."""
        ...

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """What makes another release run, each step with its undo; raises ``ValueError`` where it cannot be."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """Can tell in what two releases of one of its services differ. Needs no rights beyond those of its list."""

    @property
    def comparison(self) -> Probe[Difference]:
        """The difference between two of them; the pair is filled in by who asks."""
        ...

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """The arguments of ``comparison``; raises ``ValueError`` where they cannot be compared, saying why."""
        ...


@runtime_checkable
class Rebuildable(Protocol):
    """Can build the next release of its services by itself: an image."""

    def rebuild(
        self, service: Service, recipe: Recipe | None, target: Release, book: ReleaseBook, by: Signature
    ) -> Swap:
        """What builds it and makes it run, each step with its undo; raises ``ValueError`` where it cannot be."""
        ...
