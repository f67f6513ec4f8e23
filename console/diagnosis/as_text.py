"""The verdict in eight to ten lines for a terminal, and as Markdown for a report."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from textwrap import wrap
from unicodedata import combining, east_asian_width

from console.core.declaration import Declaration
from console.core.finding import Proposal
from console.core.snapshot import LogLine
from console.diagnosis.firewall import Gate
from console.diagnosis.holder_words import after_a_kill, bracketed, owners, runs, where, who, why
from console.diagnosis.reach import tried
from console.diagnosis.report import sections
from console.diagnosis.verdict import Holder, NotChecked, Reach, Verdict, VerdictWord

LABEL = 9
"""Columns of the word in front of a line."""
MOST_HOLDERS = 2
MOST_ACTIONS = 4
MOST_GAPS = 3
MOST_OF_A_WAY = 3
"""Lines of the first action."""
MOST_LINES = 12
MOST_IN_ALL = 14
MOST_IN_REPORT = 20
"""Lines of each look in a report for an incident channel."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def as_text(verdict: Verdict, width: int = 80, zone: tzinfo = UTC) -> list[str]:
    """At most fourteen lines, none wider than ``width`` columns; what matters most comes first in each.

    Where they are more than twelve, what is declared and what was not checked get one line each.
    """
    lines = _lines(verdict, width, zone, 3)
    if len(lines) <= MOST_LINES:
        return lines
    lines = _lines(verdict, width, zone, 1)
    return lines if len(lines) <= MOST_IN_ALL else _lines(verdict, width, zone, 1, stories=1)


def _lines(verdict: Verdict, width: int, zone: tzinfo, wraps: int, stories: int = MOST_HOLDERS) -> list[str]:
    failed = tuple(_failure(verdict))
    first, last = (failed, ()) if verdict.port is None else ((), failed)
    body = [*_answer(verdict, width), *_body(verdict, width, wraps, stories)]
    lines = [_head(verdict, zone), *first, *body, *last, *_sure(verdict, width, wraps)]
    return [cut(line, width) for line in (*lines, *_ways(verdict, width))]


def as_markdown(verdict: Verdict, zone: tzinfo = UTC, log: Iterable[LogLine] = ()) -> str:
    """A report for the incident channel: the verdict, what it rests on, and the commands."""
    parts = [f"**{_plain(verdict.host)}**: {_code(verdict.verdict.value)}, {_plain(verdict.summary)}", ""]
    parts += _fenced(as_text(verdict, 100, zone), "text")
    for section in sections(verdict, log, zone):
        parts += ["", f"**{_plain(section.title)}**"]
        if not section.lines:
            continue
        parts.append("")
        if section.code:
            left = len(section.lines) - MOST_IN_REPORT
            more = (f"... {left} more lines: hostdeck why {verdict.target} --evidence",) if left > 0 else ()
            parts += _fenced([*section.lines[:MOST_IN_REPORT], *more], "text")
        else:
            parts += [f"- {_plain(line)}" for line in section.lines]
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
    place = "" if wanted is None else f"{bracketed(wanted.address)}:{wanted.port}"
    if verdict.symptom is None:
        return f"{verdict.protocol} {place if wanted is not None and wanted.address != '*' else verdict.port or ''}"
    details = []
    if verdict.symptom.at is not None:
        details.append(datetime.fromtimestamp(verdict.symptom.at, zone).strftime("%H:%M:%S"))
    details.append(f"x{verdict.symptom.count}")
    udp = "udp " if verdict.protocol == "udp" else ""
    return f"bind {udp}{place or '?'} -> {verdict.symptom.errno} ({', '.join(details)})"


def _answer(verdict: Verdict, width: int) -> Iterator[str]:
    """The verdict in a sentence, where no holder says it all."""
    by_itself = verdict.service is not None and all(holder.ref == verdict.service for holder in verdict.holders)
    if by_itself or not verdict.holders or verdict.at_home or verdict.verdict is not VerdictWord.HELD:
        # Where no port is named, how it failed is the answer.
        nameless = verdict.failure is not None and verdict.port is None
        word = "PORT" if nameless else "FINE" if verdict.has_its_port else verdict.verdict.value.upper()
        text = f"{word:<{LABEL - 2}}  {verdict.summary}"
        yield from wrap(text, width, subsequent_indent=" " * LABEL, max_lines=3, placeholder=" …")


def _failure(verdict: Verdict) -> Iterator[str]:
    """How it failed, and what it said, where it did not speak of an address."""
    if verdict.failure is None:
        return
    yield _line("FAILED", verdict.failure.why)
    for place, line in enumerate(verdict.failure.log):
        yield _line("" if place else "LOG", line)


