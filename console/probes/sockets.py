"""Sockets of one port that do not listen: what lingers, and what went out from it. ``ss`` of iproute2.

TCP, and UDP sockets with a peer: a service cannot bind beside either.
"""

import re

from console.core.network import Socket, unit_of
from console.core.probe import ParseError, Probe
from console.probes.listeners import holders, records, split_interface
from console.probes.socket_users import USER, WITH_USERS, names, without_users

# "connected" is every state but listening and closed.
SCRIPT = (
    r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
"""
    + WITH_USERS
    + r"""
hd_rows=$(ss -Htuanpoe state connected "sport = :$1") || return 1
[ -z "$hd_rows" ] || printf '%s\n' "$hd_rows" | hd_with_users
"""
)

# The same care about hostile process names as in the list of listeners.
ROW = re.compile(r"(?:(?:tcp|udp) +)?[A-Z][A-Z0-9-]* +\d+ +\d+ +[^\s\"(]+:\d+ +[^\s\"(]+:(?:\d+|\*)(?: |\Z)")
_fields = re.compile(
    r"(?:(?P<protocol>tcp|udp) +)?(?P<state>\S+) +\d+ +\d+"
    r" +(?P<local>\S+):(?P<port>\d+) +(?P<peer>\S+):(?P<peer_port>\d+|\*)"
    r"(?: +users:\((?P<users>.*)\)(?= +(?:timer:|uid:\d|ino:\d)| *\Z))?(?P<rest>.*)\Z",
    re.DOTALL,
)
_timer = re.compile(r" timer:\((.*?)\)")
_word = re.compile(r" (?P<name>uid|ino|cgroup|v6only):(?P<value>\S+)")


def parse(text: str) -> tuple[Socket, ...]:
    """Read the answer of ``SCRIPT``."""
    rows = list(records(text, _begins, "a connection of ss"))
    users = names(rows)
    found = []
    for record in rows:
        if record.startswith(USER):
            continue
        try:
            found.append(read_socket(record, users))
        except ParseError:
            raise
        except ValueError:
            raise ParseError("a connection with its numbers", record) from None
    return tuple(found)


def _begins(line: str) -> bool:
    return ROW.match(line) is not None or line.startswith(USER)


def read_socket(record: str, users: dict[int, str]) -> Socket:
    """One row of ``ss -npoe``; raises ``ParseError`` or ``ValueError``."""
    found = _fields.match(record)
    if found is None:
        raise ParseError("a connection of ss", record)
    pids, process = holders(found["users"])
    timer = _timer.search(found["rest"])
    rest = {word["name"]: word["value"] for word in _word.finditer(found["rest"])}
    address, interface = split_interface(found["local"])
    cgroup = rest.get("cgroup", "")
    # TIME-WAIT has no inode any more, and so no owner: ss prints 0.
    inode = _number(rest.get("ino")) or None
    # ss leaves out uid 0.
    uid = _number(rest.get("uid", "0")) if inode is not None else None
    return Socket(
        protocol=found["protocol"] or "tcp",
        state=found["state"],
        address=address,
        port=int(found["port"]),
        peer_address=split_interface(found["peer"])[0],
        peer_port=int(found["peer_port"]) if found["peer_port"] != "*" else 0,
        pids=pids,
        process=process,
        inode=inode,
        timer=timer[1] if timer else None,
        uid=uid,
        user=users.get(uid) if uid is not None else None,
        unit=unit_of(cgroup) if cgroup.startswith("/") else None,
        cgroup=cgroup if cgroup.startswith("/") else None,
        v6only={"1": True, "0": False}.get(rest.get("v6only", "")),
        interface=interface,
    )


def _number(word: str | None) -> int | None:
    return int(word) if word is not None and word.isdecimal() and len(word) < 20 else None


PROBE = Probe(
    name="sockets",
    script=SCRIPT,
    parse=parse,
    requires=("ss", "awk"),
    cached=False,
    shown='ss -Htuanpoe state connected "sport = :$1"',
    as_printed=without_users,
)
