# The console's side on the host: hands a plan over, follows it, calls it off, looks at all, sets a lock aside.
# Every answer is a line with a letter in front, so that no output of a step can pass for one.

hd_name() { case $1 in '' | *[!A-Za-z0-9_-]*) return 1 ;; esac; }

# hd_dir = where plan ID lies. Anybody can make a directory of that name and tell of a result in it: only what is root's
# or this user's own counts.
hd_find() {
  for hd_at in $hd_places; do
    hd_dir=$hd_at/hostdeck-plan-$1
    hd_good "$hd_at" && [ -d "$hd_dir" ] && [ ! -h "$hd_dir" ] || continue
    hd_uid_of "$hd_dir"
    hd_ours && return 0
  done
  hd_dir=
  return 1
}

# Make room for plan ID at the first place that takes it; standard input, SIZE bytes, becomes its script.
hd_receive() {
  if hd_find "$1"; then
    hd_store "$2" || return 1
    return 0
  fi
  for hd_at in $hd_places; do
    hd_dir=$hd_at/hostdeck-plan-$1
    case "$hd_me $hd_at" in "0 /run/hostdeck") mkdir -m 1777 /run/hostdeck 2>/dev/null ;; esac
    if ! hd_good "$hd_at"; then continue; fi
    if ! mkdir "$hd_dir" 2>/dev/null; then
      # Made just now by another connection, which may have called it off: then it must not begin elsewhere.
      if hd_find "$1"; then
        hd_store "$2"
        return
      fi
      continue
    fi
    if hd_roomy "$2"; then
      hd_store "$2" && return 0
      # The input is spent: there is no second try at another place.
      rm -rf "$hd_dir"
      return 1
    fi
    rm -rf "$hd_dir"
  done
  return 1
}

# Whether SIZE bytes and some room for what is to be written down fit here.
hd_roomy() {
  dd if=/dev/zero of="$hd_dir/trial" bs=1024 count=$(($1 / 1024 + 96)) 2>/dev/null && rm -f "$hd_dir/trial"
}

hd_store() {
  hd_uid_of "$hd_dir"
  [ "$hd_uid" = "$(id -u)" ] || return 1
  (umask 077 && cat >"$hd_dir/script.$$") 2>/dev/null || return 1
  hd_size=$(wc -c <"$hd_dir/script.$$")
  [ "$((hd_size))" = "$1" ] && mv -f "$hd_dir/script.$$" "$hd_dir/script"
}

# Root's plan becomes a unit of its own, with a home, where tools keep what they keep; another user's leaves the
# connection behind, in his own service manager where that outlives his sessions.
hd_detach() {
  if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && systemd-run --quiet --collect --unit="hostdeck-$1" \
    --property=KillMode=process --setenv="HOME=${HOME:-/root}" --description="hostdeck plan $1" \
    sh "$hd_dir/script" "$hd_dir"; then
    hd_mode=unit
  elif [ -e "/var/lib/systemd/linger/$(id -un)" ] && [ "$(id -u)" != 0 ] && systemd-run --user --quiet --collect \
    --unit="hostdeck-$1" --property=KillMode=process sh "$hd_dir/script" "$hd_dir"; then
    hd_mode=user-unit
  elif command -v setsid >/dev/null; then
    setsid sh "$hd_dir/script" "$hd_dir" &
    hd_mode=session
  else
    nohup sh "$hd_dir/script" "$hd_dir" &
    hd_mode='nohup'
  fi
} </dev/null >/dev/null 2>&1

# Remove what this user's plans of yesterday left.
hd_sweep() {
  for hd_at in $hd_places; do
    hd_good "$hd_at" || continue
    find "$hd_at" -maxdepth 1 -user "$hd_me" -name 'hostdeck-plan-*' -type d -mtime +0 -exec rm -rf {} +
    find "$hd_at" -maxdepth 1 -user "$hd_me" -name 'hostdeck-lock-*' -type l -mtime +0 | while IFS= read -r hd_link; do
      # A name may hold a line feed.
      case $hd_link in "$hd_at"/hostdeck-lock-*) hd_breaks "$hd_link" || rm -f "$hd_link" ;; esac
    done
  done
} </dev/null >/dev/null 2>&1

