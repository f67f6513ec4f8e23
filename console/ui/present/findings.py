"""Findings as rows, as detail and as what is said when there is none."""

from collections.abc import Sequence

from console.core.finding import Finding, Severity
from console.core.freshness import Freshness, of_all, of_finding, of_service
from console.core.namesakes import Managers, is_ambiguous, managers_by_name
from console.core.service import Service
from console.core.snapshot import LinkState, Snapshot
from console.core.words import listed
from console.ui import cells
from console.ui.cells import Cell, Spans, Text
from console.ui.clock import Clock
from console.ui.present.hosts import link_advice
from console.ui.present.words import freshness, host_cell, host_width, how_old, number, service_name, wall_age
from console.ui.store import Store
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.palette import width_of
from console.ui.widgets.table import Column, Row

NARROW = 60
"""Columns below which a finding is told in its shortest words."""


def columns(store: Store, *, narrow: bool = False) -> tuple[Column, ...]:
    """Severity, host, subject, summary, since; as wide as what is in them, and the rest for the summary.

    Where there is little room it is the summary's: the subject and the age are in the detail.
    """
    if narrow:
        names = max((len(name) for name in store.specs), default=0)
        return (
            Column("severity", "", 1),
            *([Column("host", "host", max(4, min(names, 10)))] if len(store.specs) > 1 else []),
            Column("summary", "what", 20, 1, 16),
        )
    longest = max((len(subject(finding, store.names(finding.host))) for finding in store.findings()), default=0)
    return (
        Column("severity", "", 1),
        Column("host", "host", host_width(store.specs.values()), min_width=6),
        Column("subject", "on", max(6, min(longest, 22)), min_width=6, priority=1),
        Column("summary", "what", 20, 1, 16),
        Column("since", "since", 5, align="right", priority=2),
    )


def brief(finding: Finding, known: Managers) -> str:
    """What is wrong in the fewest words: ``:8080 held by legacy.service``; of others the subject and the summary."""
    _, held, holder = finding.summary.partition(", held by ")
    if finding.port is not None and held:
        return f":{finding.port}{'/udp' if finding.protocol == 'udp' else ''} held by {holder}"
    return finding.summary if finding.subject.endswith("host") else f"{subject(finding, known)}: {finding.summary}"


def narrow_row(store: Store, finding: Finding) -> Row:
    """One finding as one short line, with its host where there are several."""
    stale = store.stale(finding) is not None
    told = Cell(brief(finding, store.names(finding.host)), _tone(finding, stale=stale))
    where = (finding.host,) if len(store.specs) > 1 else ()
    what: Text = (cells.stale_mark(), Cell(" "), told) if stale else told
    return Row(finding.key, (cells.severity_mark(finding.severity), *where, what), tone="muted" if stale else "")


def _tone(finding: Finding, *, stale: bool) -> str:
    return "muted" if stale else {Severity.CRITICAL: "strong", Severity.INFO: "muted"}.get(finding.severity, "")


def subject(finding: Finding, known: Managers) -> str:
    """The subject without its host, which has a column of its own; ``known`` are the names there."""
    if finding.service is not None:
        return service_name(finding.service, known)
    named = finding.subject.removeprefix(f"{finding.host}/")
    manager, _, name = named.partition(":")
    # Of a service that is not there: named like the others, by its name alone where that is enough.
    plain = named != finding.subject and manager.isalnum() and name and not is_ambiguous(manager, name, known)
    return name if plain else named


def row(store: Store, finding: Finding, wall: float, now: float | None = None) -> Row:
    """One finding as one line. What may be over is marked as stale, with the age of what it rests on."""
    host, old = finding.host, store.stale(finding)
    age, seen = wall_age(store.snapshot(host), wall, finding.since), seen_for(store, finding, now)
    since = cells.age(age) if age is not None else at_least(seen) if seen is not None else ""
    tone = _tone(finding, stale=old is not None)
    return Row(
        finding.key,
        (
            cells.severity_mark(finding.severity),
            host_cell(store.specs.get(host), host),
            Cell(subject(finding, store.names(host)), tone),
            (*_stale(old, now), Cell(finding.summary, tone)) if old is not None else Cell(finding.summary, tone),
            since,
        ),
        tone="" if old is None else "muted",
    )


def _stale(old: Freshness, now: float | None) -> Spans:
    age = old.age(now) if now is not None else None
    return (cells.stale_mark(), Cell(f" stale{'' if age is None else f' {cells.age(age)}'}: ", "warning"))


