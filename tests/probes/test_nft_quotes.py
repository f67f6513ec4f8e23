"""What stands in quotes is no syntax of nft. The lists are word for word what nftables 1.0.6 printed, ``-a``."""

from __future__ import annotations

import pytest

from console.core.firewall import Packet
from console.diagnosis.firewall import Gate, judge
from console.probes import nftables

QUOTED = """\
table inet f { # handle 1
	comment "a { of a table"
	set friends { # handle 2
		type ifname
		comment "open { , } end"
		elements = { "eth1",
\t\t\t     "eth{0" comment "a, b { c" }
	}

	chain input { # handle 1
		comment "a { of a chain"
		type filter hook input priority filter; policy accept;
		tcp dport 22 log prefix "new{ " accept comment "a { b" # handle 3
		iifname { "a,b", "eth}1", "wire{" } tcp dport 7000 accept # handle 5
		iifname @friends tcp dport 7001 accept # handle 6
		iifname vmap { "lo" : accept, "x{,y" : accept } # handle 8
		tcp dport { 7002, 7004, 7006, 7008, 7010, 7012, 7014, 7016, 7018, 7020 } log prefix "x} " accept # handle 10
		tcp dport 8080 drop # handle 11
		tcp dport 7000-7020 drop # handle 12
	}
}
"""
# Put there by "iptables -j LOG --log-prefix 'x\"{'".
ODD = """\
table ip filter { # handle 1
	chain INPUT { # handle 1
		type filter hook input priority filter; policy accept;
		tcp dport 22  counter packets 0 bytes 0 accept # handle 2
		tcp dport 22 counter packets 0 bytes 0 log prefix "x"{" # handle 3
		tcp dport 8080 counter packets 0 bytes 0 drop # handle 4
	}
}
"""


@pytest.mark.parametrize("text", [QUOTED, ODD])
def test_the_rule_behind_a_brace_in_quotes_is_read(text: str) -> None:
    judged = judge(nftables.parse(text), Packet("tcp", 8080, "ip", "eth0", destination="10.0.0.1"))
    assert judged.gate is Gate.DROPPED


@pytest.mark.parametrize(
    ("device", "port", "gate"),
    [
        ("wire{", 7000, Gate.OPEN), ("a,b", 7000, Gate.OPEN), ("eth}1", 7000, Gate.OPEN), ("b", 7000, Gate.DROPPED),
        ("eth{0", 7001, Gate.OPEN), ("eth1", 7001, Gate.OPEN), ("b", 7001, Gate.DROPPED),
        ("x{,y", 8080, Gate.OPEN), ("y", 8080, Gate.DROPPED), ("eth0", 7002, Gate.OPEN), ("eth0", 7003, Gate.DROPPED),
    ],
)  # fmt: skip
def test_devices_and_comments_with_marks_of_the_syntax(device: str, port: int, gate: Gate) -> None:
    judged = judge(nftables.parse(QUOTED), Packet("tcp", port, "ip", device, destination="10.0.0.1"))
    assert judged.gate is gate
