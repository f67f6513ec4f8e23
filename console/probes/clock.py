"""The host's wall clock, to compare with the console's."""

from console.core.probe import ParseError, Probe

# busybox prints %N as it stands, or nothing; the whole second is then all that is known.
SCRIPT = r"""
exec date +%s.%N
"""


def parse(text: str) -> float:
    """Seconds since 1970. Whole seconds where ``date`` knows no fraction: half a second is then the best guess."""
    seconds, _, fraction = text.strip().partition(".")
    if not seconds.isdecimal() or len(seconds) > 12:
        raise ParseError("seconds since 1970", text)
    if fraction.isdecimal() and len(fraction) == 9:
        return int(seconds) + int(fraction) / 1e9
    return int(seconds) + 0.5


PROBE = Probe(name="clock", script=SCRIPT, parse=parse, requires=("date",), every=30.0, cached=False)
