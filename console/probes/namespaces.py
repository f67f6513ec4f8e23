"""What listens inside network namespaces other than the host's own: containers, and what publishes their ports.

Needs no rights: ``/proc/PID/net`` shows the sockets of a process's own namespace to everybody, and the files in it have
one inode per namespace. The process behind a socket is only shown to root.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise

from console.core.network import Listener, Process
from console.core.probe import ParseError, Probe
from console.probes import listeners

# The listeners of a namespace come first in /proc/net/tcp; connections are counted as far as MOST lines. The file of a
# namespace has another number, which is only told of one's own processes, and to root.
SCRIPT = r"""
[ -e /proc/1/net/dev ] || { echo "other users' processes are hidden on this host (hidepid)" >&2; return 1; }
HD_FILE=${1-}
export HD_FILE
cd /proc && exec awk '
function first(f,   l) {
  l = ""
  getline l <f
  close(f)
  return l
}
function command(p,   c, l) {
  c = "{ tr \"\\000\\n\" \"  \" </proc/" p "/cmdline | cut -c1-400; } 2>/dev/null"
  l = ""
  c | getline l
  close(c)
  return l
}
function groups(p,   l) {
  while ((getline l <("/proc/" p "/cgroup")) > 0) if (l ~ /^0::/ || l ~ /:name=systemd:/) print "cgroup", l
  close("/proc/" p "/cgroup")
}
# The owner of /proc/PID is root for whoever hides its memory, and who runs sudo is root only in part.
function user(p,   f, l, w) {
  f = "/proc/" p "/status"
  while ((getline l <f) > 0) if (l ~ /^Uid:/) { split(l, w, /[ \t]+/); break }
  close(f)
  return w[2] != "" && w[2] == w[3] && w[2] == w[4] ? w[2] : "?"
}
function tell(p) {
  if (p in told) return
  told[p] = 1
  print "process", p, first("/proc/" p "/comm")
  groups(p)
  print "command", command(p)
}
function sockets(p, proto,   f, n, l, w, at, count) {
  f = "/proc/" p "/net/" proto
  n = 0
  delete count
  while ((getline l <f) > 0 && n <= MOST) {
    if (n++ == 0) continue
    split(l, w, " ")
    at = substr(w[2], index(w[2], ":") + 1)
    if (proto ~ /^tcp/ && w[4] == "0A" || proto ~ /^udp/ && w[4] == "07" && w[3] ~ /:0000$/) {
      print "hostdeck-proc:", proto, w[2], w[8], w[10]
      inodes[w[10]] = 1
      count[at] += 0
    } else if (w[4] == "01" && at in count) count[at]++
  }
  close(f)
  if (n <= MOST) for (at in count) print "connections", proto, at, count[at]
}
function addresses(p,   f, l, last, w) {
  f = "/proc/" p "/net/fib_trie"
  while ((getline l <f) > 0) {
    if (l ~ /\|-- /) last = substr(l, index(l, "|-- ") + 4)
    else if (l ~ /\/32 host LOCAL/ && last !~ /^127\./) print "address", last
  }
  close(f)
  f = "/proc/" p "/net/if_inet6"
  while ((getline l <f) > 0) { split(l, w, " "); if (w[4] == "00") print "address6", w[1] }
  close(f)
}
function holders(list,   c, pid, i, found) {
  # With one folder alone ls does not say which it lists.
  c = "ls -l /dev/null " list " 2>/dev/null"
  while ((c | getline) > 0) {
    if (/^\/proc\/[0-9]+\/fd\/?:$/) { split($0, part, "/"); pid = part[3] }
    else if (match($0, /socket:\[[0-9]+\]/)) {
      i = substr($0, RSTART + 8, RLENGTH - 9)
      if (!(i in inodes)) continue
      print "hostdeck-held:", i, pid, first("/proc/" pid "/comm")
      found[pid] = 1
    }
  }
  close(c)
  for (pid in found) tell(pid)
}
function number(f,   c, l) {
  c = "stat -Lc %i -- " f " 2>/dev/null"
  l = ""
  c | getline l
  close(c)
  return l
}
BEGIN {
  MOST = 20000
  if (ENVIRON["HD_FILE"] != "") {
    # What is below a closed folder is there as well as not.
    "stat -Lc %i -- \"$HD_FILE\" 2>&1" | getline file
    if (file !~ /^[0-9]+$/) { closed = file !~ /No such file|Not a directory/; file = "" }
  }
  c = "stat -c \"%i %n\" self/net/dev [0-9]*/net/dev 2>/dev/null"
  while ((c | getline) > 0) {
    split($2, part, "/")
    if (part[1] == "self") { own = $1; continue }
    p = part[1] + 0
    if ($1 == own) {
      name = first("/proc/" p "/comm")
      if (name == "docker-proxy" || name == "rootlessport") { print "proxy", p, user(p), name, command(p); groups(p) }
      continue
    }
    if (!($1 in lowest)) { order[++spaces] = $1; lowest[$1] = p }
    if (p < lowest[$1]) lowest[$1] = p
    if (++members[$1] <= 64) { all[$1] = all[$1] " " p; files[$1] = files[$1] " /proc/" p "/fd/" }
  }
  close(c)
  for (k = 1; k <= spaces; k++) {
    ns = order[k]
    print "namespace", ns
    print "inside", members[ns] all[ns]
    if (file != "") {
      told_as = number("/proc/" lowest[ns] "/ns/net")
      if (told_as == "") unseen = 1
      else if (told_as == file) { print "named"; met = 1 }
    }
    addresses(lowest[ns])
    delete inodes
    split("tcp tcp6 udp udp6", protos, " ")
    for (i = 1; i <= 4; i++) sockets(lowest[ns], protos[i])
    holders(files[ns])
    n = split(all[ns], pids, " ")
    for (i = 1; i <= n && i <= 4; i++) tell(pids[i])
  }
  if (ENVIRON["HD_FILE"] == "" || met) exit
  if (file == "") print "file", closed ? "unseen" : "missing"
  else if (file == number("self/ns/net")) print "file own"
  else print "file", unseen ? "unseen" : "empty"
}'
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A process that listens on the host for a container, by its own command line: anybody may write such a one."""

    pid: int
    process: str
    protocol: str
    address: str
    port: int
    to_address: str
    to_port: int
    uid: int | None = None
    """Whose it is; ``None`` where it runs as several users at once."""
    cgroup: str | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network of its own, and what is in it."""

    ident: int
    addresses: tuple[str, ...] = ()
    """Those by which the host reaches it."""
    listeners: tuple[Listener, ...] = ()
    processes: tuple[Process, ...] = ()
    """Some of those that live in it, the oldest first."""
    connections: tuple[tuple[str, int, int], ...] = ()
    """How many connections each listening port has: protocol, port, number."""
    pids: tuple[int, ...] = ()
    """Who lives in it, the first 64."""
    members: int = 0
    """How many live in it."""
    named: bool = False
    """It is the one of the file that was asked about."""

    def holder(self, listener: Listener) -> Process | None:
        """The process behind one of its listeners, where it was seen or there is only one."""
        known = next((each for each in self.processes if each.pid in listener.pids), None)
        if known is not None or len(self.processes) != 1:
            return known
        return self.processes[0]


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Everything outside the host's own network that lives on it."""

    proxies: tuple[Proxy, ...] = ()
    spaces: tuple[Namespace, ...] = ()
    file: str | None = None
    """What the file of a namespace is that was asked about and is of none of these: ``own`` (the host's), ``empty``
    (nobody lives in it), ``unseen`` (which one it is is hidden from this user), ``missing``."""

    def at(self, address: str) -> Namespace | None:
        """The namespace that has an address."""
        return next((space for space in self.spaces if address in space.addresses), None)


