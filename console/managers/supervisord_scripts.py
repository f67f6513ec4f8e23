"""What is asked of a supervisord on its host, as constant POSIX sh."""

from console.managers.follow_scripts import END_WITH_INPUT
from console.managers.sudo_grants import GRANTED
from console.managers.supervisord_presence import NAMED_BY

# hd_own PATH: each step to it, through links too, is root's or ours and cannot be changed by others; else it says what
# is not. Whoever may write a step decides what is run here, perhaps as root. In a sticky directory nobody changes what
# is another's; a socket that others may write is one that they may use.
_OWN = r"""
hd_uid=$(id -u) hd_lax=
hd_own() {
  hd_at= hd_todo=$1 hd_hops=0
  while [ "$hd_todo" ]; do
    hd_step=${hd_todo%%/*}
    case $hd_todo in */*) hd_todo=${hd_todo#*/} ;; *) hd_todo= ;; esac
    case $hd_step in
      '' | .) ;;
      ..) hd_at=${hd_at%/*} ;;
      *) hd_at=$hd_at/$hd_step; hd_one || return 1 ;;
    esac
  done
}
hd_one() {
  hd_stat=$(stat -c '%u %a %U' "$hd_at" 2>/dev/null)
  if [ -z "$hd_stat" ]; then
    # Below what we may not search nobody but its owner has put anything.
    [ -x "${hd_at%/*}/" ] || { hd_todo=; return 0; }
    echo "$hd_at is not there"
    return 1
  fi
  case ${hd_stat%% *} in
    0 | "$hd_uid") ;;
    *) echo "$hd_at belongs to another user, ${hd_stat##* }"; return 1 ;;
  esac
  if [ -L "$hd_at" ]; then hd_link; return; fi
  [ ! -S "$hd_at" ] || return 0
  [ -z "$hd_lax" ] || return 0
  hd_stat=${hd_stat#* } hd_stat=${hd_stat%% *}
  case $hd_stat in [1357]???) [ ! -d "$hd_at" ] || return 0 ;; esac
  case $hd_stat in *[2367] | *[2367]?) echo "$hd_at may be changed by other users"; return 1 ;; esac
}
hd_link() {
  hd_hops=$((hd_hops + 1))
  [ "$hd_hops" -le 40 ] || { echo "$hd_at is a link without end"; return 1; }
  hd_to=$(readlink "$hd_at")
  case $hd_to in /*) hd_at= ;; *) hd_at=${hd_at%/*} ;; esac
  hd_todo=$hd_to/$hd_todo
}
# Why PATH is not trusted; "shared" where each step belongs to root or us, though others may change one.
hd_foreign() {
  printf 'pid\t0\nuser\t%s\nforeign\t%s\n' "$(id -un)" "$1"
  hd_lax=1
  [ -z "$2" ] || ! hd_own "$2" >/dev/null || printf 'shared\t1\n'
  hd_lax=
}
"""

