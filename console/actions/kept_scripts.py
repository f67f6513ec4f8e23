"""Looks at what keeps a port without listening, as constant POSIX sh; the exit codes are those of ``scripts``."""

_KEPT = """
# The sockets at port $port in the states of $1 by ss, ss(8), one a line.
at_port() {
  if ! command -v ss >/dev/null 2>&1; then
    echo "not checked: this host has no ss"
    exit 77
  fi
  found=$(ss -Hane"$flag" $1 "sport = :$port" 2>&1) || {
    echo "not checked: $found"
    exit 77
  }
}
# Whether some process has one of these sockets open: of what is only bound older tools tell no more.
# 2: the files of its process are hidden from this user.
open_still() {
  files=$(ls -l /proc/[0-9]*/fd/ 2>/dev/null)
  for inode; do
    case $files in *"socket:[$inode]"*) return 0 ;; esac
  done
  [ "$(id -u)" = 0 ] || return 2
  return 1
}
"""

STILL_KEPT = (
    _KEPT
    + """
flag=$1 port=$2 label=$3 name=$4 bound=$5
shift 5
at_port ''
for inode; do
  case "$found " in *" ino:$inode "*)
    echo "$label is kept by $name"
    exit 0
    ;;
  esac
done
if [ "$bound" ]; then
  open_still "$@"
  case $? in
    0)
      echo "$name has its socket open"
      exit 0
      ;;
    2)
      echo "not checked: what $name has open is hidden from this user"
      exit 77
      ;;
  esac
fi
echo "$name does not keep $label any more: nothing was changed"
exit 1
"""
)
"""FLAG PORT LABEL NAME BOUND INODE...: one of the sockets that were seen is still at the port."""

CONNECTIONS_ENDED = (
    _KEPT
    + """
flag=$1 port=$2 label=$3 tries=$4 bound=$5
shift 5
while :; do
  at_port 'state connected'
  left=$(printf '%s' "$found" | grep -c .)
  if [ "$left" = 0 ]; then
    [ "$bound" ] || break
    open_still "$@"
    case $? in
      1) break ;;
      2)
        echo "not checked: whether a socket is bound to $label is hidden from this user"
        exit 77
        ;;
    esac
    left=1
  fi
  if [ "$tries" -le 0 ]; then
    echo "$left connections are still at $label"
    exit 1
  fi
  tries=$((tries - 1))
  sleep 0.2 2>/dev/null || sleep 1
done
echo "no connection is left at $label"
"""
)
"""FLAG PORT LABEL TRIES BOUND INODE...: nothing is connected at the port, or waits there in TIME-WAIT, and of what was
bound nothing is open; looks five times a second."""
