"""A service whose unit gives it another network than the host's: who is in its way there, and not on the host."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from console.core.network import Listener
from console.core.overlap import overlaps
from console.core.service import Endpoint, OwnNetwork, Service
from console.diagnosis import proposals, spaces
from console.diagnosis.evidence import Evidence
from console.diagnosis.inside import holder_in
from console.diagnosis.next_start import joined
from console.diagnosis.outline import outline, undecided
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.managers.join import Owners
from console.probes.namespaces import Namespace

THERE = ("EADDRINUSE", "EADDRNOTAVAIL")
"""What its log says of its own network, and not of what its unit or the host permits."""
_ENTERING = ("ip", "nsenter", "unshare")
"""Programs that run another one in another network: ip-netns(8), nsenter(1), unshare(1)."""
_NOT_YET = "not asked yet"


@dataclass(frozen=True, slots=True)
class Place:
    """The network in which a service is to have its port."""

    words: str
    """What says that it is not the host's."""
    space: Namespace | None = None
    """What is in it; ``None`` where nobody lives there, or where ``gap`` says why it is not known."""
    gap: str | None = None


def file_of(evidence: Evidence, want: Want) -> str | None:
    """The file that names the network in which the port is wanted."""
    declared = _declared(evidence, want)
    return declared.path if declared is not None else None


def decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """The verdict on a port in a network of its own; ``None`` where it is the host's."""
    place = _place(evidence, want)
    if place is None or want.endpoint is None:
        return None
    told = want.symptom.errno if want.symptom is not None and want.down else None
    if told == "EADDRNOTAVAIL":
        gap = NotChecked(f"addresses of the network of {want.name}", "only those of the host are looked at")
        summary = f"{want.name} wants an address that its network does not have ({place.words})"
        return undecided(evidence, want, summary, gap)
    if place.gap is not None:
        gap = NotChecked(f"listeners in the network of {want.name}", place.gap)
        summary = f"{want.name} has a network of its own ({place.words}): who has {want.port} there is not known"
        return undecided(evidence, want, summary, gap)
    found = _clashing(place, want.endpoint)
    holders = tuple(_holder(evidence, want.endpoint, place, listener) for listener in found)
    foreign = tuple(holder for holder in holders if holder.ref is None or holder.ref != want.ref)
    if foreign:
        return _held(evidence, want, place, foreign, commands_of)
    return _own(evidence, want, place, holders) if holders else _nobody(evidence, want, place, commands_of)


def listeners(evidence: Evidence, want: Want) -> tuple[Listener, ...] | None:
    """What is at the port in its own network, as far as it is known; ``None`` where the host's network is meant."""
    place = _place(evidence, want)
    return None if place is None or want.endpoint is None else _clashing(place, want.endpoint)


def _declared(evidence: Evidence, want: Want) -> OwnNetwork | None:
    return evidence.snapshot.network_of(want.service, want.endpoint) if want.service is not None else None


def _place(evidence: Evidence, want: Want) -> Place | None:
    service = want.service
    # What an engine publishes is of the host.
    if service is None or service.ref.manager in (*spaces.ENGINES, "kubernetes"):
        return None
    declared = _declared(evidence, want)
    if declared is None:
        return _entered(evidence, service)
    known, words = evidence.namespaces, str(declared)
    if known is None:
        return Place(words, gap=evidence.refusal("namespaces") or _NOT_YET)
    space = _of_pids(evidence, service.pids)
    if space is None:
        shared = (_of_pids(evidence, unit.pids) for unit in _shared(evidence, service, declared))
        space = next((one for one in shared if one is not None), None)
    if space is None and service.pids and any(one.members > len(one.pids) for one in known.spaces):
        return Place(words, gap="of a network with many processes not all were looked at")
    if space is not None or declared.path is None:
        return Place(words, space)
    if known.file == "own":
        return None
    if (named := next((one for one in known.spaces if one.named), None)) is not None or known.file == "empty":
        return Place(words, named)
    if known.file == "missing":
        return Place(words, gap=f"{declared.path} is not there")
    # Of a file of that name another service may have had an earlier one.
    return Place(words, gap="which network that is, is hidden from this user: it needs root")


