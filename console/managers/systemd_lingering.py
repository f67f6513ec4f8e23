"""The service managers of other users, which run without a login (``loginctl enable-linger``).

Root sees them, and another login where sudo lets it be that user; else it is told that they are not seen.

To become the user takes no bus of his session, as ``systemctl --user -M USER@`` does, which not every host has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.core.probe import ParseError, Probe
from console.core.service import Service
from console.managers.sudo_grants import GRANTED
from console.managers.systemd_scripts import USER_PLAN
from console.managers.systemd_show import parse_show

_TO_BE = "runuser"

# One stat where somebody lingers, no process where nobody does. A unit that starts or ends touches the folder; who is
# not root may not look into it, and is told whose manager there is.
_PRESENCE = r"""
set -- /var/lib/systemd/linger/*
[ -e "$1" ] || return 0
hd_root=
[ ! -w /var/lib/systemd/linger ] || ! command -v runuser >/dev/null 2>&1 || hd_root=1
hd_names=" "
for hd_f in "$@"; do hd_names="$hd_names${hd_f##*/} "; done
set --
if [ "$hd_root" ]; then
  for hd_f in /run/user/*/systemd/units; do [ ! -S "${hd_f%units}private" ] || set -- "$@" "$hd_f"; done
else
  for hd_f in /run/user/*; do [ ! -d "$hd_f" ] || [ -O "$hd_f" ] || set -- "$@" "$hd_f"; done
fi
[ $# -gt 0 ] || return 0
stat -c '%u %U %y %n' -- "$@" 2>/dev/null | while read -r hd_uid hd_user hd_rest; do
  case $hd_uid$hd_names in 0*) ;; *" $hd_user "*) echo "$hd_uid $hd_user $hd_rest" ;; esac
done
return 0
"""

# What the user's manager says is said by the user: whose the processes are that it names is looked up.
_SHOW = (
    GRANTED
    + "hd_plan='\nhd_show() {\n"
    + USER_PLAN.replace("'", "'\\''")
    + r"""}
hd_show </dev/null'
case $1:$2 in *[!A-Za-z0-9_.:-]* | -* | :* | *: | *:*[!0-9]*)
  echo "units of $1 (user $2) are not shown: its name has characters other than letters, digits and _.-" >&2
  return 2 ;;
esac
hd_user=$1 hd_uid=$2
read -r hd_up hd_rest </proc/uptime
hd_entry=$(getent passwd "$hd_uid")
hd_home=$(printf '%s\n' "$hd_entry" | cut -d: -f6)
hd_by=
if [ "$(id -u)" = 0 ]; then
  # runuser writes into the log of the host; that of busybox is no setpriv that becomes another user.
  set -- setpriv --reuid="$hd_uid" --regid="$(printf '%s\n' "$hd_entry" | cut -d: -f4)" --init-groups --
  "$@" true 2>/dev/null || set -- runuser -u "$hd_user" --
elif hd_granted "$hd_user" ALL; then
  hd_by=' sudo'
  set -- sudo -n -u "$hd_user" --
else
  hd_me=$(id -un)
  echo "what $hd_user runs without a login is not seen: connect as $hd_user or root, or sudoers needs:" \
    "$hd_me ALL=($hd_user) NOPASSWD: ALL" >&2
  return 77
fi
# Not as an argument: sudo writes those into the log of the host.
hd_told=$({
  printf '%s\n' "$hd_plan" | timeout -k 1 8 "$@" env -i PATH=/usr/bin:/bin LC_ALL=C TZ=UTC \
    HOME="${hd_home:-/nonexistent}" XDG_RUNTIME_DIR="/run/user/$hd_uid" sh
  echo "exit $?"
} | head -c 2000000)
# Of what a user prints only the end is searched: in a long text without it a shell searches for an hour.
hd_code=$(printf %s "$hd_told" | tail -c 9)
hd_code=${hd_code##*exit }
case $hd_code in
  0) ;;
  124 | 137) echo "the service manager of $hd_user does not answer: systemctl restart user@$hd_uid" >&2; return 124 ;;
  *) echo "the service manager of $hd_user does not tell its units (exit $(printf %.9s "$hd_code"))" >&2; return 1 ;;
esac
hd_own=
for hd_p in $(printf '%s\n' "$hd_told" | sed -n 's/^[MC][a-z]*PID=\([1-9][0-9]*\)$/\1/p'); do
  [ "$(stat -c %u "/proc/$hd_p" 2>/dev/null)" != "$hd_uid" ] || hd_own="$hd_own $hd_p"
done
printf 'of %s %s%s%s\nscope user:%s\nup %s\n%s\n' "$hd_uid" "$hd_user" "$hd_by" "$hd_own" "$hd_user" "$hd_up" \
  "${hd_told%exit 0}"
"""
)

# One of a domain may be called ann@corp: then its units are asked for and refused, which is told.
_line = re.compile(r"(?P<uid>[1-9][0-9]{0,9}) (?P<user>\S+) (?P<stamp>\S.*)")
_head = re.compile(r"of ([1-9][0-9]{0,9}) ([A-Za-z0-9_.][A-Za-z0-9_.-]*)( sudo)?((?: [0-9]{1,10})*)")
_place = re.compile(r"XDG_RUNTIME_DIR=/run/user/(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Lingering:
    """A user whose service manager runs without a login."""

    user: str
    uid: int


def parse_presence(text: str) -> Mapping[Lingering, str]:
    """Whose manager runs, each with what changes when a unit of it starts or ends."""
    found = {}
    for line in text.split("\n"):
        match = _line.fullmatch(line)
        if match is not None:
            found[Lingering(match["user"], int(match["uid"]))] = match["stamp"]
        elif line:
            raise ParseError("UID USER TIME", line)
    return found


def parse_units(text: str) -> tuple[Service, ...]:
    """The units of one user; of what he says, only his own processes and control groups are believed."""
    head, _, rest = text.partition("\n")
    match = _head.fullmatch(head)
    if match is None:
        raise ParseError("of UID USER PID...", head)
    uid, user, own = match[1], match[2], {int(pid) for pid in match[4].split()}
    group = f"/user.slice/user-{uid}.slice/user@{uid}.service/"
    tool = reached(user, int(uid), by_sudo=match[3] is not None)
    return tuple(
        replace(
            service,
            pids=tuple(pid for pid in service.pids if pid in own),
            cgroup=service.cgroup if (service.cgroup or "").startswith(group) else None,
            user=user,
            tool=tool,
        )
        for service in parse_show(rest)
    )


def reached(user: str, uid: int | None, *, by_sudo: bool = False) -> tuple[str, ...]:
    """The words with which root, or a login by sudo, acts on the units of another user."""
    become = ("sudo", "-n", "-u") if by_sudo else (_TO_BE, "-u")
    return (*become, user, "--", "env", f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemctl", "--user")


def uid_of(service: Service) -> str | None:
    """Whose units it is one of, where it is reached in that way: the number of the user."""
    return next((match[1] for word in service.tool if (match := _place.fullmatch(word)) is not None), None)


LINGERING: Probe[Mapping[Lingering, str]] = Probe("systemd_lingering", _PRESENCE, parse_presence, every=5.0)
LINGERING_UNITS: Probe[tuple[Service, ...]] = Probe(
    "systemd_lingering_units",
    _SHOW,
    parse_units,
    requires=("systemctl", "awk", "timeout", "getent", "sed"),
    slow=True,
    cached=False,
    timeout=12.0,
    shown="(of systemctl --user show: the units of $1)",
)
"""USER UID: every service and socket of that user's manager."""
