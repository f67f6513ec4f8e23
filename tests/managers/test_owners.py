"""One rule says which service has a listener, and a name alone is no proof."""

import pytest

from console.cli.commands import ports
from console.core.network import Listener
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers.join import Owners

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
