"""What a plan consists of whose release is built on the console's machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import ActionSettings, plan, refusal
from console.core.command import Effect
from console.core.plan import ActionKind, Intent, Plan, Where
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.core.snapshot import Identity, Snapshot
from console.managers import MANAGERS
from console.remote.rights import _wanted
from tests.actions.hosts import ref, service, snapshot

RECIPE = Recipe(
    "/srv/api",
    command=("make", "it; touch x"),
    output="build",
    user="deploy",
    timeout=77.0,
    local_source="/home/ann/src",
)
SETTINGS = ActionSettings(recipe=RECIPE, operator="ann@bastion", stamp="20261120T140211Z")
TREE = Source("0123456789abcdef", "v1.2.0")


def where(source: Source | None = TREE, *, uid: int = 1001) -> Snapshot:
    book = ReleaseBook(ref("api.service"), (Release("1", live=True),), source)
    found = snapshot(service())
    user = "root" if uid == 0 else "oncall"
    return replace(found, books=(book,), identity=Identity("web1", "Debian", "6.1", user, uid))


def made(place: Snapshot, settings: ActionSettings = SETTINGS) -> Plan:
    intent = Intent(ActionKind.REBUILD, ref("api.service"))
    return plan(intent, place, managers=MANAGERS, settings=settings, plan_id="20261120-1")


def test_it_is_built_and_sent_before_the_host_does_anything() -> None:
    found = made(where())
    ident = "20261120T140211Z-012345678"
    assert [(one.name, one.where) for one in found.prepare] == [
        ("1 is live", Where.HOST),
        ("room in /srv/api", Where.HOST),
        ("what takes an upload is there", Where.HOST),
        ("/home/ann/src is clean at 0123456789ab", Where.HERE),
        (f"build {ident}", Where.HERE),
        ("/home/ann/src is still at 0123456789ab", Where.HERE),
        (f"send /home/ann/src/build to web1:/srv/api/releases/{ident}.partial", Where.UPLOAD),
    ]
    assert [check.name for check in found.aftermath] == ["api.service is active for 5 s"]
    build, _, upload = found.prepare[-3:]
    assert (build.command.argv, build.directory, build.command.timeout) == (RECIPE.command, "/home/ann/src", 77.0)
    assert dict(build.environment) == {
        "VERSION": "v1.2.0", "COMMIT": "0123456789abcdef", "BUILD_TIME": "20261120T140211Z",
    }  # fmt: skip
    assert (upload.directory, upload.fresh, upload.command.timeout) == ("/home/ann/src/build", True, 77.0)
    assert [step.name for step in found.steps] == [
        f"put {ident} in its place", f"make {ident} live", "clear what api.service failed before",
        "restart api.service",
    ]  # fmt: skip
    assert found.preflight[0].name == "1 is live"
    assert [step.name for step in found.closing] == [f"note that {ident} is well", "keep 5 releases"]
    assert found.shares == ("/srv/api",)
    # What is to come is known before it is built, as of a work tree on the host.
    assert found.difference is not None
    assert (found.difference.pair.live, found.difference.pair.target) == ("1", TREE.commit)
    assert found.difference.pair.unbuilt
    changes = [one for one in found.prepare if one.command.effect is Effect.CHANGE]
    assert changes == [build, upload]


def test_the_host_is_asked_as_the_one_whose_releases_they_are_and_this_machine_as_oneself() -> None:
    for uid, words in (
        (1001, ("sudo", "-n", "-u", "deploy", "--", "sh")),
        (0, ("runuser", "-u", "deploy", "--", "sh")),
    ):
        found = made(where(uid=uid))
        for one in found.prepare:
            if one.where is not Where.HERE:
                assert one.command.argv[: len(words)] == words
        upload = found.prepare[-1]
        assert upload.undo is not None
        assert upload.undo.argv[: len(words)] == words
        assert found.prepare[3].command.argv[0] == "sh"
    asked = [name for name, _, _ in _wanted(made(where()))]
    assert "room in /srv/api" in asked
    assert not any("clean" in name for name in asked)
    assert any(name.startswith("send ") for name in asked)
    assert any(name.startswith("undo of send ") for name in asked)


def test_all_of_the_work_tree_is_sent_where_no_output_is_named() -> None:
    found = made(where(), replace(SETTINGS, recipe=replace(RECIPE, output=".")))
    assert (found.prepare[-1].directory, found.prepare[-1].fresh) == ("/home/ann/src", False)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "the work tree /home/ann/src cannot be read: it was not looked at"),
        (Source(why="git is not on this machine"), "/home/ann/src cannot be read: git is not on this machine"),
        (replace(TREE, changed=("a", "b", "c", "d")), "/home/ann/src differs from its commit: a, b, c and 1 more; "),
    ],
)
def test_what_cannot_be_built_is_refused(source: Source | None, why: str) -> None:
    intent = Intent(ActionKind.REBUILD, ref("api.service"))
    assert why in (refusal(intent, where(source), managers=MANAGERS, settings=SETTINGS) or "")
    lost = replace(SETTINGS, recipe=replace(RECIPE, directory=None))
    assert "[services.release] directory" in (refusal(intent, where(), managers=MANAGERS, settings=lost) or "")
