"""Targets of iptables for which nft has no words, where nft alone may be read: what they do is not told to be nothing.

The list is nftables 1.0.6 of Debian 12, after ``iptables -t nat ... -j NETMAP``, ``-j TPROXY`` and others.
"""

import shutil
import subprocess

import pytest

from console.core.firewall import Packet
from console.diagnosis.filter_lists import each_once
from console.diagnosis.firewall import Gate, judge
from console.probes import nftables
from console.probes.redirects import Redirects, parse
from console.probes.redirects_script import _NFT

LISTED = """\
table ip nat { # handle 1
	chain PREROUTING { # handle 1
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 8079 counter packets 0 bytes 0 xt target NETMAP # handle 2
		tcp dport 8082 counter packets 0 bytes 0 redirect to :80-81 random # handle 4
	}
}
table ip mangle { # handle 2
	chain PREROUTING { # handle 1
		type filter hook prerouting priority mangle; policy accept;
		tcp dport 8080 counter packets 0 bytes 0 xt target TPROXY # handle 2
	}
}
table ip filter { # handle 3
	chain INPUT { # handle 1
		type filter hook input priority filter; policy accept;
		tcp dport 8084 counter packets 0 bytes 0 reject with tcp reset # handle 3
		tcp dport 8087 counter packets 0 bytes 0 xt target IDLETIMER # handle 5
	}
}
"""
AWKS = [words for words in (["gawk"], ["mawk"], ["busybox", "awk"]) if shutil.which(words[0])]


@pytest.mark.parametrize(
    ("port", "gate"),
    [(8080, Gate.UNCLEAR), (8084, Gate.DROPPED), (8087, Gate.UNCLEAR), (8079, Gate.UNCLEAR), (8088, Gate.OPEN)],
)
def test_what_a_client_meets(port: int, gate: Gate) -> None:
    chains = each_once(nftables.parse(LISTED), ())
    assert judge(chains, Packet("tcp", port, "ip", interface="eth0")).gate is gate


def told(awk: list[str], listed: str, port: int, *tools: str) -> Redirects:
    words = [*awk, "-v", f"port={port}", _NFT]
    said = subprocess.run(words, input=listed, capture_output=True, text=True, check=True).stdout
    return parse("\n".join([*(f"tool {name}" for name in (*tools, "nft")), *said.splitlines()]))


@pytest.mark.parametrize("awk", AWKS, ids=lambda words: words[0])
def test_what_sends_a_port_on_is_not_passed_over(awk: list[str]) -> None:
    [rule] = told(awk, LISTED, 8079).open
    assert rule.rule == "ip nat PREROUTING tcp dport 8079 counter packets 0 bytes 0 xt target NETMAP"
    assert told(awk, LISTED, 8080).open == ()
    # As nft prints it that was built without the words of iptables, newer ones in quotes.
    for name in ("DNAT", '"DNAT"'):
        bare = LISTED.replace("NETMAP", name)
        assert len(told(awk, bare, 8079).open) == 1
        assert told(awk, bare, 8079, "iptables-save").open == (), "the tool that made it tells where to"