# Whether LINK sets aside a lock that is still there and would hold again without it.
hd_breaks() {
  hd_field "$(readlink "$1")" breaks
  hd_old=$hd_value hd_key=${1##*/hostdeck-lock-}
  [ "$hd_old" ] || return 1
  for hd_place in $hd_places; do
    hd_good "$hd_place" || continue
    hd_payload=$(readlink "$hd_place/hostdeck-lock-${hd_key%.*}.${hd_old%%.*}") || continue
    hd_field "$hd_payload" boot
    case $hd_value in '' | "$hd_boot") return 0 ;; esac
  done
  return 1
}

# ID SIZE, the script on standard input. Safe to ask again: the plan itself takes care that it runs once.
hd_hand_over() {
  hd_name "$1" || exit 2
  if hd_find "$1" && [ -d "$hd_dir/begun" ]; then
    cat >/dev/null
    echo "d begun already"
    return
  fi
  if ! hd_receive "$1" "$2"; then
    echo "d refused $(hd_why_not)"
    exit 1
  fi
  hd_detach "$1"
  echo "d begun $hd_mode"
  hd_sweep &
}

# In a directory of its own: whatever name is tried in a sticky place, somebody may have laid a link of that name there.
hd_why_not() {
  for hd_at in $hd_places; do
    if hd_good "$hd_at"; then
      hd_trial=$hd_at/hostdeck-trial-$$
      if hd_said=$(mkdir -m 700 "$hd_trial" 2>&1); then
        hd_said=$(dd if=/dev/zero of="$hd_trial/trial" bs=4096 count=64 2>&1 | sed -n '1s/.*: //p')
        rm -rf "$hd_trial"
      fi
      hd_said=${hd_said##*: }
      echo "${hd_said:+$hd_said }($hd_at cannot take it)"
      return
    fi
  done
  echo "none of these is a sticky directory of root that all may write to: $hd_places"
}

# Nobody has begun plan ID and nobody will, or "running".
hd_call_off() {
  hd_name "$1" || exit 2
  if ! hd_find "$1"; then
    for hd_at in $hd_places; do
      hd_good "$hd_at" || continue
      # Made just now by another connection, which hands it over: the place to begin is that one.
      if ! mkdir "$hd_at/hostdeck-plan-$1" 2>/dev/null; then
        hd_find "$1" && break
        continue
      fi
      hd_dir=$hd_at/hostdeck-plan-$1
      break
    done
  fi
  if [ "$hd_dir" ] && mkdir "$hd_dir/begun" 2>/dev/null; then
    echo "result refused called-off" >>"$hd_dir/state"
    rm -f "$hd_dir/script"
    echo "d called-off"
  elif [ "$hd_dir" ] && [ -d "$hd_dir/begun" ]; then
    echo "d running"
  else
    echo "d refused $(hd_why_not)"
  fi
}

# Lines FROM.. of output TAG, at most the last 100 of them; "all" takes the unfinished last line too.
hd_output() {
  hd_file=$hd_dir/out.$1
  [ -f "$hd_file" ] && [ ! -h "$hd_file" ] || return
  if [ ! -r "$hd_file" ]; then
    if [ "$2" = all ] && [ -s "$hd_file" ]; then echo "o $1 [only root can read this output]"; fi
    return
  fi
  hd_count=$(($(wc -l <"$hd_file")))
  hd_skip=$hd_lines
  if [ $((hd_count - hd_skip)) -gt 100 ]; then
    echo "o $1 [$((hd_count - hd_skip - 100)) lines left out]"
    hd_skip=$((hd_count - 100))
  fi
  if [ "$hd_count" -gt "$hd_skip" ]; then
    tail -n "+$((hd_skip + 1))" "$hd_file" | head -n $((hd_count - hd_skip)) | cut -b 1-4000 | sed "s/^/o $1 /"
  fi
  hd_lines=$hd_count
  [ "$2" = all ] || return
  hd_end=$(tail -n "+$((hd_count + 1))" "$hd_file" | cut -b 1-4000 | tr -d '\000')
  [ -z "$hd_end" ] || printf '%s\n' "$hd_end" | sed "s/^/o $1 /"
  [ -f "$hd_file.tail" ] || return
  echo "o $1 [output was cut here]"
  tail -n 100 "$hd_file.tail" | cut -b 1-4000 | sed "s/^/o $1 /"
  echo
}

# Tell every line of the state of plan ID as it comes, and the output of its steps; ends with the result.
hd_follow() {
  hd_name "$1" || exit 2
  hd_clock
  hd_from=$hd_now hd_wait=0
  until hd_find "$1" && [ -f "$hd_dir/state" ]; do
    hd_clock
    if [ $((hd_now - hd_from)) -gt 500 ]; then
      if hd_find "$1"; then echo "d silent"; else echo "d absent"; fi
      return
    fi
    hd_wait=$((hd_wait + 1))
    if [ "$hd_wait" -le 20 ]; then hd_pause=0.02; else hd_pause=0.2; fi
    [ $((hd_wait % 10)) != 0 ] || echo h || exit 1
    sleep "$hd_pause" 2>/dev/null || sleep 1
  done
  [ ! -h "$hd_dir/state" ] || exit 2
  exec 3<"$hd_dir/state"
  hd_part='' hd_tag='' hd_lines=0 hd_ticks=0 hd_pid='' hd_first=''
  while :; do
    if IFS= read -r hd_line <&3; then
      hd_line=$hd_part$hd_line hd_part=
      hd_tell "$hd_line" || exit 1
      case $hd_line in "result "*) return ;; esac
    else
      hd_part=$hd_part$hd_line
      [ -z "$hd_tag" ] || hd_output "$hd_tag" lines
      hd_ticks=$((hd_ticks + 1))
      # Also what ends this loop when nobody listens any more.
      [ $((hd_ticks % 10)) != 1 ] || hd_beat || return
      sleep 0.2 2>/dev/null || sleep 1
    fi
  done
}

