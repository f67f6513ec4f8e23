"""What holds for every evidence, however odd."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.command import Command
from console.core.network import Listener, Process, Socket
from console.core.overlap import is_loopback, overlaps
from console.core.reach import Attempt, Reached, Vantage
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, LogLine, Snapshot, Source, Symptom
from console.diagnosis import Evidence, Refusal, VerdictWord, as_json, as_markdown, as_text, diagnose, needed
from console.diagnosis.as_text import columns
from console.findings import evaluate
from console.probes.addresses import HostAddress
from console.probes.confinement import Confinement
from console.probes.denials import Denials
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespace, Namespaces, Proxy
from console.probes.reach import Connected
from console.probes.redirects import Redirect, Redirects

from .factories import HOST, NOW, identity, ref, sample, snapshot, symptom, unit

NAMES = (
    "api.service",
    "legacy.service",
    "echo.socket",
    "ssh.service",
    "docker.service",
    "a;touch x.service",
    "shop",
    "x\u202e",
)
ADDRESSES = ("0.0.0.0", "127.0.0.1", "::", "*", "::1", "::ffff:127.0.0.1", "fe80::1", "192.0.2.1")
PORTS = (22, 80, 8080, 45000)
PIDS = (1, 7, 4112)

names = st.sampled_from(NAMES)
addresses = st.sampled_from(ADDRESSES)
ports = st.sampled_from(PORTS)
pids = st.lists(st.sampled_from(PIDS), max_size=2, unique=True).map(lambda found: tuple(sorted(found)))
protocols = st.sampled_from(["tcp", "udp"])
endpoints = st.builds(Endpoint, protocols, addresses, ports)
maybe_names = st.none() | names | st.sampled_from(["session-3.scope", "init.scope"])
processes_names = st.sampled_from([None, "python3", "docker-proxy", "sshd", "systemd", "p" * 60, "`[/x]`"])


def services_named(name: str) -> st.SearchStrategy[Service]:
    def build(state: State, **changes: object) -> Service:
        made = unit(name, state)
        if name.startswith("shop"):
            port = Endpoint("tcp", "0.0.0.0", 8080)
            made = replace(made, ref=replace(made.ref, manager="docker"), members=(name,), ports=(port,))
        return replace(made, **changes)  # type: ignore[arg-type]

    return st.builds(
        build,
        st.sampled_from(State),
        pids=pids,
        restarts=st.none() | st.integers(0, 9),
        result=st.sampled_from([None, "exit-code", "start-limit-hit", "oom-kill"]),
        restart_policy=st.sampled_from([None, "always", "on-failure", "on-abort", "unless-stopped"]),
        wants=st.lists(endpoints, max_size=2).map(tuple),
        triggered_by=st.sampled_from([(), ("echo.socket",)]),
        since=st.none() | st.floats(NOW - 1e6, NOW),
        user=st.sampled_from([None, "root", "deploy"]),
    )


listeners = st.builds(
    Listener,
    protocols,
    addresses,
    ports,
    inode=st.none() | st.integers(1, 9),
    uid=st.none() | st.sampled_from([0, 990]),
    pids=pids,
    process=processes_names,
    unit=maybe_names,
    cgroup=st.none() | st.sampled_from(["/init.scope", "/system.slice/legacy.service", "/user.slice/u/x.service"]),
    v6only=st.sampled_from([None, True, False]),
    interface=st.sampled_from([None, "eth0"]),
)
sockets = st.builds(
    Socket,
    st.just("tcp"),
    st.sampled_from(["ESTAB", "TIME-WAIT", "CLOSE-WAIT", "UNCONN"]),
    addresses,
    ports,
    addresses,
    st.sampled_from([0, 22, 443, 51234]),
    pids,
    processes_names,
    timer=st.sampled_from([None, "timewait,42sec,0", "timewait,1min2sec,0", "keepalive,9sec,0", "?"]),
)
attempts = st.builds(Attempt, st.sampled_from(Vantage), addresses, ports, st.sampled_from(Reached), st.just("no"))
symptoms = st.builds(
    Symptom,
    names.map(ref),
    st.sampled_from(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]),
    st.text(max_size=40),
    st.none() | endpoints,
    st.none() | st.floats(NOW - 1e5, NOW),
    st.integers(1, 9),
)

inner_addresses = st.sampled_from(["172.17.0.2", "172.17.0.3", "192.0.2.1"])
proxies = st.builds(
    Proxy,
    st.just(246),
    st.just("docker-proxy"),
    protocols,
    addresses,
    ports,
    inner_addresses,
    st.sampled_from([80, 22]),
)
spaces = st.builds(
    Namespace,
    st.integers(1, 3),
    st.lists(inner_addresses, max_size=2, unique=True).map(tuple),
    st.lists(listeners, max_size=2).map(tuple),
    st.lists(
        st.builds(
            Process,
            st.sampled_from(PIDS),
            st.just("x"),
            cgroup=st.sampled_from([None, "/system.slice/legacy.service", f"/system.slice/docker-{'a' * 64}.scope"]),
        ),
        max_size=2,
    ).map(tuple),
)
redirects = st.builds(
    Redirect,
    st.none() | protocols,
    ports.map(lambda port: ((port, port),)) | st.just(()),
    st.none() | inner_addresses,
    st.none() | ports,
    st.none() | addresses,
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    source = draw(sources)
    return snapshot(
        services=tuple(draw(services[name]) for name in draw(several_names)),
        listeners=draw(several_listeners),
        symptoms=draw(several_symptoms),
        link=Link(draw(link_states), 1.0),
        sources=(source,) if source is not None else (),
        identity=draw(identities),
        sample=draw(samples),
    )


# A strategy that is made anew for each example costs more than what it draws.
services = {name: services_named(name) for name in NAMES}
several_names = st.lists(names, max_size=4, unique=True)
several_listeners = st.lists(listeners, max_size=4).map(tuple)
several_symptoms = st.lists(symptoms, max_size=2).map(tuple)
link_states = st.sampled_from(LinkState)
sources = st.sampled_from([Source("listeners", 1.0), Source("listeners", 1.0, "late"), None])
identities = st.sampled_from([None, identity(), identity(1001)])
samples = st.sampled_from([None, sample(), sample(wall=None)])
unlisted = st.builds(
    Socket, st.just("tcp"), st.just("BOUND"), st.just("*"), st.just(0), st.just("*"), st.just(0), pids, processes_names
)
evidences = st.builds(
    Evidence,
    snapshots(),
    names.map(ref) | endpoints,
    processes=st.none() | st.lists(st.builds(Process, st.sampled_from(PIDS), st.just("x")), max_size=2).map(tuple),
    sockets=st.none() | st.lists(sockets, max_size=3).map(tuple),
    bound=st.none() | st.lists(sockets, max_size=1).map(tuple),
    unlisted=st.none() | st.lists(unlisted, max_size=2).map(tuple),
    attempts=st.lists(attempts, max_size=2).map(tuple),
    connected=st.none() | st.builds(Connected, st.sampled_from(Reached), st.just("no")),
    confinement=st.sampled_from([None, Confinement(), Confinement(bind_deny=("any",), selinux="enforcing")]),
    limits=st.sampled_from([None, PortLimits(), PortLimits(80, 8081, 9000, ((8081, 8090),))]),
    addresses=st.sampled_from([None, (), (HostAddress("eth0", "192.0.2.1", 24, "global"),)]),
    journal=st.sampled_from([None, (), (LogLine(HOST, "api.service", "journal", "x", at=NOW, pid=7),)]),
    refused=st.sampled_from([(), (Refusal("sockets", "no"),), (Refusal("journal", "no right"),)]),
    namespaces=st.none()
    | st.builds(Namespaces, st.lists(proxies, max_size=2).map(tuple), st.lists(spaces, max_size=2).map(tuple)),
    redirects=st.none() | st.builds(Redirects, st.just(("nft",)), st.lists(redirects, max_size=2).map(tuple)),
)


@settings(max_examples=150, deadline=None)
@given(evidences)
def test_a_verdict_is_never_free_by_ignorance_and_always_fits(evidence: Evidence) -> None:
    verdict = diagnose(evidence, lambda intent: (Command((str(intent.kind),)),))
    if verdict.verdict in (VerdictWord.FREE, VerdictWord.START_LIMIT):
        assert verdict.wanted is not None
        assert not [one for one in evidence.snapshot.listeners if overlaps(verdict.wanted, one)]
        assert evidence.listeners_gap() is None
        assert evidence.sockets is not None
        free = verdict.verdict is VerdictWord.FREE
        assert not free or verdict.protocol == "udp" or evidence.knows_bound
        assert not free or evidence.redirects is not None or is_loopback(verdict.wanted.address)
    lines = as_text(verdict)
    assert len(lines) <= 16
    assert all(columns(line) <= 80 for line in lines)
    json.dumps(as_json(verdict))
    assert as_markdown(verdict)
    assert [one.recommended for one in verdict.actions].count(True) <= 1


@settings(max_examples=150, deadline=None)
@given(evidences)
def test_nothing_is_ever_proposed_against_pid_1_docker_or_the_way_in(evidence: Evidence) -> None:
    for action in diagnose(evidence).actions:
        targets = {intent.target.name for intent in action.intents if intent.kind == "stop"}
        assert not targets & {"ssh.service", "docker.service"}
        assert not any(command.startswith("kill") and command.endswith(" 1") for command in action.commands)
        assert not any(";touch" in command and "'" not in command for command in action.commands)


@settings(max_examples=150, deadline=None)
@given(evidences)
def test_questions_end(evidence: Evidence) -> None:
    """Whatever is asked and refused is not asked again."""
    for _ in range(4):
        questions = needed(evidence)
        if not questions:
            return
        refused = tuple(Refusal(question.probe, "no") for question in questions)
        evidence = replace(evidence, refused=(*evidence.refused, *refused))
    assert not needed(evidence)


ANSWERS: dict[str, object] = {
    "sockets": (),
    "bound": (),
    "unlisted": (),
    "limits": PortLimits(),
    "addresses": (),
    "processes": (),
    "journal": (),
    "nftables": (),
    "iptables": (),
    "ip6tables": (),
    "confinement": Confinement(),
    "audit_denials": Denials(0.0),
    "kernel_denials": Denials(0.0),
    "port_labels": (),
    "namespaces": Namespaces(),
    "redirects": Redirects(("nft",)),
    "connected": Connected(Reached.ANSWERS),
}
"""A host on which nobody is: what each look would tell."""
FIELDS = {"process": "processes", "user_journal": "journal", "reach": "connected"}
OCCUPANCY = ("listeners", "sockets", "bound")
"""The looks without which nobody can be said not to be there; ``unlisted`` stands in for ``bound``."""


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([Endpoint("tcp", "*", 8080), Endpoint("tcp", "0.0.0.0", 80), Endpoint("udp", "*", 53), ref()]),
    st.sampled_from(State),
    st.sampled_from(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL", None]),
    st.sets(st.sampled_from([*ANSWERS, *FIELDS, "listeners"])),
)
def test_no_port_is_free_while_a_needed_look_was_refused(
    target: Endpoint | ServiceRef, state: State, errno: str | None, refuses: set[str]
) -> None:
    """Ask as the console does, with any of the looks refused, on a host where nobody has the port."""
    told = (replace(symptom(errno), at=NOW - 100),) if errno is not None else ()
    made = snapshot(services=(unit("api.service", state, wants=(Endpoint("tcp", "0.0.0.0", 8080),)),), symptoms=told)
    if "listeners" in refuses:
        made = replace(made, sources=())
    evidence = Evidence(made, target)
    asked: set[str] = set()
    for _ in range(6):
        questions = needed(evidence)
        asked |= {question.probe for question in questions}
        for question in questions:
            field = FIELDS.get(question.probe, question.probe)
            if question.probe in refuses or question.probe == "listeners":
                evidence = replace(evidence, refused=(*evidence.refused, Refusal(question.probe, "no right")))
            elif field in ANSWERS:
                evidence = replace(evidence, **{field: ANSWERS[field]})  # type: ignore[arg-type]
    verdict = diagnose(evidence)
    missing = {probe for probe in OCCUPANCY if probe in refuses and (probe in asked or probe == "listeners")}
    if "bound" in missing and "unlisted" not in refuses:
        missing.discard("bound")
    if verdict.verdict is VerdictWord.FREE:
        assert not missing
        assert verdict.wanted is not None
        assert "redirects" not in refuses or is_loopback(verdict.wanted.address)
    if missing and verdict.verdict in (VerdictWord.UNKNOWN, VerdictWord.START_LIMIT):
        assert verdict.not_checked


@settings(max_examples=150, deadline=None)
@given(evidences)
def test_the_rules_take_every_snapshot(evidence: Evidence) -> None:
    found = evaluate(evidence.snapshot)
    assert len({finding.key for finding in found}) == len(found)
    explained = {finding.service for finding in found if finding.code == "port-held"}
    assert not [one for one in found if one.code == "service-failed" and one.service in explained]
