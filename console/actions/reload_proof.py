"""What proves a reload: the logs that it writes afterwards."""

from console.actions.checks import key
from console.actions.config_test import INSIDE
from console.actions.context import Context
from console.core.command import Command
from console.core.plan import Check

_MAIN = """
key=$1 count=$2
shift 2
declared='' newline='
'
while [ "$count" -gt 0 ]; do
  declared=$declared$1$newline count=$((count - 1))
  shift
done
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
# at=where the process sees path $1: with PrivateTmp= in a directory of its own.
at() { if [ -e "/proc/$pid/root$1" ]; then at=/proc/$pid/root$1; else at=$1; fi; }
# Whether file $1 had begun before that of descriptor $2: then it did not come in its place. Not every host tells that.
begun_before() {
  first=$(stat -L -c %.W "$1" 2>/dev/null) second=$(stat -L -c %.W "$2" 2>/dev/null)
  for began in "$first" "$second"; do case $began in '' | 0* | *[!0-9.]*) return 1 ;; esac; done
  awk -v first="$first" -v second="$second" 'BEGIN { exit !(first + 0 < second + 0) }'
}
# stamp=what name $1 ends with that is a date, with or without a time, or seconds since 1970; else empty.
dated() {
  stamp=${1##*[!0-9._-]}
  case $stamp in
    "$1") stamp= ;;
    [-._][12][0-9][0-9][0-9][01][0-9][0-3][0-9]*) ;;
    [-._][12][0-9][0-9][0-9][-._][01][0-9][-._][0-3][0-9]*) ;;
    [-._][1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*) ;;
    *) stamp= ;;
  esac
}
# plain=the name that $1 had before it was rotated, or nothing, by the ways that logrotate(8) and others have of naming.
before_rotation() {
  plain=${1% (deleted)}
  file=${plain##*/}
  dated "$file"
  if [ -n "$stamp" ]; then plain=${plain%"$stamp"}; return; fi
  case $file in
    ?*.old | ?*.bak | ?*.orig | ?*.prev) plain=${plain%.*}; return ;;
    ?*'~') plain=${plain%?}; return ;;
  esac
  last=${file##*.}
  case $file in
    ?*."$last") case $last in *[!0-9]* | '') ;; *) plain=${plain%.*}; return ;; esac ;;
  esac
  # With "extension .log" it keeps that: api-20261120.log; whether api.1.log is one of these only a declared name tells.
  case $file in
    ?*.*)
      dated "${file%.*}"
      if [ -n "$stamp" ]; then plain=${plain%"$stamp.$last"}.$last; return; fi
      number=${file%.*} number=${number##*.}
      case $number in
        *[!0-9]* | '') ;;
        *)
          first=${plain%".$number.$last"}.$last
          case $newline$declared in *"$newline$first$newline"*) plain=$first; return ;; esac
          ;;
      esac
      ;;
  esac
  [ "$plain" != "$1" ] || plain=
}
# name=what the file of descriptor $1 is declared as, where it is that of a declared name.
known() {
  name=
  while IFS= read -r name; do
    [ -n "$name" ] || continue
    at "$name"
    if [ "$1" -ef "$at" ] || [ "$1" -ef "$name" ]; then return; fi
  done <<END
$declared
END
  name=
}
# Files that process $pid writes to, as "rotated PATH" or "current PATH". Of a file that was renamed the kernel shows
# the new name; one that was removed has " (deleted)" behind it (proc_pid_fd(5)). Flags are octal: 1, 2 are writing.
written() {
  ls -l "/proc/$pid/fd" 2>/dev/null | sed -n 's/.* \\([0-9][0-9]*\\) -> \\(\\/.*\\)$/\\1 \\2/p' |
  while IFS= read -r line; do
    fd=/proc/$pid/fd/${line%% *} path=${line#* }
    # What never had a name of its own cannot be rotated: memfd_create(2) and O_TMPFILE.
    case $path in /dev/* | /proc/* | /sys/* | /memfd:* | */'#'[0-9]*' (deleted)') continue ;; esac
    [ -f "$fd" ] || continue
    flags=
    while read -r word value; do
      [ "$word" != flags: ] || flags=$value
    done 2>/dev/null <"/proc/$pid/fdinfo/${line%% *}"
    case $flags in *[12]) ;; *[56]) ;; *) continue ;; esac
    known "$fd"
    if [ -n "$name" ]; then echo "current $name"; continue; fi
    before_rotation "$path"
    at "$plain"
    # A name that leads to it, or that was there before it, is not that of a new file.
    if [ -z "$plain" ] || [ "$fd" -ef "$at" ] || begun_before "$at" "$fd"; then echo "current $path"
    else echo "rotated $plain"; fi
  done | sort -u
}
# The paths of the lines of $1 that begin with $2, the first three of them.
paths() {
  printf '%s\\n' "$1" | awk -v word="$2 " '
    index($0, word) == 1 { n++; if (n < 4) printf "%s%s", (n > 1 ? " " : ""), substr($0, length(word) + 1) }
    END { if (n > 3) printf " and %d more", n - 3 }'
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
noted=$(cat "$HOSTDECK_PLAN/logs.$key")
old=$(paths "$noted" rotated) now=$(paths "$noted" current)
if [ -n "$old" ]; then echo "process $pid writes to a file that was rotated away: $old"
elif [ -n "$now" ]; then echo "process $pid writes to $now"
else echo "process $pid writes to no file"; fi
"""
)
"""KEY N PATH... COMMAND...: keep which files the main process writes to; the N paths are declared as its logs."""

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
"*) at "$path"; if [ -f "$at" ]; then left="$left$path "; else nameless="$nameless $path"; fi ;; esac
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
open=$(paths "$now" current) held='' missed=''
while IFS= read -r path; do
  case "$path
$now
" in
    "$newline"*) ;;
    *"
current $path
"*) case "$told " in *" $path "*) ;; *) held="$held $path" ;; esac ;;
    *) missed="$missed $path" ;;
  esac
done <<END
$declared
END
if [ -n "$missed" ]; then
  echo "not told: it has not open$missed, which is declared as its log; it writes to ${open:-no file}"
  exit 77
fi
if [ -n "$told" ]; then echo "writes to the new file:$told${held:+; and to$held}"
elif [ -n "$held" ]; then echo "writes to the file that has this name now:$held"
elif [ -n "$open" ]; then
  echo "not told: it writes to $open; that these are the names of its logs is for logs = [...] of the service to say"
  exit 77
elif [ -n "$nameless" ]; then echo "it writes on to what no new file has replaced:$nameless"
else echo "it writes to no file"; fi
"""
)
"""KEY N PATH... COMMAND...: the main process writes to no noted file that a new one has replaced, but to the new ones.

Of the N declared paths it has those open that are there now, by device and inode.
"""


def note_logs(context: Context) -> tuple[Check, ...]:
    """Before: which files it writes to."""
    return _look(context, f"see which logs {context.name} writes", _NOTE_LOGS, within=0)


def reopened(context: Context) -> tuple[Check, ...]:
    """After: it writes to none that was rotated away."""
    return _look(context, f"{context.name} writes to its present logs", _REOPENED, within=5.0)


def _look(context: Context, name: str, script: str, within: float) -> tuple[Check, ...]:
    if context.traceable is None or context.service.ref.manager in INSIDE:
        return ()
    logs = context.settings.declared_logs
    words = (key(context.service.ref), str(len(logs)), *logs, *context.traceable.run_id(context.service).argv)
    return (Check(name, Command(("sh", "-c", script, "sh", *words)), within=within),)
