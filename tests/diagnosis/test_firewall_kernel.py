"""What is said of a packet filter agrees with what the kernel does with a real client, and with the answers to him."""

import json
import random
import re
from pathlib import Path
from typing import Any

from console.core.firewall import Packet
from console.diagnosis.evidence import Evidence
from console.diagnosis.firewall import Gate
from console.diagnosis.forwarding import judge
from console.probes import iptables, nftables
from tests.lab import FreshHost

from .factories import ref, snapshot
from .kernel_filter import CLIENT, PORTS, SERVER

SCRIPT = Path(__file__).with_name("kernel_filter.py")
ROUNDS = 160
MIXED = 40

NFT_SETS = """
set ports { type inet_service; elements = { 7001, 7003, 7008 } }
set ranges { type inet_service; flags interval; elements = { 7002-7004, 7007 } }
set friends { type ipv4_addr; flags interval; elements = { 10.98.0.0/30, 192.0.2.1 } }
set strangers { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
"""
NFT_MATCHES = (
    'iifname "wire0"', 'iifname "lo"', 'iifname != "lo"', 'iifname { "eth9", "wire0" }', 'iifname "wire*"', "iif lo",
    "tcp dport 7001", "tcp dport { 7002, 7005 }", "tcp dport 7003-7006", "tcp dport != 7004", "tcp dport @ports",
    "tcp dport @ranges", "tcp dport != { 7001, 7002 }", "th dport 7006", "udp dport 7001", "meta l4proto tcp",
    "meta l4proto { tcp, udp }", "ip protocol tcp", "ip protocol != udp", "ip saddr 10.98.0.0/24",
    "ip saddr 192.0.2.0/24", "ip saddr != 10.98.0.2", "ip saddr @friends", "ip saddr @strangers",
    "ip saddr { 10.98.0.2, 192.0.2.9 }", f"ip daddr {SERVER}", "ip daddr 10.98.0.0/29", "ip daddr != 10.98.0.1",
    "ip6 saddr ::1", "meta nfproto ipv4", "meta nfproto ipv6", "ct state established,related", "ct state new",
    "ct state { new, established }", "ct state invalid", "ct status dnat", "fib daddr type local",
    "fib daddr type != local",
    "tcp flags syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == syn", "icmp type echo-request",
    "limit rate 100000/second", "tcp sport 1-65535", "meta pkttype host", "ip ttl 64", "",
)  # fmt: skip
NFT_STATEMENTS = (
    "",
    "",
    "",
    "counter",
    'log prefix "drop accept "',
    'comment "tcp dport 7001 drop"',
    'log prefix "new{ "',
    'log prefix "x}, drop " counter',
    "meta mark set 1",
)
NFT_VERDICTS = ("accept", "drop", "reject", "reject with tcp reset", "return", "continue", "", "jump one", "goto two")
NFT_MAPS = (
    "ct state vmap { established : accept, related : accept, invalid : drop }",
    "tcp dport vmap { 7001 : accept, 7002 : drop, 7003-7005 : jump one }",
    'iifname vmap { "lo" : accept, "wire0" : jump two }',
    "ip saddr vmap { 10.98.0.0/24 : return, 192.0.2.1 : drop }",
)
IP_MATCHES = (
    "-i wire0", "-i lo", "! -i lo", "-i wire+", "-p tcp", "-p udp", "-p tcp --dport 7001", "-p tcp ! --dport 7002",
    "-p tcp --dport 7003:7005", "-p tcp -m multiport --dports 7001,7006:7007", "-s 10.98.0.0/24", "! -s 10.98.0.2",
    "-s 192.0.2.1", f"-d {SERVER}", "-m conntrack --ctstate RELATED,ESTABLISHED", "-m conntrack --ctstate NEW",
    "-p tcp --syn", "-p tcp ! --syn", "-m addrtype --dst-type LOCAL", "-p icmp", "-m limit --limit 9000/sec",
    "-m state --state INVALID", '-m comment --comment "-j DROP"', "-p tcp --tcp-flags SYN,RST SYN",
    "-m ttl --ttl-eq 64", "",
)  # fmt: skip
IP_TARGETS = ("ACCEPT", "DROP", "REJECT", "RETURN", "LOG", "ONE", "TWO", "REJECT --reject-with tcp-reset")


NFT_TURNS = (("saddr", "daddr"), ("dport", "sport"), ("iif", "oif"))
IP_TURNS = (("-s", "-d"), ("--dport", "--sport"), ("-i", "-o"))


def turned(rules: str, turns: tuple[tuple[str, str], ...]) -> str:
    """The same of the answers: what is asked of the client is asked of where they go."""
    other = {one: another for pair in turns for one, another in (pair, pair[::-1])}
    found = re.compile("|".join(rf"(?<![\w-]){re.escape(one)}(?=name|s?\b)" for one in other))
    return found.sub(lambda match: other[match[0]], rules)


def nft_rule(dice: random.Random, *, leaf: bool) -> str:
    if dice.random() < 0.15 and not leaf:
        return dice.choice(NFT_MAPS)
    verdicts = [one for one in NFT_VERDICTS if not leaf or not one.startswith(("jump", "goto"))]
    parts = [dice.choice(NFT_MATCHES), dice.choice(NFT_MATCHES) if dice.random() < 0.4 else ""]
    parts += [dice.choice(NFT_STATEMENTS), dice.choice(verdicts)]
    return " ".join(part for part in parts if part) or "counter"