hd_tell() {
  hd_line=$1
  set -f
  # shellcheck disable=SC2086
  set -- $1
  set +f
  # The number becomes a part of sed's program, and the plan may be another user's.
  if [ "${1-}" = run ]; then
    hd_pid=${4-} hd_first=${5-}
  elif hd_number "${2-}"; then
    case "$1 ${3-}" in
      *" late") ;;
      "step running" | "undo running" | "evidence running" | "closing running") hd_tag=$1.$2 hd_lines=0 ;;
      step\ * | undo\ * | evidence\ * | closing\ *) hd_output "$1.$2" all; hd_tag='' ;;
      "preflight running" | "check running") ;;
      preflight\ * | check\ *) hd_lines=0; hd_output "$1.$2" all ;;
    esac
  fi
  printf 's %s\n' "$hd_line"
}

# A sign of life, or that the plan has none any more.
hd_beat() {
  # Where /proc hides the processes of others nothing can be said.
  if [ "$hd_pid" ] && hd_sees; then
    hd_started "$hd_pid"
    if [ "$hd_start" != "$hd_first" ]; then
      # It may have ended between our last look and this one.
      IFS= read -r hd_line <&3 && { hd_tell "$hd_part$hd_line"; return 1; }
      echo "d dead"
      return 1
    fi
  fi
  echo h || exit 1
}

# All locks of this host and the plans whose word counts. Anybody can lay out more than can be read in time: of the plans
# the newest are told (their names begin with the time), of the links of others as many.
hd_inspect() {
  hd_clock
  echo "n $hd_now $hd_boot $hd_me"
  for hd_at in $hd_places; do
    hd_good "$hd_at" || continue
    hd_list_ours "$hd_at" hostdeck-plan- d | sort -r | head -n 100 | while IFS= read -r hd_dir; do
      hd_name "${hd_dir##*/hostdeck-plan-}" && [ -d "$hd_dir" ] && hd_show "$hd_dir"
    done
    # In the order in which hd_held meets them: they are set aside one after the other.
    { hd_list_ours "$hd_at" hostdeck-lock- l; hd_list_others "$hd_at" hostdeck-lock- l | head -n 100; } | sort |
      while IFS= read -r hd_lock; do hd_show_lock "$hd_lock"; done
  done
}

