"""Which service of a host a declaration of the configuration means."""

from __future__ import annotations

import pytest

from console.cli.declared import (
    declarations,
    expected,
    health_checks,
    health_url,
    log_files,
    owners,
    reloads_on_sighup,
    with_declared,
)
from console.config.load import parse
from console.config.model import Config
from console.core.health import HealthCheck
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.remote.transport import HostSpec

WEB1 = HostSpec("web1", "web1")
HEALTH = "http://127.0.0.1:8080/health"
PORT = Endpoint("tcp", "*", 8080)


def service(manager: str, name: str, scope: str = "system") -> Service:
    return Service(ServiceRef("web1", manager, name, scope), State.RUNNING, "running")


UNIT, CONTAINER, APP = service("systemd", "api.service"), service("docker", "api"), service("pm2", "api", "user:web")
OTHER = service("systemd", "cron.service")


def config(manager: str | None = None) -> Config:
    line = f'manager = "{manager}"\n' if manager else ""
    return parse(
        f'[[services]]\nname = "api"\n{line}ports = [8080]\nhealth = "{HEALTH}"\nlogs = ["/var/log/api.log"]\n', "f"
    )


@pytest.mark.parametrize("one", [UNIT, CONTAINER, APP, service("supervisord", "api"), service("pidfile", "api")])
def test_without_a_manager_it_is_whoever_has_one_of_that_name(one: Service) -> None:
    known, made = (OTHER, one), config()
    assert owners(made.services[0], known) == (one.ref,)
    assert log_files(made, WEB1, one.ref, known) == (() if one.ref.manager == "pidfile" else ("/var/log/api.log",))
    assert health_url(made, WEB1, one.ref, known) == HEALTH
    [claim] = declarations(made, WEB1, known)
    assert (claim.service, claim.endpoint) == (one.ref.name, PORT)
    seen = with_declared(made, WEB1, Snapshot("web1", Link(LinkState.UP, 0.0), services=known))
    assert {each.ref: each.wants for each in seen.services} == {OTHER.ref: (), one.ref: (PORT,)}


def test_what_reloads_on_sighup_is_said_of_one_service() -> None:
    made, known = parse('[[services]]\nname = "api"\nreloads_on_sighup = true\n', "f"), (OTHER, UNIT)
    assert [reloads_on_sighup(made, WEB1, one.ref, known) for one in known] == [False, True]
    assert not reloads_on_sighup(config(), WEB1, UNIT.ref, known)


def test_the_checks_that_a_host_is_asked_now_and_then() -> None:
    text = (
        f'[[services]]\nname = "api"\nmanager = "docker"\nhealth = "{HEALTH}"\nhealth_every = 5\n'
        '[[services]]\nname = "job"\nhealth_command = ["/bin/check", "--all"]\nhosts = ["web1"]\n'
        '[[services]]\nname = "elsewhere"\nhealth = "tcp://127.0.0.1:1"\nhosts = ["web2"]\n'
        '[[services]]\nname = "plain"\n'
    )
    assert health_checks(parse(text + '[[hosts]]\nname = "web1"\n[[hosts]]\nname = "web2"\n', "f"), WEB1) == (
        HealthCheck("api", "docker", HEALTH, every=5.0),
        HealthCheck("job", command=("/bin/check", "--all")),
    )


def test_where_several_managers_have_one_nothing_is_guessed() -> None:
    known, made = (UNIT, CONTAINER), config()
    assert owners(made.services[0], known) == ()
    assert log_files(made, WEB1, UNIT.ref, known) == ()
    assert health_url(made, WEB1, CONTAINER.ref, known) is None
    assert declarations(made, WEB1, known) == ()
    snapshot = Snapshot("web1", Link(LinkState.UP, 0.0), services=known)
    assert with_declared(made, WEB1, snapshot) is snapshot


@pytest.mark.parametrize(("manager", "ref"), [("systemd", UNIT.ref), ("docker", CONTAINER.ref)])
def test_a_manager_that_is_named_decides(manager: str, ref: ServiceRef) -> None:
    assert owners(config(manager).services[0], (UNIT, CONTAINER)) == (ref,)


def test_of_one_manager_the_service_of_the_host_and_that_of_a_user_are_both_meant() -> None:
    own = service("systemd", "api.service", "user:ann")
    assert owners(config().services[0], (UNIT, own)) == (UNIT.ref, own.ref)


def test_what_nobody_has_claims_its_ports_by_the_name_that_is_declared() -> None:
    assert [claim.service for claim in declarations(config(), WEB1, (OTHER,))] == ["api"]
    assert [claim.service for claim in declarations(config("systemd"), WEB1, (OTHER,))] == ["api.service"]


def test_what_is_expected_fits_whatever_the_manager() -> None:
    [one] = expected(config(), WEB1, alone=True)
    assert (one.subject, one.manager, one.placed) == ("web1/api", None, True)
    assert [one.fits(each) for each in (UNIT, CONTAINER, APP, OTHER)] == [True, True, True, False]
    [named] = expected(config("systemd"), WEB1, alone=True)
    assert named.subject == "web1/systemd:api.service"
    assert [named.fits(each) for each in (UNIT, CONTAINER, APP, OTHER)] == [True, False, False, False]
