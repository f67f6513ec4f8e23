"""What would still change a verdict: the looks to take, all of them at once so that they cost one round trip."""

from console.core.service import ServiceRef, State
from console.diagnosis import (
    beyond,
    forbidden,
    hidden,
    kernel_sockets,
    mixed,
    no_address,
    only_bound,
    own_network,
    reach,
    standstill,
    twins,
    user_sockets,
)
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.holders import clashing
from console.diagnosis.wanting import Want, find_want

JOURNAL_LINES = "100"
_TROUBLED = (State.FAILED, State.FLAPPING, State.STARTING)


def needed(evidence: Evidence) -> tuple[Question, ...]:
    """The looks that are worth taking; none when the host does not answer or all was asked or refused."""
    if not evidence.reachable:
        return ()
    want = find_want(evidence)
    questions = [*_listeners(evidence), *_log(evidence, want), *_processes(evidence, want), *_port(evidence, want)]
    questions += [
        *_permission(evidence, want),
        *beyond.questions(evidence, want, own_network.file_of(evidence, want)),
        *hidden.questions(evidence, want),
        *kernel_sockets.questions(evidence, want),
        *twins.questions(evidence, want),
        *user_sockets.questions(evidence, want),
        *reach.questions(evidence, want),
    ]
    return tuple(
        question for question in questions if question not in evidence.asked and not evidence.refusal(question.probe)
    )


def _listeners(evidence: Evidence) -> list[Question]:
    source = evidence.snapshot.source("listeners")
    return [Question("listeners")] if source is None or source.at is None else []


def _log(evidence: Evidence, want: Want) -> list[Question]:
    """The log tells what a service that does not run could not bind."""
    if want.symptom is not None or evidence.journal is not None or want.ref is None or want.ref.manager != "systemd":
        return []
    if want.service is not None and want.service.state not in _TROUBLED:
        return []
    return [journal_question(want.ref)]


def journal_question(ref: ServiceRef) -> Question:
    """Ask for the newest lines of a unit's log."""
    probe = "journal" if ref.scope == "system" else "user_journal"
    return Question(probe, (JOURNAL_LINES, ref.name))


def _port(evidence: Evidence, want: Want) -> list[Question]:
    if want.endpoint is None:
        return []
    found = []
    hidden = any(not listener.pids for listener in clashing(evidence, want.endpoint))
    if hidden and not evidence.is_root and evidence.as_root is None:
        found.append(Question("listeners_root"))
    if evidence.sockets is None:
        found.append(Question("sockets", (str(want.endpoint.port),)))
    found += only_bound.questions(evidence, want.endpoint)
    if evidence.limits is None:
        found.append(Question("limits"))
    return found


def _processes(evidence: Evidence, want: Want) -> list[Question]:
    """Who they are that have the port, and whether the service that wants it does anything."""
    pids = set(standstill.pids(want))
    if want.endpoint is not None:
        found = {pid for listener in clashing(evidence, want.endpoint) for pid in listener.pids if pid > 1}
        others = mixed.sockets(evidence, want, want.endpoint) if found else evidence.not_listening
        found |= {pid for socket in others for pid in socket.pids if pid > 1}
        pids |= found or set(only_bound.pids(evidence))
    unknown = (str(pid) for pid in sorted(pids) if evidence.process(pid) is None)
    new = tuple(pid for pid in unknown if pid not in _looked_at(evidence))
    return [Question("process", new)] if new else []


def _looked_at(evidence: Evidence) -> frozenset[str]:
    """The processes that were asked about, among them those that had ended by then."""
    return frozenset(pid for question in evidence.asked if question.probe == "process" for pid in question.args)


def _permission(evidence: Evidence, want: Want) -> list[Question]:
    """Only a failure to find the address asks for the addresses, and only a refusal for what forbids it.

    Where the log does not say which of them it was, what the service wants does.
    """
    told = want.symptom is not None and want.symptom.errno == "EADDRNOTAVAIL"
    missing = evidence.addresses is None and (told or no_address.is_suspected(evidence, want))
    return [Question("addresses")] if missing else forbidden.questions(evidence, want)
