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

# N [-u USER] -- COMMAND...
hd_right() {
  hd_n=$1
  shift
  hd_path=
  for hd_word in "$@"; do
    [ "$hd_path" != next ] || { hd_path=$(command -v -- "$hd_word"); break; }
    [ "$hd_word" != -- ] || hd_path=next
  done
  printf 'path %s %s\n' "$hd_n" "$hd_path"
  command -v sudo >/dev/null 2>&1 || return
  hd_said=$(sudo -k -n -l "$@" </dev/null 2>&1)
  printf 'exit %s %s\n' "$hd_n" "$?"
  printf '%s\n' "$hd_said" | head -n 5 | sed "s/^/said $hd_n /"
}
