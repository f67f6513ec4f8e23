"""How the run ended that a restart took the place of: systemd keeps nothing of it but its journal."""

from console.managers.systemd_journal import MAY_READ

_MAY_READ = MAY_READ.replace("hd_may_read || exit", "hd_may_read 2>&1 || exit 77")

# Of systemd's own lines since the plan began (what a unit writes itself has another _PID): the end of the job that
# stopped it, by its MESSAGE_ID in sd-messages(3), behind which no result of that run comes; before it UNIT_RESULT.
_LOOK = """
name=$1
untold() { echo "not told: $1"; exit 77; }
read -r word version id pid start boot up began rest <"$HOSTDECK_PLAN/state"
case $began in '' | *[!0-9]*) untold "when the plan began is not known" ;; esac
command -v journalctl >/dev/null 2>&1 || untold "there is no journalctl"
told() { journalctl -q --no-pager -o cat -n 1 --since="@$began" @MATCH@ "$@" 2>/dev/null; }
tries=10
until [ -n "$(told MESSAGE_ID=9d1aaa27d60140bd96365438aad20286)" ]; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || untold "the journal has no end of its stop"
  sleep 0.2 2>/dev/null || sleep 1
done
if [ -n "$(told UNIT_RESULT=timeout)" ]; then
  echo "$name did not end in its time before (Result=timeout): systemd then sends SIGKILL"
else
  echo "$name ended in its time before"
fi
"""
HOW_ENDED = _MAY_READ + _LOOK.replace("@MATCH@", '_PID=1 "UNIT=$name"')
"""NAME: by the journal of the system, where this user may read it; 77 with the reason where that is not told."""
USER_HOW_ENDED = _LOOK.replace("@MATCH@", '"USER_UNIT=$name" "_UID=$(id -u)"')
"""NAME: the same of a unit of this user's own manager."""
