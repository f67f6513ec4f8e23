"""What pid files say: the two probes. Processes are looked at through ``/proc`` alone, mostly without a fork.

Not shown are those that another manager runs: whose control group is a unit's or a container's, or which descend from a
supervisord, pm2 or container shim. What cron, at or a login without PAM left running stays in the unit of that daemon,
though it is none of it.
"""

_COMMON = r"""
hd_nl='
'
# The number in file $1: sets hd_pid, empty where it holds none; 1 where it cannot be read.
hd_number() {
  hd_pid=
  [ -f "$1" ] && [ -r "$1" ] || return 1
  { read -r hd_pid hd_x || :; } <"$1"
  case $hd_pid in *[!0-9]* | 0* | ???????????*) hd_pid= ;; esac
  return 0
}
# Process $1: sets hd_name, hd_state, hd_ppid and hd_ticks (proc_pid_stat(5)); 1 when there is none. A name may hold
# anything, the last ")" ends it.
hd_process() {
  hd_l=
  [ -r "/proc/$1/stat" ] || return 1
  while IFS= read -r hd_x || [ -n "$hd_x" ]; do hd_l="$hd_l$hd_x "; done <"/proc/$1/stat"
  [ -n "$hd_l" ] || return 1
  hd_name=${hd_l#*\(}
  hd_name=${hd_name%)*}
  set -- ${hd_l##*\) }
  hd_state=$1 hd_ppid=$2
  [ $# -ge 20 ] || return 1
  shift 19
  hd_ticks=$1
  case $hd_state in Z | X | x) return 1 ;; esac
}
# The control group of process $1 below that of PID 1: sets hd_group.
hd_in() {
  hd_group=
  [ -r "/proc/$1/cgroup" ] || return 1
  while IFS= read -r hd_x; do
    case $hd_x in
      0::/?*) hd_group=${hd_x#0::} ;;
      *:name=systemd:*) hd_group=${hd_group:-${hd_x#*:name=systemd:}} ;;
    esac
  done <"/proc/$1/cgroup"
  return 0
}
hd_in 1
hd_root=${hd_group%/init.scope}
[ "$hd_root" != / ] || hd_root=
# Whether the control group of process $1 says that another manager runs it: that of most, and cheaper to read than all
# else of a process.
hd_managed() {
  hd_in "$1"
  case ${hd_group#"$hd_root"} in
    */docker/* | */docker-*.scope* | */libpod* | */kubepods* | */crio-* | */cri-containerd* | /lxc* | /machine.slice/*)
      return 0
      ;;
    */user@*.service/*.service | */user@*.service/*.service/*) return 0 ;;
    */user@*.service*) return 1 ;;
    */cron.service | */crond.service | */atd.service | */ssh.service | */sshd.service | */rc-local.service)
      hd_x=
      [ ! -r "/proc/$1/comm" ] || IFS= read -r hd_x <"/proc/$1/comm"
      case $hd_x in cron | crond | atd | sshd) return 0 ;; esac
      ;;
    *.service | *.service/*) return 0 ;;
  esac
  return 1
}
# Whether the process that hd_process looked at last, of number $1, is run by nobody else.
hd_alone() {
  [ "$1" -gt 1 ] && [ "$hd_ppid" != 2 ] || return 1
  hd_managed "$1" && return 1
  while :; do
    case $hd_name in supervisord | 'PM2 v'* | containerd-shim* | conmon) return 1 ;; esac
    hd_up=$hd_ppid
    [ "$hd_up" -gt 1 ] && hd_process "$hd_up" || return 0
  done
}
"""
# Where services put them, and where the processes of logins work, by the control groups of their sessions: whoever
# searches the homes of everybody reads a whole disk, or mounts it.
_PLACES = r"""
set -- /run/*.pid /run/*/*.pid /var/lib/*/*.pid /var/log/*/*.pid /usr/local/*/*.pid
set -- "$@" /opt/*/*.pid /opt/*/*/*.pid /srv/*/*.pid /srv/*/*/*.pid
set -- "$@" "${HOME:-/nowhere}"/*.pid "${HOME:-/nowhere}"/*/*.pid
[ -L /var/run ] || set -- /var/run/*.pid /var/run/*/*.pid "$@"
for hd_d in /sys/fs/cgroup"$hd_root"/user.slice/*/*.scope /sys/fs/cgroup/systemd"$hd_root"/user.slice/*/*.scope; do
  [ -r "$hd_d/cgroup.procs" ] || continue
  while read -r hd_p && [ $# -lt 500 ]; do
    set -- "$@" "/proc/$hd_p/cwd"/*.pid "/proc/$hd_p/cwd"/run/*.pid "/proc/$hd_p/cwd"/tmp/pids/*.pid
  done <"$hd_d/cgroup.procs"
done
# The first of a name has it: where anybody may write comes last.
set -- "$@" /tmp/*.pid
"""

PRESENCE = (
    _COMMON
    + r"""
for hd_f in "$@"; do
  hd_number "$hd_f"
  hd_r=$?
  hd_ticks=
  [ -z "$hd_pid" ] || hd_process "$hd_pid" || hd_ticks=gone
  printf '%s\n' "declared $hd_r $hd_pid $hd_ticks $hd_f"
done
"""
    + _PLACES
    + r"""
for hd_f in "$@"; do
  hd_number "$hd_f" && [ -n "$hd_pid" ] && ! hd_managed "$hd_pid" || continue
  if hd_process "$hd_pid"; then
    hd_t=$hd_ticks
    hd_alone "$hd_pid" && printf '%s\n' "$hd_pid $hd_t $hd_f"
  else
    printf '%s\n' "gone $hd_pid $hd_f"
  fi
done
return 0
"""
)
"""PATH...: one line for each of these pid files, and for each that is found and is nobody else's; forks nothing."""

