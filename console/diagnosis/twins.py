"""One program that two services run, so that each is in the other's way: which of them to keep, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from console.core.command import quote
from console.core.finding import Proposal
from console.core.launch import Launch, same_launch
from console.core.network import Process
from console.core.overlap import overlaps
from console.core.plan import ActionKind, Intent
from console.core.service import Service, ServiceRef, State
from console.diagnosis import proposals
from console.diagnosis.boots import at_boot, unit_at_boot
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.hidden import keeper_of
from console.diagnosis.holders import holders_of
from console.diagnosis.outline import outline
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.spaces import ENGINES
from console.diagnosis.tenants import likeness, words_of
from console.diagnosis.verdict import Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want, is_own
from console.managers import can
from console.managers.acting import Resettable, Stoppable
from console.managers.container_commands import words
from console.managers.systemd_lingering import uid_of

MOST_NAMES = 3
"""Variables that are named where they tell two services apart."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Which of the two is to be kept."""

    wanted: bool
    """The one that wants the port; else the one that has it."""
    why: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """The service that wants the port and the holder that runs the same program."""

    holder: Holder
    one: bool
    """Whether they are known to be one service; else ``why`` says why that is not known."""
    why: str = ""


def questions(evidence: Evidence, want: Want) -> Iterator[Question]:
    """What the service runs that cannot have its port; of one program, how and with which variables each is started."""
    if want.ref is None or want.service is None or not want.down or want.endpoint is None:
        return
    foreign = [
        one
        for one in evidence.snapshot.listeners
        if overlaps(want.endpoint, one) and not is_own(want.service, one, evidence.snapshot.services)
    ]
    if not foreign:
        return
    if evidence.launch is None and _tells_launch(want.service):
        yield Question("launch" if want.ref.scope == "system" else "user_launch", (want.ref.name,))
    mine = evidence.launch or want.service.launch
    for holder in holders_of(evidence, want.endpoint, foreign) if mine is not None else ():
        service = _service(evidence, holder)
        if mine is None or service is None or not _is_same_program(evidence, want.ref, mine, holder):
            continue
        if _tells_launch(service):
            probe = "holder_launch" if service.ref.scope == "system" else "user_holder_launch"
            yield Question(probe, (service.ref.name,))
        for one in (want.service, service):
            if words_of(one):
                yield Question("environment", words_of(one))


def _tells_launch(service: Service) -> bool:
    """Whether its manager says what it runs when it is asked for that."""
    return service.ref.manager == "systemd" and service.ref.name.endswith(".service") and uid_of(service) is None


def decide(evidence: Evidence, want: Want, holders: tuple[Holder, ...], commands_of: CommandsOf) -> Verdict | None:
    """The verdict where what has the port is the same program under another manager or name; else ``None``."""
    if want.ref is None or want.service is None or not want.down:
        return None
    pair = _pair(evidence, want.service, holders)
    if pair is None:
        return None
    twin = pair.holder
    if not pair.one:
        return _unclear(evidence, want, holders, pair, commands_of)
    kept = keep(evidence, want.service, twin)
    winner = want.ref if kept.wanted else twin.ref
    name = want.ref.shown if kept.wanted else _twin_name(twin)
    summary = f"{want.ref.shown} and {_twin_name(twin)} run the same program; keep {name}: {kept.why}"
    verdict = outline(evidence, want, VerdictWord.DUPLICATE, summary, twin.confidence)
    return replace(
        verdict,
        holders=holders,
        clash=next((holder.clash for holder in holders if holder.clash), None),
        keep=winner,
        actions=proposals.ordered(_ways(evidence, want, holders, twin, kept, commands_of)),
    )


def noted(evidence: Evidence, want: Want, holder: Holder) -> Holder:
    """With a word on one that runs the same program for another purpose: what tells the two apart."""
    mine = evidence.launch or (want.service.launch if want.service is not None else None)
    if want.ref is None or want.service is None or mine is None or holder.note is not None:
        return holder
    if not _is_same_program(evidence, want.ref, mine, holder):
        return holder
    found = likeness(evidence, want.service, _service(evidence, holder), holder.user)
    if found.one is not False:
        return holder
    more = f" and {len(found.names) - MOST_NAMES} more" if len(found.names) > MOST_NAMES else ""
    return replace(holder, note=f"the same program, with another {', '.join(found.names[:MOST_NAMES])}{more}")


