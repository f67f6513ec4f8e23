"""What the control groups of one service count: processors, memory and disks, of version 2 (cgroup-v2 of the kernel).

Asked while somebody looks at that service. It starts no process on the host.
"""

import re

from console.core.probe import ParseError, Probe
from console.core.usage import Reading

# Arguments: paths of control groups, or processes of containers. A container is the first part of a path that bears its
# engine's identity of 64 digits; what a service manager inside makes below it is counted there too. A disk made of
# others (LVM, crypt, RAID) passes on to these what it counts itself, so that only these count.
SCRIPT = r"""
hd_of() {
  hd_g= hd_p= hd_r=
  while IFS=: read -r hd_n hd_k hd_q; do
    hd_r=1
    [ "$hd_n:$hd_k" != 0: ] || hd_p=$hd_q
  done 2>/dev/null <"/proc/$1/cgroup"
  [ -n "$hd_r" ] || { hd_why="process $1 has ended"; return 1; }
  set -f
  IFS=/
  for hd_c in $hd_p; do
    [ -n "$hd_c" ] || continue
    hd_g=$hd_g/$hd_c
    [ ${#hd_c} -lt 64 ] || { unset IFS; return 0; }
  done
  unset IFS
  hd_why="process $1 is in ${hd_p:-no control group of version 2}, which is no container's own"
  return 1
}
hd_m=/sys/fs/cgroup
[ -r "$hd_m/cgroup.controllers" ] || hd_m=/sys/fs/cgroup/unified
[ -r "$hd_m/cgroup.controllers" ] || { echo "this host has no control groups of version 2" >&2; return 1; }
read -r hd_at hd_q </proc/uptime
printf 'at %s\n' "$hd_at"
hd_why="no control group is named" hd_told=" "
for hd_w in "$@"; do
  case $hd_w in
    / | *..*) hd_why="no control group of its own: $hd_w"; continue ;;
    /*) hd_g=$hd_w ;;
    '' | *[!0-9]*) echo "neither a control group nor a process: $hd_w" >&2; return 2 ;;
    *) hd_of "$hd_w" || continue ;;
  esac
  case $hd_told in *" $hd_g "*) continue ;; esac
  hd_d=$hd_m$hd_g
  [ -r "$hd_d/cpu.stat" ] || { hd_why="$hd_g is not among the control groups of this host"; continue; }
  hd_told="$hd_told$hd_g "
  printf 'group %s\n' "$hd_g"
  while read -r hd_k hd_v; do [ "$hd_k" != usage_usec ] || echo "cpu $hd_v"; done <"$hd_d/cpu.stat"
  [ ! -r "$hd_d/memory.current" ] || { read -r hd_v <"$hd_d/memory.current" && echo "memory $hd_v"; }
  [ -r "$hd_d/io.stat" ] || continue
  echo io
  set +f
  while read -r hd_k hd_v; do
    for hd_s in "/sys/dev/block/$hd_k/slaves"/*; do [ ! -e "$hd_s" ] || continue 2; done
    printf 'disk %s %s\n' "$hd_k" "$hd_v"
  done <"$hd_d/io.stat"
done
[ "$hd_told" != " " ] || { echo "$hd_why" >&2; return 1; }
"""

_number = re.compile(r"[0-9]{1,19}")
_disk = re.compile(r" (rbytes|wbytes)=([0-9]{1,19})(?= |\Z)")


def parse(text: str) -> Reading:
    """Read the answer of ``SCRIPT``; where one of several groups does not count something, that is not known."""
    at: float | None = None
    groups: list[str] = []
    cpu, memories, moved, counting = 0, list[int](), {"rbytes": 0, "wbytes": 0}, 0
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        if word == "at" and re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,6}", rest):
            at = float(rest)
        elif word == "group" and rest:
            groups.append(rest)
        elif word == "io" and not rest:
            counting += 1
        elif word == "disk":
            for key, value in _disk.findall(line):
                moved[key] += int(value)
        elif word in ("cpu", "memory") and _number.fullmatch(rest):
            cpu += int(rest) if word == "cpu" else 0
            memories += [int(rest)] if word == "memory" else []
        else:
            raise ParseError("at, group, cpu, memory, io or disk, and what it counts", line)
    if at is None or not groups:
        raise ParseError("at SECONDS and a group", text)
    whole = counting == len(groups)
    return Reading(
        at,
        tuple(sorted(groups)),
        cpu / 1e6,
        sum(memories) if len(memories) == len(groups) else None,
        moved["rbytes"] if whole else None,
        moved["wbytes"] if whole else None,
    )


PROBE = Probe(name="usage", script=SCRIPT, parse=parse, cached=False)
