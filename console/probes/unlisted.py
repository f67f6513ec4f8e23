"""TCP sockets of processes that the kernel lists nowhere, for kernels before 6.8: one of them may be bound to a port.

As root, python3 takes a copy of each such descriptor (pidfd_getfd, Linux 5.6) and asks where it is bound. Else
``lsof``, as root or by a line in sudoers: it shows these sockets as ``sock`` with the name ``protocol: TCP`` (4.95 and
4.99), without a port, and for that very reason ``lsof -i`` leaves them out.
"""

import re

from console.core.network import Socket
from console.core.probe import ParseError, Probe
from console.probes.bound import parse as parse_rows
from console.probes.elevated import AS_ROOT

_ASK = r"""
import ctypes, glob, os, socket, sys
listed = set()
for name in ("tcp", "tcp6"):
    try:
        with open("/proc/net/" + name) as rows:
            listed.update(row.split()[9] for row in rows)
    except OSError:
        pass
call = ctypes.CDLL(None, use_errno=True).syscall
found, failed = {}, 0
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        link = os.readlink(path)
        inode = link[8:-1]
        if not link.startswith("socket:[") or inode in listed:
            continue
        if not os.getxattr(path, "system.sockprotoname").startswith(b"TCP"):
            continue
        pid, number = map(int, path.split("/")[2::2])
        with open("/proc/%d/comm" % pid, "rb") as comm:
            name = comm.read().decode("utf-8", "replace").strip().replace('"', "'")
        users = found.setdefault(inode, [None, 0, []])
        users[2].append('("%s",pid=%d,fd=%d)' % (name, pid, number))
        users[1] = os.stat("/proc/%d" % pid).st_uid
        if users[0] is None:
            process = os.pidfd_open(pid)
            copy = call(438, process, number, 0)
            os.close(process)
            if copy < 0:
                failed += 1
                continue
            users[0] = socket.socket(fileno=copy).getsockname()[:2]
    except OSError:
        continue
if failed:
    sys.exit("python3 could not look into %d sockets" % failed)
if hasattr(sys.stdout, "reconfigure"):  # Python 3.7
    sys.stdout.reconfigure(encoding="utf-8")
for inode, (place, uid, users) in found.items():
    if place and place[1] == int(sys.argv[1]):
        address = "[%s]" % place[0] if ":" in place[0] else place[0]
        print("0 0 %s:%d *:* users:(%s) uid:%d ino:%s" % (address, place[1], ",".join(users), uid, inode))
"""

SCRIPT = (
    r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
"""
    + AS_ROOT
    + r"""
if [ "$(id -u)" = 0 ] && command -v python3 >/dev/null 2>&1; then
  python3 -I -S - "$1" <<'HD_ASK' && return 0"""
    + _ASK
    + r"""HD_ASK
fi
hd_files=$(hd_as_root lsof -nP -F pcLftin) || return
printf '%s\n' "$hd_files" | awk '
  /^p/ { pid = substr($0, 2); name = user = "" }
  /^c/ { name = substr($0, 2) }
  /^L/ { user = substr($0, 2) }
  /^f/ { kind = inode = "" }
  /^t/ { kind = substr($0, 2) }
  /^i/ { inode = substr($0, 2) }
  /^nprotocol: TCP/ && kind == "sock" { print "hostdeck-unlisted:", inode, pid, user, name }'
"""
)

_UNLISTED = "hostdeck-unlisted: "
_row = re.compile(rf"{_UNLISTED}(?P<inode>\d{{1,19}}) (?P<pid>\d{{1,10}}) (?P<user>\S*) (?P<name>.*)\Z", re.DOTALL)


def parse(text: str) -> tuple[Socket, ...]:
    """Read the answer of ``SCRIPT``: rows as of ``ss -B``, or sockets whose port is not told (0)."""
    if not text.startswith(_UNLISTED):
        return parse_rows(text)
    return tuple(_unlisted(line) for line in text.splitlines())


def _unlisted(line: str) -> Socket:
    found = _row.match(line)
    if found is None:
        raise ParseError("a socket of lsof", line)
    return Socket(
        "tcp", "BOUND", "*", 0, "*", 0, (int(found["pid"]),), found["name"] or None, int(found["inode"]),
        user=found["user"] or None,
    )  # fmt: skip


PROBE = Probe(
    name="unlisted", script=SCRIPT, parse=parse, requires=("awk", "lsof"), slow=True, cached=False, elevated=True,
    timeout=10.0, shown="(TCP sockets that no list has: of python3 as root, or of lsof -nP)",
)  # fmt: skip
