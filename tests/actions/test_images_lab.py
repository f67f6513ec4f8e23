"""Rebuild and roll back of a container of a real host: the same options, another image, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.actions.by_command import Bench
from tests.lab import Host, Lab, images
from tests.managers import docker_zoo

CONFIG = """[[services]]
name = "api"
manager = "docker"
health = "http://127.0.0.1:8080/health"

[services.release]
source = "/srv/api/src"
user = "deploy"
keep = 3

[actions]
hold = 1
respawn = 1
within = 8
"""
RUN = (
    "docker run --detach --name api --stop-timeout 1 --publish 127.0.0.1:8080:80 --restart unless-stopped "
    "--env TOKEN=hunter2hunter2 --volume /data --label team=shop --network-alias a --network lab --init "
)
SAME = (
    "docker inspect -f '{{json .HostConfig.PortBindings}} {{json .HostConfig.RestartPolicy}} {{.HostConfig.Init}} "
    '{{index .Config.Labels "team"}} {{json .Config.Env}} {{(index .Mounts 0).Name}} '
    "{{len .NetworkSettings.Networks.lab.Aliases}}' api"
)
MAY = ("/usr/bin/docker ps *", "/usr/bin/docker logs *")


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("image1", docker=True, sudo=MAY)
    docker_zoo.image(made)
    made.sh("docker network create lab")
    return made


@pytest.fixture
def bench(lab: Lab, host: Host, tmp_path: Path) -> Bench:
    """A container that was made by hand from a tag, of which a first version was built."""
    host.sh("docker rm -f api api.former 2>/dev/null; rm -rf /srv/api /var/lib/hostdeck", check=False)
    host.sh("docker image ls -q api | xargs -r docker image rm -f", check=False)
    images.tree(host)
    images.commit(host, "v1.0.0")
    host.sh("docker build -q -t api:v1.0.0 --build-arg VERSION=v1.0.0 /srv/api/src", timeout=60)
    host.sh(f"{RUN} api:v1.0.0 >/dev/null && docker exec api sh -c 'echo kept >/data/file'")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    return Bench(lab, host, tmp_path, "docker:api", CONFIG)


def there(host: Host) -> list[str]:
    return sorted(host.sh("docker ps -a --format '{{.Names}} {{.State}}'").split("\n")[:-1])


def test_releases_come_and_go(bench: Bench) -> None:
    host = bench.host
    before = host.sh(SAME)
    images.commit(host, "v1.1.0")
    document = bench.does("rebuild")
    assert "docker build --force-rm --tag api:" in json.dumps(document["steps"])
    assert images.version(host) == "v1.1.0"
    assert host.sh(SAME) == before
    assert host.sh("docker exec api cat /data/file") == "kept\n"
    assert there(host) == ["api running"]
    assert "hunter2" not in json.dumps(document)

    images.commit(host, "v1.2.0", "unhealthy")
    document = bench.undoes("rebuild")
    assert str(document["reason"]).startswith("/health answers 2xx failed"), document
    assert (images.version(host), there(host)) == ("v1.1.0", ["api running"])
    assert host.sh(SAME) == before
    found, way = bench.listed()
    assert [found[one]["healthy"] for one in ("v1.0.0", "v1.1.0", "v1.2.0")] == [None, True, False]
    assert (found["v1.1.0"]["live"], way) == (True, found["v1.0.0"]["id"])

    document = bench.does("rollback")
    told = document["difference"]
    assert isinstance(told, dict)
    # The first image was built by hand: the label of a commit that it has is that of the image it was made from.
    assert told["not_known"] == [{"what": "commits", "reason": "/srv/api/src knows no commit 9fceb02d0ae5"}]
    assert "layers are not those of what runs" in told["facts"][0], told
    assert images.version(host) == "v1.0.0"
    bench.does("rollback")
    assert images.version(host) == "v1.1.0"
    assert host.sh(SAME) == before
    assert "runs" in bench.refuses("rollback", "--to", "v1.1.0")
    assert "has no release v9" in bench.refuses("rollback", "--to", "v9")


def test_of_a_container_that_ignores_sigterm_it_is_told_before_and_after_how_it_ends(bench: Bench) -> None:
    """Made without ``--stop-timeout``, as most are: its engine waits for ten seconds."""
    host = bench.host
    host.sh("docker rm -f api")
    deaf = "trap '' TERM; httpd -f -p 80 -h /www & while :; do sleep 1; done"
    host.sh(f'docker run --detach --name api --publish 127.0.0.1:8080:80 api:v1.0.0 sh -c "{deaf}"')
    host.sh("docker run --detach --name api2 --stop-timeout 0 api:v1.0.0 sh -c 'sleep 1000'")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    images.commit(host, "v1.1.0")
    _, document, _ = bench.run("restart", "--dry-run")
    assert document["ends"] == ["api: SIGTERM, then SIGKILL after 10 s"]
    document = bench.does("rebuild")
    told = "api.former was ended by SIGKILL, which its engine sends where it does not end in its time"
    assert told in json.dumps(document["proof"]), document["proof"]
    host.sh("docker rm -f api2")


def test_an_image_without_labels_is_a_release_too(bench: Bench) -> None:
    """``docker import`` makes one."""
    host = bench.host
    host.sh("docker export api | docker import - api:imported && docker rm -f api && docker image rm -f api:v1.0.0")
    host.sh("docker run --detach --name api api:imported sleep 1000")
    found, _ = bench.listed()
    assert [(one["live"], one["version"]) for one in found.values()] == [(True, "imported")]


def test_the_engine_s_own_words_are_told_where_the_images_are_not(bench: Bench) -> None:
    host = bench.host
    host.write(
        "/usr/local/bin/docker",
        '#!/bin/sh\ncase "$*" in *"image inspect"*) echo; echo broken by hand >&2; exit 1 ;; esac\n'
        'exec /usr/bin/docker "$@"\n',
        mode=0o755,
    )
    try:
        _, _, said = bench.run("rollback", "--list", silent=True)
    finally:
        host.run(["rm", "/usr/local/bin/docker"])
    assert "are not known: broken by hand" in said


def test_a_build_that_fails_and_one_that_dies_leave_the_old_one(bench: Bench) -> None:
    host = bench.host
    run = host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' api")
    images.commit(host, "v1.1.0", "broken")
    document = bench.undoes("rebuild")
    assert "returned a non-zero code: 7" in json.dumps(document["steps"])
    assert host.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}}' api") == run

    images.commit(host, "v1.2.0", "dies")
    bench.undoes("rebuild")
    assert (images.version(host), there(host)) == ("v1.0.0", ["api running"])
    assert host.sh("docker inspect -f '{{.Id}}' api").strip() == run.split()[0]

    host.write("/srv/api/src/half", "unfinished", owner="deploy:deploy")
    assert "differs from its commit: half" in bench.refuses("rebuild")


def test_what_cannot_be_done_is_refused_beforehand(bench: Bench) -> None:
    host = bench.host
    assert "no earlier release" in bench.refuses("rollback")
    images.commit(host, "v1.1.0")
    bench.does("rebuild")
    host.sh("docker image rm -f api:v1.0.0")
    gone = bench.listed()[0]["v1.0.0"]
    assert (gone["present"], bench.listed()[1]) == (False, None)
    assert "was removed" in bench.refuses("rollback", "--to", str(gone["id"]))
    host.sh("docker create --name api.former lab-zoo:1.4")
    images.commit(host, "v1.2.0")
    assert "api.former is there" in bench.refuses("rebuild")
    host.sh("docker rm api.former; mv /usr/bin/python3 /usr/bin/python3.away")
    try:
        assert "python3 is not on this host" in bench.refuses("rebuild")
    finally:
        host.sh("mv /usr/bin/python3.away /usr/bin/python3")
    host.sh("docker rm -f api; docker run --rm --detach --name api lab-zoo:1.4")
    assert "was made with --rm" in bench.refuses("rebuild")


MANY = """docker run --detach --name api --stop-timeout 1 --publish 127.0.0.1:8080:80 --restart on-failure:3 \\
  --env TOKEN=hunter2hunter2 --env GREETING=given --volume /srv/api:/host:ro --volume named:/named --volume /anon \\
  --mount type=tmpfs,dst=/t --mount type=volume,dst=/mounted --cap-add NET_ADMIN --cap-drop MKNOD --network lab \\
  --network-alias a --label team=shop --ulimit nofile=1000 --log-opt max-size=1m --add-host x:192.0.2.1 \\
  --hostname own --mac-address 02:42:0a:63:00:09 --health-cmd true --health-interval 1s \\
  --init --user 0:0 --workdir /tmp --read-only --tmpfs /run \\
  --sysctl net.ipv4.ip_unprivileged_port_start=80 --security-opt no-new-privileges --dns 192.0.2.53 --oom-score-adj 5 \\
  --entrypoint /bin/sh api:v1.0.0 /bin/start >/dev/null
