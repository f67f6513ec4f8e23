"""Whether two services that run one program are one service run twice, or two: the variables they are given tell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.core.environment import Origin, Told
from console.core.service import Service, ServiceRef
from console.diagnosis.evidence import Evidence
from console.managers import manager
from console.managers.base import Environed

_SET = (Origin.UNIT, Origin.FILE, Origin.PROGRAM, Origin.CONTAINER)
"""What is set for a service and for nothing else."""
_ALLOWED = "not there, which is allowed"
_ANYBODYS = frozenset({"PATH", "LANG", "LC_ALL", "TERM", "SHELL", "PWD"})
"""Variables that everything has, and that make no other service of a program."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """``one``: whether both are one service; ``None`` where that is not known, and ``why`` says why not."""

    one: bool | None
    why: str = ""
    names: tuple[str, ...] = ()
    """The variables that tell them apart."""


def words_of(service: Service) -> tuple[str, ...]:
    """What asks for the variables of a service; nothing where they cannot be asked for."""
    found = manager(service.ref.manager)
    if not isinstance(found, Environed):
        return ()
    try:
        return found.environment_words(service)
    except ValueError:
        return ()


def likeness(evidence: Evidence, mine: Service, theirs: Service | None, user: str | None) -> Likeness:
    """Compare a service with the one that runs the same program; ``theirs``: ``None`` where it is not known.

    ``user``: whose the socket is on the port.
    """
    if _is_of_other_user(mine, theirs, user):
        return Likeness(False, names=("User",))
    if theirs is None:
        return Likeness(None, "which service it is was not told")
    sets, has = _told(evidence, mine), _told(evidence, theirs)
    for service, found in ((mine, sets), (theirs, has)):
        if found is None:
            why = evidence.because("environment")
            return Likeness(None, f"the variables of {service.ref.shown} were not read{why}")
    assert sets is not None
    assert has is not None
    return _compared(sets, has, mine.ref, theirs.ref)


def _is_of_other_user(mine: Service, theirs: Service | None, user: str | None) -> bool:
    if mine.user is None:
        return False
    if theirs is not None and theirs.user is not None:
        return mine.user != theirs.user
    # What root starts may go on as anybody; what another user starts stays that user's.
    return mine.user != "root" and user is not None and not user.startswith("uid ") and mine.user != user


@dataclass(frozen=True, slots=True)
class _Sources:
    """What is known of the variables of a service."""

    given: Mapping[str, str] | None
    """Those set for it; ``None`` where nothing tells these apart from others."""
    process: Mapping[str, str]
    unread: Mapping[str, str]
    """Sources that were not read, and why."""


def _told(evidence: Evidence, service: Service) -> _Sources | None:
    words = words_of(service)
    found = next((told for asked, told in evidence.environments if words and asked == words), None)
    return _sources(found) if found is not None else None


def _sources(told: Iterable[Told]) -> _Sources:
    given: dict[str, str] = {}
    process: dict[str, str] = {}
    unread: dict[str, str] = {}
    is_set = False
    for one in told:
        # What a container was made with has it.
        if one.origin in (Origin.BESIDE, Origin.GIVEN):
            continue
        values = {raw.name: raw.value.reveal() for raw in one.variables if raw.name not in _ANYBODYS}
        if one.origin is Origin.PROCESS:
            process |= values
            continue
        is_set = is_set or one.origin in _SET
        given |= values
        if one.failure is not None and one.failure != _ALLOWED:
            unread[one.where] = one.failure
        elif any(not raw.filled for raw in one.variables):
            unread[one.where] = "its manager fills in a pattern there"
    return _Sources(given if is_set else None, process, unread)


def _compared(mine: _Sources, theirs: _Sources, ref: ServiceRef, other: ServiceRef) -> Likeness:
    sets, has = mine.given or {}, {**theirs.process, **(theirs.given or {})}
    differing = tuple(sorted(name for name, value in sets.items() if name in has and has[name] != value))
    if differing:
        return Likeness(False, names=differing)
    # A file that both are given says the same to both, whoever may read it.
    both = frozenset(mine.unread) & frozenset(theirs.unread)
    unread = {where: why for where, why in {**mine.unread, **theirs.unread}.items() if where not in both}
    if unread:
        where, why = next(iter(unread.items()))
        return Likeness(None, f"{where}: {why}")
    if mine.given is None:
        return Likeness(None, f"what {ref.shown} is given is not known")
    if _is_one_name(ref, other):
        return Likeness(True)
    only = {name for name in sets if name not in has} | {name for name in theirs.given or () if name not in sets}
    if only:
        return Likeness(False, names=tuple(sorted(only)))
    if theirs.given is None:
        return Likeness(None, f"which variables were set for {other.shown} is not told apart from those it inherited")
    return Likeness(True)


def _is_one_name(ref: ServiceRef, other: ServiceRef) -> bool:
    """Whether two managers know it by one name."""
    return ref.name.removesuffix(".service") == other.name.removesuffix(".service")
