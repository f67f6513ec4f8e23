"""firewalld keeps its table for itself from 2.1 on, and nft tells so behind its name: its rules are judged as ever."""

from pathlib import Path

import pytest

from console.core.firewall import Packet
from console.diagnosis.firewall import Gate, judge
from console.probes import nftables
from tests.probes import recorded

LISTED = recorded.read(Path(recorded.__file__).parent / "recorded" / "nftables-firewalld-trixie.txt").output


@pytest.mark.parametrize(("port", "gate"), [(8443, Gate.OPEN), (22, Gate.OPEN), (8080, Gate.DROPPED)])
@pytest.mark.parametrize("owner", [" progname firewalld", ""])
def test_what_its_zone_lets_in(port: int, gate: Gate, owner: str) -> None:
    text = LISTED.replace(" progname firewalld", owner)
    found = judge(nftables.parse(text), Packet("tcp", port, "ip", "eth0", "10.0.0.9", "10.0.0.1"))
    assert (found.gate, found.chain.table if found.chain else None) == (
        gate, "firewalld" if gate is Gate.DROPPED else None
    )  # fmt: skip
