"""The looks that a verdict rests on, as a person could take them: the command and what it printed."""

import re
from dataclasses import dataclass

from console.core.command import quote
from console.core.probe import Probe
from console.core.text import Masker, cut

MOST_LINES = 60
"""Lines of one look that are kept; what was left out is counted."""
MOST_OF_OTHERS = 12
"""The same where there are more than that, and none of them names the port."""
LONGEST = 400
"""Letters of one line."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the host. ``failure`` says why it gave no answer."""

    command: str
    output: str = ""
    failure: str | None = None


def look(probe: Probe[object], args: tuple[str, ...], text: str, failure: str | None, port: int | None) -> Look:
    """A look as it is shown, secrets masked: of a long answer only the lines that name the port."""
    return Look(_typed(probe, args), _shortened(probe.as_printed(text), port), failure)


def _typed(probe: Probe[object], args: tuple[str, ...]) -> str:
    """The command with its arguments in it; a probe that nobody would type is told by its name."""
    text = probe.shown or f"({probe.name})"
    for number, arg in enumerate(args, 1):
        text = text.replace(f"${number}", quote((arg,)))
    return text.replace("$@", quote(args))


def _shortened(text: str, port: int | None) -> str:
    lines = text.split("\n") if text else []
    kept = lines[:MOST_LINES]
    if len(lines) > MOST_LINES and port is not None:
        about = re.compile(rf"(?<!\d){port}(?!\d)")
        naming = [line for line in lines if about.search(line)]
        kept = naming[:MOST_LINES] or lines[:MOST_OF_OTHERS]
    left = len(lines) - len(kept)
    rest = [f"... {left} more lines: the command prints all of them on the host"] if left else []
    masker = Masker()
    return "\n".join([*(cut(masker.mask(line), LONGEST) for line in kept), *rest])
