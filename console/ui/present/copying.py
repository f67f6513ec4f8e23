"""What ``y`` copies: plain lines, with what looks like a secret masked."""

from collections.abc import Iterable

from console.core.text import mask, sanitise
from console.ui.cells import plain
from console.ui.widgets.detail import Entry, Heading


def lines_of(entries: Iterable[Entry | Heading]) -> str:
    """The detail as text, one entry per line."""
    lines: list[str] = []
    for entry in entries:
        if isinstance(entry, Heading):
            right = plain(entry.right)
            lines.append(plain(entry.text) + (f"  [{right}]" if right else ""))
        else:
            lines.append(f"{entry.key:<9} {plain(entry.value)}".rstrip())
    return "\n".join(lines)


def safe(text: str) -> str:
    """What may leave for a clipboard: no control character, no secret that can be recognised."""
    return mask(sanitise(text))
