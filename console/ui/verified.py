"""From what is shown to a plan: the host is asked first, so that nothing is planned for what is over.

Every way from a finding, a verdict or a port to a plan comes through here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.ui import off
from console.ui.present.explain import found

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.core.finding import Proposal
    from console.ui.screens.deck_screen import DeckScreen
    from console.ui.selection import Selection

    Go = Callable[[Selection], str | None]


def when_looked_at(screen: DeckScreen, selection: Selection, go: Go) -> None:
    """Look at the host, then ``go`` with the selection as it is by that look; what ``go`` says is why it does not.

    Of what there is no verdict on, such as a disk, there is nothing to look at. Where the host does not answer, or the
    person is elsewhere by then, nothing is done.
    """
    subject = screen.about(selection)
    if subject is None or subject.target is None:
        _went(screen, selection, go)
        return
    screen.say(f"asking {subject.host} whether it still is so", lasting=True)

    async def look() -> None:
        try:
            verdict = await screen.look_at(subject)
        except Exception as error:
            screen.say(
                f"{subject.host} could not be asked, so nothing was planned: {str(error) or type(error).__name__}"
            )
            return
        screen.hush()
        if screen.is_current:
            _went(screen, replace(selection, proposals=found(screen.deck, subject, verdict)[2]), go)

    screen.run_worker(look(), group="verify", exclusive=True, exit_on_error=False)


def _went(screen: DeckScreen, selection: Selection, go: Go) -> None:
    why_not = go(selection)
    if why_not is not None:
        screen.say(why_not)


def is_same(one: Proposal, other: Proposal) -> bool:
    """Whether two proposals do the same to the same.

    An intent to free a port does not name who has it: there the label does, with what is done to the newcomer behind.
    """
    if (one.id, one.intents) != (other.id, other.intents):
        return False
    return one.id not in off.FREEING or _freed(one) == _freed(other)


def _freed(way: Proposal) -> str:
    return way.label.partition(", then ")[0]