# From the words of its command line in hd_words: the tool of the same installation, and the daemon's own configuration.
# What is run or read of it must be nobody else's; then the files are read.
_INSTALLED = (
    NAMED_BY
    + r"""
hd_named_by
case $hd_script in '' | /*) ;; *) hd_script=${hd_cwd:-/nonexistent}/$hd_script ;; esac
hd_home=${hd_script%/*}
for hd_f in "${hd_home%/*}/etc/supervisord.conf" "${hd_home%/*}/supervisord.conf" /etc/supervisord.conf \
  /etc/supervisor/supervisord.conf; do
  [ "$hd_conf" ] || [ ! -e "$hd_f" ] || hd_conf=$hd_f
done
hd_tool=$(command -v supervisorctl)
hd_short=
case $hd_conf in
  /etc/supervisord.conf) hd_short=1 ;;
  /etc/supervisor/supervisord.conf) [ -e /etc/supervisord.conf ] || hd_short=1 ;;
esac
if [ "$hd_home" ] && [ -x "$hd_home/supervisorctl" ] && [ "$hd_home/supervisorctl" != "$hd_tool" ]; then
  hd_tool=$hd_home/supervisorctl hd_short=
elif [ "$hd_tool" ]; then
  hd_path=$hd_tool hd_tool=supervisorctl
fi
# The interpreter of an environment of its own is beside its scripts.
if [ "$hd_home" ] && [ -x "$hd_home/python3" ]; then hd_python=$hd_home/python3; fi
case $hd_python in /*) ;; *) hd_python= ;; esac
[ "$hd_python" ] && [ -x "$hd_python" ] || hd_python=$(command -v python3)
for hd_f in "${hd_path:-$hd_tool}" "$hd_python" "$hd_conf"; do
  [ -z "$hd_f" ] || hd_why=$(hd_own "$hd_f") || { hd_foreign "$hd_why" "$hd_f"; return 0; }
done
printf 'pid\t%s\n' "$hd_pid"
[ -z "$hd_frozen" ] || printf 'frozen\t1\n'
[ -z "$hd_tool" ] || printf 'tool\t%s\npath\t%s\n' "$hd_tool" "${hd_path:-$hd_tool}"
[ -z "$hd_conf" ] || printf 'conf\t%s\n' "$hd_conf"
[ -z "$hd_short" ] || printf 'short\t1\n'
hd_may=
[ ! -r "$hd_conf" ] || hd_may=1
[ -z "$hd_may" ] || printf 'readable\t1\n'
printf 'user\t%s\n' "$(id -un)"
[ -z "$hd_owner" ] || printf 'owner\t%s\n' "$hd_owner"
[ "$hd_may" ] || return 0
timeout 10 "${hd_python:-python3}" -c "$hd_reader" "$hd_conf" "$hd_pid" "$@" 2>/dev/null ||
  echo '{"bad": "its own reader of configuration files does not run here"}'
return 0
"""
)

# Arguments: SOCKET PID, where the PID is known from the daemon itself; both the tool and the configuration may be named
# by its process only.
GROUND = (
    _OWN
    + r"""
hd_socket=$1 hd_pid=$2
shift
hd_why=$(hd_own "$hd_socket") || { hd_foreign "$hd_why" "$hd_socket"; return 0; }
[ $# = 0 ] || shift
[ "$hd_pid" ] || for hd_f in "${hd_socket%/*}/supervisord.pid" /run/supervisord.pid /var/run/supervisord.pid \
  /run/supervisor/supervisord.pid /tmp/supervisord.pid; do
  [ ! -f "$hd_f" ] || [ ! -r "$hd_f" ] || [ "$hd_pid" ] || ! hd_own "$hd_f" >/dev/null ||
    { read -r hd_pid <"$hd_f"; } 2>/dev/null
done
case $hd_pid in '' | *[!0-9]*) hd_pid=0 ;; esac
hd_words=$(tr '\0' '\n' 2>/dev/null <"/proc/$hd_pid/cmdline")
case $hd_words in *supervisord*) ;; *) hd_pid=0 hd_words= ;; esac
if [ "$hd_words" ]; then
  hd_why=$(stat -c '%u %U' "/proc/$hd_pid" 2>/dev/null)
  case ${hd_why%% *} in
    0 | "$hd_uid") ;;
    *) hd_foreign "process $hd_pid belongs to another user, ${hd_why#* }" ''; return 0 ;;
  esac
fi
hd_cwd=$(readlink "/proc/$hd_pid/cwd" 2>/dev/null)
hd_frozen=
{ read -r hd_word <"/proc/$hd_pid/stat"; } 2>/dev/null && case ${hd_word##*) } in [Tt]*) hd_frozen=1 ;; esac
hd_owner=
[ ! -d "/proc/$hd_pid" ] || hd_owner=$(stat -c %U "/proc/$hd_pid" 2>/dev/null)
"""
    + _INSTALLED
)

