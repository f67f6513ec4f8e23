"""Why a key is off: every reason that can be known before it is pressed.

What only the host can tell (sudo rights) is asked on the review screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.core.keys import BY_ID, TABS, Place
from console.core.plan import ActionKind, Intent
from console.core.snapshot import LinkState
from console.ui import cells
from console.ui.planner import combined
from console.ui.present.hosts import link_advice
from console.ui.present.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from console.core.service import Endpoint, ServiceRef
    from console.ui.deck import Deck
    from console.ui.selection import Selection

KINDS = {
    "restart": ActionKind.RESTART,
    "stop": ActionKind.STOP,
    "start": ActionKind.START,
    "reload": ActionKind.RELOAD,
}
"""Keys that change the selected services, by action id."""


def reason_off(ident: str, selection: Selection, deck: Deck) -> str | None:
    """Why this action cannot be done with this selection; ``None`` when it can."""
    if ident in selection.off:
        return selection.off[ident]
    if ident in KINDS:
        return _change_off(KINDS[ident], selection, deck)
    if ident.startswith("proposal."):
        return _proposal_off(int(ident.removeprefix("proposal.")), selection, deck)
    rule = _RULES.get(ident)
    return rule(selection, deck) if rule is not None else None


def elsewhere(ident: str, place: Place) -> str:
    """Why a key of other screens does nothing on this one."""
    action = BY_ID[ident]
    if ident.startswith("screen."):
        place_of = Place(ident.removeprefix("screen."))
        return f"F{TABS.index(place_of) + 1} opens {place_of.title()} from here, esc goes back"
    if (ident, place) == ("why", Place.DIAGNOSIS):
        return "this page is the diagnosis already"
    word = f"{action.label!r} does nothing on this page"
    if place not in TABS:
        return f"{word}: esc goes back"
    return f"{word}: it is a key of {listed([one.title() for one in action.places], 4)}"


def host_off(host: str, deck: Deck) -> str | None:
    """Why nothing can be changed on a host now: by rule, or because it does not answer."""
    if why := deck.why_read_only(host):
        return why
    snapshot = deck.store.snapshot(host)
    link = snapshot.link
    if link.state is LinkState.DOWN:
        return f"{host} is down: {link.error or 'no connection'}"
    if link.state is LinkState.CONNECTING or snapshot.at is None:
        return f"{host} is not connected yet"
    if link.state is LinkState.STALE:
        age = cells.age(deck.clock.monotonic() - snapshot.at)
        return f"{host} has not answered for {age}: what is shown may be over"
    return None


def busy(ref: ServiceRef, deck: Deck) -> str | None:
    """Say that a change of this service runs already."""
    change = deck.changes.on(ref)
    if change is None:
        return None
    age = cells.age(deck.clock.wall() - change.started)
    return f"{change.plan.kind} of {change.plan.target.name} runs since {age} ({change.step})"


def _change_off(kind: ActionKind, selection: Selection, deck: Deck) -> str | None:
    if not selection.services:
        return "no service is selected"
    for ref in selection.services:
        why = intents_off((Intent(kind, ref),), deck)
        if why is not None:
            return why if len(selection.services) == 1 else f"{ref.name} on {ref.host}: {why}"
    return None


def intents_off(intents: tuple[Intent, ...], deck: Deck) -> str | None:
    """Why these intents cannot become one plan that runs."""
    for ref in dict.fromkeys(intent.target for intent in intents):
        if ref.host not in deck.store.specs:
            return f"{ref.host} is not a host of this console"
        if why := host_off(ref.host, deck) or busy(ref, deck):
            return why
    if not intents:
        return None
    denied = next((why for intent in combined(intents) if (why := deck.why_denied(intent))), None)
    return denied or deck.planner.refusal(intents, deck.store.snapshot(intents[0].target.host))


def _proposal_off(number: int, selection: Selection, deck: Deck) -> str | None:
    if number > len(selection.proposals):
        return f"there is no proposal {number}{_page_of(number, selection)}"
    proposal = selection.proposals[number - 1]
    if proposal.reason_off:
        return proposal.reason_off
    return intents_off(proposal.intents, deck) if proposal.intents else "it is advice: there is nothing to run"


def _page_of(number: int, selection: Selection) -> str:
    """Where a digit leads from the screens behind the tabs, for who meant that."""
    if selection.place is not Place.DIAGNOSIS or number > len(TABS):
        return ""
    return f": F{number} opens {TABS[number - 1].title()}, esc goes back"


def _mend(selection: Selection, deck: Deck) -> str | None:
    finding = selection.finding
    if not selection.proposals:
        advice = link_advice(deck.store.snapshot(finding.host), deck.clock.monotonic()) if finding is not None else ()
        if advice:
            return f"nothing can be run from here: {'; '.join(advice)}"
        return "no finding is selected" if finding is None else "there is no proposal for this finding"
    reasons = [_proposal_off(place, selection, deck) for place in range(1, len(selection.proposals) + 1)]
    return None if None in reasons else reasons[0]


def free_intent(selection: Selection, deck: Deck) -> Intent | str:
    """What freeing the selected port means, or why it means nothing here.

    Where a service wants the port, its holder is stopped and that service started; else the holder is only stopped.
    """
    endpoint, ref = selection.endpoint, next(iter(selection.services), None)
    if endpoint is None or selection.host is None:
        return "no port is selected"
    if selection.place not in (Place.PORTS, Place.DIAGNOSIS) and ref is not None:
        return Intent(ActionKind.FREE_PORT, ref, endpoint)
    for finding in deck.store.findings_of(selection.host):
        wanted = (finding.port, finding.protocol) == (endpoint.port, endpoint.protocol)
        if wanted and finding.service is not None and (finding.service != ref or selection.place is Place.DIAGNOSIS):
            return Intent(ActionKind.FREE_PORT, finding.service, _wanted(finding.service, endpoint, deck))
    if ref is None:
        return "what holds this port is no service that is known: w shows what is"
    return Intent(ActionKind.STOP, ref, endpoint)


def _wanted(ref: ServiceRef, endpoint: Endpoint, deck: Deck) -> Endpoint:
    """The address at which a service wants a port, where it is known."""
    service = deck.store.service(ref)
    wants = service.wants if service is not None else ()
    return next((one for one in wants if (one.protocol, one.port) == (endpoint.protocol, endpoint.port)), endpoint)


def _free_port(selection: Selection, deck: Deck) -> str | None:
    intent = free_intent(selection, deck)
    return intent if isinstance(intent, str) else intents_off((intent,), deck)


def _why(selection: Selection, _deck: Deck) -> str | None:
    return None if selection.services or selection.endpoint or selection.finding else "no service or port is selected"


def _logs(selection: Selection, _deck: Deck) -> str | None:
    if len(selection.services) > 1:
        return "a log is of one service: unmark the others"
    return None if selection.services else "no service is selected"


def _evidence(selection: Selection, _deck: Deck) -> str | None:
    shown = selection.place is Place.REVIEW or selection.finding is not None or selection.endpoint is not None
    return None if shown else "nothing is selected"


def _host(selection: Selection, _deck: Deck) -> str | None:
    return None if selection.host else "no host is selected"


def _shell(selection: Selection, deck: Deck) -> str | None:
    return _host(selection, deck) if deck.fleet.can_shell else "the demo has no shells"


def _accept(selection: Selection, deck: Deck) -> str | None:
    if selection.host is None:
        return "no host is selected"
    code = deck.store.snapshot(selection.host).link.code
    if code == "host-key-changed":
        return "a changed host key is never accepted from here: find out who answers, then mend known_hosts yourself"
    return None if code == "host-key-unknown" else f"{selection.host} shows no unknown host key"


def _open(selection: Selection, _deck: Deck) -> str | None:
    return None if selection.open else "nothing is selected"


_RULES: Mapping[str, Callable[[Selection, Deck], str | None]] = {
    "open": _open,
    "mend": _mend,
    "free-port": _free_port,
    "why": _why,
    "logs": _logs,
    "evidence": _evidence,
    "shell": _shell,
    "accept-key": _accept,
}