def parse(text: str) -> Namespaces:
    """Read the answer of ``SCRIPT``."""
    proxies: list[Proxy] = []
    spaces: list[Namespace] = []
    file = None
    for block in _blocks(text):
        head, _, rest = block[0].partition(" ")
        try:
            if head == "file":
                file = rest
            elif head == "proxy":
                proxies += _proxy(rest, block[1:])
            else:
                spaces.append(_namespace(int(rest[:20]), block[1:]))
        except ParseError:
            raise
        except ValueError:
            raise ParseError("a network namespace with its numbers", block[0]) from None
    return Namespaces(tuple(proxies), tuple(spaces), file)


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.split("\n"):
        if line.startswith(("proxy ", "namespace ", "file ")):
            if block:
                yield block
            block = [line]
        elif block:
            block.append(line)
        elif line:
            raise ParseError('"proxy", "namespace" or "file"', line)
    if block:
        yield block


def _proxy(rest: str, lines: list[str]) -> Iterator[Proxy]:
    """``PID UID NAME docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 ...``.

    Whoever starts a process chooses its words: those that cannot be read say nothing of a port, and spoil nothing.
    """
    pid, uid, name, *words = [*rest.split(), "", "", ""]
    told = {word.lstrip("-"): value for word, value in pairwise(words) if word.startswith("-")}
    protocol, address, to_address = (told.get(key, "") for key in ("proto", "host-ip", "container-ip"))
    port, to_port = (_whole(told.get(key, "")) for key in ("host-port", "container-port"))
    number = _whole(pid)
    if number is None or port is None or to_port is None or not (protocol and address and to_address):
        return
    group = ""
    for line in lines:
        if line.startswith("cgroup ") and line.count(":") >= 2:
            group = _cgroup(group, line.partition(" ")[2])
    yield Proxy(number, name, protocol, address, port, to_address, to_port, _whole(uid), group or None)


