"""What starts a service again after a stop: active triggers, upholders, and the unit that runs a container."""

from dataclasses import replace

import pytest

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers.starters import runner_of, starters_of, why_kept


def unit(name: str, **changes: object) -> Service:
    made = Service(ServiceRef("web1", "systemd", name), State.RUNNING, "active/running", pids=(50,),
                   chain=("systemd", name), starters=())  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def container(name: str, *above: str, manager: str = "docker") -> Service:
    return Service(ServiceRef("web1", manager, name), State.RUNNING, "running", pids=(70,),
                   chain=("systemd", *above, "docker", name))  # fmt: skip


def host(*services: Service) -> Snapshot:
    return Snapshot("web1", Link(LinkState.UP, 1.0), services=services)


def names(services: tuple[Service, ...]) -> list[str]:
    return [service.ref.name for service in services]


def test_only_what_is_active_starts_it_again() -> None:
    job = unit("job.service", triggered_by=("job.timer", "old.timer"), starters=("job.timer", "beta.service"))
    beta = unit("beta.service")
    found = starters_of(host(job, beta), job)
    assert names(found) == ["job.timer", "beta.service"]
    assert found[1] is beta
    # A timer is in no list: it is reached by the tool of the unit, in the same scope.
    assert (found[0].state, found[0].ref) == (State.RUNNING, replace(job.ref, name="job.timer"))
    mine = replace(job, ref=replace(job.ref, scope="user:oncall"), tool=("runuser",))
    assert starters_of(host(mine, beta), mine)[1].ref.scope == "user:oncall"
    assert starters_of(host(mine), mine)[0].tool == ("runuser",)
    # Where it was not told which are active its sockets count.
    untold = replace(job, starters=None, triggered_by=("job.timer", "job.socket"))
    assert names(starters_of(host(untold), untold)) == ["job.socket"]


def test_the_unit_that_runs_just_one_container_owns_it() -> None:
    shop, web = unit("shop.service", starters=("shop.timer",)), container("shop", "shop.service")
    assert runner_of(host(shop, web), web) is shop
    assert names(starters_of(host(shop, web), web)) == ["shop.timer", "shop.service"]
    both = host(shop, web, container("db", "shop.service"))
    assert runner_of(both, web) is None


@pytest.mark.parametrize("name", ["docker.service", "cron.service", "supervisor.service", "pm2-deploy.service"])
def test_what_runs_others_too_is_no_unit_of_one_container(name: str) -> None:
    web = container("shop", name)
    assert runner_of(host(unit(name), web), web) is None


@pytest.mark.parametrize("name", ["multi-user.target", "ssh.service", "docker.service"])
def test_what_the_host_needs_is_not_stopped_for_a_port(name: str) -> None:
    job = unit("job.service", starters=(name,))
    assert why_kept(host(job), job) == f"{name} starts job.service again, and it is not stopped for a port"


def test_what_runs_others_is_not_stopped_for_a_port() -> None:
    job = unit("job.service", starters=("boss.service",))
    app = Service(ServiceRef("web1", "pm2", "app"), State.RUNNING, "online",
                  chain=("systemd", "boss.service", "pm2", "app"))  # fmt: skip
    assert why_kept(host(job, unit("boss.service"), app), job) == (
        "boss.service starts job.service again, and app would go with it"
    )
    assert why_kept(host(job, unit("boss.service")), job) is None
