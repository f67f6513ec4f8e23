"""The looks of preflights and checks, as constant POSIX sh; everything that varies is an argument.

Exit 0: it is so, and the last line printed says what was seen. 77: it cannot be told here, and the last line says why.
Any other: it is not so. ``$HOSTDECK_PLAN`` is the plan's directory on the host, where a later look finds what an
earlier one saw.
"""

from console.managers.socket_looks import OWNERS

MAIN_PID = """
newline='
'
main_pid() {
  case $1 in *MainPID=*) main=${1#*MainPID=} main=${main%%"$newline"*} ;; *) main= ;; esac
}
"""

DOWN_BY_ITSELF = """
key=$1
shift
"$@" && : >"$HOSTDECK_PLAN/down.$key"
"""
"""KEY COMMAND...: COMMAND says that a service is down, which is kept."""

WAS_DOWN = """
key=$1
shift
[ -e "$HOSTDECK_PLAN/down.$key" ] || "$@"
"""
"""KEY COMMAND...: that was kept, or COMMAND succeeds."""

KEEP_MARK = """
# Lines of a log are kept where it is only to be had from its manager.
umask 077
key=$1
shift
"$@" >"$HOSTDECK_PLAN/log.$key"
"""
"""KEY COMMAND...: keep what marks the end of a log."""

SINCE_MARK = """
key=$1
shift
[ -f "$HOSTDECK_PLAN/log.$key" ] || { echo "where it ended before was not noted"; exit 1; }
"$@" <"$HOSTDECK_PLAN/log.$key"
"""
"""KEY COMMAND...: COMMAND is given the mark that was kept."""

MINE = (
    OWNERS
    + """
uid=''
# Whether cgroup $1 belongs to $name of $scope: "system", or "user:" and whose manager it is.
mine() {
  case $scope in user:*) [ "$uid" ] || uid=$(id -u -- "${scope#user:}" 2>/dev/null) || uid='' ;; esac
  case $scope/$1 in
    system/*/user@*.service/*) return 1 ;;
    user:*/user@"$uid".service/*) ;;
    # Of one whose number is not told any user's will do.
    user:*/user@*.service/*) [ -z "$uid" ] || return 1 ;;
    user:*) return 1 ;;
  esac
  case $1/ in
    */"$name"/*) ;;
    # What systemd accepts for a socket unit itself it listens on in its own control group.
    */init.scope/) case $name in *.socket) ;; *) return 1 ;; esac ;;
    *) return 1 ;;
  esac
}
# Whether one of the processes in rows $1 of ss -p belongs to $name; 2: no process is shown.
mine_by_pid() {
  shown=2
  for each in $(printf '%s\\n' "$1" | pids); do
    while read -r line; do
      mine "${line#*:*:}" && return 0
    done 2>/dev/null <"/proc/$each/cgroup"
    shown=1
  done
  return "$shown"
}
"""
)
"""Whose a control group is: ``mine`` and ``mine_by_pid``, by ``$scope`` and ``$name``."""

_PORT = (
    MINE
    + """
# The sockets bound to port $2 by ss, ss(8), one a line.
look() {
  if ! command -v ss >/dev/null 2>&1; then
    echo "not checked: this host has no ss"
    exit 77
  fi
  found=$(ss -Hlne"$1" "sport = :$2" 2>&1) || {
    echo "not checked: $found"
    exit 77
  }
}
# owner=yes, no or hidden, other=the last cgroup that is not ours.
owned() {
  owner=no other=''
  set -f
  IFS='
'
  for socket in $found; do
    case $socket in
      *" cgroup:"*)
        path=${socket##* cgroup:} path=${path%% *}
        if mine "$path"; then owner=yes; return; fi
        other=${path##*/}
        ;;
      *)
        [ "$by_pid" ] || by_pid=$(ss -Hlnep"$flag" "sport = :$port" 2>/dev/null)
        mine_by_pid "$by_pid"
        case $? in 0) owner=yes; return ;; 2) owner=hidden ;; esac
        ;;
    esac
  done
}
flag=$1 port=$2 scope=$3 name=$4 label=$5 by_pid=''
look "$flag" "$port"
"""
)

ELSEWHERE = """
echo "not checked: $2 has $1 in a network of its own ($3), and only that of the host is looked at"
exit 77
"""
"""LABEL NAME NETWORK: what a look at the host's sockets cannot tell."""

_HELD = """
if [ -z "$found" ]; then
  echo "nothing listens on $label"
  exit 1
fi
owned
case $owner in
  yes) echo "$label held by $name" ;;
  hidden)
    echo "$label is listened on; by whom is hidden from this user"
    exit 77
    ;;
  no)
    echo "$label is held by ${other:-another process}, not by $name"
    exit 1
    ;;
esac
"""

PORT_HELD = _PORT + _HELD
"""FLAG PORT SCOPE NAME LABEL (FLAG: t or u): the service has the port."""

