"""Every port case of the lab on a real host, looked at by each of its users at once; ``scenarios`` has the tables."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from console.core.reach import Vantage
from console.diagnosis import Confidence, Verdict, VerdictWord, as_text
from console.diagnosis.strays import LEFT
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import CASES, install

from .judged import judged
from .real import why, why_as
from .scenarios import ELSEWHERE, SCENARIOS, SPECIFIED, USERS

Seen = Mapping[str, tuple[Verdict, ...]]


def test_no_case_and_no_user_is_left_out() -> None:
    assert set(SCENARIOS) == set(CASES)
    for number, scenario in SCENARIOS.items():
        asked = scenario.expected(CASES[number].ask)
        assert len(asked) == 1 + len(scenario.also), f"{number}: what the case asks for stands twice"
        assert all(len(rows) == len(USERS) for rows in asked.values()), number
    numbers = {int(match[0]) for name in SCENARIOS if (match := re.match(r"\d+", name)) is not None}
    # Of 17 the lab has what a unit forbids, and not SELinux.
    assert numbers - {17} | set(ELSEWHERE) == set(SPECIFIED)


@pytest.mark.parametrize("number", CASES)
def test_the_case_is_understood(number: str, lab: Lab, fresh_host: FreshHost) -> None:
    case, scenario = CASES[number], SCENARIOS[number]
    host = fresh_host(docker=case.docker, sudo=scenario.sudo)
    install(host, number)
    expected = scenario.expected(case.ask)
    seen = why_as(lab, host, tuple(expected), USERS)
    for place, (target, rows) in enumerate(expected.items()):
        for user, wanted in zip(USERS, rows, strict=True):
            verdict = seen[user][place]
            found = judged(verdict)
            told = f"case {number}, {target} as {user}:\n" + "\n".join(as_text(verdict))
            assert found == wanted, told
            assert wanted.says in found.says, told
    if number in MORE:
        MORE[number](lab, host, seen)


# What else is right of some of them


def _without_proxy(_lab: Lab, _host: Host, seen: Seen) -> None:
    """Case 4: the engine has the port, and the kernel sends what comes to the container."""
    verdict = seen["root"][0]
    assert verdict.holders[0].process == "dockerd"
    assert verdict.holders[0].to is not None
    assert any("DNAT" in line for line in verdict.evidence)


def _pid_file(_lab: Lab, _host: Host, seen: Seen) -> None:
    """Case 8: what it runs and where, its pid file, since when, and what started it."""
    [verdict] = seen["root"]
    holder = verdict.holders[0]
    assert (holder.command, holder.cwd, holder.ppid) == ("python3 api.py", "/srv/legacy", 1)
    assert (holder.pid_file, holder.since is not None) == ("/run/legacy/legacy.pid", True)
    assert "RUNS     python3 api.py (in /srv/legacy, pid file /run/legacy/legacy.pid)" in as_text(verdict)
    told = next(one for one in verdict.looks if one.command == f"ls -ld -- /proc/{holder.pid}/cwd")
    assert told.output.endswith(f"/proc/{holder.pid}/cwd -> /srv/legacy")


def _inside(lab: Lab, host: Host, _seen: Seen) -> None:
    """It is no clash: the service gets the port."""
    [verdict] = why(lab, host, ["/docker:inner"])
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD_IN_CONTAINER, "inner")
    host.run(["systemctl", "start", "api.service"])
    host.wait("curl -fs http://127.0.0.1:8080/health")


def _addresses(lab: Lab, host: Host, _seen: Seen) -> None:
    """Who is in group docker is told of the container at the wanted address."""
    host.run(["usermod", "-aG", "docker", "nosudo"])
    [near] = why(lab, host, [":8080"], "nosudo")
    assert ([holder.name for holder in near.holders], near.confidence) == (["near"], Confidence.HIGH)


def _declared(_lab: Lab, _host: Host, seen: Seen) -> None:
    """Case 5: who will clash at the next start."""
    container, spare = ("shop", "container shop, created"), ("spare.service", "/etc/systemd/system/spare.service:10")
    told = {user: [(one.service, one.where) for one in seen[user][0].declared_by] for user in USERS}
    assert told == {"root": [container, spare], "oncall": [spare], "nosudo": [spare]}


def _orphan(_lab: Lab, _host: Host, seen: Seen) -> None:
    """Case 15: the child is named; without rights the unit that left it is not stopped for it: it would end nothing."""
    culprit = seen["root"][0].holders[0]
    assert (culprit.process, culprit.command) == ("sleep", "sleep 100000")
    for user in ("oncall", "nosudo"):
        [verdict] = seen[user]
        assert verdict.holders[0].note == LEFT
        assert verdict.actions[0].reason_off == f"by hand: {LEFT}"
        assert not any(way.intents for way in verdict.actions)


def _two_managers(_lab: Lab, host: Host, seen: Seen) -> None:
    """Case 21: which of the two to keep."""
    assert str(seen["root"][0].keep) == f"{host.name}/supervisord:api"


def _address_forms(_lab: Lab, _host: Host, seen: Seen) -> None:
    """Case 25: addresses as they were bound, for everybody."""
    for user in USERS:
        shown = {(holder.address, holder.interface) for holder in seen[user][0].holders}
        assert ("::ffff:127.0.0.1", None) in shown
        assert {interface for address, interface in shown if address.startswith("fe80:")} == {"host0"}
        assert [holder.interface for holder in seen[user][1].holders] == ["host0"]


def _rule(words: str) -> Callable[[Lab, Host, Seen], None]:
    """The rule that drops is shown word for word to who may read it."""

    def check(_lab: Lab, _host: Host, seen: Seen) -> None:
        reach = seen["root"][0].reach
        assert reach is not None
        assert reach.rule is not None
        assert words in reach.rule.words

    return check


def _iptables(lab: Lab, host: Host, seen: Seen) -> None:
    _rule("-A INPUT -i host0 -p tcp -m tcp --dport 8080 -j DROP")(lab, host, seen)
    [verdict] = seen["root"]
    assert verdict.actions[0].commands == ("iptables -I INPUT -p tcp --dport 8080 -j ACCEPT",)
    assert verdict.reach is not None
    results = {one.vantage: one.result.value for one in verdict.reach.attempts}
    assert results == {Vantage.HOST: "answers", Vantage.SSH: "answers", Vantage.HERE: "silent"}


def _nft(lab: Lab, host: Host, seen: Seen) -> None:
    """What is shown lets clients in."""
    _rule('iifname "host0" tcp dport 8080 drop')(lab, host, seen)
    host.sh(seen["root"][0].actions[0].commands[0])
    assert why(lab, host, ["/api"])[0].verdict is VerdictWord.HELD


def _ways_in(told: str) -> Callable[[Lab, Host, Seen], None]:
    """Which family, or network, gets in by which interface."""

    def check(_lab: Lab, _host: Host, seen: Seen) -> None:
        reach = seen["root"][0].reach
        assert reach is not None
        assert told in reach.ways_in

    return check


def _limited(lab: Lab, host: Host, seen: Seen) -> None:
    """Of a list of those who are let in the client alone is added, and by nobody without a decision."""
    _ways_in("host0 IPv4: limited")(lab, host, seen)
    [way] = seen["root"][0].actions
    assert (way.id, way.recommended) == ("admit-client", False)
    assert "ip saddr @friends" in (way.reason_off or "")
    host.sh(way.commands[0])
    assert why(lab, host, ["/api"])[0].verdict is VerdictWord.HELD
    assert f"ip saddr {host.address.rpartition('.')[0]}.1 tcp dport 8080 accept" in host.sh("nft list ruleset")


MORE: dict[str, Callable[[Lab, Host, Any], None]] = {
    "4": _without_proxy,
    "5": _declared,
    "8": _pid_file,
    "15": _orphan,
    "19": _iptables,
    "19nft": _nft,
    "19ipv6": _ways_in("host0 IPv6: dropped"),
    "19limited": _limited,
    "21": _two_managers,
    "25": _address_forms,
    "addresses": _addresses,
    "inside": _inside,
}
