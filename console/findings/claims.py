"""Ports that two services will want at the next boot: nothing is wrong yet, and one of them will not come up."""

from collections.abc import Iterator

from console.core.declaration import Declaration
from console.core.finding import Finding, Proposal, Severity
from console.core.snapshot import Snapshot
from console.diagnosis.portmap import Entry, Fit, contested


def at_next_boot(snapshot: Snapshot, declared: tuple[Declaration, ...]) -> Iterator[Finding]:
    """Each such port once."""
    for entry in contested(snapshot, declared):
        if entry.fit is Fit.CLASH and entry.when == "next boot":
            yield _finding(snapshot, entry)


def _finding(snapshot: Snapshot, entry: Entry) -> Finding:
    ref, rival = entry.services[:2]
    port = f"{entry.protocol} {entry.port}"
    evidence = [f"{one.service} declares {one.at(entry.port)} ({one.where})" for one in entry.declared_by if one.sure]
    evidence += [f"{name.name} starts with the host" for name in (ref, rival)]
    way = Proposal(
        "separate-ports",
        f"give {ref.name} another port than {rival.name}, or start only one of them with the host",
        reason_off="by hand: edit one of the two lines, or disable one of the two services",
    )
    return Finding(
        "port-claimed-twice", Severity.WARNING, snapshot.host, str(ref),
        f"wants {port} at the next boot, and so does {rival.name}",
        tuple(evidence), (way,), ref, entry.port, entry.protocol, covers=(ref, rival),
    )  # fmt: skip
