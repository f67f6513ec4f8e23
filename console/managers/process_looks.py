"""Looks at one process, as constant POSIX sh: shared by the managers of processes that nobody starts again."""

from console.core.plan import OUTLIVED

LOOKS = (
    f"outlived={OUTLIVED}\n"
    + """
# Whether process $1 runs: sets ticks, when it started, and parent.
runs() {
  line='' ticks=''
  [ -n "$1" ] && [ -r "/proc/$1/stat" ] || return 1
  while IFS= read -r part || [ -n "$part" ]; do line="$line$part "; done 2>/dev/null <"/proc/$1/stat"
  set -- ${line##*") "}
  [ $# -ge 20 ] || return 1
  case $1 in Z | X | x) return 1 ;; esac
  parent=$2
  shift 19
  ticks=$1
}
# Whether process $1 ignores SIGTERM, bit 14 of a mask in hexadecimal (proc_pid_status(5)).
deaf() {
  mask=
  while read -r key value; do
    case $key in SigIgn:) mask=${value%???} ;; esac
  done 2>/dev/null <"/proc/$1/status"
  case ${mask#"${mask%?}"} in [4567cdefCDEF]) ;; *) return 1 ;; esac
}
# A fifth of a second where that is to be had; sets spent to how many fifths it took.
nap() {
  spent=1
  sleep 0.2 2>/dev/null || { sleep 1; spent=5; }
}
"""
)
