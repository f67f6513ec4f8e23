"""What is asked of a host to know in what two releases differ, and why nothing can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.core.difference import Pair
from console.core.release import Recipe, Release, ReleaseBook
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers.container_difference import DIFFERENCE
from console.probes.release_difference import COMING, PROBE
from console.remote.books import compares

REF = ServiceRef("web1", "docker", "api")
LIVE = Release("b" * 12, commit="b" * 40, live=True)
OTHER = Release("a" * 12, commit="HEAD; rm -rf /")
GONE = Release("c" * 12, present=False)
RECIPE = Recipe(directory="/srv/api", source="/srv/api/src")
SERVICE = Service(REF, State.RUNNING, "running", tool=("docker",), image="api:1")
SNAPSHOT = Snapshot(
    "web1",
    Link(LinkState.UP, 0.0),
    services=(SERVICE,),
    books=(ReleaseBook(REF, (LIVE, OTHER, GONE)),),
)


def pair(target: str = OTHER.id, live: str = LIVE.id, *, unbuilt: bool = False) -> Pair:
    return Pair(REF, live, target, unbuilt)


def test_directories_are_compared_where_the_configuration_names_them_else_the_manager_is_asked() -> None:
    ask, _ = compares(pair(), SNAPSHOT, RECIPE)
    assert ask is not None
    # What is no commit never becomes a word of git.
    assert (ask.probe, ask.args) == (PROBE, ("/srv/api", LIVE.id, OTHER.id, "/srv/api/src", "b" * 40, "", ""))
    ask, _ = compares(pair(), SNAPSHOT, replace(RECIPE, directory=None))
    assert ask is not None
    assert (ask.probe, ask.args[2:]) == (DIFFERENCE, ("/srv/api/src", "", "b" * 40, "", "docker"))
    ask, _ = compares(pair(), SNAPSHOT, replace(RECIPE, directory=None, user="deploy"))
    assert ask is not None
    assert ask.args[3] == "deploy"
    ask, _ = compares(pair("d" * 40, unbuilt=True), SNAPSHOT, RECIPE)
    assert ask is not None
    assert (ask.probe, ask.args) == (COMING, ("/srv/api/src", "b" * 40, "d" * 40, ""))


@pytest.mark.parametrize(
    ("wanted", "recipe", "why"),
    [
        (pair(live=""), RECIPE, "no release is known to be live"),
        (pair(GONE.id), RECIPE, f"release {GONE.id} was removed: there is nothing to compare"),
        (pair("../../etc"), RECIPE, "release ../../etc was removed: there is nothing to compare"),
        (pair("d" * 40, unbuilt=True), None, "its work tree is not configured: [services.release] source"),
        (pair("d" * 40, OTHER.id, unbuilt=True), RECIPE, f"nobody noted from which commit {OTHER.id} was built"),
    ],
)
def test_where_nothing_can_be_asked_it_says_why(wanted: Pair, recipe: Recipe | None, why: str) -> None:
    assert compares(wanted, SNAPSHOT, recipe) == (None, why)


def test_of_a_service_that_was_not_looked_at_nothing_is_known() -> None:
    told = compares(pair(), replace(SNAPSHOT, books=()), RECIPE)
    assert told == (None, "the releases of api were not looked at yet")
