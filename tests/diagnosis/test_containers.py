"""Ports of containers: published by a proxy, by an engine, by rules alone, or only inside."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.network import Listener, Process
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Source
from console.diagnosis import Confidence, Evidence, Refusal, Verdict, VerdictWord, as_json, as_text, diagnose, needed
from console.probes import redirects
from console.probes.addresses import HostAddress
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespace, Namespaces, Proxy
from console.probes.redirects import Redirect, Redirects
from console.ui.present.verdict import verdict_block
from console.ui.widgets.detail import Entry
from tests.ui import scenes

from .factories import HOST, NOW, failed, hidden, identity, listener, ref, snapshot, symptom, unit

IDENT = "8eba7cee4ff519a1748ed3a436df1205f53a00e2cfed5cfafce34cd53309c801"
PORT = Endpoint("tcp", "*", 8080)
INSIDE = Endpoint("tcp", "172.18.0.2", 80)
DENIED = "permission denied on /run/docker.sock: join group docker"
ENGINE = unit("docker.service", pids=(154,), triggered_by=("docker.socket",), restart_policy="always")
PROXY = Proxy(246, "docker-proxy", "tcp", "0.0.0.0", 8080, "172.18.0.2", 80, 0, "/system.slice/docker.service")
VICTIM = replace(PROXY, pid=999, to_address="172.18.0.3")
"""What says the same of another container."""
SPACE = Namespace(
    4026535476,
    ("172.18.0.2",),
    (Listener("tcp", "127.0.0.11", 43945, inode=1), Listener("tcp", "::", 80, inode=2)),
    (Process(286, "busybox", command="/bin/busybox httpd -p 80", cgroup=f"/system.slice/docker-{IDENT}.scope"),),
    (("tcp", 80, 3),),
)
RULE = Redirect("tcp", ((8080, 8080),), "172.18.0.2", 80, rule="-A DOCKER -p tcp --dport 8080 -j DNAT ...")
NAT = Redirects(("iptables-save",), (RULE,))


def shop(**changes: Any) -> Service:
    """The container of a project, as its engine tells of it."""
    made = Service(
        ServiceRef(HOST, "compose", "shop/api"),
        State.RUNNING,
        "running",
        pids=(286,),
        since=NOW - 600.0,
        ports=(Endpoint("tcp", "0.0.0.0", 8080), Endpoint("tcp", "::", 8080)),
        wants=(Endpoint("tcp", "0.0.0.0", 8080),),
        members=("shop_api_1",),
        restart_policy="unless-stopped",
        chain=("systemd", "docker.service", "docker", "compose shop", "api"),
    )
    return replace(made, **changes)


def proxied(**changes: Any) -> Listener:
    """The socket of docker-proxy, as root sees it."""
    made = {"uid": 0, "user": "root", "pids": (246,), "process": "docker-proxy", "unit": "docker.service",
            "cgroup": "/system.slice/docker.service"}  # fmt: skip
    return listener(**{**made, **changes})


def look(
    *listeners: Listener, services: tuple[Service, ...] = (), source: str | None = None, **changes: Any
) -> Evidence:
    """``api.service`` failed on 8080; ``source`` is why the engine does not answer."""
    snap = {name: changes.pop(name) for name in tuple(changes) if name in {"symptoms", "identity"}}
    sources = (Source("listeners", 100.0), Source("docker", None if source else 100.0, source))
    made = snapshot(services=(failed(), ENGINE, *services), listeners=listeners, symptoms=(symptom(),), sources=sources)
    evidence = Evidence(
        replace(made, **snap), ref(), processes=(), sockets=(), bound=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces((PROXY,), (SPACE,)), redirects=Redirects(("iptables-save",)),
    )  # fmt: skip
    return replace(evidence, **changes)


def recommended(verdict: Verdict) -> tuple[str, str, tuple[Intent, ...]]:
    best = next(action for action in verdict.actions if action.recommended)
    return best.id, best.label, best.intents


def gaps(verdict: Verdict) -> dict[str, str]:
    return {gap.what: gap.why for gap in verdict.not_checked}


# 3 a published port


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(
    "fake",
    [
        replace(VICTIM, uid=1001, cgroup="/user.slice/user-1001.slice/session-3.scope"),
        replace(VICTIM, uid=None),
        replace(VICTIM, cgroup="/user.slice/user-0.slice/session-4.scope"),
    ],
    ids=["of somebody", "of several", "of another unit"],
)
def test_the_words_of_any_process_name_no_container(fake: Proxy, seen: bool) -> None:
    """``perl`` under the name ``docker-proxy`` would else have an innocent container stopped."""
    other = replace(SPACE, ident=1, addresses=("172.18.0.3",), processes=(
        replace(SPACE.processes[0], pid=300, cgroup=f"/system.slice/docker-{'b' * 64}.scope"),))  # fmt: skip
    made = proxied() if seen else hidden(proxied())
    alone = diagnose(look(made, source=DENIED, namespaces=Namespaces((fake,), (other, SPACE))))
    assert (alone.holders[0].container, alone.holders[0].name) == (None, "docker.service")
    beside = diagnose(look(made, source=DENIED, namespaces=Namespaces((fake, PROXY), (other, SPACE))))
    assert beside.holders[0].container == IDENT[:12]


def test_what_listens_itself_under_that_name_is_for_no_container() -> None:
    scope = "/user.slice/user-1001.slice/session-3.scope"
    mine = proxied(uid=1001, user="deploy", unit="session-3.scope", cgroup=scope)
    words = replace(PROXY, uid=1001, cgroup=mine.cgroup)
    verdict = diagnose(look(mine, source=DENIED, namespaces=Namespaces((words,), (SPACE,))))
    assert verdict.holders[0].container is None


def test_of_two_proxies_of_one_place_neither_is_believed() -> None:
    both = Namespaces((PROXY, VICTIM), (SPACE,))
    [holder] = diagnose(look(hidden(proxied()), source=DENIED, namespaces=both)).holders
    assert (holder.container, holder.name) == (None, "docker.service")


def test_root_sees_the_container_of_a_published_port() -> None:
    verdict = diagnose(look(proxied(), services=(shop(),)))
    (holder,) = verdict.holders
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.HIGH)
    assert (holder.name, holder.container, holder.pid) == ("shop/api", "shop_api_1", 246)
    assert (holder.to, holder.connections, holder.up) == (INSIDE, 3, 600.0)
    assert holder.respawn == "docker restart=unless-stopped"
    assert recommended(verdict)[:2] == ("stop-holder", "stop shop/api, then start api.service")
    assert gaps(verdict) == {}
    assert as_text(verdict)[1:6] == [
        "HELD BY  container shop_api_1 (docker-proxy pid 246)  0.0.0.0:8080  up 10m",
        "WHY      systemd -> docker.service -> docker -> compose shop -> api",
        "CLASH    same address 0.0.0.0",
        "RESPAWN  yes, docker restart=unless-stopped; never kill docker-proxy",
        "IMPACT   3 live connections",
    ]
    told = as_json(verdict)["holders"][0]
    assert (told["container"], told["to"], told["manager"]) == ("shop_api_1", "172.18.0.2:80", "compose")


def test_who_is_in_group_docker_sees_it_without_the_process() -> None:
    verdict = diagnose(look(hidden(proxied()), services=(shop(),), identity=identity(1001)))
    (holder,) = verdict.holders
    assert (holder.name, holder.pid, holder.process) == ("shop/api", 246, "docker-proxy")
    assert (verdict.confidence, holder.known_by) == (Confidence.HIGH, ("manager", "cgroup", "uid", "proxy"))
    assert gaps(verdict) == {}


def test_without_any_right_the_proxy_and_the_control_group_tell_the_container() -> None:
    verdict = diagnose(look(hidden(proxied()), source=DENIED, identity=identity(1001)))
    (holder,) = verdict.holders
    assert (holder.container, holder.ref, holder.respawn) == (IDENT[:12], None, None)
    assert holder.known_by == ("cgroup", "uid", "proxy")
    assert holder.chain == ("systemd", "docker.service", "docker", f"container {IDENT[:12]}")
    assert verdict.confidence is Confidence.MEDIUM
    assert recommended(verdict) == ("stop-container", f"stop container {IDENT[:12]}", ())
    missing = f"{DENIED}, or sudoers: oncall ALL=(root) NOPASSWD: /usr/bin/docker ps *, /usr/bin/docker inspect *"
    assert gaps(verdict) == {f"restart policy of container {IDENT[:12]}": missing}
    assert "RESPAWN  not known; never kill docker-proxy" in as_text(verdict)


def test_before_any_engine_has_told_nothing_is_said_of_what_it_tells() -> None:
    for namespaces in (None, Namespaces((), (SPACE,))):
        evidence = look(hidden(proxied()), identity=identity(1001))
        early = replace(evidence, snapshot=replace(evidence.snapshot, sources=()))
        verdict = diagnose(early if namespaces is None else replace(early, namespaces=namespaces))
        [way] = [action for action in verdict.actions if action.id in ("stop-container", "find-container")]
        assert (way.reason_off or "").startswith("by hand: no engine has told of its containers yet")


def test_of_what_no_proxy_tells_only_the_engine_is_said() -> None:
    nobody = Namespaces((), (SPACE,))
    verdict = diagnose(look(hidden(proxied()), source=DENIED, identity=identity(1001), namespaces=nobody))
    (holder,) = verdict.holders
    assert (holder.name, holder.ref, holder.container, holder.respawn) == ("docker.service", None, None, None)
    assert recommended(verdict)[0] == "find-container"
    assert {"process of the holder", "which container publishes 8080"} == set(gaps(verdict))


def test_an_engine_that_listens_for_itself_is_no_container() -> None:
    api = listener(
        port=2375, pids=(154,), process="dockerd", unit="docker.service", cgroup="/system.slice/docker.service"
    )
    verdict = diagnose(replace(look(api, symptoms=()), target=Endpoint("tcp", "*", 2375)))
    assert (verdict.holders[0].container, verdict.holders[0].name) == (None, "docker.service")
    assert verdict.actions == ()
    engine = replace(ENGINE, ports=(Endpoint("tcp", "0.0.0.0", 2375),))
    made = look(api, symptoms=())
    made = replace(made, snapshot=replace(made.snapshot, services=(engine,)), target=engine.ref)
    assert diagnose(made).summary.startswith("docker.service has its port, tcp 2375")


def test_a_container_with_the_hosts_network_is_known_by_its_control_group() -> None:
    group = f"/system.slice/docker-{IDENT}.scope"
    own = hidden(listener(unit=f"docker-{IDENT}.scope", cgroup=group, uid=0, user="root"))
    verdict = diagnose(look(own, source=DENIED, identity=identity(1001), namespaces=Namespaces()))
    (holder,) = verdict.holders
    assert (holder.container, holder.chain) == (IDENT[:12], (f"container {IDENT[:12]}",))
    assert (recommended(verdict)[0], holder.known_by) == ("stop-container", ("cgroup", "uid"))
    assert {"process of the holder", f"restart policy of container {IDENT[:12]}"} == set(gaps(verdict))


@pytest.mark.parametrize(
    ("policy", "told", "again"),
    [
        ("always", "docker restart=always", True),
        ("no", None, False),
        ("on-failure", "docker restart=on-failure", False),
    ],
)
def test_what_brings_a_container_back(policy: str, told: str | None, again: bool) -> None:
    verdict = diagnose(look(proxied(), services=(shop(restart_policy=policy),)))
    assert verdict.holders[0].respawn == told
    assert any("when its engine or the host starts" in line for line in verdict.evidence) is again


def test_the_container_that_was_asked_about_holds_its_own_port() -> None:
    made = shop()
    verdict = diagnose(replace(look(proxied(), services=(made,), symptoms=(), redirects=NAT), target=made.ref))
    assert (verdict.verdict, verdict.actions) == (VerdictWord.HELD, ())
    assert verdict.summary.startswith("shop/api has its port, tcp 8080")


# 4 no listener, or the engine's


def test_the_engine_itself_keeps_the_port_for_a_container() -> None:
    engine = proxied(pids=(154,), process="dockerd")
    verdict = diagnose(look(engine, services=(shop(),), namespaces=Namespaces((), (SPACE,)), redirects=NAT))
    (holder,) = verdict.holders
    assert (holder.name, holder.container, holder.to) == ("shop/api", "shop_api_1", INSIDE)
    assert recommended(verdict)[1] == "stop shop/api, then start api.service"


def test_a_port_that_rules_alone_take_is_held() -> None:
    verdict = diagnose(look(services=(shop(),), redirects=NAT))
    (holder,) = verdict.holders
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.HIGH)
    assert (holder.name, holder.pid, holder.process, holder.to) == ("shop/api", 286, "busybox", INSIDE)
    assert holder.known_by == ("manager", "nat")
    assert verdict.clash == "none to bind; what comes is sent to 172.18.0.2:80 (shop/api)"
    name, label, intents = recommended(verdict)
    assert (name, label) == ("stop-holder", "stop shop/api, then start api.service")
    assert [intent.kind for intent in intents] == [ActionKind.STOP, ActionKind.START]
    assert f"rule: {RULE.rule}" in verdict.evidence


DOWN = "dockerd does not run behind /run/docker.sock: systemctl start docker"


def test_a_service_whose_port_goes_to_a_container_is_unreachable() -> None:
    own = listener(unit="api.service", cgroup="/system.slice/api.service", pids=(300,))
    runs = unit("api.service", pids=(300,), ports=(Endpoint("tcp", "0.0.0.0", 8080),))
    evidence = look(own, source=DOWN, redirects=NAT, symptoms=())
    evidence = replace(evidence, snapshot=replace(evidence.snapshot, services=(runs, ENGINE)))
    for target in (runs.ref, PORT):
        verdict = diagnose(replace(evidence, target=target))
        assert (verdict.verdict, verdict.confidence) == (VerdictWord.UNREACHABLE, Confidence.MEDIUM)
        assert verdict.summary == (
            "api.service listens on tcp 8080, but what comes to it from outside is sent to 172.18.0.2:80 "
            f"(container {IDENT[:12]})"
        )
        first, second = verdict.holders
        assert (first.container, first.process, second.pid) == (IDENT[:12], "busybox", 300)
        assert recommended(verdict)[0] == "stop-container"


def test_a_rule_for_another_address_takes_nothing() -> None:
    own = (HostAddress("eth0", "10.0.0.5", 24, "global"),)
    cluster = Redirects(("iptables-save",), (replace(RULE, address="10.96.0.10"),))
    assert diagnose(look(redirects=cluster, addresses=own)).verdict is VerdictWord.FREE
    narrow = Redirects(("iptables-save",), (replace(RULE, address="10.0.0.5"),))
    verdict = diagnose(look(redirects=narrow, addresses=own))
    assert (verdict.verdict, verdict.holders[0].address) == (VerdictWord.HELD, "10.0.0.5")
    assert "what comes to 10.0.0.5:8080 is sent to" in verdict.summary
    local = symptom(address="127.0.0.1")
    assert diagnose(look(redirects=NAT, symptoms=(local,))).verdict is VerdictWord.FREE


def test_the_addresses_are_asked_for_where_a_rule_names_one() -> None:
    narrow = Redirects(("iptables-save",), (replace(RULE, address="10.0.0.5"),))
    asked = [question.probe for question in needed(look(redirects=narrow, addresses=None))]
    assert asked == ["addresses"]
    assert needed(look(redirects=NAT, addresses=None)) == ()


def test_where_an_engine_may_have_made_rules_the_addresses_are_asked_for_with_them() -> None:
    bare = look(redirects=None, addresses=None)
    assert [question.probe for question in needed(bare)] == ["redirects"]
    contained = replace(bare, snapshot=replace(bare.snapshot, services=(*bare.snapshot.services, shop())))
    assert [question.probe for question in needed(contained)] == ["redirects", "addresses"]


def test_a_redirection_within_the_host_names_who_serves_it() -> None:
    behind = listener(port=9090, inode=7)
    legacy = unit("legacy.service", pids=(4112,))
    rule = replace(RULE, to_address=None, to_port=9090)
    verdict = diagnose(look(behind, services=(legacy,), redirects=Redirects(("nft",), (rule,))))
    (holder,) = verdict.holders
    assert (verdict.verdict, holder.name, holder.pid) == (VerdictWord.HELD, "legacy.service", 4112)
    assert as_text(verdict)[1] == "HELD BY  python3 pid 4112 user deploy  *:8080 -> :9090  up 1h"
    nobody = diagnose(look(redirects=Redirects(("nft",), (rule,))))
    assert (nobody.holders[0].name, recommended(nobody)[0]) == ("port 9090", "remove-redirect")
    itself = Redirects(("nft",), (replace(RULE, to_address=None, to_port=None),))
    assert diagnose(look(redirects=itself)).verdict is VerdictWord.FREE


def test_a_paused_container_has_its_port() -> None:
    paused = shop(state=State.UNKNOWN, native_state="paused")
    known: tuple[dict[str, Any], ...] = ({"target": ref()}, {"target": PORT, "symptoms": ()})
    for asked in known:
        verdict = diagnose(look(proxied(), services=(paused,), redirects=NAT, **asked))
        [holder] = verdict.holders
        assert (verdict.verdict, verdict.confidence, holder.name) == (VerdictWord.HELD, Confidence.HIGH, "shop/api")
        assert holder.container == "shop_api_1"


def test_a_container_that_is_only_known_by_its_processes_is_the_service_of_its_manager() -> None:
    verdict = diagnose(look(proxied(), services=(shop(ports=()),)))
    [holder] = verdict.holders
    assert (holder.name, holder.container) == ("shop/api", "shop_api_1")
    assert holder.chain == ("systemd", "docker.service", "docker", "compose shop", "api")
    assert holder.respawn == "docker restart=unless-stopped"
    assert recommended(verdict)[:2] == ("stop-holder", "stop shop/api, then start api.service")


@pytest.mark.parametrize("known", [Namespaces(), Namespaces((PROXY,), (SPACE,))])
def test_the_rule_of_an_engine_is_for_whom_it_listens(known: Namespaces) -> None:
    target: dict[str, Any] = {"symptoms": (), "target": PORT, "redirects": NAT, "namespaces": known}
    assert diagnose(look(proxied(), source=DENIED, **target)).verdict is VerdictWord.HELD
    assert diagnose(look(proxied(), source=DENIED, services=(shop(ports=()),), **target)).verdict is VerdictWord.HELD
    elsewhere = Redirects(("nft",), (replace(RULE, to_address="172.18.0.9"),))
    verdict = diagnose(look(proxied(), source=DENIED, **{**target, "redirects": elsewhere}))
    assert verdict.verdict is (VerdictWord.UNREACHABLE if known.proxies else VerdictWord.HELD)


DNAT = "ip nat pre dnat to tcp dport map"


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (f"{DNAT} {{ 8080 : 172.18.0.2 }}", VerdictWord.HELD),
        (f"{DNAT} {{ 80-81 : 172.18.0.2, 8443 : 172.18.0.3 . 443 }}", VerdictWord.FREE),
        (f"{DNAT} @web", VerdictWord.UNKNOWN),
        ("ip nat pre dnat ip to ip daddr . tcp dport map { 10.0.0.5 . 8080 : 10.1.0.1 . 80 }", VerdictWord.UNKNOWN),
        ("ip nat pre tcp dport @web dnat to 172.18.0.2:80", VerdictWord.UNKNOWN),
        ("ip nat pre tcp dport vmap { 8080 : jump web }", VerdictWord.UNKNOWN),
        ("ip nat pre tcp dport vmap { 8081 : jump web }", VerdictWord.FREE),
        ("ip nat pre tcp dport 8080 dnat to numgen inc mod 2 map { 0 : 10.0.0.1 }", VerdictWord.UNKNOWN),
        ("ip nat pre ip daddr 203.0.113.5 dnat to 10.0.0.5", VerdictWord.FREE),
        ("ip nat pre meta l4proto udp udp dport 8080 meta l4proto tcp dnat to 10.0.0.5", VerdictWord.FREE),
        ("ip nat pre udp dport @ports dnat to 10.0.0.5", VerdictWord.FREE),
        ("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2", VerdictWord.UNKNOWN),
        ("-A PREROUTING -p udp -j DNAT --to-destination 10.0.0.2", VerdictWord.FREE),
        ("-A PREROUTING -p tcp -m set --match-set web dst -j DNAT --to-destination 10.0.0.2", VerdictWord.UNKNOWN),
        ("-A PREROUTING -d 203.0.113.5/32 -j DNAT --to-destination 10.0.0.5", VerdictWord.FREE),
    ],
)
def test_nothing_is_called_free_where_a_rule_that_is_not_understood_may_take_it(rule: str, found: VerdictWord) -> None:
    tool = "iptables-save" if rule.startswith("-A") else "nft"
    told = redirects.parse(f"tool {tool}\n{rule}")
    verdict = diagnose(replace(look(redirects=told, symptoms=()), target=PORT))
    assert verdict.verdict is found
    gap = gaps(verdict).get("whether a rule sends 8080 elsewhere (NAT)")
    assert (gap is not None) is (found is VerdictWord.UNKNOWN)
    if gap is not None:
        assert rule[:60] in gap
        assert f"rule, not understood: {rule}" in verdict.evidence


# What is only inside


def test_a_port_that_is_only_listened_on_inside_is_free_on_the_host() -> None:
    target = Endpoint("tcp", "*", 80)
    verdict = diagnose(replace(look(services=(shop(ports=(), wants=()),), symptoms=()), target=target))
    assert (verdict.verdict, verdict.verdict.fine) == (VerdictWord.HELD_IN_CONTAINER, True)
    (holder,) = verdict.holders
    assert (holder.name, holder.container, holder.endpoint) == ("shop/api", "shop_api_1", INSIDE)
    assert (holder.pid, holder.process, holder.connections) == (286, "busybox", 3)
    assert "no clash" in verdict.summary
    text = as_text(verdict)
    assert "INSIDE   container shop_api_1 (busybox pid 286)  172.18.0.2:80  up 10m" in text
    assert not any(line.startswith(("RESPAWN", "HELD BY")) for line in text)


def test_a_service_that_wants_it_can_be_started() -> None:
    inside = replace(SPACE, listeners=(Listener("tcp", "::", 8080, inode=2),))
    verdict = diagnose(look(source=DENIED, identity=identity(1001), namespaces=Namespaces((), (inside,))))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD_IN_CONTAINER, Confidence.MEDIUM)
    assert verdict.holders[0].name == f"container {IDENT[:12]}"
    assert recommended(verdict)[0] == "start"


def test_a_masked_service_is_not_said_to_be_startable() -> None:
    inside = replace(SPACE, listeners=(Listener("tcp", "::", 8080, inode=2),))
    evidence = look(namespaces=Namespaces((), (inside,)))
    masked = replace(evidence.snapshot, services=(failed(enabled="masked"), ENGINE))
    verdict = diagnose(replace(evidence, snapshot=masked))
    assert verdict.verdict is VerdictWord.HELD_IN_CONTAINER
    assert verdict.summary.endswith("which is no clash")
    assert [way.id for way in verdict.actions] == ["unmask"]


def test_who_listens_inside_does_not_hold_a_port_of_which_not_all_was_seen() -> None:
    evidence = look(services=(shop(ports=(), wants=()),), symptoms=(), redirects=None)
    verdict = diagnose(replace(evidence, target=Endpoint("tcp", "*", 80)))
    assert (verdict.verdict, verdict.inside) == (VerdictWord.UNKNOWN, True)
    text = as_text(verdict)
    assert "INSIDE   container shop_api_1 (busybox pid 286)  172.18.0.2:80  up 10m" in text
    assert not any(line.startswith(("RESPAWN", "HELD BY")) for line in text)
    shown = verdict_block(verdict, scenes.CLOCK, lambda _way: None)
    drawn = {line.key for line in shown if isinstance(line, Entry)}
    assert "INSIDE" in drawn
    assert not drawn & {"RESPAWN", "HELD BY"}


def test_a_container_that_publishes_nothing_is_said_to_listen_inside() -> None:
    alone = shop(ports=(), wants=())
    verdict = diagnose(replace(look(services=(alone,), symptoms=()), target=alone.ref))
    assert (verdict.verdict, verdict.port) == (VerdictWord.HELD_IN_CONTAINER, 80)
    assert "tcp 80 only inside its own network" in verdict.summary


def test_what_systemd_gave_up_on_is_said_first() -> None:
    inside = replace(SPACE, listeners=(Listener("tcp", "::", 8080, inode=2),))
    evidence = look(namespaces=Namespaces((), (inside,)))
    gave_up = failed(result="start-limit-hit")
    verdict = diagnose(replace(evidence, snapshot=replace(evidence.snapshot, services=(gave_up,))))
    assert verdict.verdict is VerdictWord.START_LIMIT


# What may not be seen


def test_refused_looks_are_told() -> None:
    refused = (Refusal("redirects", "needs root"), Refusal("namespaces", "hidden (hidepid)"))
    verdict = diagnose(look(source=DENIED, identity=identity(1001), namespaces=None, redirects=None, refused=refused))
    assert verdict.verdict is VerdictWord.UNKNOWN
    told = gaps(verdict)
    assert told["rules that send the port elsewhere (NAT)"] == "needs root"
    assert told["other networks of this host"] == "hidden (hidepid)"
    assert told["containers that publish 8080 when they are started"].startswith(DENIED)


NEEDS_ROOT = "needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/sbin/iptables-save"


@pytest.mark.parametrize(
    ("unread", "why", "what"),
    [
        ({"redirects": None, "refused": (Refusal("redirects", NEEDS_ROOT),)}, "needs root", "rules"),
        ({"redirects": Redirects(("nft",), refused=NEEDS_ROOT)}, "needs root", "other rules"),
        ({"redirects": None}, "not asked yet", "rules"),
    ],
)
@pytest.mark.parametrize("cgroup", [f"/system.slice/docker-{IDENT}.scope", "/system.slice/private.service"])
def test_nothing_is_called_free_where_rules_alone_may_take_it(
    cgroup: str, unread: dict[str, Any], why: str, what: str
) -> None:
    space = replace(SPACE, processes=(replace(SPACE.processes[0], cgroup=cgroup),))
    evidence = look(identity=identity(1001), namespaces=Namespaces((), (space,)), **unread)
    verdict = diagnose(evidence)
    assert (verdict.verdict, verdict.confidence, verdict.fine) == (VerdictWord.UNKNOWN, Confidence.LOW, False)
    told = f"{what} that send the port elsewhere (NAT)"
    assert verdict.summary == f"nobody is seen on tcp 8080; not checked: {told}: {why}"
    assert told in gaps(verdict)
    assert diagnose(replace(evidence, redirects=Redirects(), refused=())).verdict is VerdictWord.FREE


def test_to_stop_who_is_behind_a_rule_of_a_person_frees_nothing() -> None:
    """Clients would be sent there all the same: the rule is to go."""
    rule = Redirect("tcp", ((8080, 8080),), None, 9090, rule="ip own pre tcp dport 8080 redirect to :9090")
    behind = listener(port=9090, pids=(900,), unit="ninety.service", cgroup="/system.slice/ninety.service")
    ninety = unit("ninety.service", pids=(900,))
    mine = (HostAddress("eth0", "10.0.0.5", 24, "global"),)
    known: dict[str, Any] = {"redirects": Redirects(("nft",), (rule,)), "namespaces": Namespaces(), "addresses": mine}
    verdict = diagnose(look(behind, services=(ninety,), **known))
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD, "ninety.service")
    way = verdict.actions[0]
    assert (way.id, way.intents, way.recommended) == ("remove-redirect", (), True)
    assert way.label == "remove the rule that sends 8080 to ninety.service"
    assert not any(one.id == "stop-holder" for one in verdict.actions)


def test_a_container_that_its_engine_does_not_publish_is_not_stopped_for_a_rule_of_a_person() -> None:
    verdict = diagnose(look(services=(shop(ports=()),), redirects=NAT, namespaces=Namespaces((), (SPACE,))))
    assert verdict.holders[0].name == "shop/api"
    assert verdict.actions[0].id == "remove-redirect"
    verdict = diagnose(look(services=(shop(),), redirects=NAT, namespaces=Namespaces((), (SPACE,))))
    assert verdict.actions[0].id == "stop-holder"