def nft_rules(dice: random.Random) -> str:
    chains = []
    for name in ("one", "two"):
        rules = "\n".join(nft_rule(dice, leaf=True) for _ in range(dice.randint(0, 3)))
        chains.append(f"chain {name} {{\n{rules}\n}}")
    for number in range(dice.randint(1, 3)):
        hook = dice.choice(["input", "input", "prerouting", "output", "output", "postrouting"])
        priority = dice.choice(["filter", "-150", "filter + 10", "raw"])
        policy = dice.choice(["accept", "accept", "drop"])
        rules = "\n".join(nft_rule(dice, leaf=False) for _ in range(dice.randint(0, 5)))
        rules = turned(rules, NFT_TURNS) if hook in ("output", "postrouting") else rules
        kind = dice.choice(["filter", "route"]) if hook == "output" else "filter"
        head = f"type {kind} hook {hook} priority {priority}; policy {policy};"
        chains.append(f"chain base{number} {{\n{head}\n{rules}\n}}")
    family = dice.choice(["inet", "inet", "inet", "ip"])
    return f"table {family} guard {{\n{NFT_SETS}\n" + "\n".join(chains) + "\n}\n" + nft_early(dice)


def nft_early(dice: random.Random) -> str:
    """Sometimes a chain of one device, which meets a packet before all others."""
    if dice.random() < 0.6:
        return ""
    device, policy = dice.choice([("wire0", "accept"), ("lo", "accept"), ("lo", "drop")])
    head = f"type filter hook ingress device {device} priority -500; policy {policy};"
    return f"table netdev early {{\nchain at {{\n{head}\ntcp dport {{ 7001, 7004 }} drop\n}}\n}}\n"


def ip_rules(dice: random.Random) -> str:
    lines = []
    answers = dice.random() < 0.4
    for table in ("mangle", "filter"):
        hooks = {"mangle": "POSTROUTING" if answers else "PREROUTING", "filter": "OUTPUT" if answers else "INPUT"}
        policy = dice.choice(["ACCEPT", "DROP"]) if table == "filter" else "ACCEPT"
        lines += [f"*{table}", f":{hooks[table]} {policy} [0:0]", ":ONE - [0:0]", ":TWO - [0:0]"]
        for chain, most in (("ONE", 2), ("TWO", 2), (hooks[table], 5)):
            for _ in range(dice.randint(0, most)):
                rule = f"-A {chain} {dice.choice(IP_MATCHES)}"
                target = dice.choice(
                    [one for one in IP_TARGETS if chain not in ("ONE", "TWO") or one not in ("ONE", "TWO")]
                )
                if "tcp-reset" in target and "-p tcp" not in rule:
                    target = "DROP"
                if table == "mangle" and target.startswith("REJECT"):
                    target = "DROP"
                lines.append(f"{turned(rule, IP_TURNS) if answers else rule} -j {target}")
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


def nft_among(dice: random.Random) -> str:
    """Rules of nft in the tables of iptables: among those of iptables, and in a chain beside them."""
    among = "\n".join(nft_rule(dice, leaf=True) for _ in range(dice.randint(0, 2)))
    beside = "\n".join(nft_rule(dice, leaf=True) for _ in range(dice.randint(0, 3)))
    head = f"type filter hook input priority {dice.choice(['filter', 'filter + 10'])}; policy accept;"
    chains = f"chain INPUT {{\n{among}\n}}\nchain input {{\n{head}\n{beside}\n}}"
    return f"table ip filter {{\n{NFT_SETS}\n{chains}\n}}\n"


def test_the_judgement_agrees_with_the_kernel(fresh_host: FreshHost) -> None:
    dice = random.Random(19)
    wanted = [{"nft": nft_rules(dice)} if number % 3 else {"ip": ip_rules(dice)} for number in range(ROUNDS)]
    wanted += [{"ip": ip_rules(dice), "nft": nft_among(dice)} for _ in range(MIXED)]
    host = fresh_host()
    host.write("/usr/local/lib/lab/kernel_filter.py", SCRIPT.read_text())
    done = host.run(["python3", "/usr/local/lib/lab/kernel_filter.py"], stdin=json.dumps(wanted), timeout=180)
    seen = json.loads(done.stdout)
    decided = certain = asked = 0
    for rules, found in zip(wanted, seen, strict=True):
        if "wrong" in found:
            continue  # thrown dice make rules that nft itself refuses
        listed = {"nftables": nftables.parse(found["nft"])}
        saved = {"iptables": iptables.parse(f"tool iptables-save nf_tables\n{found['ip']}")}
        looks: list[dict[str, Any]] = [listed, {**listed, **saved}]
        looks += [saved] if "nft" not in rules else []
        for look in looks:
            for port in PORTS:
                opened = port in found["open"]
                asked += 1
                for source in (CLIENT, None):
                    packet = Packet("tcp", port, "ip", "wire0", source, SERVER)
                    judged = judge(Evidence(snapshot(), ref(), **look), packet)
                    told = f"port {port} from {source} is {'open' if opened else 'closed'}: {judged}\n"
                    if judged.gate in (Gate.OPEN, Gate.DROPPED):
                        assert (judged.gate is Gate.OPEN) is opened, told + found["nft"] + found["ip"]
                        certain += source is None
                        decided += source is not None
    assert asked > len(PORTS) * (ROUNDS + MIXED) * 0.8, [found["wrong"] for found in seen if "wrong" in found]
    # What asks for a rate, a time to live or a mark stays open; most is decided all the same.
    assert decided > 0.6 * asked, (decided, asked)
    assert certain > 0.3 * asked, (certain, asked)
