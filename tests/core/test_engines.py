"""Which units and processes are container engines."""

import pytest

from console.core.engines import container_of, ends_containers, is_daemon, is_engine, is_publisher


@pytest.mark.parametrize("stem", ["docker", "containerd", "podman", "snap.docker.dockerd"])
def test_units(stem: str) -> None:
    assert is_engine(f"{stem}.service")
    assert is_engine(f"{stem}.socket")
    assert not is_engine(f"{stem}.timer")
    assert not is_engine(f"{stem}-registry.service")
    assert not is_engine(stem)


def test_what_is_no_engine() -> None:
    assert not any(is_engine(name) for name in (None, "", ".service", "docker-app.service", "podman@1.service"))


def test_with_which_units_containers_end() -> None:
    assert ends_containers("docker.service")
    assert not any(ends_containers(name) for name in ("podman.service", "podman.socket", "web.service", ""))


def test_processes() -> None:
    assert is_publisher("docker-proxy")
    assert is_publisher("rootlesskit")
    assert is_publisher("rootlessport")
    assert is_publisher("conmon")
    assert is_daemon("dockerd")
    assert not any(check(name) for check in (is_daemon, is_publisher) for name in (None, "nginx", "docker-app"))


IDENT = "8eba7cee4ff519a1748ed3a436df1205f53a00e2cfed5cfafce34cd53309c801"


@pytest.mark.parametrize(
    ("cgroup", "found"),
    [
        (f"/system.slice/docker-{IDENT}.scope", IDENT[:12]),
        (f"/docker/{IDENT}", IDENT[:12]),
        (f"/docker/{IDENT}/nested.slice", IDENT[:12]),
        (f"/machine.slice/libpod-{IDENT}.scope/container", IDENT[:12]),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-{IDENT}.scope",
            IDENT[:12],
        ),
        (f"/machine.slice/libpod-conmon-{IDENT}.scope", IDENT[:12]),
        (f"/kubepods/besteffort/pod1-2/{IDENT}", IDENT[:12]),
        (f"/docker/{'a' * 64}/docker/{IDENT}", IDENT[:12]),
        (f"/system.slice/docker-{IDENT[:40]}.scope", None),
        (f"/system.slice/{IDENT}.service", None),
        ("/system.slice/docker.service", None),
        (None, None),
    ],
)
def test_the_container_of_a_control_group(cgroup: str | None, found: str | None) -> None:
    assert container_of(cgroup) == found
