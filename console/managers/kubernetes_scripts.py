"""How a host is asked about its cluster: which kubectl, which kubeconfig, and what its errors mean.

Only the words that the templates name leave the host, so nothing of an object's environment or secrets does.
"""

from console.managers.kubernetes_templates import ROWS, WHERE

# Sets configs (what kubectl is given) and hidden (one that exists, but not for this user). No process is started.
CONFIGS = """
configs='' hidden=''
if [ "${KUBECONFIG-}" ]; then
  set -f
  IFS=:
  for file in $KUBECONFIG; do [ -f "$file" ] && [ -r "$file" ] && configs=$KUBECONFIG; done
  unset IFS
  set +f
else
  for file in "${HOME-}/.kube/config" /etc/rancher/k3s/k3s.yaml /etc/kubernetes/admin.conf; do
    if [ -f "$file" ] && [ -r "$file" ]; then configs=$file; break; fi
    [ -e "$file" ] && hidden=${hidden:-$file}
  done
fi
"""

PRESENCE_SCRIPT = (
    "command -v kubectl >/dev/null 2>&1 || exit 0\n"
    + CONFIGS
    + """
if [ "$configs" ]; then
  echo "config $configs"
  set -f
  IFS=:
  exec stat -c '%n %Y %s' $configs 2>/dev/null
fi
[ -z "$hidden" ] || echo "denied $hidden"
"""
)

# What kubectl said, in words that tell what to do. Reads said, code, server and context; sets hd_exit to 77 where this
# login may not ask, to 124 where there was no answer, and else to 1.
EXPLAIN = r"""
hd_why() {
  hd_exit=1
  case $said in
    *"certificate has expired or is not yet valid"*)
      echo "a certificate for $server has expired or is not valid yet: renew it, or correct the clock" ;;
    *"x509: "*) echo "the certificate of $server is not trusted: x509: ${said##*x509: }" ;;
    *"provide credentials"* | *"Unauthorized"* | *"must be logged in"*)
      hd_exit=77
      echo "$server does not accept the credentials of context $context: log in again" ;;
    *orbidden*) hd_last orbidden; hd_exit=77; echo "context $context may not list services: ${hd_said#*: }" ;;
    *"executable "*" not found"* | *"getting credentials"*)
      hd_last credentials
      hd_exit=77
      echo "the credentials of context $context could not be had: $hd_said" ;;
    *"onnection refused"* | *" was refused"*)
      echo "$server refuses the connection: does the API server run, and is that its address?" ;;
    *"no such host"* | *"server misbehaving"*) echo "the name of $server is not known on this host" ;;
    *"no route to host"* | *"etwork is unreachable"*) echo "there is no route to $server" ;;
    *"imeout"* | *"deadline exceeded"*) hd_silent 4 ;;
    *) case $code in
         124 | 137 | 143) hd_silent 6 ;;
         *) hd_last ''; echo "kubectl: ${hd_said#error: }" ;;
       esac ;;
  esac
}
hd_silent() {
  hd_exit=124
  echo "$server did not answer within $1 s: kubectl get --raw=/readyz tells whether it is up and can be reached"
}
# hd_said = the last line that has this word.
hd_last() {
  hd_said=
  hd_rest=$said$nl
  while [ "$hd_rest" ]; do
    hd_line=${hd_rest%%"$nl"*} hd_rest=${hd_rest#*"$nl"}
    case $hd_line in '>'*) ;; *"$1"*) hd_said=${hd_line:-$hd_said} ;; esac
  done
}
"""

SURVEY_SCRIPT = (
    CONFIGS
    + EXPLAIN
    + """
nl='
'
if [ -z "$configs" ]; then
  echo "only root can read $hidden: connect as root, or give this user a kubeconfig of its own in ~/.kube/config" >&2
  exit 77
fi
# Whoever asks keeps no standard error of what answers in time but for once.
hd_end() {
  hd_why >&2
  [ "$hd_exit" != 124 ] || { printf 'why '; hd_why; }
  exit "$hd_exit"
}
case $configs in
  *:*) set -- env "KUBECONFIG=$configs" kubectl ;;
  *) set -- kubectl --kubeconfig "$configs" ;;
esac
hd_ask() {
  timeout 6 "$@" --request-timeout=4s -o go-template='"""
    + ROWS
    + """' 2>&1
}
server='the cluster' context=''
said=$(timeout 6 "$@" config view --minify -o go-template='"""
    + WHERE
    + """' 2>&1)
code=$?
if [ "$code" != 0 ]; then
  case $said in
    *"current-context must exist"*)
      echo "$configs has no current context: kubectl config use-context NAME" >&2
      exit 77
      ;;
  esac
  hd_end
fi
where=$said
context=${where%% *} server=${where##* } rest=${where#* }
namespace=${rest%% *}
kinds='deployments.apps statefulsets.apps daemonsets.apps pods'
# hd_refused = those of the kinds $1 that the API server does not let this login list, by its answer.
hd_refusals() {
  hd_refused=
  for hd_kind in $1; do
    case $said in *"$hd_kind is forbidden"*) hd_refused="$hd_refused $hd_kind" ;; esac
  done
  # One that cannot be told apart, as of a proxy before the API server, stands for all.
  case $hd_refused:$nl$said in
    :*"$nl>"*) ;;
    :*orbidden*) hd_refused=" $1" ;;
  esac
}
# Kinds may be forbidden and the others told; any other error leaves a gap of which nothing is known.
hd_whole() {
  [ "$code" = 0 ] && return
  [ "$hd_refused" ] || hd_end
  hd_other=$(printf '%s\\n' "$said" | grep -v -e '^>' -e orbidden | grep -e '^Error from' -e '^error: ' -e '^Unable to')
  [ -z "$hd_other" ] || { said=$hd_other; hd_end; }
}
hd_kinds() { printf %s "${1# }" | tr ' ' ,; }
said=$(hd_ask "$@" get "$(hd_kinds "$kinds")" --all-namespaces)
code=$?
hd_refusals "$kinds"
hd_whole
everywhere=$said elsewhere=$hd_refused
if [ "$elsewhere" ]; then
  said=$(hd_ask "$@" get "$(hd_kinds "$elsewhere")" --namespace "$namespace")
  code=$?
  hd_refusals "$elsewhere"
  hd_whole
  [ "$hd_refused" != " $kinds" ] || hd_end
  said="refused cluster $(hd_kinds "$elsewhere")${nl}refused namespace $(hd_kinds "$hd_refused")$nl$everywhere$nl$said"
fi
echo "configs $configs"
echo "where $where"
printf '%s\\n' "$said"
# The time counts only for what is not well; without it the answer stays the same.
case $said in *!*) date +now\\ %s ;; esac
"""
)

