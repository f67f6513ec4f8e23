"""The app: it wires the fleet to the store, the store to the screen in front, and owns whatever changes a host."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.css.query import NoMatches
from textual.filter import Monochrome, NoColor
from textual.worker import WorkerFailed

from console.core.keys import TABS, Place
from console.core.plan import Result
from console.core.snapshot import LinkState
from console.ui import keymap, themes
from console.ui.changes import Change, Changes
from console.ui.clock import Clock
from console.ui.deck import Deck, no_files, nothing_declared
from console.ui.diagnoser import HostDiagnoser
from console.ui.messages import ChangeMoved, HostsChanged
from console.ui.planner import ActionsPlanner
from console.ui.screens.deck_screen import DeckScreen
from console.ui.store import Coalescer, Store
from console.ui.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType
    from textual.command import Provider
    from textual.screen import Screen
    from textual.theme import Theme

    from console.config.model import Config
    from console.core.declaration import Declaration
    from console.core.finding import Finding
    from console.core.plan import Plan
    from console.core.snapshot import Snapshot
    from console.ui.deck import LogFiles
    from console.ui.diagnoser import Diagnoser
    from console.ui.fleet_port import FleetPort
    from console.ui.planner import Planner
    from console.ui.sight import Sight


def _screen(place: Place) -> Callable[[], Screen[None]]:
    """Make a screen when it is first wanted: the first frame waits for none but its own."""

    def make() -> Screen[None]:
        from importlib import import_module

        module = import_module(f"console.ui.screens.{place}")
        made: Screen[None] = getattr(module, f"{place.title()}Screen")()
        return made

    return make


def _commands() -> type[Provider]:
    from console.ui.commands import DeckCommands

    return DeckCommands


class DeckApp(App[int]):
    """Wiring only. What is shown is in the screens, what is known in the store, what keys mean in the key map."""

    TITLE = "hostdeck"
    CSS_PATH = "console.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {place: _screen(place) for place in TABS}

    def __init__(
        self,
        fleet: FleetPort,
        config: Config,
        *,
        planner: Planner | None = None,
        diagnoser: Diagnoser | None = None,
        log_files: LogFiles = no_files,
        declared: Callable[[str], tuple[Declaration, ...]] = nothing_declared,
        read_only: bool = False,
        theme: Theme | None = None,
        initial: Place = Place.FINDINGS,
        clock: Clock | None = None,
    ) -> None:
        # Textual makes its first screen of the default mode of the class; here that is a choice of the user.
        object.__setattr__(self, "DEFAULT_MODE", initial)
        super().__init__()
        used = clock or Clock()
        store = Store(fleet.hosts, used.monotonic())
        changes = Changes(fleet, used, self._change_moved)
        rules = planner if planner is not None else ActionsPlanner(config)
        why = diagnoser if diagnoser is not None else HostDiagnoser()
        off = read_only or config.read_only
        self.deck = Deck(fleet, config, store, changes, used, rules, why, read_only=off, log_files=log_files)
        self.deck.declared = declared
        self._typed = Typed(self, self._give)
        self._picked_up: set[str] = set()
        self._pace = Coalescer(self.set_timer, used.monotonic, self._show_changes)
        chosen = theme if theme is not None else themes.find(themes.DEFAULT)
        if self.no_color:
            chosen = themes.colorless()
            # Textual chose its filter before there was a theme: one that makes black of what the terminal would choose.
            self._filters[:] = [NoColor() if isinstance(one, Monochrome) else one for one in self._filters]
        self.register_theme(chosen)
        self.theme = chosen.name
        self.set_keymap(keymap.textual_keymap(config.keys))
        self.animation_level = "none"

    leaving = False
    """Whether the end was asked for: what is typed ahead of it finds nothing to act on."""

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the console; from now on every key is ignored."""
        self.leaving = True
        super().exit(result, return_code, message)

    async def on_event(self, event: events.Event) -> None:
        """Take keys one by one; drop what is typed or clicked once the end was asked for."""
        if self.leaving and isinstance(event, events.InputEvent):
            return
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._typed.take(event)
            return
        if isinstance(event, events.MouseDown) and not event.is_forwarded:
            self.typed_at = event.time
        await super().on_event(event)

    typed_at = 0.0
    """When the key or click that acts now was read from the terminal, in monotonic seconds."""

    async def _give(self, event: events.Event) -> None:
        if not self.leaving:
            self.typed_at = event.time
            await super().on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        sight: Sight | None = getattr(screen, "sight", None)
        if sight is not None and renderable is not None and not self._batch_count:
            sight.painted(self)

    def _handle_exception(self, error: Exception) -> None:
        # A screen that was being opened when the end was asked for never gets its widgets.
        cause = error.error if isinstance(error, WorkerFailed) else error
        if not (self.leaving and isinstance(cause, NoMatches)):
            super()._handle_exception(error)

    def on_resize(self) -> None:
        """Paint everything: a storm of sizes may end at the size it began with, which Textual takes for no change."""
        self.screen.refresh()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The console's own colours for themes that do not name them."""
        return themes.variable_defaults(self.current_theme)

    def on_mount(self) -> None:
        """Connections begin behind the first frame."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        # What the start made stays until the end: no later collection need look at it.
        gc.freeze()
        gc.enable()
        self.deck.fleet.start(self._host_changed)
        self.set_interval(1.0, self._pace.poke)

    def _host_changed(self, snapshot: Snapshot, findings: tuple[Finding, ...]) -> None:
        self.deck.store.apply(snapshot, findings, self.deck.clock.monotonic())
        self._pace.poke()
        if snapshot.link.state is not LinkState.UP:
            self._picked_up.discard(snapshot.host)
        elif snapshot.complete and snapshot.host not in self._picked_up:
            self._picked_up.add(snapshot.host)
            self.run_worker(self._pick_up(snapshot.host), group=f"missed {snapshot.host}", exit_on_error=False)

    async def _pick_up(self, host: str) -> None:
        """Show how plans ended there whose end nobody saw, of earlier consoles too, and go on watching what runs."""
        for missed in await self.deck.fleet.missed(host):
            change = self.deck.changes.adopt(missed)
            if change is not None and change.running:
                group = f"change {change.plan.target}"
                self.run_worker(self.deck.changes.resume(change), group=group, exit_on_error=False)

    def _show_changes(self) -> None:
        changed = self.deck.store.take_changed()
        if self.is_running and (screen := self.front()) is not None:
            screen.post_message(HostsChanged(changed))

    def front(self) -> DeckScreen | None:
        """The screen that is seen: in front, or behind a small window."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, DeckScreen)), None)

    def show_place(self, place: Place) -> None:
        """Go to a screen behind the tabs, as it was left."""
        if self.leaving:
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(place)

    # What changes a host runs in workers of the app: no screen that closes may take it along.

    def run_plans(self, plans: tuple[Plan, ...]) -> bool:
        """Run plans one after the other; ``False`` when another change holds one of their services."""
        changes = self.deck.changes
        if any(changes.on(ref) for plan in plans for ref in plan.services):
            return False
        first = changes.begin(plans[0])
        if first is None:
            return False
        self.run_worker(self._in_turn(first, plans[1:]), group=f"change {plans[0].target}", exit_on_error=False)
        return True

    async def _in_turn(self, first: Change, rest: tuple[Plan, ...]) -> None:
        changes = self.deck.changes
        change: Change | None = first
        for plan in (None, *rest):
            if plan is not None:
                change = changes.begin(plan)
            if change is None:
                return
            await changes.run(change)
            self.ask_again((change.plan.target.host,))
            if change.progress.result is Result.UNKNOWN:
                # The host may be there again already: its next word is asked for the end.
                self._picked_up.discard(change.plan.target.host)
            if change.progress.result is not Result.DONE:
                return

    def _change_moved(self, change: Change) -> None:
        screen = self.front() if self.is_running else None
        if screen is not None:
            screen.post_message(ChangeMoved(change.plan.id, change.plan.target, not change.running))

    def ask_again(self, hosts: tuple[str, ...]) -> None:
        """Ask these hosts everything now."""
        for host in hosts:
            self.run_worker(self._ask(host), group=f"ask {host}", exclusive=True, exit_on_error=False)

    async def _ask(self, host: str) -> None:
        await self.deck.fleet.refresh(host)

    def accept_key(self, host: str, fingerprint: str) -> None:
        """Accept the key that was shown to a person, then connect again."""
        self.run_worker(self._accept(host, fingerprint), group=f"key {host}", exit_on_error=False)

    async def _accept(self, host: str, fingerprint: str) -> None:
        try:
            await self.deck.fleet.accept_host_key(host, fingerprint)
        except Exception as error:
            told = f"{host}: the key was not accepted: {error}"
        else:
            told = f"{host}: the key was added to known_hosts"
        if (screen := self.front()) is not None:
            screen.say(told)

    def ask_to_quit(self) -> None:
        """Leave; while a plan runs, ask first and say what becomes of it."""
        running = self.deck.changes.running()
        if not running:
            self.exit(0)
            return
        from console.ui.screens.confirm import QuitScreen

        self.push_screen(QuitScreen(running), lambda yes: self.exit(0) if yes else None)

    async def action_quit(self) -> None:
        """``ctrl+q`` asks as well."""
        self.ask_to_quit()

    def action_help_quit(self) -> None:
        """``ctrl+c`` ends nothing, and with nothing to copy it says what would."""
        screen = self.front()
        if screen is not None:
            keys = keymap.keys_of("quit", self.deck.config.keys)
            screen.say(f"press {keymap.shown(keys[0])} to quit" if keys else "press ctrl+q to quit")


def run(
    fleet: FleetPort,
    config: Config,
    *,
    read_only: bool = False,
    theme: str | None = None,
    initial: str | None = None,
    planner: Planner | None = None,
    diagnoser: Diagnoser | None = None,
    log_files: LogFiles = no_files,
    declared: Callable[[str], tuple[Declaration, ...]] = nothing_declared,
) -> int:
    """Show the console until the user leaves; returns the exit code.

    Raises ``ThemeError`` for a theme that is not there or cannot be used. ``initial`` is the word of a screen.
    """
    import asyncio
    import os

    from console.ui import terminal

    name = themes.for_environment(theme or config.theme or themes.DEFAULT, os.environ)
    app = DeckApp(
        fleet,
        config,
        planner=planner,
        diagnoser=diagnoser,
        log_files=log_files,
        declared=declared,
        read_only=read_only,
        theme=terminal.themed(fleet.hosts, themes.find(name)),
        initial=Place(initial or Place.FINDINGS),
    )
    terminal.choose_glyphs(os.environ)
    return asyncio.run(terminal.session(app, fleet))
