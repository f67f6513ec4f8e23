# Runs one plan: rights, lock, audit, preflight, steps, checks; the undo of the steps, last first, when one fails.
# What follows this text is rendered from the plan; the last line of all calls hd_main, so a part of it does nothing.
# Argument: the plan's directory. Everything that is to be known afterwards is appended to its file "state":
#   broke 1 PLAN: the lock of a dead one was set aside
#   PHASE N late SECONDS: it takes longer, and is not ended
#   PHASE N running | done EXIT SECONDS | failed EXIT SECONDS [over|flapped HELD] | skipped EXIT SECONDS
#   took SECONDS: from its beginning to the result
#   result done|undone|failed|refused CAUSE... [kept SECONDS PHASE N] [not-undone N...] [not-well N]

hd_dir=${1:?}
hd_begun='' hd_links='' hd_term='' hd_over='' hd_cause='' hd_done='' hd_slot=0 hd_stuck='' hd_locked='' hd_fenced='' hd_refused='' hd_syslog=/dev/log

# The reserve is given up for the result, so that a disk that fills meanwhile cannot hide how the plan ended.
hd_note() {
  printf '%s\n' "$*" 2>/dev/null >>"$hd_dir/state" && return 0
  rm -f "$hd_dir/reserve"
  printf '\n%s\n' "$*" 2>/dev/null >>"$hd_dir/state"
}

# PHASE N LIMIT OK-EXITS: one command that changes the host.
hd_change() {
  hd_run "$1.$2" "$3"
  [ -z "$hd_lost" ] || hd_stuck=$hd_lost hd_stuck_as="$1 $2"
  hd_seconds "$hd_took"
  if hd_ok "$4" && [ -z "$hd_over" ]; then
    hd_note "$1 $2 done $hd_exit $hd_text"
  else
    hd_note "$1 $2 failed $hd_exit $hd_text $hd_over"
    hd_cause="$1 $2 $hd_exit"
    return 1
  fi
}

hd_mark() {
  # Not every date knows parts of a second.
  HOSTDECK_SINCE=$(date +%s.%6N)
  case $HOSTDECK_SINCE in '' | *[!0-9.]* | *.) HOSTDECK_SINCE=$(date +%s) ;; esac
  export HOSTDECK_SINCE
  for hd_spec in $hd_marks; do hd_run "mark.${hd_spec%%:*}" "${hd_spec#*:}"; done
}

hd_step() {
  [ -z "$hd_term" ] || { hd_cause=interrupted; return 1; }
  hd_keeps || { hd_cause=lost; return 1; }
  # Written before it is done: what cannot be written is not done.
  hd_note "step $1 running" || { hd_cause="state step $1"; return 1; }
  hd_begun="$1 $hd_begun"
  # What a service says from here on is of the plan: its evidence asks for that alone.
  if [ "$1" = "$hd_touching" ]; then hd_mark; fi
  for hd_spec in $hd_notes; do
    [ "${hd_spec%%:*}" != "$1" ] || hd_run "note.$1" "${hd_spec#*:}"
  done
  hd_change step "$@"
}

# PHASE SPEC...: checks side by side, each tried until it succeeds, then for as long as it must hold.
# SPEC = N:WITHIN:HOLD:LIMIT:OK-EXITS, times in hundredths of a second.
hd_watch() {
  hd_phase=$1 hd_closed=' '
  shift
  hd_clock
  hd_from=$hd_now
  for hd_spec in "$@"; do
    hd_note "$hd_phase ${hd_spec%%:*} running"
    eval "hd_since_${hd_spec%%:*}="
  done
  while :; do
    hd_open=
    for hd_spec in "$@"; do
      [ -z "$hd_term" ] || { hd_cause=interrupted; return 1; }
      case $hd_closed in *" ${hd_spec%%:*} "*) continue ;; esac
      hd_look "$hd_spec" || return 1
    done
    [ "$hd_open" ] || return 0
    sleep "${hd_fine_sleep:-1}"
  done
}

