"""Where a supervisord may be found on a host, as constant POSIX sh."""

NAMED_BY = r"""
# What its command line names, of which hd_words has a word a line: sets hd_python, hd_script and hd_conf, that below
# hd_cwd where it is no whole path.
hd_named_by() {
  hd_python= hd_script= hd_conf= hd_next=
  while IFS= read -r hd_word; do
    case $hd_next/$hd_word in
      conf/*) hd_conf=$hd_word hd_next= ;;
      /-c | /--configuration) hd_next=conf ;;
      /--configuration=*) hd_conf=${hd_word#*=} ;;
      /-c?*) hd_conf=${hd_word#-c} ;;
      */supervisord) [ "$hd_script" ] || hd_script=$hd_word ;;
      */*python*) [ "$hd_python$hd_script" ] || hd_python=$hd_word ;;
    esac
  done <<EOF
$hd_words
EOF
  case $hd_conf in '' | /*) ;; *) hd_conf=${hd_cwd:-/nonexistent}/$hd_conf ;; esac
}
"""
"""The shell function."""

# The socket is where the packages put it, or where the first lines of a configuration file in a usual place say. A file
# that changes there changes the answer; so does, for who may not use the socket, the daemon's own log, which has a line
# for each start and end of a program. One that was started with files elsewhere is known by its process: to look at
# all of them costs a millisecond for 30, so it is done where "scan" is an argument, and what it found is an argument
# from then on. Of a closed socket elsewhere the tool would ask the usual supervisord, so it is only told. What any
# user's process names as its configuration may be a FIFO, of which a read does not end.
PRESENCE = (
    NAMED_BY
    + r"""
hd_seen= hd_files= hd_met= hd_place=
hd_socket() {
  [ -S "$1" ] || return 0
  # One may be known by two names: /var/run is a link almost everywhere.
  while read -r hd_known; do [ ! "$1" -ef "$hd_known" ] || return 0; done <<EOF
$hd_met
EOF
  hd_met="$hd_met
$1"
  if [ "$hd_place" ] && [ ! -w "$1" ]; then echo "closed $1"; return 0; fi
  hd_may=denied hd_alien=
  # Anybody may put one into /tmp: one of another user is not talked to, and hides no other.
  case $1 in
    /tmp/*) [ -O "$1" ] || [ "$(stat -c %u "$1" 2>/dev/null)" = 0 ] || hd_alien=1 ;;
  esac
  [ "$hd_alien" ] || [ ! -w "$1" ] || hd_may=rw
  echo "$hd_may $1"
  [ -z "$hd_place" ] || echo "elsewhere $1"
  [ -z "$hd_alien" ] || return 0
  [ "$hd_may" = rw ] || hd_watch=1
  hd_seen=1 hd_files="$hd_files
$1"
}
hd_named() {
  [ -f "$1" ] && [ -r "$1" ] || return 0
  hd_section= hd_n=0
  while read -r hd_line && [ "$hd_n" -lt 80 ]; do
    hd_n=$((hd_n + 1))
    case $hd_section$hd_line in
      *'['*']'*) hd_section=${hd_line%%]*} ;;
      '[unix_http_server'file*=*)
        hd_line=${hd_line#*=} hd_line=${hd_line%%[ 	]\;*}
        hd_line=${hd_line#"${hd_line%%[! 	]*}"} hd_line=${hd_line%"${hd_line##*[! 	]}"}
        case $hd_line in '%(here)s'*) hd_line=${1%/*}${hd_line#????????} ;; esac
        case $hd_line in /*) hd_socket "$hd_line" ;; esac
        return 0
        ;;
    esac
  done 2>/dev/null <"$1"
}
# PID: what the words of its command line name as its configuration.
hd_process() {
  hd_words=$(tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline")
  hd_cwd=$(readlink "/proc/$1/cwd" 2>/dev/null)
  hd_named_by
  [ -z "$hd_conf" ] || hd_named "$hd_conf"
}
hd_scan() {
  for hd_f in /proc/[0-9]*/comm; do
    read -r hd_line <"$hd_f" && [ "$hd_line" = supervisord ] || continue
    hd_f=${hd_f#/proc/}
    hd_process "${hd_f%/comm}"
  done 2>/dev/null
}
hd_watch=
hd_socket /run/supervisor.sock
[ -L /var/run ] || hd_socket /var/run/supervisor.sock
hd_socket /run/supervisor/supervisor.sock
hd_socket /tmp/supervisor.sock
for hd_f in /etc/supervisor/supervisord.conf /etc/supervisord.conf /usr/local/etc/supervisord.conf; do
  [ "$hd_seen" ] || hd_named "$hd_f"
done
hd_place=elsewhere
for hd_f in "$@"; do
  case $hd_f in scan) hd_scan ;; /*) hd_socket "$hd_f" ;; esac
done
[ "$hd_seen" ] || return 0
for hd_f in /etc/supervisor/supervisord.conf /etc/supervisord.conf /etc/supervisor/conf.d /etc/supervisor/conf.d/* \
  /etc/supervisord.d /etc/supervisord.d/*; do
  [ ! -e "$hd_f" ] || hd_files="$hd_files
$hd_f"
done
[ -z "$hd_watch" ] || for hd_f in /var/log/supervisor/supervisord.log /var/log/supervisord.log; do
  [ ! -e "$hd_f" ] || hd_files="$hd_files
$hd_f"
done
IFS='
'
set -f
stat -c '%n %i %Y' $hd_files 2>/dev/null
return 0
"""
)
