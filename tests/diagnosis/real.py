"""Takes the looks of a diagnosis on a lab host with the real probes, as any of its users, without the remote layer."""

from dataclasses import replace
from typing import Any

from console.core.probe import Probe
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Source, Symptom
from console.diagnosis import Evidence, Question, Refusal, Verdict, diagnose, needed, symptoms
from console.managers.join import with_ports
from console.managers.systemd import JOURNAL, SHOW, USER_JOURNAL
from console.probes import addresses, identity, limits, listeners, process, sockets, vitals
from tests.lab import Host

ON_DEMAND: dict[str, tuple[str, Probe[Any]]] = {
    "process": ("processes", process.PROBE),
    "sockets": ("sockets", sockets.PROBE),
    "limits": ("limits", limits.PROBE),
    "addresses": ("addresses", addresses.PROBE),
    "journal": ("journal", JOURNAL),
    "user_journal": ("journal", USER_JOURNAL),
}


class AskError(Exception):
    """A probe that gave no answer."""


def ask(host: Host, user: str | None, probe: Probe[Any], *args: str) -> Any:
    """Run a probe's script as the body of a function, as the probe shell does, and parse what it prints."""
    script = f'f() {{\n{probe.script}\n}}\nf "$@"'
    done = host.run(["sh", "-c", script, "sh", *args], user=user, check=False)
    if done.returncode:
        raise AskError(done.stderr.strip() or f"exit {done.returncode}")
    return probe.parse(done.stdout.rstrip("\n"))


def read_logs(host: Host, user: str | None, services: tuple[Service, ...]) -> tuple[Symptom, ...]:
    """What the logs of services that do not run say, as the poller reads them."""
    down = [service for service in services if service.state in (State.FAILED, State.FLAPPING)]
    found: list[Symptom] = []
    for service in down:
        try:
            found += symptoms(service.ref, ask(host, user, JOURNAL, service.ref.name))
        except AskError:
            continue
    return tuple(found)


def look(host: Host, target: ServiceRef | Endpoint, user: str | None = None) -> Evidence:
    """All that the console would have looked at for this target."""
    services = tuple(replace(service, ref=replace(service.ref, host=host.name)) for service in ask(host, user, SHOW))
    bound = ask(host, user, listeners.PROBE)
    snapshot = Snapshot(
        host.name,
        Link(LinkState.UP, 0.0),
        at=1.0,
        identity=ask(host, user, identity.PROBE),
        sample=ask(host, user, vitals.PROBE),
        services=with_ports(services, bound),
        listeners=bound,
        symptoms=read_logs(host, user, services),
        sources=(Source("listeners", 1.0), Source("systemd", 1.0)),
    )
    evidence = Evidence(snapshot, target)
    for _ in range(3):
        questions = needed(evidence)
        if not questions:
            break
        for question in questions:
            evidence = _with_answer(host, user, evidence, question)
    assert needed(evidence) == ()
    return evidence


def why(host: Host, target: str | int, user: str | None = None, protocol: str = "tcp") -> Verdict:
    """The verdict on a unit or a port of a lab host."""
    if isinstance(target, int):
        return diagnose(look(host, Endpoint(protocol, "*", target), user))
    return diagnose(look(host, ServiceRef(host.name, "systemd", target), user))


def _with_answer(host: Host, user: str | None, evidence: Evidence, question: Question) -> Evidence:
    field, probe = ON_DEMAND[question.probe]
    changes: dict[str, Any]
    try:
        changes = {field: ask(host, user, probe, *question.args)}
    except AskError as error:
        changes = {"refused": (*evidence.refused, Refusal(question.probe, str(error)))}
    return replace(evidence, **changes)
