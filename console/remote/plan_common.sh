# Shared by the script that runs a plan and by the door through which the console asks for one.
# POSIX sh with nothing beyond it: dash, bash and busybox ash run it. Read by console/remote/plan_script.py.

umask 022
PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${PATH-}"
LC_ALL=C SYSTEMD_PAGER='' SYSTEMD_COLORS=0 SYSTEMD_LESS=''
export PATH LC_ALL SYSTEMD_PAGER SYSTEMD_COLORS SYSTEMD_LESS
unset CDPATH ENV BASH_ENV LANGUAGE
cd / || exit 1
hd_me=$(id -u) || exit 1
: "${hd_places:=/var/tmp /run/hostdeck /tmp}"

# A place is good when nobody but root (or this user) can rename what others put there, and all can put something there.
hd_good() {
  [ -d "$1" ] && [ ! -h "$1" ] || return 1
  hd_listed=$(ls -lnd -- "$1") || return 1
  # The words of a line of ls: mode, links, owner, group ...
  set -f
  # shellcheck disable=SC2086
  set -- $hd_listed
  set +f
  case $1 in drwxrwxrwt*) ;; *) return 1 ;; esac
  [ "$3" = 0 ] || [ "$3" = "$hd_me" ]
}

# Uptime in hundredths of a second: it neither jumps with the wall clock nor needs a process to be started.
hd_clock() {
  if read -r hd_up hd_rest </proc/uptime 2>/dev/null; then
    hd_now=$((${hd_up%.*} * 100 + 1${hd_up#*.} - 100))
  else
    hd_now=$(($(date +%s) * 100))
  fi
}

# hd_value = the value of NAME in TEXT of the form a=1&b=2.
hd_field() {
  hd_value="&$1&"
  case $hd_value in
    *"&$2="*) hd_value=${hd_value#*"&$2="} hd_value=${hd_value%%"&"*} ;;
    *) hd_value= ;;
  esac
}

# To the shells 010 is eight and 09 an error that ends them.
hd_number() {
  case $1 in '' | *[!0-9]* | 0?* | ?????????????*) return 1 ;; esac
}

# hd_start = the clock tick at which process PID started, hd_session = its session; empty when there is none.
hd_started() {
  hd_start='' hd_session=''
  read -r hd_rest <"/proc/$1/stat" || return 1
  # The name, between parentheses, may hold blanks and parentheses itself.
  set -f
  # shellcheck disable=SC2086
  set -- ${hd_rest##*) }
  set +f
  hd_start=${20-} hd_session=${4-}
} 2>/dev/null

hd_boot=
read -r hd_boot 2>/dev/null </proc/sys/kernel/random/boot_id || hd_boot=none

hd_listed_owner() {
  hd_listed=$(ls "$1" -- "$2" 2>/dev/null)
  set -f
  # shellcheck disable=SC2086
  set -- $hd_listed
  set +f
  hd_owner=${3-}
}

# hd_uid = who owns PATH.
hd_uid_of() {
  hd_listed_owner -lnd "$1"
  hd_uid=$hd_owner
}

# hd_owner = the same as UID:NAME.
hd_owner_of() {
  hd_uid_of "$1"
  hd_listed_owner -ld "$1"
  hd_owner=${hd_uid:--}:$hd_owner
}

# Whether hd_uid is one whose word counts: root, or this user.
hd_ours() { [ "$hd_uid" = 0 ] || [ "$hd_uid" = "$hd_me" ]; }

# Whether the processes of others can be seen: /proc may hide them.
hd_sees() { [ -r /proc/1/stat ]; }

# TEXT to PLACE/hostdeck-audit-UID.N/log, which nobody sweeps: for a host that has no log. Where all may write anybody can
# lay out such a name; only a directory of this user counts, in which nobody else can lay out anything. Whoever lays out
# all of them stops nobody: then it gets a name that cannot be guessed. Root's own place for it may be the only one that
# a small host keeps over a restart.
hd_record() (
  hd_trails=$hd_places
  case "$hd_me $hd_places" in "0 /var/tmp "*) hd_trails="/var/log $hd_places" ;; esac
  for hd_at in $hd_trails; do
    [ "$hd_at" = /var/log ] || hd_good "$hd_at" || continue
    for hd_n in 1 2 3 4 5 new; do
      hd_trail=$hd_at/hostdeck-audit-$hd_me.$hd_n
      if [ "$hd_n" = new ]; then hd_trail=$(mktemp -d "$hd_at/hostdeck-audit-$hd_me.XXXXXX" 2>/dev/null)
      else mkdir "$hd_trail" 2>/dev/null; fi
      [ -d "$hd_trail" ] && [ ! -h "$hd_trail" ] || continue
      hd_uid_of "$hd_trail"
      [ "$hd_uid" = "$hd_me" ] || continue
      printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" 2>/dev/null >>"$hd_trail/log" && exit 0
      [ "$hd_n" != new ] || rm -rf "$hd_trail"
    done
  done
  exit 1
)

# The lock of a service is a symbolic link whose target says who holds it and why: made in one stroke together with what
# it says, never followed, and safe to read whoever made it. PLACE/hostdeck-lock-KEY.N; the number only grows, because
# in a sticky directory nobody can remove the lock of another. A lock over its lease is set aside by a further link that
# names it ("breaks=N.PLAN"); a lock of an earlier boot holds nothing. Root may set aside the live lock of any other user
# too, who could otherwise forbid him to mend a service for as long as he likes to; nobody else's mark does that.

# Whether the process that LINK names is there and of the same user. Asked of the locks of other users, who could
# otherwise hold every service of a host by a link that says so; one's own and root's hold until their lease is over.
hd_vouched() {
  hd_uid_of "$1"
  if hd_ours || ! hd_sees; then return 0; fi
  hd_claims=$hd_uid
  hd_field "$hd_payload" pid
  hd_number "$hd_value" || return 1
  hd_uid_of "/proc/$hd_value"
  hd_started "$hd_value"
  hd_field "$hd_payload" start
  [ "$hd_uid" = "$hd_claims" ] && [ "$hd_start" ] && [ "$hd_start" = "$hd_value" ]
}

# Whether nothing of the plan that LINK names can still run: its process is not there, nothing is left in the session of
# that (what waits for a command of it), nor in that of any command which it has noted. Only of this user's plans and
# root's, which tell the truth; what cannot be looked at may run.
hd_dead() {
  hd_uid_of "$1"
  hd_ours && hd_sees || return 1
  hd_field "$hd_payload" boot
  [ "$hd_value" = "$hd_boot" ] && [ "$hd_boot" != none ] || return 1
  hd_field "$hd_payload" start
  hd_claims=$hd_value
  hd_field "$hd_payload" pid
  hd_number "$hd_value" && hd_number "$hd_claims" && [ "$hd_claims" != 0 ] || return 1
  hd_started "$hd_value"
  [ "$hd_start" != "$hd_claims" ] || return 1
  hd_field "$hd_payload" sid
  hd_number "$hd_value" || return 1
  hd_left=$hd_value
  hd_field "$hd_payload" plan
  hd_commands "$hd_value" || return 1
  # Twice: what is forked while they are read may be missed once.
  hd_nobody_in && hd_nobody_in
}

# hd_left += the sessions of all commands of plan ID; 1 where these are not known.
hd_commands() {
  for hd_place in $hd_places; do
    hd_of=$hd_place/hostdeck-plan-$1
    hd_good "$hd_place" && [ -d "$hd_of" ] && [ ! -h "$hd_of" ] || continue
    hd_uid_of "$hd_of"
    hd_ours && [ -f "$hd_of/state" ] || continue
    for hd_file in "$hd_of"/pid.*; do
      [ -f "$hd_file" ] && [ ! -h "$hd_file" ] || continue
      read -r hd_value <"$hd_file" || return 1
      # One that is not written yet may just have begun.
      hd_number "$hd_value" || return 1
      hd_left="$hd_left $hd_value"
    done
    return 0
  done
  return 1
} 2>/dev/null

# Whether no process is in a session or a group of hd_left.
hd_nobody_in() {
  hd_rest=" $(cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/.*) [A-Za-z] [0-9]* \([0-9]* [0-9]*\) .*/\1/p' | tr '\n' ' ') "
  [ "$hd_rest" != "  " ] || return 1
  for hd_value in $hd_left; do
    case $hd_rest in *" $hd_value "*) return 1 ;; esac
  done
}

