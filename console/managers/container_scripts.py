"""The looks and logs of containers as constant POSIX sh: the first words say which, the last ones are the tool.

Containers are named in two ways: ``'' NAME`` is one container, ``PROJECT SERVICE`` are those of a service of Compose.
``docker ps`` tells both, and ``Status`` is the one of its fields that is the same in every version and in Podman.
"""

from console.managers.follow_scripts import END_WITH_INPUT

ENGINE_SAYS = "docker: Error response from daemon: "
"""What begins the engine's own words on a start that failed; before what a container prints the engine puts a time."""

ENGINE = """
# The socket may belong to systemd, which starts the engine for whoever connects: no look may do that.
engine() {
  case " $* " in
    *" unix:///run/docker.sock "* | *" unix:///var/run/docker.sock "*) ;;
    *" -H "* | *" --url "*) return 0 ;;
  esac
  case $(systemctl is-active docker.service 2>/dev/null) in
    active | activating | reloading) return 0 ;;
    deactivating) ;;
    *) for pid in /run/docker.pid /run/snap.docker/docker.pid; do [ ! -e "$pid" ] || return 0; done ;;
  esac
  echo "dockerd does not run" >&2
  return 1
}
"""
_WHICH = (
    """
project=$1 service=$2
shift 2
"""
    + ENGINE
    + """
# The containers, one a line: NAME STATUS.
containers() {
  engine "$@" || return 1
  if [ -n "$project" ]; then
    set -- "$@" ps -a --filter "label=com.docker.compose.project=$project" \\
      --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False
  else
    set -- "$@" ps -a --filter "name=^/?$service\\$"
  fi
  found=$("$@" --format '{{.Names}} {{.Status}}' 2>&1) || { echo "$found" >&2; return 1; }
  # A name is looked for as a pattern, in which "." is any character.
  printf '%s\\n' "$found" | LC_ALL=C sort | while read -r name status; do
    [ -n "$name" ] && { [ -n "$project" ] || [ "$name" = "$service" ]; } && echo "$name $status"
  done
  return 0
}
"""
)

RUNNING = (
    _WHICH
    + """
seen=$(containers "$@" 2>&1) || { echo "$seen"; exit 1; }
[ -n "$seen" ] || { echo "no container"; exit 1; }
all=0 bad=
while read -r name status; do
  all=$((all + 1))
  case $status in
    *"(Paused)"* | *unhealthy* | Removal*) bad="$name: $status" ;;
    Up*) ;;
    *) bad="$name: $status" ;;
  esac
done <<END
$seen
END
[ -z "$bad" ] || { echo "$bad"; exit 1; }
if [ "$all" = 1 ]; then echo "${seen#* }"; else echo "$all containers up"; fi
"""
)
"""PROJECT SERVICE TOOL...: every container is up, and none is unhealthy."""

STOPPED = (
    _WHICH
    + """
seen=$(containers "$@" 2>&1) || { echo "$seen"; exit 1; }
killed=
while read -r name status; do
  case $status in
    Up* | Restarting*) echo "$name: $status"; exit 1 ;;
    "Exited (137)"*) killed="$name: $status: by SIGKILL, which its engine sends where it does not end in its time" ;;
  esac
done <<END
$seen
END
echo "${killed:-${seen:-no container}}" | tail -n 1
"""
)
"""PROJECT SERVICE TOOL...: no container is up or about to be."""

# An engine remembers the signals that it sent. The end lies ahead: of the second that runs it would leave out a part.
HOW_ENDED = (
    ENGINE
    + """
own=$1 names=$2
shift 2
untold() { echo "not told: $1"; exit 77; }
engine "$@" 2>&1 || exit 77
read -r word version id pid start boot up began rest <"$HOSTDECK_PLAN/state"
case $began in '' | *[!0-9]*) untold "when the plan began is not known" ;; esac
said=$("$@" --since "$began" --until $(($(date +%s) + 1)) 2>&1) || untold "$(printf '%s\n' "$said" | tail -n 1)"
killed= told=
while read -r signal name; do
  case " $names " in *" $name "*) told=1 ;; *) continue ;; esac
  case $signal in 9) killed="$killed${killed:+, }$name" ;; esac
done <<END
$said
END
[ -n "$told" ] || untold "the engine has no event of its stop"
if [ -n "$killed" ]; then
  echo "$killed was ended by SIGKILL, which its engine sends where it does not end in its time"
else
  echo "$own ended in its time before"
fi
"""
)
"""NAME NAMES TOOL... events ...: which containers had to be killed since the plan began; 77 with the reason where the
engine does not tell."""

