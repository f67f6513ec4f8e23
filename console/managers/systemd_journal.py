"""The journal of units: ``journalctl -o json``, one object a line, systemd.journal-fields(7)."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from console.core.log_text import level_word, structured
from console.core.moments import plausible
from console.core.probe import ParseError
from console.core.service import ServiceRef
from console.core.snapshot import LogLine
from console.core.text import Masker, decode, mask, sanitise

FIELDS = "MESSAGE,PRIORITY,_PID"
CUT = "HOSTDECK_CUT"
"""The field by which our script tells how many bytes of a message it left out; not of the journal."""

# journalctl itself ends well and prints nothing when it may read only the user's own journal.
MAY_READ = """
hd_may_read() {
  hd_why="no journal is kept on this host"
  for hd_f in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
    [ -r "$hd_f" ] && return
    [ -e "${hd_f%/system.journal}" ] && hd_why="may not read the system journal: join group systemd-journal or adm"
  done
  echo "$hd_why" >&2
  return 4
}
hd_may_read || exit
"""

LINE_BYTES = 16384
"""Bytes of one entry as JSON from which on it is cut on the host."""
MESSAGE_BYTES = 4096
"""Bytes of its message that are kept then."""
ANSWER_BYTES = 524288
"""Bytes of one answer; of each unit as many of the newest lines as fit in its share."""

# Arguments: line, message, share. Prints the newest lines that fit; a line that is too long keeps its place and the
# beginning of its message. A quotation mark inside a JSON string is escaped, so the name of a field is only found where
# it is one; a cut must not leave half of an escape.
_CUT = r"""
hd_cut() {
  awk -v line="$1" -v most="$2" -v share="$3" '
function field(l, name) {
  return match(l, "\"" name "\":\"[^\"]*\"") ? "," substr(l, RSTART, RLENGTH) : ""
}
function text(m,  t, s) {
  t = m
  gsub(/\\./, "xx", t)
  missing = index(t, "\"") - 1
  s = substr(m, 1, missing < most ? missing : most)
  missing -= length(s)
  t = s
  gsub(/\\\\/, "xx", t)
  if (missing && match(t, /\\u?[0-9a-fA-F]?[0-9a-fA-F]?[0-9a-fA-F]?$/)) s = substr(s, 1, RSTART - 1)
  return "\"" s "\""
}
function bytes(m,  t, s) {
  t = substr(m, 1, index(m, "]") - 1)
  s = substr(t, 1, most * 3)
  missing = 0
  if (length(s) < length(t)) {
    sub(/,[0-9]*$/, "", s)
    t = substr(t, length(s) + 1)
    missing = gsub(/,/, ",", t)
  }
  return "[" s "]"
}
function short(l,  at, m) {
  at = index(l, "\"MESSAGE\":")
  m = substr(l, at + 10)
  missing = length(l)
  if (at && m ~ /^"/) m = text(substr(m, 2))
  else if (at && m ~ /^\[[0-9]/) m = bytes(substr(m, 2))
  else m = "\"\""
  return "{\"MESSAGE\":" m ",\"" cut "\":\"" missing "\"" field(l, "__REALTIME_TIMESTAMP") field(l, "__CURSOR") \
    field(l, "PRIORITY") field(l, "_PID") "}"
}
BEGIN { cut = "@CUT@" }
/^exit [0-9]+$/ { code = $2; next }
{ kept[NR] = length($0) > line ? short($0) : $0; last = NR }
END {
  for (first = last + 1; first > 1 && (sum += length(kept[first - 1]) + 1) <= share; first--);
  for (; first <= last; first++) print kept[first]
  exit code
}'
}
"""

# --all: without it, journalctl leaves out a message of more than 4096 bytes, such as a long stack trace.
_READ = r"""
hd_lines=60
case $1 in '' | *[!0-9]*) ;; *) hd_lines=$1; shift ;; esac
for hd_unit in "$@"; do
  echo "unit $hd_unit"
  {
    journalctl -q --all --no-pager -o json -n "$hd_lines" --output-fields=@FIELDS@ @UNIT@
    echo "exit $?"
  } | hd_cut @LINE@ @MESSAGE@ $((@ANSWER@ / $#)) || exit
done
"""


def _reading(match: str) -> str:
    limits = {"@LINE@": LINE_BYTES, "@MESSAGE@": MESSAGE_BYTES, "@ANSWER@": ANSWER_BYTES}
    text = _CUT.replace("@CUT@", CUT) + _READ.replace("@FIELDS@", FIELDS).replace("@UNIT@", match)
    for name, limit in limits.items():
        text = text.replace(name, str(limit))
    return text


JOURNAL_SCRIPT = MAY_READ + _reading('--unit="$hd_unit"')
USER_JOURNAL_SCRIPT = _reading('--user-unit="$hd_unit"')
# Of another user: --user-unit= would match that of this login's number.
LINGERING_JOURNAL_SCRIPT = "hd_uid=$1\nshift\n" + _reading(
    '"_UID=$hd_uid" "_SYSTEMD_USER_UNIT=$hd_unit" + "_UID=$hd_uid" "USER_UNIT=$hd_unit"'
)


def user_match(unit: str, uid: str | None) -> tuple[str, ...]:
    """The words of journalctl for a unit of a user's own manager; ``uid``: that of another user, as root asks."""
    if uid is None:
        return (f"--user-unit={unit}",)
    return f"_UID={uid}", f"_SYSTEMD_USER_UNIT={unit}", "+", f"_UID={uid}", f"USER_UNIT={unit}"


# The kernel's own words since Linux 2.6.36: "Out of memory: Killed process 123 (name) ...", "Memory cgroup out of ...".
OOM_SCRIPT = (
    MAY_READ.replace("hd_may_read || exit", "")
    + rf"""
if command -v journalctl >/dev/null 2>&1 && hd_may_read 2>/dev/null; then
  journalctl -q -k --no-pager -o json --output-fields={FIELDS} -n 5000 2>/dev/null |
    grep -E 'ut of memory: Kill|oom-kill:' | tail -n 40
  return 0
fi
dmesg >/dev/null || return
dmesg | grep -E 'ut of memory: Kill|oom-kill:' | tail -n 40
return 0
"""
)

_LEVELS = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")
"""By syslog priority 0..7."""

_ringbuffer = re.compile(r"\[ *\d+\.\d+\] ")


def parse_journal(text: str) -> tuple[LogLine, ...]:
    """Read the lines of several units, each after a line ``unit NAME``."""
    found = []
    ref = ServiceRef("", "systemd", "")
    maskers: dict[tuple[str, int | None], Masker] = {}
    for line in text.split("\n"):
        if line.startswith("unit "):
            ref = ServiceRef("", "systemd", line.removeprefix("unit "))
        elif line:
            read = journal_line(ref, line)
            if read is None:
                raise ParseError("one JSON object a line from journalctl", line)
            # A private key is one entry a line, between which other processes write theirs.
            masker = maskers.setdefault((ref.name, read.pid), Masker())
            found.append(replace(read, message=masker.mask(read.message)))
    return tuple(found)


def messages(text: str) -> str:
    """What ``journalctl -o cat`` prints."""
    try:
        return "\n".join(line.message for line in parse_journal(text))
    except ParseError:
        return text


def parse_oom(text: str) -> tuple[LogLine, ...]:
    """Read lines of the kernel's log, from the journal or from ``dmesg``."""
    ref = ServiceRef("", "systemd", "kernel")
    found = []
    for line in text.split("\n"):
        if line.startswith("{"):
            read = journal_line(ref, line)
            if read is None:
                raise ParseError("one JSON object a line from journalctl", line)
            found.append(read)
        elif line.strip():
            found.append(LogLine("", "kernel", "dmesg", mask(_ringbuffer.sub("", line, count=1)), level="error"))
    return tuple(found)


def journal_line(ref: ServiceRef, text: str) -> LogLine | None:
    """Read one line; ``None`` for what is no journal entry (``-- Boot ... --``)."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    message = _message(fields)
    if (missing := _number(fields.get(CUT))) is not None:
        message = f"{message}… [{missing} bytes cut]"
    written, extra = structured(message)
    priority = _number(fields.get("PRIORITY"))
    level = _LEVELS[priority] if priority is not None and priority < len(_LEVELS) else "info"
    if written is None and level == "info":
        # What a service prints on its standard output has the priority of information, whatever it says.
        written = level_word(message)
    microseconds = _number(fields.get("__REALTIME_TIMESTAMP"))
    return LogLine(
        ref.host,
        ref.name,
        "journal",
        extra.pop("message", message),
        at=None if microseconds is None else plausible(microseconds / 1e6),
        level=written or level,
        pid=_number(fields.get("_PID")),
        cursor=_text(fields.get("__CURSOR")),
        fields=tuple(sorted(extra.items())),
    )


def _message(fields: Mapping[str, object]) -> str:
    """A string; a list of bytes for what is not UTF-8 or holds control characters; null for what is too long.

    Sanitised here and not before: JSON's own escapes only become control characters now.
    """
    value = fields.get("MESSAGE")
    if isinstance(value, list):
        # An entry with several MESSAGE fields is a list of such values.
        if all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
            return mask(sanitise(decode(bytes(value))))
        return " ".join(_message({"MESSAGE": part}) for part in value if not isinstance(part, list))
    if isinstance(value, str):
        return mask(sanitise(value))
    return "(message not printed by journalctl: too long or not text)"


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else None


def _text(value: object) -> str | None:
    return sanitise(value) if isinstance(value, str) and value else None
