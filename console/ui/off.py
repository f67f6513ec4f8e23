"""Why a key is off: every reason that can be known before it is pressed.

What only the host can tell (sudo rights) is asked on the review screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.core.keys import BY_ID, TABS, Place
from console.core.plan import ActionKind, Intent
from console.core.snapshot import LinkState
from console.core.words import listed
from console.ui import cells
from console.ui.planner import combined
from console.ui.present.hosts import link_advice

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


FREEING = ("stop-holder", "signal", "stop-container", "find-container", "leave-port")
"""Proposals that take the port from who has it."""


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


def free_intents(selection: Selection, deck: Deck) -> tuple[Intent, ...] | str:
    """What freeing the selected port means, or why it means nothing here.

    Where a service wants the port, its holder is stopped and that service started; else the holder is only stopped.
    """
    if selection.place is not Place.PORTS:
        # The verdict knows best who is in the way, and why one of them is not touched.
        ways = [one for one in selection.proposals if one.id in FREEING]
        if chosen := next((one for one in ways if one.intents), next(iter(ways), None)):
            return chosen.intents or chosen.reason_off or "it is advice: there is nothing to run"
    found = _free_intent(selection, deck)
    return found if isinstance(found, str) else (found,)


def _free_intent(selection: Selection, deck: Deck) -> Intent | str:
    endpoint, ref = selection.endpoint, next(iter(selection.services), None)
    if endpoint is None or selection.host is None:
        return "no port is selected"
    if selection.place not in (Place.PORTS, Place.DIAGNOSIS) and ref is not None:
        return Intent(ActionKind.FREE_PORT, ref, endpoint)
    for finding in deck.store.findings_of(selection.host):
        wanted = (finding.port, finding.protocol) == (endpoint.port, endpoint.protocol)
        if wanted and finding.service is not None and (finding.service != ref or selection.place is Place.DIAGNOSIS):
            return Intent(ActionKind.FREE_PORT, finding.service, _wanted(finding.service, endpoint, deck))
    ref = ref or _process_at(endpoint, selection.host, deck)
    if ref is None:
        return "what holds this port is no service that is known: w shows what is"
    return Intent(ActionKind.STOP, ref, endpoint)


def _process_at(endpoint: Endpoint, host: str, deck: Deck) -> ServiceRef | None:
    """The one process to end for a port that no manager lets go."""
    from console.managers.unlisted import processes_of

    snapshot = deck.store.snapshot(host)
    place = (endpoint.protocol, endpoint.address, endpoint.port)
    found = [one for one in snapshot.listeners if (one.protocol, one.address, one.port) == place]
    refs = {process.ref for listener in found for process in processes_of(snapshot, listener, None)}
    return refs.pop() if len(refs) == 1 else None


def _wanted(ref: ServiceRef, endpoint: Endpoint, deck: Deck) -> Endpoint:
    """The address at which a service wants a port, where it is known."""
    service = deck.store.service(ref)
    wants = service.wants if service is not None else ()
    return next((one for one in wants if (one.protocol, one.port) == (endpoint.protocol, endpoint.port)), endpoint)


def _free_port(selection: Selection, deck: Deck) -> str | None:
    if selection.marked:
        return "the port of one service is freed: unmark first"
    intents = free_intents(selection, deck)
    return intents if isinstance(intents, str) else intents_off(intents, deck)


def _one_service(selection: Selection, deck: Deck) -> str | None:
    """What only its host knows of a service's releases is asked when the key is pressed."""
    if selection.marked:
        return "releases are of one service: unmark first"
    if selection.service is None:
        return "no service is selected"
    ref = selection.service
    return host_off(ref.host, deck) or busy(ref, deck)


def _why(selection: Selection, _deck: Deck) -> str | None:
    return None if selection.services or selection.endpoint or selection.finding else "no service or port is selected"


def _environment(selection: Selection, deck: Deck) -> str | None:
    if selection.marked:
        return "the environment is that of one service: unmark first"
    if selection.service is None:
        return "no service is selected"
    link = deck.store.snapshot(selection.service.host).link
    return None if link.state is LinkState.UP else f"{selection.service.host} does not answer now"


def _logs(selection: Selection, _deck: Deck) -> str | None:
    return None if selection.service is not None else "no service is selected"


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
    "rebuild": _one_service,
    "rollback": _one_service,
    "why": _why,
    "logs": _logs,
    "environment": _environment,
    "evidence": _evidence,
    "shell": _shell,
    "accept-key": _accept,
}
