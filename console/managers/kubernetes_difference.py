"""In what the pods of two revisions differ. The values of their variables stay on the host that asks the cluster."""

from console.core.difference import Difference, parse
from console.core.probe import Probe
from console.managers.kubernetes_names import Workload
from console.managers.kubernetes_templates import END, number, of_revisions, pod_spec

_COMPARED = r"""
function tell(what, how, name, values) {
  if (++count[what, how] <= 40) print what "\t" how "\t%" name "\t" values
  else more[what "\t" how]++
}
function shown(what, value) {
  if (what == "port") return ""
  return what == "variable" && value !~ /^from / ? "*" : "%" value
}
/^>revision / { side = $2; told[side] = 1; next }
/^>/ {
  what = substr($1, 2); name = $2; value = $3
  if (what == "variable" && $3 == "from") value = "from " $4
  key = what "\t" name
  if (side == live) was[key] = value
  else if (side == target) is[key] = value
}
END {
  if (!(live in told) || !(target in told)) exit 3
  for (key in is) {
    split(key, part, "\t"); after = shown(part[1], is[key])
    if (!(key in was)) tell(part[1], "added", part[2], "\t" after)
    else if (was[key] != is[key]) tell(part[1], "changed", part[2], shown(part[1], was[key]) "\t" after)
  }
  for (key in was) {
    split(key, part, "\t")
    if (!(key in is)) tell(part[1], "removed", part[2], shown(part[1], was[key]))
  }
  for (kind in more) print "more\t" kind "\t" more[kind]
}
"""

# Arguments: NAMESPACE REVISIONS LIVE TARGET TEMPLATE TOOL...
_SCRIPT = (
    r"""
hd_space=$1 hd_from=$2 hd_live=$3 hd_target=$4 hd_form=$5
shift 5
hd_said=$(timeout 8 "$@" --namespace "$hd_space" --request-timeout=6s get "$hd_from" \
  -o go-template="$hd_form" 2>&1) || { printf '%s\n' "$hd_said" | tail -n 1 >&2; return 1; }
printf '%s\n' "$hd_said" | LC_ALL=C awk -v live="$hd_live" -v target="$hd_target" '"""
    + _COMPARED
    + r"""' || { echo "the cluster does not tell both of the revisions $hd_live and $hd_target" >&2; return 1; }
echo end
"""
)

_LINE = "{{{{range ${}, $one := .{}}}}}>{} {{{{urlquery $c}}}}/{} {}{{{{urlquery {}}}}}\n{{{{end}}}}"
"""Of every part of a list or a table: >WHAT CONTAINER/NAME VALUE."""
_CONTAINER = (
    "{{$c := .name}}>image {{urlquery $c}} {{urlquery .image}}\n"
    "{{with .command}}>command {{urlquery $c}}/command {{urlquery (printf `%v` .)}}\n{{end}}"
    "{{with .args}}>command {{urlquery $c}}/args {{urlquery (printf `%v` .)}}\n{{end}}"
    "{{range .ports}}>port {{urlquery $c}}/{{urlquery .containerPort}} -\n{{end}}"
    "{{range .env}}>variable {{urlquery $c}}/{{urlquery .name}}"
    "{{with .valueFrom}} from {{urlquery (printf `%v` .)}}{{else}}"
    " {{with .value}}{{urlquery .}}{{else}}-{{end}}{{end}}\n{{end}}"
    + _LINE.format("at", "envFrom", "variable", "envFrom+{{$at}}", "from ", "(printf `%v` $one)")
    + "{{with .resources}}"
    + _LINE.format("key", "limits", "resource", "limits.{{urlquery $key}}", "", "$one")
    + _LINE.format("key", "requests", "resource", "requests.{{urlquery $key}}", "", "$one")
    + "{{end}}"
)


def template(own: Workload) -> str:
    """What is printed of each revision that is the workload's."""
    each = (
        f">revision {number(own)}\n"
        f"{{{{with {pod_spec(own)}}}}}{{{{range .initContainers}}}}{{{{template `c` .}}}}{{{{end}}}}"
        "{{range .containers}}{{template `c` .}}{{end}}{{end}}"
    )
    return f"{{{{define `c`}}}}{_CONTAINER}{{{{end}}}}{of_revisions(own, each)}".replace("\n", END)


DIFFERENCE: Probe[Difference] = Probe(
    "kubernetes_difference", _SCRIPT, parse, requires=("kubectl", "timeout"), slow=True, cached=False, timeout=20.0
)
"""Two revisions of one workload."""