docker network connect --ip 10.99.0.77 --alias b other api"""
PARTS = ("Config", "HostConfig", "Mounts", "NetworkSettings.Networks")
CHOSEN = "docker inspect -f '{}' api".format("\n".join(f"{{{{json .{part}}}}}" for part in PARTS))


def chosen(host: Host) -> tuple[object, ...]:
    """What was chosen for the container: all but its image, what came from that, and what is new each time."""
    config, own, mounts, networks = (json.loads(line) for line in host.sh(CHOSEN).split("\n")[:4])
    config.pop("Image")
    labels = {key: value for key, value in config["Labels"].items() if "opencontainers" not in key}
    places = sorted((one["Destination"], one.get("Name"), one["RW"]) for one in mounts)
    # What was in a volume without a name is named after it.
    own.pop("Binds"), own.pop("Mounts")
    ways = {name: (told["IPAMConfig"], set(told["Aliases"]) & {"a", "b"}) for name, told in networks.items()}
    return {**config, "Labels": labels}, own, places, ways


def test_every_option_is_kept(bench: Bench) -> None:
    host = bench.host
    host.sh("docker network create --subnet 10.99.0.0/24 other 2>/dev/null", check=False)
    images.commit(host, "v1.1.0")
    host.sh("docker build -q -t api:v1.1.0 --build-arg VERSION=v1.1.0 /srv/api/src", timeout=60)
    host.sh(f"docker rm -f api; {MANY}")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    before = chosen(host)
    bench.does("rollback", "--to", "v1.1.0")
    assert images.version(host) == "v1.1.0"
    assert chosen(host) == before
    assert "GREETING=given" in host.sh("docker exec api env")
    bench.does("rollback")
    assert (images.version(host), chosen(host)) == ("v1.0.0", before)


def test_whoever_may_not_is_told_which_lines_are_missing(bench: Bench) -> None:
    host = bench.host
    images.commit(host, "v1.1.0")
    host.sh("docker build -q -t api:v1.1.0 --build-arg VERSION=v1.1.0 /srv/api/src", timeout=60)
    looks: tuple[str, ...] = ("ps *", "inspect *", "logs *")
    host.sudoers("oncall", [f"/usr/bin/docker {verb}" for verb in looks])
    why = bench.refuses("rollback", "--to", "v1.1.0", user="oncall")
    assert "sudoers needs: oncall ALL=(root) NOPASSWD: /usr/bin/docker image ls *" in why
    looks = (*looks, "image ls *", "image inspect *")
    host.sudoers("oncall", [f"/usr/bin/docker {verb}" for verb in looks])
    why = bench.refuses("rollback", "--to", "v1.1.0", user="oncall")
    changes = ("system dial-stdio", "stop api.former", "start api.former", "start api", "stop api")
    for verb in changes:
        assert f"oncall ALL=(root) NOPASSWD: /usr/bin/docker {verb}" in why, why
    host.sudoers("oncall", [f"/usr/bin/docker {verb}" for verb in (*looks, *changes, "rm api.former")])
    document = bench.does("rollback", "--to", "v1.1.0", user="oncall")
    assert "hunter2" not in json.dumps(document)
    assert (images.version(host), there(host)) == ("v1.1.0", ["api running"])
    found, way = bench.listed(user="oncall")
    assert (found["v1.1.0"]["healthy"], way) == (True, found["v1.0.0"]["id"])
