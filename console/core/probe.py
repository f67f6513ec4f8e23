"""A probe: what is asked of a host and how the answer is read, side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.core.text import mask

T_co = TypeVar("T_co", covariant=True)


class ParseError(ValueError):
    """An answer that is not of the expected form; carries the offending line."""

    def __init__(self, expected: str, line: str) -> None:
        super().__init__(f"expected {expected}, got: {mask(line[:200])!r}")
        self.expected = expected
        self.line = line


@dataclass(frozen=True, slots=True)
class Probe(Generic[T_co]):
    """One fact of a host.

    ``script`` is a constant POSIX sh fragment (never built by formatting): it becomes the body of a function of the
    probe shell, so it may use ``"$@"`` for its arguments. It is called in a subshell of its own: it may set variables
    and ``exec`` its last command, which saves a fork; it must not wait for input. Its ``echo`` prints its words as they
    are, whichever shell the host has. What it prints on standard output is given to ``parse`` as sanitised text without
    the last newline; a non-zero exit status is a failure whose reason is its standard error: 77 where the login has no
    right to look, 124 where there was no answer in time, which it may also explain by an answer that begins with
    ``why``. ``parse`` raises ``ParseError``; it must be pure.

    ``slow`` probes may take longer than a tick (a service manager, ``df``) and run in a lane of their own, so that they
    never hold up the others. ``cached`` probes answer "same" when their output did not change since the last request
    with the same arguments. ``every`` is how often the poller asks, in seconds; 0 means only on demand.
    """

    name: str
    """Letters, digits and ``_``: the name of the shell function."""
    script: str
    parse: Callable[[str], T_co]
    requires: tuple[str, ...] = ()
    """Tools without which it is not asked (the source is then "not available")."""
    every: float = 0.0
    slow: bool = False
    cached: bool = True
    timeout: float = 5.0
    killed_after: float = 0.0
    """Seconds after which it is killed on its host, 0 for never. For looks at files anywhere, as a look at one of a
    file system whose server is dead never ends. It runs in a process of its own where the host has ``timeout``."""
    elevated: bool = False
    """It looks as root, through sudo where the login is another: a refusal holds as long as the connection."""
    shown: str = ""
    """The command whose output is shown with it, with ``$1`` and ``$@`` for the arguments; in parentheses what was
    looked at, where no single command prints just that."""
    resident: str = ""
    """The same for an ``awk`` that stays: functions, of which ``look()`` sets ``o`` to what ``script`` would print. One
    probe of a shell may have it; it is of use where the look itself is cheaper than a process."""
    as_printed: Callable[[str], str] = str
    """From the script's text to what ``shown`` prints, where the script prints it in another form."""
