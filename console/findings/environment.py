"""Files of variables that everyone on a host may read, with secrets in them."""

from collections.abc import Iterator

from console.core.command import quote
from console.core.declaration import OpenFile
from console.core.finding import Finding, Proposal, Severity
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot
from console.core.work_folders import work_folders


def readable(snapshot: Snapshot) -> Iterator[Finding]:
    """Each such file, with the names of what it holds; nobody but the host has seen the values."""
    for file in snapshot.declared.open_files if snapshot.declared is not None else ():
        users = _users(snapshot, file)
        ref = users[0].ref if users else None
        names = ", ".join(file.names)
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        used = f"used by {ref.name}{more}" if ref is not None else _named(file)
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
    return ref.name if ref is not None else file.unit or ("its services" if file.given else "the services beside it")


def _named(file: OpenFile) -> str:
    if file.unit:
        return f"used by {file.unit}"
    return next((f"used by {name} of {path}" if name else f"named in {path}" for path, name in file.given), "")


def _users(snapshot: Snapshot, file: OpenFile) -> list[Service]:
    return [service for service in snapshot.services if _uses(service, file)]


def _uses(service: Service, file: OpenFile) -> bool:
    """Whether its unit or its Compose file names it, or its program may find it where it is started."""
    manager, name = service.ref.manager, service.ref.name
    if manager == "systemd" and name == file.unit:
        return True
    own = (service.unit_file, *service.drop_ins) if manager == "compose" else ()
    if any(path in own and named == name.rpartition("/")[2] for path, named in file.given):
        return True
    folder, _, last = file.path.rpartition("/")
    return last == ".env" and folder in work_folders(service)
