"""What was not seen, and why: without it, "all quiet" would say more than is known."""

from collections.abc import Iterator

from console.core.snapshot import LinkState, Snapshot
from console.core.words import listed
from console.managers.adrift import NOT_TOLD

ESSENTIAL = {"vitals": "its vitals", "listeners": "its listeners", "systemd": "its services"}
"""Sources without which nothing can be called quiet, and what each of them tells."""


def not_seen(snapshot: Snapshot) -> tuple[str, ...]:
    """Each thing that the rules could not judge, with its reason: ``docker (no right on its socket)``."""
    link = snapshot.link
    if link.state is not LinkState.UP:
        why = link.error or {"connecting": "not connected yet", "stale": "it does not answer"}.get(link.state, "down")
        return (f"anything of it now ({why})",)
    gaps = [f"{source.name} ({source.failure})" for source in snapshot.sources if source.failure is not None]
    if snapshot.sample is None:
        gaps.append("its vitals (not answered yet)")
    elif snapshot.sample.pressure_io is None:
        gaps.append("IO and memory pressure (its kernel does not tell)")
    hidden = sum(not listener.pids for listener in snapshot.listeners)
    if hidden and not (snapshot.identity is not None and snapshot.identity.uid == 0):
        gaps.append(f"the processes of {hidden} listener{'s' if hidden > 1 else ''} (needs root)")
    return tuple(gaps)


def whole(snapshot: Snapshot) -> bool:
    """Whether every source answered, so that nothing of what it tells can be wrong unseen."""
    return not blind(snapshot) and all(source.failure is None for source in snapshot.sources)


def blind(snapshot: Snapshot) -> tuple[str, ...]:
    """Each essential part of a host that is not seen now, with its reason; while there is one, all is never quiet.

    So are services of which only files tell, since their manager does not.
    A host without systemd has no services of it to be missed, as long as another manager tells of some.
    """
    if snapshot.link.state is not LinkState.UP:
        return not_seen(snapshot)
    identity = snapshot.identity
    found = []
    for name, words in ESSENTIAL.items():
        if name == "systemd" and identity is not None and identity.systemd is None and snapshot.services:
            continue
        source = snapshot.source(name)
        if source is None or source.at is None or source.failure is not None or source.former:
            why = (source.failure if source is not None else None) or "not answered yet"
            found.append(f"{words} ({why})")
    return (*found, *_known_by_files(snapshot))


def _known_by_files(snapshot: Snapshot) -> Iterator[str]:
    """One line for each reason for which a manager does not tell of services that are in its files."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for one in snapshot.services:
        if one.native_state == NOT_TOLD and one.adrift is None:
            found.setdefault((one.ref.manager, one.tool_missing), []).append(one.ref.name)
    for (manager, why), names in found.items():
        yield f"{manager}: {listed(names)} ({why or NOT_TOLD})"
