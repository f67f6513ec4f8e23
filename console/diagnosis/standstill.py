"""A service that a signal stopped, or its engine: that it has its port, or that nobody has it, is not what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from console.core import frozen
from console.core.finding import Proposal
from console.core.frozen import is_frozen
from console.core.network import Process
from console.core.service import Service, State
from console.diagnosis.container_ways import unpause
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.managers.container_commands import is_paused

NOTE = "its process was stopped by a signal and does nothing"
"""Beside a holder."""
PAUSED = "its engine has paused it, and it does nothing"
_WORKING = (State.RUNNING, State.STARTING, State.FLAPPING, State.UNKNOWN)
_NOBODY = (VerdictWord.FREE, VerdictWord.HELD_IN_CONTAINER, VerdictWord.UNKNOWN, VerdictWord.START_LIMIT)


@dataclass(frozen=True, slots=True)
class _Halt:
    """What holds a service up."""

    words: str
    way: Proposal
    pid: int | None = None
    """The process that a signal stopped."""


def pids(want: Want) -> Iterator[int]:
    """The process that tells whether the service does anything: its main one."""
    service = want.service
    if service is not None and service.state in _WORKING and (service.pid or 0) > 1:
        yield service.pids[0]


def noted(evidence: Evidence, holder: Holder) -> Holder:
    """A holder with a word on its process or its container, where that does nothing."""
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
    if holder.note is not None:
        return holder
    if service is not None and is_paused(service):
        return replace(holder, note=PAUSED)
    return replace(holder, note=NOTE) if is_frozen(evidence.process(holder.pid)) else holder


def judged(evidence: Evidence, want: Want, verdict: Verdict) -> Verdict:
    """The verdict on a port of what does nothing; any other one as it is."""
    halt = _halt(evidence, want, verdict)
    if halt is None:
        return _unseen(evidence, want, verdict)
    actions = (
        replace(halt.way, recommended=True),
        *(replace(way, recommended=False) for way in verdict.actions),
    )
    if verdict.verdict is VerdictWord.UNREACHABLE:
        # What keeps clients out is told, with the process where that is the reason and was seen at the socket.
        full = verdict.reach is not None and "queue" in verdict.reach.known_by
        told = full and halt.pid is not None and any(holder.pid == halt.pid for holder in verdict.holders)
        summary = verdict.summary if told else f"{verdict.summary}; {halt.words}"
        return replace(verdict, summary=summary, actions=actions, frozen=halt.pid)
    if want.ref is None:
        named = verdict.holder.name if verdict.holder is not None else want.name
        return replace(verdict, at_home=False, summary=f"{named} holds {want.port}, but {halt.words}", actions=actions)
    if verdict.verdict in _NOBODY:
        does = (
            f"{want.name} does not listen on {want.port}"
            if want.endpoint is not None
            else f"{want.name} listens nowhere"
        )
        summary, word = f"{does}: {halt.words}", VerdictWord.UNKNOWN
    else:
        summary, word = f"{want.name} has its port, {want.port}, but {halt.words}", VerdictWord.HELD
    return replace(verdict, verdict=word, summary=summary, actions=actions, confidence=Confidence.HIGH, frozen=halt.pid)


def _halt(evidence: Evidence, want: Want, verdict: Verdict) -> _Halt | None:
    process = _frozen(evidence, want, verdict)
    if process is not None:
        return _Halt(frozen.words(process), frozen.go_on(process.pid), process.pid)
    service = _paused(evidence, want, verdict)
    return _Halt(PAUSED, unpause(service)) if service is not None else None


def _paused(evidence: Evidence, want: Want, verdict: Verdict) -> Service | None:
    """The container in question; processes of one that is paused are in no state of their own that says so."""
    others = {holder.ref for holder in verdict.holders if holder.ref != want.ref}
    if want.ref is not None:
        asked = want.service if verdict.verdict in _NOBODY or not others else None
        return asked if asked is not None and is_paused(asked) else None
    found = evidence.snapshot.service(ref) if len(others) == 1 and (ref := others.pop()) is not None else None
    return found if found is not None and is_paused(found) else None


def _frozen(evidence: Evidence, want: Want, verdict: Verdict) -> Process | None:
    """The process in question: of the service that wants the port, or of the one that has it."""
    if want.ref is None:
        held = verdict.verdict in (VerdictWord.HELD, VerdictWord.UNREACHABLE)
        told = [evidence.process(holder.pid) for holder in verdict.holders] if held else []
        return told[0] if told and all(is_frozen(one) for one in told) else None
    if any(holder.ref != want.ref for holder in verdict.holders) and verdict.verdict not in _NOBODY:
        # Somebody else has the port: that comes first.
        return None
    main = next((evidence.process(pid) for pid in pids(want)), None)
    return main if is_frozen(main) else None


def _unseen(evidence: Evidence, want: Want, verdict: Verdict) -> Verdict:
    """With a word on what was not seen of a process on which it rests that the service is well."""
    unknown = [pid for pid in pids(want) if evidence.process(pid) is None]
    why = evidence.refusal("process")
    if not unknown or why is None or not verdict.fine:
        return verdict
    return replace(verdict, not_checked=(*verdict.not_checked, NotChecked("whether its process does anything", why)))
