"""What the command palette finds: the keys of the screen, the screens, hosts, services and themes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from console.core.command import Effect
from console.core.keys import ACTIONS, TABS
from console.ui import keymap, off, themes
from console.ui.present.words import service_name
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.ui.app import DeckApp

SERVICES = 40
"""Services that are offered at most; more is what the filter of the services screen is for."""


class Command(NamedTuple):
    """One line of the palette."""

    text: str
    help: str
    call: Callable[[], object]


def _literal(text: str) -> str:
    """The palette reads its second line as markup: a bracket from a host must stay a bracket."""
    return text.replace("[", "\\[")


class DeckCommands(Provider):
    """Everything that can be reached by name. Names come from hosts: they are never read as markup."""

    @property
    def deck_app(self) -> DeckApp:
        """The app."""
        return cast("DeckApp", self.app)

    async def discover(self) -> Hits:
        """What is offered before anything is typed: the keys of this screen, the screens."""
        for command in (*self._keys(), *self._screens()):
            yield DiscoveryHit(Content(command.text), command.call, text=command.text, help=_literal(command.help))

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        offered = [*self._keys(), *self._screens(), *self._hosts(), *self._themes(), *self._services(query)]
        for command in offered:
            score = matcher.match(command.text)
            if score > 0:
                yield Hit(
                    score, matcher.highlight(command.text), command.call, text=command.text, help=_literal(command.help)
                )

    def _keys(self) -> Iterator[Command]:
        screen = self.deck_app.front()
        if screen is None:
            return
        deck = screen.deck
        selection = screen.selection()
        for action in ACTIONS:
            skipped = action.id.startswith(("screen.", "proposal.")) or action.id in ("palette", "back", "open")
            if skipped or selection.place not in action.places:
                continue
            keys = " ".join(map(keymap.shown, keymap.keys_of(action.id, deck.config.keys)))
            why = off.reason_off(action.id, selection, deck)
            about = self._about(selection) if action.effect is Effect.CHANGE else ""
            what = f"off: {why}" if why else f"{action.description}: {about}" if about else action.description
            yield Command(f"{action.label}  [{keys}]", what, partial(self._press, screen, action.id))

    def _about(self, selection: Selection) -> str:
        names = " ".join(f"{ref.host} {service_name(ref)}" for ref in selection.services[:3])
        return names or selection.host or ""

    async def _press(self, screen: DeckScreen, ident: str) -> None:
        await screen.action_press(ident)

    def _screens(self) -> Iterator[Command]:
        for place in TABS:
            told = next(action.description for action in ACTIONS if action.id == f"screen.{place}")
            yield Command(f"screen {place.title()}", told, partial(self.deck_app.show_place, place))

    def _hosts(self) -> Iterator[Command]:
        from console.ui.screens.host import HostScreen

        for snapshot in self.deck_app.deck.store.snapshots():
            yield Command(
                f"host {snapshot.host}", str(snapshot.link.state), partial(self._push, HostScreen, snapshot.host)
            )

    def _services(self, query: str) -> Iterator[Command]:
        wanted = query.lower().split()
        found = 0
        if len(query) < 2:
            return
        for snapshot in self.deck_app.deck.store.snapshots():
            for service in snapshot.services:
                text = f"service {service.ref.host} {service_name(service.ref)}"
                if found < SERVICES and all(word in text.lower() for word in wanted):
                    found += 1
                    yield Command(text, service.state, partial(self._diagnose, Subject(snapshot.host, service.ref)))

    def _themes(self) -> Iterator[Command]:
        for name in () if self.app.no_color else themes.names():
            yield Command(f"theme {name}", "colours", partial(self._use_theme, name))

    def _use_theme(self, name: str) -> None:
        if name not in self.app.available_themes:
            self.app.register_theme(themes.find(name))
        self.app.theme = name

    def _diagnose(self, subject: Subject) -> None:
        from console.ui.screens.diagnosis import DiagnosisScreen

        self.app.push_screen(DiagnosisScreen(subject))

    def _push(self, make: Callable[[str], DeckScreen], name: str) -> None:
        self.app.push_screen(make(name))
