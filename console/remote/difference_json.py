"""What another release would change, in the file that a plan has on its host: any console can tell it from there.

Values of variables, commands and labels stay with the console that looked; what is kept there is what it showed first.
"""

from collections.abc import Mapping
from typing import Any

from console.core.difference import Change, Cut, Difference, Gap, How, Pair, Subject
from console.core.service import ServiceRef
from console.core.text import sanitise

MOST = 60
"""Changes that are kept; the others are counted."""
_UNTOLD = (Subject.VARIABLE, Subject.COMMAND, Subject.LABEL)
_LONGEST = 400


def document(difference: Difference | None) -> dict[str, Any] | None:
    """For JSON; ``None`` for a plan that makes no release live."""
    if difference is None:
        return None
    kept, left = difference.changes[:MOST], difference.changes[MOST:]
    cuts = (*difference.cut, *(Cut(one.subject, one.how, 1) for one in left))
    return {
        "live": difference.pair.live,
        "target": difference.pair.target,
        "unbuilt": difference.pair.unbuilt,
        "changes": [_change(one) for one in kept],
        "facts": list(difference.facts),
        "gaps": [[gap.what, gap.why] for gap in difference.gaps],
        "cut": [[one.subject.value, one.how.value, one.count] for one in cuts],
        "failure": difference.failure,
        "pending": difference.pending,
    }


def read(value: Mapping[str, Any] | None, ref: ServiceRef) -> Difference | None:
    """What ``document`` gave; every string is made safe. Raises ``ValueError``, ``KeyError`` and ``TypeError``."""
    if value is None:
        return None
    return Difference(
        Pair(ref, _text(value["live"]), _text(value["target"]), value["unbuilt"] is True),
        tuple(_to_change(one) for one in value["changes"][:MOST]),
        tuple(_text(fact) for fact in value["facts"]),
        tuple(Gap(_text(what), _text(why)) for what, why in value["gaps"]),
        tuple(Cut(Subject(what), How(how), _count(count)) for what, how, count in value["cut"]),
        None if value["failure"] is None else _text(value["failure"]),
        value["pending"] is True,
    )


def _change(one: Change) -> list[str | None]:
    values = (None, None) if one.subject in _UNTOLD else (one.before, one.after)
    return [one.subject.value, one.how.value, one.name, *values]


def _to_change(value: Any) -> Change:
    subject, how, name, before, after = value
    told = (None if word is None else _text(word) for word in (before, after))
    return Change(Subject(subject), How(how), _text(name), *told)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r:.40}")
    return sanitise(value).replace("\n", " ")[:_LONGEST]


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 < value < 10**9:
        raise TypeError("expected a count")
    return value
