"""What a security module refused, as it wrote it down: AVC messages of SELinux, and denials of AppArmor.

auditd keeps them in a log of its own that only root reads (ausearch(8)); without auditd they are in the kernel's log.
"""

import re
from dataclasses import dataclass

from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT

_REFUSALS = r"""
# Of the records on its input, the last line of which is the status of what told them: from when on they are ("since",
# "-" where there is none), and the last ones that may be of a port.
hd_refusals() {
  LC_ALL=C awk -v since="$1" '
  function take(line) {
    if (since == "" && match(line, /audit\([0-9]+/)) since = substr(line, RSTART + 6, RLENGTH - 6)
    if (line ~ /denied  *\{[^}]*name_bind/ || line ~ /apparmor="DENIED".*(operation="bind"|net_bind_service)/)
      kept[found++ % 50] = line
  }
  NR > 1 { take(held) }
  { held = $0 }
  END {
    print "since " (since == "" ? "-" : since)
    for (i = found > 50 ? found - 50 : 0; i < found; i++) print kept[i % 50]
    exit held
  }'
}
"""
# All since the boot, in words that sudoers takes: a failure is read hours later. The start of auditd is the oldest
# record of a boot: where it is not among them, they do not reach back to it. That there is none is said as a failure.
AUDIT_SCRIPT = (
    AS_ROOT
    + _REFUSALS
    + r"""
if [ "$(id -u)" = 0 ] && ! command -v ausearch >/dev/null 2>&1; then
  echo "ausearch is not on this host" >&2
  return 127
fi
{
  hd_said=$({ { hd_as_root ausearch -m avc -m daemon_start -ts boot; echo "$?"; } | hd_refusals '' >&3; } 2>&1)
  hd_status=$?
} 3>&1
case $hd_said in *'<no matches>'*) return 0 ;; esac
[ "$hd_status" -eq 0 ] || printf '%s\n' "$hd_said" >&2
return "$hd_status"
"""
)
# $1: when the service failed, in whole seconds: the minute before and after it is read; without it the newest lines.
KERNEL_SCRIPT = (
    _REFUSALS
    + r"""
hd_log() { journalctl -k -q --no-pager -o short-unix "$@" 2>&1; }
if [ -n "${1-}" ]; then
  # Its oldest line: from there on none is missing.
  hd_oldest=$(hd_log | head -n 1)
  set -- --since "@$(($1 - 60))" --until "@$(($1 + 60))"
else
  set -- -n 2000
  hd_oldest=$(hd_log "$@" | head -n 1)
fi
case $hd_oldest in
[0-9]*) hd_oldest=${hd_oldest%%.*} ;;
'') hd_oldest=- ;;
*) printf '%s\n' "$hd_oldest" >&2; return 1 ;;
esac
{ hd_log "$@"; echo "$?"; } | hd_refusals "$hd_oldest"
"""
)
LABELS_SCRIPT = AS_ROOT + "hd_as_root semanage port -l\n"

_word = re.compile(r'(?P<name>\w+)=(?P<value>"[^"]*"|\S+)')
_since = re.compile(r"since (?P<at>-|\d{1,12})")
_stamp = re.compile(r"audit\((?P<at>\d{1,12}(?:\.\d{1,9})?):")
_avc = re.compile(r"denied\s+\{(?P<what>[^}]*)\}")
_label = re.compile(r"(?P<type>\w+)\s+(?P<protocol>tcp|udp|sctp|dccp)\s+(?P<ports>[\d,\s-]+)")


@dataclass(frozen=True, slots=True)
class Denial:
    """One refusal."""

    line: str
    """The message, as it was written."""
    module: str
    """``selinux`` or ``apparmor``."""
    what: str
    """``name_bind``; ``bind``, ``capable`` ..."""
    port: int | None = None
    process: str | None = None
    subject: str | None = None
    """The domain (``httpd_t``) or the profile."""
    label: str | None = None
    """The type of the port: ``unreserved_port_t``."""
    protocol: str | None = None
    """``tcp``, ``udp``; that of a socket that is neither: ``unix``. ``None`` where none is named."""
    at: float | None = None
    """The host's wall clock (Unix time, seconds)."""


