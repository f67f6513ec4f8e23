"""Where pm2 daemons are on a host, and the way to each: the daemon's own user, or root, or sudo."""

from console.managers.pm2_ask import ASK_JS
from console.managers.pm2_saved import SAVED

# A daemon is the process that a pm2.pid names and that still is one, and any that calls itself one: homes may be closed
# to this user, and anywhere. Those inside containers are left out: their paths are of another place. Calls hd_daemon
# with PID UID GID HOME; the title, where the home stands, is cut where it is longer than the command line was: then
# HOME ends in "*".
FIND = r"""
hd_is() {
  hd_comm= hd_uid= hd_gid= hd_ns=
  { read -r hd_comm <"/proc/$1/comm"; } 2>/dev/null
  case $hd_comm in 'PM2 v'* | node* | bun* | *MainThread) ;; *) return 1 ;; esac
  while read -r hd_k hd_v hd_rest; do
    case $hd_k in
      Uid:) hd_uid=$hd_v ;;
      Gid:) hd_gid=$hd_v ;;
      NSpid:) [ -z "$hd_rest" ] || return 1; break ;;
    esac
  done 2>/dev/null <"/proc/$1/status"
  [ -n "$hd_uid" ]
}
# PID: whether a signal has stopped it. The name in brackets may have any character.
hd_frozen() {
  hd_k=
  { read -r hd_k <"/proc/$1/stat"; } 2>/dev/null
  case ${hd_k##*) } in [Tt]*) return 0 ;; esac
  return 1
}
hd_found() {
  case $hd_seen in *" $1 "*) return ;; esac
  hd_seen="$hd_seen$1 "
  hd_is "$1" && hd_known=1 && hd_daemon "$1" "$hd_uid" "$hd_gid" "$2"
}
# UID HOME: 1 where a part is another user's, who would choose the pm2 that is run; 2 where it is hidden.
hd_owned() {
  case $2 in /*) ;; *) return 2 ;; esac
  hd_owners=$(stat -c %u "$2" "$2/." "$2/pm2.pid" "$2/rpc.sock" 2>/dev/null)
  [ "$hd_owners" ] || return 2
  for hd_k in $hd_owners; do [ "$hd_k" = "$1" ] || return 1; done
}
hd_in() {
  case $1 in *'
'*) return ;; esac
  [ -f "$1/pm2.pid" ] || { [ ! -f "$1/dump.pm2" ] || hd_idle "$1"; return; }
  hd_pid=
  { read -r hd_pid <"$1/pm2.pid"; } 2>/dev/null
  case $hd_pid in '' | *[!0-9]*) return ;; esac
  if hd_is "$hd_pid"; then hd_owned "$hd_uid" "$1" && hd_found "$hd_pid" "$1"
  else hd_crashed "$1" "$hd_pid"; fi
}
# An orderly end takes pm2.pid away. One that is older than the host's last start is from before, and processes that are
# hidden are not gone. Calls hd_dead with HOME PID, or hd_saved with HOME where a list of apps is all that is left,
# and "boot" where it ran until then.
hd_crashed() {
  [ -d /proc/1 ] || return
  if [ -d "/proc/$2" ]; then case $hd_comm in '' | 'PM2 v'* | node* | bun* | *MainThread) return ;; esac; fi
  case $hd_seen in *" $2 "*) return ;; esac
  hd_wrote=$(stat -c %Y "$1/pm2.pid" 2>/dev/null) || return
  while read -r hd_k hd_v; do [ "$hd_k" != btime ] || break; done </proc/stat
  if [ "$hd_wrote" -lt "${hd_v:-0}" ]; then [ ! -f "$1/dump.pm2" ] || hd_idle "$1" boot; return; fi
  hd_seen="$hd_seen$2 " hd_known=1
  hd_dead "$1" "$2"
}
# Each home once: it is looked for in several ways.
hd_idle() {
  case $hd_idles in *"
$1
"*) return ;; esac
  hd_idles="$hd_idles$1
" hd_known=1
  hd_saved "$1" "$2"
}
hd_titled() {
  case $hd_seen in *" $1 "*) return ;; esac
  # A user may make it so long that a shell needs minutes to read and to search it.
  { hd_title=$(head -c 4200 "/proc/$1/cmdline"); } 2>/dev/null
  hd_title=${hd_title%%'
'*}
  case $hd_title in
    *'God Daemon ('*')'*) hd_title=${hd_title#*God Daemon (} hd_title=${hd_title%%)*} ;;
    *'God Daemon ('*) hd_title="${hd_title#*God Daemon (}*" ;;
    *) hd_title='*' ;;
  esac
  hd_found "$1" "$hd_title"
}
hd_daemons() {
  hd_seen=' ' hd_known= hd_there=
  hd_idles='
'
  hd_in "${PM2_HOME:-/nonexistent}"
  hd_in "$HOME/.pm2"
  for hd_f in /root/.pm2 /home/*/.pm2; do hd_in "$hd_f"; done
  # Of other homes, as /srv and /var/lib/deploy.
  hd_others hd_in_home
  for hd_f in /proc/[0-9]*/comm; do
    hd_comm=
    { read -r hd_comm <"$hd_f"; } 2>/dev/null
    case $hd_comm in 'PM2 v'*) hd_pid=${hd_f#/proc/}; hd_titled "${hd_pid%/comm}" ;; esac
  done
  ! hd_is_missed || hd_there=1
  hd_shell=
  for hd_f in /root /home/*; do hd_shut "$hd_f"; done
  hd_others hd_shut
}
# FUNCTION: is called with each home that is in no usual place.
hd_others() {
  while IFS=: read -r hd_k hd_k hd_k hd_k hd_k hd_f hd_shell; do
    case $hd_f in '' | / | /root | /home/*) ;; *) "$1" "$hd_f" ;; esac
  done </etc/passwd
  return 0
}
hd_in_home() { [ ! -d "$1/.pm2" ] || hd_in "$1/.pm2"; }
# Whether pm2 is installed and nothing of one is seen, not even a unit: then it may be in a home that is closed.
hd_is_missed() {
  [ -z "$hd_known" ] || return 1
  for hd_f in /etc/systemd/system/pm2*.service; do [ ! -e "$hd_f" ] || return 1; done
  command -v pm2 >/dev/null 2>&1 || [ -e /usr/local/bin/pm2 ] || [ -e /usr/bin/pm2 ]
}
# HOME of an account: calls hd_closed with the place of a pm2 in it where this login cannot see what is there.
hd_shut() {
  case $1 in *'
'*) return ;; esac
  if [ -d "$1/.pm2" ]; then [ ! -x "$1/.pm2" ] || return 0
  else
    case $hd_shell in */nologin | */false) return 0 ;; esac
    [ "$hd_there" ] && [ -d "$1" ] && [ ! -x "$1" ] || return 0
  fi
  hd_closed "$1/.pm2"
}
"""

