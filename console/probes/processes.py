"""Processes from ``/proc``: those of given pids with all above them, those that wait uninterruptibly (state D), and
those that a signal stopped (state T)."""

from collections.abc import Iterable

from console.core.network import Process
from console.core.probe import ParseError, Probe

TICKS = 100
"""Clock ticks per second in ``/proc/PID/stat``: USER_HZ, 100 on every architecture that Linux still supports here."""

# A record per process, one word and a value a line; a name or a command may hold anything but a newline by then.
_ONE = r"""
function whole(f,   s, l) {
  s = ""
  while ((getline l <f) > 0) s = s (s == "" ? "" : " ") l
  close(f)
  return s
}
function first(c,   l) {
  l = ""
  c | getline l
  close(c)
  return l
}
function tell(p, only,   s, at, w, id, l, u) {
  s = whole("/proc/" p "/stat")
  if (s == "") return
  # The name is in parentheses and may contain some: the last one ends it.
  at = match(s, /.*\) /)
  if (at == 0) return
  split(substr(s, RLENGTH + 1), w, " ")
  if (only != "" && w[1] != only) return
  above = w[2]
  print "pid", p
  print "state", w[1]
  print "ppid", w[2]
  print "started", w[20]
  print "name", substr(s, index(s, "(") + 1, RLENGTH - index(s, "(") - 2)
  while ((getline l <("/proc/" p "/status")) > 0) if (l ~ /^Uid:/) { split(l, id, "\t"); break }
  close("/proc/" p "/status")
  u = id[3]
  print "user", (u in user) ? user[u] : u
  print "wchan", whole("/proc/" p "/wchan")
  while ((getline l <("/proc/" p "/cgroup")) > 0) if (l ~ /^0::/ || l ~ /:name=systemd:/) print "cgroup", l
  close("/proc/" p "/cgroup")
  print "command", first("tr \"\\000\\n\" \"  \" </proc/" p "/cmdline 2>/dev/null | cut -c1-4000")
  print "cwd", first("readlink /proc/" p "/cwd 2>/dev/null | tr \"\\n\" \" \"")
}
function begin(   l, w) {
  while ((getline l <"/etc/passwd") > 0) { split(l, w, ":"); user[w[3]] = w[1] }
  getline l <"/proc/uptime"
  print "uptime", l
}
"""

SCRIPT = (
    r"""
for hd_p in "$@"; do
  case $hd_p in '' | *[!0-9]*) echo "no pid: $hd_p" >&2; return 2 ;; esac
done
exec awk '"""
    + _ONE
    + r"""
BEGIN {
  begin()
  for (i = 1; i < ARGC; i++) { above = 0; tell(ARGV[i], ""); told[ARGV[i]] = 1; next_up[i] = above }
  # Whoever started it says why it is there. PID 1 is above everything.
  for (i = 1; i < ARGC; i++)
    for (up = next_up[i]; up > 1 && !(up in told); up = above) { above = 0; tell(up, ""); told[up] = 1 }
}' "$@"
"""
)

_IN_STATE = (
    r"""
cd /proc && exec awk '"""
    + _ONE
    + r"""
BEGIN {
  begin()
  for (i = 1; i < ARGC; i++) tell(ARGV[i], "STATE")
}' [0-9]*
"""
)


def parse(text: str) -> tuple[Process, ...]:
    """Read the answer of the scripts. Processes that are gone are not in it."""
    lines = text.split("\n")
    if not lines[0].startswith("uptime "):
        raise ParseError("uptime", lines[0])
    try:
        now = float(lines[0].split()[1])
        records: list[dict[str, str]] = []
        for line in lines[1:]:
            key, _, value = line.partition(" ")
            if key == "pid":
                records.append({})
            if key == "cgroup":
                value = _better(records[-1].get("cgroup", ""), value)
            records[-1][key] = value
        return tuple(_process(record, now) for record in records)
    except (ValueError, IndexError, KeyError):
        raise ParseError("processes of /proc", text) from None


def _better(before: str, line: str) -> str:
    # On a host with both versions mounted, systemd's own hierarchy tells more than an empty version 2.
    path = line.split(":", 2)[2]
    return path if before in ("", "/") else before


def _process(record: dict[str, str], now: float) -> Process:
    started = int(record["started"])
    wait = record.get("wchan", "")
    return Process(
        pid=int(record["pid"]),
        name=record["name"],
        ppid=int(record["ppid"]),
        user=record.get("user") or None,
        state=record["state"],
        # Kernel threads have no command line.
        command=record.get("command", "").strip() or f"[{record['name']}]",
        cwd=record.get("cwd", "").removesuffix(" ") or None,
        cgroup=record.get("cgroup") or None,
        started=started,
        age=max(0.0, round(now - started / TICKS, 2)),
        # "0": it does not wait, or we may not know where.
        wait_channel=wait if wait not in ("", "0") else None,
    )


PROCESS = Probe(name="process", script=SCRIPT, parse=parse, requires=("awk",), cached=False, shown="(/proc of $@)")

PS = Probe(
    name="ps",
    script='exec ps -ww -o pid,ppid,user,lstart,args -p "$@"',
    parse=str,
    requires=("ps",),
    cached=False,
    shown="ps -ww -o pid,ppid,user,lstart,args -p $@",
)
"""The same processes as a person looks at them: for the report, nothing is read from it."""

PLACES = Probe(
    name="places", script='exec ls -ld -- "$@"', parse=str, requires=("ls",), cached=False, shown="ls -ld -- $@"
)
"""Where they work, ``/proc/PID/cwd`` of each, as a person looks at it: nothing is read from it either."""


def places(pids: Iterable[str]) -> tuple[str, ...]:
    """What ``PLACES`` is asked for."""
    return tuple(f"/proc/{pid}/cwd" for pid in pids)


BLOCKED = Probe(name="blocked", script=_IN_STATE.replace("STATE", "D"), parse=parse, requires=("awk",), cached=False)
HALTED = Probe(
    name="halted",
    script=_IN_STATE.replace("STATE", "T"),
    parse=parse,
    requires=("awk",),
    every=10.0,
    slow=True,
    cached=False,
)