# Whether LINK of KEY holds. Sets hd_payload, hd_age (seconds, or "-") and hd_kind (live, over, gone; dead: over or gone,
# and so is all that it began; foreign: live, and root, who asks, may set it aside).
hd_holds() {
  [ -h "$2" ] || return 1
  hd_payload=$(readlink "$2") || return 1
  # Anybody can make such a link; what is not of our form is shown as "-" and counts as a lock whose lease is over.
  case $hd_payload in *[!A-Za-z0-9%=._\&~-]*) hd_payload=- ;; esac
  hd_field "$hd_payload" breaks
  [ -z "$hd_value" ] || return 1
  hd_field "$hd_payload" boot
  [ -z "$hd_value" ] || [ "$hd_value" = "$hd_boot" ] || return 1
  hd_field "$hd_payload" up
  hd_age=- hd_kind=over
  if hd_number "$hd_value"; then
    hd_age=$(((hd_now - hd_value) / 100))
    hd_field "$hd_payload" lease
    if hd_number "$hd_value" && [ "$hd_age" -ge 0 ] && [ "$hd_age" -lt "$hd_value" ] && [ "$hd_age" -lt 86400 ]; then
      hd_kind=gone
      hd_vouched "$2" && hd_kind=live
      hd_dead "$2" && hd_kind=dead
      [ "$hd_kind $hd_me" = "live 0" ] && [ "$hd_uid" != 0 ] && hd_kind=foreign
    fi
    # What is dead does not need anybody to say so once it is older than its lease.
    [ "$hd_kind" != over ] || ! hd_dead "$2" || hd_kind=dead
  fi
  ! hd_broken "$1" "$2"
}