def at_least(seen: float) -> str:
    """An age that may be longer: it is only known since when it is seen from here."""
    return f"{cells.glyph('≥', '>')}{cells.age(seen)}"


def seen_for(store: Store, finding: Finding, now: float | None) -> float | None:
    """For how many seconds this console sees a finding."""
    first = store.first_seen(finding)
    return None if first is None or now is None else max(0.0, now - first)


def rows(
    store: Store, wall: float, needle: str = "", *, now: float | None = None, narrow: bool = False
) -> tuple[tuple[Row, ...], int]:
    """All findings that contain every word of the filter, worst first, and how many it hides."""
    words = needle.lower().split()
    every = store.findings()
    kept = [one for one in every if all(word in _text(one, stale=store.stale(one) is not None) for word in words)]
    shown = (narrow_row(store, found) if narrow else row(store, found, wall, now) for found in kept)
    return tuple(shown), len(every) - len(kept)


def _text(finding: Finding, *, stale: bool) -> str:
    words = (finding.host, finding.subject, finding.summary, finding.code, finding.severity, "stale" if stale else "")
    return " ".join(words).lower()


def state_line(service: Service, snapshot: Snapshot) -> Text:
    """A service's state: glyph and word, then the manager's own words and how it ended."""
    stale = of_service(snapshot, service).stale
    words = [service.native_state]
    if service.result not in (None, "success"):
        words.append(str(service.result))
    if service.exit_code:
        words.append(f"exit {service.exit_code}")
    if service.exit_signal:
        words.append(f"signal {service.exit_signal}")
    if service.restarts:
        words.append(number(service.restarts, "restart"))
    if stale:
        words.append("when last seen")
    state = cells.last_seen(service.state) if stale else cells.state(service.state)
    return (state, Cell("  " + ", ".join(word for word in words if word)))


def heading(finding: Finding, snapshot: Snapshot, clock: Clock, seen: float | None = None) -> Heading:
    """The line above the detail: what it is about, and since when, or else for how long it is seen from here."""
    age = wall_age(snapshot, clock.wall(), finding.since)
    since = "" if seen is None else f"seen from here for {cells.age(seen)}"
    if age is not None:
        since = f"since {clock.moment(finding.since)} ({cells.age(age)})"
    named = subject(finding, managers_by_name(snapshot.services))
    return Heading(f"{finding.host}  {named}", f"{finding.severity} {since}".rstrip())


def detail(
    finding: Finding, snapshot: Snapshot, clock: Clock, seen: float | None = None
) -> tuple[Entry | Heading, ...]:
    """Everything that is known of a finding but the ways out."""
    tone = "critical" if finding.severity is Severity.CRITICAL else "warning"
    now = clock.monotonic()
    entries: list[Entry | Heading] = [heading(finding, snapshot, clock, seen), Entry("WHAT", finding.summary, tone)]
    service = snapshot.service(finding.service) if finding.service is not None else None
    if service is not None:
        entries.append(Entry("STATE", state_line(service, snapshot)))
    entries += [Entry("" if place else "SEEN", line) for place, line in enumerate(finding.evidence)]
    entries += symptom_entries(finding, snapshot, clock)
    if not finding.proposals:
        entries += [Entry("" if place else "MEND", line) for place, line in enumerate(link_advice(snapshot, now))]
    entries.append(Entry("AGE", _age(finding, snapshot, now)))
    return tuple(entries)


def _age(finding: Finding, snapshot: Snapshot, now: float) -> Text:
    """How old what a finding rests on is."""
    told = of_finding(snapshot, finding)
    return freshness(snapshot, now) if told is None else how_old(told, snapshot, now)


def symptom_entries(finding: Finding, snapshot: Snapshot, clock: Clock) -> tuple[Entry, ...]:
    """The line of the service's own log that tells the failure, unless the evidence has it already."""
    if finding.service is None:
        return ()
    from console.core.attempts import is_current

    return tuple(
        Entry("LOG", f"{clock.moment(symptom.at)}  {symptom.line}" if symptom.at else symptom.line)
        for symptom in snapshot.symptoms
        if symptom.ref == finding.service
        and is_current(symptom, snapshot.service(symptom.ref))
        and not any(symptom.line in line for line in finding.evidence)
    )


APART = 3.0
"""Seconds by which ports may be older than services without a word."""