# Argument: a unit that is down. systemd tells what it would run as "{ path=/x ; argv[]=/x -c /y ; ignore_errors=no }".
WRITTEN = (
    _OWN
    + r"""
hd_told=$(systemctl show -p ExecStart -p User -p WorkingDirectory -- "$1") || return 1
shift
hd_words= hd_owner=root hd_cwd= hd_pid=0 hd_frozen=
while read -r hd_word; do
  case $hd_word in
    User=?*) hd_owner=${hd_word#*=} ;;
    WorkingDirectory=/*) hd_cwd=${hd_word#*=} ;;
    ExecStart=*' argv[]='*) hd_words=${hd_word#* argv\[\]=} hd_words=${hd_words%% \; *} ;;
  esac
done <<EOF
$hd_told
EOF
case $hd_words in *supervisord*) ;; *) return 0 ;; esac
hd_words=$(printf '%s\n' "$hd_words" | tr ' ' '\n')
"""
    + _INSTALLED
)

# Argument: a unit. Whether supervisord would take its files as they are now; the reader's lines are JSON.
FILES_LOAD = (
    "hd_written() {\n"
    + WRITTEN
    + r"""
}
hd_told=$(hd_written "$1" 2>/dev/null)
case $hd_told in
  *'"bad": "'*)
    hd_why=${hd_told##*'"bad": "'}
    hd_why=${hd_why%%'"'[,\}]*}
    case $hd_told in *'"broken": true'*) echo "supervisord would not take its files: $hd_why"; exit 1 ;; esac
    echo "not tested: $hd_why"
    ;;
  *'"files": '*) echo "its files can be loaded"; exit 0 ;;
  *foreign*) hd_why=${hd_told##*foreign}; echo "not tested: ${hd_why#?}" ;;
  *) echo "not tested: what $1 would read is not seen by $(id -un)" ;;
esac
exit 77
"""
)

SILENT = "error: supervisord does not answer within 6 s"
"""What ``SURVEY`` tells where the tool gets no answer."""

# Arguments: the daemon's log, or "-", and the words of the tool. Its exit status says that not all run, not that it
# failed. The log tells how programs ended, where it may be read: its last lines, and before them the last end of each
# program.
SURVEY = r"""
date '+%s %z'
hd_log=$1
shift
hd_told=$(timeout 6 "$@" status 2>&1 </dev/null)
hd_code=$?
[ "$hd_code" != 124 ] || hd_told="@SILENT@"
printf '%s\nlog\n' "$hd_told"
[ ! -f "$hd_log" ] || [ ! -r "$hd_log" ] || tail -c 1000000 -- "$hd_log" | awk '
  / (exited|stopped): / { last[$5] = NR }
  { line[NR] = $0 }
  END {
    for (name in last) if (last[name] <= NR - 150) print line[last[name]]
    for (i = NR > 150 ? NR - 149 : 1; i <= NR; i++) print line[i]
  }'
return 0
""".replace("@SILENT@", SILENT)

# NAME and the words of the tool. "status" without a name is the line of sudoers without which nothing would be known.
_STATUS = r"""
hd_name=$1
shift
hd_told=$(timeout 15 "$@" status 2>&1 </dev/null)
hd_state= hd_rest= hd_said=
while read -r hd_first hd_second hd_third; do
  hd_said=$hd_first${hd_second:+ $hd_second}${hd_third:+ $hd_third}
  [ "$hd_first" != "$hd_name" ] || { hd_state=$hd_second hd_rest=$hd_third; break; }
done <<EOF
$hd_told
EOF
case $hd_state in
  STOPPED | STARTING | RUNNING | BACKOFF | STOPPING | EXITED | FATAL | UNKNOWN) ;;
  *)
    case $hd_told in
      *'refused connection'* | *'no such file'* | *SHUTDOWN_STATE*) echo "supervisord does not run: $hd_said"; exit 1 ;;
      *RUNNING* | *STOPPED* | *EXITED* | *FATAL*) echo "supervisord knows no $hd_name"; exit 1 ;;
    esac
    echo "not checked: ${hd_said:-supervisorctl says nothing}"
    exit 77
    ;;
esac
"""
IS_RUNNING = _STATUS + 'echo "$hd_state${hd_rest:+ ($hd_rest)}"\n[ "$hd_state" = RUNNING ]\n'
IS_STOPPED = _STATUS + 'echo "$hd_state"\ncase $hd_state in STOPPED | EXITED | FATAL) ;; *) exit 1 ;; esac\n'
"""NAME TOOL...: the program is in the state."""