# Whether LINK of KEY was set aside.
hd_broken() {
  hd_field "$hd_payload" plan
  hd_name=${2##*.}.$hd_value
  for hd_place in $hd_places; do
    hd_good "$hd_place" || continue
    for hd_mark in "$hd_place/hostdeck-lock-$1".*; do
      [ -h "$hd_mark" ] || continue
      hd_field "$(readlink "$hd_mark")" breaks
      [ "$hd_value" = "$hd_name" ] || continue
      case $hd_kind in over | gone | dead) return 0 ;; esac
      hd_uid_of "$hd_mark"
      [ "$hd_uid" = 0 ] && return 0
    done
  done
  return 1
}

# Whether somebody holds KEY by another link than MINE; sets hd_link beside what hd_holds sets.
hd_held() {
  hd_clock
  for hd_at in $hd_places; do
    hd_good "$hd_at" || continue
    for hd_link in "$hd_at/hostdeck-lock-$1".*; do
      [ "$hd_link" != "$2" ] && hd_holds "$1" "$hd_link" && return 0
    done
  done
  return 1
}

# hd_mine = a path for a new link of KEY in PLACE; counts hd_tries. What has more digits than links are ever counted is
# nobody's count. Every name that can be foreseen may be taken by anybody: later tries are where nobody expects them.
hd_next() {
  hd_tries=$((hd_tries + 1)) hd_number=1
  for hd_link in "$2/hostdeck-lock-$1".*; do
    hd_last=${hd_link##*.}
    case $hd_last in ??????????*) continue ;; esac
    hd_number "$hd_last" && [ "$hd_last" -ge "$hd_number" ] && hd_number=$((hd_last + 1))
  done
  if [ "$hd_tries" -gt 2 ]; then
    hd_last=$(od -An -N3 -tu4 /dev/urandom 2>/dev/null | tr -dc 0-9)
    hd_number=$((hd_number + ${hd_last:-$$}))
  fi
  hd_mine=$2/hostdeck-lock-$1.$hd_number
}

# Make the link hd_mine, which says TEXT. Sets hd_said, why it could not be made.
hd_lay() {
  hd_said='File exists'
  if [ -e "$hd_mine" ] || [ -h "$hd_mine" ]; then return 1; fi
  hd_said=$(ln -s "$1" "$hd_mine" 2>&1) && [ "$(readlink "$hd_mine")" = "$1" ] && return 0
  hd_said=${hd_said##*: }
  return 1
}
