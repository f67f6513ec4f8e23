"""The processes of a control group, as ``/proc`` shows them: what is in a unit, also where the kernel hides sockets."""

from console.core.probe import Probe
from console.probes import processes

SCRIPT = (
    r"""
case $1 in *..* | [!/]* | '') echo "no control group: $1" >&2; return 2 ;; esac
hd_g=
for hd_m in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  if [ -r "$hd_m$1/cgroup.procs" ]; then hd_g=$hd_m$1; break; fi
done
[ -n "$hd_g" ] || { echo "$1 is not among the control groups of this host" >&2; return 1; }
set -- $(cat "$hd_g/cgroup.procs" "$hd_g"/*/cgroup.procs 2>/dev/null | head -n 64)
"""
    + processes.SCRIPT
)

PROBE = Probe(
    name="members",
    script=SCRIPT,
    parse=processes.parse,
    requires=("awk",),
    slow=True,
    cached=False,
    shown="(the processes of the control group $1, of /proc)",
)
