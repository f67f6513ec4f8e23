"""The port map over plain values: what fits, what does not, and what is nobody's business."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.core.declaration import Declaration, Declared
from console.core.network import Listener
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.diagnosis import Evidence, VerdictWord, as_text, diagnose
from console.diagnosis.boots import starts_with_host
from console.diagnosis.drift import drifts, stable_ports
from console.diagnosis.portmap import Entry, Fit, port_map
from console.findings import evaluate
from console.managers.kubernetes_ports import PORTS, ClusterPorts, given
from console.probes.redirects import Redirects
from tests.diagnosis.factories import HOST, failed, listener, ref, snapshot, symptom, unit
from tests.probes.recorded import read

OTHER = "127.0.0.1"
NEXT = Endpoint("tcp", "*", 8081)
RECORDED = Path(__file__).parent.parent / "managers" / "recorded"


def claim(service: str, port: int = 8080, address: str = "*", **more: Any) -> Declaration:
    where = more.pop("where", f"/etc/{service}:3")
    return Declaration(service, Endpoint("tcp", address, port), where, more.pop("manager", "systemd"), **more)


def host(
    services: tuple[Service, ...], declared: tuple[Declaration, ...], listeners: tuple[Listener, ...] = (), **more: Any
) -> Snapshot:
    return snapshot(services=services, listeners=listeners, declared=Declared(declared), **more)


def only(seen: Snapshot, port: int = 8080) -> Entry:
    [entry] = [one for one in port_map(seen) if one.port == port]
    return entry


API, LEGACY = unit("api.service", pids=(7,)), unit("legacy.service", pids=(4112,))
UP = replace(API, ports=(Endpoint("tcp", "0.0.0.0", 8080),))
STOPPED = unit("api.service", State.STOPPED, since=None)
OWN = listener(pids=(7,), unit="api.service", cgroup="/system.slice/api.service")


def test_what_is_declared_and_there_needs_no_word() -> None:
    entry = only(host((UP,), (claim("api.service"),), (OWN,)))
    assert (entry.fit, entry.summary, entry.services) == (Fit.DECLARED, "", (API.ref,))


@pytest.mark.parametrize(
    ("service", "when"),
    [(API, "next start"), (failed(), "now"), (unit("api.service", State.FLAPPING), "now"),
     (replace(STOPPED, enabled="enabled"), "next start")],
)  # fmt: skip
def test_a_declaration_against_another_holder_clashes(service: Service, when: str) -> None:
    entry = only(host((service, LEGACY), (claim("api.service"),), (listener(),)))
    assert (entry.fit, entry.when) == (Fit.CLASH, when)
    assert entry.summary == "api.service declares it (/etc/api.service:3), but legacy.service has it"
    assert entry.services == (ref(), LEGACY.ref)


@pytest.mark.parametrize(
    "declared",
    [
        claim("api.service", sure=False),
        claim("api.service", 8079, last=8081, choice=True),
        claim("api.service", address="127.0.0.2"),
        claim("gone.service"),
        claim("api", manager="supervisord"),
        claim("legacy.service"),
    ],
)
def test_what_is_no_clash(declared: Declaration) -> None:
    held = listener(OTHER) if declared.endpoint.address != "*" else listener()
    assert only(host((API, LEGACY), (declared,), (held,))).fit is not Fit.CLASH


def test_who_is_down_and_stays_down_clashes_with_nobody() -> None:
    assert only(host((STOPPED, LEGACY), (claim("api.service"),), (listener(),))).fit is not Fit.CLASH


def test_one_line_that_two_services_read_says_not_who_listens() -> None:
    shared = (claim("api.service", where="/srv/.env:1"), claim("legacy.service", where="/srv/.env:1"))
    services = (replace(API, enabled="enabled"), replace(LEGACY, enabled="enabled"))
    entry = only(host(services, shared, (listener(),)))
    assert entry.fit is Fit.DECLARED
    assert evaluate(host(services, shared, (listener(),))) == ()


def test_a_container_that_a_unit_runs_has_the_port_for_it() -> None:
    box = Service(ServiceRef(HOST, "docker", "box"), State.RUNNING, "up", pids=(4112,), chain=("docker", "box"))
    entry = only(host((API, box), (claim("api.service", text="-p 8080:80"),), (listener(unit=None, cgroup=None),)))
    assert entry.fit is Fit.DECLARED


def test_two_that_start_with_the_host_clash_at_the_next_boot() -> None:
    services = (replace(UP, enabled="enabled"), unit("legacy.service", State.STOPPED, enabled="enabled"))
    declared = (claim("api.service"), claim("legacy.service"))
    seen = host(services, declared, (OWN,))
    entry = only(seen)
    assert (entry.fit, entry.when) == (Fit.CLASH, "next boot")
    [finding] = [one for one in evaluate(seen) if one.port]
    assert (finding.code, finding.subject) == ("port-claimed-twice", f"{HOST}/systemd:legacy.service")
    assert finding.concerns(API.ref)
    apart = (claim("api.service", address=OTHER), claim("legacy.service", address="127.0.0.2"))
    assert only(host(services, apart, ())).fit is not Fit.CLASH
    # While one of them already fails for it that is told, and not twice.
    down = host((failed("legacy.service", enabled="enabled"), services[0]), declared, (OWN,),
                symptoms=(replace(symptom(), ref=ref("legacy.service")),))  # fmt: skip
    assert [one.code for one in evaluate(down) if one.port] == ["port-held"]


def test_one_that_leaves_ipv4_to_others_clashes_with_nobody_there() -> None:
    services = (unit("nginx.service", enabled="enabled"), replace(UP, enabled="enabled"))
    six = Endpoint("tcp", "::", 8080, v6only=True)
    apart = (replace(claim("nginx.service"), endpoint=six), claim("api.service", address="0.0.0.0"))
    assert only(host(services, apart)).fit is not Fit.CLASH
    both = (claim("nginx.service", address="::"), claim("api.service", address="0.0.0.0"))
    assert only(host(services, both)).fit is Fit.CLASH
    # What no file tells is seen while both have it.
    has = replace(services[0], ports=(Endpoint("tcp", "::", 8080),))
    assert only(host((has, services[1]), both)).fit is not Fit.CLASH


def test_a_socket_unit_and_what_it_starts_are_one() -> None:
    socket = unit("chat.socket", enabled="enabled")
    chat = unit("chat.service", enabled="enabled", triggered_by=("chat.socket",))
    declared = (claim("chat.socket"), claim("chat.service"))
    assert only(host((socket, chat), declared)).fit is not Fit.CLASH


def test_declared_for_this_host_and_open_to_others() -> None:
    entry = only(host((UP,), (claim("api.service", address=OTHER),), (OWN,)))
    assert (entry.fit, entry.summary) == (Fit.EXPOSED, "declared for 127.0.0.1 (/etc/api.service:3), open at 0.0.0.0")
    both = (claim("api.service", address=OTHER), claim("api.service", address="0.0.0.0", where="/b:1"))
    assert only(host((UP,), both, (OWN,))).fit is Fit.DECLARED


def test_who_listens_where_nothing_says_so() -> None:
    stray = listener(unit="session-1.scope", cgroup="/user.slice/x", pids=(9,))
    assert (only(host((API,), (), (stray,))).fit, only(host((UP,), (), (OWN,))).fit) == (Fit.UNDECLARED, Fit.UNREAD)
    more = only(host((UP,), (claim("api.service", 80),), (OWN,)))
    assert (more.fit, more.summary) == (Fit.UNDECLARED, "api.service declares 80 and listens here too")
    # containerd and the like listen on whatever port the kernel gives them.
    passing = replace(OWN, address=OTHER, port=46491)
    assert only(host((UP,), (claim("api.service", 80),), (passing,)), 46491).fit is Fit.UNREAD


def test_declared_and_nobody_listens() -> None:
    assert only(host((API,), (claim("api.service"),))).fit is Fit.MISSING
    young = replace(API, since=1_800_000_000.0 - 5)
    assert only(host((young,), (claim("api.service"),))).fit is Fit.IDLE
    assert only(host((STOPPED,), (claim("api.service"),))).fit is Fit.IDLE
    assert only(host((API,), (claim("api.service", sure=False),))).fit is Fit.IDLE
    published = replace(API, ports=(Endpoint("tcp", "0.0.0.0", 8080),))
    assert only(host((published,), (claim("api.service"),))).fit is Fit.IDLE
    blind = host((API,), (claim("api.service"),), link=Link(LinkState.STALE, 1.0))
    assert only(blind).fit is Fit.IDLE


def test_a_range_is_each_of_its_ports() -> None:
    seen = host((API,), (claim("api.service", 8080, last=8082),))
    assert [one.port for one in port_map(seen)] == [8080, 8081, 8082]


def test_what_a_manager_tells_counts_where_no_file_does() -> None:
    wanting = replace(API, wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    [told] = only(host((wanting,), ())).declared_by
    assert told.where == "systemd unit api.service"
    [found] = only(host((wanting,), (claim("api.service"),))).declared_by
    assert found.where == "/etc/api.service:3"


@pytest.mark.parametrize(
    ("service", "starts"),
    [
        (unit("a.service", enabled="enabled"), True),
        (unit("a.service", enabled="static"), False),
        (Service(ServiceRef(HOST, "supervisord", "w"), State.STOPPED, "STOPPED", enabled="enabled",
                 chain=("systemd", "on.service", "w")), True),
        (Service(ServiceRef(HOST, "supervisord", "w"), State.RUNNING, "RUNNING", enabled="enabled",
                 chain=("systemd", "off.service", "w")), False),
        (Service(ServiceRef(HOST, "docker", "b"), State.STOPPED, "exited", restart_policy="always",
                 chain=("systemd", "on.service", "b")), True),
        (Service(ServiceRef(HOST, "docker", "b"), State.STOPPED, "exited", restart_policy="unless-stopped",
                 chain=("systemd", "on.service", "b")), False),
        (Service(ServiceRef(HOST, "docker", "b"), State.RUNNING, "up", restart_policy="no",
                 chain=("systemd", "on.service", "b")), False),
        (Service(ServiceRef(HOST, "pm2", "p"), State.RUNNING, "online", chain=("systemd", "on.service", "p")), True),
    ],
)  # fmt: skip
def test_who_starts_with_the_host(service: Service, starts: bool) -> None:
    around = (unit("on.service", enabled="enabled"), unit("off.service", enabled="disabled"))
    assert starts_with_host(service, around) is starts


def told(name: str, *ports: int, **more: Any) -> Snapshot:
    service = unit("api.service", ports=tuple(Endpoint("tcp", "::", port) for port in ports), **more)
    return replace(snapshot(services=(replace(service, ref=replace(service.ref, host=name)),)), host=name)


def test_one_of_several_hosts_drifts() -> None:
    fleet = [told("a", 80, 40000), told("b", 80), told("c", 81)]
    [drift] = drifts(map(stable_ports, fleet))
    assert (drift.host, drift.summary) == ("c", "api.service has tcp 81 here, tcp 80 on 2 other hosts")
    assert drifts(map(stable_ports, fleet[:2])) == ()
    assert drifts(map(stable_ports, [*fleet, told("d", 82)])) == ()
    stopped = replace(fleet[2].services[0], state=State.STOPPED)
    assert drifts(map(stable_ports, [*fleet[:2], replace(fleet[2], services=(stopped,))])) == ()


def test_nginx_twice_and_rivals_in_words() -> None:
    first, second = (claim("nginx.service", 80, where="/etc/nginx/a.conf:2", text=text) for text in ("80", "*:80"))
    seen = snapshot(services=(failed("nginx.service"),), declared=Declared((first,), twice=((first, second),)))
    verdict = diagnose(Evidence(seen, ref("nginx.service"), sockets=()))
    assert (verdict.verdict, verdict.port) == (VerdictWord.DUPLICATE, 80)
    assert "'80' and '*:80' (/etc/nginx/a.conf:2)" in verdict.summary
    rivals = host((STOPPED, unit("legacy.service", State.STOPPED)), (claim("api.service"), claim("legacy.service"),
                  claim("shop/web", 8080, manager="compose", choice=True, last=8081)))  # fmt: skip
    verdict = diagnose(Evidence(rivals, Endpoint("tcp", "*", 8080), sockets=(), redirects=Redirects(("nft",))))
    assert verdict.verdict is VerdictWord.DUPLICATE
    assert "shop" not in verdict.summary
    text = as_text(verdict)
    assert any(line.startswith("DECLARED api.service (/etc/api.service:3), ") for line in text)


def test_a_perhaps_is_told_and_decides_nothing() -> None:
    perhaps = host((STOPPED,), (claim("api.service", sure=False),))
    verdict = diagnose(
        Evidence(perhaps, Endpoint("tcp", "*", 8080), sockets=(), bound=(), redirects=Redirects(("nft",)))
    )
    assert verdict.verdict is VerdictWord.FREE
    assert "DECLARED api.service (perhaps /etc/api.service:3)" in as_text(verdict)
    asked = diagnose(Evidence(perhaps, STOPPED.ref, sockets=()))
    assert (asked.verdict, asked.port) == (VerdictWord.UNKNOWN, None)


CLUSTER = PORTS.parse(read(RECORDED / "cluster-ports.txt").output)
"""``hostPort`` 8080 of a pod of shop/deploy/api, 9100 of one with the network of the host, and two node ports."""
GIVEN = given(CLUSTER)
WORKLOAD = Service(ServiceRef(HOST, "kubernetes", "shop/deploy/api"), State.RUNNING, "1/1 ready", since=0.0)


def node(services: tuple[Service, ...] = (), listeners: tuple[Listener, ...] = (), **more: Any) -> Snapshot:
    return replace(host((*services, WORKLOAD), more.pop("declared", ()), listeners, **more), given=GIVEN)


def test_what_a_cluster_gives_away_is_declared_and_needs_no_listener() -> None:
    entries = {(one.protocol, one.port): one for one in port_map(node())}
    assert entries.keys() == {("tcp", 8080), ("udp", 5353), ("tcp", 9100), ("tcp", 30080), ("tcp", 30081)}
    assert {(one.fit, one.summary) for one in entries.values()} == {(Fit.DECLARED, "")}
    assert entries["tcp", 8080].services == (WORKLOAD.ref,)
    assert entries["tcp", 30080].declared_by[0].service == "service shop/web"


@pytest.mark.parametrize("port", [8080, 30080])
def test_who_listens_on_a_port_that_the_cluster_gives_away_clashes(port: int) -> None:
    held = replace(OWN, port=port)
    api = replace(API, ports=(Endpoint("tcp", "0.0.0.0", port),))
    entry = only(node((api,), (held,), declared=(claim("api.service", port),)), port)
    assert (entry.fit, entry.when) == (Fit.CLASH, "now")
    gift = next(one for one in GIVEN if one.endpoint.port == port)
    assert entry.summary == f"api.service listens on it, but the cluster gives it to {gift.service} ({gift.where})"
    assert entry.services == (api.ref, *((WORKLOAD.ref,) if port == 8080 else ()))
    # The same of one that nobody started as a service.
    stray = replace(held, unit=None, cgroup="/user.slice/user-1000.slice/session-3.scope", process="node")
    assert only(node((), (stray,)), port).summary.startswith("node listens on it, but the cluster gives it to ")


@pytest.mark.parametrize(
    ("service", "when"),
    [(failed(), "now"), (API, "next start"), (replace(STOPPED, enabled="enabled"), "next start"), (STOPPED, None)],
)
def test_who_declares_a_port_that_the_cluster_gives_away_clashes(service: Service, when: str | None) -> None:
    entry = only(node((service,), declared=(claim("api.service", 30080),)), 30080)
    assert (entry.fit, entry.when) == (Fit.CLASH if when else Fit.DECLARED, when)
    if when:
        assert entry.summary == (
            "api.service declares it (/etc/api.service:3), but the cluster gives it to service shop/web "
            "(nodePort of service shop/web (NodePort))"
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"process": "kube-proxy", "unit": "kube-proxy.service", "cgroup": "/system.slice/kube-proxy.service"},
        {"process": None, "pids": (), "unit": "k3s.service", "cgroup": "/system.slice/k3s.service"},
        {"process": "agent", "unit": "cri-containerd-1.scope", "cgroup": "/kubepods.slice/kubepods-pod1.slice/x.scope"},
    ],
)
def test_a_part_of_the_cluster_that_keeps_its_port_is_as_declared(changes: dict[str, Any]) -> None:
    for port in (8080, 30080):
        entry = only(node((), (replace(OWN, port=port, **changes),)), port)
        assert (entry.fit, entry.summary) == (Fit.DECLARED, "")


@pytest.mark.parametrize(
    "found",
    [
        replace(CLUSTER, node=None),
        replace(CLUSTER, guessed=True, pods=()),
        replace(CLUSTER, services=(), pods=(replace(CLUSTER.pods[0], phase="Succeeded"),)),
    ],
    ids=["no-node", "perhaps-no-node", "a-pod-that-ended"],
)
def test_what_is_not_given_away_here_is_not_declared(found: ClusterPorts) -> None:
    assert given(found) == ()


def test_the_next_free_port_is_none_that_the_cluster_gives_away() -> None:
    seen = replace(node((failed(),), (listener(),), symptoms=(symptom(),)), given=(replace(GIVEN[0], endpoint=NEXT),))
    verdict = diagnose(Evidence(seen, ref(), processes=(), sockets=(), bound=(), redirects=Redirects(("nft",))))
    assert any("8082" in one.label for one in verdict.actions), verdict.actions
