"""What a host is asked for the log of a workload, and its lines: ``[pod/NAME/CONTAINER] TIME TEXT``."""

import re
from datetime import datetime

from console.core.log_text import service_line
from console.core.service import ServiceRef
from console.core.snapshot import LogLine
from console.managers.follow_scripts import END_WITH_INPUT
from console.managers.kubernetes_scripts import MARKED

# kubectl follows the pods that there are when it begins, and of each container only the run that goes on then. Each run
# has a log of its own: what begins later is followed by a kubectl of its own, up to so many of these.
_FOLLOWING = r"""
nl='
'
most=16
# Sets found: POD CONTAINER RESTARTS STATE, for each container of its pods.
hd_look() {
  now=$(date +%s)
  said=$("$@" --request-timeout=6s get pods --selector "${selector%,}" -o go-template="$runs" 2>&1) || return 1
  found=$(hd_marked)
}
# Whether it still runs, and is ours: a number may be another process's by now.
hd_alive() {
  { read -r hd_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  hd_stat=${hd_stat##*') '}
  case $hd_stat in Z*) return 1 ;; ?" $$ "*) return 0 ;; *) return 1 ;; esac
}
# BEGIN LINES TOOL...: one kubectl for all that has begun.
hd_all() {
  hd_begin=$1 hd_tail=$2 known=$nl later=
  shift 2
  "$@" logs --selector "${selector%,}" --all-containers --prefix --timestamps --ignore-errors \
    --max-log-requests=1000 --tail="$hd_tail" ${hd_begin:+"$hd_begin"} --follow </dev/null &
  first=$!
  while read -r pod box run state; do
    case $state in up | ended) known="$known$pod $box $run $first $now$nl" ;; esac
  done <<END
$found
END
}
# Sets fresh: the runs that nobody follows; cut: whether one goes on of which the following ended.
hd_compare() {
  before=$known known=$nl fresh='' count=0 cut='' mute='' heard=''
  while read -r pod box run state; do
    case $state in up | ended) ;; *) continue ;; esac
    key="$pod $box $run"
    rest=${before##*"$nl$key "}
    if [ "$rest" = "$before" ]; then fresh="$fresh$key$nl" count=$((count + 1)); continue; fi
    rest=${rest%%"$nl"*}
    pid=${rest% *} asked=${rest#* }
    if hd_alive "$pid"; then heard=1
    elif [ "$state" != up ]; then :
    elif [ "$pid" = 0 ]; then mute=1
    elif [ "$pid" = x ]; then
      echo "the log of $pod/$box cannot be followed"
      pid=0 mute=1
    elif [ "$((now - asked))" -ge 6 ]; then cut=1
    else
      # Its kubelet tells a moment later that it ended.
      pid=x heard=1
    fi
    known="$known$key $pid $asked$nl"
  done <<END
$found
END
  before=$later later=''
  for pid in $before; do ! hd_alive "$pid" || later="$later $pid" count=$((count + 1)); done
}
hd_fresh() {
  while read -r pod box run; do
    [ "$pod" ] || continue
    "$@" logs "pod/$pod" --container "$box" --prefix --timestamps --ignore-errors --follow </dev/null &
    later="$later $!" known="$known$pod $box $run $! $now$nl"
  done <<END
$fresh
END
}
hd_last() { printf '%s
' "$said" | tail -n 1; }
hd_follow() {
  hd_look "$@" || { hd_last >&2; exit 1; }
  hd_all "$begin" "$lines" "$@"
  looked=$now failed=''
  while sleep 3; do
    if ! hd_look "$@"; then
      [ "$failed" ] || echo "which pods there are is not told: $(hd_last)"
      failed=1
      continue
    fi
    failed=''
    if [ -z "$found" ]; then
      said=$("$@" --request-timeout=6s get "$name" -o name 2>&1)
      case $said in *NotFound*) hd_last >&2; exit 1 ;; esac
    fi
    hd_compare
    if [ "$mute" ] && [ -z "$heard$fresh$cut" ]; then echo "the log of $name cannot be followed" >&2; exit 1; fi
    if [ "$cut" ] || [ "$count" -gt "$most" ]; then
      # All anew, from the last look on: a line may come twice, and none is lost.
      ! hd_alive "$first" || later="$later $first"
      [ -z "$later" ] || kill $later
      hd_all "--since=$((now - looked + 2))s" -1 "$@"
    else
      hd_fresh "$@"
    fi
    looked=$now
  done
}
"""

LOGS = (
    MARKED
    + _FOLLOWING
    + """
namespace=$1 name=$2 workload=$3 runs=$4 lines=$5 since=$6 follow=$7
shift 7
set -- "$@" --namespace "$namespace"
said=$("$@" --request-timeout=6s get "$name" -o go-template="$workload" 2>&1) || { hd_last >&2; exit 1; }
read -r a b c d e f selector rest <<END
$(hd_marked)
END
case $selector in
  *=*) ;;
  *) echo "$name selects its pods in a way that its log cannot be asked for" >&2; exit 1 ;;
esac
begin=''
if [ "$since" ]; then
  begin=--since-time=$since
elif [ "${HOSTDECK_SINCE-}" ]; then
  # In seconds from now: this host's clock may not be the cluster's.
  begin=--since=$(($(date +%s) - ${HOSTDECK_SINCE%.*} + 1))s
fi
if [ "$follow" ]; then
"""
    + END_WITH_INPUT
    + r"""
  hd_follow "$@"
fi
# What kubectl says of a pod that has no log yet is part of what there is to read; older ones end with it.
said=$("$@" logs --selector "${selector%,}" --all-containers --prefix --timestamps --ignore-errors --tail="$lines" \
  ${begin:+"$begin"} 2>&1)
# Each pod's lines come in one piece: the time is their second word.
printf '%s\n' "$said" | sort -s -k 2,2 | tail -n "$lines"
"""
)
"""NAMESPACE KIND/NAME, the templates of a workload and of runs, LINES SINCE FOLLOW TOOL...: the log of all its pods."""

_line = re.compile(r"\[pod/(?P<pod>[^/\]]{1,253})/(?P<box>[^\]]{1,63})\] (?:(?P<at>\d{4}-\S{10,40}Z?) ?)?(?P<text>.*)")


def log_line(ref: ServiceRef, text: str) -> LogLine | None:
    """One line of a log; what kubectl itself says is a warning."""
    found = _line.match(text)
    if found is None:
        return LogLine(ref.host, ref.name, "kubectl", text, level="warning") if text.strip() else None
    return service_line(ref, f"{found['pod']}/{found['box']}", found["text"], _time(found["at"]))


def _time(word: str | None) -> float | None:
    """Unix seconds of a time with nanoseconds, of which Python reads six digits."""
    if word is None:
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", word)).timestamp()
    except (ValueError, OverflowError):
        return None
