"""One rule says which service has a listener, and a name alone is no proof."""

from dataclasses import replace

import pytest

from console.cli.commands import ports
from console.core.network import Family, Listener
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers.join import Owners, container_at, with_ports
from console.managers.lineage import Lineage

HOME = "/user.slice/user-1001.slice/user@1001.service"


def service(name: str, *pids: int, scope: str = "system", **changes: object) -> Service:
    inside = "/system.slice" if scope == "system" else f"{HOME}/app.slice"
    made = {"pids": pids, "cgroup": f"{inside}/{name}", **changes}
    return Service(ServiceRef("web1", "systemd", name, scope), State.RUNNING, "active/running", **made)  # type: ignore[arg-type]


SYSTEM = service("api.service", 812)
USERS = service("api.service", 900, scope="user:oncall")
ECHO = service("echo.socket", wants=(Endpoint("tcp", "::", 7),), cgroup=None)
MY_ECHO = service("echo.socket", wants=(Endpoint("tcp", "::", 1007),), cgroup=None, scope="user:oncall")


def at(**changes: object) -> Listener:
    return Listener("tcp", "0.0.0.0", 8080, **{"unit": "api.service", "user": "oncall", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listener", "owner"),
    [
        (at(pids=(900,), cgroup=f"{HOME}/app.slice/api.service"), USERS),
        (at(cgroup=f"{HOME}/app.slice/api.service/worker"), USERS),
        (at(cgroup="/system.slice/api.service"), SYSTEM),
        (at(pids=(812,)), SYSTEM),
        (at(cgroup="/user.slice/user-1002.slice/user@1002.service/app.slice/api.service", user="other"), None),
        (at(unit="gone.service"), None),
        (at(unit=None), None),
        (Listener("tcp", "*", 7, pids=(1,), unit="init.scope", cgroup="/init.scope"), ECHO),
        (Listener("tcp", "*", 7, unit="echo.socket", cgroup="/system.slice/echo.socket"), ECHO),
        (Listener("tcp", "*", 1007, pids=(80,), unit="init.scope", cgroup=f"{HOME}/init.scope"), MY_ECHO),
        (Listener("tcp", "*", 1007, unit="echo.socket", cgroup=f"{HOME}/app.slice/echo.socket"), MY_ECHO),
    ],
)
def test_the_owner(listener: Listener, owner: Service | None) -> None:
    for services in ((SYSTEM, USERS, ECHO, MY_ECHO), (MY_ECHO, ECHO, USERS, SYSTEM)):
        assert Owners(services).of(listener) is owner


def test_a_unit_of_a_user_is_not_shown_as_the_systems() -> None:
    mine = at(pids=(900,), cgroup=f"{HOME}/app.slice/api.service")
    assert ports._row("web1", mine, USERS)[4] == "systemd@oncall:api.service"
    strange = at(cgroup="/user.slice/user-1002.slice/user@1002.service/app.slice/api.service", user="other")
    assert ports._row("web1", strange, None)[4] == "api.service of other"
    assert ports._row("web1", at(), SYSTEM)[4] == "systemd:api.service"


def container(name: str, *ports: Endpoint, **changes: object) -> Service:
    ref = ServiceRef("web1", "docker", name)
    made = {"ports": ports, "members": (name,), **changes}
    return Service(ref, State.RUNNING, "running", **made)  # type: ignore[arg-type]


def published(address: str, port: int = 8080) -> Listener:
    return Listener("tcp", address, port, unit="docker.service", cgroup="/system.slice/docker.service")


WIDE = container("wide", Endpoint("tcp", "0.0.0.0", 8080))
NEAR = container("near", Endpoint("tcp", "127.0.0.1", 8080))
FAR = container("far", Endpoint("tcp", "10.0.0.5", 8080))


def test_two_containers_may_publish_one_port_at_different_addresses() -> None:
    for services in ((NEAR, FAR), (FAR, NEAR)):
        owners = Owners(services)
        assert owners.of(published("127.0.0.1")) is NEAR
        assert owners.of(published("10.0.0.5")) is FAR
        assert owners.of(published("10.0.0.6")) is None
        ports = {service.ref.name: service.ports for service in with_ports(services, (published("127.0.0.1"),))}
        assert ports == {"near": NEAR.ports, "far": FAR.ports}


def test_engines_of_old_do_not_tell_of_the_listener_for_ipv6() -> None:
    assert Owners((WIDE,)).of(published("::")) is WIDE
    assert Owners((WIDE, FAR)).of(published("::")) is WIDE


def test_one_that_was_started_again_just_now_has_its_port_and_one_that_is_paused() -> None:
    for state in (State.FLAPPING, State.UNKNOWN):
        service = replace(WIDE, state=state)
        assert Owners((service,)).of(published("0.0.0.0")) is service
        [found] = with_ports((service,), (published("0.0.0.0"),))
        assert found.ports == WIDE.ports
    assert Owners((replace(WIDE, ports=()),)).of(published("0.0.0.0")) is None


def test_the_container_that_has_the_port() -> None:
    one, two = Endpoint("tcp", "0.0.0.0", 8080), Endpoint("tcp", "0.0.0.0", 8081)
    shop = container("shop/api", one, two, members=("api_1", "api_2"), member_ports=(("api_1", one), ("api_2", two)))
    assert container_at(shop, published("::", 8081)) == "api_2"
    assert container_at(shop, published("::", 8082)) == "api_1"
    assert container_at(WIDE, published("0.0.0.0")) == "wide"
    assert container_at(SYSTEM, published("0.0.0.0")) is None
    assert container_at(None, published("0.0.0.0")) is None


def test_the_port_of_a_users_socket_unit_is_not_that_of_the_users_service_manager() -> None:
    manager = service("user@1001.service", 80, cgroup="/user.slice/user-1001.slice/user@1001.service")
    mine = Listener("tcp", "*", 1007, pids=(80,), unit="init.scope", cgroup=f"{HOME}/init.scope", user="oncall")
    ports = {found.ref: found.ports for found in with_ports((manager, MY_ECHO), (mine,))}
    assert ports == {manager.ref: (), MY_ECHO.ref: (Endpoint("tcp", "*", 1007),)}


NGINX = service("nginx.service", 812)


def claimed(manager: str, scope: str, **changes: object) -> Service:
    ref = ServiceRef("web1", manager, "evil", scope)
    return Service(ref, State.RUNNING, "online", **{"pids": (812, 990), "daemon": 900, **changes})  # type: ignore[arg-type]


FAMILIES = {
    812: Family(812, 1, 1.0, 1, "/system.slice/nginx.service", (812, 813), ("root",)),
    900: Family(900, 1, 1.0, 1, "/system.slice/pm2-oncall.service", (900, 990), ("oncall",)),
    990: Family(990, 1, 1.0, 1, "/system.slice/pm2-oncall.service", (990, 991), ("oncall",)),
}


@pytest.mark.parametrize("manager", ["pm2", "docker", "compose", "supervisord"])
def test_a_users_own_manager_takes_nothing_of_others(manager: str) -> None:
    """Whoever may run a daemon may have it say what he likes, and root asks the daemons of all."""
    [nginx, evil] = Lineage().joined((NGINX, claimed(manager, "user:oncall")), FAMILIES)
    assert (evil.pids, nginx.pids) == ((990, 991), (812,))
    web = Listener("tcp", "0.0.0.0", 80, uid=0, user="root", pids=(812, 813), cgroup="/system.slice/nginx.service")
    mine = Listener("tcp", "*", 8080, uid=1001, user="oncall", pids=(991,), cgroup="/system.slice/pm2-oncall.service")
    assert Owners((nginx, evil)).of(web) is nginx
    assert Owners((nginx, evil)).of(mine) is evil
    [nginx, evil] = with_ports((nginx, evil), (web, mine))
    assert (nginx.ports, evil.ports) == ((Endpoint("tcp", "0.0.0.0", 80),), (Endpoint("tcp", "*", 8080),))


def test_what_is_not_seen_to_be_a_users_is_not_taken() -> None:
    [evil] = Lineage().joined((claimed("pm2", "user:oncall"),), {})
    assert evil.pids == ()
    # What root's own manager tells stands, as always.
    for scope in ("system", "user:root"):
        assert Lineage().joined((claimed("pm2", scope),), {})[0].pids == (812, 990)


def test_a_daemon_that_is_not_the_users_tells_no_unit() -> None:
    """A rootless engine writes the file of its process itself."""
    families = {**FAMILIES, 58: Family(58, 1, 1.0, 1, "/system.slice/docker.service", (58,), ("root",))}
    [evil] = Lineage().joined(
        (claimed("docker", "user:oncall", daemon=58, chain=("docker", "evil")),), families, {58: ("a",)}
    )
    assert evil.chain == ("docker", "evil")


def test_a_process_of_another_number_in_a_users_own_slice_is_the_users() -> None:
    """In a container without root all but its root are numbers that no user has."""
    slice_ = "/user.slice/user-1001.slice/user@1001.service/user.slice/docker-0.scope"
    family = Family(812, 1, 1.0, 1, slice_, (812, 813), ("100998", "oncall"))
    [found] = Lineage().joined((claimed("docker", "user:oncall", pids=(812,)),), {812: family})
    assert found.pids == (812, 813)


def test_a_users_own_engine_holds_no_port_of_others() -> None:
    ref = ServiceRef("web1", "docker", "evil", "user:oncall")
    evil = replace(container("evil", Endpoint("tcp", "127.0.0.1", 8080)), ref=ref)
    proxy = replace(published("127.0.0.1"), uid=0, user="root", process="docker-proxy")
    for services in ((evil, WIDE), (WIDE, evil)):
        assert Owners(services).of(proxy) is WIDE
    assert Owners((evil,)).of(proxy) is None
    assert Owners((evil,)).of(replace(proxy, uid=1001, user="oncall")) is evil
