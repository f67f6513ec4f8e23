"""The revisions of a deployment as releases: the replica sets that its rollouts have left."""

from urllib.parse import unquote

from console.core.probe import ParseError, Probe
from console.core.release import Release, ReleaseBook
from console.core.release_history import seconds
from console.core.service import ServiceRef
from console.core.text import cut, sanitise
from console.managers.containers import when

# Arguments: NAMESPACE RESOURCE TEMPLATE TEMPLATE TOOL... Only the words of the templates leave the host.
_SCRIPT = r"""
hd_space=$1 hd_name=$2 hd_one=$3 hd_all=$4
shift 4
hd_get() {
  hd_said=$(timeout 8 "$@" -o go-template="$hd_form" 2>&1) && return 0
  printf '%s\n' "$hd_said" | tail -n 1 >&2
  return 1
}
echo "now $(date +%s)"
hd_form=$hd_one
hd_get "$@" --namespace "$hd_space" --request-timeout=6s get "$hd_name" || return 1
printf '%s\n' "$hd_said" | sed -n '/^>/p'
hd_form=$hd_all
hd_get "$@" --namespace "$hd_space" --request-timeout=6s get replicasets.apps || return 1
printf '%s\n' "$hd_said" | sed -n '/^>/p'
"""

_ANNOTATION = (
    "{{{{with .metadata.annotations}}}}{{{{with index . `{}`}}}}{{{{urlquery .}}}}{{{{else}}}}-{{{{end}}}}"
    "{{{{else}}}}-{{{{end}}}}"
)
LIVE = f">live {_ANNOTATION.format('deployment.kubernetes.io/revision')}\n"
"""Of the deployment: the revision that it is at."""


def template(name: str) -> str:
    """What is printed of each replica set that is the deployment's; ``name`` is one that a cluster can have."""
    revision, cause = (
        _ANNOTATION.format(key) for key in ("deployment.kubernetes.io/revision", "kubernetes.io/change-cause")
    )
    images = "{{range .spec.template.spec.containers}} {{urlquery .image}}{{end}}"
    time = "{{with .metadata.creationTimestamp}}{{.}}{{else}}-{{end}}"
    return (
        "{{range .items}}{{$set := .}}{{range .metadata.ownerReferences}}"
        f'{{{{if and (eq .kind "Deployment") (eq .name "{name}")}}}}{{{{with $set}}}}'
        f">revision {revision} {time} {cause}{images}\n"
        "{{end}}{{end}}{{end}}{{end}}"
    )


def parse(text: str) -> ReleaseBook:
    """Read the answer: the revisions, the newest first."""
    now, live, found = None, "", list[Release]()
    for line in text.split("\n"):
        words = line.split(" ")
        if words[0] == "now" and len(words) == 2:
            now = seconds(words[1])
        elif words[0] == ">live" and len(words) == 2:
            live = words[1]
        elif words[0] == ">revision":
            found.append(_release(line, words[1:]))
    if now is None:
        raise ParseError("the host's time", text)
    return ReleaseBook(ServiceRef("", "", ""), _lived(found, live), now=now)


def _release(line: str, words: list[str]) -> Release:
    if len(words) < 3 or not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 9:
        raise ParseError(">revision NUMBER TIME CAUSE IMAGE...", line)
    images = [_text(word) for word in words[3:]]
    first = (images or [""])[0].rpartition("/")[2].partition("@")[0].partition(":")[2]
    cause = "" if words[2] == "-" else _text(words[2])
    note = "; ".join(part for part in (", ".join(images), cause) if part)
    return Release(words[0], version=first or None, built=when(words[1]), note=note or None)


def _lived(found: list[Release], live: str) -> tuple[Release, ...]:
    """A revision runs after all of lower numbers: no earlier than any of those was made."""
    told, latest = list[Release](), None
    for release in sorted(found, key=lambda one: int(one.id)):
        times = [at for at in (latest, release.built) if at is not None]
        latest = max(times, default=None)
        told.append(
            Release(
                release.id, version=release.version, built=release.built, live_since=latest, live=release.id == live,
                note=release.note,
            )
        )  # fmt: skip
    return tuple(reversed(told))


def _text(word: str) -> str:
    return cut(sanitise(unquote(word.replace("+", " "))).replace("\n", " ").strip(), 200)


REVISIONS: Probe[ReleaseBook] = Probe(
    "kubernetes_revisions", _SCRIPT, parse, requires=("kubectl", "timeout"), slow=True, cached=False, timeout=20.0
)
"""The releases of one deployment."""
