"""The names of the users whose sockets ``ss`` lists, as in the list of listeners: from /etc/passwd only."""

import re
from collections.abc import Iterable

USER = "hostdeck-user: "
_user = re.compile(rf"{USER}(\d{{1,10}}) (\S+)\Z")

WITH_USERS = r"""
hd_with_users() {
  awk '{ print; if (match($0, / uid:[0-9]+ /)) seen[substr($0, RSTART + 5, RLENGTH - 6)] = 1 }
    END {
      seen[0] = 1
      FS = ":"
      while (NR > 0 && (getline <"/etc/passwd") > 0) if ($3 in seen) print "hostdeck-user:", $3, $1
    }'
}
"""


def without_users(text: str) -> str:
    """What ``ss`` alone prints."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(USER))


def names(records: Iterable[str]) -> dict[int, str]:
    """The users by their numbers."""
    return {int(found[1]): found[2] for record in records if (found := _user.match(record))}
