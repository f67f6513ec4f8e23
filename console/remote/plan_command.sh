# One command of a plan: run for at most so long, ended with all that it began, its output kept within bounds.
# Shared text of the script that plan_run.sh completes.

hd_nap() {
  if [ "$hd_fine_sleep" ] && [ $((hd_now - hd_began)) -lt 200 ]; then sleep 0.02; else sleep "${hd_fine_sleep:-1}"; fi
}

# These files have their final size from the start and are written in place: a full disk does not stop them.
hd_put() { printf '%-8s\n' "$2" 1<>"$hd_dir/$1"; }

hd_get() { read -r hd_got <"$hd_dir/$1"; }

# A command that could not be stopped may still write into its files: the next one gets others.
hd_slots() {
  hd_slot=$((hd_slot + 1))
  hd_put "exit.$hd_slot" - && hd_put "pid.$hd_slot" - && hd_put "drained.$hd_slot" -
}

# At most 1 MiB from the beginning and 16 KiB from the end are kept, for the plan's user and root alone: secrets may be in
# it. The command never waits for its reader.
hd_collect() {
  umask 077
  dd bs=4096 count=256 of="$1" 2>/dev/null
  tail -c 16384 >"$1.tail" 2>/dev/null || cat >/dev/null
  [ -s "$1.tail" ] || rm -f "$1.tail"
  hd_put "drained.$hd_slot" +
}

# Run command NAME for at most LIMIT hundredths of a second. Sets hd_exit (124: stopped; 125: it could not be stopped,
# and hd_lost is the slot in which its exit will be found).
hd_run() {
  hd_put "exit.$hd_slot" -
  hd_put "pid.$hd_slot" -
  hd_put "drained.$hd_slot" -
  hd_clock
  hd_began=$hd_now
  {
    {
      hd_command "$1" </dev/null &
      hd_put "pid.$hd_slot" $!
      wait $!
      hd_put "exit.$hd_slot" $?
    } 2>&1 | hd_collect "$hd_dir/out.$1"
  } &
  hd_over='' hd_lost=''
  hd_ended "$2" || hd_late "$1" "$2"
  hd_drained
  hd_clock
  hd_took=$((hd_now - hd_began))
}

# Wait until the command ended, at most LIMIT hundredths from its beginning.
hd_ended() {
  while :; do
    hd_get "exit.$hd_slot"
    hd_exit=$hd_got
    [ "$hd_exit" = - ] || return 0
    hd_clock
    [ $((hd_now - hd_began)) -lt "$1" ] || return 1
    hd_nap
  done
}

# One that would leave worse behind if it were ended half-way is waited for, whatever time it takes.
hd_late() {
  case " $hd_unended " in *" $1 "*) ;; *) hd_stop "$@"; return ;; esac
  hd_note "${1%.*} ${1#*.} late $(($2 / 100))"
  hd_ended 999999999
}

hd_stop() {
  hd_over=over
  hd_get "pid.$hd_slot"
  kill -TERM "-$hd_got" || kill -TERM "$hd_got"
  if ! hd_ended $(($2 + 300)); then
    hd_get "pid.$hd_slot"
    kill -KILL "-$hd_got" || kill -KILL "$hd_got"
    hd_ended $(($2 + 400))
  fi
  if [ "$hd_exit" = - ]; then hd_exit=125 hd_lost=$hd_slot; else hd_exit=124; fi
} 2>/dev/null

# What a command printed last may still be on its way; what it left running may hold the pipe open for ever.
hd_drained() {
  hd_turns=0
  while [ "$hd_turns" -lt 10 ]; do
    hd_get "drained.$hd_slot"
    [ "$hd_got" = + ] && break
    hd_turns=$((hd_turns + 1))
    sleep "${hd_fine_sleep:+0.02}" 2>/dev/null || sleep 1
  done
  if [ "$hd_got" != + ] || [ "$hd_exit" = 125 ]; then hd_slots; fi
}

hd_seconds() {
  hd_rest=$(($1 % 100))
  [ "$hd_rest" -gt 9 ] || hd_rest=0$hd_rest
  hd_text=$(($1 / 100)).$hd_rest
}

hd_ok() { case ",$1," in *",$hd_exit,"*) ;; *) return 1 ;; esac; }
