"""Images as releases of a container."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.release import Recipe, Release, Signature, way_back
from console.core.service import Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.managers.compose import COMPOSE
from console.managers.container_images import made_here, parse, repository, tag_of
from console.managers.container_releases import book_words, rolled_back, why_no_other
from console.managers.container_services import REMOVED
from console.managers.release_notes import file_of
from tests.probes.recorded import cases

RECORDED = {case.path.stem: case for case in cases(Path(__file__).parent / "recorded")}
SERVICE = Service(ServiceRef("web1", "docker", "api"), State.RUNNING, "running", pids=(812,), tool=("docker",),
                  image="shop/api:1.4")  # fmt: skip
LIVE = Release("b" * 12, live=True)
BY = Signature("ann@bastion", "20261120T140211Z")


def test_a_book_tells_what_each_image_is() -> None:
    book = parse(RECORDED["container-images"].output)
    newest, live, kin, first, gone = book.releases
    assert (live.live, live.version, live.reference, live.healthy) == (True, "v1.2.0", "api:v1.2.0", None)
    assert live.live_since is not None
    assert (newest.reference, newest.live_since) == ("api:latest", None)
    # It lost its tag to the next one; what it says of itself tells that it is of the same kind.
    assert (kin.reference, kin.note) == (None, "no tag; 1 of 5 layers are not those of what runs")
    assert (first.by, first.healthy, first.live_seconds) == ("ann", True, 90.0)
    assert (gone.id, gone.present, gone.by) == ("aaaaaaaaaaaa", False, "bob")
    back = way_back(book)
    assert back is not None
    assert back.id == first.id
    assert book.source is not None
    assert book.source.version == "v1.0.0"


@pytest.mark.parametrize(
    ("tags", "reference", "made"),
    [
        (["api:20261120T140211Z"], "api:20261120T140211Z", True),
        (["api:was-5850d389827c", "api:latest"], "api:was-5850d389827c", True),
        (["api:20261120T140211Z", "api:v1.2.0"], "api:v1.2.0", False),
        (["api:latest"], "api:latest", False),
    ],
)
def test_an_image_with_a_name_from_elsewhere_is_not_one_that_is_made_here(
    tags: list[str], reference: str, made: bool
) -> None:
    told = RECORDED["container-images"].output.replace('["api:v1.2.0"]', json.dumps(tags))
    image = next(one for one in parse(told).releases if one.id == "5850d389827c")
    assert (image.reference, made_here(image)) == (reference, made)


def test_nothing_of_the_environment_is_asked_for() -> None:
    assert "GREETING" not in RECORDED["container-images"].output


@pytest.mark.parametrize(
    ("image", "repo", "tag"),
    [
        ("api", "api", "latest"),
        ("shop_api", "shop_api", "latest"),
        ("api:1.4", "api", "1.4"),
        ("registry.example:5000/shop/api:1.4", "registry.example:5000/shop/api", "1.4"),
        ("registry.example:5000/shop/api", "registry.example:5000/shop/api", "latest"),
        ("shop/api@sha256:" + "a" * 64, "shop/api", None),
    ],
)
def test_a_reference_is_taken_apart(image: str, repo: str, tag: str | None) -> None:
    assert (repository(replace(SERVICE, image=image)), tag_of(image)) == (repo, tag)


@pytest.mark.parametrize("image", [None, "", "sha256:" + "a" * 64, "-rf", "a b", "$(x)", "../x"])
def test_without_a_name_there_is_no_repository(image: str | None) -> None:
    with pytest.raises(ValueError, match="image without a name"):
        repository(replace(SERVICE, image=image))
    assert repository(replace(SERVICE, image=image), "registry.example/api") == "registry.example/api"


def test_an_image_without_a_tag_gets_one_first() -> None:
    live = Release("b" * 12, live=True)
    bare = rolled_back(SERVICE, Release("a" * 12), live, BY)
    assert bare.steps[0].command.argv == ("docker", "tag", "a" * 12, f"shop/api:was-{'a' * 12}")
    named = rolled_back(SERVICE, Release("a" * 12, reference="shop/api:1.3"), live, BY)
    assert [step.name for step in named.steps] == [
        "make api again from shop/api:1.3",
        "note that shop/api:1.3 is live",
        "stop the former api",
        "start api",
    ]
    patient = rolled_back(replace(SERVICE, stop_way=StopWay("SIGTERM", 235.0)), Release("a" * 12), live, BY)
    limits = {step.name: (step.command.timeout, step.undo and step.undo.timeout) for step in patient.steps}
    assert limits["stop the former api"] == (385.0, 120.0)
    assert limits["start api"] == (120.0, 385.0)
    # One that did not run is not started by the undo either.
    down = rolled_back(replace(SERVICE, pids=()), Release("a" * 12, reference="shop/api:1.3"), live, BY)
    assert "stop the former api" not in [step.name for step in down.steps]


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (replace(SERVICE, enabled=REMOVED), "made with --rm"),
        (replace(SERVICE, tool=("podman", "--url", "unix:///run/podman/podman.sock")), "Podman"),
        (replace(SERVICE, chain=("systemd", "api.service", "docker", "api")), "is made by api.service"),
        (replace(SERVICE, chain=("systemd", "docker.service", "docker", "api")), None),
    ],
)
def test_what_cannot_be_made_again_is_told(service: Service, why: str | None) -> None:
    told = why_no_other(service)
    assert (told is None) if why is None else (told is not None and why in told)


def test_the_history_of_a_service_has_a_file_of_its_own() -> None:
    names = [
        file_of(ServiceRef("web1", manager, name, scope))
        for manager, name, scope in (
            ("docker", "api", "system"),
            ("docker", "api", "user:deploy"),
            ("compose", "shop/api", "system"),
        )
    ]
    assert names == ["docker:api", "docker:deploy:api", "compose:shop:api"]
    with pytest.raises(ValueError, match="too long"):
        file_of(ServiceRef("web1", "docker", "a" * 300))


@pytest.mark.parametrize(
    ("tool", "told"), [(("docker-compose",), ()), (("docker", "compose"), ("--pull", "never"))]
)  # fmt: skip
def test_a_roll_back_of_compose_proves_which_image_runs(tool: tuple[str, ...], told: tuple[str, ...]) -> None:
    ref = ServiceRef("web1", "compose", "shop/api")
    service = replace(SERVICE, ref=ref, members=("shop_api_1",), file_tool=(*tool, "-p", "shop"), image="shop_api")
    swap = COMPOSE.roll_back(service, Release("a" * 12), LIVE, BY)
    assert [check.name for check in swap.checks] == [f"shop/api runs image {'a' * 12}"]
    assert [check.name for check in swap.aftermath] == [
        f"shop/api runs image {'b' * 12}", "shop/api is made as before",
    ]  # fmt: skip
    # Another service may be of the same tag.
    assert swap.shares == ("shop_api:latest",)
    up = swap.steps[-1].command
    assert up.becomes[-len(told) - 2 :] == ("-d", "api", *told)
    assert swap.steps[-1].undo == up
    patient = replace(service, stop_way=StopWay("SIGTERM", 235.0))
    swap = COMPOSE.roll_back(patient, Release("a" * 12), LIVE, BY)
    assert swap.steps[-1].undo == swap.steps[-1].command == replace(up, timeout=565.0)


def test_what_was_stopped_is_made_again_by_an_undo_and_not_started() -> None:
    ref = ServiceRef("web1", "compose", "shop/api")
    tool = ("docker-compose", "-p", "shop")
    service = replace(SERVICE, ref=ref, members=("shop_api_1",), file_tool=tool, image="shop_api", pids=())
    for state, more in ((State.STOPPED, "--no-start"), (State.FAILED, "-d")):
        step = COMPOSE.roll_back(replace(service, state=state), Release("a" * 12), LIVE, BY).steps[-1]
        assert step.undo is not None
        assert step.command.becomes == (*tool, "up", "--no-deps", "--no-build", "--force-recreate", "-d", "api")
        assert step.undo.becomes == (*tool, "up", "--no-deps", "--no-build", "--force-recreate", more, "api")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("same", None),
        ("differ", "have changed since it was made, and this makes it by what they say now, and so does an undo"),
        ("unknown no right", "is not known (no right): this makes it by what they say now, and so does an undo"),
    ],
)
def test_an_undo_by_other_files_is_told_beforehand(told: str, says: str | None) -> None:
    lines = RECORDED["container-images"].output.replace("\nrepository", f"\nfiles {told}\nrepository", 1)
    live = parse(lines).live
    assert live is not None
    ref = ServiceRef("web1", "compose", "shop/api")
    service = replace(SERVICE, ref=ref, members=("shop_api_1",), file_tool=("docker-compose",), image="shop_api")
    swap = COMPOSE.roll_back(service, Release("a" * 12), live, BY)
    names = [check.name for check in (*swap.preflight, *swap.aftermath)]
    assert ("the files say what shop/api was made by" in names) is (says is None)
    assert ("shop/api is made as before" in names) is (says is None)
    if says is None:
        assert swap.irreversible is None
    else:
        assert says in (swap.irreversible or "")


def test_the_work_tree_of_an_image_is_read_as_who_builds_it() -> None:
    words = book_words(SERVICE, Recipe(source="/srv/api/src", user="deploy"))
    assert words == ("docker:api", "shop/api", "/srv/api/src", "deploy", "api", "0", "docker")
    assert book_words(SERVICE, None)[2:4] == ("", "")
    tool = ("docker-compose", "-p", "shop", "-f", "/srv/shop/docker-compose.yml")
    service = replace(SERVICE, ref=ServiceRef("web1", "compose", "shop/api"), members=("shop_api_1",), file_tool=tool)
    compared = ("8", "shop", "api", "5", *tool)
    assert book_words(service, None)[4:] == ("shop_api_1", *compared, "docker")
