"""The looks at one app of pm2, what is done to it, and its logs, as constant POSIX sh."""

from console.managers.follow_scripts import END_WITH_INPUT
from console.managers.pm2_daemons import ASK, FIND
from console.managers.socket_looks import OWNERS

_LOOK = (
    FIND
    + ASK
    + r"""
hd_mode=$1 hd_pid=$2 hd_home_given=$3 hd_line=${3:-${PM2_HOME:-$HOME/.pm2}} hd_words=$4
shift 4
if ! hd_is "$hd_pid"; then
  echo "the pm2 daemon that ran it (pid $hd_pid) is gone"
  exit 1
fi
hd_as_uid=$hd_uid hd_as_gid=$hd_gid
hd_how "$hd_as_uid"
hd_account "$hd_as_uid"
[ "$hd_way" != sudo ] || hd_line=${hd_home_given:-$hd_home/.pm2}
hd_owned "$hd_as_uid" "$hd_line"
if [ $? = 1 ]; then
  echo "not checked: $hd_line is not all of the user of the pm2 daemon"
  exit 77
fi
if [ "$hd_way" = sudo ]; then
  hd_open "$hd_line" || { echo "the socket of the pm2 daemon is closed"; exit 1; }
  hd_told=$(hd_jlist "$hd_mode" "$hd_words" "$@" 2>/dev/null)
else
  hd_told=$(
    set -- "$hd_pid" "$hd_as_uid" "$hd_as_gid" "$hd_user" "$hd_line/rpc.sock" "$hd_mode" "$hd_words"
    hd_socket "$@" 2>/dev/null
  )
fi || {
  case $? in 8) echo "pm2 $hd_told"; exit 1 ;; esac
  echo "not checked: pm2 $hd_told"
  exit 77
}
"""
)
HOLDS_PORT = (
    """
hd_flag=$1 hd_port=$2 hd_label=$3 hd_name=$4 hd_cluster=$5
shift 5
if ! command -v ss >/dev/null 2>&1; then
  echo "not checked: this host has no ss"
  exit 77
fi
"""
    + OWNERS
    + _LOOK
    + r"""
hd_ours=
[ "$hd_cluster" ] && hd_ours=" $hd_pid "
for hd_each in $hd_told; do
  case $hd_each in *:*:*) hd_each=${hd_each#*:}; hd_ours="$hd_ours ${hd_each%%:*} " ;; esac
done
hd_told=$(ss -Hln"$hd_flag"p "sport = :$hd_port" 2>/dev/null)
if [ -z "$hd_told" ]; then
  echo "nothing listens on $hd_label"
  exit 1
fi
hd_told=$(printf '%s\n' "$hd_told" | pids)
if [ -z "$hd_told" ]; then
  echo "$hd_label is listened on; by whom is hidden from this user"
  exit 77
fi
for hd_each in $hd_told; do
  descends "$hd_each" "$hd_ours" || continue
  echo "$hd_label held by $hd_name"
  exit 0
done
echo "$hd_label is held by pid $hd_each, not by $hd_name"
exit 1
"""
)
"""FLAG PORT LABEL NAME CLUSTER and ``run`` PID HOME WORDS TOOL...: the app has the port, in cluster mode its daemon."""

BY_NUMBER = (
    """
hd_verb=$1 hd_signal=$2
shift 2
"""
    + _LOOK
    + r"""
hd_words=${hd_words%%'
'*}
exec "$@" "$hd_verb" ${hd_signal:+"$hd_signal"} $hd_words
"""
)
"""VERB SIGNAL and ``named`` PID HOME WORDS TOOL...: done only while that daemon has this app under these numbers."""

RUN_ID = _LOOK + 'printf "%s\\n" "$hd_told"\n'
"""``run`` PID HOME WORDS TOOL...: the processes of the app and when each began."""

HOW_ENDED = (
    """
hd_name=$1 hd_pids=$2
shift 2
hd_file=$(
"""
    + _LOOK
    + r"""
echo "$hd_line/pm2.log"
) || { printf '%s\n' "${hd_file:-not told: its daemon is not there}"; exit 77; }
[ -f "$hd_file" ] && [ ! -h "$hd_file" ] || { echo "not told: there is no $hd_file"; exit 77; }
hd_said=$(tail -c 16384 "$hd_file" 2>/dev/null) || { echo "not told: $(id -un) may not read $hd_file"; exit 77; }
for hd_pid in $hd_pids; do
  case $hd_said in
    *"rocess with pid $hd_pid still alive after "*", sending it SIGKILL now"*)
      echo "pm2 ended $hd_name by SIGKILL: it did not end within its kill_timeout"
      exit 0
      ;;
  esac
done
echo "the log of pm2 tells of no SIGKILL"
exit 77
"""
)
"""NAME PIDS and ``run`` PID HOME WORDS TOOL...: whether one of these processes had to be killed; 77 with the reason
where the daemon's log does not say so, or is closed to this user."""

_COUNT = r"""
hd_up=0 hd_down=0 hd_n=0 hd_states=
for hd_each in $hd_told; do
  hd_n=$((hd_n + 1))
  case $hd_each in
    online) hd_up=$((hd_up + 1)) ;;
    stopped | errored) hd_down=$((hd_down + 1)) ;;
  esac
  case " $hd_states," in *" $hd_each,"*) ;; *) hd_states="$hd_states${hd_states:+, }$hd_each" ;; esac
done
if [ "$hd_n" -gt 1 ]; then echo "$hd_states ($hd_up of $hd_n online)"; else echo "$hd_states"; fi
"""
IS_RUNNING = _LOOK + _COUNT + '[ "$hd_up" = "$hd_n" ]\n'
IS_STOPPED = _LOOK + _COUNT + '[ "$hd_down" = "$hd_n" ]\n'
"""``status`` PID HOME WORDS TOOL...: every instance is online, or is down."""

LOGS = (
    r"""
hd_lines=$1 hd_follow=$2 hd_words=$3 hd_n=$4
shift 4
hd_i=0 hd_may= hd_first=
for hd_f in "$@"; do
  shift
  hd_i=$((hd_i + 1))
  # A device, or a pipe, has no end.
  if [ "$hd_i" -gt "$hd_n" ] && [ -e "$hd_f" ] && [ ! -f "$hd_f" ]; then
    hd_first=${hd_first:-$hd_f, which is no regular file}
    continue
  fi
  set -- "$@" "$hd_f"
  [ "$hd_i" -gt "$hd_n" ] || continue
  hd_first=${hd_first:-$hd_f}
  if [ -r "$hd_f" ] || { [ ! -e "$hd_f" ] && [ -x "${hd_f%/*}" ]; }; then hd_may=1; fi
done
if [ "$hd_may" ]; then
  shift "$hd_n"
  exec tail -n "$hd_lines" ${hd_follow:+-F} -- "$@"
fi
if [ "$hd_n" = 0 ]; then
  echo "$(id -un) may not read $hd_first" >&2
  exit 1
fi
hd_i=$(($# - hd_n))
while [ "$hd_n" -gt 0 ]; do
  set -- "$@" "$1"
  shift
  hd_n=$((hd_n - 1))
done
shift "$hd_i"
set -- "$@" logs "$hd_words" --raw --lines "$hd_lines"
[ "$hd_follow" ] || exec "$@" --nostream
"""
    + END_WITH_INPUT
    + r"""
exec "$@" </dev/null
"""
)
"""LINES FOLLOW WORD N, N words of the tool, and the files: the files, or what pm2 itself prints of them."""