def quiet(store: Store, now: float) -> tuple[Text, ...]:
    """What the screen says instead of an empty list: what was checked, when, and what was not seen."""
    waiting = store.waiting()
    looked = [one for one in store.snapshots() if one.at is not None and one.complete and one.host not in waiting]
    lines: list[Text] = []
    if waiting:
        lines.append(Cell(f"Waiting for {listed(waiting)}.", "accent"))
    if looked:
        lines += _looked_at(looked, now, waiting=bool(waiting))
        lines += not_seen(looked)
    elif not store.specs:
        lines.append("No host is configured. Give hosts on the command line: hostdeck web1 web2")
    return tuple(lines)


def _looked_at(looked: Sequence[Snapshot], now: float, *, waiting: bool) -> list[Text]:
    """What was looked at as a whole, and what of it nothing can be said of: quiet is only what was seen."""
    from console.findings.seen import ESSENTIAL, blind, whole

    services = sum(len(snapshot.services) for snapshot in looked)
    ports = sum(len(snapshot.listeners) for snapshot in looked)
    # Ports are asked again more rarely while no socket comes or goes: services are not older for that.
    age = max(of_all(snapshot, ESSENTIAL.keys() - {"listeners"}).age(now) or 0.0 for snapshot in looked)
    of_ports = max(of_all(snapshot, ("listeners",)).age(now) or 0.0 for snapshot in looked)
    checked = f"checked {cells.age(max(age, of_ports))} ago"
    what = f"{number(len(looked), 'host')}, {number(services, 'service')}, {number(ports, 'port')} {checked}"
    if of_ports - age >= APART:
        parts = (f"{number(len(looked), 'host')}, {number(services, 'service')} checked {cells.age(age)} ago",
                 f"{number(ports, 'port')} {cells.age(of_ports)} ago")  # fmt: skip
        what = ", ".join(parts)
    unseen = [f"Not known of {one.host}: {'; '.join(gaps)}" for one in looked if (gaps := blind(one))]
    quiet_now = not waiting and not unseen
    word = "All quiet:" if quiet_now else "Nothing wrong so far on" if waiting else "Nothing wrong in what was seen:"
    # Green is for what was seen whole: a manager that did not tell may hide an outage.
    tone = "ok" if quiet_now and all(whole(one) for one in looked) else ""
    told: list[Text] = [Cell(f"{word} {what}.", tone)]
    return [*told, *(Cell(line, "warning") for line in unseen)]


def not_seen(snapshots: Sequence[Snapshot], limit: int = 6) -> list[Text]:
    """Sources that did not answer, with their reasons."""
    failures = [
        f"{source.name} on {snapshot.host} ({source.failure})"
        for snapshot in snapshots
        for source in snapshot.sources
        if source.failure
    ]
    lines: list[Text] = [Cell(f"Not seen: {failure}", "warning") for failure in failures[:limit]]
    if len(failures) > limit:
        lines.append(Cell(f"and {len(failures) - limit} more: see Hosts", "muted"))
    return lines


def not_seen_line(snapshots: Sequence[Snapshot], where: str, width: int) -> str:
    """The same in one line beside findings, as much as has room; ``where`` tells why. Empty where all was seen."""
    unseen: dict[str, list[str]] = {}
    for snapshot in snapshots:
        for source in snapshot.sources:
            if source.failure and snapshot.link.state is LinkState.UP:
                unseen.setdefault(source.name, []).append(snapshot.host)
    parts = [
        f"{name} on {' and '.join(hosts) if len(hosts) < 3 else number(len(hosts), 'host')}"
        for name, hosts in unseen.items()
    ]
    told = ""
    for most in range(len(parts), 0, -1):
        more = f" and {len(parts) - most} more" if most < len(parts) else ""
        told = f"Not seen: {', '.join(parts[:most])}{more} ({where} has why)"
        if width_of(told) <= width:
            break
    return told


def all_hidden(needle: str, store: Store) -> tuple[Text, ...]:
    """What is said where a filter hides every finding: that there are some, and how bad they are."""
    every = store.findings()
    worst = min((finding.severity for finding in every), key=lambda one: one.rank)
    are = "1 other is" if len(every) == 1 else f"{cells.count(len(every))} others are"
    tone = {Severity.CRITICAL: "critical", Severity.WARNING: "warning"}.get(worst, "")
    return (
        f"No finding contains {needle!r}.",
        (Cell(f"{are} hidden, worst {worst}", tone), Cell(": esc shows all.")),
    )
