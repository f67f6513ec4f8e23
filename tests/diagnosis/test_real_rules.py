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


BESIDE = """
iptables -A INPUT -p tcp --dport 9999 -j DROP
nft add table ip nat
nft add chain ip nat prerouting '{ type nat hook prerouting priority -100; }'
nft add rule ip nat prerouting tcp dport 8080 dnat to 10.0.0.2:80
"""
WITHIN = """
iptables -t nat -A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination 10.0.0.3:80
nft add rule ip nat PREROUTING tcp dport 8082 dnat to 10.0.0.4:80
ip6tables -t nat -A PREROUTING -p tcp --dport 9999 -j REDIRECT --to-ports 9998
nft add rule ip6 nat PREROUTING udp dport 8083 redirect to :53
"""


def test_rules_of_nftables_in_a_table_of_iptables_are_seen(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.sh(BESIDE)
    taken, free = why(lab, host, [":8080", ":8081"])
    assert (taken.verdict, [holder.name for holder in taken.holders]) == (HELD, ["10.0.0.2:80"])
    assert (free.verdict, free.not_checked) == (FREE, ())
    host.sh(f"nft flush ruleset; {WITHIN}")
    verdicts = why(lab, host, [":8081", ":8082", ":8083/udp", ":8080"])
    assert [[holder.name for holder in one.holders] for one in verdicts] == [
        ["10.0.0.3:80"], ["10.0.0.4:80"], ["port 53"], []
    ]  # fmt: skip
    assert [one.verdict for one in verdicts] == [HELD, HELD, HELD, FREE]
    host.sh("nft add map ip nat named '{ type inet_service : ipv4_addr; elements = { 8084 : 10.0.0.5 }; }'; "
            "nft add rule ip nat PREROUTING dnat to tcp dport map @named")  # fmt: skip
    [open_] = why(lab, host, [":8084"])
    assert of(open_) == (UNKNOWN, "not understood: ip nat PREROUTING dnat to tcp dport map @named")


LEGACY = """
iptables -t nat -A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination 10.0.0.3:80
iptables-legacy -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80
"""


def test_rules_of_iptables_beside_those_in_nftables_are_seen(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=("/usr/sbin/iptables-save", "/usr/sbin/ip6tables-save", "/usr/sbin/nft -a list ruleset"))
    [before] = why(lab, host, [":8080"], "oncall")
    assert (before.verdict, [gap.what for gap in before.not_checked if "NAT" in gap.what]) == (FREE, [])
    host.sh(LEGACY)
    verdicts = why(lab, host, [":8080", ":8081", ":8082"])
    assert [[holder.name for holder in one.holders] for one in verdicts] == [["10.0.0.2:80"], ["10.0.0.3:80"], []]
    assert verdicts[2].verdict is FREE
    [narrow] = why(lab, host, [":8080"], "oncall")
    [gap] = [gap for gap in narrow.not_checked if gap.what.startswith("other rules")]
    assert narrow.verdict is UNKNOWN
    assert gap.why == "needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/sbin/iptables-legacy-save"
    host.sh("rm /usr/sbin/iptables-legacy-save")
    [without] = why(lab, host, [":8080"])
    told = "iptables-legacy tables present, and this host has no iptables-legacy-save to see them"
    assert [gap.why for gap in without.not_checked if gap.what.startswith("other rules")] == [told]


def test_without_nft_what_iptables_leaves_out_is_said(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.sh(f"{BESIDE}rm /usr/sbin/nft")
    [verdict] = why(lab, host, [":8080"])
    assert verdict.verdict is UNKNOWN
    assert [(gap.what, gap.why) for gap in verdict.not_checked] == [
        (
            "other rules that send the port elsewhere (NAT)",
            "Table `nat' contains incompatible base-chains, use 'nft' tool to list them.",
        )
    ]
