"""Collecting the evidence of a diagnosis: what is known is used, what is missing is asked for."""

from dataclasses import replace
from typing import Any

from console.core.probe import Probe
from console.core.service import Endpoint, ServiceRef
from console.diagnosis.diagnose import diagnose
from console.diagnosis.evidence import Evidence, Question, Refusal
from console.diagnosis.questions import needed
from console.diagnosis.verdict import Declaration, Verdict
from console.managers.systemd import JOURNAL, USER_JOURNAL
from console.probes import addresses, limits, listeners, process, sockets
from console.remote.fleet import Fleet
from console.remote.shell import Answer, Ask

ROUNDS = 3
"""Each answer may leave a further question; more than this only happens when a host changes under our eyes."""

_FIELDS: dict[str, tuple[str, Probe[Any]]] = {
    "process": ("processes", process.PROBE),
    "sockets": ("sockets", sockets.PROBE),
    "limits": ("limits", limits.PROBE),
    "addresses": ("addresses", addresses.PROBE),
    "journal": ("journal", JOURNAL),
    "user_journal": ("journal", USER_JOURNAL),
}


async def collect(
    fleet: Fleet, host: str, target: ServiceRef | Endpoint, *, declared: tuple[Declaration, ...] = ()
) -> Evidence:
    """Look at the listeners anew and ask whatever would still change the verdict; raises ``TransportError``."""
    evidence = Evidence(fleet.snapshot(host), target, declared=declared)
    questions: tuple[Question, ...] = (Question("listeners"), *needed(evidence))
    for _ in range(ROUNDS):
        evidence = await _round(fleet, host, evidence, questions)
        questions = needed(evidence)
        if not questions:
            break
    return evidence


async def why(
    fleet: Fleet, host: str, target: ServiceRef | Endpoint, *, declared: tuple[Declaration, ...] = ()
) -> Verdict:
    """The verdict on a port or a service; raises ``TransportError``."""
    return diagnose(await collect(fleet, host, target, declared=declared))


async def _round(fleet: Fleet, host: str, evidence: Evidence, questions: tuple[Question, ...]) -> Evidence:
    unique = tuple(dict.fromkeys(questions))
    asks = [_ask(question) for question in unique]
    known = [(question, ask) for question, ask in zip(unique, asks, strict=True) if ask is not None]
    answers = await fleet.ask_all(host, [ask for _, ask in known])
    evidence = replace(evidence, snapshot=fleet.snapshot(host))
    for (question, _), answer in zip(known, answers, strict=True):
        evidence = _with(evidence, question, answer)
    unknown = [question for question, ask in zip(unique, asks, strict=True) if ask is None]
    refusals = tuple(Refusal(question.probe, "this host cannot be asked for it") for question in unknown)
    return replace(evidence, refused=(*evidence.refused, *refusals))


def _ask(question: Question) -> Ask | None:
    if question.probe == "listeners":
        return Ask(listeners.PROBE)
    found = _FIELDS.get(question.probe)
    return None if found is None else Ask(found[1], question.args)


def _with(evidence: Evidence, question: Question, answer: Answer) -> Evidence:
    if answer.failure is not None:
        return replace(evidence, refused=(*evidence.refused, Refusal(question.probe, answer.failure)))
    if question.probe == "listeners":
        return evidence
    changes: dict[str, Any] = {_FIELDS[question.probe][0]: answer.value}
    return replace(evidence, **changes)
