"""What a reload is tested with before, and what proves it afterwards: the configuration, and the logs it writes."""

from console.actions.checks import key
from console.actions.context import Context
from console.core.command import Command
from console.core.plan import Check
from console.probes.elevated import AS_ROOT

_TESTED = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "ssh": "sshd",
    "sshd": "sshd",
    "prometheus": "promtool",
    "apache2": "apachectl",
    "httpd": "apachectl",
}
"""Services by their name, and the program that tests their configuration."""
_INSIDE = frozenset({"docker", "compose", "kubernetes"})
"""Managers whose services have files and programs of their own, which the host does not see."""

_MAIN = """
key=$1
shift
seen=$("$@") || exit 1
case $seen in *MainPID=*) pid=${seen#*MainPID=} pid=${pid%%[!0-9]*} ;; *) pid= ;; esac
[ "${pid:-0}" -gt 0 ] || { echo "it has no main process"; exit 77; }
"""

_BLAME = """
# What a test said, the line that names a place in a file last: that is the one that is told.
blame() {
  printf '%s\\n' "$1"
  printf '%s\\n' "$1" | grep -E ':[0-9]+|line [0-9]+' | head -n 1
}
"""

_TEST = (
    AS_ROOT
    + _BLAME
    + """
tool=$1
shift
"""
    + _MAIN
    + """
# What the running process was given of the options named in $1, an option and its value by turns, one a line. nginx and
# sshd tell their state in their title, which makes one word of all.
given() {
  tr '\\000' '\\n' <"/proc/$pid/cmdline" 2>/dev/null | awk -v names="$1" '
    BEGIN { split(names, name, " ") }
    NF { word[++words] = $0 }
    END {
      title = words == 1
      if (title) words = split(word[1], word, " ")
      for (i = 1; i <= words; i++) for (n in name) {
        if (index(word[i], name[n]) != 1) continue
        value = substr(word[i], length(name[n]) + 1)
        sub(/^=/, "", value)
        if (value == "") value = word[++i]
        if (name[n] == "-g" && title) while (i < words && word[i + 1] !~ /^-/) value = value " " word[++i]
        print name[n]
        print value
        break
      }
    }'
}
untested() { echo "not tested: $1"; exit 77; }
[ -n "$(tr -d '\\000' <"/proc/$pid/cmdline" 2>/dev/null)" ] || untested "how process $pid was started is not to be seen"
case $tool in
  nginx) names='-c -p -g -e' absolute='-p' ;;
  haproxy) names='-f --' absolute='-f' ;;
  sshd) names='-f' absolute='-f' ;;
  promtool) names='--config.file' absolute='--config.file' ;;
  *) names='-f -d' absolute=- ;;
esac
words=$(given "$names")
case $tool in
  nginx) set -- nginx -t -q ;;
  haproxy) set -- haproxy -c -q; [ -n "$words" ] || untested "which files process $pid reads is not known" ;;
  sshd) set -- sshd -t ;;
  promtool) set -- promtool check config; [ -n "$words" ] || set -- "$@" /etc/prometheus/prometheus.yml ;;
  *) set -- "$tool" -t; [ -z "$words" ] || untested "process $pid reads files of its own" ;;
esac
while [ -n "$words" ] && read -r option && IFS= read -r value; do
  case $option$value in
    "$absolute"/*) ;;
    "$absolute"* | "$option") untested "process $pid reads $value, and where that is is not known" ;;
  esac
  case $option in
    --) untested "which files process $pid reads is not known" ;;
    --config.file) set -- "$@" "$value"; continue ;;
    # How it runs is nothing to test, and a right to "nginx -t -q" stays enough.
    -g)
      value=$(printf '%s' "$value" | sed -E 's/(daemon|master_process) +(on|off);? *//g')
      [ -n "$value" ] || continue
      ;;
  esac
  set -- "$@" "$option" "$value"
done <<END
$words
END
command -v "$1" >/dev/null 2>&1 || { echo "not tested: $1 is not on this host"; exit 77; }
said=$(hd_as_root "$@" 2>&1)
done=$?
case $done in
  0) echo "$* is content" ;;
  77) echo "not tested: $said"; exit 77 ;;
  *) blame "${said:-$* ended with $done}"; exit 1 ;;
esac
"""
)
"""TOOL KEY COMMAND...: the configuration of the main process that COMMAND prints is without mistakes."""

_OWN_TEST = (
    AS_ROOT
    + _BLAME
    + """
# Of the test's own 77 nothing is known but that it failed; by another 77 it was not run at all.
said=$(
  hd_status=
  [ "$(id -u)" != 0 ] || hd_status=77
  hd_as_root "$@" 2>&1
  done=$?
  [ "$done$hd_status" != 7777 ] || { echo "$* ended with 77"; exit 1; }
  exit "$done"
)
done=$?
case $done in
  0) echo "$1 is content" ;;
  77) echo "not tested: $said"; exit 77 ;;
  *) blame "${said:-$* ended with $done}"; exit 1 ;;
esac
"""
)
"""COMMAND...: the configured test."""

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


def config_test(context: Context) -> tuple[Check, ...]:
    """Before: the configuration that would be read is without mistakes; a test that may not be run is skipped."""
    own = context.settings.reload_test
    name = f"the configuration of {context.name} is without mistakes"
    if own:
        return (Check(name, Command(("sh", "-c", _OWN_TEST, "sh", *own), timeout=60.0), within=0),)
    tool = _TESTED.get(context.name.removesuffix(".service").partition("@")[0].rpartition(":")[2])
    if tool is None or context.traceable is None or context.service.ref.manager in _INSIDE:
        return ()
    words = (tool, key(context.service.ref), *context.traceable.run_id(context.service).argv)
    return (Check(name, Command(("sh", "-c", _TEST, "sh", *words), timeout=60.0), within=0),)


def note_logs(context: Context) -> tuple[Check, ...]:
    """Before: which files it writes to."""
    return _look(context, f"see which logs {context.name} writes", _NOTE_LOGS, within=0)


def reopened(context: Context) -> tuple[Check, ...]:
    """After: it writes to none that was rotated away."""
    return _look(context, f"{context.name} writes to its present logs", _REOPENED, within=5.0)


def _look(context: Context, name: str, script: str, within: float) -> tuple[Check, ...]:
    if context.traceable is None or context.service.ref.manager in _INSIDE:
        return ()
    words = (key(context.service.ref), *context.traceable.run_id(context.service).argv)
    return (Check(name, Command(("sh", "-c", script, "sh", *words)), within=within),)