hd_list_ours() { find "$1" -maxdepth 1 \( -user 0 -o -user "$hd_me" \) -name "$2*" -type "$3"; } 2>/dev/null

hd_list_others() { find "$1" -maxdepth 1 ! -user 0 ! -user "$hd_me" -name "$2*" -type "$3"; } 2>/dev/null

hd_show_lock() {
  hd_key=${1##*/hostdeck-lock-}
  hd_name "${hd_key%.*}" && hd_holds "${hd_key%.*}" "$1" || return
  hd_owner_of "$1"
  echo "l ${hd_key%.*} $hd_age $hd_kind $hd_owner $hd_payload"
}

hd_show() {
  hd_uid_of "$1"
  echo "p ${1##*/hostdeck-plan-} ${hd_uid:--}"
  for hd_file in plan state; do
    [ -f "$1/$hd_file" ] && [ ! -h "$1/$hd_file" ] || continue
    head -c 262144 "$1/$hd_file" | tr -d '\000' | sed "s/^/$hd_file /"
    echo
  done
  hd_show_kept "$1"
  hd_life "$1"
}

# The last lines of what a plan that failed has kept: whoever began it may not have lived to read them.
hd_show_kept() {
  for hd_file in "$1"/out.evidence.*; do
    hd_tag=${hd_file##*/out.}
    hd_number "${hd_tag#evidence.}" && [ -f "$hd_file" ] && [ ! -h "$hd_file" ] || continue
    if [ ! -r "$hd_file" ]; then
      [ ! -s "$hd_file" ] || echo "o $hd_tag [only root can read this output]"
      continue
    fi
    [ ! -f "$hd_file.tail" ] || [ -h "$hd_file.tail" ] || hd_file=$hd_file.tail
    tail -n 40 "$hd_file" | cut -b 1-500 | tr -d '\000' | sed "s/^/o $hd_tag /"
    echo
  done
}

# Whether the process of a plan lives.
hd_life() {
  [ -f "$1/state" ] && [ ! -h "$1/state" ] || return
  hd_line=$(head -c 4096 "$1/state" | tr -d '\000' | head -n 1)
  set -f
  # shellcheck disable=SC2086
  set -- $hd_line
  set +f
  [ "${1-}" = run ] && hd_sees && hd_number "${4-}" || return
  hd_started "$4"
  if [ "${6-}" = "$hd_boot" ] && [ "$hd_start" = "${5-}" ]; then echo "a alive"; else echo "a dead"; fi
}

# KEY PLAN ABOUT: set aside the lock of that plan, unless it is live and not another user's before root.
hd_set_aside() {
  if ! hd_name "$1" || ! hd_name "${2:--}"; then exit 2; fi
  if ! hd_held "$1" ''; then
    echo "d free"
    return
  fi
  hd_owner_of "$hd_link"
  hd_field "$hd_payload" plan
  if [ "$hd_value" != "$2" ] || [ "$hd_kind" = live ]; then
    echo "d held $1 $hd_age $hd_kind $hd_owner $hd_payload"
    return
  fi
  hd_said='' hd_old=${hd_link##*.} hd_who=$(id -un | tr -c 'A-Za-z0-9._\n-' _)
  hd_line="break-lock key=$1 of-plan=$2 user=$hd_who $3 was $hd_kind: $hd_payload"
  if [ -S /dev/log ] && command -v logger >/dev/null 2>&1; then
    logger -t hostdeck -p auth.notice -- "$hd_line"
  else
    hd_record "$hd_line"
  fi || { echo "d refused the host could not write its audit line"; exit 1; }
  for hd_at in $hd_places; do
    hd_good "$hd_at" || continue
    hd_tries=0
    until hd_next "$1" "$hd_at" && hd_lay "v=1&breaks=$hd_old.$2&$3&user=$hd_who&at=$(date +%s)"; do
      [ "$hd_tries" -lt 6 ] || continue 2
    done
    echo "d set-aside"
    return
  done
  echo "d refused ${hd_said:-$(hd_why_not)}"
}
