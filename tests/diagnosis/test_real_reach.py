"""Services that have their port and clients that do not get in, on real hosts: other hosts, and front ends."""

import pytest

from console.core.reach import Reached, Vantage
from console.diagnosis import Verdict, VerdictWord
from tests.lab import FreshHost, Lab
from tests.lab.cases import install

from .expected import HIGH, MEDIUM, NOSUDO, ONCALL, ROOT, Expected, look
from .real import why

OUT, HELD = VerdictWord.UNREACHABLE, VerdictWord.HELD
API, RULES = "api.service", "firewall rules"
NFT = "/usr/sbin/nft -a list ruleset"


def results(verdict: Verdict) -> dict[Vantage, str]:
    assert verdict.reach is not None
    return {one.vantage: one.result.value for one in verdict.reach.attempts}


def test_another_host_of_the_fleet_is_asked(lab: Lab, fresh_host: FreshHost) -> None:
    host, other = fresh_host("near1"), fresh_host("near2")
    install(host, "19loopback")
    wanted = [Expected(":8080", ROOT, OUT, HIGH, API, action="change-address", gaps=0,
                       summary="listens on 127.0.0.1:8080 only, so from near2 nobody gets in")]  # fmt: skip
    look(lab, host, wanted, asked_from="near2")
    host.install_api()
    host.sh("systemctl restart api.service")
    host.wait("curl -fs http://127.0.0.1:8080/health && ss -Hltn 'src 0.0.0.0 and sport = :8080' | grep -q .")
    [verdict] = look(lab, host, [Expected(":8080", ROOT, HELD, HIGH, API, gaps=0)], asked_from="near2")
    assert results(verdict)[Vantage.OTHER] == Reached.ANSWERS
    host.run(["nft", "add table ip mine; add chain ip mine in { type filter hook input priority 0; }; "
              f"add rule ip mine in ip saddr {other.address} tcp dport 8080 reject"])  # fmt: skip
    wanted = [
        Expected(":8080", ROOT, OUT, HIGH, API, summary="but nft ip mine in drops what comes from near2", gaps=0),
        Expected(":8080", NOSUDO, OUT, MEDIUM, API, gap=RULES,
                 summary="from near2 it is refused: what keeps it out is not known"),
    ]  # fmt: skip
    verdict, _ = look(lab, host, wanted, asked_from="near2")
    assert results(verdict)[Vantage.HERE] == Reached.ANSWERS
    # A chain of inet that meets what comes in by one device.
    host.run(["nft", "delete table ip mine; add table inet edge; "
              'add chain inet edge in { type filter hook ingress device "host0" priority 0; }; '
              "add rule inet edge in tcp dport 8080 drop"])  # fmt: skip
    wanted = [Expected(":8080", ROOT, OUT, HIGH, API, summary="but nft inet edge in drops what comes from", gaps=0)]
    [verdict] = look(lab, host, wanted, asked_from="near2")
    assert results(verdict) | {Vantage.HOST: "answers", Vantage.SSH: "answers"} == results(verdict)