# One try of one check; 1 when it has failed for good.
hd_look() {
  hd_n=${1%%:*} hd_rest=${1#*:}
  hd_within=${hd_rest%%:*} hd_rest=${hd_rest#*:}
  hd_hold=${hd_rest%%:*} hd_rest=${hd_rest#*:}
  hd_run "$hd_phase.$hd_n" "${hd_rest%%:*}"
  eval "hd_since=\$hd_since_$hd_n"
  hd_seconds $((hd_now - hd_from))
  if hd_ok "${1##*:}" && [ -z "$hd_over" ]; then
    # Between two looks: one that takes long has seen no more than a moment.
    [ "$hd_since" ] || eval "hd_since_$hd_n=$hd_now hd_since=$hd_now"
    if [ "$hd_hold" = 0 ] || [ $((hd_began - hd_since)) -ge "$hd_hold" ]; then hd_close 'done'; else hd_open=1; fi
  elif [ "$hd_exit" = 77 ]; then
    # Not told at this look: after a success the next one may tell, until it has held long enough.
    if [ -z "$hd_since" ] || [ $((hd_began - hd_since)) -ge "$hd_hold" ]; then hd_close skipped; else hd_open=1; fi
  elif [ "$hd_since" ]; then
    hd_held_for=$hd_text
    hd_seconds $((hd_now - hd_since))
    hd_note "$hd_phase $hd_n failed $hd_exit $hd_held_for flapped $hd_text"
    hd_cause="$hd_phase $hd_n $hd_exit flapped"
    return 1
  elif [ $((hd_now - hd_from)) -ge "$hd_within" ]; then
    hd_note "$hd_phase $hd_n failed $hd_exit $hd_text $hd_over"
    hd_cause="$hd_phase $hd_n $hd_exit"
    return 1
  else
    hd_open=1
  fi
}

hd_close() {
  hd_note "$hd_phase $hd_n $1 $hd_exit $hd_text"
  hd_closed="$hd_closed$hd_n "
}

# N: whether the host is by itself as the undo of step N would leave it, or should.
hd_needless() {
  for hd_look in $hd_unless; do
    [ "${hd_look%%:*}" = "$1" ] || continue
    hd_look=${hd_look#*:}
    hd_run "unless.$1" "${hd_look%%:*}"
    hd_ok "${hd_look##*:}" && [ -z "$hd_over" ] || return 1
    hd_seconds "$hd_took"
    hd_note "undo $1 skipped $hd_exit $hd_text"
    return 0
  done
  return 1
}

# The undo of every step that was begun, last first, but for those that come after all others, first first: also of the
# one that failed, which may have done a part. Not while a command still runs that could not be stopped: it would undo
# the undo.
hd_undo() {
  hd_why=$hd_cause hd_undone='' hd_left='' hd_first='' hd_then=''
  for hd_n in $hd_begun; do
    case " $hd_undo_last " in *" $hd_n "*) hd_then="$hd_n $hd_then" ;; *) hd_first="$hd_first $hd_n" ;; esac
  done
  for hd_n in $hd_first $hd_then; do
    for hd_spec in $hd_undos; do
      [ "${hd_spec%%:*}" = "$hd_n" ] || continue
      # Under the lock of another nothing is undone either: it would take back what he does.
      if [ "$hd_stuck" ] || ! hd_keeps; then
        hd_left="$hd_left $hd_n"
        continue
      fi
      if hd_needless "$hd_n"; then continue; fi
      hd_rest=${hd_spec#*:} hd_undone=1
      hd_note "undo $hd_n running"
      hd_change undo "$hd_n" "${hd_rest%%:*}" "${hd_spec##*:}" || hd_left="$hd_left $hd_n"
    done
  done
  [ -z "$hd_fenced" ] || hd_why=lost
  [ -z "$hd_stuck" ] || hd_why="$hd_why kept $((hd_lease - (hd_now - hd_locked) / 100)) $hd_stuck_as"
  if [ "$hd_left" ]; then
    hd_finish failed "$hd_why" not-undone "$hd_left"
  elif [ "$hd_undone" ] && [ -z "$hd_stuck" ]; then
    if [ "$hd_term" ] || hd_aftermath; then
      [ "$hd_term" ] || hd_sweep
      hd_finish undone "$hd_why"
    else
      hd_ill=${hd_cause#after }
      hd_finish failed "$hd_why" not-well "${hd_ill%% *}"
    fi
  else
    hd_finish failed "$hd_why"
  fi
}

# What is to be seen of the failure before it is undone; the cause stays what it was. Of a service to which nothing was
# done yet nothing is to be seen.
hd_keep() {
  case " $hd_begun" in *" $hd_touching "*) ;; *) return 0 ;; esac
  hd_why=$hd_cause
  for hd_spec in $hd_evidence; do
    hd_rest=${hd_spec#*:}
    hd_note "evidence ${hd_spec%%:*} running"
    hd_change evidence "${hd_spec%%:*}" "${hd_rest%%:*}" "${hd_spec##*:}" || :
    [ -z "$hd_stuck" ] || break
  done
  hd_cause=$hd_why
}

# What is done when all checks have held; sets hd_left, the first that failed.
hd_close_up() {
  hd_left=
  for hd_spec in $hd_closing; do
    hd_keeps || { hd_left=lost; return 0; }
    hd_rest=${hd_spec#*:}
    hd_note "closing ${hd_spec%%:*} running"
    hd_change closing "${hd_spec%%:*}" "${hd_rest%%:*}" "${hd_spec##*:}" || hd_left=${hd_left:-$hd_cause}
    [ -z "$hd_stuck" ] || return 0
  done
}

# Of that what is done too once all was undone.
hd_sweep() {
  HOSTDECK_UNDONE=1
  export HOSTDECK_UNDONE
  for hd_spec in $hd_closing; do
    case " $hd_always " in *" ${hd_spec%%:*} "*) ;; *) continue ;; esac
    hd_keeps || return 0
    hd_rest=${hd_spec#*:}
    hd_note "closing ${hd_spec%%:*} running"
    hd_change closing "${hd_spec%%:*}" "${hd_rest%%:*}" "${hd_spec##*:}" || :
    [ -z "$hd_stuck" ] || return 0
  done
}

# Take the lock of KEY, or say who has it.
hd_lock() {
  hd_tries=0
  while :; do
    # The name before the look: whoever comes in after the look wants the same name, and one of the two fails.
    hd_next "$1" "${hd_dir%/*}"
    if hd_held "$1" ''; then
      hd_break "$1" || { [ "$hd_refused" ] || hd_lock_of "$1"; return 1; }
      continue
    fi
    hd_lay "v=1&plan=$hd_id&$hd_about&at=$(date +%s)&boot=$hd_boot&up=$hd_now&lease=$hd_lease&pid=$$&start=$hd_own_start&sid=$hd_own_session&user=$hd_user" && break
    [ "$hd_tries" -lt 6 ] || { hd_refused="link $1 $hd_said"; return 1; }
  done
  hd_links="$hd_links $hd_mine" hd_locked=${hd_locked:-$hd_now}
  # Somebody may have come in by another place, or just as an old lock was set aside.
  if hd_held "$1" "$hd_mine"; then hd_lock_of "$1"; return 1; fi
}

# Set aside the lock of KEY that was found, whose plan is dead with all that it began: nobody is there to release it.
hd_break() {
  [ "$hd_kind" = dead ] && [ "$hd_tries" -lt 6 ] || return 1
  hd_field "$hd_payload" plan
  hd_old=${hd_link##*.} hd_was=$hd_value
  hd_audit "plan=$hd_id sets aside lock=$1 of-plan=$hd_was, whose processes are gone: $hd_payload" || return 1
  if hd_lay "v=1&breaks=$hd_old.$hd_was&$hd_about&user=$hd_user&at=$(date +%s)"; then
    hd_note "broke 1 $hd_was"
    return 0
  fi
  # Where somebody else was quicker the next look tells.
  [ "$hd_said" != 'File exists' ] || return 0
  hd_refused="link $1 $hd_said"
  return 1
}

hd_lock_of() {
  hd_owner_of "$hd_link"
  hd_refused="lock $1 $hd_age $hd_kind $hd_owner $hd_payload"
}

# Whether every lock is still this plan's: who finds one over its lease, or is root, may have set it aside meanwhile.
hd_keeps() {
  hd_clock
  for hd_own in $hd_links; do
    hd_of=${hd_own##*/hostdeck-lock-}
    hd_holds "${hd_of%.*}" "$hd_own" && hd_field "$hd_payload" plan && [ "$hd_value" = "$hd_id" ] && continue
    hd_fenced=1
    return 1
  done
}

hd_unlock() {
  for hd_link in $hd_links; do
    case $(readlink "$hd_link") in *"&plan=$hd_id&"*) rm -f "$hd_link" ;; esac
  done
  hd_links=
}

# Who does what and why, before it is done: in the host's log, where there is none in a file that stays, and beside the
# state in any case. A log whose queue is full would keep its writer for ever.
hd_audit() {
  printf '%s\n' "$*" 2>/dev/null >>"$hd_dir/audit" || return 1
  if [ -S "$hd_syslog" ] && command -v logger >/dev/null 2>&1; then
    hd_line=$*
    [ -e "$hd_dir/exit.$hd_slot" ] || hd_slots || return 1
    hd_run audit 500
    [ -z "$hd_over" ] || hd_syslog=
    [ "$hd_exit" = 0 ]
  else
    hd_record "$*"
  fi
}

hd_finish() {
  [ -z "$hd_done" ] || return
  hd_done=1
  rm -f "$hd_dir/reserve"
  # First the lock: who reads the result may act at once.
  [ "$hd_stuck" ] || hd_unlock
  hd_audit "plan=$hd_id end result=$*"
  hd_clock
  hd_seconds $((hd_now - hd_up_then))
  hd_note "took $hd_text"
  hd_note "result $*"
  [ -z "$hd_stuck" ] || hd_outlast
  rm -f "$hd_dir"/exit.* "$hd_dir"/pid.* "$hd_dir"/drained.*
}

# Keep the locks until the command that could not be stopped has ended, or their lease is over.
hd_outlast() {
  while [ $((hd_now - hd_locked)) -lt $((hd_lease * 100)) ] && [ -z "$hd_term" ]; do
    hd_get "exit.$hd_stuck"
    if [ "$hd_got" != - ]; then
      hd_audit "plan=$hd_id what could not be stopped has ended exit=$hd_got"
      hd_unlock
      return
    fi
    sleep 1
    hd_clock
  done
}

hd_prepare() {
  hd_fine_sleep=
  sleep 0.01 2>/dev/null && hd_fine_sleep=0.2
  hd_setsid=
  command -v setsid >/dev/null 2>&1 && hd_setsid=setsid
  hd_started $$
  hd_own_start=$hd_start hd_own_session=$hd_session
  hd_user=$(id -un 2>/dev/null | tr -c 'A-Za-z0-9._\n-' _)
  hd_clock
  hd_up_then=$hd_now
  HOSTDECK_PLAN=$hd_dir
  export HOSTDECK_PLAN
  printf '%s\n' "$hd_json" >"$hd_dir/plan" && dd if=/dev/zero of="$hd_dir/reserve" bs=4096 count=4 &&
    hd_slots &&
    hd_note "run 1 $hd_id $$ ${hd_own_start:-0} $hd_boot $hd_now $(date +%s) $hd_lease ${hd_user:-?}"
} 2>/dev/null

hd_all() {
  hd_prepare || { hd_finish refused state; return; }
  for hd_n in $hd_mays; do
    hd_run "may.$hd_n" 1000
    [ "$hd_exit" = 0 ] || { hd_finish refused right "$hd_n"; return; }
  done
  for hd_key in $hd_keys; do
    hd_lock "$hd_key" || { hd_finish refused "$hd_refused"; return; }
  done
  hd_audit "plan=$hd_id begin user=$hd_user $hd_about" || { hd_finish refused audit; return; }
  # On the disk before anything is done: what a crash cuts off is to be found afterwards. A disk that is too slow for it
  # holds nobody up who came to mend it.
  hd_run safe 500
  rm -f "$hd_dir"/out.safe*
  hd_preflight || { hd_finish refused "$hd_cause"; return; }
  if hd_steps && hd_checks; then
    hd_close_up
    # shellcheck disable=SC2086
    hd_finish 'done' $hd_left
  else
    [ "$hd_stuck" ] || hd_keep
    hd_undo
  fi
}

hd_main() {
  umask 077
  exec </dev/null >>"$hd_dir/log" 2>&1
  umask 022
  # Whoever makes this directory runs the plan, or has called it off.
  mkdir "$hd_dir/begun" || exit 0
  rm -f "$hd_dir/script"
  trap 'hd_finish failed aborted' EXIT
  hd_ignore=
  # A login session that ends with all its processes (KillUserProcesses=yes, and any orderly shutdown of the host) sends
  # these, and 90 s later ends us.
  case $(cat /proc/self/cgroup 2>/dev/null) in *session-*.scope*) hd_ignore=1 ;; esac
  if [ "$hd_ignore" ]; then trap '' TERM HUP; else trap 'hd_term=1' TERM HUP INT; fi
  hd_all
}
