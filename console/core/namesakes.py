"""Names that services of several managers of one host have: there the manager is a part of the name."""

from collections.abc import Iterable, Mapping

from console.core.service import Service, ServiceRef

Managers = Mapping[str, frozenset[str]]
"""The managers that have a service of a name."""


def managers_by_name(services: Iterable[Service]) -> Managers:
    """Which managers of a host have a service of which name."""
    found: dict[str, set[str]] = {}
    for service in services:
        found.setdefault(service.ref.name, set()).add(service.ref.manager)
    return {name: frozenset(managers) for name, managers in found.items()}


def is_ambiguous(manager: str, name: str, known: Managers) -> bool:
    """Whether another manager has a service of that name, too."""
    return bool(known.get(name, frozenset()) - {manager})


def told_apart(ref: ServiceRef, known: Managers) -> str:
    """Its name, with ``manager:`` in front where the name alone may mean another service of its host."""
    return f"{ref.manager}:{ref.name}" if is_ambiguous(ref.manager, ref.name, known) else ref.name
