"""The releases of one service: which was well, and a roll back to the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.widgets import Static

from console.core.difference import Difference, Pair
from console.core.keys import Place
from console.core.plan import ActionKind, Intent
from console.core.release import way_back
from console.ui import keymap
from console.ui.present import releases as present
from console.ui.present.words import service_name
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.core.release import ReleaseBook
    from console.core.service import ServiceRef
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row


class ReleasesScreen(ListScreen):
    """The newest first; the cursor begins where a roll back would go unless somebody chooses."""

    PLACE: ClassVar[Place] = Place.RELEASES
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.RELEASES)]

    def __init__(self, ref: ServiceRef) -> None:
        super().__init__()
        self.ref = ref
        self._asking = True
        self._failure = ""
        self._placed = False
        self._comparing: Pair | None = None
        self._tried: dict[Pair, str] = {}
        """Pairs that were asked from here, and why that failed."""

    def body(self) -> ComposeResult:
        """Whose releases they are, then the list."""
        yield Static(f"Releases of {service_name(self.ref)} on {self.ref.host}", id="title", markup=False)
        yield from super().body()

    def on_screen_resume(self) -> None:
        """Ask the host at once, also after a plan: what is known may be of an earlier look."""
        super().on_screen_resume()
        self._look()

    def press_refresh(self) -> None:
        """Ask the host again, also for what it could not tell."""
        self._tried.clear()
        self._look()

    def _look(self) -> None:
        self._asking = True
        self._ask()

    @work(group="releases", exit_on_error=False)
    async def _ask(self) -> None:
        try:
            book = await self.deck.fleet.releases(self.ref)
            self._failure = book.failure or ""
        except Exception as error:
            self._failure = f"{self.ref.host} could not be asked: {error}"
        finally:
            self._asking = False
        self.refresh_all()

    def _pair(self, key: Hashable | None) -> Pair | None:
        """What is live and the release of that row; ``None`` where there is nothing to compare."""
        live = self.book.live if self.book is not None else None
        target = cast("str | None", key)
        return None if live is None or target is None or live.id == target else Pair(self.ref, live.id, target)

    def _difference(self, pair: Pair | None) -> Difference | None:
        """What is known of a pair; one that is asked, or waits for that, is pending."""
        if pair is None:
            return None
        known = self.deck.store.snapshot(self.ref.host).difference(pair)
        failed = self._tried.get(pair)
        return known or (Difference(pair, failure=failed) if failed else Difference(pair, pending=True))

    def sync_detail(self, *, moved: bool = False) -> None:
        """Show the detail, and ask what the release under the cursor would change: one pair after the other."""
        super().sync_detail(moved=moved)
        pair = self._pair(self.table.cursor_key)
        known = self._difference(pair)
        if self._asking or self._comparing is not None or pair is None or known is None or pair in self._tried:
            return
        if known.pending or known.failure is not None:
            self._comparing = pair
            self.run_worker(self._compare(pair), group="difference", exit_on_error=False)

    async def _compare(self, pair: Pair) -> None:
        self._tried[pair] = ""
        try:
            await self.deck.fleet.difference(pair)
        except Exception as error:
            self._tried[pair] = f"{self.ref.host} could not be asked: {error}"
        finally:
            self._comparing = None
        # The cursor may be on another release by now.
        self.refresh_all()

    @property
    def book(self) -> ReleaseBook | None:
        """What the host told last."""
        return self.deck.store.snapshot(self.ref.host).book(self.ref)

    def columns(self) -> Sequence[Column]:
        """State, version, commit, age, life, health, who, name."""
        return present.COLUMNS

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """One row a release."""
        del changed
        book = self.book
        return (() if book is None else [present.row(release, book) for release in book.releases]), 0

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show the releases, and put the cursor where a roll back goes."""
        super().sync(changed)
        back = way_back(self.book) if self.book is not None else None
        if not self._asking and not self._placed and back is not None:
            self._placed = True
            self.table.move_to(back.id)

    def empty(self) -> tuple[Text, ...]:
        """Why there is nothing to go back to."""
        name = service_name(self.ref)
        if self._asking:
            return (f"Asking {self.ref.host} for the releases of {name}.",)
        return (f"No releases of {name}: {self._failure or 'its host has none'}.",)

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected release."""
        book = self.book
        found = book.find(cast("str", key)) if book is not None and key is not None else None
        if book is None or found is None:
            return ()
        return present.detail(found, book, self.deck.clock, self._difference(self._pair(key)))

    def selection(self) -> Selection:
        """The service, and whether the release can be gone to."""
        off = self._off()
        return Selection(
            self.PLACE, self.ref.host, (self.ref,), open=off is None, off={} if off is None else {"open": off}
        )

    def _off(self) -> str | None:
        from console.ui import off

        key = cast("str | None", self.table.cursor_key) if self.is_mounted else None
        return "no release is selected" if key is None else off.intents_off((self._intent(key),), self.deck)

    def _intent(self, key: str) -> Intent:
        return Intent(ActionKind.ROLLBACK, self.ref, release=key)

    def press_open(self) -> None:
        """Review the roll back to this release."""
        from console.ui import verbs

        key = cast("str | None", self.table.cursor_key)
        if key is not None:
            verbs.review(self, ((self._intent(key),),))

    def press_back(self) -> None:
        """Leave."""
        self.app.pop_screen()
