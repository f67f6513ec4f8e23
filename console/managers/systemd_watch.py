"""What runs now, seen without asking systemd: the links that it keeps below ``/run/systemd/units`` since version 236.

``invocation:NAME`` points to the id of the run; it comes and goes with the run. A run too short to be seen still
changes the directory.
"""

import re
from collections.abc import Mapping

from console.core.probe import ParseError

TOUCHED = "@"
"""Stands for the directory among the units; its value changes whenever anything came or went. No unit has this name."""

# Not exec: a link that goes away meanwhile must not make the whole look fail.
RUNS = r"""
[ -d /run/systemd/units ] || { echo "no /run/systemd/units: systemd does not run here" >&2; return 3; }
set -- /run/systemd/units /run/systemd/units/invocation:*.s[eo][rc]*
hd_u=${XDG_RUNTIME_DIR:-/nowhere}/systemd/units
[ -d "$hd_u" ] && set -- "$@" "$hd_u" "$hd_u"/invocation:*.s[eo][rc]*
stat -c '%N %y' "$@" 2>/dev/null
return 0
"""

_line = re.compile(
    r"['‘\"]?(?P<base>/.*?)/systemd/units"
    r"(?:/invocation:(?P<unit>[^\s'’\"]+)['’\"]? -> ['‘\"]?(?P<id>\w+)|['’\"]? (?P<at>\d.*))"
)


def parse_watch(text: str) -> Mapping[str, str]:
    """Invocation id by unit. A unit of the user's manager is named ``user/NAME``."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        match = _line.match(line)
        if match is None:
            # No link at all leaves the pattern, which stat does not find.
            if line.strip():
                raise ParseError("a link of /run/systemd/units", line)
            continue
        prefix = "" if match["base"] == "/run" else "user/"
        if match["unit"]:
            # Older versions of stat show a backslash as two.
            found[prefix + match["unit"].replace("\\\\", "\\")] = match["id"]
        else:
            found[prefix + TOUCHED] = match["at"]
    return found
