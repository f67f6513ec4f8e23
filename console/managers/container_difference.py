"""In what two images differ. The values of their variables stay on the host."""

import re

from console.core import work_tree
from console.core.difference import Difference, commit_word, parse
from console.core.probe import Probe
from console.core.release import Recipe, Release
from console.core.service import Service
from console.managers import container_commands as commands
from console.managers.container_releases import source_words
from console.managers.container_scripts import ENGINE

_ident = re.compile(r"[0-9a-f]{12}")

# A word for each: what it is, its name and its value, as JSON writes them, with a tab between: whoever makes an image
# chooses the names of its labels.
_TOLD = (
    "{{range .RootFS.Layers}}layer\t{{json .}}\t\n{{end}}size\timage\t{{.Size}}\n"
    "{{with .Config}}{{range .Env}}env\t{{json .}}\t\n{{end}}"
    "{{range $key, $value := .Labels}}label\t{{json $key}}\t{{json $value}}\n{{end}}"
    "{{range $key, $value := .ExposedPorts}}port\t{{json $key}}\t\n{{end}}"
    "command\tcommand\t{{json .Cmd}}\ncommand\tentrypoint\t{{json .Entrypoint}}\n"
    "command\tuser\t{{json .User}}\ncommand\tdirectory\t{{json .WorkingDir}}\n{{end}}"
)
_COMPARED = r"""
function tell(what, how, name, values) {
  if (++count[what, how] <= 40) print what "\t" how "\t" name "\t" values
  else more[what "\t" how]++
}
/^=/ { side = $0; next }
$1 == "layer" { if (side == "=live") has[$2] = 1; else { layers++; if ($2 in has) common++ } next }
{
  what = $1; name = $2; value = $3
  if (what == "env") {
    text = substr(name, 2, length(name) - 2); at = index(text, "=")
    what = "variable"; name = substr(text, 1, at - 1); value = substr(text, at + 1)
  }
  if (what == "label" || what == "port") { sub(/^"/, "", name); sub(/"$/, "", name) }
  if (what == "label") { sub(/^"/, "", value); sub(/"$/, "", value) }
  if (what == "command") { gsub(/","/, " ", value); gsub(/^\[?"|"\]?$/, "", value); if (value == "null") value = "" }
  if (name == "") next
  key = what "\t" name
  if (side == "=live") { live[key] = value; next }
  shown = "=" value
  if (what == "variable") shown = "*"
  if (what == "port") shown = ""
  if (!(key in live)) tell(what, "added", name, "\t" shown)
  else if (live[key] != value) tell(what, "changed", name, (what == "variable" ? "*" : "=" live[key]) "\t" shown)
  delete live[key]
}
END {
  for (key in live) {
    split(key, part, "\t")
    shown = part[1] == "variable" ? "*" : part[1] == "port" ? "" : "=" live[key]
    tell(part[1], "removed", part[2], shown)
  }
  for (kind in more) print "more\t" kind "\t" more[kind]
  if (layers) print "fact\t" layers - common " of " layers " layers are not those of what runs"
}
"""

# Arguments: both images, the work tree and who builds it or empty words, their commits.
_SCRIPT = (
    r"""
hd_live=$1 hd_target=$2 hd_source=$3 hd_user=$4 hd_from=$5 hd_to=$6
shift 6
"""
    + ENGINE
    + """
engine "$@" || return 1
hd_form='"""
    + _TOLD
    + r"""'
hd_inspect() {
  hd_said=$("$@" image inspect --format "$hd_form" "$hd_one" 2>&1) && return 0
  case $hd_said in
    *'assword is required'* | *'not allowed to execute'*)
      while [ "$1" != -- ]; do shift; done
      shift
      echo "sudo does not let $(id -un) look at images; sudoers needs: $(id -un) ALL=(root) NOPASSWD:" \
        "$(command -v "$1") image inspect *" >&2 ;;
    *) printf '%s\n' "$hd_said" | grep . | tail -n 1 >&2 ;;
  esac
  return 1
}
hd_one=$hd_live
hd_inspect "$@" || return 1
hd_was=$hd_said hd_one=$hd_target
hd_inspect "$@" || return 1
printf '%s\n' =live "$hd_was" =target "$hd_said" | LC_ALL=C awk -F '\t' '"""
    + _COMPARED
    + """'
"""
    + work_tree.COMMITS
    + """
hd_commits
echo end
"""
)

DIFFERENCE: Probe[Difference] = Probe("image_difference", _SCRIPT, parse, slow=True, cached=False, timeout=30.0)
"""Two images of one container."""


def words(service: Service, recipe: Recipe | None, live: Release, target: Release) -> tuple[str, ...]:
    """The arguments of ``DIFFERENCE``; raises ``ValueError`` for what is no identity of an image."""
    if not all(_ident.fullmatch(one.id) for one in (live, target)):
        raise ValueError(f"the images of {service.ref.name} are not known by their identity")
    commits = (commit_word(live.commit), commit_word(target.commit))
    return (live.id, target.id, *source_words(recipe), *commits, *commands.words(service))