PRESENCE = (
    FIND
    + r"""
hd_logs=
hd_dead() { echo "dead $1 $2"; }
hd_saved() { echo "saved $1"; }
hd_closed() { echo "closed $1"; }
hd_daemon() {
  hd_kids=
  { read -r hd_kids <"/proc/$1/task/$1/children"; } 2>/dev/null
  ! hd_frozen "$1" || hd_kids="$hd_kids frozen"
  echo "$1 $2 $4 $hd_kids"
  [ -r "$4/pm2.log" ] && hd_logs="$hd_logs
$4/pm2.log"
}
hd_daemons
[ "$hd_logs" ] || return 0
IFS='
'
set -f
stat -c '%Y %s' $hd_logs 2>/dev/null
return 0
"""
)
"""Every daemon and its children, and its own log: a line for each start and end of an app. One fork where there is one
at all, none elsewhere. The kernel of every distribution tells children since 4.2."""

# $hd_way is how to become the daemon's user; "direct" needs nothing and "sudo" may only run pm2. setpriv leaves no line
# in the host's log where runuser leaves two.
ASK = r"""
hd_account() {
  hd_user= hd_home=
  while IFS=: read -r hd_k hd_v hd_ns hd_gid hd_rest hd_f hd_comm; do
    [ "$hd_ns" = "$1" ] && hd_user=$hd_k hd_home=$hd_f && return
  done </etc/passwd
  IFS=: read -r hd_user hd_v hd_ns hd_gid hd_rest hd_home hd_comm <<EOF
$(getent passwd "$1" 2>/dev/null)
EOF
  [ "$hd_user" ] || hd_user=$1
}
# The home of which a socket is open: the account's own one, else the only one that begins as the title does.
hd_home_of() {
  case $hd_line in *'*') hd_line=${hd_line%?} ;; *) return ;; esac
  case $hd_home/.pm2 in "$hd_line"*) hd_open "$hd_home/.pm2" && hd_line=$hd_home/.pm2 && return ;; esac
  hd_v=
  [ "$hd_line" ] && hd_open "$hd_line*"
  hd_line=
  case $hd_v in ?*/rpc.sock) hd_line=${hd_v%/rpc.sock} ;; esac
}
# Leaves the path in hd_v; "?" where several begin so.
hd_open() {
  hd_v=
  while read -r hd_k hd_k hd_k hd_k hd_k hd_k hd_k hd_ns; do
    [ "$hd_ns" = "$1/rpc.sock" ] && hd_v=$hd_ns && return
    case $1 in *'*') ;; *) continue ;; esac
    # A connection to the socket has its path as well.
    [ "$hd_ns" = "$hd_v" ] && continue
    case $hd_ns in "${1%?}"*/rpc.sock) if [ "$hd_v" ]; then hd_v="?"; else hd_v=$hd_ns; fi ;; esac
  done 2>/dev/null </proc/net/unix
  [ "$hd_v" ]
}
hd_how() {
  hd_me=$(id -u)
  if [ "$1" = "$hd_me" ]; then hd_way=direct
  elif [ "$hd_me" = 0 ] && command -v setpriv >/dev/null 2>&1; then hd_way=setpriv
  elif [ "$hd_me" = 0 ] && command -v runuser >/dev/null 2>&1; then hd_way=runuser
  else hd_way=sudo; fi
}
# PID UID GID USER and the arguments of the script, for a way that is not sudo.
hd_socket() {
  hd_exe=/proc/$1/exe hd_as_uid=$2 hd_as_gid=$3 hd_as=$4
  shift 4
  set -- "$hd_exe" -e "$hd_js" -- "$@"
  case $hd_way in
    setpriv) set -- setpriv "--reuid=$hd_as_uid" "--regid=$hd_as_gid" --clear-groups -- "$@" ;;
    runuser) set -- runuser -u "$hd_as" -- "$@" ;;
  esac
  # Nothing of this user's environment for a program of another one.
  [ "$hd_way" = direct ] || set -- env -i "PATH=$PATH" LC_ALL=C "$@"
  # What runs is a program of that user's choice, and all that it prints is held by a shell that may be root's.
  {
    hd_r=$({
      { NODE_OPTIONS= timeout 8 "$@" </dev/null 3>&- 4>&-; echo $? >&3; } | head -c 3000000 >&4 3>&- 4>&-
    } 3>&1)
  } 4>&1
  return "$hd_r"
}
# MODE WORDS and what runs pm2; the answer is cut down by a node of this user.
hd_jlist() {
  hd_mode=$1 hd_words=$2
  shift 2
  PATH=$PATH:/usr/local/bin:/usr/bin:/bin
  command -v node >/dev/null 2>&1 || { echo "prints too much, and this user has no node to cut it down"; return 9; }
  timeout 15 "$@" jlist </dev/null 2>&1 | NODE_OPTIONS= node -e "$hd_js" -- - "$hd_mode" "$hd_words"
}
hd_js='@JS@'
""".replace("@JS@", ASK_JS.replace("'", "'\\''"))

