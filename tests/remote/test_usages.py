"""Of which services the usage is asked, and of what."""

from console.core.service import Service, ServiceRef, State
from console.probes.usage import PROBE
from console.remote.shell import Ask
from console.remote.usages import asks_for


def asked(manager: str, **more: object) -> tuple[Ask | None, str]:
    ref = ServiceRef("web1", manager, "api")
    return asks_for(ref, Service(ref, State.RUNNING, "", **more))  # type: ignore[arg-type]


def test_a_unit_is_asked_by_its_group_and_a_container_by_its_processes() -> None:
    group = "/system.slice/api.service"
    assert asked("systemd", cgroup=group, pids=(7,)) == (Ask(PROBE, (group,)), "")
    assert asked("docker", cgroup="/docker/4c01", pids=(7,)) == (Ask(PROBE, ("7",)), "")
    assert asked("compose", pids=(7, 8)) == (Ask(PROBE, ("7", "8")), "")


def test_why_there_is_nothing_to_ask() -> None:
    assert asked("systemd", cgroup="/system.slice/api.service") == (None, "api does not run")
    shared = "supervisord gives a service no control group of its own"
    assert asked("supervisord", cgroup="/system.slice/supervisor.service", pids=(7,)) == (None, shared)
    ref = ServiceRef("web1", "systemd", "api")
    assert asks_for(ref, None) == (None, "web1 has no such service: web1/systemd:api")
