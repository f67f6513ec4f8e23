"""A holder in the words of one line: who it is, and what becomes of a kill."""

from collections.abc import Callable, Hashable, Iterable, Sequence

from console.core.text import cut, mask
from console.diagnosis.kernel_sockets import is_kernel
from console.diagnosis.respawn import ANY_END, when
from console.diagnosis.spaces import is_published
from console.diagnosis.strays import LEFT, whose
from console.diagnosis.verdict import Holder


def owners(holders: Sequence[Holder], most: int) -> list[Holder]:
    """One holder of each owner, ``most`` of them: a service that listens twice has one story."""
    return first_of_each(holders, lambda one: one.ref or one.name)[:most]


def owner(holder: Holder) -> Hashable:
    """What tells owners of a port apart, who let go of it one by one: what a service left behind is not the service."""
    unknown = holder.container or holder.pid or holder.name
    return (holder.ref, holder.strays or (unknown if holder.ref is None else None))


def distinct(holders: Iterable[Holder]) -> list[Holder]:
    """One of each owner: a service that listens on IPv4 and IPv6 is stopped once."""
    return first_of_each(holders, owner)


def first_of_each(holders: Iterable[Holder], owner: Callable[[Holder], Hashable]) -> list[Holder]:
    """The first holder of each owner, in the order of the holders."""
    found: dict[Hashable, Holder] = {}
    for one in holders:
        found.setdefault(owner(one), one)
    return list(found.values())


def who(holder: Holder) -> str:
    """``node pid 4112``, ``container shop (docker-proxy pid 246)``, ``service web of shop``, ``hidden process``."""
    process = f"{holder.process} pid {holder.pid}" if holder.process is not None and holder.pid is not None else None
    process = process or (f"pid {holder.pid}" if holder.pid is not None else None)
    named = holder.label or (f"container {holder.container}" if holder.container is not None else None)
    if named is not None:
        return f"{named} ({process})" if process is not None else named
    return process or "hidden process"


def why(holder: Holder, width: int) -> list[str]:
    """Who runs it, outermost first, and what else there is to know of it: in a line of its own where both are wider."""
    runs = " -> ".join(holder.chain) or "who started it is not known"
    if holder.note is None:
        return [runs]
    both = f"{runs}: {holder.note}"
    return [both] if len(both) <= width else [runs, holder.note]


LONGEST = 300
"""Letters of a command line; that of conmon has thousands."""
LEAST = 12
"""Letters of it that are told in a line with what else there is to tell."""


def shown_command(holder: Holder) -> str | None:
    """Its command line, as it may leave the terminal."""
    return cut(mask(holder.command), LONGEST) if holder.command else None


def whereabouts(holder: Holder) -> list[str]:
    """What else than its command tells one process from another, as far as it is known."""
    found = [f"in {holder.cwd}"] if holder.cwd is not None else []
    found += [f"pid file {holder.pid_file}"] if holder.pid_file is not None else []
    return found + ([f"parent pid {holder.ppid}"] if holder.ppid else [])


def is_bare(holder: Holder) -> bool:
    """Whether no unit, app or container tells what it is: a process by itself, with a pid file or without."""
    if (holder.pid or 0) <= 1 or holder.container is not None or holder.label is not None:
        return False
    return holder.ref is None or holder.ref.manager == "pidfile" or bool(holder.strays)


def runs(holder: Holder, width: int) -> str | None:
    """What a bare process runs and where, for one line: its name alone says nothing of whose it is.

    Room is first taken from what started it, then from the end of a long command.
    """
    command = shown_command(holder)
    if command is None or not is_bare(holder):
        return None
    told = whereabouts(holder)
    if len(told) > 1 and len(command) + len(", ".join(told)) + 3 > width and holder.ppid:
        told.pop()
    rest = f" ({', '.join(told)})" if told else ""
    room = max(LEAST, width - len(rest))
    return (command if len(command) <= room else f"{command[: room - 1]}…") + rest


def after_a_kill(holder: Holder) -> str:
    """Whether it comes back, and what must not be done."""
    if is_published(holder) and holder.chain[:1] != ("kubernetes",):
        spared = holder.process or "its engine"
        return f"{_policy(holder)}; never kill {spared}"
    if is_kernel(holder):
        return "there is no process to kill: killing frees nothing"
    if holder.note == LEFT:
        return f"not known: {holder.again}" if holder.again is not None else "not known"
    if holder.respawn is None and holder.ref is None and (holder.container is not None or holder.label is not None):
        return "not known"
    if holder.respawn is None and holder.parent is not None:
        return f"not known: {holder.parent} started it, lives, and may start it again"
    if holder.respawn is None and holder.strays:
        return f"not by itself, but {holder.again}" if holder.again is not None else f"none known: {whose(holder)}"
    if holder.respawn is None and holder.ref is not None:
        return "none known: it stays down when it is stopped" if holder.told else "not known: its manager did not tell"
    if holder.respawn is None:
        return "none known"
    if when(holder.respawn) != ANY_END:
        return f"{when(holder.respawn)} ({holder.respawn})"
    target = f"killing {holder.pid}" if holder.pid not in (None, 1) else "a kill"
    return f"yes, {holder.respawn}: {target} will NOT free it"


def _policy(holder: Holder) -> str:
    if holder.respawn is not None:
        return f"{'yes' if when(holder.respawn) == ANY_END else 'after some ends'}, {holder.respawn}"
    return "none: it stays down when it is stopped" if holder.ref is not None and holder.told else "not known"


def where(holder: Holder) -> str:
    """``[::]:8080``, ``udp 10.0.0.2%eth0:53``, and where what comes is sent on to: of a connection to its other end."""
    udp = "udp " if holder.protocol == "udp" else ""
    device = f"%{holder.interface}" if holder.interface else ""
    peer = f" -> {holder.peer}" if holder.peer is not None else ""
    return f"{udp}{bracketed(holder.address)}{device}:{holder.port}{_sent_on(holder)}{peer}"


def bracketed(address: str) -> str:
    """An address before a port."""
    return f"[{address}]" if ":" in address else address


def _sent_on(holder: Holder) -> str:
    """Where what comes is sent, where no process takes it at the port itself."""
    if holder.to is None or is_published(holder):
        return ""
    return f" -> {bracketed(holder.to.address)}:{holder.to.port}"