PORT_LEFT = (
    _PORT
    + """
if [ -z "$found" ]; then
  echo "$label released"
  exit 0
fi
owned
case $owner in
  yes)
    echo "$name still holds $label"
    exit 1
    ;;
  hidden)
    echo "somebody holds $label; who, is hidden from this user"
    exit 1
    ;;
  no) echo "$label released by $name" ;;
esac
"""
)
"""FLAG PORT SCOPE NAME LABEL: the service does not have the port (any more)."""

REMEMBER_SOCKETS = (
    _PORT
    + """
inodes=$(printf '%s\\n' "$found" | sed -n 's/.* ino:\\([0-9]*\\).*/\\1/p')
printf '%s ' '' $inodes >"$HOSTDECK_PLAN/sockets.$flag.$port"
"""
)
"""FLAG PORT SCOPE NAME LABEL: keep which sockets are at the port."""

PORT_BACK = (
    _PORT
    + """
before=$(cat "$HOSTDECK_PLAN/sockets.$flag.$port") || exit 1
set -f
IFS='
'
came=''
for socket in $found; do
  inode=${socket##* ino:}
  case $before in *" ${inode%% *} "*) continue ;; esac
  came=$came$socket$IFS
done
if [ "$found" ] && [ -z "$came" ]; then
  echo "$label is still held by what held it before: $name does not have it anew"
  exit 1
fi
found=$came
"""
    + _HELD
)
"""As ``PORT_HELD``, by a socket that was not there before: what a service left running does not serve for it."""

NOBODY_CAME = (
    _PORT
    + """
before=$(cat "$HOSTDECK_PLAN/sockets.$flag.$port") || exit 1
set -f
IFS='
'
for socket in $found; do
  inode=${socket##* ino:}
  case $before in *" ${inode%% *} "*) continue ;; esac
  case $socket in
    *" cgroup:"*)
      path=${socket##* cgroup:} path=${path%% *}
      [ -z "$name" ] || ! mine "$path" || continue
      ;;
    *)
      [ -z "$name" ] || ! mine_by_pid "$(ss -Hlnep"$flag" "sport = :$port" 2>/dev/null)" || continue
      path=
      ;;
  esac
  by=$(ss -Hlnep"$flag" "sport = :$port" 2>/dev/null | grep -F " ino:${inode%% *} " | owner)
  echo "$label was taken again by ${by:-${path:+something in }${path##*/}}"
  exit 1
done
echo "nobody else came to $label"
"""
)
"""FLAG PORT SCOPE NAME LABEL: nobody but NAME (or nobody at all) came to the port since its sockets were noted."""

WAIT_PORT_LEFT = (
    "tries=$6\nwhile :; do\nanswer=$(\n" + PORT_LEFT + ")\ncode=$?\n"
    """if [ "$code" != 1 ] || [ "$tries" -le 0 ]; then break; fi
tries=$((tries - 1))
sleep 0.2 2>/dev/null || sleep 1
done
echo "$answer"
[ "$code" != 1 ]
"""
)
"""As ``PORT_LEFT``, and TRIES: looks again, five times a second, until it is so."""

PORT_OF_RUN = (
    MAIN_PID
    + OWNERS
    + """
flag=$1 port=$2 label=$3 name=$4
shift 4
if ! command -v ss >/dev/null 2>&1; then
  echo "not checked: this host has no ss"
  exit 77
fi
now=$("$@") || { echo "$name has no process"; exit 1; }
main_pid "$now"
found=$(ss -Hln"$flag"p "sport = :$port" 2>/dev/null)
if [ -z "$found" ]; then
  echo "nothing listens on $label"
  exit 1
fi
shown=$(printf '%s\\n' "$found" | pids)
if [ -z "$shown" ]; then
  echo "$label is listened on; by whom is hidden from this user"
  exit 77
fi
for pid in $shown; do
  descends "$pid" "$main" || continue
  echo "$label held by $name"
  exit 0
done
echo "$label is held by pid $pid, not by $name"
exit 1
"""
)
"""FLAG PORT LABEL NAME COMMAND...: the main process that COMMAND prints, or one below it, has the port."""

WAIT_FOR = """
tries=$1
shift
while :; do
  answer=$("$@")
  code=$?
  case $code in 0 | 77) break ;; esac
  [ "$tries" -gt 0 ] || break
  tries=$((tries - 1))
  sleep 0.2 2>/dev/null || sleep 1
done
echo "$answer"
exit "$code"
"""
"""TRIES COMMAND...: COMMAND, which says that a service has a port, does so or cannot tell; five looks a second."""

WAIT_NOT = """
label=$1 name=$2 tries=$3
shift 3
while :; do
  answer=$("$@")
  case $? in
    0) code=1 answer="$name still holds $label" ;;
    77) code=1 ;;
    *) code=0 answer="$label released by $name" ;;
  esac
  if [ "$code" = 0 ] || [ "$tries" -le 0 ]; then break; fi
  tries=$((tries - 1))
  sleep 0.2 2>/dev/null || sleep 1
done
echo "$answer"
exit "$code"
"""
"""LABEL NAME TRIES COMMAND...: COMMAND, which says that a service has a port, denies it; looks five times a second."""
