"""A connection to an address and a port, made on the host with whatever tool it has. TCP only.

Nothing is sent; it is closed as soon as it stands.
"""

from dataclasses import dataclass

from console.core.probe import ParseError, Probe
from console.core.reach import Reached

# The tools that tell a refusal from silence come first. Each is ended after three seconds.
SCRIPT = r"""
case $2 in '' | *[!0-9]*) echo "no port: $2" >&2; return 2 ;; esac
case $1 in '' | -* | *[!0-9A-Za-z:.%_-]*) echo "no address: $1" >&2; return 2 ;; esac
[ -z "${SSH_CONNECTION-}" ] || { set -- "$1" "$2" $SSH_CONNECTION; echo "client $3"; echo "server $5"; }
hd_has() { command -v "$1" >/dev/null 2>&1; }
if hd_has python3; then
  hd_tool=python3
  hd_said=$(python3 -I -S -c '
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
except OSError as error:
    sys.exit(str(error.strerror or error))' "$1" "$2" 2>&1)
elif hd_has perl && perl -MIO::Socket::IP -e 1 2>/dev/null; then
  hd_tool=perl
  hd_said=$(perl -MIO::Socket::IP -e '
IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Timeout => 3) or die "$@\n"' "$1" "$2" 2>&1)
elif hd_has bash && hd_has timeout; then
  hd_tool=bash
  hd_said=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) ||
    { hd_r=$?; [ "$hd_r" -ne 124 ] || hd_said="timed out"; false; }
elif hd_has socat; then
  hd_tool=socat
  case $1 in *:*) hd_to="TCP6:[$1]" ;; *) hd_to=TCP4:$1 ;; esac
  hd_said=$(socat -u /dev/null "$hd_to:$2,connect-timeout=3" 2>&1)
elif hd_has nc; then
  hd_tool=nc hd_z=
  ! nc -h 2>&1 | grep -q '^[^a-z]*-z' || hd_z=-z
  hd_said=$(nc $hd_z -w 3 "$1" "$2" </dev/null 2>&1 >/dev/null)
elif hd_has curl; then
  hd_tool=curl
  case $1 in *:*) hd_to="[$1]" ;; *) hd_to=$1 ;; esac
  # It goes on to wait for what the server says; the time at which it was connected tells that it was.
  hd_said=$(curl -sS -m 3 -w '%{time_connect}' "telnet://$hd_to:$2" </dev/null 2>&1)
  case $hd_said in *0.000000) hd_said=${hd_said%0.000000}; false ;; esac
else
  echo "no python3, perl, bash, socat, nc or curl on this host to connect with" >&2
  return 3
fi
hd_r=$?
echo "tool $hd_tool"
if [ "$hd_r" -eq 0 ]; then echo answers; else echo "said $(printf '%s\n' "$hd_said" | grep . | tail -n 1)"; fi
"""


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it, and how the host sees this connection of ours."""

    result: Reached
    said: str = ""
    tool: str = ""
    client: str | None = None
    """The address that our own connection comes from."""
    server: str | None = None
    """The address of the host that it came to."""


def parse(text: str) -> Connected:
    """Read the answer of ``SCRIPT``."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        found[word] = rest.strip()
    if "tool" not in found or not {"answers", "said"} & found.keys():
        raise ParseError("answers or said", text)
    said = "" if "answers" in found else found["said"][:120]
    return Connected(
        Reached.ANSWERS if "answers" in found else meaning(said),
        said,
        found["tool"],
        found.get("client") or None,
        found.get("server") or None,
    )


def meaning(said: str) -> Reached:
    """What a tool's complaint means; each has words of its own around the kernel's."""
    words = said.lower()
    if "refused" in words:
        return Reached.REFUSED
    if "timed out" in words or "timeout" in words or not words:
        return Reached.SILENT
    return Reached.FAILED


PROBE = Probe(
    name="reach",
    script=SCRIPT,
    parse=parse,
    slow=True,
    cached=False,
    timeout=5.0,
    shown="(connect from the host itself to $1 port $2)",
)
