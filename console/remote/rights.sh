# Says for each command whether this user may run it as root without a password. Nothing is run, nothing is asked.
# Read by console/remote/rights.py, which appends one call for each command.

PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${PATH-}"
LC_ALL=C
export PATH LC_ALL
unset CDPATH ENV BASH_ENV LANGUAGE

hd_whole() {
  echo "user $(id -un)"
  if ! command -v sudo >/dev/null 2>&1; then
    echo "sudo missing"
    return
  fi
  # Without -k a password that was given a moment ago elsewhere would count.
  sudo -k -n -l </dev/null 2>&1 | head -c 262144 | sed 's/^/list /'
  echo
}

# hd_path = where the program NAME is; what the shell has built in, such as kill, is a program for sudo.
hd_find_program() {
  hd_path=$(command -v -- "$1")
  case $hd_path in '' | */*) return ;; esac
  hd_rest=$PATH:
  while [ "$hd_rest" ]; do
    hd_path=${hd_rest%%:*}/$1 hd_rest=${hd_rest#*:}
    [ ! -x "$hd_path" ] || [ ! -f "$hd_path" ] || return 0
  done
  hd_path=
}

hd_ask_bus() { busctl --timeout=3 get-property "$@" 2>/dev/null; }

# "ends MICROSECONDS": how long after the end of this login session what it left running is ended with it, or "?".
hd_lasts() {
  [ ! -e "/var/lib/systemd/linger/$(id -un)" ] || return 0
  case $(cat /proc/self/cgroup 2>/dev/null) in *session-*.scope*) ;; *) return 0 ;; esac
  hd_said=$(hd_ask_bus org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses)
  [ "$hd_said" != 'b false' ] || return 0
  [ "$hd_said" = 'b true' ] || { echo 'ends ?'; return 0; }
  hd_said=$(hd_ask_bus org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
    DefaultTimeoutStopUSec)
  echo "ends ${hd_said#t }"
}

# N [-u USER] -- COMMAND...
hd_right() {
  hd_n=$1
  shift
  hd_path=
  for hd_word in "$@"; do
    [ "$hd_path" != next ] || { hd_find_program "$hd_word"; break; }
    [ "$hd_word" != -- ] || hd_path=next
  done
  printf 'path %s %s\n' "$hd_n" "$hd_path"
  command -v sudo >/dev/null 2>&1 || return
  hd_said=$(sudo -k -n -l "$@" </dev/null 2>&1)
  printf 'exit %s %s\n' "$hd_n" "$?"
  printf '%s\n' "$hd_said" | head -n 5 | sed "s/^/said $hd_n /"
}
