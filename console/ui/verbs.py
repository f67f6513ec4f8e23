"""What the keys do that mean the same on every screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.core.keys import Place
from console.core.plan import ActionKind, Intent
from console.ui import off
from console.ui.planner import RefusedError
from console.ui.present.words import number
from console.ui.subject import Subject
from console.ui.verified import is_same, when_looked_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from console.core.plan import Plan
    from console.ui.screens.deck_screen import DeckScreen
    from console.ui.selection import Selection

Verb = "Callable[[DeckScreen, Selection], Awaitable[None]]"


async def perform(ident: str, screen: DeckScreen, selection: Selection) -> None:
    """Do what an action means; the key map has found no reason against it."""
    head, _, tail = ident.partition(".")
    if head == "screen":
        screen.deck_app.show_place(Place(tail))
    elif head == "proposal":
        propose(screen, selection, int(tail))
    elif ident in off.KINDS:
        review(screen, tuple((Intent(off.KINDS[ident], ref),) for ref in selection.services))
    else:
        await _VERBS[ident](screen, selection)


def propose(screen: DeckScreen, selection: Selection, place: int) -> None:
    """Review the plan of a numbered proposal, where the host still is as it was when that was shown."""
    meant = selection.proposals[place - 1]

    def go(now: Selection) -> str | None:
        same = next((one for one in now.proposals if is_same(one, meant)), None)
        if same is None:
            return _shown_anew(screen, now)
        review(screen, (same.intents,))
        return None

    when_looked_at(screen, selection, go)


def _shown_anew(screen: DeckScreen, selection: Selection) -> str | None:
    """Show what is so now instead of a plan for what was shown."""
    told = f"nothing was planned: {selection.host} is not as it was shown, this is what is so now"
    page = _diagnosis(screen, selection) if screen.PLACE is not Place.DIAGNOSIS else None
    if page is None:
        screen.refresh_all()
        return told
    page.call_after_refresh(page.say, told)
    return None


def review(screen: DeckScreen, wishes: tuple[tuple[Intent, ...], ...]) -> None:
    """Make a plan of each wish and show them before anything is run."""
    deck = screen.deck
    plans: list[Plan] = []
    for intents in wishes:
        try:
            plans.append(deck.planner.plan(intents, deck.store.snapshot(intents[0].target.host)))
        except RefusedError as error:
            screen.say(str(error))
            return
    from console.ui.screens.review import ReviewScreen

    screen.app.push_screen(ReviewScreen(tuple(plans)))


async def _mend(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.screens.choice import ChoiceScreen, Option

    options = tuple(
        Option(proposal.label, proposal.lines, off.reason_off(f"proposal.{place}", selection, screen.deck))
        for place, proposal in enumerate(selection.proposals, 1)
    )
    finding = selection.finding
    title = f"{finding.host}  {finding.summary}" if finding is not None else "Mend"

    def chosen(place: int | None) -> None:
        if place is not None:
            propose(screen, selection, place)

    screen.app.push_screen(ChoiceScreen(title, options), chosen)


def _diagnosis(screen: DeckScreen, selection: Selection) -> DeckScreen | None:
    """Open the diagnosis of what is selected, where it is something."""
    from console.ui.screens.diagnosis import DiagnosisScreen

    subject = Subject.of(selection)
    if subject is None:
        return None
    page = DiagnosisScreen(subject)
    screen.app.push_screen(page)
    return page


async def _why(screen: DeckScreen, selection: Selection) -> None:
    _diagnosis(screen, selection)


async def _open(screen: DeckScreen, selection: Selection) -> None:
    if selection.place in (Place.RESOURCES, Place.HOSTS) and selection.host is not None:
        from console.ui.screens.host import HostScreen

        screen.app.push_screen(HostScreen(selection.host))
    elif selection.place is Place.PLANS and selection.plan is not None:
        from console.ui.screens.review import ReviewScreen

        screen.app.push_screen(ReviewScreen((selection.plan,)))
    else:
        await _why(screen, selection)


async def _logs(screen: DeckScreen, selection: Selection) -> None:
    screen.deck.log = selection.service
    screen.deck_app.show_place(Place.LOGS)


async def _free_port(screen: DeckScreen, selection: Selection) -> None:
    def go(now: Selection) -> str | None:
        intents = off.free_intents(now, screen.deck)
        if isinstance(intents, str):
            return intents
        review(screen, (intents,))
        return None

    when_looked_at(screen, selection, go)


async def _environment(screen: DeckScreen, selection: Selection) -> None:
    ref = selection.service
    if ref is None:
        return
    screen.say(f"asking {ref.host} for the environment of {ref.name}")

    async def ask() -> None:
        from console.core.environment import sections
        from console.diagnosis.report import Section
        from console.ui.screens.page import PageScreen

        try:
            found = await screen.deck.fleet.environment(ref)
        except Exception as error:
            screen.say(f"{ref.host} could not be asked: {error}")
            return
        if screen.is_current:
            lines = [Section(title, told) for title, told in sections(found)]
            screen.app.push_screen(PageScreen(f"Environment  {ref}", lines))

    screen.run_worker(ask(), group="environment", exclusive=True, exit_on_error=False)


async def _rebuild(screen: DeckScreen, selection: Selection) -> None:
    ref = selection.service
    if ref is None:
        return
    screen.say(f"asking {ref.host} what {ref.name} is built from")

    async def ask() -> None:
        try:
            await screen.deck.fleet.releases(ref)
        except Exception as error:
            screen.say(f"{ref.host} could not be asked: {error}")
            return
        # The answer has reached the store with the snapshot that has it.
        review(screen, ((Intent(ActionKind.REBUILD, ref),),))

    screen.run_worker(ask(), group="releases", exit_on_error=False)


async def _rollback(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.screens.releases import ReleasesScreen

    if selection.service is not None:
        screen.app.push_screen(ReleasesScreen(selection.service))


async def _copy(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.present.copying import safe

    del selection
    text = safe(screen.copied()).strip("\n")
    if not text:
        screen.say("there is nothing to copy")
        return
    screen.app.copy_to_clipboard(text + "\n")
    screen.say(f"copied {number(text.count(chr(10)) + 1, 'line')} (OSC 52: the terminal must allow it)")


async def _shell(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.shell import open_shell

    if selection.host is not None:
        said = await open_shell(screen.deck_app, screen.deck.store.specs[selection.host])
        if said:
            screen.say(said)


async def _refresh(screen: DeckScreen, selection: Selection) -> None:
    hosts = (selection.host,) if selection.host is not None else screen.deck.store.hosts
    screen.deck_app.ask_again(hosts)
    screen.say(f"asking {hosts[0] if len(hosts) == 1 else number(len(hosts), 'host')} again")


async def _accept_key(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.screens.accept_key import ask

    if selection.host is not None:
        ask(screen, selection.host)


async def _palette(screen: DeckScreen, selection: Selection) -> None:
    del selection
    screen.app.action_command_palette()


async def _help(screen: DeckScreen, selection: Selection) -> None:
    from console.ui.screens.help import HelpScreen

    screen.app.push_screen(HelpScreen(selection))


async def _quit(screen: DeckScreen, selection: Selection) -> None:
    del selection
    if any(getattr(one, "PLACE", None) is Place.REVIEW for one in screen.app.screen_stack):
        # A reason that is typed with the focus elsewhere may open a page on the way to its q.
        screen.say("a plan is under review: esc leaves it, then q quits")
        return
    screen.deck_app.ask_to_quit()


async def _back(screen: DeckScreen, selection: Selection) -> None:
    del selection
    if len(screen.app.screen_stack) > 1:
        screen.app.pop_screen()


_VERBS: Mapping[str, Callable[[DeckScreen, Selection], Awaitable[None]]] = {
    "mend": _mend,
    "why": _why,
    "open": _open,
    "logs": _logs,
    "environment": _environment,
    "free-port": _free_port,
    "rebuild": _rebuild,
    "rollback": _rollback,
    "copy": _copy,
    "shell": _shell,
    "refresh": _refresh,
    "accept-key": _accept_key,
    "palette": _palette,
    "help": _help,
    "quit": _quit,
    "back": _back,
}
