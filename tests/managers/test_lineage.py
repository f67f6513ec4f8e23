"""Who runs whom, where a user's own unit has the name of a system unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.core.network import Family
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers.adrift import Processes, Silence, settled, unit_of, with_wrong_files
from console.managers.lineage import Lineage, kept, units_above, units_of

ANN = "/user.slice/user-1000.slice/user@1000.service"
SYSTEM, OWN = "/system.slice/supervisor.service", f"{ANN}/app.slice/supervisor.service"
UNIT = Service(ServiceRef("web1", "systemd", "supervisor.service"), State.STOPPED, "inactive/dead")
ANNS_UNIT = replace(UNIT, ref=replace(UNIT.ref, scope="user:ann"))
PROGRAM = Service(
    ServiceRef("web1", "supervisord", "api@/home/ann/s.sock", "user:ann"),
    State.RUNNING,
    "RUNNING",
    pids=(812,),
    daemon=7,
)


def family(cgroup: str) -> dict[int, Family]:
    return {7: Family(7, 1, 0.0, 0, cgroup, (7,), ("ann",))}


@pytest.mark.parametrize(
    ("cgroup", "above"),
    [
        (SYSTEM, ("supervisor.service",)),
        (OWN, ("user@1000.service", "supervisor.service")),
        (f"{ANN}/user.slice/libpod-{'a' * 64}.scope", ("user@1000.service",)),
        (f"{ANN}/init.scope", ("user@1000.service",)),
        ("/user.slice/user-1000.slice/session-4.scope", ("session-4.scope",)),
        ("/", ()),
        (None, ()),
    ],
)
def test_a_users_own_unit_is_behind_that_of_his_manager(cgroup: str | None, above: tuple[str, ...]) -> None:
    assert units_above(cgroup) == above


@pytest.mark.parametrize(("cgroup", "unit"), [(SYSTEM, UNIT), (OWN, ANNS_UNIT)])
def test_a_program_is_run_by_the_unit_of_its_own_scope(cgroup: str, unit: Service) -> None:
    families = family(cgroup)
    [program] = Lineage().joined((PROGRAM,), families)
    snapshot = Snapshot("web1", Link(LinkState.UP, 0.0), services=(UNIT, ANNS_UNIT, program))
    other = ANNS_UNIT if unit is UNIT else UNIT
    assert snapshot.run_by(unit.ref) == (program,)
    assert snapshot.run_by(other.ref) == ()
    assert snapshot.run_by(replace(ANNS_UNIT.ref, scope="user:ben")) == ()
    assert unit_of(program) == ("supervisor.service" if unit is UNIT else None)
    # What is known of one that has ended says the same.
    [ended] = Lineage().joined((PROGRAM,), {}, units_of((PROGRAM,), families))
    assert ended.chain == program.chain


def test_a_stop_of_the_users_manager_stops_what_its_units_run() -> None:
    [program] = Lineage().joined((PROGRAM,), family(OWN))
    manager = replace(UNIT, ref=replace(UNIT.ref, name="user@1000.service"))
    assert Snapshot("web1", Link(LinkState.UP, 0.0), services=(manager, program)).run_by(manager.ref) == (program,)


def test_a_system_unit_that_is_down_says_nothing_of_what_a_users_unit_runs() -> None:
    [program] = Lineage().joined((replace(PROGRAM, files_wrong="/home/ann/s.conf:3: bad"),), family(OWN))
    silence = Silence(frozenset({"supervisord"}))
    assert settled((program,), silence, Processes({7, 812}, {7, 812}), (UNIT,)) == (program,)
    assert with_wrong_files((UNIT, program), {}) == (UNIT, program)


def test_what_did_not_change_is_the_same_object_as_before() -> None:
    api = Service(ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING", pids=(9,), daemon=7)
    job = replace(api, ref=replace(api.ref, name="job"), pids=(10,))
    families = {pid: Family(pid, pid, 1.0, 4096, "/system.slice/supervisor.service", (pid,)) for pid in (7, 9, 10)}
    lineage = Lineage()
    first = lineage.joined((api, job), families)
    again = lineage.joined((api, job), {**families, 10: replace(families[10], cpu_seconds=2.0)})
    assert again[0] is first[0]
    assert (first[1].cpu_seconds, again[1].cpu_seconds) == (1.0, 2.0)
    assert lineage.joined((api, job), {})[0].chain == ()
    told = (api, job)
    assert kept(told, (replace(api), replace(job))) is told
    changed = kept(told, (replace(api, state=State.STOPPED), replace(job)))
    assert changed[0].state is State.STOPPED
    assert changed[1] is job
    assert kept(told, (job,)) == (job,)
    assert kept(None, told) is told
