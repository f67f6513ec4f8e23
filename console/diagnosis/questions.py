"""What would still change a verdict: the looks to take, all of them at once so that they cost one round trip."""

from console.core.service import ServiceRef, State
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
    questions = [*_listeners(evidence), *_log(evidence, want), *_port(evidence, want), *_permission(evidence, want)]
    return tuple(question for question in questions if evidence.refusal(question.probe) is None)


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
    pids = sorted({pid for listener in clashing(evidence, want.endpoint) for pid in listener.pids if pid > 1})
    pids = pids or sorted({pid for socket in evidence.sockets or () for pid in socket.pids if pid > 1})
    if pids and evidence.processes is None:
        found.append(Question("process", tuple(str(pid) for pid in pids)))
    if evidence.sockets is None:
        found.append(Question("sockets", (str(want.endpoint.port),)))
    if evidence.limits is None:
        found.append(Question("limits"))
    return found


def _permission(evidence: Evidence, want: Want) -> list[Question]:
    """Only a failure to find the address asks for the addresses."""
    if want.symptom is None or want.symptom.errno != "EADDRNOTAVAIL" or evidence.addresses is not None:
        return []
    return [Question("addresses")]
