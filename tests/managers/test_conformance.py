"""What holds for every service manager that is registered."""

import pytest

from console.core.command import Command, Effect
from console.core.pid_file import Detached, PidFile
from console.core.plan import Check
from console.core.service import Service, ServiceRef, State
from console.managers import MANAGERS, manager
from console.managers.base import (
    Checkable,
    LogSource,
    Reloadable,
    Resettable,
    Restartable,
    ServiceManager,
    Startable,
    Stoppable,
)

everyone = pytest.mark.parametrize("found", MANAGERS, ids=lambda found: found.id)


DETACHED = Detached(PidFile("api.service", "/run/api.pid", ("/srv/api",), logs=("/var/log/api.log",)), 812, 4711)


NAMES = {"compose": "shop/api.service", "kubernetes": "shop/deploy/api"}
"""Of managers whose names have a form of their own."""


def name_of(found: ServiceManager) -> str:
    return NAMES.get(found.id, "api.service")


def service_of(found: ServiceManager) -> Service:
    return Service(
        ServiceRef("web1", found.id, name_of(found)), State.RUNNING, "up", pids=(812,), reload_command=True,
        log_files=DETACHED.file.logs, detached=DETACHED, members=("api.service",),
    )  # fmt: skip


def changes(found: ServiceManager) -> list[Command]:
    service = service_of(found)
    commands: list[Command | None] = []
    if isinstance(found, Startable):
        commands.append(found.start(service))
    if isinstance(found, Stoppable):
        commands.append(found.stop(service))
    if isinstance(found, Restartable):
        commands.append(found.restart(service))
    if isinstance(found, Reloadable):
        commands.append(found.reload(service))
    if isinstance(found, Resettable):
        commands.append(found.reset_failed(service))
    return [command for command in commands if command is not None]


@everyone
def test_it_is_a_manager_and_found_by_its_id(found: ServiceManager) -> None:
    assert isinstance(found, ServiceManager)
    assert manager(found.id) is found


@everyone
def test_what_it_can_change_says_what_for_and_how_long(found: ServiceManager) -> None:
    for command in changes(found):
        assert command.effect is Effect.CHANGE
        assert command.purpose
        assert command.timeout >= 10
        assert any(name_of(found).rpartition("/")[2] in word for word in command.argv)


@everyone
def test_what_it_checks_and_reads_changes_nothing_and_needs_no_rights(found: ServiceManager) -> None:
    service = service_of(found)
    looks: list[Command] = []
    if isinstance(found, Checkable):
        checks: tuple[Check, ...] = (found.is_running(service, hold=5.0), found.is_stopped(service))
        assert checks[0].hold == 5.0
        looks += [check.command for check in checks]
    if isinstance(found, LogSource):
        looks.append(found.log_command(service, lines=10, since=None, follow=False))
    for command in looks:
        assert command.effect is Effect.READ
        assert not command.elevate


def test_ids_priorities_and_names_of_probes_are_unique() -> None:
    assert len({found.id for found in MANAGERS}) == len(MANAGERS)
    assert [found.priority for found in MANAGERS] == sorted({found.priority for found in MANAGERS})
    names = [probe.name for found in MANAGERS for probe in found.probes()]
    assert len(names) == len(set(names))