def _entered(evidence: Evidence, service: Service) -> Place | None:
    """Where its command, and not its manager, takes it into another network."""
    if service.program not in _ENTERING:
        return None
    words = f"it is run by {service.program}"
    space = _of_pids(evidence, service.pids)
    if space is not None:
        return Place(words, space)
    # One that runs and is in none of them is in the host's.
    if service.pids and evidence.namespaces is not None:
        return None
    return Place(words, gap=f"into which network {service.program} takes it is not told")


def _shared(evidence: Evidence, service: Service, declared: OwnNetwork) -> Iterator[Service]:
    for name in declared.shared_with:
        unit = evidence.snapshot.service(replace(service.ref, name=name))
        if unit is not None and unit.own_network is not None and unit.pids:
            yield unit


def _of_pids(evidence: Evidence, pids: Iterable[int]) -> Namespace | None:
    known = evidence.namespaces.spaces if evidence.namespaces is not None else ()
    return next((space for space in known if set(space.pids) & set(pids)), None)


def _clashing(place: Place, endpoint: Endpoint) -> tuple[Listener, ...]:
    found = place.space.listeners if place.space is not None else ()
    return tuple(listener for listener in found if overlaps(endpoint, listener) is not None)


def _holder(evidence: Evidence, endpoint: Endpoint, place: Place, listener: Listener) -> Holder:
    """Who listens there: of several who live there it is only told to whom the process is shown."""
    assert place.space is not None
    made = replace(holder_in(evidence, place.space, listener), clash=overlaps(endpoint, listener))
    if listener.pids or _is_alone(evidence, place.space):
        return made
    hidden = replace(made, ref=None, unit=None, container=None, label=None, chain=(), respawn=None, since=None, up=None)
    return replace(hidden, known_by=("namespace",), confidence=Confidence.MEDIUM)


def _is_alone(evidence: Evidence, space: Namespace) -> bool:
    """Whether all that lives there is one service's."""
    owners = Owners(evidence.snapshot.services)
    found = [owners.of_pid(one.pid) or owners.of_cgroup(one.cgroup) for one in space.processes]
    seen = len(found) == space.members and all(one is not None for one in found)
    return seen and len({one.ref for one in found if one is not None}) == 1


def _held(
    evidence: Evidence, want: Want, place: Place, holders: tuple[Holder, ...], commands_of: CommandsOf
) -> Verdict:
    names = joined(holder.ref.beside(want.ref) if holder.ref is not None else holder.name for holder in holders)
    where = f"in the network of {want.name} ({place.words}), which is not the host's"
    summary = f"{want.port} is held by {names} {where}"
    verdict = outline(evidence, want, VerdictWord.HELD, summary, holders[0].confidence)
    ways = proposals.for_held(evidence, want, holders, commands_of)
    clash = next((holder.clash for holder in holders if holder.clash), None)
    noted = tuple(replace(holder, note=where) for holder in holders)
    return replace(verdict, holders=noted, clash=clash, actions=proposals.ordered(ways))


def _own(evidence: Evidence, want: Want, place: Place, holders: tuple[Holder, ...]) -> Verdict:
    summary = f"{want.name} itself holds {want.port} in its own network ({place.words})"
    if not want.down:
        summary += ": nothing is in its way"
    return replace(outline(evidence, want, VerdictWord.HELD, summary, holders[0].confidence), holders=holders)


def _nobody(evidence: Evidence, want: Want, place: Place, commands_of: CommandsOf) -> Verdict:
    where = f"in the network of {want.name} ({place.words})"
    if place.space is None and want.down and want.symptom is not None and want.symptom.errno == "EADDRINUSE":
        summary = f"nobody lives {where} now, and yet {want.port} could not be bound there: it may clash with itself"
        return replace(
            undecided(evidence, want, summary), actions=proposals.start(want, commands_of, recommended=False)
        )
    if place.space is None:
        summary = f"{want.port} is free {where}: nobody lives there"
        verdict = outline(evidence, want, VerdictWord.FREE, summary, Confidence.MEDIUM)
        return replace(verdict, actions=proposals.start(want, commands_of))
    gap = NotChecked(f"connections in the network of {want.name}", "only those of the host are looked at")
    verdict = undecided(evidence, want, f"nobody listens on {want.port} {where}", gap)
    return replace(verdict, actions=proposals.start(want, commands_of, recommended=False))
