"""Who listens on which port: ``ss -Hltunpe`` of iproute2, or ``/proc/net`` where there is no ``ss``.

Without root the kernel hides the processes of other users, but ``ss -e`` still tells uid, inode and, since Linux 5.7
with iproute2 5.8, the cgroup in which the socket was made, which names the unit.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from console.core.network import Listener, unit_of
from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT

# One awk runs ss, or reads /proc/net; it also looks up the names of the users that occur, in /etc/passwd only: a name
# service that hangs must not hold up the fast lane. "ss" is looked for first because awk cannot tell why a pipe failed.
# An ss that hangs may hold it up for 2 s, less than makes a host stale; 31744 is how awk of busybox has the status 124.
SCRIPT = r"""
hd_how=ss
command -v ss >/dev/null 2>&1 || hd_how=proc
hd_within=
command -v timeout >/dev/null 2>&1 && hd_within='timeout -s KILL 2 '
exec awk -v how="$hd_how" -v within="$hd_within" '
function rows(proto,   f, n) {
  f = "/proc/net/" proto
  n = 0
  while ((getline <f) > 0) {
    if (n++ == 0) continue
    if (proto ~ /^tcp/ && $4 != "0A") break
    if (proto ~ /^udp/ && ($4 != "07" || $3 !~ /:0000$/)) continue
    print "hostdeck-proc:", proto, $2, $8, $10
    seen[$8] = 1
    inodes[$10] = 1
  }
  close(f)
}
function holders(   c, pid, name, i) {
  c = "ls -l /proc/[0-9]*/fd/ 2>/dev/null"
  while ((c | getline) > 0) {
    if (/^\/proc\/[0-9]+\/fd\/?:$/) { split($0, part, "/"); pid = part[3]; name = "" }
    else if (match($0, /socket:\[[0-9]+\]/)) {
      i = substr($0, RSTART + 8, RLENGTH - 9)
      if (!(i in inodes)) continue
      if (name == "") { getline name <("/proc/" pid "/comm"); close("/proc/" pid "/comm") }
      print "hostdeck-held:", i, pid, name
    }
  }
  close(c)
}
BEGIN {
  if (how == "ss") {
    c = within "ss -Hltunpe; r=$?; [ $r -lt 124 ] || { echo ss did not answer in 2 s >&2; exit 124; }; exit $r"
    while ((c | getline) > 0) {
      sub(/ +$/, "")
      print
      if (match($0, / uid:[0-9]+ /)) seen[substr($0, RSTART + 5, RLENGTH - 6)] = 1
    }
    if ((r = close(c)) != 0) exit r == 124 || r == 31744 ? 124 : 1
  } else {
    split("tcp tcp6 udp udp6", protos, " ")
    for (k = 1; k <= 4; k++) rows(protos[k])
    holders()
  }
  seen[0] = 1
  FS = ":"
  while ((getline <"/etc/passwd") > 0) if ($3 in seen) print "hostdeck-user:", $3, $1
}'
"""

# A process name may hold anything, also a newline, quotes and what looks like the end of the list; it has 15 bytes at
# most, too few to forge the beginning of a row, one of our own words, or an entry and the quote that begins the next.
_row = re.compile(r"(?:tcp|udp) +(?:LISTEN|UNCONN) +\d+ +\d+ +[^\s\"]+:\d+ +[^\s\"]+:")
_USER, _PROC, _HELD = "hostdeck-user: ", "hostdeck-proc: ", "hostdeck-held: "
_fields = re.compile(
    r"(?P<protocol>tcp|udp) +(?P<state>\S+) +(?P<receive>\d{1,19}) +(?P<send>\d{1,19})"
    r" +(?P<local>\S+):(?P<port>\d{1,5}) +\S+"
    r"(?: +users:\((?P<users>.*)\)(?= +(?:uid:\d|ino:\d)| *\Z))?(?P<rest>.*)\Z",
    re.DOTALL,
)
_holder = re.compile(r'\("(?P<name>.*?)",pid=(?P<pid>\d{1,10}),fd=\d{1,10}\)(?=,\("|\Z)', re.DOTALL)
_user = re.compile(rf"{_USER}(\d{{1,10}}) (\S+)\Z")


def parse(text: str) -> tuple[Listener, ...]:
    """Read the answer of ``SCRIPT``: rows of ``ss`` or of ``/proc/net``, then the names of users."""
    rows = list(records(text, _begins, "a socket of ss"))
    users = {int(found[1]): found[2] for record in rows if (found := _user.match(record))}
    held = _held(rows)
    listeners = []
    for record in rows:
        try:
            if record.startswith(("tcp", "udp")):
                listeners.append(_listener(record, users))
            elif record.startswith(_PROC):
                listeners.append(_proc_listener(record, users, held))
        except ParseError:
            raise
        except ValueError:
            raise ParseError("a socket with its numbers", record) from None
    return tuple(listeners)


def records(text: str, begins: Callable[[str], object], expected: str) -> Iterator[str]:
    """The lines, each with what belongs to it: a process name may contain a newline.

    ``begins`` tells whether a line is the first of a record; raises ``ParseError`` for text before the first.
    """
    record = ""
    for line in text.split("\n"):
        if begins(line):
            if record:
                yield record
            record = line
        elif record:
            record += "\n" + line
        elif line.strip():
            raise ParseError(expected, line)
    if record:
        yield record


def _begins(line: str) -> bool:
    return _row.match(line) is not None or line.startswith((_USER, _PROC, _HELD))


def _listener(record: str, users: dict[int, str]) -> Listener:
    found = _fields.match(record)
    if found is None:
        raise ParseError("a socket of ss", record)
    rest = dict(word.split(":", 1) for word in found["rest"].split() if ":" in word)
    address, interface = split_interface(found["local"])
    pids, process = holders(found["users"])
    seen = "ino" in rest
    # ss leaves out uid 0.
    uid = _number(rest.get("uid", "0")) if seen else None
    cgroup = _cgroup(rest.get("cgroup"))
    protocol = found["protocol"]
    return Listener(
        protocol=protocol,
        address=address,
        port=int(found["port"]),
        inode=_number(rest["ino"]) if seen else None,
        uid=uid,
        user=users.get(uid) if uid is not None else None,
        pids=pids,
        process=process,
        unit=unit_of(cgroup),
        cgroup=cgroup,
        v6only={"1": True, "0": False}.get(rest.get("v6only", "")),
        interface=interface,
        backlog=int(found["receive"]) if protocol == "tcp" else None,
        queue=int(found["send"]) if protocol == "tcp" else None,
    )


def _number(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) < 20 else None


def _cgroup(path: str | None) -> str | None:
    # "unreachable:1a2b" where the cgroup is gone or version 2 is not mounted.
    return path if path is not None and path.startswith("/") else None


def split_interface(local: str) -> tuple[str, str | None]:
    """``0.0.0.0%eth0`` and ``[fe80::1]%eth0`` as address, without brackets, and interface."""
    address, _, interface = local.partition("%")
    if address.startswith("["):
        address = address.rstrip("]").lstrip("[")
    return address, interface.rstrip("]") or None


def holders(users: str | None) -> tuple[tuple[int, ...], str | None]:
    """The processes in ``users:(...)`` of ``ss -p``: their pids in ascending order, and the name of the first."""
    if not users:
        return (), None
    found = list(_holder.finditer(users))
    if ",".join(one[0] for one in found) != users:
        # A name that ends an entry: whose the others are cannot be told.
        return (), None
    # The lowest first: the one that the others were forked from.
    names = {int(holder["pid"]): holder["name"].replace("\n", " ") for holder in found}
    pids = tuple(sorted(names))
    return pids, names[pids[0]] if pids else None


def _held(records: Iterable[str]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for record in records:
        if record.startswith(_HELD):
            words = record.split(" ", 3)
            inode, pid = (_number(words[1]), _number(words[2])) if len(words) > 2 else (None, None)
            if inode is None or pid is None:
                raise ParseError("an open socket of a process", record)
            name = words[3].replace("\n", " ") if len(words) > 3 else ""
            found.setdefault(inode, []).append((pid, name))
    return found


def _proc_listener(record: str, users: dict[int, str], held: dict[int, list[tuple[int, str]]]) -> Listener:
    _, protocol, local, uid, inode = record.split()
    digits, port = local.split(":")
    # A number of more digits than any kernel writes is no number: str() of it would fail much later.
    if max(len(word) for word in (uid, inode)) > 19 or len(port) > 4:
        raise ValueError(record[:200])
    holding = sorted(held.get(int(inode), []))
    return Listener(
        protocol=protocol[:3],
        address=_address(digits),
        port=int(port, 16),
        inode=int(inode),
        uid=int(uid),
        user=users.get(int(uid)),
        pids=tuple(dict.fromkeys(pid for pid, _ in holding)),
        process=holding[0][1] if holding else None,
    )


def _address(digits: str) -> str:
    # Groups of four bytes, each printed as a number of the host: little-endian on all machines that are likely here.
    data = bytes.fromhex(digits)
    ordered = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
    if len(ordered) == 4:
        return ".".join(str(byte) for byte in ordered)
    if len(ordered) == 16:
        return _ipv6(ordered)
    raise ValueError(digits)


def _ipv6(data: bytes) -> str:
    from ipaddress import IPv6Address

    address = IPv6Address(data)
    mapped = address.ipv4_mapped
    # As ss prints it, on every Python version.
    return f"::ffff:{mapped}" if mapped else str(address)


def _ss(text: str) -> str:
    """What ``ss`` alone prints; where there is none, what was read instead."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(_USER))


PROBE = Probe(
    name="listeners", script=SCRIPT, parse=parse, requires=("awk",), every=30.0, shown="ss -Hltunpe", as_printed=_ss
)

AS_ROOT_PROBE = Probe(
    name="listeners_root",
    script=f"{AS_ROOT}hd_as_root ss -Hltunpe",
    parse=parse,
    requires=("ss",),
    slow=True,
    cached=False,
    timeout=8.0,
    shown="sudo -n ss -Hltunpe",
)
"""The same with the processes of all users, where a sudoers line allows just this."""