# The tool prints the end of the daemon's own log. Through sudo it is asked only where the user's list allows that.
_DAEMON_LOG = (
    GRANTED
    + r"""
hd_daemon_log() {
  [ "$1" != sudo ] || hd_granted root '[^ ]*supervisorctl( .*maintail.*| [*])?' \
    || { hd_said="sudo does not let this login read the log of supervisord"; return 1; }
  hd_said=$("$@" maintail -16384 2>&1) || { hd_said=$(printf '%s\n' "$hd_said" | tail -n 1); return 1; }
}
"""
)

# One that does its work and ends: with which status only the log tells, which knows no groups.
IS_ONCE = (
    _DAEMON_LOG
    + _STATUS
    + r"""
case $hd_state in
  RUNNING) echo "$hd_state${hd_rest:+ ($hd_rest)}"; exit 0 ;;
  EXITED) ;;
  *) echo "$hd_state${hd_rest:+ ($hd_rest)}"; exit 1 ;;
esac
hd_daemon_log "$@" || { echo "it has ended, and how is not told: $hd_said"; exit 77; }
hd_end=$(printf '%s\n' "$hd_said" | grep -F " exited: ${hd_name##*:} (" | tail -n 1)
[ "$hd_end" ] || { echo "it has ended, and how the log of supervisord does not tell any more"; exit 77; }
hd_end=${hd_end#*" exited: ${hd_name##*:} "}
echo "it has ended $hd_end"
case $hd_end in *'; not expected)') exit 1 ;; esac
"""
)
"""NAME TOOL...: it runs, or has ended as expected; 77 with the reason where that is not known."""

# It names the process that it kills.
HOW_ENDED = (
    _DAEMON_LOG
    + r"""
hd_name=$1 hd_pid=$2
shift 2
hd_daemon_log "$@" || { echo "not told: $hd_said"; exit 77; }
case $hd_said in
  *" WARN killing '"*"' ($hd_pid) with SIGKILL"*)
    echo "supervisord ended $hd_name by SIGKILL: it did not end within its stopwaitsecs" ;;
  *) echo "the log of supervisord tells of no SIGKILL"; exit 77 ;;
esac
"""
)
"""NAME PID TOOL...: whether that process had to be killed; 77 with the reason where the log does not say so."""

# Nothing counts restarts: what came before the start of the process only the log tells, once for each process.
RUN_ID = (
    _DAEMON_LOG
    + _STATUS
    + r"""
hd_pid=0
case $hd_rest in 'pid '*) hd_pid=${hd_rest#pid } hd_pid=${hd_pid%%[!0-9]*} ;; esac
echo "MainPID=${hd_pid:-0}"
[ "${hd_pid:-0}" != 0 ] || { echo Keeps=1; exit 0; }
# The 22nd word of proc_pid_stat(5), counted from behind the name: when it began.
{ read -r hd_rest <"/proc/$hd_pid/stat"; } 2>/dev/null || exit 0
set -f
hd_began=$(set -- ${hd_rest##*) }; [ $# -lt 20 ] || { shift 19; echo "$1"; })
[ -z "$hd_began" ] || echo "Began=$hd_began"
[ "${HOSTDECK_PLAN-}" ] || exit 0
hd_file=$HOSTDECK_PLAN/again.$hd_pid.$hd_began
if [ ! -f "$hd_file" ]; then
  hd_before=
  if hd_daemon_log "$@"; then hd_before=${hd_said%%" spawned: '${hd_name##*:}' with pid $hd_pid
"*}; fi
  case $hd_before in
    '' | "$hd_said") ;;
    *)
      hd_before=$(printf '%s\n' "$hd_before" | grep -F -e " exited: ${hd_name##*:} (" -e " stopped: ${hd_name##*:} (" \
        -e " gave up: ${hd_name##*:} " | tail -n 1)
      case $hd_before in *' exited: '*) hd_before=Again=1 ;; *) hd_before=Again=0 ;; esac
      ;;
  esac
  case $hd_before in Again=*) ;; *) hd_before= ;; esac
  printf '%s\n' "$hd_before" >"$hd_file"
fi
cat "$hd_file"
"""
)
"""NAME TOOL...: the process of the program, when it began, and whether it was started because the last one ended."""