@dataclass(frozen=True, slots=True)
class Denials:
    """What a log holds of refusals to bind."""

    since: float | None = None
    """From when on it was read whole, by the host's wall clock; ``None`` where nothing tells how far back it goes."""
    found: tuple[Denial, ...] = ()
    """Oldest first."""

    def reach(self, at: float | None) -> bool:
        """Whether what was refused at that moment would be among them."""
        return self.since is not None and (at is None or self.since <= at)


@dataclass(frozen=True, slots=True)
class PortLabel:
    """One line of ``semanage port -l``."""

    kind: str
    protocol: str
    ranges: tuple[tuple[int, int], ...]


def parse(text: str) -> Denials:
    """Read from when on the log was read, and messages of the audit system, one a line, oldest first; other lines are
    passed over."""
    first, _, rest = text.partition("\n")
    found = _since.fullmatch(first)
    if found is None:
        raise ParseError("since when the log was read", first)
    since = None if found["at"] == "-" else float(found["at"])
    return Denials(since, tuple(one for line in rest.splitlines() if (one := _denial(line)) is not None))


def _denial(line: str) -> Denial | None:
    """A message that something was refused; what is only noted (``permissive=1``) was not."""
    words = {match["name"]: match["value"].strip('"') for match in _word.finditer(line)}
    port = words.get("src", "")
    number = int(port) if port.isdecimal() and len(port) <= 5 else None
    stamp = _stamp.search(line)
    at = float(stamp["at"]) if stamp is not None else None
    if words.get("apparmor") == "DENIED":
        return Denial(line.strip(), "apparmor", words.get("operation", ""), number, words.get("comm"),
                      words.get("profile"), words.get("capname"), _spoken(words), at)  # fmt: skip
    found = _avc.search(line)
    if found is None or words.get("permissive") == "1":
        return None
    protocol = words["tclass"].removesuffix("_socket") if "tclass" in words else None
    return Denial(line.strip(), "selinux", found["what"].strip(), number, words.get("comm"),
                  _type(words.get("scontext")), _type(words.get("tcontext")), protocol, at)  # fmt: skip


def _spoken(words: dict[str, str]) -> str | None:
    """The protocol of the socket of which AppArmor tells the family and the type."""
    family = words.get("family")
    if family not in ("inet", "inet6"):
        return family
    return {"stream": "tcp", "dgram": "udp"}.get(words.get("sock_type", ""), family)


def _printed(text: str) -> str:
    """What the log itself says."""
    return text.partition("\n")[2]


def _type(context: str | None) -> str | None:
    """``system_u:system_r:httpd_t:s0`` has the type in its third part."""
    parts = (context or "").split(":")
    return parts[2] if len(parts) > 2 else None


def parse_labels(text: str) -> tuple[PortLabel, ...]:
    """Read ``semanage port -l``; its heading and empty lines are passed over."""
    found = []
    for line in text.splitlines():
        match = _label.fullmatch(line.strip())
        if match is not None:
            ranges = tuple(_range(word.strip()) for word in match["ports"].split(",") if word.strip())
            found.append(PortLabel(match["type"], match["protocol"], ranges))
    return tuple(found)


def _range(word: str) -> tuple[int, int]:
    low, _, high = word.partition("-")
    first = int(low[:6]) if low.isdecimal() else 0
    return first, int(high[:6]) if high.isdecimal() else first


AUDIT = Probe(
    name="audit_denials", script=AUDIT_SCRIPT, parse=parse, slow=True, cached=False, elevated=True, timeout=15.0,
    shown="(of ausearch -m avc -m daemon_start -ts boot: what was denied)", as_printed=_printed,
)  # fmt: skip
KERNEL = Probe(
    name="kernel_denials", script=KERNEL_SCRIPT, parse=parse, slow=True, cached=False, timeout=15.0,
    shown="(of journalctl -k: what was denied)", as_printed=_printed,
)  # fmt: skip
LABELS = Probe(
    name="port_labels", script=LABELS_SCRIPT, parse=parse_labels, slow=True, cached=False, elevated=True,
    timeout=15.0, shown="semanage port -l",
)  # fmt: skip
