"""What another release of a service would change, told before it is made live.

A host compares and tells in lines of words with a tab between them; the last one is ``end``::

    SUBJECT added|removed|changed NAME BEFORE AFTER
    more SUBJECT HOW COUNT
    gap WHAT WHY
    fact TEXT

BEFORE and AFTER are empty where there is none, ``=TEXT``, ``%TEXT`` in the form of a URL, or ``*`` for one that was not
sent: only the host knows that it is another.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_plus

from console.core.probe import ParseError
from console.core.service import ServiceRef
from console.core.text import HIDDEN, cut, mask, mask_variable, sanitise

MOST = 200
"""Changes that are kept of one comparison; the others are counted."""
_LONGEST = 300

_commit = re.compile(r"[0-9a-f]{7,64}")


class Subject(StrEnum):
    """What differs, in the order in which it is told."""

    PACKAGE = "package"
    IMAGE = "image"
    COMMIT = "commit"
    FILE = "file"
    VARIABLE = "variable"
    COMMAND = "command"
    PORT = "port"
    RESOURCE = "resource"
    LABEL = "label"
    DEPENDENCY = "dependency"
    SIZE = "size"


class How(StrEnum):
    """How the target is other than what is live."""

    REMOVED = "removed"
    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Pair:
    """What is live, and what is to come in its place."""

    ref: ServiceRef
    live: str
    """The id of the live release; empty where there is none."""
    target: str
    unbuilt: bool = False
    """The target is yet to be built: it is named by the commit of its work tree."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in which the two differ. A value that may be a secret is ``HIDDEN``."""

    subject: Subject
    how: How
    name: str
    """Of a commit its short hash and subject; of a variable of a file ``FILE: KEY``."""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """How many more there are of a kind."""

    subject: Subject
    how: How
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the difference that is not known."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From what is live to the target: what is added comes with it, what is removed goes."""

    pair: Pair
    changes: tuple[Change, ...] = ()
    facts: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cut: tuple[Cut, ...] = ()
    failure: str | None = None
    """Why nothing of it is known."""
    pending: bool = False
    """Its host was not asked yet."""

    def of(self, subject: Subject, how: How) -> tuple[Change, ...]:
        """The changes of a kind."""
        return tuple(one for one in self.changes if (one.subject, one.how) == (subject, how))

    def count(self, subject: Subject, how: How) -> int:
        """How many there are of a kind, those that were cut off among them."""
        return len(self.of(subject, how)) + sum(
            one.count for one in self.cut if (one.subject, one.how) == (subject, how)
        )

    @property
    def lost(self) -> tuple[str, ...]:
        """Commits that what is live has and the target has not: ``HASH SUBJECT``."""
        return tuple(one.name for one in self.of(Subject.COMMIT, How.REMOVED))

    @property
    def gained(self) -> tuple[str, ...]:
        """Commits that come with the target."""
        return tuple(one.name for one in self.of(Subject.COMMIT, How.ADDED))


def commit_word(commit: str | None) -> str:
    """A commit as an argument; empty for what is none."""
    return commit if commit is not None and _commit.fullmatch(commit) else ""


def parse(text: str) -> Difference:
    """Read the answer of a comparison; the pair is filled in by who asks."""
    *lines, last = text.split("\n")
    if last != "end":
        raise ParseError("the end of a comparison", last)
    changes: list[Change] = []
    cuts: list[Cut] = []
    gaps: list[Gap] = []
    facts: list[str] = []
    for line in lines:
        match line.split("\t"):
            case ["more", subject, how, count] if count.isascii() and count.isdigit() and len(count) < 10:
                cuts.append(Cut(_subject(subject, line), _how(how, line), int(count)))
            case ["gap", what, why]:
                gaps.append(Gap(_clean(what), _clean(why)))
            case ["fact", told]:
                facts.append(_clean(told))
            case [subject, how, name, *values] if name and len(values) <= 2:
                changes.append(_change(_subject(subject, line), _how(how, line), name, [*values, "", ""]))
            case _:
                raise ParseError("a line of a comparison", line)
    kept, more = _kept(changes)
    pair = Pair(ServiceRef("", "", ""), "", "")
    return Difference(pair, kept, tuple(dict.fromkeys(facts)), tuple(dict.fromkeys(gaps)), _added((*cuts, *more)))


def _kept(changes: list[Change]) -> tuple[tuple[Change, ...], list[Cut]]:
    """In the order in which they are told, commits as git has them; the first of each kind where there are many."""
    order, hows = list(Subject), list(How)
    ranked = sorted(
        changes,
        key=lambda one: (
            order.index(one.subject),
            hows.index(one.how),
            "" if one.subject is Subject.COMMIT else one.name,
        ),
    )
    left = ranked[MOST:]
    return tuple(ranked[:MOST]), [Cut(one.subject, one.how, 1) for one in left]


def _added(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    found: dict[tuple[Subject, How], int] = {}
    for one in cuts:
        found[one.subject, one.how] = found.get((one.subject, one.how), 0) + one.count
    return tuple(Cut(*kind, count) for kind, count in found.items() if count)


def _subject(word: str, line: str) -> Subject:
    try:
        return Subject(word)
    except ValueError:
        raise ParseError("what differs", line) from None


def _how(word: str, line: str) -> How:
    try:
        return How(word)
    except ValueError:
        raise ParseError("added, removed or changed", line) from None


def _change(subject: Subject, how: How, name: str, values: list[str]) -> Change:
    if name.startswith("%"):
        name = unquote_plus(name[1:])
    key = name.rpartition(": ")[2].rpartition("/")[2]
    before, after = (_value(subject, key, value) for value in values[:2])
    return Change(subject, how, _clean(name), before, after)


def _value(subject: Subject, key: str, word: str) -> str | None:
    if not word:
        return None
    if word[0] not in "=%":
        return HIDDEN
    value = _one_line(unquote_plus(word[1:]) if word[0] == "%" else word[1:])
    # A value is judged by its name too, and by itself; of one that is hidden in part the rest tells too much.
    shown = mask_variable(key, value) if subject is Subject.VARIABLE else mask(value)
    hidden = HIDDEN in shown or HIDDEN in mask(f"{key}={value}")
    return HIDDEN if hidden else cut(value, _LONGEST)


def _clean(text: str) -> str:
    return cut(mask(_one_line(text)), _LONGEST)


def _one_line(text: str) -> str:
    return re.sub(r"[\n\t]+", " ", sanitise(text)).strip()
