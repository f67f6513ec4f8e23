"""The verdict in eight to ten lines for a terminal, and as Markdown for a report."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from textwrap import wrap
from unicodedata import combining, east_asian_width

from console.core.finding import Proposal
from console.diagnosis.verdict import Holder, Verdict, VerdictWord

LABEL = 9
"""Columns of the word in front of a line."""
MOST_HOLDERS = 2
MOST_ACTIONS = 4
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def as_text(verdict: Verdict, width: int = 80, zone: tzinfo = UTC) -> list[str]:
    """At most fourteen lines, none wider than ``width`` columns; what matters most comes first in each."""
    lines = [_head(verdict, zone), *_answer(verdict, width), *_body(verdict), *_sure(verdict, width)]
    return [cut(line, width) for line in (*lines, *_ways(verdict, width))]


def as_markdown(verdict: Verdict, zone: tzinfo = UTC) -> str:
    """A report for the incident channel: the verdict, what it rests on, and the commands."""
    parts = [f"**{_plain(verdict.host)}**: {_code(verdict.verdict.value)}, {_plain(verdict.summary)}", ""]
    parts += _fenced(as_text(verdict, 100, zone), "text")
    if verdict.evidence:
        parts += ["", "Evidence:", "", *_fenced(verdict.evidence, "text")]
    if verdict.not_checked:
        parts += ["", "Not checked:", ""]
        parts += [f"- {_plain(gap.what)}: {_plain(gap.why)}" for gap in verdict.not_checked]
    for action in verdict.actions:
        mark = " (recommended)" if action.recommended else ""
        parts += ["", f"{_plain(action.label)}{mark}"]
        if action.commands:
            parts += ["", *_fenced(action.commands, "sh")]
    return "\n".join(parts) + "\n"


def age_text(seconds: float) -> str:
    """A span in its largest unit: ``41s``, ``12m``, ``3h``, ``6d``."""
    if seconds < _MINUTE:
        return f"{int(seconds)}s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)}m"
    return f"{int(seconds // _HOUR)}h" if seconds < _DAY else f"{int(seconds // _DAY)}d"


def columns(text: str) -> int:
    """Columns of a terminal that the text takes: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` columns of one line, its end marked where it was longer."""
    line = " ".join(text.splitlines())
    if columns(line) <= width:
        return line
    while line and columns(line) > width - 1:
        line = line[: max(0, len(line) - max(1, (columns(line) - width) // 2))]
    return line + "…"


def _head(verdict: Verdict, zone: tzinfo) -> str:
    words = [verdict.host, ""]
    if verdict.service is not None:
        words.append(f"{cut(verdict.service.name, 40)} {(verdict.state or 'not found').upper()} ")
    if verdict.port is not None or verdict.symptom is not None:
        words.append(_tried(verdict, zone))
    return " ".join(words).rstrip()


def _tried(verdict: Verdict, zone: tzinfo) -> str:
    wanted = verdict.wanted
    where = "" if wanted is None else f"{_address(wanted.address)}:{wanted.port}"
    if verdict.symptom is None:
        return f"{verdict.protocol} {where if wanted is not None and wanted.address != '*' else verdict.port or ''}"
    details = []
    if verdict.symptom.at is not None:
        details.append(datetime.fromtimestamp(verdict.symptom.at, zone).strftime("%H:%M:%S"))
    details.append(f"x{verdict.symptom.count}")
    udp = "udp " if verdict.protocol == "udp" else ""
    return f"bind {udp}{where or '?'} -> {verdict.symptom.errno} ({', '.join(details)})"


def _answer(verdict: Verdict, width: int) -> Iterator[str]:
    """The verdict in a sentence, where no holder says it all."""
    if not verdict.holders or verdict.verdict is not VerdictWord.HELD:
        word = verdict.verdict.value.upper()
        text = f"{word:<{LABEL - 2}}  {verdict.summary}"
        yield from wrap(text, width, subsequent_indent=" " * LABEL, max_lines=3, placeholder=" …")


def _body(verdict: Verdict) -> Iterator[str]:
    for holder in verdict.holders[:MOST_HOLDERS]:
        yield _line("HELD BY", _held_by(holder))
    if len(verdict.holders) > MOST_HOLDERS:
        more = verdict.holders[MOST_HOLDERS:]
        yield _line("", f"and {len(more)} more: {', '.join(holder.name for holder in more)}")
    first = verdict.holder
    if first is not None:
        yield _line("WHY", " -> ".join(first.chain) if first.chain else "who started it is not known")
        if verdict.clash:
            yield _line("CLASH", verdict.clash)
        yield _line("RESPAWN", _respawn(first))
    if verdict.impact:
        yield _line("IMPACT", "; ".join(verdict.impact))
    if len(verdict.declared_by) > 1 or (verdict.declared_by and verdict.service is None):
        yield _line("DECLARED", ", ".join(f"{one.service} ({one.where})" for one in verdict.declared_by))


def _held_by(holder: Holder) -> str:
    words = [cut(holder.process, 24)] if holder.process is not None else []
    words.append(f"pid {holder.pid}" if holder.pid is not None else "hidden process")
    if holder.user is not None:
        words.append(holder.user if holder.user.startswith("uid ") else f"user {cut(holder.user, 16)}")
    device = f"%{holder.interface}" if holder.interface else ""
    udp = "udp " if holder.protocol == "udp" else ""
    words.append(f" {udp}{_address(holder.address)}{device}:{holder.port}")
    if holder.up is not None:
        words.append(f" up {age_text(holder.up)}")
    return " ".join(words)


def _respawn(holder: Holder) -> str:
    if holder.respawn is None:
        return "none known: it stays down when it is stopped" if holder.ref is not None else "none known"
    target = f"killing {holder.pid}" if holder.pid not in (None, 1) else "a kill"
    return f"yes, {holder.respawn}: {target} will NOT free it"


def _sure(verdict: Verdict, width: int) -> Iterator[str]:
    known = verdict.holder.known_by if verdict.holder is not None else ()
    text = _line("SURE", verdict.confidence.value + (f" ({' + '.join(known)})" if known else ""))
    if not verdict.not_checked:
        yield text
        return
    gaps = "; ".join(f"{gap.what} ({gap.why})" for gap in verdict.not_checked)
    if columns(gaps) > 2 * (width - LABEL - 12):
        gaps = "; ".join(gap.what for gap in verdict.not_checked)
    yield from wrap(
        f"{text}   NOT CHECKED  {gaps}", width, subsequent_indent=" " * LABEL, max_lines=3, placeholder=" …"
    )


def _ways(verdict: Verdict, width: int) -> Iterator[str]:
    """The numbered actions, two on a line where both fit."""
    texts = [_way(number, action) for number, action in enumerate(verdict.actions[:MOST_ACTIONS], 1)]
    line = ""
    for text in texts:
        if line and len(line) + 3 + len(text) <= width:
            line = f"{line}   {text}"
            continue
        if line:
            yield line
        line = text
    if line:
        yield line


def _way(number: int, action: Proposal) -> str:
    mark = " (recommended)" if action.recommended else ""
    off = " (off)" if action.intents else " (by hand)"
    by_hand = off if action.reason_off else ""
    return f"{number} {action.label}{by_hand}{mark}"


def _line(label: str, text: str) -> str:
    return f"{label:<{LABEL}}{text}"


def _address(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _plain(text: str) -> str:
    """Remote text between Markdown: nothing in it may become a link, an image or a mention."""
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|!@~" else char for char in line)


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def _fenced(lines: tuple[str, ...] | list[str], language: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks inside it."""
    longest = run = 0
    for char in "\n".join(lines):
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]
