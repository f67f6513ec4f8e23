"""Whether processes that a service began serve on at its ports when it has been stopped, as constant POSIX sh.

Only processes below its main process are told apart from all others: who is given a socket by a service manager, or
shares a port, is none of them. Exits as those of ``console.actions.scripts``.
"""

from console.actions.scripts import MAIN_PID
from console.managers.socket_looks import OWNERS

_SERVING = (
    MAIN_PID
    + OWNERS
    + """
# The processes that listen on port $2, ss(8), one a line; none where they are not shown to this user.
serving() {
  ss -Hln"$1"p "sport = :$2" 2>/dev/null | pids | sort -u
}
# began=the 22nd field of its stat, proc_pid_stat(5), behind a name that may hold anything.
began_at() {
  began=''
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -f
  set -- ${stat##*) }
  began=${20}
}
"""
)

NOTE_SERVING = (
    _SERVING
    + """
key=$1 ports=$2
shift 2
file=$HOSTDECK_PLAN/serving.$key
: >"$file" || exit 1
now=$("$@") || exit 0
main_pid "$now"
[ "${main:-0}" -gt 1 ] 2>/dev/null || exit 0
for one in $ports; do
  for pid in $(serving "${one%%:*}" "${one#*:}"); do
    descends "$pid" "$main" && began_at "$pid" || continue
    if [ "$pid" = "$main" ]; then echo "main ${one%%:*} ${one#*:} $pid $began"
    else echo "child ${one%%:*} ${one#*:} $pid $began"; fi
  done
done >"$file"
"""
)
"""KEY PORTS COMMAND... (PORTS: ``t:80 u:53``): keep which processes of the run that COMMAND prints are at the ports."""

SERVES_NO_MORE = (
    _SERVING
    + """
file=$HOSTDECK_PLAN/serving.$1 name=$2
if ! [ -s "$file" ]; then
  echo "not checked: which process of $name was at its ports could not be seen"
  exit 77
fi
told=
while read -r what flag port pid was; do
  case $flag in u) label="udp $port" ;; *) label="tcp $port" ;; esac
  # That the main process ends is seen by the manager's own word.
  if [ "$what" = child ] && began_at "$pid" && [ "$began" = "$was" ]; then
    for one in $(serving "$flag" "$port"); do
      [ "$one" = "$pid" ] || continue
      echo "process $pid, which $name began, still serves $label"
      exit 1
    done
  fi
  case ", $told," in *", $label,"*) ;; *) told="${told:+$told, }$label" ;; esac
done <"$file"
echo "$told released by $name"
"""
)
"""KEY NAME: none of the processes below its main process that were noted is left at a port."""

STILL_SERVED = "answer=$(\n" + SERVES_NO_MORE + "\n)\n[ $? = 1 ]\n"
"""KEY NAME: one of them is."""
