"""The apps that ``pm2 save`` has written down for a daemon that does not run."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.core.text import sanitise
from console.managers.adrift import NOT_TOLD
from console.managers.elsewhere import named_at

MOST = 500
"""Apps of one list that are read."""

# HOME: of each app that is saved there two lines. pm2 writes its list with two blanks a level, and with every variable
# of the environment, which stays on the host. The list is its user's: it may be large, a link to a file of another one,
# or by now no file at all.
SAVED = r"""
hd_saved_apps() {
  timeout 5 head -c 4000000 -- "$1/dump.pm2" 2>/dev/null |
    sed -n 's/^  {$/app/p; s/^    "\(name\|namespace\)": \(".\{1,500\}"\),\{0,1\}$/\1\t\2/p'
}
# HOME: whether the list is its owner's, and may be read.
hd_is_saved() {
  [ -f "$1/dump.pm2" ] && [ -r "$1/dump.pm2" ] || return 1
  hd_owners=$(stat -Lc %u "$1/dump.pm2" "$1/." 2>/dev/null) || return 1
  [ "${hd_owners%%[!0-9]*}" = "${hd_owners##*[!0-9]}" ]
}
# HOME: the apps of which a process lives, NAME-NUMBER and that process. It began when its pid file was written.
hd_saved_runs() {
  if [ ! -r "$1/pids" ] || [ ! -x "$1/pids" ]; then printf 'hidden\t1\n'; return; fi
  while read -r hd_k hd_boot; do [ "$hd_k" != btime ] || break; done </proc/stat
  hd_files=0
  for hd_f in "$1"/pids/*.pid; do
    hd_files=$((hd_files + 1))
    [ "$hd_files" -le 1000 ] || { printf 'hidden\t1\n'; break; }
    [ -f "$hd_f" ] || continue
    hd_k=
    { read -r hd_k <"$hd_f"; } 2>/dev/null
    case $hd_k in '' | *[!0-9]* | ???????????*) continue ;; esac
    hd_v=
    { read -r hd_v <"/proc/$hd_k/stat"; } 2>/dev/null || continue
    set -- "$1" ${hd_v##*) }
    hd_wrote=$(stat -c %Y "$hd_f" 2>/dev/null) || continue
    hd_wrote=$((hd_wrote - hd_boot - ${21} / 100))
    hd_v=${hd_f##*/}
    # pm2 itself writes nothing else in the place of an app's name; whoever owns the folder may write lines.
    case $hd_v in *[!A-Za-z0-9.\\-]*) continue ;; esac
    [ "$hd_wrote" -lt -2 ] || [ "$hd_wrote" -gt 5 ] || printf 'runs\t%s\t%s\n' "${hd_v%.pid}" "$hd_k"
  done
}
"""


@dataclass(slots=True)
class _App:
    name: str = ""
    space: str = "default"


@dataclass(slots=True)
class Saved:
    """What the lines of one list tell."""

    apps: list[_App] = field(default_factory=list)
    runs: dict[str, list[int]] = field(default_factory=dict)
    """Processes that live, by the name that pm2 gives the pid files of an app."""
    hidden: bool = False
    """Whether the pid files may not be read."""

    def take(self, line: str) -> bool:
        """Take a line of the list; false for one that is none."""
        word, _, value = line.partition("\t")
        if word == "app":
            self.apps += [_App()] if len(self.apps) < MOST else []
        elif word == "hidden":
            self.hidden = True
        elif word == "runs":
            name, _, pid = value.rpartition("\t")
            self.runs.setdefault(name.rpartition("-")[0], []).append(int(pid)) if pid.isdecimal() else None
        elif self.apps and word in ("name", "namespace"):
            setattr(self.apps[-1], "name" if word == "name" else "space", _string(value))
        else:
            return False
        return True

    def named(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The apps, by the names that pm2 takes, each with its processes that live."""
        spaces: dict[str, set[str]] = {}
        apps = [app for app in self.apps if app.name.strip()]
        for app in apps:
            spaces.setdefault(app.name, set()).add(app.space)
        names = {app.name if len(spaces[app.name]) == 1 else f"{app.space}/{app.name}": app.name for app in apps}
        for name, own in names.items():
            yield name, tuple(self.runs.get(re.sub(r"[^a-zA-Z0-9.\\-]", "-", own), ()))


def saved_services(user: str, at: str, names: Iterable[str], adrift: str) -> list[Service]:
    """A service for each app that is saved for a user's daemon; ``at`` is its home, where that is not the usual one."""
    return [
        Service(
            ServiceRef("", "pm2", named_at(name, at), f"user:{user}"),
            State.UNKNOWN,
            NOT_TOLD,
            chain=("pm2", name),
            adrift=adrift,
        )
        for name in names
    ]


def _string(word: str) -> str:
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        raise ParseError("a string of JSON", word) from None
    return sanitise(str(found)).replace("\n", " ")
