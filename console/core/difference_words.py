"""A difference between two releases in words, for a screen, a terminal and the audit trail alike."""

from collections.abc import Iterator

from console.core.difference import Change, Difference, How, Subject
from console.core.text import HIDDEN

_NOUNS = {
    Subject.COMMIT: ("commit", "commits"),
    Subject.FILE: ("file", "files"),
    Subject.VARIABLE: ("variable", "variables"),
    Subject.COMMAND: ("command", "commands"),
    Subject.PORT: ("port", "ports"),
    Subject.RESOURCE: ("resource", "resources"),
    Subject.LABEL: ("label", "labels"),
    Subject.DEPENDENCY: ("dependency", "dependencies"),
}
"""What is counted; the others are told as they are."""
_COMMIT_WORDS = {How.REMOVED: "lost", How.ADDED: "gained", How.CHANGED: "changed"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def brief(difference: Difference) -> str:
    """One line: how much differs, and what is not known."""
    if difference.pending:
        return "what differs is not known yet"
    if difference.failure is not None:
        return f"what differs is not known: {difference.failure}"
    parts = [part for subject in Subject if (part := _counted(difference, subject))]
    if not parts:
        parts = ["no difference was found" if not difference.gaps else "nothing else differs"]
    unknown = [gap.what for gap in difference.gaps]
    if unknown:
        missing = f"not known: {', '.join(dict.fromkeys(unknown))}"
        parts = [missing] if parts == ["nothing else differs"] else [*parts, missing]
    return "; ".join(parts)


def _counted(difference: Difference, subject: Subject) -> str:
    if subject not in _NOUNS:
        return ", ".join(told(one) for one in difference.changes if one.subject is subject)
    words: list[str] = []
    for how in How:
        count = difference.count(subject, how)
        if count:
            noun = "" if words else f" {_NOUNS[subject][count != 1]}"
            words.append(f"{count}{noun} {how_word(subject, how)}")
    return ", ".join(words)


def lines(difference: Difference) -> tuple[tuple[str, str], ...]:
    """All of it: a key and a line each; the key is told once."""
    if difference.pending or difference.failure is not None:
        return (("differs", brief(difference)),)
    rows = [*_rows(difference)]
    if not rows:
        rows = [("differs", brief(difference))]
    keys = ["", *(key for key, _ in rows)]
    return tuple(("" if key == before else key, line) for before, (key, line) in zip(keys, rows, strict=False))


def _rows(difference: Difference) -> Iterator[tuple[str, str]]:
    for subject in Subject:
        key = _NOUNS.get(subject, (subject.value, subject.value))[1]
        for how in How:
            mine = key if subject is not Subject.COMMIT else how_word(subject, how)
            yield from ((mine, told(one)) for one in difference.of(subject, how))
            more = difference.count(subject, how) - len(difference.of(subject, how))
            if more:
                yield mine, f"and {more} more {how_word(subject, how)}"
    yield from (("facts", fact) for fact in difference.facts)
    yield from (("not known", f"{gap.what}: {gap.why}") for gap in difference.gaps)


def how_word(subject: Subject, how: How) -> str:
    """``added``, ``changed`` ...; a commit is gained or lost."""
    return _COMMIT_WORDS[how] if subject is Subject.COMMIT else how.value


def told(change: Change) -> str:
    """One change as a line."""
    if change.subject is Subject.COMMIT:
        return change.name
    before, after = (_shown(change, value) for value in (change.before, change.after))
    if change.subject in (Subject.PACKAGE, Subject.SIZE) and before and after:
        return f"{change.name} {before} -> {after}"
    if HIDDEN in (before, after) or (before is None and after is None):
        return f"{change.how.value} {change.name}"
    match change.how:
        case How.ADDED:
            return f"added {change.name}: {after}"
        case How.REMOVED:
            return f"removed {change.name}: {before}"
        case _:
            return f"changed {change.name}: {_or_nothing(before)} -> {_or_nothing(after)}"


def _shown(change: Change, value: str | None) -> str | None:
    if change.subject is Subject.SIZE and value is not None and value.isascii() and value.isdigit():
        return size(int(value[:18]))
    return value


def _or_nothing(value: str | None) -> str:
    return value or "nothing"


def size(count: float) -> str:
    """Bytes for a person: ``4.0 MiB``."""
    for unit in _UNITS[:-1]:
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_UNITS[-1]}"