# Clients and their plugins warn on either side of what they were asked for: only lines with the mark are the answer.
MARKED = """
hd_marked() { printf '%s\\n' "$said" | sed -n 's/^>o //p'; }
"""

# Arguments: NAMESPACE KIND/NAME, templates, and the words of the tool.
_LOOK = (
    MARKED
    + """
namespace=$1 name=$2 workload=$3 pods=$4
shift 4
hd_get() { timeout 8 "$@" --namespace "$namespace" --request-timeout=6s 2>&1; }
hd_untold() { printf '%s\\n' "$said" | tail -n 1; exit 1; }
said=$(hd_get "$@" get "$name" -o go-template="$workload") || hd_untold
found=$(hd_marked)
[ "$found" ] || hd_untold
read -r generation seen wanted ready updated all selector revision <<END
$found
END
# 77: which pods are its own cannot be asked.
hd_pods() {
  case $selector in *=*) ;; *) return 77 ;; esac
  said=$(hd_get "$@" get pods --selector "${selector%,}" -o go-template="$pods") || return 1
  found=$(hd_marked)
}
"""
)

IS_RUNNING = (
    _LOOK
    + """
echo "$ready/$wanted ready"
[ "$wanted" -gt 0 ] && [ "$seen" -ge "$generation" ] && [ "$ready" -ge "$wanted" ]
"""
)

IS_STOPPED = (
    _LOOK
    + """
[ "$wanted" = 0 ] && [ "$all" = 0 ] || { echo "$ready of $all ready, $wanted wanted"; exit 1; }
hd_pods "$@"
case $? in
  0) ;;
  77) echo "scaled to 0; which pods are left cannot be told: it selects them by expressions"; exit 77 ;;
  *) hd_untold ;;
esac
case $found in
  *up*) echo "not all of its pods end"; exit 1 ;;
  *ending*) echo "scaled to 0; the last pods end within their grace period" ;;
  *) echo "no pod is left" ;;
esac
"""
)

RUN_ID = (
    _LOOK
    + """
hd_pods "$@"
case $? in
  0) ;;
  77)
    # Its controller tells of its revision and counts its pods; a run can be told by these alone.
    if [ "$all" = 0 ]; then up=no; else up=yes; fi
    echo MainPID=0
    echo "revision=$revision up=$up"
    exit 0
    ;;
  *) exit 1 ;;
esac
# A stateful set tells the newest revision, and by its partition pods of an older one may stay as they are: what those
# were started again before is of no new run.
newest=${revision#* } newest=${newest%% *}
restarts=0 held=0 up=no
while read -r word of counts; do
  [ "$word" = up ] || continue
  up=yes
  for count in $counts; do
    case $newest in - | "$of") restarts=$((restarts + count)) ;; *) held=$((held + count)) ;; esac
  done
done <<END
$found
END
echo MainPID=0
echo "revision=$revision up=$up held=$held"
echo "Again=$restarts"
"""
)

SAME_REVISION = (
    """
expected=$1
shift
"""
    + _LOOK
    + """
revision=${revision%% *}
if [ "$revision" != "$expected" ]; then
  echo "revision $revision by now, not $expected: somebody released in between, look at it and plan anew"
  exit 1
fi
# The number follows the change a little later.
[ "$seen" -ge "$generation" ] || { echo "changed just now: look at it and plan anew"; exit 1; }
echo "still revision $revision"
"""
)
"""REVISION, then as above: nothing was released since."""

SAME_NEWEST = (
    """
expected=$1
shift
"""
    + _LOOK
    + """
[ "$seen" -ge "$generation" ] || { echo "changed just now: look at it and plan anew"; exit 1; }
said=$(hd_get "$@" get controllerrevisions.apps -o go-template="$pods") || hd_untold
newest=0
while read -r number; do
  case $number in '' | *[!0-9]*) continue ;; esac
  [ "$number" -le "$newest" ] || newest=$number
done <<END
$(hd_marked)
END
if [ "$newest" != "$expected" ]; then
  echo "revision $newest by now, not $expected: somebody released in between, look at it and plan anew"
  exit 1
fi
echo "still revision $newest"
"""
)
"""The same of what only counts its revisions; in the place of the template of pods stands that of these numbers."""
