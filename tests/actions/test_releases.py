"""What plans that give a service another release do with one that does not run, or is not restarted from here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import ActionSettings, RefusedError, plan, refusal
from console.core.plan import ActionKind, Intent, Plan
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.core.service import Service, ServiceRef, State
from console.managers import MANAGERS
from tests.actions.hosts import service, snapshot

SETTINGS = ActionSettings(stamp="20261120T140211Z")
TREE = Source("0123456789abcdef", "v1.2.0")
DIRECTORY = Recipe("/srv/api", command=("make",), output="build", source="/srv/src")
HERE = replace(DIRECTORY, source=None, local_source="/home/ann/src")
RELEASES = (
    Release("1.2", live=True, note="pkg", reference="pkg=1.2"),
    Release("1.1", note="pkg", reference="pkg=1.1", live_since=5.0, healthy=True),
)
WAYS = (
    pytest.param(ActionKind.ROLLBACK, None, id="package"),
    pytest.param(ActionKind.ROLLBACK, DIRECTORY, id="directory"),
    pytest.param(ActionKind.REBUILD, DIRECTORY, id="built there"),
    pytest.param(ActionKind.REBUILD, HERE, id="built here"),
)


def made(kind: ActionKind, found: Service, recipe: Recipe | None) -> Plan:
    where = replace(snapshot(found), books=(ReleaseBook(found.ref, RELEASES, TREE, now=10.0),))
    settings = replace(SETTINGS, recipe=recipe)
    return plan(Intent(kind, found.ref), where, managers=MANAGERS, settings=settings, plan_id="20261120-1")


@pytest.mark.parametrize(("kind", "recipe"), WAYS)
def test_what_was_stopped_is_stopped_again_where_its_new_release_fails(kind: ActionKind, recipe: Recipe | None) -> None:
    found = made(kind, service(state=State.STOPPED), recipe)
    assert "api.service is stopped, and is started by this" in found.warnings
    # Stopped before the release that it runs is taken back, and never started by the undo.
    undone = [step.undo.told() for _, step in found.undo_order if step.undo is not None]
    assert undone[0] == "systemctl stop api.service"
    assert not any("restart" in line or "systemctl start" in line for line in undone)
    assert [check.name for check in found.aftermath] == ["api.service is stopped for 5 s"]


@pytest.mark.parametrize(("kind", "recipe"), WAYS)
def test_what_comes_before_the_swap_does_nothing_to_the_service(kind: ActionKind, recipe: Recipe | None) -> None:
    steps = made(kind, service(), recipe).steps
    apart = [step.name.split()[0] for step in steps if step.apart]
    assert apart == ([{DIRECTORY: "build", HERE: "put"}[recipe]] if kind is ActionKind.REBUILD and recipe else [])


def test_a_work_tree_on_the_host_is_locked_with_what_is_built_of_it() -> None:
    assert made(ActionKind.REBUILD, service(), DIRECTORY).shares == ("/srv/api", "/srv/src")
    assert made(ActionKind.REBUILD, service(), replace(DIRECTORY, source="//srv/api/")).shares == ("/srv/api",)


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.FLAPPING])
@pytest.mark.parametrize(("kind", "recipe"), WAYS)
def test_what_ran_or_failed_is_restarted_by_an_undo(kind: ActionKind, recipe: Recipe | None, state: State) -> None:
    found = made(kind, service(state=state), recipe)
    assert not any("is stopped" in line for line in found.warnings)
    undone = [step.undo.told() for _, step in found.undo_order if step.undo is not None]
    assert undone[-1] == "systemctl restart api.service"


@pytest.mark.parametrize(("kind", "recipe"), WAYS)
def test_another_release_is_refused_and_warned_of_as_the_restart_that_it_takes(
    kind: ActionKind, recipe: Recipe | None
) -> None:
    for found, why in (
        (service("dbus.service"), "dbus.service is not restarted from here"),
        (service(enabled="masked"), "api.service is masked: unmask it first"),
        (service(files_wrong="/etc/api.conf: no such file"), f"after a {kind.value} api.service would not come up"),
    ):
        with pytest.raises(RefusedError, match=why):
            made(kind, found, recipe)
    for name, warned in (("ssh.service", "the way to this host"), ("docker.service", "is a container engine")):
        assert any(warned in line for line in made(kind, service(name), recipe).warnings)


def test_what_is_of_the_live_commit_is_warned_of() -> None:
    again = ("the commit of the work tree is live already, as 3: this builds it once more",)
    api = service()
    for commit, built, back in ((TREE.commit, again, ("2 is of the same commit as 3, which is live",)), ("c", (), ())):
        pair = (
            Release("3", commit=commit, live_since=30.0, healthy=True, live=True),
            Release("2", commit=commit if back else "b", live_since=20.0, healthy=True),
        )
        where = replace(snapshot(api), books=(ReleaseBook(api.ref, pair, TREE, now=40.0),))
        for kind, recipe, told in (
            (ActionKind.REBUILD, DIRECTORY, built),
            (ActionKind.REBUILD, HERE, built),
            (ActionKind.ROLLBACK, DIRECTORY, back),
        ):
            settings = replace(SETTINGS, recipe=recipe)
            found = plan(Intent(kind, api.ref), where, managers=MANAGERS, settings=settings, plan_id="20261120-1")
            assert found.warnings == told


def rolled_back(*releases: Release) -> Plan:
    api = service()
    where = replace(snapshot(api), books=(ReleaseBook(api.ref, releases, TREE, now=140.0),))
    settings = replace(SETTINGS, recipe=DIRECTORY)
    intent = Intent(ActionKind.ROLLBACK, api.ref)
    return plan(intent, where, managers=MANAGERS, settings=settings, plan_id="20261120-1")


def test_a_roll_back_of_a_roll_back_says_that_it_goes_forward_again() -> None:
    old = Release("1", "v1.5.0", built=10.0, live_since=100.0, well_since=100.0, healthy=True, by="ann", live=True)
    new = Release("2", "v1.9.0", built=50.0, live_since=50.0, well_since=50.0, healthy=True)
    told = "v1.9.0 was rolled back from 40 s ago by ann: this goes forward to it again"
    assert rolled_back(new, old).warnings == (told,)
    assert rolled_back(new, old).versions == ("v1.5.0", "v1.9.0")
    # A release that failed meanwhile changes nothing of that; one that was well does.
    tried = Release("3", "v2.0.0", built=120.0, live_since=120.0, healthy=False, failed_last=True)
    assert rolled_back(tried, new, replace(old, live_since=130.0)).warnings == (told,)
    between = Release("3", "v2.0.0", built=60.0, live_since=60.0)
    assert rolled_back(between, new, old).warnings == ()
    former = (replace(new, live=True, live_since=100.0), replace(old, live=False, live_since=10.0, well_since=10.0))
    assert rolled_back(*former).warnings == (), "to an older one it is a roll back"


@pytest.mark.parametrize(("kind", "recipe"), WAYS)
def test_from_which_release_to_which_is_told(kind: ActionKind, recipe: Recipe | None) -> None:
    target = "v1.2.0" if kind is ActionKind.REBUILD else "1.1"
    assert made(kind, service(), recipe).versions == ("1.2", target)


@pytest.mark.parametrize(("manager", "name"), [("docker", "api"), ("compose", "shop/api")])
def test_a_container_that_was_stopped_is_said_to_be_started(manager: str, name: str) -> None:
    ref, by_file = ServiceRef("web1", manager, name), ("docker", "compose", "-f", "/srv/shop.yml")
    container = service(state=State.STOPPED, ref=ref, image="api:2", members=("shop-api-1",))
    found = replace(container, tool=("docker",), file_tool=by_file)
    releases = (
        Release("a" * 12, live=True, reference="api:2"),
        Release("b" * 12, reference="api:1", live_since=5.0, healthy=True),
    )
    where = replace(snapshot(found), books=(ReleaseBook(ref, releases, now=10.0),))
    intent = Intent(ActionKind.ROLLBACK, ref)
    shown = plan(intent, where, managers=MANAGERS, settings=SETTINGS, plan_id="20261120-1")
    assert f"{name} is stopped, and is started by this" in shown.warnings
    assert f"{name} is stopped for 5 s" in [check.name for check in shown.aftermath]


def test_of_a_container_whose_network_others_have_no_other_image_is_made_live() -> None:
    """They are bound to the container, not to its name."""
    box = replace(
        service(pids=(11,)), ref=ServiceRef("web1", "docker", "box"), tool=("docker",), members=("box",), image="api:2"
    )
    side = replace(box, ref=ServiceRef("web1", "docker", "side"), pids=(12,), members=("side",), network="box")
    pair = (Release("b" * 12, live=True, reference="api:2"), Release("a" * 12, live_since=1.0, reference="api:1"))
    intent = Intent(ActionKind.ROLLBACK, box.ref, release="a" * 12)
    for others, why in (((), None), ((side,), "side has the network of box, and could never have that")):
        where = replace(snapshot(box, *others), books=(ReleaseBook(box.ref, pair, now=40.0),))
        said = refusal(intent, where, managers=MANAGERS)
        assert (said or "").partition(" of a new")[0] == (why or ""), said