def _pair(evidence: Evidence, service: Service, holders: Sequence[Holder]) -> _Pair | None:
    """The first holder that may be the same service; ``None`` where each is known to be another."""
    mine = evidence.launch or service.launch
    for holder in holders:
        if mine is None or not _is_same_program(evidence, service.ref, mine, holder):
            continue
        theirs = _service(evidence, holder)
        if theirs is not None and theirs.launch is not None and _of_one_pid_file(mine, theirs.launch):
            return _Pair(holder, one=True)
        found = likeness(evidence, service, theirs, holder.user)
        if found.one is not False:
            return _Pair(holder, one=found.one is True, why=found.why)
    return None


def _of_one_pid_file(one: Launch, other: Launch) -> bool:
    return one.pid_file is not None and one.pid_file == other.pid_file


def _unclear(
    evidence: Evidence, want: Want, holders: tuple[Holder, ...], pair: _Pair, commands_of: CommandsOf
) -> Verdict:
    """One program, and perhaps two services: then nothing is advised that is right for one of these only."""
    assert want.ref is not None
    twin = pair.holder
    summary = f"{want.ref.shown} and {_twin_name(twin)} run the same program; whether as one service is not known"
    verdict = outline(evidence, want, VerdictWord.DUPLICATE, summary, twin.confidence)
    ways = (*proposals.for_held(evidence, want, holders, commands_of), _leave(want, twin, commands_of))
    return replace(
        verdict,
        holders=holders,
        clash=next((holder.clash for holder in holders if holder.clash), None),
        actions=tuple(replace(way, recommended=False) for way in ways if way is not None),
        not_checked=(NotChecked("whether both are one service", pair.why),),
    )


def keep(evidence: Evidence, service: Service, twin: Holder) -> Kept:
    """The one that starts with the host goes before the one that does not; else the one that has the port stays."""
    other = _service(evidence, twin)
    own = at_boot(service, evidence.snapshot.services)
    theirs = _twin_at_boot(evidence, twin, other)
    if own and theirs is False:
        return Kept(True, "it is started at boot, and the other is not")
    since = f", up {_age(twin.up)}" if twin.up is not None else ""
    if theirs and own is False:
        return Kept(False, f"it is started at boot and has the port{since}; the other is not enabled")
    return Kept(False, f"it has the port{since}")


def _service(evidence: Evidence, holder: Holder) -> Service | None:
    return evidence.snapshot.service(holder.ref) if holder.ref is not None else None


def _twin_name(twin: Holder) -> str:
    return twin.ref.shown if twin.ref is not None else twin.name


def _twin_at_boot(evidence: Evidence, twin: Holder, other: Service | None) -> bool | None:
    services = evidence.snapshot.services
    return at_boot(other, services) if other is not None else unit_at_boot(twin.chain, services)


def _is_same_program(evidence: Evidence, ref: ServiceRef, mine: Launch, holder: Holder) -> bool:
    # In a container the same path is of another file system.
    if holder.container is not None or (holder.ref is not None and holder.ref.manager in ENGINES):
        return False
    if holder.ref == ref or (holder.ref is None and keeper_of(evidence, holder) is None):
        return False
    if holder.ref is not None and _of_one_template(ref, holder.ref):
        return False
    service = _service(evidence, holder)
    theirs = service.launch if service is not None else None
    if theirs is None and holder.ref is not None:
        theirs = next((told for args, told in evidence.launches if args == (holder.ref.name,) and told.argv), None)
    running = tuple(_running(process) for process in _processes(evidence, holder))
    if theirs is None or not (theirs.whole or same_launch(mine, theirs)):
        return any(same_launch(mine, one) for one in running)
    # Where its manager does not tell all words of a command, its process does.
    words = () if theirs.whole else running
    return same_launch(mine, theirs) and all(same_launch(mine, one) for one in words)


