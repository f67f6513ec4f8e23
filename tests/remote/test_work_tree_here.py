"""The work tree of this machine, by its real git."""

import subprocess
from dataclasses import replace
from pathlib import Path

from console.config.load import parse
from console.core.difference import Pair, Subject
from console.core.release import Recipe, Release, ReleaseBook
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.remote.books import compares, is_here
from console.remote.work_tree_here import compare, look


def git(place: Path, *words: str) -> str:
    who = ("-c", "user.email=ann@bastion", "-c", "user.name=ann")
    return subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True, text=True).stdout.strip()


async def test_it_is_told_as_one_of_a_host(tmp_path: Path) -> None:
    place = tmp_path / "a b;touch x"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    (place / "x").write_text("x")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "One: two")
    git(place, "tag", "v1")
    found = await look(str(place))
    assert (found.commit, found.version, found.branch) == (git(place, "rev-parse", "HEAD"), "v1", "main")
    assert (found.subject, found.changed, found.why) == ("One: two", (), None)
    (place / "y").write_text("y")
    assert (await look(str(place))).changed == ("y",)


async def test_what_a_build_of_it_would_bring_is_told_as_of_one_of_a_host(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    heads = []
    for number in range(3):
        (tmp_path / f"f{number}").write_text("x")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", f"Step {number}")
        heads.append(git(tmp_path, "rev-parse", "HEAD"))
    recipe = Recipe(directory="/srv/api", local_source=str(tmp_path), user="deploy")
    service = Service(ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "running")
    live = Release("7", commit=heads[0], live=True)
    where = Snapshot("web1", Link(LinkState.UP, 0.0), services=(service,), books=(ReleaseBook(service.ref, (live,)),))
    pair = Pair(service.ref, "7", heads[2], unbuilt=True)
    ask, _ = compares(pair, where, recipe)
    assert ask is not None
    assert is_here(pair, recipe)
    assert not is_here(replace(pair, unbuilt=False), recipe)
    assert not is_here(pair, replace(recipe, source="/srv/api/src", local_source=None))
    found = await compare(ask)
    assert [one.partition(" ")[2] for one in found.gained] == ["Step 2", "Step 1"]
    assert [one.name for one in found.changes if one.subject is Subject.FILE] == ["f1", "f2"]
    found = await compare(replace(ask, args=(str(tmp_path / "nowhere"), *ask.args[1:])))
    assert (found.changes, [gap.what for gap in found.gaps]) == ((), ["commits"])


async def test_what_is_none_is_told_with_the_reason(tmp_path: Path) -> None:
    assert "nowhere" in ((await look(str(tmp_path / "nowhere"))).why or "")
    (tmp_path / "plain").mkdir()
    found = await look(str(tmp_path / "plain"))
    assert (found.commit, "not a git repository" in (found.why or "")) == (None, True)


def test_the_configuration_that_is_shown_as_an_example_may_have_it() -> None:
    from console.config.places import example

    text = example().replace('source = "/srv/worker/src" ', "").replace('# local_source = "~', 'local_source = "~')
    made = parse(text, "/etc/hostdeck.toml").services[1].release
    assert made is not None
    assert (made.source, (made.local_source or "").endswith("/src/worker")) == (None, True)
