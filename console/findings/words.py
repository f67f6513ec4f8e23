"""Numbers in words, the same in every finding."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def span(seconds: float) -> str:
    """A span in its largest fitting unit: ``41 s``, ``12 min``, ``3 h``, ``6 d``."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"


def size(count: float) -> str:
    """Bytes in binary units: ``512 MiB``, ``7.8 GiB``."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    if count < 1024:
        return f"{count:.1f} GiB"
    return f"{count / 1024:.1f} TiB"


def times(count: int, word: str) -> str:
    """``1 restart``, ``5 restarts``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
