"""A published container that nobody reaches: the rule that drops is told, never the one that publishes it."""

from typing import Any

import pytest

from console.core.reach import Reached
from console.diagnosis import Confidence, VerdictWord, as_json, as_text, diagnose
from console.diagnosis.firewall import Gate
from console.probes import iptables, nftables
from console.probes.addresses import HostAddress
from console.probes.nft_rule import one_place

from .test_reach import DROP, HAVE, here, look, rules

DNAT = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"
# Written by Docker 20.10 with iptables v1.8.9 (nf_tables), Debian 12.
SAVED = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
{user}
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
{dnat}
COMMIT"""


def published(user: str = "", dnat: str = DNAT, **changes: Any) -> Any:
    saved = iptables.parse(SAVED.format(user=user, dnat=dnat).replace("\n\n", "\n"))
    return look(**{"iptables": saved, "attempts": here(Reached.SILENT), **changes})


def test_the_rule_that_drops_what_is_forwarded_is_named() -> None:
    verdict = diagnose(published("-A DOCKER-USER -i eth0 -p tcp -j DROP"))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert "iptables filter DOCKER-USER drops what comes from outside" in verdict.summary
    assert "RULE     -A DOCKER-USER -i eth0 -p tcp -j DROP  (iptables filter DOCKER-USER)" in as_text(verdict)
    assert verdict.actions[0].commands == ("iptables -I DOCKER-USER -d 172.17.0.2 -p tcp --dport 80 -j ACCEPT",)


def test_a_chain_of_nft_that_drops_the_port_inside_is_named() -> None:
    forward = nftables.parse(
        (DROP % "\t\ttcp dport 80 drop # handle 2").rstrip("\n").replace("hook input", "hook forward")
    )
    verdict = diagnose(published(nftables=forward))
    assert verdict.verdict is VerdictWord.UNREACHABLE
    assert "RULE     tcp dport 80 drop  (nft inet guard in)" in as_text(verdict)
    assert verdict.actions[0].commands == (
        "nft insert rule inet guard in position 2 ip daddr 172.17.0.2 tcp dport 80 accept",
    )


def test_what_the_input_hook_drops_is_not_met_by_what_is_forwarded() -> None:
    verdict = diagnose(published(nftables=rules("tcp dport 8080 drop"), attempts=()))
    assert verdict.verdict is VerdictWord.HELD


@pytest.mark.parametrize("table", ["raw", "mangle"])
def test_a_rule_that_stands_before_the_one_that_sends_it_on_counts_too(table: str) -> None:
    drop = "-A PREROUTING ! -s 10.0.0.0/8 -p tcp -m tcp --dport 8080 -j DROP"
    saved = SAVED.format(user="", dnat=DNAT).replace("\n\n", "\n")
    before = f"*{table}\n:PREROUTING ACCEPT [0:0]\n{drop}\nCOMMIT"
    verdict = diagnose(published(iptables=iptables.parse(f"{before}\n{saved}"), connected=None, attempts=()))
    assert verdict.reach is not None
    assert verdict.reach.rule is not None
    assert (verdict.reach.rule.gate, verdict.reach.rule.doubts) == (Gate.LIMITED, (drop,))
    assert verdict.reach.rule.place == f"iptables {table} PREROUTING"


@pytest.mark.parametrize(
    ("dnat", "addresses"),
    [
        (DNAT.replace("172.17.0.2:80", "172.17.0.2-172.17.0.9"), HAVE),
        (DNAT.replace("172.17.0.2", "10.0.0.5"), HAVE),
        (DNAT.replace("-p tcp", "-m set --match-set web src -p tcp"), HAVE),
        (DNAT, None),
    ],
    ids=["several places", "the host itself", "perhaps", "own addresses unknown"],
)
def test_where_it_cannot_be_followed_no_rule_is_blamed(dnat: str, addresses: tuple[HostAddress, ...] | None) -> None:
    verdict = diagnose(published("-A DOCKER-USER -p tcp -j DROP", dnat, addresses=addresses))
    assert verdict.verdict is VerdictWord.UNREACHABLE
    assert verdict.summary.endswith("a rule sends it on, and the rules for what is forwarded were not judged")
    assert not [line for line in as_text(verdict) if line.startswith("RULE")]
    assert as_json(verdict)["reach"]["rule"] is None


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("10.0.0.2", ("10.0.0.2", None)),
        ("10.0.0.2:80", ("10.0.0.2", 80)),
        ("[fd00::2]:80", ("fd00::2", 80)),
        ("fd00::2", ("fd00::2", None)),
        ("10.0.0.2-10.0.0.9", None),
        (":8080", None),
        ("web", None),
    ],
)
def test_the_place_of_a_rule(word: str, place: tuple[str, int | None] | None) -> None:
    assert one_place(word) == place


def test_nft_names_the_place_in_its_own_words() -> None:
    [chain] = rules("tcp dport 8080 dnat ip to 172.17.0.2:80", "tcp dport 8080 dnat to 10.0.0.1-10.0.0.9")
    assert [rule.to for rule in chain.rules] == [("172.17.0.2", 80), None]


def test_a_rule_that_drops_only_the_answers_of_the_container_is_named() -> None:
    verdict = diagnose(published("-A DOCKER-USER -i docker0 -p tcp -m tcp --sport 80 -j DROP"))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert "iptables filter DOCKER-USER drops its answers to who is outside" in verdict.summary
    assert verdict.actions[0].commands == ("iptables -I DOCKER-USER -s 172.17.0.2 -p tcp --sport 80 -j ACCEPT",)


def test_what_meets_the_answers_with_the_address_of_the_host_is_not_judged_by_that_of_the_container() -> None:
    late = nftables.parse(
        (DROP % "\t\ttcp sport 80 drop # handle 2")
        .rstrip("\n")
        .replace("hook input priority filter", "hook postrouting priority 200")
    )
    verdict = diagnose(published(nftables=late))
    assert verdict.summary.endswith("a rule of the host may be why")
