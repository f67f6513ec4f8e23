"""Which run of a service it is, noted and looked at again: constant POSIX sh as ``console.actions.scripts``."""

from console.actions.scripts import MAIN_PID

REMEMBER = """
key=$1
shift
seen=$("$@") || exit 1
printf '%s\\n' "$seen" >"$HOSTDECK_PLAN/run.$key"
"""
"""KEY COMMAND...: keep what names the present run of a service."""

_BOTH = (
    MAIN_PID
    + """
# Whether $now names no run, but for what counts how often it was started.
no_run() { [ "$(printf '%s\\n' "$now" | grep -v -e '^Keeps=' -e '^Again=')" = MainPID=0 ]; }
key=$1
shift
was=$(cat "$HOSTDECK_PLAN/run.$key") && now=$("$@") || exit 1
main_pid "$was"
before=$main
main_pid "$now"
"""
)
"""KEY COMMAND...: the run that is remembered and the present one, each with its main process."""

SAME_RUN = (
    _BOTH
    + """
if [ "$now" != "$was" ]; then
  echo "another run: pid $before -> $main"
  exit 1
fi
echo "pid unchanged: $main"
"""
)
"""KEY COMMAND...: still the remembered run."""

NEW_RUN = (
    _BOTH
    + """
# count=the sum of the lines NAME=N of $2.
count_of() {
  count=0
  while IFS= read -r line; do
    case $line in
      "$1"=*[!0-9]* | "$1"=) ;;
      "$1"=*) count=$((count + ${line#*=})) ;;
    esac
  done <<END
$2
END
}
if [ "$now" = "$was" ]; then
  echo "still the run of before, pid $main"
  exit 1
fi
if [ -e "$HOSTDECK_PLAN/new.$key" ]; then
  first=$(cat "$HOSTDECK_PLAN/new.$key")
  if [ "$first" != "$now" ]; then
    now_main=$main
    main_pid "$first"
    if [ "${now_main:-0}${main:-0}" = 00 ]; then echo "started once more by itself"
    elif [ "${now_main:-0}" = 0 ]; then echo "its process ended, pid $main"
    else echo "started once more by itself, pid $main -> $now_main"; fi
    exit 1
  fi
else
  if no_run; then
    echo "it has no process"
    exit 1
  fi
  count_of Keeps "$was"
  kept=$count
  count_of Again "$now"
  if [ "$count" != 0 ] && [ "$count" != "$kept" ]; then
    echo "started once more by itself before it was first looked at, pid ${before:-0} -> ${main:-0}"
    exit 1
  fi
  printf '%s\\n' "$now" >"$HOSTDECK_PLAN/new.$key"
fi
if [ "${main:-0}" = 0 ]; then echo "a new run"
elif [ "${before:-0}" = 0 ]; then echo "pid $main, none before"
else echo "pid $before -> $main"; fi
"""
)
"""KEY COMMAND...: another run than the remembered one, not started by itself, and the same at every look."""

RAN_ANEW = (
    _BOTH
    + """
if no_run; then
  echo "not checked: of a run that has ended its manager keeps nothing"
  exit 77
fi
if [ "$now" = "$was" ]; then
  echo "it did not run again"
  exit 1
fi
echo "a new run"
"""
)
"""KEY COMMAND...: another run than the remembered one, of a service that ends by itself."""
