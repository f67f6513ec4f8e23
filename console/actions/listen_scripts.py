"""The looks at where a service listens, before and afterwards, as constant POSIX sh.

Exit codes and ``$HOSTDECK_PLAN`` are as in ``console.actions.scripts``.
"""

from console.actions.scripts import MINE

_WHERE = (
    MINE
    + """
scope=$1 name=$2 kept=$HOSTDECK_PLAN/listens.$3
if ! command -v ss >/dev/null 2>&1; then
  echo "not checked: this host has no ss"
  exit 77
fi
found=$(ss -Hlntue 2>/dev/null)
# Without control groups in its answer only the processes tell, where they are shown.
case $found in *" cgroup:"*) ;; *) found=$(ss -Hlntuep 2>/dev/null) ;; esac
now=$(
  set -f
  printf '%s\\n' "$found" | while read -r protocol state receive send address rest; do
    case $rest in
      *" cgroup:"*)
        path=${rest##* cgroup:}
        mine "${path%% *}" || continue
        ;;
      *) mine_by_pid "$rest" || continue ;;
    esac
    echo "$protocol ${address##*:}"
  done | sort -u -k1,1 -k2,2n
)
fixed='' all=''
IFS='
'
for one in $now; do
  all="$all${all:+, }$one"
  # Ports of the ephemeral range change from run to run.
  [ "${one#* }" -ge 32768 ] 2>/dev/null || fixed="$fixed${fixed:+, }$one"
done
"""
)

LISTENED = (
    _WHERE
    + """
printf '%s' "$fixed" >"$kept" || exit 1
echo "listens on ${fixed:-no fixed port that is seen}"
"""
)
"""SCOPE NAME KEY: keep on which fixed ports the service listens."""

LISTENS = (
    _WHERE
    + """
before=$4 had=''
# The same look saw it listen: where that sees nothing now, nothing is there.
[ ! -e "$kept" ] || had=$(cat "$kept")
if [ -z "$all" ] && [ "$had" ]; then
  echo "listens on nothing any more (before: $had)"
  exit 1
fi
all=${fixed:-$all}
if [ "$all" = "$before" ]; then
  echo "listens on $all as before"
else
  echo "listens on ${all:-nothing that is seen} (before: $before)"
fi
exit 0
"""
)
"""SCOPE NAME KEY BEFORE: tell where the service listens by now; it is not so where ``LISTENED`` kept ports, and none
is left."""

HAD = """
mark=$HOSTDECK_PLAN/had.$1
shift
answer=$("$@")
case $? in
  0) : >"$mark" ;;
  77) printf '%s\\n' "$answer" >"$mark.unseen" ;;
esac
echo "$answer"
"""
"""MARK COMMAND...: keep that COMMAND, which says that a service has a port, says so. What it says is told."""

NOT_LOST = """
mark=$HOSTDECK_PLAN/had.$1 label=$2
shift 2
[ ! -e "$mark.unseen" ] || { echo "whether it had $label before is not known: $(cat -- "$mark.unseen")"; exit 77; }
[ -e "$mark" ] || { echo "it did not have $label before"; exit 77; }
exec "$@"
"""
"""MARK LABEL COMMAND...: where that was kept, COMMAND says so once more."""
