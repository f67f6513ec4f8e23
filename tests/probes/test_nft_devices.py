"""A chain of netdev meets only what comes in by its device. The words are those of nftables 1.0.6."""

from __future__ import annotations

import pytest

from console.core.firewall import Packet
from console.diagnosis.firewall import Gate, judge
from console.probes import nftables

RULES = """\
table netdev t {{ # handle 1
	chain c {{ # handle 1
		type filter hook ingress {device} priority filter; policy {policy};
		{rule} # handle 2
	}}
}}
"""
ACCEPT, DROP = {"policy": "accept", "rule": "tcp dport 8080 drop"}, {"policy": "drop", "rule": "tcp dport 22 accept"}


@pytest.mark.parametrize("device", ['device "eth1"', "devices = { eth1, eth2 }"])
@pytest.mark.parametrize("words", [ACCEPT, DROP])
@pytest.mark.parametrize(
    ("interface", "gate"), [("eth0", Gate.OPEN), ("eth1", Gate.DROPPED), (None, Gate.UNCLEAR), ("lo", Gate.OPEN)]
)
def test_what_comes_by_another_device_passes(
    device: str, words: dict[str, str], interface: str | None, gate: Gate
) -> None:
    chains = nftables.parse(RULES.format(device=device, **words))
    assert judge(chains, Packet("tcp", 8080, "ip", interface)).gate is gate
