"""What was asked of a host beside its routine: what comes replaces that part of its snapshot. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from console.core.declaration import Declaration
from console.core.difference import Difference
from console.core.release import ReleaseBook
from console.core.snapshot import AbandonedPlan, LastWords, Snapshot, Symptom

MOST_DIFFERENCES = 64
"""Pairs of releases of which it is remembered in what they differ."""


def with_symptoms(snapshot: Snapshot, manager: str, symptoms: Iterable[Symptom]) -> Snapshot:
    """Take what the logs of one manager's failed services say; what those of others say stays."""
    others = (symptom for symptom in snapshot.symptoms if symptom.ref.manager != manager)
    found = tuple(sorted((*others, *symptoms), key=lambda symptom: symptom.ref))
    return snapshot if found == snapshot.symptoms else replace(snapshot, symptoms=found)


def with_last_words(snapshot: Snapshot, manager: str, words: Iterable[LastWords]) -> Snapshot:
    """Take what the logs of one manager's failed services ended with; what those of others did stays."""
    others = (each for each in snapshot.last_words if each.ref.manager != manager)
    found = tuple(sorted((*others, *words), key=lambda each: each.ref))
    return snapshot if found == snapshot.last_words else replace(snapshot, last_words=found)


def with_book(snapshot: Snapshot, book: ReleaseBook) -> Snapshot:
    """Take the releases of one service; those of the others stay."""
    others = (known for known in snapshot.books if known.ref != book.ref)
    return replace(snapshot, books=(*others, book))


def with_difference(snapshot: Snapshot, difference: Difference) -> Snapshot:
    """Take in what two releases differ; of many pairs the latest stay."""
    others = (known for known in snapshot.differences if known.pair != difference.pair)
    return replace(snapshot, differences=(*others, difference)[-MOST_DIFFERENCES:])


def with_abandoned(snapshot: Snapshot, plans: tuple[AbandonedPlan, ...]) -> Snapshot:
    """Take which plans were left on the host without an end; those of before are over or among them."""
    return snapshot if plans == snapshot.abandoned else replace(snapshot, abandoned=plans)


def with_given(snapshot: Snapshot, given: tuple[Declaration, ...]) -> Snapshot:
    """Take what a cluster gives away of the host's ports; what is as it was stays the same object."""
    return snapshot if given == snapshot.given else replace(snapshot, given=given)
