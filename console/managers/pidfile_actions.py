"""Starting and stopping a process that nobody manages, as constant POSIX sh; everything that varies is an argument."""

from console.managers.process_looks import LOOKS as _LOOKS

LOOKS = (
    """
# The number in the pid file: sets named; 1 where it cannot be read, empty where there is none.
number() {
  named=
  [ -e "$file" ] || return 0
  [ -f "$file" ] && [ -r "$file" ] || return 1
  { read -r named rest || :; } <"$file"
  case $named in *[!0-9]* | 0* | ???????????*) named= ;; esac
  return 0
}
# Whether the pid file may speak of process $named, which runs: whoever owns a file, or a link to it, can put any number
# there, so it is root's or of the user of that process. Sets foreign to why it is not.
owned() {
  foreign= user= of=
  while read -r key value rest; do
    case $key in Uid:) user=$value ;; esac
  done 2>/dev/null <"/proc/$named/status"
  for of in $(stat -c %u -- "$file" 2>/dev/null) $(stat -L -c %u -- "$file" 2>/dev/null); do
    [ "$of" = 0 ] || [ "$of" = "$user" ] ||
      foreign="$file is of another user (uid $of) than process $named (uid ${user:-?})"
  done
  [ -n "$of" ] || foreign="whose $file is cannot be seen"
  [ -z "$foreign" ]
}
"""
    + _LOOKS
)

_STOP = """
# Signals process $pid that started at $began, and nothing else, and waits until it has ended; $outlived if it runs on.
stop() {
  number || { echo "$file cannot be read"; return 1; }
  if ! runs "$pid"; then
    if [ "$named" != "$pid" ] && runs "$named"; then
      echo "$name was started again meanwhile: it is process $named by now"
      return 1
    fi
    echo "process $pid has ended already"
    forget
    return 0
  fi
  # A file that names nothing takes nothing from what the number and the start say.
  if [ -n "$named" ] && [ "$named" != "$pid" ]; then
    echo "$file names $named by now, not $pid: nothing was signalled"
    return 1
  fi
  runs "$pid" && [ "$ticks" = "$began" ] || {
    echo "process $pid is another one than before: nothing was signalled"
    return 1
  }
  kill -s "$signal" "$pid" || return 1
  left=$((seconds * 5))
  while runs "$pid" && [ "$ticks" = "$began" ]; do
    if [ "$left" -le 0 ]; then
      does='does not end'
      hears || does='ignores SIGTERM'
      # A later plan may be allowed more for that; through sudo it cannot be noted.
      [ -z "${HOSTDECK_PLAN-}" ] || : >"$HOSTDECK_PLAN/outlived.$pid.$began"
      echo "process $pid $does: it still runs $seconds s after SIG$signal; it was not killed"
      return "$outlived"
    fi
    nap
    left=$((left - spent))
  done
  forget
  echo "process $pid ended"
}
hears() { [ "$signal" != TERM ] || ! deaf "$pid"; }
# What was signalled and still runs is given the same time once more: it must not end later with nobody to start it.
outlast() {
  left=$((seconds * 5))
  while runs "$pid" && [ "$ticks" = "$began" ]; do
    if [ "$left" -le 0 ]; then
      late="$((2 * seconds)) s after SIG$signal"
      echo "process $pid still runs $late; it may still end, and nothing starts $name then"
      return "$outlived"
    fi
    nap
    left=$((left - spent))
  done
  forget
  echo "process $pid ended, more than $seconds s after SIG$signal"
}
# Stops it before a start, however late it ends; what ignores the signal is not waited for.
down() {
  code=0
  stop || code=$?
  [ "$code" = "$outlived" ] && hears || return "$code"
  outlast
}
# Before a start that undoes a stop: process $pid may have been signalled and not have ended yet.
drained() {
  number || { echo "$file cannot be read"; return 1; }
  [ -z "$named" ] || [ "$named" = "$pid" ] || return 0
  runs "$pid" && [ "$ticks" = "$began" ] && hears && kill -s 0 "$pid" 2>/dev/null || return 0
  outlast
}
forget() {
  if number && [ "$named" = "$pid" ]; then rm -f -- "$file" 2>/dev/null || :; fi
}
"""

