"""What another release would change, as text and as JSON."""

from typing import TYPE_CHECKING, Any

from console.core.difference_words import brief, how_word, lines

if TYPE_CHECKING:
    from console.cli.terminal import Terminal
    from console.core.difference import Difference

MOST = 24
"""Lines that a person is shown; the JSON has all."""


def show(terminal: "Terminal", difference: "Difference") -> None:
    """In one line, then one by one."""
    terminal.wrap(f"changes       {brief(difference)}", 1)
    if not (difference.changes or difference.facts or difference.gaps):
        return
    rows = lines(difference)
    for key, line in rows[:MOST]:
        terminal.wrap(f"{key:<12}  {line}", 3)
    if len(rows) > MOST:
        terminal.wrap(f"{'':<12}  and {len(rows) - MOST} lines more, --json prints them", 3)


def document(difference: "Difference | None") -> dict[str, Any] | None:
    """The key ``difference`` of a plan; ``None`` for one that makes no release live."""
    if difference is None:
        return None
    unknown = "nobody asked yet" if difference.pending else None
    return {
        "live": difference.pair.live or None,
        "target": difference.pair.target,
        "summary": brief(difference),
        "lost": list(difference.lost),
        "gained": list(difference.gained),
        "changes": [
            {
                "what": one.subject.value,
                "how": how_word(one.subject, one.how),
                "name": one.name,
                "before": one.before,
                "after": one.after,
            }
            for one in difference.changes
        ],
        "facts": list(difference.facts),
        "not_known": [{"what": gap.what, "reason": gap.why} for gap in difference.gaps],
        "cut": [
            {"what": one.subject.value, "how": how_word(one.subject, one.how), "count": one.count}
            for one in difference.cut
        ],
        "reason": difference.failure or unknown,
    }
