"""Every key press goes through here: what it is, whether it is on, and why not.

The actions themselves are listed in ``console.core.keys``, where the configuration can see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from console.core.command import Effect
from console.core.keys import ACTIONS, BY_ID, EVERYWHERE, TABS, Place
from console.ui import off
from console.ui.widgets.bars import KeyHint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from console.ui.deck import Deck
    from console.ui.selection import Selection

DIGITS = "0123456789"

_BAR: Mapping[Place, tuple[str, ...]] = {
    Place.FINDINGS: ("open", "accept-key", "mend", "restart", "why", "logs", "copy", "filter"),
    Place.SERVICES: ("open", "restart", "stop", "start", "reload", "why", "logs", "mark", "group", "filter"),
    Place.PORTS: ("why", "free-port", "restart", "logs", "shell", "copy", "filter"),
    Place.RESOURCES: ("open", "shell", "copy", "refresh", "filter"),
    Place.LOGS: ("follow", "filter", "search", "wrap", "why", "restart", "copy"),
    Place.HOSTS: ("open", "accept-key", "shell", "refresh", "copy", "filter"),
    Place.PLANS: ("open", "copy", "filter"),
    Place.DIAGNOSIS: ("back", "accept-key", "evidence", "copy", "restart", "logs", "shell"),
    Place.HOST: ("back", "shell", "copy"),
    Place.REVIEW: ("run", "kill", "back", "evidence", "copy"),
    Place.RELEASES: ("open", "back", "refresh", "copy"),
    Place.HELP: ("back",),
    Place.TEXT: ("back", "copy"),
}
_KEPT = frozenset({"open", "mend", "run", "back", "filter", "palette", "help", "why", "follow", "accept-key"})
_LABELS = {
    (Place.FINDINGS, "open"): "diagnose",
    (Place.SERVICES, "open"): "diagnose",
    (Place.PORTS, "open"): "diagnose",
    (Place.REVIEW, "back"): "cancel",
    (Place.RELEASES, "open"): "roll back to this",
}
_DESCRIPTIONS = {
    **dict.fromkeys(
        ((place, "open") for place in (Place.FINDINGS, Place.SERVICES, Place.PORTS, Place.LOGS)),
        "diagnose: the verdict first, then all that is known of it",
    ),
    **dict.fromkeys(
        ((place, "open") for place in (Place.RESOURCES, Place.HOSTS)),
        "open the host: cores, pressure, disks, what waits",
    ),
    (Place.PLANS, "open"): "open the plan: its steps, its result and the proof",
    (Place.PORTS, "logs"): "show the log of the owner",
    (Place.LOGS, "copy"): "copy the lines in sight to the clipboard of this terminal (OSC 52)",
    (Place.REVIEW, "back"): "leave; a plan that runs goes on, and is shown under Plans",
    (Place.REVIEW, "evidence"): "every command word by word, scripts and undo too",
    (Place.REVIEW, "copy"): "copy the plan to the clipboard of this terminal (OSC 52)",
    (Place.DIAGNOSIS, "back"): "go back",
    (Place.HOST, "back"): "go back",
    (Place.RELEASES, "back"): "go back; nothing is changed",
    (Place.RELEASES, "open"): "review the way back to this release",
}
"""Where a key means something narrower than elsewhere."""
_SHOWN = {"escape": "esc"}


def shown(key: str) -> str:
    """A key as it is written on the screen."""
    return _SHOWN.get(key, key)


def keys_of(ident: str, remap: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The keys of an action, after the configuration."""
    return remap.get(ident, BY_ID[ident].keys)


def bindings(place: Place) -> list[Binding]:
    """The bindings of a screen, for its ``BINDINGS``; the app's key map remaps them by id.

    On the ports screen a digit filters at once, so there the screens have only their function keys.
    """
    made: list[Binding] = []
    for action in ACTIONS:
        if place not in action.places:
            continue
        keys = [key for key in action.keys if place is not Place.PORTS or key not in DIGITS]
        made.append(Binding(_joined(keys), f"press('{action.id}')", action.label, show=False, id=action.id))
    if place is Place.PORTS:
        made += [Binding(digit, f"digit('{digit}')", "filter by port", show=False) for digit in DIGITS]
        made.append(Binding("backspace", "backspace", "shorten the filter", show=False))
    if place not in TABS:
        # A page is left for a screen at once; its digits mean proposals.
        made += [
            Binding(f"f{number}", f"press('screen.{tab}')", tab.title(), show=False)
            for number, tab in enumerate(TABS, 1)
        ]
    return made