_START = """
# Whether the command can be started at all: looked at before anything is stopped.
ready() {
  cd -- "$directory" || return 1
  case $1 in
    */*) [ -f "$1" ] && [ -x "$1" ] ;;
    *) command -v -- "$1" >/dev/null ;;
  esac || { echo "$(id -un) cannot run $1: it is not there, or not executable"; return 1; }
  (: >>"$log") 2>/dev/null || { echo "$(id -un) cannot write its log $log"; return 1; }
  place=${file%/*}
  [ -w "${place:-/}" ] || [ -w "$file" ] || { echo "$(id -un) cannot write its pid file $file"; return 1; }
  plain=
  if env --default-signal true 2>/dev/null; then plain=env
  elif command -v perl >/dev/null; then plain=perl
  elif deaf self; then
    echo "what is started here would ignore SIGTERM: this host has neither env --default-signal nor perl"
    return 1
  fi
}
# A plan ignores signals, what runs in the background of a shell too, and a shell cannot take that back.
launch() {
  apart=setsid
  command -v setsid >/dev/null || apart=nohup
  case $plain in
    env) exec $apart env --default-signal "$@" ;;
    perl) exec $apart perl -e '$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT TERM PIPE); exec {$ARGV[0]} @ARGV' "$@" ;;
    *) exec $apart "$@" ;;
  esac
}
start() {
  number || { echo "$file cannot be read"; return 1; }
  if runs "$named" && [ "$named $ticks" != "$wrong" ]; then
    owned || { echo "$foreign: nothing was started"; return 1; }
    echo "$name runs already as process $named"
    return 0
  fi
  foreign=
  rm -f -- "$file" 2>/dev/null || : >"$file"
  # What is the plan's own and would be taken for the service's.
  unset HOSTDECK_PLAN HOSTDECK_SINCE LC_ALL SYSTEMD_PAGER SYSTEMD_COLORS SYSTEMD_LESS
  unset INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID
  launch "$@" </dev/null >>"$log" 2>&1 &
  child=$!
  tries=0
  # Most daemons write the file themselves, and some refuse to start where there is one.
  while [ "$tries" -lt 50 ]; do
    nap
    tries=$((tries + spent))
    if number && runs "$named"; then
      owned || continue
      echo "$name runs as process $named"
      return 0
    fi
    if runs "$child"; then
      [ "$tries" -ge 5 ] || continue
      echo "$child" >"$file" || { echo "process $child runs, but $file cannot be written"; return 1; }
      continue
    fi
    if [ "$child" != ended ]; then
      wait "$child" || { echo "it ended at once with exit status $?: $(tail -n 1 -- "$log" 2>/dev/null)"; return 1; }
      child=ended
    fi
  done
  echo "${foreign:-it left no process whose number is in $file}"
  return 1
}
"""

_STOP_WORDS = "file=$1 name=$2 pid=$3 began=$4 signal=$5 seconds=$6\nshift 6\n"
_START_WORDS = "wrong=$1 directory=$2 log=$3\nshift 3\n"

STOP = LOOKS + _STOP + _STOP_WORDS + "stop\n"
"""FILE NAME PID TICKS SIGNAL SECONDS."""

START = LOOKS + _START + "file=$1 name=$2\nshift 2\n" + _START_WORDS + 'ready "$@" && start "$@"\n'
"""FILE NAME WRONG DIRECTORY LOG COMMAND...: WRONG is ``PID TICKS`` of a process that is known not to be the service."""

START_AGAIN = LOOKS + _STOP + _START + _STOP_WORDS + _START_WORDS + 'ready "$@" && drained && start "$@"\n'
"""FILE NAME PID TICKS SIGNAL SECONDS WRONG DIRECTORY LOG COMMAND...: once what these told to end has."""

_LEFT = """
# Takes what the pid file names by now for what a start left there: sets pid and began, empty where nothing runs.
left() {
  pid= began=
  number && runs "$named" || { echo "$name does not run"; return 0; }
  [ "$named $ticks" != "$wrong" ] || { echo "process $named is not $name: nothing was signalled"; return 0; }
  owned || { echo "$foreign: nothing was signalled"; return 1; }
  while read -r key value; do
    case $key in btime) boot=$value ;; esac
  done </proc/stat
  written=$(stat -L -c %Y -- "$file") || return 1
  # A process that is younger than the file is not the one for which it was written.
  if [ $((boot + ticks / 100)) -gt $((written + 2)) ]; then
    echo "process $named began after $file was written: nothing was signalled"
    return 1
  fi
  pid=$named began=$ticks
}
"""

