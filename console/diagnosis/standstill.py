"""A service whose process a signal stopped: that it has its port, or that nobody has it, is not what is wrong."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.frozen import go_on, is_frozen, words
from console.core.network import Process
from console.core.service import State
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

NOTE = "its process was stopped by a signal and does nothing"
"""Beside a holder."""
_WORKING = (State.RUNNING, State.STARTING, State.FLAPPING, State.UNKNOWN)
_NOBODY = (VerdictWord.FREE, VerdictWord.HELD_IN_CONTAINER, VerdictWord.UNKNOWN, VerdictWord.START_LIMIT)


def pids(want: Want) -> Iterator[int]:
    """The process that tells whether the service does anything: its main one."""
    service = want.service
    if service is not None and service.state in _WORKING and (service.pid or 0) > 1:
        yield service.pids[0]


def noted(evidence: Evidence, holder: Holder) -> Holder:
    """A holder with a word on its process, where that does nothing."""
    if holder.note is not None or not is_frozen(evidence.process(holder.pid)):
        return holder
    return replace(holder, note=NOTE)


def judged(evidence: Evidence, want: Want, verdict: Verdict) -> Verdict:
    """The verdict on a port of what a signal stopped; any other one as it is."""
    frozen = _frozen(evidence, want, verdict)
    if frozen is None:
        return _unseen(evidence, want, verdict)
    actions = (
        replace(go_on(frozen.pid), recommended=True),
        *(replace(way, recommended=False) for way in verdict.actions),
    )
    if verdict.verdict is VerdictWord.UNREACHABLE:
        # What keeps clients out is told, with the process where that is the reason and was seen at the socket.
        full = verdict.reach is not None and "queue" in verdict.reach.known_by
        told = full and any(holder.pid == frozen.pid for holder in verdict.holders)
        summary = verdict.summary if told else f"{verdict.summary}; {words(frozen)}"
        return replace(verdict, summary=summary, actions=actions, frozen=frozen.pid)
    if want.ref is None:
        named = verdict.holder.name if verdict.holder is not None else want.name
        return replace(
            verdict, at_home=False, summary=f"{named} holds {want.port}, but {words(frozen)}", actions=actions
        )
    if verdict.verdict in _NOBODY:
        does = (
            f"{want.name} does not listen on {want.port}"
            if want.endpoint is not None
            else f"{want.name} listens nowhere"
        )
        summary, word = f"{does}: {words(frozen)}", VerdictWord.UNKNOWN
    else:
        summary, word = f"{want.name} has its port, {want.port}, but {words(frozen)}", VerdictWord.HELD
    return replace(
        verdict, verdict=word, summary=summary, actions=actions, confidence=Confidence.HIGH, frozen=frozen.pid
    )


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
