"""The landing screen: what is wrong now, on every host, worst first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual.widgets import Static

from console.core.keys import Place
from console.core.service import Endpoint
from console.ui import keymap
from console.ui.present import findings as present
from console.ui.present.explain import evidence, explain, found
from console.ui.screens.deck_screen import widths
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection
from console.ui.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.core.finding import Finding
    from console.core.snapshot import Snapshot
    from console.diagnosis.verdict import Verdict
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row


BESIDE = 150
"""Columns from which the detail stands beside the list: with fewer the list would tell less of what is wrong than on a
terminal of 80 columns."""


class FindingsScreen(ListScreen):
    """Every finding with its evidence and its ways out."""

    PLACE: ClassVar[Place] = Place.FINDINGS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.FINDINGS)]
    TOP_FIRST: ClassVar[bool] = True
    HORIZONTAL_BREAKPOINTS = widths(BESIDE)

    def columns(self) -> Sequence[Column]:
        """Severity, host, subject, summary, since."""
        return present.columns(self.deck.store, narrow=self._narrow)

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """All findings, worst first."""
        del changed  # the findings of all hosts are few
        clock = self.deck.clock
        return present.rows(self.deck.store, clock.wall(), self.needle, now=clock.monotonic(), narrow=self._narrow)

    _was_narrow: bool | None = None

    @property
    def _narrow(self) -> bool:
        return (self.size.width or self.app.size.width) < present.NARROW

    def on_resize(self) -> None:
        """Tell the findings in fewer or in more words."""
        self._sync_foot()
        if self._narrow != self._was_narrow:
            self._was_narrow = self._narrow
            self.sync()

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Give the list the lines that it needs and the detail the rest, where they are one above the other."""
        super().sync(changed)
        self._sync_foot()
        table = self.table
        height: int | str = "1fr"
        if self.has_class("-tall") and not self.has_class("-wide"):
            height = max(5, min(len(table.rows) + 2, self.size.height // 2 - 2))
        if height != self._height:
            self._height = height
            table.styles.height = height

    _height: int | str = "1fr"

    def foot(self) -> ComposeResult:
        """What the findings are silent about, because it was not seen."""
        yield Static(id="foot", markup=False)

    def _sync_foot(self) -> None:
        foot = self.query_one("#foot", Static)
        hosts = keymap.tab_key(Place.HOSTS, self.PLACE, self.deck.config.keys)
        width = (self.size.width or self.app.size.width) - 2
        told = present.not_seen_line(self.deck.store.snapshots(), f"{hosts} {Place.HOSTS.title()}", width)
        if told != self._told_foot:
            self._told_foot = told
            foot.update(told)
        # Without a finding the list itself says it, with the reasons.
        foot.display = bool(told and self.deck.store.findings())

    _told_foot = ""

    def empty(self) -> tuple[Text, ...]:
        """What the filter hides, or what was checked, when, and what was not seen."""
        if self.needle and self.deck.store.findings():
            return present.all_hidden(self.needle, self.deck.store)
        return present.quiet(self.deck.store, self.deck.clock.monotonic())

    def finding(self) -> Finding | None:
        """The finding under the cursor."""
        key = self.table.cursor_key
        return self.deck.store.finding(cast("tuple[str, str, str]", key)) if key is not None else None

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected finding."""
        del key
        subject = Subject.of(self.selection())
        if subject is None:
            return ()
        mend = keymap.keys_of("mend", self.deck.config.keys)
        return explain(self.deck, subject, self.verdict(), prefix=keymap.shown(mend[0]) if mend else "").entries

    def verdict(self) -> Verdict | None:
        """The verdict on what is known already, where the finding speaks of a port."""
        finding = self.finding()
        if finding is None or finding.port is None:
            return None
        target = finding.service or Endpoint(finding.protocol, "*", finding.port)
        return self.deck.diagnoser.now(self.deck.store.snapshot(finding.host), target)

    def press_evidence(self) -> None:
        """What the finding rests on, as a page."""
        from console.ui.screens.page import PageScreen

        finding = self.finding()
        if finding is not None:
            verdict = self.verdict()
            lines = evidence(verdict, finding, self.selection().proposals)
            self.app.push_screen(PageScreen(f"Evidence  {finding.host}  {finding.summary}", lines))

    def selection(self) -> Selection:
        """The finding with its host, service and port."""
        finding = self.finding()
        made = of_finding(self.PLACE, finding, self.deck.store.snapshot(finding.host) if finding is not None else None)
        subject, verdict = Subject.of(made), self.verdict()
        return made if subject is None else replace(made, proposals=found(self.deck, subject, verdict)[2])


def wanted_endpoint(finding: Finding, snapshot: Snapshot | None) -> Endpoint | None:
    """The port that a finding speaks of, with the address at which its service wants it where that is known."""
    if finding.port is None:
        return None
    service = snapshot.service(finding.service) if snapshot is not None and finding.service is not None else None
    wants = service.wants if service is not None else ()
    fitting = (one for one in wants if (one.protocol, one.port) == (finding.protocol, finding.port))
    return next(fitting, Endpoint(finding.protocol, "*", finding.port))


def of_finding(place: Place, finding: Finding | None, snapshot: Snapshot | None = None) -> Selection:
    """A finding as a selection."""
    if finding is None:
        return Selection(place)
    endpoint = wanted_endpoint(finding, snapshot)
    services = (finding.service,) if finding.service is not None else ()
    return Selection(place, finding.host, services, finding, endpoint, finding.proposals, open=True)
