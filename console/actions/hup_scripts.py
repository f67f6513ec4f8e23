"""The look before SIGHUP is sent: whether it has the program reload, as far as /proc tells that."""

from console.actions.scripts import MAIN_PID

HANDLES_HUP = (
    MAIN_PID
    + """
pid=$1 name=$2 declared=$3
shift 3
now=$("$@") || exit 1
main_pid "$now"
if [ "$main" != "$pid" ]; then
  echo "the main process of $name is $main by now, not $pid"
  exit 1
fi
program='' caught='' ignored=''
while read -r key value; do
  case $key in Name:) program=$value ;; SigCgt:) caught=$value ;; SigIgn:) ignored=$value ;; esac
done 2>/dev/null <"/proc/$pid/status"
untold() {
  [ -z "$declared" ] || return 0
  echo "whether $name reloads on SIGHUP cannot be told, it may end by it: pid $pid $1;" \\
    "where it does, reloads_on_sighup = true of the service in the configuration says so"
  exit 1
}
# SIGHUP is signal 1, so the lowest bit of these masks.
case $caught in
  *[13579bdfBDF])
    # Some runtimes catch it in every program and end the program by it, unless that has asked for it. They are known by
    # what else they catch, which nobody does for a reload: Go (fffffffd7fc1feff), Java 17 (101005ccf) and bash with a
    # trap on EXIT (43817efb) have SIGXFSZ (25), Ruby 3.1 (42017e4f) has SIGSYS (31).
    case $caught in
      *[13579bdfBDF]?????? | *[4567cdefCDEF]???????)
        untold "catches signals by the dozen, as the runtimes of Go, Java, Ruby and bash do in every program"
        ;;
    esac
    case $program in sudo | timeout) untold "is $program, which passes it on to what it runs" ;; esac
    echo "pid $pid handles SIGHUP${declared:+, and reloads on it by the configuration}"
    exit 0
    ;;
  '')
    echo "whether $name handles SIGHUP cannot be seen: /proc/$pid/status is hidden"
    exit 1
    ;;
esac
case $ignored in
  *[13579bdfBDF]) echo "$name (pid $pid) ignores SIGHUP: nothing would be reloaded" ;;
  *) echo "$name (pid $pid) does not handle SIGHUP: it would end it" ;;
esac
exit 1
"""
)
"""PID NAME DECLARED COMMAND...: the main process is PID and catches SIGHUP for itself, proc_pid_status(5).

DECLARED is not empty where the configuration says that the program reloads on it.
"""
