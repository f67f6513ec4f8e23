"""Plans for the unit of a service manager: what becomes of the services that it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import ActionSettings, plan, refusal
from console.core.plan import ActionKind, Plan
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.core.service import Service, State
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from tests.actions.hosts import intent, ref, service, snapshot

NAME = "supervisor.service"
WRONG = "/etc/supervisor/conf.d/x.conf:3: [program:x] does not specify a command"


def program(name: str = "api", **changes: object) -> Service:
    base = service(name, ref=ref(name, manager="supervisord"), chain=("systemd", NAME, "supervisord", name))
    return replace(base, **changes)  # type: ignore[arg-type]


def supervisor(state: State = State.RUNNING, **changes: object) -> Service:
    return service(NAME, state, **changes)


def made(kind: ActionKind, where: Snapshot) -> Plan:
    wanted = intent(kind, NAME)
    return plan(wanted, where, managers=MANAGERS, settings=ActionSettings(), plan_id="20261120-1")


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.RELOAD])
def test_one_that_would_not_come_up_is_not_ended(kind: ActionKind) -> None:
    bad = supervisor(files_wrong=WRONG, reload_command=True)
    why = refusal(intent(kind, NAME), snapshot(bad, program(), program("cart")), managers=MANAGERS)
    assert why == f"after a {kind} {NAME} would not come up, and its 2 services would stay down: mend {WRONG}"
    why = refusal(intent(kind, NAME), snapshot(bad, program()), managers=MANAGERS)
    assert why == f"after a {kind} {NAME} would not come up, and api would stay down: mend {WRONG}"


def test_one_that_is_down_or_is_to_be_stopped_is_warned_of() -> None:
    down = snapshot(supervisor(State.FAILED, files_wrong=WRONG))
    for kind in (ActionKind.START, ActionKind.RESTART):
        assert made(kind, down).warnings[0] == f"{NAME} will not come up: {WRONG}"
    stop = made(ActionKind.STOP, snapshot(supervisor(files_wrong=WRONG), program()))
    assert stop.warnings[0] == f"{NAME} could not be started again: {WRONG}"
    assert stop.also_hit == ("api (supervisord)",)
    assert [(one.manager, one.name) for one in stop.along] == [("supervisord", "api")]


@pytest.mark.parametrize(("kind", "state"), [(ActionKind.START, State.STOPPED), (ActionKind.RESTART, State.RUNNING)])
def test_its_files_are_read_just_before(kind: ActionKind, state: State) -> None:
    first = made(kind, snapshot(supervisor(state))).preflight[0]
    assert (first.name, first.within) == (f"the files of {NAME} can be loaded", 0)
    assert first.command.argv[-1] == NAME
    other = intent(kind, "nginx.service")
    plain = plan(other, snapshot(service("nginx.service", state)), managers=MANAGERS, settings=ActionSettings(),
                 plan_id="20261120-1")  # fmt: skip
    assert not any("files" in check.name for check in plain.preflight)


@pytest.mark.parametrize(
    ("kind", "directory"),
    [(ActionKind.ROLLBACK, "/srv/supervisor"), (ActionKind.REBUILD, "/srv/supervisor"), (ActionKind.ROLLBACK, None)],
)
def test_they_are_read_before_another_release_of_it_is_taken_up(kind: ActionKind, directory: str | None) -> None:
    recipe = Recipe(directory=directory, source="/srv/supervisor/src", command=("make",)) if directory else None
    package = {"reference": "supervisor=4.2.4", "note": "supervisor"}
    releases = (
        Release("4.2.5", live=True, **package),  # type: ignore[arg-type]
        Release("4.2.4", live_since=5.0, healthy=True, **package),  # type: ignore[arg-type]
    )
    for state, read in ((State.RUNNING, True), (State.FAILED, False)):
        unit = supervisor(state, unit_file="/lib/systemd/system/supervisor.service")
        book = ReleaseBook(unit.ref, releases, Source(commit="a" * 40), now=10.0)
        found = plan(
            intent(kind, NAME), replace(snapshot(unit), books=(book,)), managers=MANAGERS,
            settings=ActionSettings(recipe=recipe), plan_id="20261120-1",
        )  # fmt: skip
        assert (f"the files of {NAME} can be loaded" in [check.name for check in found.preflight]) is read


def test_the_manager_tells_what_changes_with_it() -> None:
    new = program("new", needs_reload=True, native_state="not loaded", pids=())
    found = made(ActionKind.RESTART, snapshot(supervisor(), program(), new))
    assert found.warnings == ("new: is new in its files and appears",)
    assert made(ActionKind.RESTART, snapshot(supervisor(), program())).warnings == ()


def test_what_still_runs_would_run_twice() -> None:
    left = program(adrift="its process 812 runs on", state=State.UNKNOWN)
    found = made(ActionKind.START, snapshot(supervisor(State.FAILED), left))
    told = "process 812 of api still runs: it would be started a second time; end that first"
    assert found.warnings[0] == told
    # What nobody looks after is not hit.
    assert made(ActionKind.RESTART, snapshot(supervisor(State.FAILED), left)).also_hit == ()


def test_an_adrift_service_is_not_acted_on() -> None:
    adrift = program(adrift="nobody looks after it", tool_missing="nobody looks after it", state=State.STOPPED)
    wanted = replace(intent(ActionKind.START), target=adrift.ref)
    assert refusal(wanted, snapshot(adrift), managers=MANAGERS) == "nobody looks after it"
