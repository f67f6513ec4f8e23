"""The table of the ports: where each is declared, and for whom."""

import pytest

from console.cli.commands.ports import _text as table
from console.core.declaration import Declaration
from console.core.service import Endpoint, State
from console.core.snapshot import Link, LinkState
from console.diagnosis.portmap import port_map
from tests.diagnosis.factories import listener, snapshot, unit


def test_what_another_service_declares_is_told_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    wants = (Endpoint("tcp", "127.0.0.1", 8080),)
    found = snapshot(
        services=(
            unit("api.service", pids=(7,), wants=wants),
            unit("innocent.service", pids=(8,)),
        ),
        listeners=(
            listener("127.0.0.1", pids=(7,), unit="api.service", cgroup="/system.slice/api.service"),
            listener("127.0.0.7", pids=(8,), unit="innocent.service", cgroup="/system.slice/innocent.service"),
            listener("127.0.0.7", 9090, pids=(8,), unit="innocent.service", cgroup="/system.slice/innocent.service"),
        ),
    )
    table((found,), (), port_map(found))
    rows = {tuple(line.split()[1:4:2]): line for line in capsys.readouterr().out.splitlines() if "systemd:" in line}
    assert rows["8080", "127.0.0.1"].endswith(" systemd unit api.service")
    assert rows["8080", "127.0.0.7"].endswith(" (api.service) systemd unit api.service")
    assert rows["9090", "127.0.0.7"].endswith(" -")


def test_nobody_is_not_said_of_a_host_that_does_not_tell(capsys: pytest.CaptureFixture[str]) -> None:
    claim = Declaration("web", Endpoint("tcp", "*", 7010), "/srv/web/.env:3")
    down = snapshot(listeners=(), link=Link(LinkState.DOWN, 0.0, "no route"))
    table((down,), (), port_map(down, (claim,)))
    row = next(line for line in capsys.readouterr().out.splitlines() if " 7010 " in line)
    assert "not seen" in row
    assert "nobody" not in row


def test_what_is_declared_and_not_there_has_a_row_too(capsys: pytest.CaptureFixture[str]) -> None:
    found = snapshot(
        services=(unit("api.service", State.STOPPED, wants=(Endpoint("tcp", "127.0.0.1", 7001),)),),
        listeners=(listener("127.0.0.1", 9090),),
    )
    guess = Declaration("web", Endpoint("tcp", "*", 7010), "/srv/web/.env:3", sure=False)
    table((found,), (), port_map(found, (guess,)))
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("web1 ")]
    assert [row[1] for row in rows] == ["7001", "7010", "9090"]
    assert rows[0][3:] == ["127.0.0.1", "api.service", "nobody", "-", "-", "systemd", "unit", "api.service"]
    assert rows[1][3:] == ["*", "web", "nobody", "-", "-", "perhaps", "/srv/web/.env:3"]
