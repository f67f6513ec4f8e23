"""TCP sockets that are bound to a port and neither listen nor are connected: they keep it, and no list shows them.

The kernel tells of them since Linux 6.8 (TCP_BOUND_INACTIVE of sock_diag), to every user, and ``ss -B`` since iproute2
6.8. Where ss is older than the kernel, as on Ubuntu 24.04, python3 asks the kernel itself.
"""

from console.core.network import Socket
from console.core.probe import ParseError, Probe
from console.probes.listeners import records
from console.probes.socket_users import USER, WITH_USERS, names
from console.probes.sockets import ROW, read_socket

# Prints rows as ss does. Whether the kernel knows the state is seen by a socket of its own that it must find again.
_ASK = r"""
import glob, os, socket, struct, sys
wanted = int(sys.argv[1])
mine = socket.socket()
mine.bind(("127.0.0.1", 0))
own = os.fstat(mine.fileno()).st_ino
diag = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 4)
groups, known, rows = {}, False, []
def group(number):
    if not groups:
        for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            if os.path.exists(place + "/cgroup.procs"):
                for path, _, _ in os.walk(place):
                    try:
                        groups.setdefault(os.stat(path).st_ino, path[len(place):] or "/")
                    except OSError:
                        # It has ended since it was listed.
                        pass
                break
    return groups.get(number)
for family in (socket.AF_INET, socket.AF_INET6):
    body = struct.pack("=BBBxI48x", family, 6, 0, 1 << 13)
    diag.send(struct.pack("=IHHII", 16 + len(body), 20, 0x301, 1, 0) + body)
    more = True
    while more:
        data = diag.recv(1 << 18)
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            if kind == 2:
                sys.exit("the kernel does not tell of them: %s" % os.strerror(-struct.unpack_from("=i", data, 16)[0]))
            if kind == 3:
                more = False
                break
            one, data = data[16:length], data[(length + 3) & ~3:]
            port = struct.unpack_from(">H", one, 4)[0]
            uid, inode = struct.unpack_from("=II", one, 64)
            known = known or inode == own
            if port != wanted or inode == own:
                continue
            size = 4 if family == socket.AF_INET else 16
            address = socket.inet_ntop(family, one[8:8 + size])
            device = struct.unpack_from("=I", one, 40)[0]
            address = "[%s]" % address if size == 16 else address
            if device:
                address += "%" + socket.if_indextoname(device)
            words, at = ["uid:%d" % uid, "ino:%d" % inode], 72
            while at + 4 <= len(one):
                step, what = struct.unpack_from("=HH", one, at)
                if what == 21 and group(struct.unpack_from("=Q", one, at + 4)[0]):
                    words.append("cgroup:" + group(struct.unpack_from("=Q", one, at + 4)[0]))
                if what == 11:
                    words.append("v6only:%d" % one[at + 4])
                at += max(4, (step + 3) & ~3)
            peer = "0.0.0.0" if size == 4 else "[::]"
            row = "0 0 %s:%d %s:* %s" % (address, port, peer, " ".join(words))
            rows.append((row.replace("%", "%%").replace(" uid:", " %suid:", 1), str(inode)))
if not known:
    sys.exit("the kernel does not tell of them: Linux 6.8 does")
held = {}
for path in glob.glob("/proc/[0-9]*/fd/*") if rows else ():
    try:
        link = os.readlink(path)
        if link.startswith("socket:["):
            pid, number = path.split("/")[2::2]
            with open("/proc/%s/comm" % pid, "rb") as comm:
                name = comm.read().decode("utf-8", "replace").strip().replace('"', "'")
            held.setdefault(link[8:-1], []).append('("%s",pid=%s,fd=%s)' % (name, pid, number))
    except OSError:
        pass
if hasattr(sys.stdout, "reconfigure"):  # Python 3.7
    sys.stdout.reconfigure(encoding="utf-8")
for row, inode in rows:
    print(row % ("users:(%s) " % ",".join(held[inode]) if inode in held else ""))
"""

SCRIPT = (
    r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
"""
    + WITH_USERS
    + r"""
hd_kernel=$(uname -r)
hd_minor=${hd_kernel#*.}
hd_minor=${hd_minor%%[!0-9]*}
hd_kernel=${hd_kernel%%.*}
if { [ "$hd_kernel" -gt 6 ] || { [ "$hd_kernel" -eq 6 ] && [ "${hd_minor:-0}" -ge 8 ]; }; } 2>/dev/null &&
  ss -h 2>&1 | grep -q -e --bound-inactive; then
  hd_rows=$(ss -HBtnpe "sport = :$1") || return 1
elif command -v python3 >/dev/null 2>&1; then
  hd_rows=$(python3 -I -S - "$1" <<'HD_ASK'"""
    + _ASK
    + r"""HD_ASK
) || return 1
else
  echo "ss -B of iproute2 6.8 on Linux 6.8 shows them" >&2
  return 3
fi
[ -z "$hd_rows" ] || printf '%s\n' "$hd_rows" | hd_with_users
"""
)


def parse(text: str) -> tuple[Socket, ...]:
    """Read the answer of ``SCRIPT``: rows of ``ss -B``, which leaves out the state, because there is only one."""
    rows = list(records(text, _begins, "a bound socket of ss"))
    users = names(rows)
    try:
        return tuple(read_socket(f"BOUND {record}", users) for record in rows if not record.startswith(USER))
    except ParseError:
        raise
    except ValueError:
        raise ParseError("a bound socket with its numbers", text) from None


def _begins(line: str) -> bool:
    return ROW.match(f"BOUND {line.lstrip()}") is not None or line.startswith(USER)


PROBE = Probe(
    name="bound", script=SCRIPT, parse=parse, requires=("awk",), slow=True, cached=False,
    shown="(TCP sockets that are only bound to port $1: of ss -HBtnpe, or of the kernel by python3 where ss is old)",
)  # fmt: skip