RUNS_IMAGE = (
    """
want=$1
shift
"""
    + _WHICH
    + """
seen=$(containers "$@" 2>&1) || { echo "$seen"; exit 1; }
[ -n "$seen" ] || { echo "no container"; exit 1; }
# A name has a colon, and is what it names now; an identity has none.
case $want in *:*)
  told=$("$@" image inspect --format '{{.Id}}' "$want" 2>&1) || { echo "$told" | tail -n 1; exit 1; }
  want=${told#sha256:} ;;
esac
names=$(printf '%s\\n' "$seen" | while read -r name status; do echo "$name"; done)
for name in $names; do
  runs=$("$@" inspect --type container --format '{{.Image}}' "$name" 2>&1) || { echo "$runs" | tail -n 1; exit 1; }
  case ${runs#sha256:} in
    "$want"*) ;;
    *) printf '%s runs %.12s, not %.12s\\n' "$name" "${runs#sha256:}" "$want"; exit 1 ;;
  esac
done
printf '%.12s\\n' "$want"
"""
)
"""IMAGE PROJECT SERVICE TOOL...: every container is one of that image, which is an identity or ``NAME:TAG``."""

RUN_ID = (
    _WHICH
    + """
seen=$(containers "$@") || exit 1
[ -n "$seen" ] || { echo MainPID=0; exit 0; }
exec "$@" inspect --type container \\
  -f 'MainPID={{.State.Pid}}{{println}}Run={{.Id}} {{.State.StartedAt}}{{println}}Again={{.RestartCount}}' \\
  $(printf '%s\\n' "$seen" | while read -r name status; do echo "$name"; done)
"""
)
"""PROJECT SERVICE TOOL...: process, identity, start and restarts of every container, in the order of their names."""

JOINED = (
    ENGINE
    + """
owner=$1 names=$2
shift 2
engine "$@" 2>&1 || exit 1
set -f
told=$("$@" inspect --type container -f '{{.State.StartedAt}} {{.State.Running}}' "$owner" $names 2>&1) || {
  printf '%s\\n' "$told" | tail -n 1
  exit 1
}
since=
while read -r began; do
  case $began in *' true') ;; *) echo "$names or $owner does not run"; exit 1 ;; esac
  began=${began%Z true}
  since=${since:-$began}
  if [ "$(printf '%s\\n' "$since" "$began" | LC_ALL=C sort | tail -n 1)" != "$began" ]; then
    echo "$names was not started again since $owner was, and has no network"
    exit 1
  fi
done <<END
$told
END
echo "$names has the network of $owner"
"""
)
"""OWNER NAMES TOOL...: each of these containers runs, and was started after the one whose network it has."""

HOLDS_PORT = (
    """
protocol=$1 port=$2
shift 2
"""
    + _WHICH
    + """
seen=$(containers "$@") || { echo "not checked: the engine does not tell"; exit 77; }
case $protocol in udp) flag=u ;; *) flag=t ;; esac
listening=$(ss -Hlne"$flag" "sport = :$port" 2>/dev/null)
hidden=
up=$(printf '%s\\n' "$seen" | while read -r name status; do case $status in Up*) echo "$name" ;; esac; done)
for name in $up; do
  told=$("$@" inspect --type container -f '{{.Id}} {{.HostConfig.NetworkMode}}{{range $p, $l := .NetworkSettings.Ports
}}{{range $l}} {{$p}}={{.HostPort}}{{end}}{{end}}' "$name") || continue
  for word in $told; do
    case $word in
      */"$protocol=$port")
        how='by rules of the network'
        [ -z "$listening" ] || how='by a proxy'
        echo "$protocol $port published by $name, $how"
        exit 0
        ;;
      host)
        # It listens by itself, in the control group that bears its identity.
        case $listening in
          *"${told%% *}"*) echo "$protocol $port held by $name"; exit 0 ;;
          *cgroup:* | '') ;;
          *) hidden=1 ;;
        esac
        ;;
    esac
  done
done
if [ "$hidden" ]; then
  echo "$protocol $port is listened on; by whom this host does not tell"
  exit 77
fi
echo "$protocol $port is not published by $service"
exit 1
"""
)
"""PROTOCOL PORT PROJECT SERVICE TOOL...: a container publishes the port, or has it in the host's network."""

