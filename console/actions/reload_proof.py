"""What proves a reload: the logs that it writes afterwards."""

from console.actions.checks import key
from console.actions.config_test import INSIDE
from console.actions.context import Context
from console.core.command import Command
from console.core.plan import Check

_MAIN = """
key=$1
shift
seen=$("$@") || exit 1
case $seen in *MainPID=*) pid=${seen#*MainPID=} pid=${pid%%[!0-9]*} ;; *) pid= ;; esac
[ "${pid:-0}" -gt 0 ] || { echo "it has no main process"; exit 77; }
"""

_LOGS = (
    _MAIN
    + """
[ -r "/proc/$pid/fd/0" ] || [ -n "$(ls "/proc/$pid/fd" 2>/dev/null)" ] || {
  echo "not seen: which files process $pid writes to is shown only to root and its own user"
  exit 77
}
# The name that a file had before it was rotated, or nothing.
before_rotation() {
  case $1 in
    *' (deleted)') echo "${1% (deleted)}" ;;
    *.[0-9]) echo "${1%.*}" ;;
    *.[0-9][0-9] | *.old) echo "${1%.*}" ;;
    *-[12][0-9][0-9][0-9][01][0-9][0-3][0-9]) echo "${1%-*}" ;;
  esac
}
# Files that process $pid writes to, as "rotated PATH" or "current PATH". Of a file that was renamed the kernel shows
# the new name; one that was removed has " (deleted)" behind it (proc_pid_fd(5)). Flags are octal: 1, 2 are writing.
written() {
  ls -l "/proc/$pid/fd" 2>/dev/null | sed -n 's/.* \\([0-9][0-9]*\\) -> \\(\\/.*\\)$/\\1 \\2/p' |
  while read -r fd path; do
    # What never had a name of its own cannot be rotated: memfd_create(2) and O_TMPFILE.
    case $path in /dev/* | /proc/* | /sys/* | /memfd:* | */'#'[0-9]*' (deleted)') continue ;; esac
    [ -f "/proc/$pid/fd/$fd" ] || continue
    flags=
    while read -r word value; do [ "$word" != flags: ] || flags=$value; done 2>/dev/null <"/proc/$pid/fdinfo/$fd"
    case $flags in *[12]) ;; *[56]) ;; *) continue ;; esac
    plain=$(before_rotation "$path")
    if [ -n "$plain" ]; then echo "rotated $plain"; else echo "current $path"; fi
  done | sort -u
}
"""
)

_NOTE_LOGS = (
    _LOGS
    + """
# Who writes to db and to db.1 has rotated neither; "current" is sorted first.
written | awk '
  { path = substr($0, index($0, " ") + 1) }
  $1 == "current" { open[path] = 1 }
  $1 == "current" || !(path in open)' >"$HOSTDECK_PLAN/logs.$key"
old=$(sed -n 's/^rotated //p' "$HOSTDECK_PLAN/logs.$key" | tr '\\n' ' ')
if [ -n "$old" ]; then echo "process $pid writes to a file that was rotated away: $old"
else echo "process $pid writes to no file that was rotated away"; fi
"""
)
"""KEY COMMAND...: keep which files the main process writes to."""

_REOPENED = (
    _LOGS
    + """
[ -e "$HOSTDECK_PLAN/logs.$key" ] || { echo "not seen before the reload"; exit 77; }
# Of those noted before: what is written to still, though a new file has its name, and where none has.
still() {
  now=$(written) left='' nameless=''
  while read -r word path; do
    case "$word
$now
" in rotated*"
rotated $path
"*) if [ -f "$path" ]; then left="$left$path "; else nameless="$nameless $path"; fi ;; esac
  done <"$HOSTDECK_PLAN/logs.$key"
}
# It may be at it just now; whoever has no new file is not asked again from outside.
still
for again in 1 2 3; do
  [ -n "$nameless" ] && [ -z "$left" ] || break
  sleep 1
  still
done
[ -z "$left" ] || { echo "process $pid still writes to what was rotated away, not to $left"; exit 1; }
told=
while read -r word path; do
  [ "$word" = rotated ] || continue
  case "
$now
" in
    *"
current $path
"*) told="$told $path" ;;
    *"
rotated $path
"*) ;;
    *) told="$told $path (not opened again)" ;;
  esac
done <"$HOSTDECK_PLAN/logs.$key"
if [ -n "$told" ]; then echo "writes to the new file:$told"
elif [ -n "$nameless" ]; then echo "it writes on to what no new file has replaced:$nameless"
else echo "it writes to no file that was rotated away"; fi
"""
)
"""KEY COMMAND...: the main process writes to no noted file that a new one has replaced, but to the new ones."""


def note_logs(context: Context) -> tuple[Check, ...]:
    """Before: which files it writes to."""
    return _look(context, f"see which logs {context.name} writes", _NOTE_LOGS, within=0)


def reopened(context: Context) -> tuple[Check, ...]:
    """After: it writes to none that was rotated away."""
    return _look(context, f"{context.name} writes to its present logs", _REOPENED, within=5.0)


def _look(context: Context, name: str, script: str, within: float) -> tuple[Check, ...]:
    if context.traceable is None or context.service.ref.manager in INSIDE:
        return ()
    words = (key(context.service.ref), *context.traceable.run_id(context.service).argv)
    return (Check(name, Command(("sh", "-c", script, "sh", *words)), within=within),)
