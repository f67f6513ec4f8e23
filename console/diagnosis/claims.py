"""Who claims which port: what managers tell of their services, what files say, what the configuration declares."""

from collections.abc import Iterable, Sequence

from console.core.declaration import Declaration
from console.core.overlap import same_address
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot


def claims(snapshot: Snapshot, others: tuple[Declaration, ...] = ()) -> tuple[Declaration, ...]:
    """Every declaration that is known of a host; ``others`` are those of the console's configuration."""
    declared = snapshot.declared
    files = declared.declarations if declared is not None else ()
    return (*_told(snapshot.services, files), *files, *snapshot.given, *others)


def _told(services: tuple[Service, ...], files: tuple[Declaration, ...]) -> tuple[Declaration, ...]:
    """What managers tell by themselves, where no file says the same with its line."""
    found = []
    for service in services:
        own = [one for one in files if one.is_of(service.ref)] if service.wants else []
        for want in service.wants:
            known = (one for one in own if one.claims(want.protocol, want.port))
            if not any(_same(one.endpoint.address, want.address) for one in known):
                ref = service.ref
                found.append(Declaration(ref.name, want, _said_by(service), ref.manager, ref.scope))
    return tuple(found)


def _said_by(service: Service) -> str:
    """Where a manager's own word on a port is to be found: of a container its engine has it, and its state with it."""
    if service.ref.manager in ("docker", "compose"):
        named = service.members[0] if service.members else service.ref.name
        return f"container {named}, {service.native_state}"
    return f"{service.ref.manager} unit {service.ref.name}"


def _same(first: str, second: str) -> bool:
    """Whether they mean one address, as far as both tell."""
    return "*" in (first, second) or same_address(first, second)


def owner_of(claim: Declaration, services: Iterable[Service]) -> Service | None:
    """The service of which a declaration speaks, where its host has it."""
    return next((service for service in services if claim.is_of(service.ref)), None)


def of_service(found: Sequence[Declaration], ref: ServiceRef) -> tuple[Declaration, ...]:
    """What is declared for one service, for certain."""
    return tuple(one for one in found if one.sure and one.is_of(ref))


def related(first: Declaration, second: Declaration, services: Sequence[Service]) -> bool:
    """Whether two declarations are of one thing: of one service, of a socket unit and what it starts, of one line."""
    if first.where == second.where and first.text == second.text:
        # A file of variables that several services read does not say which of them listens.
        return True
    if (first.service, first.manager or second.manager) == (second.service, second.manager or first.manager):
        return True
    if _stem(first) == _stem(second) and ".socket" in first.service + second.service:
        return True
    one, other = owner_of(first, services), owner_of(second, services)
    if one is None or other is None:
        return False
    return one.ref == other.ref or one.ref.name in other.triggered_by or other.ref.name in one.triggered_by


def _stem(claim: Declaration) -> str:
    return claim.service.removesuffix(".socket").removesuffix(".service").removesuffix("@")
