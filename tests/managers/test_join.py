"""Which service has which port."""

from console.core.network import Listener
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers.join import with_ports, with_socket_units


def service(name: str, *pids: int, cgroup: str | None = None, wants: tuple[Endpoint, ...] = ()) -> Service:
    ref = ServiceRef("web1", "systemd", name)
    return Service(ref, State.RUNNING, "active/running", pids=pids, cgroup=cgroup, wants=wants)


def ports(found: tuple[Service, ...]) -> dict[str, list[str]]:
    return {each.ref.name: [str(port) for port in each.ports] for each in found}


API = service("api.service", 812, cgroup="/system.slice/api.service")
USERS = service("user@1001.service", 90, cgroup="/user.slice/user-1001.slice/user@1001.service")
MINE = service("mine.service", cgroup="/user.slice/user-1001.slice/user@1001.service/app.slice/mine.service")
ECHO = service("echo.socket", wants=(Endpoint("tcp", "::", 7), Endpoint("udp", "127.0.0.1", 7)))


def test_by_process_and_by_cgroup() -> None:
    seen = Listener("tcp", "0.0.0.0", 80, pids=(900, 812))
    hidden = Listener("tcp", "127.0.0.1", 81, cgroup="/system.slice/api.service/worker")
    other = Listener("tcp", "127.0.0.1", 82, cgroup="/system.slice/other.service")
    assert ports(with_ports((API,), (hidden, seen, other))) == {"api.service": ["tcp/0.0.0.0:80", "tcp/127.0.0.1:81"]}


def test_the_innermost_service_has_it() -> None:
    own = Listener("tcp", "::", 80, cgroup=f"{MINE.cgroup}/sub")
    loose = Listener("tcp", "::", 81, cgroup=f"{USERS.cgroup}/app.slice/unknown.service")
    # To stop a user's whole service manager for one of its units would be too much.
    assert ports(with_ports((USERS, MINE), (own, loose))) == {
        "user@1001.service": [],
        "mine.service": ["tcp/[::]:80"],
    }


def test_a_socket_that_systemd_opened_belongs_to_the_unit_that_declares_it() -> None:
    listeners = (
        Listener("tcp", "*", 7, pids=(1,), unit="init.scope", cgroup="/init.scope"),
        Listener("udp", "127.0.0.1", 7, unit="init.scope", cgroup="/init.scope"),
        Listener("tcp", "*", 9, pids=(1,), unit="init.scope", cgroup="/init.scope"),
        Listener("tcp", "*", 7, pids=(5,)),
    )
    named = with_socket_units(listeners, (ECHO, API))
    assert [listener.unit for listener in named] == ["echo.socket", "echo.socket", "init.scope", None]
    assert ports(with_ports((ECHO, API), named))["echo.socket"] == ["tcp/*:7", "udp/127.0.0.1:7"]
    assert with_socket_units(listeners[2:], (ECHO,)) is not None


def test_what_did_not_change_is_the_same_object() -> None:
    listeners = (Listener("tcp", "0.0.0.0", 80, pids=(812,)),)
    [before] = with_ports((API,), listeners)
    [after] = with_ports((before,), listeners)
    assert after is before
    assert with_socket_units(listeners, (API,)) is listeners