LOGS = (
    """
lines=$1 since=${2:-${HOSTDECK_SINCE-}} follow=$3
shift 3
"""
    + _WHICH
    + """
seen=$(containers "$@") || exit 1
[ -n "$seen" ] || { echo "$service has no container" >&2; exit 1; }
tab=$(printf '\\t')
# NAME TOOL...: one log; what its start failed with is not in its log.
log() {
  name=$1
  shift
  engine "$@" && "$@" logs --timestamps --tail "$lines" ${since:+--since "$since"} "$name" 2>&1
  engine "$@" &&
    "$@" inspect --type container -f '{{if not .State.Running}}{{.State.Error}}{{end}}' "$name" 2>/dev/null |
    sed -n 's/^./"""
    + ENGINE_SAYS
    + """&/p'
}
# Sets finished, began and goes: when the last run of $name ended, when this one began, whether it goes on. For Docker
# what it is about to start again runs. As JSON: Podman writes a time itself in a way that it does not read.
its_run() {
  told=$("$@" inspect --type container \\
    -f '{{json .State.FinishedAt}} {{json .State.StartedAt}} {{if .State.Restarting}}no{{else}}{{.State.Running}}{{end
}}' "$name") || return 1
  read -r finished began goes <<END
$told
END
  finished=${finished#\\"} finished=${finished%\\"} began=${began#\\"} began=${began%\\"}
}
# The log of a container ends with its process; the next run's is the same log.
following() {
  name=$1 tail=$lines from=$since
  shift
  its_run "$@" || return 1
  while :; do
    run=$began asked=$(date +%s)
    "$@" logs --timestamps --follow ${tail:+--tail "$tail"} ${from:+--since "$from"} "$name" 2>&1 </dev/null
    ended=$(date +%s) tail=
    until engine "$@" 2>/dev/null; do sleep 1; done
    its_run "$@" || return 1
    from=$finished
    # The next run may have ended by now too.
    [ "$goes" = true ] || [ "$began" = "$run" ] || from=$began
    if [ "$began $goes" = "$run true" ]; then
      # An engine that was restarted cuts off what goes on. One that cannot read a log says so each time.
      [ "$((ended - asked))" -ge 5 ] || { echo "the log of $name cannot be followed" >&2; return 1; }
      from=$ended
    fi
    until [ "$goes" = true ]; do
      sleep 1
      engine "$@" 2>/dev/null || continue
      its_run "$@" || return 1
    done
  done
}
# Each line with the name in front, as it comes: the sed of busybox keeps lines back.
named() {
  if sed -u '' </dev/null >/dev/null 2>&1; then exec sed -u "s/^/$1$tab/"; fi
  exec awk -v name="$1" '{ print name "\\t" $0; fflush() }'
}
many=
case $seen in *'
'*) many=1 ;; esac
names=$(printf '%s\\n' "$seen" | while read -r name status; do echo "$name"; done)
if [ "$follow" = 0 ]; then
  [ "$many" ] || { log "$names" "$@"; exit 0; }
  for name in $names; do log "$name" "$@" | sed "s/^/$name$tab/"; done | sort -s -t "$tab" -k 2,2 | tail -n "$lines"
  exit 0
fi
"""
    + END_WITH_INPUT
    + """
for name in $names; do
  if [ "$many" ]; then following "$name" "$@" | named "$name" & else following "$name" "$@" & fi
  waiting="$waiting $!"
done
wait $waiting
# A log has no end: why it is followed no longer was said.
exit 1
"""
)
"""LINES SINCE FOLLOW PROJECT SERVICE TOOL...: logs, standard output and error together; of several containers each line
begins with its name and a tab."""
