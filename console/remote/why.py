"""Collecting the evidence of a diagnosis: what is known is used, what is missing is asked for."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from console.core.declaration import Declaration
from console.core.probe import Probe
from console.core.reach import Attempt
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Symptom
from console.diagnosis.diagnose import diagnose
from console.diagnosis.evidence import Evidence, Question, Refusal
from console.diagnosis.looks import Look, look
from console.diagnosis.questions import needed
from console.diagnosis.verdict import Verdict
from console.diagnosis.wanting import declarations, find_want
from console.managers.kubernetes_ports import PORTS
from console.managers.systemd import JOURNAL, USER_JOURNAL
from console.managers.systemd_launch import LAUNCH, USER_LAUNCH
from console.managers.systemd_user_sockets import USER_SOCKETS
from console.probes import (
    addresses,
    bound,
    confinement,
    denials,
    firewalld,
    iptables,
    kernel_sockets,
    limits,
    listeners,
    members,
    namespaces,
    nftables,
    process,
    reach,
    redirects,
    sockets,
    unit_filter,
    unlisted,
)
from console.probes.declared import PROBE as FILES
from console.probes.declared import words
from console.probes.environment import PROBE as ENVIRONMENT
from console.remote import outside
from console.remote.fleet import Fleet
from console.remote.shell import Answer, Ask

ROUNDS = 4
"""Each answer may leave a further question; more than this only happens when a host changes under our eyes."""

_RESTLESS = "the host changed faster than it could be looked at"

_ROUTINE: dict[str, Probe[Any]] = {"listeners": listeners.PROBE, "declarations": FILES}
"""What is part of the snapshot, from where it is taken."""
_FIELDS: dict[str, tuple[str, Probe[Any]]] = {
    "process": ("processes", process.PROBE),
    "sockets": ("sockets", sockets.PROBE),
    "bound": ("bound", bound.PROBE),
    "unlisted": ("unlisted", unlisted.PROBE),
    "confinement": ("confinement", confinement.PROBE),
    "unit_filter": ("unit_filter", unit_filter.PROBE),
    "audit_denials": ("audit_denials", denials.AUDIT),
    "kernel_denials": ("kernel_denials", denials.KERNEL),
    "port_labels": ("port_labels", denials.LABELS),
    "limits": ("limits", limits.PROBE),
    "addresses": ("addresses", addresses.PROBE),
    "listeners_root": ("as_root", listeners.AS_ROOT_PROBE),
    "namespaces": ("namespaces", namespaces.PROBE),
    "redirects": ("redirects", redirects.PROBE),
    "cluster": ("cluster", PORTS),
    "launch": ("launch", LAUNCH),
    "user_launch": ("launch", USER_LAUNCH),
    "holder_launch": ("launches", LAUNCH),
    "user_holder_launch": ("launches", USER_LAUNCH),
    "environment": ("environments", ENVIRONMENT),
    "user_sockets": ("user_sockets", USER_SOCKETS),
    "kernel_sockets": ("kernel_sockets", kernel_sockets.PROBE),
    "members": ("members", members.PROBE),
    "reach": ("connected", reach.PROBE),
    "nftables": ("nftables", nftables.PROBE),
    "iptables": ("iptables", iptables.IPTABLES),
    "ip6tables": ("ip6tables", iptables.IP6TABLES),
    "firewalld": ("firewalld", firewalld.PROBE),
    "journal": ("journal", JOURNAL),
    "user_journal": ("journal", USER_JOURNAL),
}
_BY_WORDS = frozenset({"launches", "environments"})
"""What is asked of several, each kept beside its question."""


async def collect(
    fleet: Fleet,
    host: str,
    target: ServiceRef | Endpoint,
    *,
    declared: tuple[Declaration, ...] = (),
    asked_from: str | None = None,
    symptom: Symptom | None = None,
    wholly: bool = False,
) -> Evidence:
    """Look at the listeners and the files anew, and ask whatever would still change the verdict.

    Raises ``TransportError``. ``asked_from``: a host of the fleet from which the port should be reached. ``symptom``:
    the line of a log that somebody points at. ``wholly``: at the end service managers are waited for that have yet to
    tell their services.
    """
    evidence = Evidence(fleet.snapshot(host), target, symptom, declared=declared, asked_from=asked_from)
    other = outside.peer_of(fleet, asked_from) if asked_from is not None else None
    evidence = replace(evidence, peer=outside.peer_of(fleet, host), other=other)
    files = Question("declarations", words(evidence.snapshot))
    questions: tuple[Question, ...] = (Question("listeners"), files, *needed(evidence))
    for _ in range(ROUNDS):
        evidence = await _round(fleet, host, evidence, questions)
        if not (questions := needed(evidence)) and wholly:
            # Managers that had yet to tell their services were not waited for so far.
            evidence = replace(evidence, snapshot=await fleet.settled(host))
            questions = needed(evidence)
        if not questions:
            return evidence
    left = tuple(Refusal(one.probe, _RESTLESS, silent=True) for one in questions)
    return replace(evidence, refused=(*evidence.refused, *left))


async def why(
    fleet: Fleet,
    host: str,
    target: ServiceRef | Endpoint,
    *,
    declared: tuple[Declaration, ...] = (),
    symptom: Symptom | None = None,
) -> Verdict:
    """The verdict on a port or a service; raises ``TransportError``."""
    return diagnose(await collect(fleet, host, target, declared=declared, symptom=symptom))


async def _round(fleet: Fleet, host: str, evidence: Evidence, questions: tuple[Question, ...]) -> Evidence:
    unique = tuple(dict.fromkeys(questions))
    evidence = replace(evidence, asked=(*evidence.asked, *unique))
    asks = [_ask(question) for question in unique]
    known = [(question, ask) for question, ask in zip(unique, asks, strict=True) if ask is not None]
    tries = [(question, attempt) for question in unique if (attempt := _attempt(fleet, host, question)) is not None]
    shown = [ask for question, _ in known if question.probe == "process" for ask in _as_typed(question.args)]
    answers, attempts = await asyncio.gather(
        fleet.ask_all(host, [*(ask for _, ask in known), *shown]),
        asyncio.gather(*(attempt for _, attempt in tries)),
    )
    evidence = replace(evidence, snapshot=fleet.snapshot(host))
    pictures = [(ask, answer) for ask, answer in zip(shown, answers[len(known) :], strict=True) if not answer.failure]
    for (question, ask), answer in zip(known, answers, strict=False):
        evidence = _with(evidence, question, answer)
        if question.probe != "process" or not pictures:
            evidence = _noted(evidence, ask, answer)
    for ask, answer in pictures:
        evidence = _noted(evidence, ask, answer)
    for (question, _), made in zip(tries, attempts, strict=True):
        evidence = _attempted(evidence, question, made)
    tried = {question for question, _ in tries}
    unknown = [q for q, ask in zip(unique, asks, strict=True) if ask is None and q not in tried]
    refusals = tuple(Refusal(question.probe, "this host cannot be asked for it") for question in unknown)
    return replace(evidence, refused=(*evidence.refused, *refusals))


def _as_typed(pids: tuple[str, ...]) -> tuple[Ask, Ask]:
    """What a person would type to see these processes, and where they work."""
    return Ask(process.SHOWN, pids, verbatim=True), Ask(process.PLACES, process.places(pids), verbatim=True)


def _attempt(fleet: Fleet, host: str, question: Question) -> Awaitable[Attempt | None] | None:
    """A connection that is made from elsewhere than the host's own shell."""
    match question.probe, question.args:
        case "reach_ssh", (address, port):
            return outside.through_ssh(fleet, host, address, int(port))
        case "reach_here", (address, port):
            return outside.from_here(address, int(port))
        case "reach_from", (other, address, port):
            return outside.from_other(fleet, other, address, int(port))
        case _:
            return None


