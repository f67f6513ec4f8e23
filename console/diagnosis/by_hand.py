"""What a person does to a declaration, and what makes it count: each manager has words of its own for that."""

from console.core.service import Service, ServiceRef, State
from console.managers import manager
from console.managers.acting import Declaring


def changed(what: str, where: str | None, ref: ServiceRef, service: Service | None) -> str:
    """``by hand: set WHAT in FILE:LINE, then ...``; ``where`` is ``None`` where no file is known."""
    place = f"in {where}" if where is not None else f"where {ref.name} is configured"
    file = where.partition(":")[0] if where is not None and where.startswith("/") else None
    return f"by hand: set {what} {place}, then {then(ref, service, file)}"


def then(ref: ServiceRef, service: Service | None, file: str | None = None) -> str:
    """What makes a changed declaration count."""
    found = manager(ref.manager)
    if not isinstance(found, Declaring):
        return "restart it"
    return found.takes_effect(service or Service(ref, State.UNKNOWN, ""), file)
