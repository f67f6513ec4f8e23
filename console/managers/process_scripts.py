"""Looks around the end of a process that nobody manages, as constant POSIX sh; everything that varies is an argument.

Exit 0: it is so. 77: it cannot be told here. ``OUTLIVED``: it runs on after a signal. Any other: it is not so.
``$HOSTDECK_PLAN`` is the plan's directory.
"""

from console.managers.process_looks import LOOKS
from console.managers.socket_looks import OWNERS

_SOCKETS = """
# Whether one of the sockets $inodes is still at the port: 2 where that cannot be told.
there() {
  if ! command -v ss >/dev/null 2>&1; then
    # Without ss only the process itself tells, where it may be looked at.
    mine
    return
  fi
  found=$(ss -Hane"$flag" "sport = :$port" 2>/dev/null) || return 2
  for inode in $inodes; do
    case "$found " in *" ino:$inode "*) return 0 ;; esac
  done
  return 1
}
# Whether the process has one of them open: 2 where its files are hidden from this user.
mine() {
  open=$(ls -l "/proc/$pid/fd/" 2>/dev/null) && [ -n "$open" ] || return 2
  for inode in $inodes; do
    case $open in *"socket:[$inode]"*) return 0 ;; esac
  done
  return 1
}
"""

SEEN = (
    LOOKS
    + _SOCKETS
    + """
pid=$1 began=$2 name=$3 flag=$4 port=$5 label=$6 inodes=$7
shift 7
if ! runs "$pid"; then
  echo "$name has ended, or is hidden from this user: nothing was signalled"
  exit 1
fi
if [ "$ticks" != "$began" ]; then
  echo "process $pid is another one than before: nothing was signalled"
  exit 1
fi
if [ -z "$port" ]; then
  [ $# = 0 ] || { "$@"; exit; }
  echo "$name is the process that was seen"
  exit 0
fi
mine
code=$?
[ "$code" != 2 ] || { there; code=$?; }
case $code in
  0)
    [ $# = 0 ] || { "$@"; exit; }
    echo "$label held by $name"
    ;;
  1)
    echo "$name does not have $label open any more: nothing was signalled"
    exit 1
    ;;
  *)
    echo "whether $name still has $label open cannot be told: nothing was signalled"
    exit 77
    ;;
esac
"""
)
"""PID TICKS NAME FLAG PORT LABEL INODES [COMMAND...]: it is the process that was seen, with a socket that was seen.

Then COMMAND is run at once, so that there is no time for the number to become another's.
"""

ENDED = (
    LOOKS
    + """
pid=$1 began=$2 name=$3 signal=$4 seconds=$5
left=$((seconds * 5))
while runs "$pid" && [ "$ticks" = "$began" ]; do
  if [ "$left" -le 0 ]; then
    does='does not end'
    [ "$signal" != TERM ] || ! deaf "$pid" || does='ignores SIGTERM'
    # A later plan may be allowed more for that.
    : >"$HOSTDECK_PLAN/outlived.$pid.$began"
    echo "$name $does: it still runs $seconds s after SIG$signal"
    exit "$outlived"
  fi
  nap
  left=$((left - spent))
done
echo "$name ended"
"""
)
"""PID TICKS NAME SIGNAL SECONDS: wait until it has ended."""

OUTLIVED = """
pid=$1 began=$2 name=$3 me=$(id -u)
# Anybody can make a directory of that name: only root's or this user's own counts.
ours() {
  [ ! -h "$1" ] && ls -lnd -- "$1" 2>/dev/null | {
    read -r mode links owner rest
    [ "$owner" = 0 ] || [ "$owner" = "$me" ]
  }
}
for place in "${HOSTDECK_PLAN%/*}" /var/tmp /run/hostdeck /tmp; do
  for mark in "$place"/hostdeck-plan-*/outlived."$pid"."$began"; do
    if [ -f "$mark" ] && ours "${mark%/*}"; then
      echo "$name outlived the signal of an earlier plan"
      exit 0
    fi
  done
done
echo "$name was not asked to end yet: SIGTERM comes first"
exit 1
"""
"""PID TICKS NAME: a plan ended it by SIGTERM, or another mild signal, in vain."""

RELEASED = (
    LOOKS
    + _SOCKETS
    + OWNERS
    + """
pid=$1 name=$2 flag=$3 port=$4 label=$5 tries=$6
shift 6
inodes=$*
while :; do
  there
  case $? in
    1)
      echo "$label released by $name"
      exit 0
      ;;
    2)
      runs "$pid" || { echo "$name has ended"; exit 0; }
      ;;
  esac
  [ "$tries" -gt 0 ] || break
  nap
  tries=$((tries - spent))
done
by=$(ss -Hanp"$flag" "sport = :$port" 2>/dev/null | owner)
echo "the socket of $name is still open at $label${by:+: $by}"
exit 1
"""
)
"""PID NAME FLAG PORT LABEL TRIES INODE...: none of its sockets is at the port; looks five times a second."""

AT_PORT = (
    OWNERS
    + """
pid=$1 name=$2 flag=$3 port=$4 label=$5
if ! command -v ss >/dev/null 2>&1; then
  echo "not checked: this host has no ss"
  exit 77
fi
found=$(ss -Hanp"$flag" "sport = :$port" 2>/dev/null)
shown=$(printf '%s\\n' "$found" | pids)
for one in $shown; do
  descends "$one" "$pid" || continue
  echo "$name has a socket at $label"
  exit 0
done
if [ -n "$found" ] && [ -z "$shown" ]; then
  echo "who is at $label is hidden from this user"
  exit 77
fi
echo "$name has no socket at $label: nothing was signalled"
exit 1
"""
)
"""PID NAME FLAG PORT LABEL: it, or a process below it, has a socket at the port, which need not listen."""
