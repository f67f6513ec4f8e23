"""What a host is, who we are on it, and which tools it has. Asked once a connection."""

from console.core.network import Socket
from console.core.overlap import same_address
from console.core.probe import ParseError, Probe
from console.core.service import Endpoint
from console.core.snapshot import Identity
from console.probes import sockets

TOOLS = (
    "awk", "busybox", "cat", "crictl", "date", "df", "dmesg", "docker", "docker-compose", "du", "find", "firewall-cmd",
    "flock", "fuser", "getenforce", "getent", "git", "grep", "head", "id", "ip", "iptables", "journalctl", "kill",
    "kubectl", "logrotate", "ls", "lsof", "make", "mkdir", "mv", "nft", "nginx", "pm2", "podman", "ps", "python3",
    "readlink", "runuser", "sed", "setsid", "sha256sum", "sleep", "ss", "stat", "sudo", "supervisorctl", "systemctl",
    "systemd-run", "tail", "tar", "timeout", "tr", "ufw",
)  # fmt: skip
"""Looked for on every host; what a probe or a plan requires must be one of these."""

SCRIPT = (
    r"""
hd_os=
for hd_f in /etc/os-release /usr/lib/os-release; do
  if [ -r "$hd_f" ]; then
    hd_os=$(. "$hd_f" >/dev/null 2>&1; printf '%s' "${PRETTY_NAME:-$NAME}")
    break
  fi
done
echo "hostname=$(uname -n)"
echo "os=$hd_os"
echo "kernel=$(uname -r)"
echo "user=$(id -un 2>/dev/null)"
echo "uid=$(id -u)"
echo "groups=$(id -Gn 2>/dev/null)"
echo "shell=$SHELL"
if [ -d /run/systemd/system ]; then
  read -r hd_v <<EOF
$(systemctl --version 2>/dev/null)
EOF
  echo "systemd=$hd_v"
fi
hd_p=$$ hd_up= hd_in=
while [ "${hd_p:-0}" -gt 1 ] && [ -r "/proc/$hd_p/status" ]; do
  hd_up="$hd_up $hd_p" hd_above=
  while IFS= read -r hd_k; do
    case $hd_k in 0::/* | *:name=systemd:/*) hd_in="$hd_in /${hd_k#*:*:/}" ;; esac
  done 2>/dev/null <"/proc/$hd_p/cgroup"
  while read -r hd_k hd_v hd_x; do
    case $hd_k in PPid:) hd_above=$hd_v; break ;; esac
  done <"/proc/$hd_p/status"
  hd_p=$hd_above
done
echo "session=$hd_up"
echo "cgroups=$hd_in"
echo "came=$SSH_CONNECTION"
# What connected to sshd, where that is on this host: a relay, which listens where the console really came in.
read -r hd_k hd_v hd_x hd_above hd_f <<EOF
$SSH_CONNECTION
EOF
case $hd_v$hd_above in '' | *[!0-9]*) ;; *)
  hd_k="sport = :$hd_v and dport = :$hd_above"
  # An ss that hangs must not keep the host from its first look.
  hd_t=
  command -v timeout >/dev/null 2>&1 && hd_t='timeout -s KILL 2'
  # The processes are looked for only where there is something: that takes a look at all of them.
  if hd_f=$($hd_t ss -Htne "$hd_k" 2>/dev/null) && [ -n "$hd_f" ]; then
    hd_f=$($hd_t ss -Htnep "$hd_k" 2>/dev/null)
    printf '%s\n' "$hd_f" | sed 's/^/relay=/'
  fi ;;
esac
hd_found=
for hd_t in """
    + " ".join(TOOLS)
    + r"""; do
  command -v "$hd_t" >/dev/null 2>&1 && hd_found="$hd_found $hd_t"
done
echo "tools=$hd_found"
"""
)


def parse(text: str) -> Identity:
    """Read the answer of ``SCRIPT``: one NAME=VALUE a line."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    uid = found.get("uid", "")
    if not uid.isdecimal() or len(uid) > 10 or "hostname" not in found:
        raise ParseError("hostname= and uid=", text)
    version = found.get("systemd", "").split()
    came = found.get("came", "").split()
    relays = _relays(came, [line.removeprefix("relay=") for line in text.splitlines() if line.startswith("relay=")])
    session = tuple(int(word) for word in found.get("session", "").split() if word.isdecimal() and len(word) < 11)
    cgroups = (*found.get("cgroups", "").split(), *(one.cgroup for one in relays if one.cgroup))
    return Identity(
        hostname=found["hostname"],
        os=found.get("os", ""),
        kernel=found.get("kernel", ""),
        user=found.get("user", "") or uid,
        uid=int(uid),
        groups=tuple(found.get("groups", "").split()),
        tools=frozenset(found.get("tools", "").split()),
        login_shell=found.get("shell", ""),
        systemd=version[1] if len(version) > 1 else None,
        session=tuple(dict.fromkeys((*session, *(pid for one in relays for pid in one.pids)))),
        cgroups=tuple(dict.fromkeys(cgroups)),
        came_by=_came_by(came),
        relayed=bool(relays) or _is_from_here(came),
    )


def _relays(came: list[str], rows: list[str]) -> tuple[Socket, ...]:
    """The other end of the connection that sshd tells of, where it is on this host too, by ``ss``."""
    if len(came) != 4:
        return ()
    try:
        found = sockets.parse("\n".join(rows))
    except ParseError:
        # Not known: what the console connected to is all that is left.
        return ()
    client, server = (word.partition("%")[0] for word in (came[0], came[2]))
    return tuple(one for one in found if same_address(one.address, client) and same_address(one.peer_address, server))


def _is_from_here(came: list[str]) -> bool:
    """Whether who connected to sshd has an address of this host, as far as addresses tell."""
    if len(came) != 4:
        return False
    client, server = (word.partition("%")[0] for word in (came[0], came[2]))
    return client == server or client == "::1" or client.startswith("127.")


def _came_by(words: list[str]) -> Endpoint | None:
    """The last two words of SSH_CONNECTION, sshd(8): CLIENT PORT SERVER PORT."""
    if len(words) != 4 or not words[3].isdecimal() or len(words[3]) > 5:
        return None
    return Endpoint("tcp", words[2].partition("%")[0], int(words[3]))


PROBE = Probe(name="identity", script=SCRIPT, parse=parse, timeout=10.0)
