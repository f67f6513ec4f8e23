"""Services that cannot have their port: who holds it, or why it is not permitted."""

from collections.abc import Sequence

from console.core.declaration import Declaration
from console.core.engines import is_engine
from console.core.finding import Finding, Severity
from console.core.service import Service, State
from console.core.snapshot import Snapshot
from console.diagnosis.diagnose import diagnose
from console.diagnosis.evidence import Evidence
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.strays import LEFT
from console.diagnosis.verdict import Holder, Verdict, VerdictWord

_CODES = {
    VerdictWord.HELD: "port-held",
    VerdictWord.DUPLICATE: "port-held",
    VerdictWord.NOT_PERMITTED: "port-not-permitted",
    VerdictWord.NO_SUCH_ADDRESS: "no-such-address",
}


def blocked(
    snapshot: Snapshot, down: Sequence[Service], declared: tuple[Declaration, ...], commands_of: CommandsOf
) -> list[Finding]:
    """The services, of those that do not come up or complain in their log, that a port keeps from running."""
    found = []
    for service in _candidates(snapshot, down, declared):
        verdict = diagnose(Evidence(snapshot, service.ref, declared=declared), commands_of)
        finding = _finding(snapshot, service, verdict)
        if finding is not None:
            found.append(finding)
    return found


def _candidates(snapshot: Snapshot, down: Sequence[Service], declared: tuple[Declaration, ...]) -> list[Service]:
    """Services with a word on a port: their log's, their own declaration or one of the configuration."""
    complaining = {symptom.ref for symptom in snapshot.symptoms}
    files = snapshot.declared.declarations if snapshot.declared is not None else ()
    claimed = {one.service for one in (*declared, *files) if one.sure}
    found = [
        service
        for service in down
        if service.ref in complaining or service.wants or service.ref.name in claimed or str(service.ref) in claimed
    ]
    if complaining:
        known = {service.ref for service in down}
        running = (service for service in snapshot.services if service.ref in complaining and service.ref not in known)
        found += [service for service in running if service.state is State.RUNNING]
    return found


def _finding(snapshot: Snapshot, service: Service, verdict: Verdict) -> Finding | None:
    code = _CODES.get(verdict.verdict)
    if code is None:
        return None
    # One that runs has its port; one whose log complains only of earlier attempts now fails for another reason.
    complains = any(symptom.ref == service.ref for symptom in snapshot.symptoms)
    if verdict.symptom is None and (complains or service.state is State.RUNNING):
        return None
    if verdict.verdict is VerdictWord.HELD and all(holder.ref == service.ref for holder in verdict.holders):
        return None
    return Finding(
        code,
        Severity.WARNING if service.never_ran else Severity.CRITICAL,
        snapshot.host,
        str(service.ref),
        _summary(verdict),
        verdict.evidence,
        verdict.actions,
        service.ref,
        verdict.port,
        verdict.protocol,
        _since(service, verdict),
        address=verdict.wanted.address if verdict.wanted is not None else None,
    )


def _since(service: Service, verdict: Verdict) -> float | None:
    if service.state is State.FAILED:
        return service.since
    # Each attempt of a loop begins anew: how long it goes on neither its manager nor its last words tell.
    return verdict.symptom.at if service.state is State.RUNNING and verdict.symptom is not None else None


def _summary(verdict: Verdict) -> str:
    port = f"{verdict.protocol} {verdict.port}"
    tried = f"cannot bind {port}" if verdict.symptom is not None else f"wants {port}"
    if verdict.verdict is VerdictWord.HELD:
        ports = dict.fromkeys((holder.protocol, holder.port) for holder in verdict.holders)
        held = (_held(verdict, *place) for place in ports if place != (verdict.protocol, verdict.port))
        return ", and ".join((f"{tried}, {_held(verdict, verdict.protocol, verdict.port)}", *held))
    return f"{tried}: {verdict.summary}"


def _held(verdict: Verdict, protocol: str, port: int | None) -> str:
    """By whom a port is held; of another one than that of the verdict with its number."""
    names = dict.fromkeys(_who(one) for one in verdict.holders if (one.protocol, one.port) == (protocol, port))
    which = "" if (protocol, port) == (verdict.protocol, verdict.port) else f"{protocol} {port}, "
    return f"{which}held by {' and '.join(names)}"


def _who(holder: Holder) -> str:
    """The holder: of what a unit left running the process, as to stop the unit would not end it.

    Of a hidden process of a container engine it is not known for whom it holds the port.
    """
    if holder.strays and holder.process is not None:
        return f"{holder.process} (pid {holder.pid})"
    if holder.note == LEFT:
        return f"what {holder.name} left running"
    unseen = holder.process is None and holder.name == holder.unit and is_engine(holder.unit)
    return f"{holder.name} or a container of it" if unseen else holder.name
