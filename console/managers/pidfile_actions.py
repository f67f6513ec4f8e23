"""Starting and stopping a process that nobody manages, as constant POSIX sh; everything that varies is an argument."""

LOOKS = """
newline='
'
# The number in the pid file: sets named; 1 where it cannot be read, empty where there is none.
number() {
  named=
  [ -e "$file" ] || return 0
  [ -f "$file" ] && [ -r "$file" ] || return 1
  { read -r named rest || :; } <"$file"
  case $named in *[!0-9]* | 0* | ???????????*) named= ;; esac
  return 0
}
# Whether process $1 runs: sets ticks, when it started, and parent.
runs() {
  line='' ticks=''
  [ -n "$1" ] && [ -r "/proc/$1/stat" ] || return 1
  while IFS= read -r part || [ -n "$part" ]; do line="$line$part "; done 2>/dev/null <"/proc/$1/stat"
  set -- ${line##*") "}
  [ $# -ge 20 ] || return 1
  case $1 in Z | X | x) return 1 ;; esac
  parent=$2
  shift 19
  ticks=$1
}
# Whether process $1 ignores SIGTERM, bit 14 of a mask in hexadecimal (proc_pid_status(5)).
deaf() {
  mask=
  while read -r key value; do
    case $key in SigIgn:) mask=${value%???} ;; esac
  done 2>/dev/null <"/proc/$1/status"
  case ${mask#"${mask%?}"} in [4567cdefCDEF]) ;; *) return 1 ;; esac
}
# A fifth of a second where that is to be had; sets spent to how many fifths it took.
nap() {
  spent=1
  sleep 0.2 2>/dev/null || { sleep 1; spent=5; }
}
"""

_STOP = """
# Signals process $pid that started at $began, and nothing else, and waits until it has ended.
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
  if [ "$named" != "$pid" ]; then
    echo "$file names ${named:-no process} by now, not $pid: nothing was signalled"
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
      [ "$signal" != TERM ] || ! deaf "$pid" || does='ignores SIGTERM'
      echo "process $pid $does: it still runs $seconds s after SIG$signal; it was not killed"
      return 1
    fi
    nap
    left=$((left - spent))
  done
  forget
  echo "process $pid ended"
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
    echo "$name runs already as process $named"
    return 0
  fi
  rm -f -- "$file" 2>/dev/null || : >"$file"
  # What is the plan's own and would be taken for the service's.
  unset HOSTDECK_PLAN LC_ALL SYSTEMD_PAGER SYSTEMD_COLORS SYSTEMD_LESS
  unset INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID
  launch "$@" </dev/null >>"$log" 2>&1 &
  child=$!
  tries=0
  # Most daemons write the file themselves, and some refuse to start where there is one.
  while [ "$tries" -lt 50 ]; do
    nap
    tries=$((tries + spent))
    if number && runs "$named"; then
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
  echo "it left no process whose number is in $file"
  return 1
}
"""

_STOP_WORDS = "file=$1 name=$2 pid=$3 began=$4 signal=$5 seconds=$6\nshift 6\n"
_START_WORDS = "wrong=$1 directory=$2 log=$3\nshift 3\n"

STOP = LOOKS + _STOP + _STOP_WORDS + "stop\n"
"""FILE NAME PID TICKS SIGNAL SECONDS."""

START = LOOKS + _START + "file=$1 name=$2\nshift 2\n" + _START_WORDS + 'ready "$@" && start "$@"\n'
"""FILE NAME WRONG DIRECTORY LOG COMMAND...: WRONG is ``PID TICKS`` of a process that is known not to be the service."""

RESTART = (
    LOOKS + _STOP + _START + _STOP_WORDS + _START_WORDS + 'ready "$@" && { [ -z "$pid" ] || stop; } && start "$@"\n'
)
"""FILE NAME PID TICKS SIGNAL SECONDS WRONG DIRECTORY LOG COMMAND..."""

STOP_STARTED = (
    LOOKS
    + _STOP
    + """
file=$1 name=$2 wrong=$3 signal=$4 seconds=$5
number && runs "$named" || { echo "$name does not run"; exit 0; }
pid=$named began=$ticks
[ "$pid $began" != "$wrong" ] || { echo "process $pid is not $name: nothing was signalled"; exit 0; }
while read -r key value; do
  case $key in btime) boot=$value ;; esac
done </proc/stat
written=$(stat -L -c %Y -- "$file") || exit 1
# A process that is younger than the file is not the one for which it was written.
if [ $((boot + began / 100)) -gt $((written + 2)) ]; then
  echo "process $pid began after $file was written: nothing was signalled"
  exit 1
fi
stop
"""
)
"""FILE NAME WRONG SIGNAL SECONDS: stop what the pid file names by now."""

SIGNAL = (
    LOOKS
    + """
file=$1 name=$2 pid=$3 began=$4 signal=$5
number
[ "$named" = "$pid" ] && runs "$pid" && [ "$ticks" = "$began" ] || {
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
if runs "$named" && [ "$named $ticks" != "$wrong" ] && { [ "$named" != "$pid" ] || [ "$ticks" != "$began" ]; }; then
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
if runs "$named" && [ "$named $ticks" != "$wrong" ]; then
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
