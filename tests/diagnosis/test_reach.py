"""Whether clients get to a service that has its port: the looks, and what is made of them."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.reach import Attempt, Reached, Vantage
from console.core.service import Endpoint
from console.core.snapshot import Source
from console.diagnosis import Confidence, Declaration, Evidence, VerdictWord, as_json, as_text, diagnose, needed
from console.diagnosis.evidence import Question, Refusal
from console.diagnosis.looks import Look
from console.probes import iptables, nftables
from console.probes.addresses import HostAddress
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.reach import Connected, meaning
from console.probes.redirects import Redirects
from console.probes.unit_filter import UnitFilter
from console.probes.unit_filter import parse as unit_filter

from .factories import failed, identity, listener, ref, snapshot, symptom, unit

API = unit("api.service", pids=(7,), ports=(Endpoint("tcp", "*", 8080),))
OWN = listener(pids=(7,), unit="api.service", cgroup="/system.slice/api.service")
LOCAL = listener("127.0.0.1", pids=(7,), unit="api.service", cgroup="/system.slice/api.service")
HAVE = (HostAddress("lo", "127.0.0.1", 8, "host"), HostAddress("eth0", "10.0.0.5", 24, "global"),
        HostAddress("docker0", "172.17.0.1", 16, "global"))  # fmt: skip
ANSWERS = Connected(Reached.ANSWERS, tool="python3", client="10.0.0.9", server="10.0.0.5")
DROP = "table inet guard {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n%s\n\t}\n}\n"
TOOLS = frozenset({"nft"})
FORMER = (Source("listeners", 90.0, former=True),)


def rules(*lines: str) -> Any:
    text = "\n".join(f"\t\t{line} # handle {at}" for at, line in enumerate(lines, 3))
    return nftables.parse((DROP % text).rstrip("\n"))


def look(*listeners: Any, **changes: Any) -> Evidence:
    """``api.service`` runs and listens; the host was looked at, and answers itself."""
    made = snapshot(services=(API,), listeners=listeners or (OWN,), identity=identity(tools=TOOLS))
    evidence = Evidence(made, ref(), processes=(), sockets=(), namespaces=Namespaces(),
                        redirects=Redirects(("nft",)), limits=PortLimits(), addresses=HAVE, connected=ANSWERS,
                        peer="10.0.0.5", nftables=(), unit_filter=UnitFilter("api.service"), looks=(Look("ss"),),
                        asked=(Question("process", ("7",)),))  # fmt: skip
    return replace(evidence, **changes)


def here(result: Reached, address: str = "10.0.0.5") -> tuple[Attempt, ...]:
    return (Attempt(Vantage.HERE, address, 8080, result),)


def test_a_service_that_everybody_reaches_is_only_held() -> None:
    verdict = diagnose(look(attempts=here(Reached.ANSWERS)))
    assert verdict.verdict is VerdictWord.HELD
    assert not verdict.not_checked
    assert "TRIED" not in "\n".join(as_text(verdict))


def test_a_rule_that_drops_is_named_with_its_place() -> None:
    verdict = diagnose(look(nftables=rules('iifname "eth0" tcp dport 8080 drop')))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.MEDIUM)
    verdict = diagnose(look(nftables=rules("tcp dport 8080 drop"), attempts=here(Reached.SILENT)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    text = "\n".join(as_text(verdict))
    assert "RULE     tcp dport 8080 drop  (nft inet guard in)" in text
    assert "SURE     high (rule + connect)" in text
    assert verdict.actions[0].commands == ("nft insert rule inet guard in position 3 tcp dport 8080 accept",)
    assert as_json(verdict)["reach"]["rule"] == {
        "text": "tcp dport 8080 drop", "place": "nft inet guard in", "gate": "dropped", "except": []
    }  # fmt: skip


OFFICE = "ip saddr { 192.0.2.0/24, 198.51.100.7 } tcp dport 8080 accept"


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ((OFFICE, "drop"), "nft insert rule inet guard in position 4 ip saddr 10.0.0.9 tcp dport 8080 accept"),
        (
            ("ip saddr != 192.0.2.0/24 tcp dport 8080 drop",),
            "nft insert rule inet guard in position 3 ip saddr 10.0.0.9 tcp dport 8080 accept",
        ),
        (
            ("ip saddr 10.0.0.0/24 drop", "tcp dport 8080 accept"),
            "nft insert rule inet guard in position 3 ip saddr 10.0.0.9 tcp dport 8080 accept",
        ),
    ],
)
def test_where_only_some_are_let_in_nobody_but_the_client_is_added(lines: tuple[str, ...], command: str) -> None:
    verdict = diagnose(look(nftables=rules(*lines), attempts=here(Reached.SILENT)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    [way] = verdict.actions
    assert (way.id, way.label, way.commands) == ("admit-client", "let 10.0.0.9 alone in to tcp 8080", (command,))
    assert not way.recommended
    assert (way.reason_off or "").endswith(f"decide first whether 10.0.0.9 belongs to those of the rule: {lines[0]}")


def test_where_the_client_is_not_known_the_list_is_shown_to_be_decided_on() -> None:
    evidence = look(nftables=rules(OFFICE, "drop"), attempts=here(Reached.SILENT))
    verdict = diagnose(replace(evidence, connected=replace(ANSWERS, client=None)))
    assert verdict.verdict is VerdictWord.UNREACHABLE
    [way] = verdict.actions
    assert (way.id, way.commands, way.recommended) == ("admit-client", (), False)
    assert OFFICE in (way.reason_off or "")


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        (
            ("-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 8080 -j ACCEPT", "-A INPUT -j DROP"),
            "iptables -I INPUT -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT",
        ),
        (
            (
                ":ufw-user-input - [0:0]",
                "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 8080 -j ACCEPT",
                "-A INPUT -j DROP",
            ),
            "ufw prepend allow proto tcp from 10.0.0.9 to any port 8080",
        ),
    ],
)
def test_a_client_is_let_in_in_the_words_of_whoever_wrote_the_rules(lines: tuple[str, ...], command: str) -> None:
    saved = "\n".join(("*filter", ":INPUT ACCEPT [0:0]", *lines, "COMMIT"))
    [way] = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT))).actions
    assert (way.id, way.commands) == ("admit-client", (command,))


@pytest.mark.parametrize("table", ["raw", "mangle"])
def test_a_rule_of_another_table_is_answered_in_that_table(table: str) -> None:
    drop = "-A PREROUTING -p tcp -m tcp --dport 8080 -j DROP"
    saved = "\n".join((f"*{table}", ":PREROUTING ACCEPT [0:0]", drop, "COMMIT"))
    [way] = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT))).actions
    assert way.commands == (f"iptables -t {table} -I PREROUTING -p tcp --dport 8080 -j ACCEPT",)


def test_firewalld_lets_a_client_in_by_a_rich_rule() -> None:
    [chain] = rules(OFFICE, "drop")
    zone = replace(chain, table="firewalld", name="filter_IN_public")
    [way] = diagnose(look(nftables=(zone,), attempts=here(Reached.SILENT))).actions
    assert way.commands == (
        'firewall-cmd --zone=public \'--add-rich-rule=rule family="ipv4" source address="10.0.0.9" '
        'port port="8080" protocol="tcp" accept\'',
    )


def test_what_happens_is_believed_more_than_the_rules() -> None:
    verdict = diagnose(look(nftables=rules("tcp dport 8080 drop"), attempts=here(Reached.ANSWERS)))
    assert verdict.verdict is VerdictWord.HELD


def test_a_rule_for_another_interface_or_a_bridge_of_containers_keeps_nobody_out() -> None:
    for rule in ('iifname "eth9" tcp dport 8080 drop', 'iifname "docker0" drop', "tcp dport 8081 drop"):
        assert diagnose(look(nftables=rules(rule))).verdict is VerdictWord.HELD


def test_without_the_rules_silence_is_no_verdict_on_them() -> None:
    verdict = diagnose(look(nftables=None, attempts=here(Reached.SILENT)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.MEDIUM)
    assert "what keeps it out is not known" in verdict.summary
    assert [gap.what for gap in verdict.not_checked] == ["firewall rules"]


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        (
            {"iptables": iptables.Saved(gap="Table `filter' is incompatible, use 'nft' tool.")},
            "other rules of iptables",
        ),
        ({"refused": (Refusal("iptables", "needs root"),)}, "rules of iptables"),
        ({"iptables": iptables.Saved()}, None),
    ],
)
def test_that_nothing_drops_is_known_only_where_no_list_is_missing(changes: dict[str, Any], gap: str | None) -> None:
    evidence = look(attempts=here(Reached.SILENT), ip6tables=iptables.Saved(), **changes)
    both = identity(tools=TOOLS | {"iptables"})
    verdict = diagnose(replace(evidence, snapshot=replace(evidence.snapshot, identity=both)))
    assert [one.what for one in verdict.not_checked] == ([] if gap is None else [gap])
    assert ("something between drops it" in verdict.summary) is (gap is None)


def test_a_silence_beyond_rules_that_let_it_in_is_the_networks() -> None:
    verdict = diagnose(look(attempts=here(Reached.SILENT)))
    assert "something between drops it" in verdict.summary


def test_rules_that_were_written_by_iptables_count_once() -> None:
    rule = "-A INPUT -p tcp -m tcp --dport 8080 -j DROP"
    saved = iptables.parse(f"tool iptables-save nf_tables\n*filter\n:INPUT ACCEPT [0:0]\n{rule}\nCOMMIT")
    listed = nftables.parse(
        "table ip filter { # handle 1\n\tchain INPUT { # handle 1\n\t\ttype filter hook input priority filter; "
        "policy accept;\n\t\ttcp dport 8080 counter packets 1 bytes 2 drop # handle 2\n\t}\n}"
    )
    verdict = diagnose(look(nftables=listed, iptables=saved))
    assert verdict.reach is not None
    assert verdict.reach.rule is not None
    assert verdict.reach.rule.place == "iptables filter INPUT"
    alone = diagnose(look(nftables=listed))
    assert alone.actions[0].commands == ("iptables -I INPUT -p tcp --dport 8080 -j ACCEPT",)


def test_only_a_declaration_makes_the_loopback_too_narrow() -> None:
    assert diagnose(look(LOCAL)).verdict is VerdictWord.HELD
    public = Declaration("api.service", Endpoint("tcp", "0.0.0.0", 8080), "hostdeck configuration")
    verdict = diagnose(look(LOCAL, declared=(public,)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert verdict.summary.endswith("listens on 127.0.0.1:8080 only, though hostdeck configuration declares it public")
    private = replace(public, endpoint=Endpoint("tcp", "*", 8080))
    assert diagnose(look(LOCAL, declared=(private,))).verdict is VerdictWord.HELD


def asked(evidence: Evidence) -> list[tuple[str, ...]]:
    return [(question.probe, *question.args) for question in needed(evidence)]


def test_the_looks_of_a_service_that_listens() -> None:
    bare = look(connected=None, addresses=None, nftables=None, asked_from="web2")
    assert asked(bare) == [
        ("addresses",),
        ("nftables",),
        ("reach", "127.0.0.1", "8080"),
        ("reach_ssh", "10.0.0.5", "8080"),
        ("reach_here", "10.0.0.5", "8080"),
        ("reach_from", "web2", "10.0.0.5", "8080"),
    ]
    behind_a_jump = replace(bare, peer=None, asked_from=None)
    assert "reach_here" not in [question[0] for question in asked(behind_a_jump)]
    assert asked(replace(bare, looks=())) == asked(bare), "what listens is known: this costs no trip of its own"


@pytest.mark.parametrize(
    "evidence",
    [
        look(LOCAL, connected=ANSWERS),
        replace(look(connected=None, looks=()), snapshot=snapshot(services=(API,), listeners=(OWN,), sources=FORMER)),
        replace(look(), snapshot=snapshot(services=(failed(),), listeners=(OWN,), symptoms=(symptom(),))),
        look(listener(pids=(35,), process="sshd", unit="ssh.service", cgroup="/system.slice/ssh.service")),
    ],
    ids=["only for itself", "not looked at over this connection", "a conflict", "the way in"],
)
def test_it_costs_nothing_where_it_cannot_tell(evidence: Evidence) -> None:
    costs = {"reach", "reach_ssh", "reach_here", "nftables", "iptables"}
    assert not costs & {question[0] for question in asked(evidence)}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Connection refused", Reached.REFUSED),
        ("nc: can't connect to remote host (127.0.0.1): Connection refused", Reached.REFUSED),
        ("nc: timed out", Reached.SILENT),
        ("curl: (28) Connection timed out after 3001 milliseconds", Reached.SILENT),
        ("No route to host", Reached.FAILED),
        ("", Reached.SILENT),
    ],
)
def test_the_words_of_the_tools(said: str, meant: Reached) -> None:
    assert meaning(said) is meant


OUTPUT = "-A OUTPUT -p tcp -m tcp --sport 8080 -j DROP"


@pytest.mark.parametrize(
    ("rule", "place", "command"),
    [
        (OUTPUT, "filter OUTPUT", "iptables -I OUTPUT -p tcp --sport 8080 -j ACCEPT"),
        (OUTPUT.replace("OUTPUT", "POSTROUTING"), "mangle POSTROUTING",
         "iptables -t mangle -I POSTROUTING -p tcp --sport 8080 -j ACCEPT"),
        (f"{OUTPUT.replace('-p', '-o eth0 -p', 1)}", "filter OUTPUT",
         "iptables -I OUTPUT -p tcp --sport 8080 -j ACCEPT"),
    ],
)  # fmt: skip
def test_a_rule_that_drops_only_the_answers_is_named(rule: str, place: str, command: str) -> None:
    table, chain = place.split()
    saved = "\n".join((f"*{table}", f":{chain} ACCEPT [0:0]", rule, "COMMIT"))
    verdict = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert f"iptables {place} drops its answers to who is outside" in verdict.summary
    assert verdict.reach is not None
    assert verdict.reach.rule is not None
    assert (verdict.reach.rule.words, verdict.reach.rule.place) == (rule, f"iptables {place}")
    assert (verdict.actions[0].label, verdict.actions[0].commands) == (
        "let the answers of tcp 8080 out before that rule", (command,)
    )  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "-A OUTPUT -p tcp -m tcp --syn -j DROP",
        "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP",
        "-A OUTPUT -m conntrack --ctstate NEW -j DROP",
        "-A OUTPUT -o docker0 -j DROP",
    ],
)
def test_what_keeps_the_host_from_calling_others_keeps_no_client_out(rule: str) -> None:
    saved = "\n".join(("*filter", ":OUTPUT ACCEPT [0:0]", rule, "COMMIT"))
    verdict = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.ANSWERS)))
    assert verdict.verdict is VerdictWord.HELD
    verdict = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT)))
    told = ": the host's own rules let it in and its answers out, and so does api.service: something between drops it"
    assert verdict.summary.endswith(told)


def test_answers_let_out_only_to_some_are_a_list_of_clients_to_decide_on() -> None:
    lines = ("-A OUTPUT -d 192.0.2.0/24 -j ACCEPT", "-A OUTPUT -p tcp -m tcp --sport 8080 -j DROP")
    saved = "\n".join(("*filter", ":OUTPUT ACCEPT [0:0]", *lines, "COMMIT"))
    [way] = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT))).actions
    assert (way.id, way.recommended) == ("admit-client", False)
    assert way.commands == ("iptables -I OUTPUT -d 10.0.0.9 -p tcp --sport 8080 -j ACCEPT",)


def test_a_front_end_has_no_words_for_answers() -> None:
    saved = "\n".join(("*filter", ":OUTPUT DROP [0:0]", ":ufw-user-output - [0:0]", "COMMIT"))
    [way] = diagnose(look(iptables=iptables.parse(saved), attempts=here(Reached.SILENT))).actions
    assert (way.id, way.commands) == ("open-port", ())


DENY = (
    "Unit=api.service\nIPAddressAllow=127.0.0.0/8 ::1/128\nIPAddressDeny=0.0.0.0/0 ::/0\nRestrictNetworkInterfaces=~\n"
)


def test_the_filter_of_the_unit_keeps_clients_out() -> None:
    evidence = look(unit_filter=unit_filter(DENY), attempts=here(Reached.SILENT))
    verdict = diagnose(evidence)
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert verdict.summary.endswith(
        " and answers on the host, but api.service drops what comes from here: "
        "IPAddressDeny=0.0.0.0/0 ::/0, but for 127.0.0.0/8 ::1/128"
    )
    [way] = verdict.actions
    assert (way.commands, way.recommended) == (("systemctl set-property api.service IPAddressAllow=10.0.0.9",), False)
    # It lets this client in: then it is not why.
    admitted = unit_filter(DENY.replace("::1/128", "::1/128 10.0.0.0/24"))
    assert "something between drops it" in diagnose(replace(evidence, unit_filter=admitted)).summary
    # Nothing was tried from outside: others than the host itself are kept out all the same, where none is let in.
    verdict = diagnose(replace(evidence, attempts=()))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.MEDIUM)
    unknown = replace(evidence, attempts=(), connected=replace(ANSWERS, client=None))
    assert diagnose(unknown).verdict is VerdictWord.UNREACHABLE
    assert diagnose(replace(unknown, unit_filter=admitted)).verdict is VerdictWord.HELD
    # What is dropped of one family says nothing of a client of the other.
    of_one = unit_filter(DENY.replace("0.0.0.0/0 ", ""))
    assert diagnose(replace(unknown, unit_filter=of_one)).verdict is VerdictWord.HELD


def test_what_was_not_judged_is_not_blamed_on_the_network() -> None:
    evidence = look(attempts=here(Reached.SILENT))
    unread = diagnose(replace(evidence, unit_filter=None)).summary
    assert unread.endswith("; a filter of its unit was not read: that, or something between, drops it")
    only = replace(UnitFilter("api.service"), others=("RestrictNetworkInterfaces=lo",))
    told = diagnose(replace(evidence, unit_filter=only)).summary
    assert "; what RestrictNetworkInterfaces=lo of api.service does was not judged: that, or something" in told
    deaf = replace(ANSWERS, result=Reached.SILENT)
    told = diagnose(replace(evidence, connected=deaf)).summary
    assert told.endswith("on the host it has no answer either, so it is of the host itself, and why is not known")


def test_a_process_that_accepts_nothing_is_told_by_its_queue() -> None:
    full = replace(OWN, backlog=6, queue=5)
    deaf = replace(ANSWERS, result=Reached.SILENT)
    verdict = diagnose(look(full, attempts=here(Reached.SILENT), connected=deaf))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.HIGH)
    assert verdict.summary == (
        "api.service listens on 0.0.0.0:8080, but python3 (pid 7) does not accept: 6 connections wait (Recv-Q) "
        "where 5 may (Send-Q), and the kernel drops what else comes"
    )
    assert [(way.id, way.recommended) for way in verdict.actions] == [("restart", True)]
    # Also where only the host itself asks, and where it listens for the host alone.
    assert diagnose(look(full, connected=deaf)).verdict is VerdictWord.UNREACHABLE
    assert "does not accept" in diagnose(look(replace(LOCAL, backlog=6, queue=5), connected=deaf)).summary
    # A queue with room is not why.
    assert "does not accept" not in diagnose(look(replace(OWN, backlog=5, queue=5), connected=deaf)).summary
    assert diagnose(look(full, attempts=here(Reached.ANSWERS))).verdict is VerdictWord.HELD


DOWN = Attempt(Vantage.OTHER, "10.0.0.5", 8080, Reached.NOT_TRIED, "web2: no route to host", host="web2")


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (look(asked_from="web2", attempts=(DOWN,)), "web2: no route to host"),
        (look(LOCAL, asked_from="web2", attempts=(DOWN,)), "web2: no route to host"),
        (look(LOCAL, asked_from="web2", peer=None), "no address is known at which it could be reached"),
        (replace(look(asked_from="web2"),
                 snapshot=snapshot(services=(failed(),), listeners=(OWN,), symptoms=(symptom(),))),
         "api.service does not run with this port"),
        (replace(look(asked_from="web2"), snapshot=snapshot(services=(API,))), "nothing is seen to listen on tcp 8080"),
        (replace(look(asked_from="web2"), target=Endpoint("udp", "*", 8080)), "UDP tells nothing of a connection"),
    ],
    ids=["down", "down, and for itself alone", "behind a jump host", "no listener by right", "nobody listens", "udp"],
)  # fmt: skip
def test_a_host_that_was_named_and_did_not_try_is_told_with_the_reason(evidence: Evidence, why: str) -> None:
    gaps = [(gap.what, gap.why) for gap in diagnose(evidence).not_checked]
    assert ("a connection from web2", f"not tried: {why}") in gaps


def test_a_host_that_was_named_and_tried_is_no_gap() -> None:
    verdict = diagnose(look(asked_from="web2", attempts=(replace(DOWN, result=Reached.ANSWERS, said=""),)))
    assert "a connection from web2" not in [gap.what for gap in verdict.not_checked]
