"""Numbers of things in words for a person."""

from collections.abc import Iterable


def listed(names: Iterable[str], most: int = 3) -> str:
    """``a``, ``a and b``, ``a, b and c``; of more than ``most`` how many there are besides: ``a, b and 4 more``."""
    words = list(names)
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last
