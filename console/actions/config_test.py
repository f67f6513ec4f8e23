"""The test of a configuration before a reload or a restart has it read anew: with a mistake in it nothing is done."""

from console.actions.context import Context
from console.core.command import Command
from console.core.plan import Check
from console.core.way_in import is_way_to_host
from console.managers.acting import Launching
from console.managers.first_words import FIRST_WORDS
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
INSIDE = frozenset({"docker", "compose", "kubernetes"})
"""Managers whose services have files and programs of their own, which the host does not see."""

_BLAME = """
# What a test said, the line that names a place in a file last: that is the one that is told.
blame() {
  printf '%s\\n' "$1"
  printf '%s\\n' "$1" | grep -E ':[0-9]+|line [0-9]+' | head -n 1
}
"""

_TEST = (
    AS_ROOT
    + FIRST_WORDS
    + _BLAME
    + """
tool=$1 as=$2 own=$3
shift 3
launched() { [ $# = 0 ] || "$@"; }
begins=$(first_words "$own" launched "$@") || begins=
shift "$own"
seen=$("$@") || exit 1
case $seen in *MainPID=*) pid=${seen#*MainPID=} pid=${pid%%[!0-9]*} ;; *) pid= ;; esac
[ "${pid:-0}" -gt 0 ] || { echo "it has no main process"; exit 77; }
# What is told of how it is started anew, else how the process was.
if [ -n "$begins" ]; then
  who='its new process'
  words() { printf '%s\\n' "$begins"; }
else
  who="process $pid"
  words() { tr '\\000' '\\n' <"/proc/$pid/cmdline" 2>/dev/null; }
fi
# What it is given of the options named in $1, an option and its value by turns, one a line. nginx and sshd tell their
# state in their title, which makes one word of all.
given() {
  words | awk -v names="$1" '
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
[ -n "$(words)" ] || untested "how process $pid was started is not to be seen"
case $tool in
  nginx) names='-c -p -g -e' absolute='-p' ;;
  haproxy) names='-f --' absolute='-f' ;;
  sshd) names='-f' absolute='-f' ;;
  promtool) names='--config.file' absolute='--config.file' ;;
  *) names='-f -d' absolute=- ;;
esac
options=$(given "$names")
case $tool in
  nginx) set -- nginx -t -q ;;
  haproxy) set -- haproxy -c -q; [ -n "$options" ] || untested "which files $who reads is not known" ;;
  sshd) set -- sshd -t ;;
  promtool) set -- promtool check config; [ -n "$options" ] || set -- "$@" /etc/prometheus/prometheus.yml ;;
  *) set -- "$tool" -t; [ -z "$options" ] || untested "$who reads files of its own" ;;
esac
while [ -n "$options" ] && read -r option && IFS= read -r value; do
  case $option$value in
    "$absolute"/*) ;;
    "$absolute"* | "$option") untested "$who reads $value, and where that is is not known" ;;
  esac
  case $option in
    --) untested "which files $who reads is not known" ;;
    --config.file) set -- "$@" "$value"; continue ;;
    # How it runs is nothing to test, and a right to "nginx -t -q" stays enough.
    -g)
      value=$(printf '%s' "$value" | sed -E 's/(daemon|master_process) +(on|off);? *//g')
      [ -n "$value" ] || continue
      ;;
  esac
  set -- "$@" "$option" "$value"
done <<END
$options
END
command -v "$1" >/dev/null 2>&1 || { echo "not tested: $1 is not on this host"; exit 77; }
if [ "$as" = self ]; then said=$("$@" 2>&1); else said=$(hd_as_root "$@" 2>&1); fi
done=$?
case $done in
  0) echo "$* is content" ;;
  77 | 78)
    [ "$as" != sure ] || { echo "it is the way to this host, which nobody restarts untested: $said"; exit 1; }
    echo "not tested: $said"
    exit 77
    ;;
  *) blame "${said:-$* ended with $done}"; exit 1 ;;
esac
"""
)
"""TOOL AS N LAUNCH... COMMAND...: the configuration of the main process that COMMAND prints is without mistakes.

Where the N words LAUNCH... print how a new one is started, it is that of the new one. AS: ``root`` or ``self``, or
``sure`` for root where a test that may not be run counts as a mistake.
"""

_OWN_TEST = (
    AS_ROOT
    + _BLAME
    + """
# Of the test's own 77 or 78 nothing is known but that it failed; by another it was not run at all.
said=$(
  hd_status=
  hd_as_root "$@" 2>&1
  done=$?
  [ "$(id -u)" != 0 ] || hd_status=$done
  case $done$hd_status in 7777 | 7878) echo "$* ended with $done"; exit 1 ;; esac
  exit "$done"
)
done=$?
case $done in
  0) echo "$1 is content" ;;
  77 | 78) echo "not tested: $said"; exit 77 ;;
  *) blame "${said:-$* ended with $done}"; exit 1 ;;
esac
"""
)
"""COMMAND...: the configured test."""


def before_reload(context: Context) -> tuple[Check, ...]:
    """Before: what the running process would read is without mistakes; a test that may not be run is skipped."""
    return _test(context, "root")


def before_restart(context: Context) -> tuple[Check, ...]:
    """Before what runs is ended: what a new process would read is without mistakes, else it would not come up.

    Of what is down its start tells as much, and takes nothing away. Once it is down some tests fail by that alone.
    """
    if context.service.pid is None:
        return ()
    manager, service = context.manager, context.service
    known = manager.launch(service).argv if isinstance(manager, Launching) else ()
    return _test(context, "sure" if is_way_to_host(service) else "root", known)


def _test(context: Context, rights: str, launch: tuple[str, ...] = ()) -> tuple[Check, ...]:
    own = context.settings.reload_test
    name = f"the configuration of {context.name} is without mistakes"
    if own:
        return (Check(name, Command(("sh", "-c", _OWN_TEST, "sh", *own), timeout=60.0), within=0),)
    tool = _TESTED.get(context.name.removesuffix(".service").partition("@")[0].rpartition(":")[2])
    if tool is None or context.traceable is None or context.service.ref.manager in INSIDE:
        return ()
    rights = rights if context.service.ref.scope == "system" else "self"
    words = (tool, rights, str(len(launch)), *launch, *context.traceable.run_id(context.service).argv)
    return (Check(name, Command(("sh", "-c", _TEST, "sh", *words), timeout=60.0), within=0),)