# The tool tells the last bytes of one file, not lines. Followed, it tells of the file that has something in it.
LOGS = (
    r"""
hd_lines=$1 hd_follow=$2 hd_name=$3 hd_out=$4 hd_err=$5
shift 5
if [ "$hd_follow" ]; then
"""
    + END_WITH_INPUT
    + r"""
fi
hd_may= hd_channel=stdout
for hd_f in "$hd_out" "$hd_err"; do
  [ -z "$hd_f" ] || { [ -f "$hd_f" ] && [ -r "$hd_f" ] && [ "$hd_may" != no ] && hd_may=yes; } || hd_may=no
done
if [ "$hd_may" = yes ]; then
  set --
  [ -z "$hd_out" ] || set -- "$hd_out"
  [ -z "$hd_err" ] || set -- "$@" "$hd_err"
  exec tail -n "$hd_lines" ${hd_follow:+-F} -- "$@"
fi
if [ $# = 0 ]; then
  echo "$(id -un) may not read ${hd_out:-$hd_err}" >&2
  exit 1
fi
hd_tail() { hd_told=$("$@" 2>&1 </dev/null) && case $hd_told in *': ERROR ('*')') false ;; esac; }
# As tail does of two files: which of them the lines are of that follow.
hd_head() {
  case $hd_channel in stdout) hd_f=${hd_out:-stdout} ;; *) hd_f=${hd_err:-stderr} ;; esac
  case $hd_out:$hd_err in : | ?*:?*) printf '==> %s <==\n' "$hd_f" ;; esac
}
hd_newline='
'
if [ "$hd_follow" ]; then
  hd_tail "$@" tail -1024 "$hd_name" stdout
  if [ -z "$hd_told" ] && hd_tail "$@" tail -1024 "$hd_name" stderr && [ "$hd_told" ]; then hd_channel=stderr; fi
  hd_head
  # It begins with the last 1024 bytes, so in the middle of a line where there are so many.
  "$@" tail -f "$hd_name" "$hd_channel" </dev/null | {
    read -r hd_f
    [ "${#hd_told}" -lt 1000 ] || read -r hd_f
    exec cat
  }
  exit
fi
hd_bytes=$((hd_lines * 200)) hd_bad= hd_good=
for hd_channel in stdout stderr; do
  if hd_tail "$@" tail "-$hd_bytes" "$hd_name" "$hd_channel"; then
    hd_good=1
    [ "${#hd_told}" -lt "$((hd_bytes - 1))" ] || hd_told=${hd_told#*"$hd_newline"}
    [ -z "$hd_told" ] || { hd_head; printf '%s\n' "$hd_told" | tail -n "$hd_lines"; }
  else
    hd_bad=$hd_told
    # Who may not ask for one may not ask for the other: each refusal is a line in the host's log.
    case $hd_bad in sudo:*) break ;; esac
  fi
done
[ "$hd_good" ] || { printf '%s\n' "$hd_bad" >&2; exit 1; }
"""
)
"""LINES FOLLOW NAME STDOUT STDERR TOOL...: the files, or what supervisorctl prints of them."""
