"""The table of the ports: where each is declared, and for whom."""

import pytest

from console.cli.commands.ports import _text as table
from console.core.service import Endpoint
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