SURVEY = (
    _COMMON
    + r"""
hd_say() {
  case $2 in '' | *"$hd_nl"*) ;; *) printf '%s\n' "$1 $2" ;; esac
}
hd_user() {
  case $hd_users in
    *" $1:"*)
      hd_x=${hd_users##*" $1:"}
      hd_x=${hd_x%% *}
      ;;
    *)
      hd_x=$(getent passwd "$1" 2>/dev/null) || hd_x=$(grep "^[^:]*:[^:]*:$1:" /etc/passwd)
      hd_x=${hd_x%%:*}
      hd_x=${hd_x:-#$1}
      hd_users="$hd_users$1:$hd_x "
      ;;
  esac
  printf '%s\n' "owner $1 $hd_x"
}
hd_tell() {
  hd_say group "${hd_group#"$hd_root"}"
  hd_uid=
  while read -r hd_k hd_v hd_x; do
    case $hd_k in Uid:) hd_uid=$hd_v ;; esac
  done <"/proc/$hd_pid/status"
  [ -z "$hd_uid" ] || hd_user "$hd_uid"
  printf '%s\n' "command $(head -c 32000 "/proc/$hd_pid/cmdline" | tr '\t\n\0' '  \t')"
  # Whoever may not see one of these links may see none of them.
  hd_x=$(readlink "/proc/$hd_pid/cwd") || return
  hd_say cwd "$hd_x"
  [ -z "$1" ] || hd_say exe "$(readlink "/proc/$hd_pid/exe")"
  hd_x=$(readlink "/proc/$hd_pid/fd/1")
  hd_say out "$hd_x"
  case $hd_x in /dev/* | [!/]* | '') hd_say out "$(readlink "/proc/$hd_pid/fd/2")" ;; esac
}
# Whether the process of the last run, of which WORDS may tell, is there without its file.
hd_last() {
  case $1 in *'"run":['[1-9]*) ;; *) return ;; esac
  hd_pid=${1##*'"run":['}
  hd_pid=${hd_pid%%[!0-9]*}
  hd_process "$hd_pid" || return
  hd_line="process $hd_pid $hd_ticks $hd_name"
  hd_alone "$hd_pid" || return
  printf '%s\n' "$hd_line" alone
  hd_tell 1
}
hd_file() {
  case $1 in *"$hd_nl"*) return ;; esac
  if hd_number "$1"; then
    hd_line='' hd_mine=
    if [ -n "$hd_pid" ] && hd_process "$hd_pid"; then
      hd_line="process $hd_pid $hd_ticks $hd_name"
      hd_alone "$hd_pid" && hd_mine=alone
    fi
    # What is merely found must run, and be run by nobody else.
    [ -n "$2" ] || [ -n "$hd_mine" ] || return
    # Whoever owns a link to a file of root decides what it names.
    hd_x=%u
    [ ! -L "$1" ] || hd_x=$(stat -c %u -- "$1")
    [ "$hd_x" != 0 ] || hd_x=%u
    hd_x=$(stat -L -c "$hd_x %Y" -- "$1")
    # One file for a process is enough, but only of the same user: anybody may write the number of a process.
    case $hd_seen in *" $hd_pid.${hd_x%% *} "*) [ -n "$2" ] || return ;; esac
    hd_seen="$hd_seen$hd_pid.${hd_x%% *} "
    printf '%s\n' "file $1" "${2:-found}"
    [ -n "$hd_x" ] || return
    printf '%s\n' "written $hd_x"
    if [ -z "$hd_pid" ]; then
      echo no number
      hd_last "$2"
    elif [ -n "$hd_line" ]; then
      printf '%s\n' "$hd_line" ${hd_mine:+alone}
      hd_tell "$2"
    elif [ ! -r /proc/1/stat ] && [ ! -e "/proc/$hd_pid/stat" ]; then
      echo hidden "$hd_pid"
    else
      echo gone "$hd_pid"
    fi
  elif [ -n "$2" ]; then
    printf '%s\n' "file $1" "$2"
    # Below a directory that is closed, what is there cannot be told from what is not.
    hd_d=${1%/*}
    if [ -e "$1" ] || { [ -d "${hd_d:-/}" ] && [ ! -x "${hd_d:-/}" ]; }; then echo closed
    else
      echo missing
      hd_last "$2"
    fi
  fi
}
hd_seen=' ' hd_users=' '
printf '%s\n' "me $(id -u) $(id -un)"
for hd_t in sudo runuser systemd-run; do
  command -v "$hd_t" >/dev/null && echo "tool $hd_t"
done
[ ! -d /run/systemd/system ] || echo systemd
[ ! -e "/var/lib/systemd/linger/$(id -un)" ] || echo linger
while read -r hd_k hd_v hd_x; do
  case $hd_k in btime) echo "boot $hd_v" ;; esac
done </proc/stat
while [ "${1-}" != . ] && [ $# -ge 2 ]; do
  hd_file "$1" "told $2"
  shift 2
done
[ "${1-}" != . ] || shift
"""
    + _PLACES
    + r"""
for hd_f in "$@"; do
  [ -e "$hd_f" ] || continue
  case $hd_f in
    /proc/[0-9]*/cwd/*)
      hd_x=${hd_f#/proc/*/cwd/}
      hd_d=$(readlink "${hd_f%"/$hd_x"}") && [ "$hd_d" != / ] || continue
      hd_f=$hd_d/$hd_x
      ;;
  esac
  hd_file "$hd_f" ''
done
return 0
"""
)
"""[PATH WORDS]... .: the same files with all that is known of them; WORDS are printed as they are."""
