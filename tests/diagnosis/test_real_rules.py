"""Rules that people write to send ports elsewhere, on real hosts: each takes only what it is about."""

from __future__ import annotations

import pytest

from console.diagnosis import Verdict, VerdictWord
from tests.lab import FreshHost, Lab

from .real import why

HELD, FREE, UNKNOWN = VerdictWord.HELD, VerdictWord.FREE, VerdictWord.UNKNOWN
CHAIN = "iptables -t nat -N WEB; iptables -t nat -A WEB -p tcp -j DNAT --to-destination 172.31.0.7; "
NFT = (
    "nft add table ip own; nft add chain ip own pre '{ type nat hook prerouting priority -90; }'; "
    "nft add chain ip own web; nft add rule ip own web meta l4proto tcp dnat to 172.31.0.7; "
)


def of(verdict: Verdict) -> tuple[VerdictWord, str]:
    """The word, and the rule that is in doubt, or what becomes of the port."""
    gaps = [gap.why for gap in verdict.not_checked if gap.what.startswith("whether a rule sends")]
    return verdict.verdict, gaps[0] if gaps else verdict.summary


@pytest.mark.parametrize(
    ("way", "jump", "rule"),
    [
        (CHAIN, "iptables -t nat -A PREROUTING {} -j WEB", "{} -j WEB | -A WEB -p tcp -j DNAT"),
        (NFT, "nft add rule ip own pre {} jump web", "{} meta l4proto tcp dnat to"),
    ],
)
def test_a_chain_without_a_port_makes_only_doubtful_what_comes_there(
    way: str, jump: str, rule: str, lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.sh(way)
    nft = way == NFT

    def written(plain: str, words: str) -> str:
        return words if nft else plain

    elsewhere = written("-d 203.0.113.0/24", "ip daddr 203.0.113.0/24"), written("-i gone0", 'iifname "gone0"')
    for words in elsewhere:
        host.sh(jump.format(words.replace('"', '\\"')))
    [other] = why(lab, host, [":8080"])
    assert of(other) == (FREE, "tcp 8080 is free")
    here = written("-s 192.0.2.0/24 -i host0", 'iifname "host0" ip saddr 192.0.2.0/24')
    host.sh(jump.format(here.replace('"', '\\"')))
    tcp, udp = why(lab, host, [":8080", ":8080/udp"])
    word, told = of(tcp)
    assert word is UNKNOWN
    assert told.startswith("which ports it takes is not told: ")
    assert rule.format(here) in told
    assert of(udp)[0] is FREE
    named = written("-s 192.0.2.0/24 -i host0 -p tcp --dport 8090:8091", f"{here} tcp dport 8090-8091")
    host.sh("iptables -t nat -F PREROUTING" if not nft else "nft flush chain ip own pre")
    host.sh(jump.format(named.replace('"', '\\"')))
    inside, outside = why(lab, host, [":8090", ":8092"])
    assert of(outside) == (FREE, "tcp 8092 is free")
    assert inside.verdict is HELD
    assert inside.summary == (
        "tcp 8090 is taken by 172.31.0.7:8090 without a listener: "
        "what comes to it from 192.0.2.0/24 by host0 is sent to 172.31.0.7:8090"
    )