def _attempted(evidence: Evidence, question: Question, attempt: Attempt | None) -> Evidence:
    if attempt is None:
        return replace(evidence, refused=(*evidence.refused, Refusal(question.probe, "it is not reached over SSH")))
    told = attempt.result.value + (f": {attempt.said}" if attempt.said else "")
    taken = Look(f"(connect {attempt.where} to {attempt.address} port {attempt.port})", told)
    return replace(evidence, attempts=(*evidence.attempts, attempt), looks=(*evidence.looks, taken))


def _ask(question: Question) -> Ask | None:
    if question.probe in _ROUTINE:
        return Ask(_ROUTINE[question.probe], question.args, verbatim=True)
    found = _FIELDS.get(question.probe)
    return None if found is None else Ask(found[1], question.args, verbatim=True)


def _noted(evidence: Evidence, ask: Ask, answer: Answer) -> Evidence:
    """With this look among those that were taken; the port that is asked about is known by now, or never."""
    endpoint = find_want(evidence).endpoint
    port = endpoint.port if endpoint is not None else None
    text = answer.text
    if ask.probe is FILES and answer.failure is None:
        # What is told of unchanged files is only that; what they claim is known.
        text = "\n".join(f"{one.where}: {one.text}" for one in declarations(evidence, endpoint)) if endpoint else ""
    elif ask.probe is ENVIRONMENT:
        # Whose variables were compared is told, and never a value.
        text = "\n".join(f"{one.origin} {one.where}" for one in answer.value or ())
    taken = look(ask.probe, ask.args, text, answer.failure, port)
    return replace(evidence, looks=(*evidence.looks, taken))


def _with(evidence: Evidence, question: Question, answer: Answer) -> Evidence:
    if answer.failure is not None:
        refusal = Refusal(question.probe, answer.failure, answer.hangs)
        return replace(evidence, refused=(*evidence.refused, refusal))
    if question.probe in _ROUTINE:
        return evidence
    field, value = _FIELDS[question.probe][0], answer.value
    if question.probe == "process":
        # Beside those of an earlier round: somebody else may have the port by now.
        value = (*(evidence.processes or ()), *value)
    elif field in _BY_WORDS:
        value = (*getattr(evidence, field), (question.args, value))
    changes: dict[str, Any] = {field: value}
    return replace(evidence, **changes)
