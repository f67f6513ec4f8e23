"""TCP sockets of one port that do not listen: what lingers, and what went out from it. ``ss`` of iproute2."""

import re

from console.core.network import Socket
from console.core.probe import ParseError, Probe
from console.probes.listeners import holders, records, split_interface

# "connected" is every state but listening and closed.
SCRIPT = r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
exec ss -Htanpoe state connected "sport = :$1"
"""

# The same care about hostile process names as in the list of listeners.
_row = re.compile(r"[A-Z][A-Z0-9-]* +\d+ +\d+ +[^\s\"(]+:\d+ +[^\s\"(]+:(?:\d+|\*)(?: |\Z)")
_fields = re.compile(
    r"(?P<state>\S+) +\d+ +\d+ +(?P<local>\S+):(?P<port>\d+) +(?P<peer>\S+):(?P<peer_port>\d+|\*)"
    r"(?: +users:\((?P<users>.*)\)(?= +(?:timer:|uid:\d|ino:\d)| *\Z))?(?P<rest>.*)\Z",
    re.DOTALL,
)
_timer = re.compile(r" timer:\((.*?)\)")
_inode = re.compile(r" ino:(\d+)")


def parse(text: str) -> tuple[Socket, ...]:
    """Read the answer of ``SCRIPT``."""
    found = []
    for record in records(text, _row.match, "a connection of ss"):
        try:
            found.append(_socket(record))
        except ParseError:
            raise
        except ValueError:
            raise ParseError("a connection with its numbers", record) from None
    return tuple(found)


def _socket(record: str) -> Socket:
    found = _fields.match(record)
    if found is None:
        raise ParseError("a connection of ss", record)
    pids, process = holders(found["users"])
    timer, inode = _timer.search(found["rest"]), _inode.search(found["rest"])
    peer_port = found["peer_port"]
    return Socket(
        protocol="tcp",
        state=found["state"],
        address=split_interface(found["local"])[0],
        port=int(found["port"]),
        peer_address=split_interface(found["peer"])[0],
        peer_port=int(peer_port) if peer_port != "*" else 0,
        pids=pids,
        process=process,
        # TIME-WAIT has no inode any more: ss prints 0.
        inode=int(inode[1]) or None if inode else None,
        timer=timer[1] if timer else None,
    )


PROBE = Probe(name="sockets", script=SCRIPT, parse=parse, requires=("ss",), cached=False)