@pytest.mark.parametrize(
    ("package", "start", "command", "line"),
    [
        ("firewalld", "systemctl start firewalld.service", "firewall-cmd --zone=public --add-port=8080/tcp", "icmpx"),
        ("ufw", "ufw allow 22/tcp; yes | ufw enable", "ufw allow 8080/tcp", "policy drop"),
    ],
)
def test_the_front_ends_of_the_distributions(
    package: str, start: str, command: str, line: str, lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host(packages=(package,), sudo=(NFT,))
    host.install_api()
    host.sh(start, timeout=60)
    host.wait("curl -fs http://127.0.0.1:8080/health")
    for verdict in look(
        lab, host, [Expected("/api", user, OUT, HIGH, API, action="open-port") for user in (ROOT, ONCALL)]
    ):
        assert verdict.reach is not None
        assert verdict.reach.rule is not None
        assert line in verdict.reach.rule.words
        assert verdict.actions[0].commands == (command,)
    if package == "firewalld":
        host.sudoers("oncall", ["/usr/bin/firewall-cmd --list-all-zones"])
        host.sh("firewall-cmd --zone=public --change-interface=host0")
        zones = "from here No route to host: firewalld's zone public lets in dhcpv6-client ssh"
        look(lab, host, [Expected("/api", ONCALL, OUT, MEDIUM, API, gap=RULES, summary=zones)])
    host.sh(command)
    assert why(lab, host, ["/api"])[0].verdict is HELD


def test_a_rule_that_drops_only_the_answers_is_what_keeps_clients_out(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.sh("iptables -A OUTPUT -p tcp --sport 8080 -j DROP")
    told = "(no answer in 3 s on the host itself), but iptables filter OUTPUT drops its answers to who is outside"
    [verdict] = look(lab, host, [Expected("/api", ROOT, OUT, HIGH, API, action="open-port", summary=told, gaps=0)])
    assert verdict.reach is not None
    assert verdict.reach.rule is not None
    assert verdict.reach.rule.words == "-A OUTPUT -p tcp -m tcp --sport 8080 -j DROP"
    host.sh(verdict.actions[0].commands[0])
    look(lab, host, [Expected("/api", ROOT, HELD, HIGH, API, gaps=0)])
    host.sh("iptables -F OUTPUT")
    # A filter of what goes out that knows only what the host itself calls.
    host.run(["nft", "add table inet out; add chain inet out at { type filter hook output priority 0; policy drop; }; "
              "add rule inet out at oif lo accept; add rule inet out at tcp sport 22 accept; "
              "add rule inet out at tcp dport { 80, 443 } accept"])  # fmt: skip
    told = "and answers on the host, but nft inet out at drops its answers to who is outside"
    [verdict] = look(lab, host, [Expected("/api", ROOT, OUT, HIGH, API, action="open-port", summary=told, gaps=0)])
    assert verdict.actions[0].commands == ("nft add rule inet out at tcp sport 8080 accept",)
    host.sh(verdict.actions[0].commands[0])
    look(lab, host, [Expected("/api", ROOT, HELD, HIGH, API, gaps=0)])


def test_a_rule_of_iptables_beside_those_in_nftables(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=(NFT,))
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.sh(
        "iptables -A INPUT -p tcp --dport 8080 -j ACCEPT; iptables-legacy -A INPUT -i host0 -p tcp --dport 8080 -j DROP"
    )
    wanted = [
        Expected("/api", ROOT, OUT, HIGH, API, action="open-port", gaps=0,
                 summary="but iptables-legacy filter INPUT drops what comes from outside"),
        Expected("/api", ONCALL, OUT, MEDIUM, API, gap="rules of iptables"),
    ]  # fmt: skip
    verdict, _ = look(lab, host, wanted)
    assert verdict.actions[0].commands == ("iptables-legacy -I INPUT -p tcp --dport 8080 -j ACCEPT",)
    host.sh(verdict.actions[0].commands[0])
    look(lab, host, [Expected("/api", ROOT, HELD, HIGH, API, gaps=0)])


def test_a_filter_of_the_unit_and_a_queue_that_is_full(lab: Lab, fresh_host: FreshHost) -> None:
    # Elsewhere the kernel lets no systemd of the lab load such a filter.
    host = fresh_host(docker=True)
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.sh("systemctl set-property --runtime api.service IPAddressDeny=any IPAddressAllow=localhost")
    told = "and answers on the host, but api.service drops what comes from here: IPAddressDeny="
    [verdict, _] = look(lab, host, [Expected("/api", user, OUT, HIGH, API, summary=told) for user in (ROOT, NOSUDO)])
    [way] = verdict.actions
    host.sh(way.commands[0])
    look(lab, host, [Expected("/api", ROOT, HELD, HIGH, API, gaps=0)])
    # Its slices count as well; and it takes what comes, but nobody looks at it.
    host.sh("systemctl set-property --runtime api.service IPAddressDeny= IPAddressAllow=")
    host.write("/srv/fill.py", FILL)
    host.sh("systemctl kill --signal=STOP api.service")
    host.unit("fill.service", "[Service]\nExecStart=/usr/bin/python3 /srv/fill.py\n")
    host.wait("test $(ss -Hltn 'sport = :8080' | awk '{ print $2 }') = 6")
    told = "stopped by a signal, does not accept: 6 connections wait (Recv-Q) where 5 may (Send-Q)"
    [verdict] = look(lab, host, [Expected("/api", ROOT, OUT, HIGH, API, summary=told)])
    assert results(verdict)[Vantage.HOST] == Reached.SILENT
    host.sh("systemctl kill --signal=CONT api.service; systemctl stop fill.service")


FILL = """import socket, time
kept = []
for _ in range(9):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", 8080))
    kept.append(one)
time.sleep(1e6)
"""