RESTART = LOOKS + _STOP + _START + _STOP_WORDS + _START_WORDS + 'ready "$@" && down && start "$@"\n'
"""FILE NAME PID TICKS SIGNAL SECONDS WRONG DIRECTORY LOG COMMAND..."""

STOP_STARTED = (
    LOOKS
    + _STOP
    + _LEFT
    + """
file=$1 name=$2 wrong=$3 signal=$4 seconds=$5
left || exit 1
[ -z "$pid" ] || stop
"""
)
"""FILE NAME WRONG SIGNAL SECONDS: stop what the pid file names by now."""

RESTART_STARTED = (
    LOOKS
    + _STOP
    + _START
    + _LEFT
    + "file=$1 name=$2 signal=$3 seconds=$4\nshift 4\n"
    + _START_WORDS
    + 'ready "$@" && left && { [ -z "$pid" ] || down; } && start "$@"\n'
)
"""FILE NAME SIGNAL SECONDS WRONG DIRECTORY LOG COMMAND...: restart what the pid file names by now."""

STILL = (
    LOOKS
    + """
file=$1 name=$2 pid=$3 began=$4
number || { echo "$file cannot be read"; exit 1; }
if runs "$named" && { [ "$named" != "$pid" ] || [ "$ticks" != "$began" ]; }; then
  echo "$name was started again meanwhile: it is process $named by now, not $pid; look again"
  exit 1
fi
echo "$name is process $pid"
"""
)
"""FILE NAME PID TICKS: no other run of it is there than the one that was seen."""

SIGNAL = (
    LOOKS
    + """
file=$1 name=$2 pid=$3 began=$4 signal=$5
number
[ "${named:-$pid}" = "$pid" ] && runs "$pid" && [ "$ticks" = "$began" ] || {
  echo "process $pid is not $name any more: nothing was signalled"
  exit 1
}
kill -s "$signal" "$pid"
"""
)
"""FILE NAME PID TICKS SIGNAL."""

IS_RUNNING = (
    LOOKS
    + """
file=$1 name=$2 wrong=$3
number || { echo "not checked: $file cannot be read"; exit 77; }
[ -n "$named" ] || { echo "there is no pid in $file"; exit 1; }
if ! runs "$named"; then
  [ -r /proc/1/stat ] || { echo "not checked: /proc hides the processes of others"; exit 77; }
  echo "process $named has ended"
  exit 1
fi
[ "$named $ticks" != "$wrong" ] || { echo "process $named is not $name"; exit 1; }
owned || { echo "process $named is not $name: $foreign"; exit 1; }
echo "$name is process $named"
"""
)
"""FILE NAME WRONG."""

IS_STOPPED = (
    LOOKS
    + """
file=$1 name=$2 pid=$3 began=$4 wrong=$5
number || { echo "not checked: $file cannot be read"; exit 77; }
[ -r /proc/1/stat ] || { echo "not checked: /proc hides the processes of others"; exit 77; }
if [ -n "$pid" ] && runs "$pid" && [ "$ticks" = "$began" ]; then
  echo "process $pid still runs"
  exit 1
fi
if runs "$named" && [ "$named $ticks" != "$wrong" ] && owned &&
  { [ "$named" != "$pid" ] || [ "$ticks" != "$began" ]; }; then
  # The number of the ended process may be another's by now; only a new file speaks of a new run.
  [ "$named" != "$pid" ] || { echo "$name has ended"; exit 0; }
  { read -r keeper <"/proc/$parent/comm"; } 2>/dev/null || keeper='?'
  echo "$name was started again as process $named, by $keeper (process $parent)"
  exit 1
fi
echo "$name has ended"
"""
)
"""FILE NAME PID TICKS WRONG."""

RUN_ID = (
    LOOKS
    + """
file=$1 wrong=$2
number || { echo "$file cannot be read"; exit 1; }
if runs "$named" && [ "$named $ticks" != "$wrong" ] && owned; then
  echo "MainPID=$named"
  echo "Started=$ticks"
else
  echo "MainPID=0"
fi
"""
)
"""FILE WRONG."""

FOLLOW = """
file=$1
shift
if [ -e "$file" ] && [ ! -r "$file" ]; then
  echo "$(id -un) may not read $file" >&2
  exit 1
fi
exec "$@" "$file"
"""
"""FILE WORDS...: ``tail``."""
