"""The lines at the edges of every screen: what the fleet is, where one is, what is going on."""

from typing import NamedTuple

from console.core.finding import Severity
from console.core.keys import TABS, Place
from console.core.snapshot import LinkState
from console.ui import cells, keymap
from console.ui.deck import Deck
from console.ui.selection import Selection
from console.ui.widgets.bars import Tab

ROOM = 100
"""Columns from which every tab has its count."""


_SHORT = {Place.FINDINGS: "Find", Place.SERVICES: "Serv", Place.RESOURCES: "Res"}
"""Where the full words have no room: function keys are longer than digits, and a plan that runs has its count."""


class Status(NamedTuple):
    """What the first line says."""

    fleet: str
    hosts: tuple[tuple[str, int], ...]
    read_only: bool
    production: str
    note: str


def status(deck: Deck, selection: Selection) -> Status:
    """The first line: the fleet, its connections, whether anything can be changed, and what runs."""
    store = deck.store
    production = ""
    if deck.production(selection.host):
        production = f"PRODUCTION {selection.host}"
    elif (context := deck.production_context(selection.service)) is not None:
        production = f"PRODUCTION {context}"
    elif store.specs and all(spec.production for spec in store.specs.values()):
        production = "PRODUCTION"
    read_only = deck.read_only or (selection.host is not None and deck.why_read_only(selection.host) is not None)
    return Status(fleet_name(deck), store.links(), read_only, production, note(deck, selection))


def fleet_name(deck: Deck) -> str:
    """The one group that all hosts are of, or the one host; how many there are is said beside it."""
    specs = tuple(deck.store.specs.values())
    if len(specs) == 1:
        return specs[0].name
    common = set(specs[0].groups).intersection(*(spec.groups for spec in specs)) if specs else set()
    return next((group for group in specs[0].groups if group in common), "") if specs else ""


def note(deck: Deck, selection: Selection) -> str:
    """What runs now, or else how much is marked, or that the selected host does not answer."""
    running = deck.changes.running()
    if running:
        change = running[0]
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        return f"{change.plan.kind} {change.plan.target.name}: {change.step}{more}"
    if selection.marked:
        return f"{selection.marked} marked"
    if selection.host is None:
        return ""
    snapshot = deck.store.snapshot(selection.host)
    if snapshot.link.state is LinkState.STALE and snapshot.at is not None:
        return f"{selection.host} stale {cells.age(deck.clock.monotonic() - snapshot.at)}"
    return ""


def tabs(deck: Deck, here: Place, width: int) -> tuple[Tab, ...]:
    """The seven screens, with what is in them; where there is little room, only what is wrong and what runs."""
    store = deck.store
    findings = store.findings()
    worst = min((finding.severity.rank for finding in findings), default=Severity.INFO.rank)
    total = store.counts()
    room = width >= ROOM
    running = len(deck.changes.running())
    counts: dict[Place, tuple[int | None, str]] = {
        Place.FINDINGS: (len(findings), ("critical", "warning", "")[worst] if findings else ""),
        Place.SERVICES: (total.services or None if room else None, ""),
        Place.PORTS: (total.listeners or None if room else None, ""),
        Place.PLANS: (running or None, "accent"),
    }
    return tuple(
        Tab(
            place,
            keymap.tab_key(place, here, deck.config.keys),
            place.title(),
            *counts.get(place, (None, "")),
            _SHORT.get(place, place.title()),
        )
        for place in TABS
    )