def _of_one_template(one: ServiceRef, other: ServiceRef) -> bool:
    """Whether both are instances of one unit: these differ in what they are given, not in what they run."""
    first, second = one.name.partition("@"), other.name.partition("@")
    return one.manager == other.manager == "systemd" and first[1] == second[1] == "@" and first[0] == second[0]


def _processes(evidence: Evidence, holder: Holder) -> tuple[Process, ...]:
    """The process that has the port, or where it is hidden those of its user in the same control group."""
    known = evidence.process(holder.pid)
    if known is not None:
        return (known,)
    return tuple(process for process in evidence.members or () if process.user in (holder.user, None))


def _running(process: Process) -> Launch:
    return Launch(tuple((process.command or "").split()))


def _ways(
    evidence: Evidence, want: Want, holders: tuple[Holder, ...], twin: Holder, kept: Kept, commands_of: CommandsOf
) -> Iterator[Proposal | None]:
    assert want.service is not None
    free = proposals.for_held(evidence, want, holders, commands_of)
    other = _service(evidence, twin)
    if kept.wanted:
        yield from free[:-1]
        yield _stay_down(other, twin)
        yield free[-1]
        return
    yield _leave(want, twin, commands_of)
    if at_boot(want.service, evidence.snapshot.services) is not False:
        yield _stay_down(want.service, None)
    yield from (replace(way, recommended=False) for way in free if way is not None)


def _leave(want: Want, twin: Holder, commands_of: CommandsOf) -> Proposal | None:
    """End the attempts of the one that is not needed, so that it stays down."""
    assert want.ref is not None
    name, rest = want.ref.shown, f"{_twin_name(twin)} runs the same"
    if want.service is not None and want.service.state is not State.FAILED and can(want.ref, Stoppable):
        intent = Intent(ActionKind.STOP, want.ref)
        return proposals.proposal("stop-twin", f"stop {name}: {rest}", (intent,), commands_of, recommended=True)
    if can(want.ref, Resettable):
        intent = Intent(ActionKind.RESET_FAILED, want.ref)
        label = f"leave {name} down and clear its failure: {rest}"
        return proposals.proposal("leave-down", label, (intent,), commands_of, recommended=True)
    return Proposal("leave-down", f"leave {name} down: {rest}", recommended=True, reason_off="by hand: nothing to stop")


def _stay_down(service: Service | None, holder: Holder | None) -> Proposal | None:
    """What keeps a service from coming back at the next boot; the console changes no such setting."""
    if service is None:
        what = holder.name if holder is not None else "it"
        why = f"by hand: take {what} out of what its manager starts"
        return Proposal("disable", f"keep {what} from starting again", reason_off=why)
    label, why = f"keep {service.ref.shown} from starting again", "by hand: it holds beyond this incident"
    if service.ref.manager == "supervisord":
        why = f"by hand: set autostart=false in {service.unit_file or 'its file'} first"
    if service.ref.manager == "pidfile":
        why = "by hand: remove what starts it"
    return Proposal("disable", label, commands=tuple(map(quote, _disabling(service))), reason_off=why)


def _disabling(service: Service) -> tuple[tuple[str, ...], ...]:
    name = service.ref.name
    match service.ref.manager:
        case "systemd":
            scope = () if service.ref.scope == "system" else ("--user",)
            return (("systemctl", *scope, "disable", "--", name),)
        case "docker" | "compose":
            return ((*words(service), "update", "--restart=no", *service.members),)
        case "pm2":
            tool = service.tool or ("pm2",)
            return ((*tool, "delete", *(service.handle or (name,))), (*tool, "save"))
        case "supervisord":
            return ((*(service.tool or ("supervisorctl",)), "update"),)
        case _:
            return ()


def _age(seconds: float | None) -> str:
    from console.diagnosis.as_text import age_text

    return age_text(seconds or 0.0)
