"""Whether systemd would start a unit once more: over its start limit it refuses, and what was stopped stays down.

systemd tells nobody how much of the limit is used up, so its counter is followed by the starts that its journal has: a
window begins with the first start after the one before is over, and has room for so many.
"""

from urllib.parse import quote as percent

from console.core.command import quote
from console.core.service import Service
from console.managers.systemd_journal import MAY_READ

# A run is told of by its "Starting" and its "Started", of which either may lack (MESSAGE_ID of sd-messages(3)); both
# have its invocation. A start that would have been refused was not: somebody had cleared the counter by then. That does
# a plan of this console, which the log of the host tells, and a daemon-reload of systemd 252, if not of newer ones;
# what a person clears by hand nothing tells. Anybody may log under this name, also text with lines in it that would be
# starts here: only what root and this user logged counts.
_COUNT = r"""
function taken() {
  if (at == "") return
  if (!of_unit) {
    split(said, word, " ")
    if (index(said, " begin ") && index(said, " kind=reset-failed&") && index(said, about)) begun[word[1]] = 1
    else if (word[1] in begun && index(said, " end result=done")) cleared[++clears] = at
  } else if (run != "" && !(run in seen)) {
    seen[run] = 1
    anew(at)
    if (!count || at > begin + interval || count >= burst) { begin = at; count = 0 }
    count++
    newest = at
  }
  at = said = run = ""
}
function anew(to,  n) {
  for (n = 1; n <= clears; n++) if (cleared[n] > newest && cleared[n] <= to) count = 0
}
BEGIN { if (loaded) cleared[++clears] = loaded }
$0 == "@unit" { taken(); of_unit = 1 }
/^__MONOTONIC_TIMESTAMP=/ { at = substr($0, 23) + 0 }
/^(USER_)?INVOCATION_ID=/ { run = $0 }
/^MESSAGE=/ { said = substr($0, 9) }
/^$/ { taken() }
END {
  taken()
  if (newest == "") exit
  anew(now)
  if (now > begin + interval) count = 0
  print count + 0, int((begin + interval - now) / 1000000) + 1
}
"""
_LOOK = (
    r"""
name=$1 burst=$3 interval=$4 target=$5 about=$6 waits=$7
limit="$burst starts within $((interval / 1000000)) s"
told=$(systemctl $2 show -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic \
  -p ExecMainStartTimestampMonotonic -- "$name") || { echo "not told: systemctl does not answer"; exit 77; }
last=0
for each in $told; do
  each=${each#*=}
  case $each in '' | *[!0-9]*) continue ;; esac
  [ "$each" -le "$last" ] || last=$each
done
loaded=
told=$(systemctl $2 show -p Version -p UnitsLoadTimestampMonotonic)
case $told in
  Version=2[0-4][0-9]* | Version=25[0-2]*) loaded=${told##*UnitsLoadTimestampMonotonic=} ;;
esac
read -r up rest </proc/uptime
now=$((${up%.*} * 1000000 + 1${up#*.} * 10000 - 1000000))
# Nothing counts any more once the newest start is older than the limit.
[ "$last" -gt 0 ] && [ $((now - last)) -le "$interval" ] || exit 0
refused() {
  echo "systemd allows $name $limit, and refuses the next for $1 s more, which would leave it down:" \
    "hostdeck reset-failed $target lifts that"
  exit 1
}
untold() {
  [ "$burst" -gt 1 ] || refused $(((last + interval - now) / 1000000 + 1))
  echo "not told how much of the start limit of $name is used up ($limit): $1"
  [ -z "$waits" ] || exit 1
  exit 77
}
command -v journalctl >/dev/null 2>&1 || untold "there is no journalctl"
command -v awk >/dev/null 2>&1 || untold "there is no awk"
@MAY_READ@
journal() { journalctl -q -b --no-pager -o export -n 2000 "$@" 2>/dev/null; }
counted=$(
  {
    journal --output-fields=MESSAGE SYSLOG_IDENTIFIER=hostdeck _UID=0 "_UID=$(id -u)"
    echo @unit
    journal --output-fields=INVOCATION_ID,USER_INVOCATION_ID @MATCH@ \
      MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 MESSAGE_ID=39f53479d3a045ac8e11786248231fbf
  } | LC_ALL=C awk -v burst="$burst" -v interval="$interval" -v now="$now" -v loaded="$loaded" \
    -v about="$about" '"""
    + _COUNT
    + r"""'
)
[ "$counted" ] || untold "the journal has no start of it"
if [ "${counted% *}" -ge "$burst" ]; then refused "${counted#* }"; fi
[ "${counted% *}" -lt $((burst - 1)) ] ||
  echo "systemd allows $name $limit, and this is the last of them: the next is refused and leaves it down"
exit 0
"""
)
_MAY_READ = MAY_READ.replace('echo "$hd_why" >&2', 'untold "$hd_why"')

MAY_START = _LOOK.replace("@MAY_READ@", _MAY_READ).replace("@MATCH@", '_PID=1 "UNIT=$name"')
"""NAME OPTIONS BURST MICROSECONDS TARGET ABOUT WAITS: exit 0, with a line where it is the last start; 1 where the next
would be refused, and with WAITS also where that is not told; else 77."""
USER_MAY_START = _LOOK.replace("@MAY_READ@", "").replace("@MATCH@", '"USER_UNIT=$name" "_UID=$(id -u)"')
"""The same of a unit of this user's own manager."""

_WAITED = 30.0
"""Seconds of a start limit that are waited out."""


def words(service: Service) -> tuple[str, ...]:
    """What the scripts are given behind the name and the options."""
    assert service.start_limit is not None
    burst, seconds = service.start_limit
    target = str(service.ref)
    # As the host's log names the target of a plan, whatever the console calls the host.
    about = f"{percent(target[len(service.ref.host) :], safe='')}&"
    return str(burst), str(int(seconds * 1e6)), quote((target,)), about, "1" if waited(service) else ""


def waited(service: Service) -> float:
    """Seconds that are waited until the limit is over; none where that would take long."""
    seconds = service.start_limit[1] if service.start_limit is not None else 0.0
    return seconds + 2.0 if seconds <= _WAITED else 0.0
