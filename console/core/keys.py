"""What can be pressed: every action of the console with its default keys, its danger and where it holds.

The screens bind these and the configuration may remap them, so both sides see the same list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.core.command import Effect


class Place(StrEnum):
    """Where a key holds: one of the seven screens behind the tabs, or one that is opened from them."""

    FINDINGS = "findings"
    SERVICES = "services"
    PORTS = "ports"
    RESOURCES = "resources"
    LOGS = "logs"
    HOSTS = "hosts"
    PLANS = "plans"
    DIAGNOSIS = "diagnosis"
    HOST = "host"
    REVIEW = "review"
    HELP = "help"
    RELEASES = "releases"
    TEXT = "text"
    """A page of plain lines: evidence, a report."""


TABS = (Place.FINDINGS, Place.SERVICES, Place.PORTS, Place.RESOURCES, Place.LOGS, Place.HOSTS, Place.PLANS)
OPENED = (Place.DIAGNOSIS, Place.HOST, Place.REVIEW, Place.RELEASES, Place.HELP, Place.TEXT)
EVERYWHERE = TABS + OPENED
_SERVICE = (Place.FINDINGS, Place.SERVICES, Place.PORTS, Place.LOGS, Place.DIAGNOSIS)
_ON_HOST = (*_SERVICE, Place.RESOURCES, Place.HOSTS, Place.HOST)


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something a key does.

    ``keys`` are the defaults as a person writes them: one printable character, or a name such as ``ctrl+p``, ``f1``,
    ``enter``. ``label`` is the word in the key bar, ``description`` the line in the help.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    description: str
    places: tuple[Place, ...] = EVERYWHERE
    effect: Effect = Effect.READ


def _tab(number: int, place: Place, what: str) -> KeyAction:
    return KeyAction(f"screen.{place}", (str(number), f"f{number}"), place.title(), what, TABS)


def _change(ident: str, key: str, description: str, places: tuple[Place, ...] = _SERVICE) -> KeyAction:
    return KeyAction(ident, (key,), ident.replace("-", " "), description, places, Effect.CHANGE)


ACTIONS: tuple[KeyAction, ...] = (
    _tab(1, Place.FINDINGS, "what is wrong now, worst first"),
    _tab(2, Place.SERVICES, "every service of every manager"),
    _tab(3, Place.PORTS, "every listener and its owner; there a digit filters, so F1 to F7 change the screen"),
    _tab(4, Place.RESOURCES, "CPU, IO wait, memory, disks and network of each host"),
    _tab(5, Place.LOGS, "the log of the selected service"),
    _tab(6, Place.HOSTS, "connections and identities"),
    _tab(7, Place.PLANS, "changes that run and that have ended"),
    KeyAction("open", ("enter",), "open", "open what is selected", (*TABS, Place.RELEASES)),
    KeyAction("back", ("escape",), "back", "one step back: from the detail, the marks, the filter, then to Findings"),
    KeyAction("filter", ("/",), "filter", "show only the rows or lines that contain a text", TABS),
    KeyAction("palette", (":", "ctrl+p"), "commands", "find a command, screen, host, service or theme by its name"),
    KeyAction("help", ("?",), "help", "every key of this screen, and why one is off"),
    KeyAction("quit", ("q",), "quit", "leave; asks while a plan runs"),
    KeyAction("mark", ("space",), "mark", "mark or unmark the row: an action then applies to all marked rows",
              (Place.SERVICES,)),
    KeyAction("group", ("o",), "group", "group by host, by manager or by state", (Place.SERVICES,)),
    KeyAction("refresh", ("ctrl+l",), "refresh", "ask the host again now", (*TABS, Place.RELEASES, Place.DIAGNOSIS)),
    _change("mend", "m", "mend: m, then the number of a proposal", (Place.FINDINGS,)),
    KeyAction("why", ("w",), "why", "diagnose this service or port", _SERVICE[:-1]),
    _change("restart", "r", "restart the service"),
    _change("stop", "s", "stop the service"),
    _change("start", "S", "start the service"),
    _change("reload", "H", "reload the service (its own reload, or SIGHUP)"),
    _change("rebuild", "R", "build a new release of the service and make it live"),
    _change("rollback", "B", "roll back: choose a release to go back to"),
    _change("free-port", "x", "free the port: stop what holds it"),
    KeyAction("logs", ("l",), "logs", "show its log", (*_SERVICE, Place.HOST)),
    KeyAction("environment", ("E",), "environment",
              "its environment: who sets what, what the process has, secrets masked", _SERVICE),
    KeyAction("evidence", ("e",), "evidence", "what the console saw and the commands that showed it",
              (Place.FINDINGS, Place.DIAGNOSIS, Place.REVIEW)),
    KeyAction("copy", ("y",), "copy", "copy what is selected to the clipboard of this terminal (OSC 52)"),
    KeyAction("shell", ("!",), "shell", "open a shell on this host with your ssh", _ON_HOST),
    KeyAction("follow", ("f",), "follow", "follow the log, or freeze it", (Place.LOGS,)),
    KeyAction("search", ("n",), "next", "go to the next match, or ask for the text first", (Place.LOGS,)),
    KeyAction("search-back", ("N",), "previous", "go to the previous match", (Place.LOGS,)),
    KeyAction("wrap", ("v",), "wrap", "wrap long lines, or cut them", (Place.LOGS,)),
    KeyAction("accept-key", ("a",), "accept key", "accept the host key that is shown, after comparing its fingerprint",
              (Place.HOSTS, Place.FINDINGS, Place.DIAGNOSIS)),
    KeyAction("run", ("ctrl+r",), "run", "run the plan that is shown", (Place.REVIEW,), Effect.CHANGE),
    KeyAction("kill", ("K",), "kill", "review to kill the process that SIGTERM did not end", (Place.REVIEW,),
              Effect.CHANGE),
    *(
        KeyAction(f"proposal.{number}", (str(number),), "mend", f"review proposal {number}", (Place.DIAGNOSIS,),
                  Effect.CHANGE)
        for number in range(1, 10)
    ),
)  # fmt: skip

BY_ID: Mapping[str, KeyAction] = {action.id: action for action in ACTIONS}

MOVEMENT = frozenset(
    {"j", "k", "g", "G", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "ctrl+f", "ctrl+b", "tab",
     "shift+tab", "ctrl+c", "ctrl+z"}
)  # fmt: skip
"""Keys that move or belong to the terminal; they cannot be given away."""

UNSAFE = frozenset({"d", "ctrl+d", "ctrl+k", "enter", "space"})
"""Keys that fingers press by habit; nothing that changes a host is put on them."""

_NAMED = re.compile(r"(ctrl\+[a-z]|f([1-9]|1[0-2])|(shift\+)?tab|enter|escape|space|backspace|delete|insert)")
_CONTROL_DOUBLES = frozenset({"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j"})


@dataclass(frozen=True, slots=True)
class KeyConflict:
    """One key that would do two things at the same place."""

    key: str
    first: str
    second: str
    place: Place

    def __str__(self) -> str:
        return f"{self.key!r} is both {self.first} and {self.second} (on the {self.place} screen)"


def key_problem(action: KeyAction, key: str) -> str | None:
    """Why this key cannot be given to this action; ``None`` when it can."""
    if key in MOVEMENT:
        return f"{key!r} moves the cursor or belongs to the terminal"
    if key in _CONTROL_DOUBLES:
        return f"terminals cannot tell {key!r} from tab, enter, backspace or line feed"
    printable = len(key) == 1 and key.isascii() and key.isprintable() and key != " "
    if not printable and not _NAMED.fullmatch(key):
        return f"{key!r} is no key: expected one character, ctrl+LETTER, f1 to f12, tab, enter, escape, space"
    if action.effect is Effect.CHANGE and key in UNSAFE:
        return f"{key!r} is pressed by habit, and {action.id} changes a host"
    if printable and key.isdigit() and Place.PORTS in action.places and not action.id.startswith("screen."):
        return f"{key!r} filters by port on the ports screen"
    return None


def conflicts(remap: Mapping[str, tuple[str, ...]]) -> tuple[KeyConflict, ...]:
    """Keys that would mean two things at one place after the remapping."""
    found: list[KeyConflict] = []
    for place in Place:
        taken: dict[str, str] = {}
        for action in ACTIONS:
            if place not in action.places:
                continue
            for key in remap.get(action.id, action.keys):
                first = taken.setdefault(key, action.id)
                if first != action.id:
                    found.append(KeyConflict(key, first, action.id, place))
    return tuple(found)