def _body(verdict: Verdict, width: int, wraps: int, stories: int) -> Iterator[str]:
    word = "INSIDE" if verdict.inside else "HELD BY"
    for holder in verdict.holders[:MOST_HOLDERS]:
        yield _line(word, _held_by(holder, several=len({one.name for one in verdict.holders}) > 1))
    if len(verdict.holders) > MOST_HOLDERS:
        more = verdict.holders[MOST_HOLDERS:]
        yield _line("", f"and {len(more)} more: {', '.join(holder.name for holder in more)}")
    owned = owners(verdict.holders, stories)
    stories_told = [line for one in owned for line in why(one, width - LABEL)]
    yield from (_line("" if place else "WHY", line) for place, line in enumerate(stories_told))
    told = [line for one in owned if (line := runs(one, width - LABEL)) is not None]
    yield from (_line("" if place else "RUNS", line) for place, line in enumerate(told))
    if verdict.holders and verdict.clash:
        yield _line("CLASH", verdict.clash)
    if not (verdict.fine or verdict.at_home or verdict.inside or verdict.verdict is VerdictWord.UNREACHABLE):
        for place, one in enumerate(owned):
            whose = f" ({one.name})" if len(owned) > 1 else ""
            yield _line("" if place else "RESPAWN", f"{after_a_kill(one)}{whose}")
    if verdict.reach is not None and verdict.verdict is VerdictWord.UNREACHABLE:
        yield from _kept_out(verdict.reach, width)
    if verdict.impact:
        yield _line("IMPACT", "; ".join(verdict.impact))
    named = port_named(verdict)
    if named:
        yield _line("PORT", named)
    claims = declared(verdict)
    if claims:
        most = min(2, wraps)
        yield from wrap(
            _line("DECLARED", claims), width, subsequent_indent=" " * LABEL, max_lines=most, placeholder=" …"
        )


def port_named(verdict: Verdict) -> str:
    """What names the port, where that is not the log, and whether that was read."""
    if verdict.port_words is None:
        return ""
    read = all(gap.what != f"log of {verdict.service and verdict.service.name}" for gap in verdict.not_checked)
    return f"{verdict.port_words}; {'its log names none' if read else 'its log was not read'}"


def declared(verdict: Verdict) -> str:
    """Who claims the port and where: what wants it first, then the others, and last who holds it."""
    if len(verdict.declared_by) == 1 and verdict.service is not None and verdict.declared_by[0].is_of(verdict.service):
        return ""
    places: dict[str, list[str]] = {}
    holders = [holder.ref for holder in verdict.holders if holder.ref is not None]

    def rank(one: Declaration) -> int:
        own = verdict.service is not None and one.is_of(verdict.service)
        return 0 if own else 2 if any(one.is_of(ref) for ref in holders) else 1

    for one in sorted(verdict.declared_by, key=rank):
        path, colon, line = one.where.rpartition(":")
        known = places.setdefault(one.service, [])
        same = colon and any(place.startswith(f"{path}:") for place in known)
        known.append(f":{line}" if same else one.where if one.sure else f"perhaps {one.where}")
    return ", ".join(f"{service} ({', '.join(known)})" for service, known in places.items())


def _kept_out(reach: Reach, width: int) -> Iterator[str]:
    if reach.rule is not None and reach.rule.gate is not Gate.OPEN and reach.rule.chain is not None:
        yield _line("RULE", f"{reach.rule.words}  ({reach.rule.place})")
    attempts = tried(reach)
    if attempts:
        yield from wrap(_line("TRIED", attempts), width, subsequent_indent=" " * LABEL, max_lines=2, placeholder=" …")


def _held_by(holder: Holder, *, several: bool) -> str:
    # With more than one owner each has to be told from the others.
    plain = holder.ref is not None and holder.container is None and holder.label is None
    words = [f"{cut(holder.name, 32)}:"] if several and plain else []
    words.append(cut(who(holder), 48))
    if holder.user is not None and holder.container is None:
        words.append(holder.user if holder.user.startswith("uid ") else f"user {cut(holder.user, 16)}")
    words.append(f" {where(holder)}")
    if holder.up is not None:
        words.append(f" up {age_text(holder.up)}")
    return " ".join(words)


def _sure(verdict: Verdict, width: int, wraps: int) -> Iterator[str]:
    known = verdict.holder.known_by if verdict.holder is not None else ()
    if verdict.verdict is VerdictWord.UNREACHABLE and verdict.reach is not None:
        known = verdict.reach.known_by
    text = _line("SURE", verdict.confidence.value + (f" ({' + '.join(known)})" if known else ""))
    if not verdict.not_checked:
        yield text
        return
    if verdict.verdict is VerdictWord.UNKNOWN and wraps > 1:
        # What was not seen is the answer: each with its reason.
        yield text
        yield from (
            _line("" if place else "UNSEEN", f"{gap.what}: {gap.why}") for place, gap in enumerate(_most(verdict))
        )
        return
    gaps = "; ".join(f"{gap.what} ({gap.why})" for gap in verdict.not_checked)
    if columns(gaps) > min(2, wraps) * (width - LABEL - 12):
        gaps = "; ".join(gap.what for gap in verdict.not_checked)
    yield from wrap(
        f"{text}   NOT CHECKED  {gaps}", width, subsequent_indent=" " * LABEL, max_lines=wraps, placeholder=" …"
    )


def _most(verdict: Verdict) -> Sequence[NotChecked]:
    """What was not seen, as far as there is room."""
    found = verdict.not_checked
    if len(found) <= MOST_GAPS:
        return found
    rest = found[MOST_GAPS - 1 :]
    return (*found[: MOST_GAPS - 1], NotChecked(f"and {len(rest)} more", ", ".join(gap.what for gap in rest)))


def _ways(verdict: Verdict, width: int) -> Iterator[str]:
    """The numbered actions, two on a line where both fit; the first is told to its end."""
    texts = [_way(number, action) for number, action in enumerate(verdict.actions[:MOST_ACTIONS], 1)]
    if texts and columns(texts[0]) > width:
        yield from wrap(
            texts.pop(0),
            width,
            subsequent_indent="  ",
            break_on_hyphens=False,
            max_lines=MOST_OF_A_WAY,
            placeholder=" …",
        )
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
