"""Files of variables that everyone on a host may read, with secrets in them."""

from collections.abc import Iterator

from console.core.command import quote
from console.core.declaration import OpenFile
from console.core.finding import Finding, Proposal, Severity
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot


def readable(snapshot: Snapshot) -> Iterator[Finding]:
    """Each such file, with the names of what it holds; nobody but the host has seen the values."""
    for file in snapshot.declared.open_files if snapshot.declared is not None else ():
        users = _users(snapshot, file)
        ref = users[0].ref if users else None
        names = ", ".join(file.names)
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        used = f"used by {ref.name}{more}" if ref is not None else f"used by {file.unit}" if file.unit else ""
        way = Proposal(
            "close-file",
            "let only its owner and its group read it",
            commands=(quote(("chmod", "640", file.path)),),
            reason_off="by hand: its group must be one with which the service can still read it",
        )
        yield Finding(
            "env-readable", Severity.WARNING, snapshot.host, file.path,
            f"readable by everyone on the host, and it holds secrets of {_whose(ref, file)}",
            (f"{file.path} has mode {file.mode}", f"it sets {names}", *([used] if used else [])),
            (way,), ref,
        )  # fmt: skip


def _whose(ref: ServiceRef | None, file: OpenFile) -> str:
    return ref.name if ref is not None else file.unit or "the services beside it"


def _users(snapshot: Snapshot, file: OpenFile) -> list[Service]:
    """The unit that names it, or the services of the Compose project beside whose file it lies."""
    folder = file.path.rpartition("/")[0]
    return [
        service
        for service in snapshot.services
        if (service.ref.manager == "systemd" and service.ref.name == file.unit)
        or (service.ref.manager == "compose" and (service.unit_file or "").rpartition("/")[0] == folder)
    ]
