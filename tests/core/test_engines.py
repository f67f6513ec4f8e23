"""Which units and processes are container engines."""

import pytest

from console.core.engines import is_daemon, is_engine, is_publisher


@pytest.mark.parametrize("stem", ["docker", "containerd", "podman", "snap.docker.dockerd"])
def test_units(stem: str) -> None:
    assert is_engine(f"{stem}.service")
    assert is_engine(f"{stem}.socket")
    assert not is_engine(f"{stem}.timer")
    assert not is_engine(f"{stem}-registry.service")
    assert not is_engine(stem)


def test_what_is_no_engine() -> None:
    assert not any(is_engine(name) for name in (None, "", ".service", "docker-app.service", "podman@1.service"))


def test_processes() -> None:
    assert is_publisher("docker-proxy")
    assert is_publisher("rootlessport")
    assert is_publisher("conmon")
    assert is_daemon("dockerd")
    assert not any(check(name) for check in (is_daemon, is_publisher) for name in (None, "nginx", "docker-app"))
