"""Whether a socket that no process is seen to have is the kernel's own: a tunnel's, a file server's.

``ss`` lists such sockets like any other, with the control group of whoever had them made, and without a process. The
devices of tunnels tell their port to every login, ip-link(8). As root every descriptor is looked at once more: one that
was opened while ``ss`` looked is a process's all the same.
"""

import re
from dataclasses import dataclass

from console.core.probe import ParseError, Probe

SCRIPT = r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
ip -d -o link show 2>/dev/null | awk -v port="$1" '{
  n = split($0, part, "\\")
  for (i = 2; i <= n; i++) if ((part[i] " ") ~ (" dstport " port " ")) {
    split(part[i], word, " ")
    sub(/(@.*)?:$/, "", $2)
    print "device", word[1], $2
  }
}'
shift
[ "$(id -u)" = 0 ] || return 0
ls -l /proc/[0-9]*/fd/ 2>&1 | awk -v wanted="$*" '
  BEGIN { n = split(wanted, word, " "); for (i = 1; i <= n; i++) asked[word[i]] = 1 }
  match($0, /socket:\[[0-9]+\]$/) && (substr($0, RSTART + 8, RLENGTH - 9) in asked) {
    print "descriptor", substr($0, RSTART + 8, RLENGTH - 9)
  }
  # Of a container root may be short of CAP_SYS_PTRACE.
  /: Permission denied$/ { closed = 1 }
  END { if (NR && !closed) print "all descriptors" }'
"""

_number = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class KernelSockets:
    """What tells of the sockets of a port."""

    devices: tuple[tuple[str, str], ...] = ()
    """Tunnels that get what comes to it: their kinds and names, ``("vxlan", "vx0")``."""
    held: frozenset[int] = frozenset()
    """Inodes that are a process's by now."""
    whole: bool = False
    """Whether every process was looked at."""


def parse(text: str) -> KernelSockets:
    """Read the answer of ``SCRIPT``."""
    devices: list[tuple[str, str]] = []
    held: set[int] = set()
    whole = False
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "device" and len(words := rest.split()) == 2:
            devices.append((words[0], words[1]))
        elif kind == "descriptor" and _number.fullmatch(rest):
            held.add(int(rest))
        elif line == "all descriptors":
            whole = True
        else:
            raise ParseError("a device or a descriptor", line)
    return KernelSockets(tuple(devices), frozenset(held), whole)


PROBE = Probe(
    name="kernel_sockets",
    script=SCRIPT,
    parse=parse,
    requires=("awk",),
    slow=True,
    cached=False,
    timeout=10.0,
    shown="(the tunnels of ip -d -o link show that take port $1, and who has a descriptor of its sockets)",
)
"""``PORT INODE...``."""