def _whole(word: str) -> int | None:
    """A number of at most ten digits; ``None`` for any other word."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 10 else None


def _namespace(ident: int, lines: list[str]) -> Namespace:
    addresses, processes, counts, rows = [], [], [], []
    members, *pids = [0]
    named = False
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "address":
            addresses.append(str(ip_address(rest)))
        elif kind == "address6":
            addresses.append(str(ip_address(bytes.fromhex(rest))))
        elif kind == "inside":
            members, *pids = (int(word[:10]) for word in rest.split())
        elif kind == "named":
            named = True
        elif kind == "process":
            pid, _, name = rest.partition(" ")
            processes.append({"pid": pid, "name": name})
        elif kind == "cgroup" and processes:
            processes[-1]["cgroup"] = _cgroup(processes[-1].get("cgroup", ""), rest)
        elif kind == "command" and processes:
            processes[-1]["command"] = rest.strip()
        elif kind == "connections":
            protocol, port, count = rest.split()
            counts.append((protocol[:3], int(port[:4], 16), int(count[:9])))
        elif line.startswith("hostdeck-"):
            rows.append(line)
    return Namespace(
        ident,
        tuple(dict.fromkeys(addresses)),
        listeners.parse("\n".join(rows)),
        tuple(sorted((_process(told) for told in processes), key=lambda each: each.pid)),
        tuple(_summed(counts)),
        tuple(pids),
        members,
        named,
    )


def _cgroup(before: str, line: str) -> str:
    """Version 2 tells it; where both are mounted, an engine of old may use only that of systemd itself."""
    _, _, path = line.split(":", 2)
    if line.startswith("0::"):
        return path if path != "/" or not before else before
    return before or path


def _process(told: dict[str, str]) -> Process:
    return Process(
        int(told["pid"][:10]), told["name"], command=told.get("command") or None, cgroup=told.get("cgroup") or None
    )


def _summed(counts: list[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """IPv4 and IPv6 together: one socket may take both."""
    for protocol, port in dict.fromkeys((protocol, port) for protocol, port, _ in counts):
        yield protocol, port, sum(count for *place, count in counts if place == [protocol, port])


def as_printed(text: str) -> str:
    """What stands in a person's way: each that publishes a port, each network with a process of it, and who listens."""
    try:
        known = parse(text)
    except ParseError:
        return text
    lines = [
        f"{one.process} pid {one.pid}: {one.protocol} {one.address}:{one.port} -> {one.to_address}:{one.to_port}"
        for one in known.proxies
    ]
    for space in known.spaces:
        first = f" pid {space.processes[0].pid} {space.processes[0].name}" if space.processes else ""
        lines.append(f"net {space.ident}{first} {' '.join(space.addresses)}".rstrip())
        for one in space.listeners:
            holder = space.holder(one)
            who = f" pid {holder.pid} {holder.name}" if holder is not None else ""
            lines.append(f"  {space.ident} {one.protocol} {one.address}:{one.port}{who}")
    return "\n".join(lines)


PROBE = Probe(
    name="namespaces",
    script=SCRIPT,
    parse=parse,
    requires=("awk",),
    slow=True,
    cached=False,
    timeout=15.0,
    shown="(the networks of all processes, of /proc, and who listens in them)",
    as_printed=as_printed,
)
