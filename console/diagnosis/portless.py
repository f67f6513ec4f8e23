"""A verdict where nothing names a port: what else is wrong with the service, and what to press."""

from dataclasses import replace

from console.core.endings import cannot_run, why_failed
from console.core.finding import Proposal
from console.core.plan import ActionKind, Intent
from console.core.restarts import restarts_after_failure, wont_start
from console.core.service import Service, ServiceRef, State
from console.diagnosis import inside, proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import is_failing
from console.diagnosis.outline import undecided
from console.diagnosis.proposals import CommandsOf, proposal
from console.diagnosis.verdict import NotChecked, Verdict
from console.diagnosis.wanting import Want
from console.managers.adrift import unit_of

_NOWHERE = "neither its log, nor its definition, nor a declaration names a port"


def decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict:
    """No port to judge: the failure itself, where there is one."""
    service = want.service
    if service is None:
        return undecided(evidence, want, f"{want.name} is not among the services of {evidence.snapshot.host}")
    unread = evidence.refusal("journal") or evidence.refusal("user_journal")
    if unread is not None:
        return undecided(
            evidence,
            want,
            f"which port {want.name} wants is not known: its log could not be read, and nothing declares one; "
            f"ask for the port instead ({evidence.snapshot.host}:PORT)",
        )
    if want.symptom is not None:
        told = f"could not bind ({want.symptom.errno}), but neither its log nor a declaration names the port"
        return undecided(evidence, want, f"{want.name} {told}")
    if is_failing(service):
        return _failing(evidence, want, service, commands_of)
    if service.state is State.STOPPED:
        verdict = undecided(evidence, want, f"{want.name} is stopped ({service.native_state}): {_NOWHERE}")
        return replace(verdict, actions=proposals.start(want, commands_of, recommended=False))
    runs = "runs and listens nowhere" if service.state is State.RUNNING else f"is {service.native_state}"
    return undecided(evidence, want, f"{want.name} {runs}: {_NOWHERE}")


def adrift(evidence: Evidence, want: Want, service: Service, commands_of: CommandsOf) -> Verdict:
    """Nobody looks after it: whatever its port, it is its manager that is missing."""
    verdict = undecided(evidence, want, f"{want.name}: {service.adrift}")
    return replace(verdict, actions=_start_unit(evidence, service, commands_of))


def _failing(evidence: Evidence, want: Want, service: Service, commands_of: CommandsOf) -> Verdict:
    said = inside.said(evidence, service)
    if said is not None:
        verdict = undecided(evidence, want, said)
        return replace(verdict, actions=proposals.start(want, commands_of, recommended=False))
    read = evidence.log_of(service.ref)
    gap = "" if read else "it was read and says nothing of this failure" if read is not None else "it was not read"
    gaps = (NotChecked(f"log of {want.name}", gap),) if gap else ()
    verdict = undecided(evidence, want, f"no port is in its way as far as is seen: {_NOWHERE}", *gaps)
    return replace(verdict, actions=_ways(want, service, commands_of))


def _ways(want: Want, service: Service, commands_of: CommandsOf) -> tuple[Proposal, ...]:
    """What helps against a failure that no port explains: what its manager does by itself is no way out of it.

    What cannot be run at all is put right first.
    """
    if cannot_run(service):
        return (_put_right(service), *proposals.start(want, commands_of, recommended=False))
    if service.state is State.FLAPPING or (service.state is not State.FAILED and restarts_after_failure(service)):
        return ()
    return proposals.start(want, commands_of)


def _put_right(service: Service) -> Proposal:
    """Advice for a service whose definition names what is not there, or is wrong itself."""
    where = service.unit_file or "its definition"
    why = wont_start(service) or why_failed(service)
    return Proposal("put-right", f"put right what {where} says, or what it names", reason_off=f"by hand: {why}")


def _start_unit(evidence: Evidence, service: Service, commands_of: CommandsOf) -> tuple[Proposal, ...]:
    """Start what would run it, where that is down and nothing of it is left that runs on."""
    unit = evidence.snapshot.service(ServiceRef(service.ref.host, "systemd", unit_of(service) or ""))
    if unit is None or unit.state in (State.RUNNING, State.STARTING):
        return ()
    begin = (Intent(ActionKind.START, unit.ref),)
    wise = not service.pids and unit.files_wrong is None
    return (proposal("start", f"start {unit.ref.name}", begin, commands_of, recommended=wise),)
