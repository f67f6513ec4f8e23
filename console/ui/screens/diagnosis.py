"""Why is this service or port as it is, who is it, and what to press: the verdict first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work

from console.core.keys import Place
from console.core.service import Endpoint
from console.ui import cells, keymap
from console.ui.cells import Cell
from console.ui.present.explain import Explanation, evidence, explain, speaks
from console.ui.present.verdict import Room
from console.ui.screens.deck_screen import DeckScreen
from console.ui.screens.log_tail import SHOWN, LogTail
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.core.snapshot import LogLine, Snapshot
    from console.diagnosis.verdict import Verdict
    from console.ui.subject import Subject

LOOK_AGAIN = 3.0
"""Seconds after which a changed host is asked again."""
LOOK_ANYWAY = 30.0
"""Seconds after which a host is asked again in which nothing is seen to have changed."""


def of_a_verdict(snapshot: Snapshot) -> object:
    """What a verdict stands on: another value of it asks for another look, what merely counts does not."""
    services = tuple(
        (one.ref, one.state, one.native_state, one.pids, one.ports, one.wants) for one in snapshot.services
    )
    listeners = frozenset((one.protocol, one.address, one.port, one.inode, one.pids) for one in snapshot.listeners)
    source = snapshot.source("listeners")
    old = source is not None and source.stale
    return services, listeners, old, snapshot.symptoms, snapshot.declared, snapshot.given, snapshot.link.state


class DiagnosisScreen(DeckScreen):
    """One subject on one page; a digit reviews the plan of a proposal.

    The verdict stands at once, from what is known; the host is asked meanwhile, and again when something changes.
    """

    PLACE: ClassVar[Place] = Place.DIAGNOSIS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.DIAGNOSIS)]
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject
        self._tail = LogTail(self)
        self._asking = False
        self._answered = asyncio.Event()
        self._asked_at: float | None = None
        self._seen: object = None
        self._moved = False
        """Whether something changed while the host was asked: part of the answer may be older than the change."""
        self._verdict: Verdict | None = None
        self._failure = ""

    def body(self) -> ComposeResult:
        """The page."""
        yield Detail(id="page")

    def verdict(self) -> Verdict | None:
        """The verdict of the last look on the host, or what the snapshot alone says."""
        target = self.subject.target
        if target is None:
            return None
        snapshot = self.deck.store.snapshot(self.subject.host)
        fresh = self._is_fresh
        if (not fresh or self._is_old) and not self._asked_within(LOOK_AGAIN) and self.is_current:
            self._ask()
        return self._verdict if fresh else self.deck.diagnoser.now(snapshot, target, self.subject.symptom)

    @property
    def _is_fresh(self) -> bool:
        """Whether nothing is seen to have changed since the last look."""
        return self._verdict is not None and self._seen == of_a_verdict(self.deck.store.snapshot(self.subject.host))

    @property
    def _is_old(self) -> bool:
        return not self._asked_within(LOOK_AGAIN if self._moved else LOOK_ANYWAY)

    def _asked_within(self, seconds: float) -> bool:
        return self._asked_at is not None and self.deck.clock.monotonic() - self._asked_at < seconds

    def about(self, selection: Selection) -> Subject | None:
        """What this page is about, whatever the keys are."""
        del selection
        return self.subject

    async def look_at(self, subject: Subject) -> Verdict | None:
        """The verdict that is shown, where it is of a look and nothing changed since; else that of another look."""
        del subject
        if self._asking or self._failure or self._is_old or not self._is_fresh:
            self._ask()
            await self._answered.wait()
        if self._failure:
            raise LookupError(self._failure)
        return self._verdict

    def _ask(self) -> None:
        if not self._asking:
            self._asking, self._asked_at = True, self.deck.clock.monotonic()
            self._answered.clear()
            self._look()

    def press_refresh(self) -> None:
        """Look again now."""
        self._ask()
        self.refresh_all()

    @work(group="why", exit_on_error=False)
    async def _look(self) -> None:
        target, store = self.subject.target, self.deck.store
        before = of_a_verdict(store.snapshot(self.subject.host))
        try:
            if target is not None:
                self._verdict = await self.deck.diagnoser.verified(
                    self.deck.fleet, self.subject.host, target, self.subject.symptom
                )
                # The look itself brings the newest list of listeners.
                self._seen = of_a_verdict(store.snapshot(self.subject.host))
                self._moved = self._seen != before
                self._failure = ""
        except Exception as error:
            self._failure = str(error) or type(error).__name__
        finally:
            self._asking = False
            self._answered.set()
        self.refresh_all()

    def explanation(self) -> Explanation:
        """What is known now."""
        size = self.query_one("#page", Detail).size
        # The line that says how fresh it is stands below the verdict, and one more above while a plan runs.
        room = Room(size.width, max(1, size.height - 2)) if size.width else None
        log = self._log()[-SHOWN:]
        verdict = self.verdict()
        return explain(self.deck, self.subject, verdict, log=log, room=room, checked=self._checked(verdict))

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show what is known now."""
        if not changed or self.subject.host in changed:
            self.query_one("#page", Detail).show(self.explanation().entries)

    def on_resize(self) -> None:
        """As much of the verdict as there is room for now."""
        self.call_after_refresh(self.sync)

    def _checked(self, verdict: Verdict | None) -> Entry | None:
        """How fresh the verdict is: no more than what the look itself told is said to be checked."""
        if self._failure:
            return Entry("CHECKED", Cell(f"the host could not be asked: {self._failure}", "warning"))
        if self._asking:
            return Entry("CHECKED", Cell("asking the host now", "accent"))
        if self._asked_at is None or (verdict is not None and verdict.is_old):
            # What the look did not bring anew is as old as the verdict says.
            return None
        ago = f"{cells.age(self.deck.clock.monotonic() - self._asked_at)} ago"
        if verdict is not self._verdict:
            # What is shown is what the lists tell: the look is of before, and told more of it.
            return Entry("CHECKED", Cell(f"not since something changed; asked {ago}, soon again", "warning"))
        told = f"on the host {ago}{', while something changed: soon again' if self._moved else ''}"
        keys = keymap.keys_of("refresh", self.deck.config.keys)
        if verdict is not None and verdict.verdict == "unknown" and keys:
            told = f"{told}; {keymap.shown(keys[0])} asks it again"
        return Entry("CHECKED", Cell(told, "muted"))

    def selection(self) -> Selection:
        """The subject, with its proposals, and the port that the verdict is about."""
        known, verdict = self.explanation(), self.verdict()
        services = (self.subject.service,) if self.subject.service is not None else ()
        endpoint = self.subject.endpoint
        if endpoint is None and verdict is not None and verdict.port and speaks(verdict, self.subject, known.finding):
            endpoint = verdict.wanted or Endpoint(verdict.protocol, "*", verdict.port)
        return Selection(
            self.PLACE, self.subject.host, services, finding=known.finding, endpoint=endpoint, proposals=known.proposals
        )

    def press_evidence(self) -> None:
        """Show it as a page."""
        from console.ui.screens.page import PageScreen

        known = self.explanation()
        # The looks are those of the last verdict that was asked of the host, also while something changes there.
        verdict = self._verdict or self.verdict()
        lines = evidence(verdict, known.finding, known.proposals, self._log(), self.deck.clock.here())
        about = self.subject.service or self.subject.endpoint or ""
        title = f"Evidence  {about if self.subject.service else f'{self.subject.host}  {about}'}"
        self.app.push_screen(PageScreen(title, lines, copy=self._report(verdict)))

    def copied(self) -> str:
        """The verdict as Markdown for an incident channel, or the page as text."""
        from console.ui.present.copying import lines_of

        return self._report(self._verdict or self.verdict()) or lines_of(self.explanation().entries)

    def _report(self, verdict: Verdict | None) -> str:
        """A verdict as Markdown; empty where there is none on a port."""
        if verdict is None or verdict.port is None:
            return ""
        from console.diagnosis.as_text import as_markdown

        return as_markdown(verdict, self.deck.clock.here(), self._log())

    def _log(self) -> tuple[LogLine, ...]:
        """The end of the service's log."""
        return self._tail.of(self.subject.service) if self.subject.service is not None else ()