# Arguments: users whose daemons are not to be asked now. A line that begins with ">" is told by a daemon, or by what
# runs as its user, and is believed of that daemon alone; all others are this script's own.
SURVEY = (
    FIND
    + SAVED
    + ASK
    + r"""
hd_refused() { printf 'refused\t%s\t%s\n' "$hd_user" "$1"; }
# What was told, each line of it marked: it may be any text, of a program of any user's choice.
hd_tell() { printf '%s\n' "$1" | sed 's/^/>/'; }
# Not by a pattern: of a long line a shell takes hours for that.
hd_last() { hd_told=$(printf '%s\n' "$hd_told" | tail -n 1 | head -c 300); }
hd_direct() {
  hd_told=$(hd_socket "$1" "$2" "$3" "$hd_user" "$4/rpc.sock" survey 2>/dev/null) && {
    hd_tell "$hd_told"
    return
  }
  # Another protocol, if there ever is one: then pm2 itself, where it is found by a login shell at least.
  if [ $? = 7 ] && [ "$hd_way" = direct ]; then
    hd_pm2=$(command -v pm2 || timeout 5 "${SHELL:-sh}" -lc 'command -v pm2' </dev/null 2>/dev/null | tail -n 1)
    if [ "$hd_pm2" ] && hd_more=$(PATH=$PATH:${hd_pm2%/*} PM2_HOME=$4 hd_jlist survey '' "$hd_pm2" 2>/dev/null); then
      printf 'tool\t%s\n' "$hd_pm2"
      hd_tell "$hd_more"
      return
    fi
  fi
  hd_last
  case ${hd_told:=does not answer within 8 s} in 'does not answer'*) hd_mend "$4" ;; esac
  hd_refused "the pm2 daemon of $hd_user (pid $1) $hd_told"
}
# HOME: what to do about one that hangs.
hd_mend() {
  hd_told="$hd_told: it hangs: its log $1/pm2.log may tell why, then pm2 kill and pm2 resurrect as $hd_user"
}
# PID: whether the home is the daemon's own, as far as that is seen; through sudo its account's own one is believed.
hd_homely() {
  hd_owned "$hd_as_uid" "$hd_line"
  case $? in
    0) return ;;
    1) hd_refused "the pm2 daemon of $hd_user (pid $1) is not asked: $hd_line is not all of $hd_user: mend its owner" ;;
    *)
      [ "$hd_way" != sudo ] || case $hd_line in '' | "$hd_home/.pm2") return 0 ;; esac
      hd_refused "the home of the pm2 daemon of $hd_user (pid $1) cannot be seen: connect as $hd_user"
      ;;
  esac
  return 1
}
hd_sudo() {
  hd_may_not="$(id -un) may not ask the pm2 of $hd_user" hd_why="connect as $hd_user"
  if ! command -v sudo >/dev/null 2>&1; then
    hd_refused "$hd_may_not and this host has no sudo: $hd_why"
    return
  fi
  # Where no daemon has this socket open, pm2 would start one.
  if [ -z "$1" ] || ! hd_open "$1"; then
    hd_refused "$hd_may_not: where its home is cannot be seen: $hd_why"
    return
  fi
  hd_env=
  [ "$1" = "$hd_home/.pm2" ] || hd_env=PM2_HOME=$1
  hd_pm2=$(PATH=$PATH:/usr/local/bin:/usr/bin; command -v pm2) &&
    hd_why="sudoers needs: $(id -un) ALL=($hd_user) NOPASSWD: ${hd_env:+/usr/bin/env $hd_env }$hd_pm2 jlist"
  hd_told=$(hd_jlist survey '' sudo -n -u "$hd_user" -- ${hd_env:+env "$hd_env"} pm2 2>/dev/null) && {
    hd_tell "$hd_told"
    return
  }
  hd_last
  case $hd_told in
    *password* | *'not allowed'* | *'not in the sudoers'* | *'may not run'*) hd_refused "$hd_may_not: $hd_why" ;;
    *'not found'*) hd_refused "$hd_may_not: sudo finds no pm2: connect as $hd_user" ;;
    'says nothing')
      hd_told="does not answer within 15 s"
      hd_mend "$1"
      hd_refused "the pm2 of $hd_user $hd_told"
      ;;
    *) hd_refused "pm2 of $hd_user $hd_told" ;;
  esac
}
hd_all=
hd_daemon() {
  hd_all="$hd_all$1 $2 $3 $4
"
}
# A list that is not its owner's is nobody's.
hd_dead() {
  hd_account "$(stat -c %u "$1/." 2>/dev/null)"
  hd_is_saved "$1" || [ "$2" != 0 ] || return 0
  printf 'dead\t%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$hd_user" "$hd_home" "$1"
  ! hd_is_saved "$1" || { hd_saved_apps "$1"; hd_saved_runs "$1"; }
}
hd_saved() { hd_dead "$1" 0 "$2"; }
hd_closed() { printf 'closed\t%s\n' "$1"; }
printf 'home\t%s\n' "${PM2_HOME:-$HOME/.pm2}"
hd_daemons
IFS='
'
set -f
for hd_line in $hd_all; do
  unset IFS
  hd_pid=${hd_line%% *} hd_line=${hd_line#* }
  hd_as_uid=${hd_line%% *} hd_line=${hd_line#* }
  hd_as_gid=${hd_line%% *} hd_line=${hd_line#* }
  hd_account "$hd_as_uid"
  case " $* " in *" $hd_user "*) continue ;; esac
  hd_how "$hd_as_uid"
  hd_home_of "$hd_pid"
  printf 'daemon\t%s\t%s\t%s\t%s\t%s\n' "$hd_pid" "$hd_user" "$hd_way" "$hd_home" "$hd_line"
  if hd_frozen "$hd_pid"; then
    hd_why="was stopped by a signal and does not answer: kill -CONT $hd_pid"
    hd_refused "the pm2 daemon of $hd_user (pid $hd_pid) $hd_why"
    continue
  fi
  hd_homely "$hd_pid" || continue
  if [ "$hd_way" = sudo ]; then hd_sudo "$hd_line"
  else hd_direct "$hd_pid" "$hd_as_uid" "$hd_as_gid" "$hd_line"; fi
done
return 0
"""
)
