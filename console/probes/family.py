"""Which processes descend from the main processes of services, and what they use together.

A service manager other than systemd knows only the process that it started; a shell or a master process of workers has
its listeners in its children.
"""

import re

from console.core.network import Family
from console.core.probe import ParseError, Probe

# One awk over /proc/*/stat (proc_pid_stat(5)): a name may hold blanks and parentheses, the last ")" ends it. Of what
# has gone meanwhile nothing is told. Memory is the sum of the resident sets: pages shared with others count for each.
SCRIPT = r"""
for hd_p in "$@"; do
  case $hd_p in '' | *[!0-9]*) echo "no pid: $hd_p" >&2; return 2 ;; esac
done
cd /proc && exec awk -v wanted="$*" '
function read(p,   f, l, w, at) {
  f = "/proc/" p "/stat"
  l = ""
  getline l <f
  close(f)
  at = match(l, /.*\) /)
  if (at == 0) return
  split(substr(l, RLENGTH + 1), w, " ")
  parent[p] = w[2]
  ticks[p] = w[12] + w[13]
  pages[p] = w[22]
  born[p] = w[20]
}
function collect(root, p,   c, n, i, all) {
  members = members " " p
  t += ticks[p]
  m += pages[p]
  n = split(children[p], all, " ")
  for (i = 1; i <= n; i++) collect(root, all[i])
}
BEGIN {
  for (i = 1; i < ARGC; i++) if (ARGV[i] ~ /^[0-9]+$/) read(ARGV[i])
  n = split(wanted, roots, " ")
  for (i = 1; i <= n; i++) places = places " /proc/" roots[i]
  asked = "stat -c \"%n %u %U\"" places " /run/user/* 2>/dev/null"
  while ((asked | getline l) > 0) {
    split(l, w, " ")
    at = length(w[1]) + length(w[2]) + 3
    name[w[1]] = substr(l, at) == "UNKNOWN" ? w[2] : substr(l, at)
  }
  close(asked)
  for (p in parent) children[parent[p]] = children[parent[p]] " " p
  "getconf PAGESIZE 2>/dev/null" | getline size
  if (size + 0 == 0) size = 4096
  for (i = 1; i <= n; i++) {
    p = roots[i]
    if (!(p in parent)) continue
    members = ""; t = 0; m = 0
    collect(p, p)
    path = ""
    while ((getline l <("/proc/" p "/cgroup")) > 0) {
      if (l ~ /^0::/ && (path == "" || path == "/")) path = substr(l, 4)
      else if (l ~ /:name=systemd:/) { sub(/^[^:]*:[^:]*:/, "", l); if (path == "" || path == "/") path = l }
    }
    close("/proc/" p "/cgroup")
    slice = ""
    if (path ~ /^\/user\.slice\/user-[0-9]+\.slice(\/|$)/) {
      slice = substr(path, length("/user.slice/user-") + 1)
      sub(/\.slice.*/, "", slice)
    }
    print p, born[p], t, m * size, path "\t" name["/proc/" p] "\t" name["/run/user/" slice] "\t" members
  }
}' [0-9]*
"""

TICKS = 100
"""Clock ticks per second: USER_HZ, 100 on every architecture that Linux still supports here."""

_line = re.compile(r"(\d{1,10}) (\d+) (\d+) (\d+) ([^\t]*)\t([^\t]*)\t([^\t]*)\t((?: \d{1,10})+)\Z")


def parse(text: str) -> tuple[Family, ...]:
    """Read the answer of ``SCRIPT``; a process that has gone is not in it."""
    found = []
    for line in text.split("\n"):
        if not line:
            continue
        match = _line.match(line)
        if match is None:
            raise ParseError("PID STARTED TICKS BYTES CGROUP, its users and the members", line)
        pid, started, ticks, memory = (int(word) for word in match.groups()[:4])
        members = tuple(int(word) for word in match[8].split())
        users = tuple(dict.fromkeys(user for user in match.group(6, 7) if user))
        found.append(Family(pid, started, ticks / TICKS, memory, match[5] or None, members, users))
    return tuple(found)


PROBE = Probe(name="family", script=SCRIPT, parse=parse, requires=("awk",), slow=True, cached=False)
