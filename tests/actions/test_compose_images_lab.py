"""Rebuild and roll back of a service of Compose on a real host: its tag is moved, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.actions.by_command import Bench
from tests.lab import Host, Lab, images
from tests.managers import docker_zoo

CONFIG = """[[services]]
name = "shop/api"
manager = "compose"
health = "http://127.0.0.1:8080/health"

[services.release]
source = "/srv/api/src"
user = "deploy"

[actions]
hold = 1
respawn = 1
within = 8
"""
MADE_BY = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
FILE = """version: "2.4"
services:
  api:
    build: /srv/api/src
    restart: unless-stopped
    stop_grace_period: 1s
    environment: {TOKEN: hunter2hunter2}
    ports: ["127.0.0.1:8080:80"]
  other:
    image: lab-zoo:1.4
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("image2", docker=True)
    docker_zoo.image(made)
    return made


@pytest.fixture
def bench(lab: Lab, host: Host, tmp_path: Path) -> Bench:
    """A project of which a first version runs."""
    host.sh("cd /srv/shop && docker-compose down; rm -rf /srv/api /srv/shop /var/lib/hostdeck", check=False)
    host.sh("docker image ls -q shop_api | xargs -r docker image rm -f", check=False)
    images.tree(host)
    images.commit(host, "v1.0.0")
    host.write("/srv/shop/docker-compose.yml", FILE)
    up = "docker-compose build --build-arg VERSION=v1.0.0 api && docker-compose up -d"
    host.sh(f"cd /srv/shop && {up}", timeout=120)
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    return Bench(lab, host, tmp_path, "compose:shop/api", CONFIG)


def runs(host: Host) -> list[str]:
    """The image of its container and that of its tag."""
    return host.sh("docker inspect -f '{{.Image}}' shop_api_1; docker image inspect -f '{{.Id}}' shop_api").split()


def test_releases_come_and_go(bench: Bench) -> None:
    host = bench.host
    first = runs(host)
    other = host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' shop_other_1")
    images.commit(host, "v1.1.0")
    document = bench.does("rebuild")
    assert images.version(host) == "v1.1.0"
    assert "hunter2" not in json.dumps(document)
    second = runs(host)
    assert len(set(second)) == 1
    assert second != first

    images.commit(host, "v1.2.0", "unhealthy")
    document = bench.undoes("rebuild")
    assert str(document["reason"]).startswith("/health answers 2xx failed"), document
    assert (images.version(host), runs(host)) == ("v1.1.0", second)

    bench.does("rollback")
    assert (images.version(host), runs(host)) == ("v1.0.0", first)
    bench.does("rollback")
    assert (images.version(host), runs(host)) == ("v1.1.0", second)
    bad = next(one for one in bench.releases() if one["healthy"] is False)
    bench.undoes("rollback", "--to", str(bad["id"]))
    assert (images.version(host), runs(host)) == ("v1.1.0", second)
    assert host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' shop_other_1") == other


def test_a_build_that_fails_and_what_cannot_be_leave_it_as_it_is(bench: Bench) -> None:
    host = bench.host
    first = runs(host)
    started = host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' shop_api_1")
    assert "no earlier release" in bench.refuses("rollback")
    images.commit(host, "v1.1.0", "broken")
    document = bench.undoes("rebuild")
    assert "returned a non-zero code: 7" in json.dumps(document["steps"])
    assert (runs(host), host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' shop_api_1")) == (first, started)

    images.commit(host, "v1.2.0")
    host.sh("docker tag lab-zoo:1.4 shop_api")
    assert "is another image by now" in bench.refuses("rebuild")
    host.sh(f"docker tag {first[0]} shop_api; sed -i 's|build: .*|image: shop_api|' /srv/shop/docker-compose.yml")
    assert "do not say how api is built" in bench.refuses("rebuild")


def test_a_service_that_runs_well_and_yet_another_image_is_not_taken_for_rolled_back(bench: Bench) -> None:
    host = bench.host
    images.commit(host, "v1.1.0")
    bench.does("rebuild")
    second = runs(host)
    # Somebody has pinned the file since to what runs: the tag that is moved decides nothing any more.
    host.sh("docker tag shop_api shop_api:pinned")
    host.sh("sed -i 's|build: .*|image: shop_api:pinned|' /srv/shop/docker-compose.yml")
    document = bench.undoes("rollback")
    assert f"runs {second[0].removeprefix('sha256:')[:12]}, not " in str(document["reason"]), document
    assert (images.version(host), runs(host)) == ("v1.1.0", second)


def test_an_undo_brings_back_what_was_or_tells_before_that_it_cannot(bench: Bench) -> None:
    host = bench.host
    made_by = f"docker inspect -f '{MADE_BY}' shop_api_1"
    before = host.sh(made_by)
    images.commit(host, "v1.1.0", "unhealthy")
    document = bench.undoes("rebuild")
    assert (document["irreversible"], host.sh(made_by)) == (None, before)

    host.sh("sed -i 's|hunter2hunter2|hunter3hunter3|' /srv/shop/docker-compose.yml")
    _, document, _ = bench.run("rebuild", "--dry-run")
    assert "have changed since it was made" in str(document["irreversible"])
    assert "hunter3" not in json.dumps(document)
    bench.undoes("rebuild")
    assert (images.version(host), host.sh(made_by) != before) == ("v1.0.0", True)


def test_what_was_stopped_is_stopped_again_by_an_undo(bench: Bench) -> None:
    host, first = bench.host, runs(bench.host)
    images.commit(host, "v1.1.0", "unhealthy")
    host.sh("docker stop shop_api_1")
    document = bench.undoes("rebuild")
    assert document["warnings"] == ["shop/api is stopped, and is started by this"], document["warnings"]
    assert runs(host) == first
    assert host.sh("docker ps -q --filter name=shop_api").strip() == ""
