"""What a security module refused, as it wrote it down: AVC messages of SELinux, and denials of AppArmor.

auditd keeps them in a log of its own that only root reads (ausearch(8)); without auditd they are in the kernel's log.
"""

import re
from dataclasses import dataclass

from console.core.probe import Probe
from console.probes.elevated import AS_ROOT

# "recent" is ten minutes. That there is none is said as a failure.
AUDIT_SCRIPT = (
    AS_ROOT
    + r"""
hd_found=$(hd_as_root ausearch -m avc -ts recent 2>&1)
hd_status=$?
case $hd_found in *'<no matches>'*) return 0 ;; esac
[ "$hd_status" -eq 0 ] || { printf '%s\n' "$hd_found" >&2; return "$hd_status"; }
printf '%s\n' "$hd_found" | grep -e 'denied  *{' -e 'apparmor="DENIED"' | tail -n 50
return 0
"""
)
KERNEL_SCRIPT = r"""
hd_log=$(journalctl -k -q --no-pager -o cat -n 2000 2>&1) || { printf '%s\n' "$hd_log" >&2; return 1; }
case $hd_log in *'insufficient permissions'*) printf '%s\n' "$hd_log" >&2; return 1 ;; esac
printf '%s\n' "$hd_log" | grep -e 'denied  *{' -e 'apparmor="DENIED"' | tail -n 50
return 0
"""
LABELS_SCRIPT = AS_ROOT + "hd_as_root semanage port -l\n"

_word = re.compile(r'(?P<name>\w+)=(?P<value>"[^"]*"|\S+)')
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


@dataclass(frozen=True, slots=True)
class PortLabel:
    """One line of ``semanage port -l``."""

    kind: str
    protocol: str
    ranges: tuple[tuple[int, int], ...]


def parse(text: str) -> tuple[Denial, ...]:
    """Read messages of the audit system, one a line, oldest first; other lines are passed over."""
    return tuple(found for line in text.splitlines() if (found := _denial(line)) is not None)


def _denial(line: str) -> Denial | None:
    words = {match["name"]: match["value"].strip('"') for match in _word.finditer(line)}
    port = words.get("src", "")
    number = int(port) if port.isdecimal() and len(port) <= 5 else None
    if words.get("apparmor") == "DENIED":
        return Denial(line.strip(), "apparmor", words.get("operation", ""), number, words.get("comm"),
                      words.get("profile"), words.get("capname"))  # fmt: skip
    found = _avc.search(line)
    if found is None:
        return None
    return Denial(line.strip(), "selinux", found["what"].strip(), number, words.get("comm"),
                  _type(words.get("scontext")), _type(words.get("tcontext")))  # fmt: skip


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
    name="audit_denials", script=AUDIT_SCRIPT, parse=parse, slow=True, cached=False, elevated=True,
    shown="ausearch -m avc -ts recent",
)  # fmt: skip
KERNEL = Probe(
    name="kernel_denials", script=KERNEL_SCRIPT, parse=parse, slow=True, cached=False, shown="journalctl -k"
)  # fmt: skip
LABELS = Probe(
    name="port_labels", script=LABELS_SCRIPT, parse=parse_labels, slow=True, cached=False, elevated=True,
    timeout=15.0, shown="semanage port -l",
)  # fmt: skip
