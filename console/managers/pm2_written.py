"""What pm2 would run whose unit is down: the apps that were saved with ``pm2 save``."""

import json
from dataclasses import dataclass

from console.core.on_disk import OnDisk
from console.core.probe import ParseError, Probe
from console.core.service import Service, ServiceRef, State
from console.core.text import sanitise
from console.managers.adrift import NOT_TOLD
from console.managers.elsewhere import named_at

# Argument: a unit that is down. Only one that resurrects starts what is saved. pm2 writes its list with two blanks a
# level, and with every variable of the environment, which stays on the host: of each app two lines are told.
WRITTEN = r"""
hd_told=$(systemctl show -p ExecStart -p User -p Environment -- "$1") || return 1
hd_user=root hd_home= hd_start=
set -f
while read -r hd_line; do
  case $hd_line in
    User=?*) hd_user=${hd_line#*=} ;;
    ExecStart=*) hd_start=$hd_line ;;
    Environment=*) for hd_word in ${hd_line#*=}; do case $hd_word in PM2_HOME=/*) hd_home=${hd_word#*=} ;; esac; done ;;
  esac
done <<EOF
$hd_told
EOF
case $hd_start in *' resurrect'*) ;; *) return 0 ;; esac
hd_usual=$(getent passwd "$hd_user" 2>/dev/null)
hd_usual=${hd_usual%:*}
hd_usual=${hd_usual##*:}/.pm2
hd_home=${hd_home:-$hd_usual}
[ "$hd_home" != /.pm2 ] || return 0
printf 'user\t%s\n' "$hd_user"
[ "$hd_home" = "$hd_usual" ] || printf 'at\t%s\n' "$hd_home"
if [ -f "$hd_home/dump.pm2" ] && [ -r "$hd_home/dump.pm2" ]; then
  exec sed -n 's/^  {$/app/p; s/^    "\(name\|namespace\)": \(".*"\),\{0,1\}$/\1\t\2/p' "$hd_home/dump.pm2"
fi
[ -x "$hd_home" ] && [ ! -e "$hd_home/dump.pm2" ] && return 0
printf 'unseen\t%s may not read %s\n' "$(id -un)" "$hd_home/dump.pm2"
"""


@dataclass(slots=True)
class _Saved:
    name: str = ""
    space: str = "default"


def parse_written(text: str) -> OnDisk:
    """Read the answer of ``WRITTEN``."""
    if not text:
        return OnDisk()
    head, *lines = text.split("\n")
    mark, _, user = head.partition("\t")
    if mark != "user" or not user:
        raise ParseError("a line with the user", head)
    apps: list[_Saved] = []
    unseen: str | None = None
    at = ""
    for line in lines:
        word, _, value = line.partition("\t")
        if word == "app":
            apps.append(_Saved())
        elif word == "unseen":
            unseen = value
        elif word == "at":
            at = sanitise(value)
        elif apps and word in ("name", "namespace"):
            setattr(apps[-1], "name" if word == "name" else "space", _string(value))
    return OnDisk(tuple(_services(user, at, [app for app in apps if app.name.strip()])), unseen=unseen)


def _services(user: str, at: str, apps: list[_Saved]) -> list[Service]:
    spaces: dict[str, set[str]] = {}
    for app in apps:
        spaces.setdefault(app.name, set()).add(app.space)
    names = (app.name if len(spaces[app.name]) == 1 else f"{app.space}/{app.name}" for app in apps)
    return [
        Service(
            ServiceRef("", "pm2", named_at(name, at), f"user:{user}"),
            State.UNKNOWN,
            NOT_TOLD,
            chain=("pm2", name),
            adrift="what is known of it is that it was saved",
        )
        for name in dict.fromkeys(names)
    ]


def _string(word: str) -> str:
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        raise ParseError("a string of JSON", word) from None
    return sanitise(str(found)).replace("\n", " ")


PM2_WRITTEN: Probe[OnDisk] = Probe(
    "pm2_written", WRITTEN, parse_written, requires=("systemctl", "sed"), slow=True, cached=False, timeout=10.0
)
"""UNIT: the apps that were saved for a daemon that is down."""
