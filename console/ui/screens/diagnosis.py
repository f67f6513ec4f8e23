"""Why is this service or port as it is, who is it, and what to press: the verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from console.core.keys import Place
from console.ui import cells, keymap
from console.ui.cells import Cell
from console.ui.present.explain import Explanation, evidence, explain
from console.ui.screens.deck_screen import DeckScreen
from console.ui.screens.log_tail import LogTail
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.diagnosis.verdict import Verdict
    from console.ui.subject import Subject

LOOK_AGAIN = 3.0
"""Seconds after which a changed host is asked again."""


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
        self._asked_at: float | None = None
        self._seen: object = None
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
        seen = (snapshot.services, snapshot.listeners, snapshot.symptoms)
        fresh = self._verdict is not None and isinstance(self._seen, tuple) and all(
            new is old for new, old in zip(seen, self._seen, strict=True)
        )  # fmt: skip
        if not fresh:
            self._ask(seen)
        return self._verdict if fresh else self.deck.diagnoser.now(snapshot, target)

    def _ask(self, seen: object) -> None:
        now = self.deck.clock.monotonic()
        too_soon = self._asked_at is not None and now - self._asked_at < LOOK_AGAIN
        if not self._asking and not too_soon and self.is_current:
            self._asking, self._asked_at = True, now
            self.run_worker(self._look(seen), group="why", exit_on_error=False)

    async def _look(self, seen: object) -> None:
        target = self.subject.target
        try:
            if target is not None:
                self._verdict = await self.deck.diagnoser.verified(self.deck.fleet, self.subject.host, target)
                self._seen, self._failure = seen, ""
        except Exception as error:
            self._failure = str(error) or type(error).__name__
        finally:
            self._asking = False
        self.refresh_all()

    def explanation(self) -> Explanation:
        """What is known now."""
        ref = self.subject.service
        log = self._tail.of(ref) if ref is not None else ()
        return explain(self.deck, self.subject, self.verdict(), log=log)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show what is known now."""
        if not changed or self.subject.host in changed:
            entries = self.explanation().entries
            self.query_one("#page", Detail).show((*entries, self._checked()))

    def _checked(self) -> Entry:
        """How fresh the verdict is."""
        if self._failure:
            return Entry("CHECKED", Cell(f"the host could not be asked: {self._failure}", "warning"))
        if self._asking:
            return Entry("CHECKED", Cell("asking the host now", "accent"))
        if self._asked_at is None:
            return Entry("", "")
        return Entry(
            "CHECKED", Cell(f"on the host {cells.age(self.deck.clock.monotonic() - self._asked_at)} ago", "muted")
        )

    def selection(self) -> Selection:
        """The subject, with its proposals."""
        known = self.explanation()
        services = (self.subject.service,) if self.subject.service is not None else ()
        return Selection(self.PLACE, self.subject.host, services, known.finding, self.subject.endpoint, known.proposals)

    def press_evidence(self) -> None:
        """Show it as a page."""
        from console.ui.screens.page import PageScreen

        known = self.explanation()
        lines = evidence(self.verdict(), known.finding, known.proposals)
        about = self.subject.service or self.subject.endpoint or ""
        self.app.push_screen(PageScreen(f"Evidence  {self.subject.host}  {about}", lines))

    def copied(self) -> str:
        """The verdict as Markdown for an incident channel, or the page as text."""
        verdict = self.verdict()
        known = self.explanation()
        if verdict is not None and verdict.port is not None:
            from console.diagnosis.as_text import as_markdown

            return as_markdown(verdict)
        from console.ui.present.copying import lines_of

        return lines_of(known.entries)