def textual_keymap(remap: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The configured keys in the form of ``App.set_keymap``."""
    return {ident: _joined(keys) for ident, keys in remap.items()}


def _joined(keys: list[str] | tuple[str, ...]) -> str:
    return ",".join("comma" if key == "," else key for key in keys)


def hints(selection: Selection, deck: Deck) -> tuple[KeyHint, ...]:
    """The key bar of a place, with the reason of each key that is off."""
    idents = (*_BAR[selection.place], "palette", "help")
    made: list[KeyHint] = [*_numbers(selection, deck)]
    for ident in idents:
        if ident == "run" and selection.plan is not None:
            continue  # it runs, or it was run
        if ident == "kill" and off.reason_off(ident, selection, deck):
            continue  # it is offered where SIGTERM was in vain
        if ident == "accept-key" and selection.place is not Place.HOSTS and off.reason_off(ident, selection, deck):
            continue  # few findings are about a key
        action = BY_ID[ident]
        keys = keys_of(ident, deck.config.keys)
        if keys:
            label = selection.labels.get(ident) or _LABELS.get((selection.place, ident), action.label)
            danger = action.effect is Effect.CHANGE
            made.append(KeyHint(shown(keys[0]), label, off.reason_off(ident, selection, deck), danger, ident in _KEPT))
        if ident == "run" and made[-1].off is None:
            made.append(KeyHint("tab", "reason", keep=True))
    return tuple(made)


def _numbers(selection: Selection, deck: Deck) -> Iterator[KeyHint]:
    """One hint for all proposals of a diagnosis."""
    count = len(selection.proposals)
    if selection.place is Place.DIAGNOSIS and count:
        yield KeyHint(
            "1" if count == 1 else f"1-{min(9, count)}",
            "mend",
            off.reason_off("mend", selection, deck),
            danger=True,
            keep=True,
        )


HelpLine = tuple[str, str, "str | None"]
"""Keys, what they do, why they are off."""


def help_groups(selection: Selection, deck: Deck) -> tuple[tuple[str, tuple[HelpLine, ...]], ...]:
    """Every key of a place: those of this screen, those that change a host, those of every screen, the tabs."""
    here, changing, everywhere, tabs = [], [], [], []
    for action in ACTIONS:
        if selection.place not in action.places:
            continue
        if action.id.startswith("proposal.") and int(action.id[9:]) > max(1, len(selection.proposals)):
            continue
        keys = [shown(key) for key in keys_of(action.id, deck.config.keys)]
        if selection.place is Place.PORTS:
            keys = [key for key in keys if key not in DIGITS]
        told = _DESCRIPTIONS.get((selection.place, action.id), action.description)
        line = (" ".join(keys), told, off.reason_off(action.id, selection, deck))
        if action.id.startswith("screen."):
            tabs.append(line)
        elif action.effect is Effect.CHANGE:
            changing.append(line)
        elif action.places == EVERYWHERE:
            everywhere.append(line)
        else:
            here.append(line)
    if selection.place is Place.PORTS:
        here.insert(0, ("0-9 backspace", "filter by port at once, take a digit back", None))
    named = (
        (f"Keys of {selection.place.title()}", here),
        ("Changes a host, after a review", changing),
        ("Everywhere", everywhere),
        ("Screens", tabs),
    )
    return tuple((title, tuple(lines)) for title, lines in named if lines)


def tab_key(place: Place, here: Place, remap: Mapping[str, tuple[str, ...]]) -> str:
    """The key that leads to a screen, as its tab shows it: on the ports screen digits filter, so the function key."""
    keys = keys_of(f"screen.{place}", remap)
    usable = [key for key in keys if here is not Place.PORTS or key not in DIGITS]
    return shown(usable[0]) if usable else ""


def ident_of(key: str, place: Place, remap: Mapping[str, tuple[str, ...]]) -> str | None:
    """The action behind a key as it is shown in the key bar of a place."""
    return next(
        (action.id for action in ACTIONS if place in action.places and key in map(shown, keys_of(action.id, remap))),
        None,
    )


def ident_elsewhere(key: str, place: Place, remap: Mapping[str, tuple[str, ...]]) -> str | None:
    """The action that a key has on other screens only."""
    return next(
        (action.id for action in ACTIONS if place not in action.places and key in keys_of(action.id, remap)), None
    )
