"""Every change of this session, and of other consoles as the hosts tell: what runs, what ended with which result.

The hosts are asked for that when the screen is opened and by the refresh key, never in between.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual import work

from console.core.keys import Place
from console.core.snapshot import LinkState
from console.ui import keymap
from console.ui.present import others as of_others
from console.ui.present import plans as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.remote.plan_others import OtherPlan
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row


LOOK_AGAIN = 10.0
"""Seconds after which a host is asked again when the screen is opened."""
AT_ONCE = 8
"""Hosts that are asked at the same time."""
NOT_OPENED = "it was begun from another console: this one only tells of it"


class _Told(NamedTuple):
    """What a host told, and when on the monotonic clock."""

    at: float
    plans: tuple[OtherPlan, ...]


class PlansScreen(ListScreen):
    """Running changes first, those of other consoles too, then what ended, the newest first."""

    PLACE: ClassVar[Place] = Place.PLANS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.PLANS)]

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, _Told] = {}
        self._asked: dict[str, float] = {}

    def on_screen_resume(self) -> None:
        """Catch up, and ask the hosts what others run there."""
        super().on_screen_resume()
        if self.is_mounted and not self.deck_app.leaving:
            self._look(LOOK_AGAIN)

    async def press_refresh(self) -> None:
        """Ask anew."""
        from console.ui import verbs

        self._look(0.0)
        await verbs.perform("refresh", self, self.selection())

    @work(group="others", exit_on_error=False)
    async def _look(self, older: float) -> None:
        """Ask every host that is up and was not asked for so many seconds."""
        now, up = self.deck.clock.monotonic(), LinkState.UP
        hosts = [one.host for one in self.deck.store.snapshots() if one.link.state is up and one.at is not None]
        due = [host for host in hosts if now - self._asked.get(host, -LOOK_AGAIN) >= older]
        self._told = {host: told for host, told in self._told.items() if host in hosts}
        self._asked |= dict.fromkeys(due, now)
        turn = asyncio.Semaphore(AT_ONCE)
        silent = [one for one in await asyncio.gather(*(self._ask(host, turn) for host in due)) if one is not None]
        if silent and self.is_current:
            more = f" (and {len(silent) - 1} more)" if len(silent) > 1 else ""
            self.say(f"what others run is not known of {silent[0]}{more}")

    async def _ask(self, host: str, turn: asyncio.Semaphore) -> str | None:
        """Ask one; why it did not tell."""
        async with turn:
            try:
                told = await self.deck.fleet.others(host)
            except Exception as error:
                self._told.pop(host, None)
                return f"{host}: {str(error) or type(error).__name__}"
        before = self._told.get(host)
        self._told[host] = _Told(self.deck.clock.monotonic(), told)
        if (told or (before is not None and before.plans)) and self.is_current:
            self.refresh_all()
        return None

    def _others(self) -> list[tuple[str, float, OtherPlan]]:
        """Host, seconds since it was asked, plan; none of this console's."""
        now, changes = self.deck.clock.monotonic(), self.deck.changes
        return [
            (host, max(0.0, now - told.at), one)
            for host, told in self._told.items()
            for one in told.plans
            if changes.of(one.id) is None
        ]

    def columns(self) -> Sequence[Column]:
        """Result, what, host, service, when, how long."""
        return present.columns(host_width(self.deck.store.specs.values()))

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """One row a change."""
        del changed
        deck, wall = self.deck, self.deck.clock.wall()
        specs, words = deck.store.specs, self.needle.lower().split()
        every, others = deck.changes.all(), self._others()
        kept = [
            change
            for change in every
            if all(word in f"{change.plan.kind} {change.plan.target}".lower() for word in words)
        ]
        own = [(change.running, present.row(change, specs.get(change.plan.target.host), wall)) for change in kept]
        told = [
            (one.result is None, of_others.row(one, host, specs.get(host), since))
            for host, since, one in others
            if of_others.fits(one, host, words)
        ]
        rows = [
            *(row for runs, row in own if runs),
            *(row for open_, row in told if open_),
            *(row for runs, row in own if not runs),
            *(row for open_, row in told if not open_),
        ]
        return rows, len(every) + len(others) - len(rows)

    def empty(self) -> tuple[Text, ...]:
        """That nothing was changed yet."""
        if self.needle:
            return (f"No change contains {self.needle!r}. esc shows all.",)
        return (
            "Nothing was changed from this console yet.",
            "What earlier consoles did: hostdeck audit.",
            "What others run on these hosts, or ran there in the last day, would stand here, too.",
        )

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected change with its steps."""
        change = self.deck.changes.of(cast("str", key)) if key is not None else None
        if change is not None:
            return present.detail(change, self.deck.clock)
        found = next((other for other in self._others() if (other[0], other[2].id) == key), None)
        return () if found is None else of_others.detail(found[2], found[0], found[1])

    def selection(self) -> Selection:
        """The change's service."""
        key = self.table.cursor_key
        change = self.deck.changes.of(cast("str", key)) if key is not None else None
        if change is None:
            host = next((host for host, _, one in self._others() if (host, one.id) == key), None)
            return Selection(self.PLACE, host, off={} if host is None else {"open": NOT_OPENED})
        return Selection(self.PLACE, change.plan.target.host, (change.plan.target,), plan=change.plan, open=True)
