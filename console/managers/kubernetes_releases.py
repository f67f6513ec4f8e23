"""The revisions of a workload as releases: what its rollouts have left, as kubectl's ``rollout history`` reads it.

Of a deployment its replica sets, of a stateful or daemon set the objects ControllerRevision of apps/v1.
"""

from urllib.parse import unquote

from console.core.probe import ParseError, Probe
from console.core.release import Release, ReleaseBook
from console.core.release_history import seconds
from console.core.service import ServiceRef
from console.core.text import cut, sanitise
from console.managers.containers import when
from console.managers.kubernetes_names import Workload
from console.managers.kubernetes_templates import END, annotation, number, of_revisions, one_word, pod_spec

# Arguments: NAMESPACE RESOURCE REVISIONS TEMPLATE TEMPLATE TOOL... Only the words of the templates leave the host.
_SCRIPT = r"""
hd_space=$1 hd_name=$2 hd_from=$3 hd_one=$4 hd_all=$5
shift 5
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
hd_get "$@" --namespace "$hd_space" --request-timeout=6s get "$hd_from" || return 1
printf '%s\n' "$hd_said" | sed -n '/^>/p'
"""

NEWEST = "newest"
"""Where others name a number: the highest is live."""


def live(own: Workload) -> str:
    """What is printed of the workload: the revision that it is at.

    A stateful or daemon set does not tell that; its controller gives the highest number to the template that is wanted,
    once it has seen that.
    """
    if own.kind == "deploy":
        return f">live {annotation('deployment.kubernetes.io/revision')}{END}"
    seen = "{{with .status.observedGeneration}}{{if eq . $.metadata.generation}}" + NEWEST + "{{else}}-{{end}}"
    return f">live {seen}{{{{else}}}}-{{{{end}}}}{END}"


def template(own: Workload) -> str:
    """What is printed of each revision that is the workload's."""
    images = f"{{{{range {pod_spec(own)}.containers}}}} {{{{urlquery .image}}}}{{{{end}}}}"
    time = one_word(".metadata.creationTimestamp")
    return of_revisions(own, f">revision {number(own)} {time} {annotation('kubernetes.io/change-cause')}{images}{END}")


def parse(text: str) -> ReleaseBook:
    """Read the answer: the revisions, the newest first."""
    now, at, found = None, "", list[Release]()
    for line in text.split("\n"):
        words = line.split(" ")
        if words[0] == "now" and len(words) == 2:
            now = seconds(words[1])
        elif words[0] == ">live" and len(words) == 2:
            at = words[1]
        elif words[0] == ">revision":
            found.append(_release(line, words[1:]))
    if now is None:
        raise ParseError("the host's time", text)
    if at == NEWEST:
        at = max((one.id for one in found), key=int, default="")
    return ReleaseBook(ServiceRef("", "", ""), _lived(found, at), now=now)


def _release(line: str, words: list[str]) -> Release:
    if len(words) < 3 or not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 9:
        raise ParseError(">revision NUMBER TIME CAUSE IMAGE...", line)
    images = [_text(each) for each in words[3:]]
    first = (images or [""])[0].rpartition("/")[2].partition("@")[0].partition(":")[2]
    cause = "" if words[2] == "-" else _text(words[2])
    note = "; ".join(part for part in (", ".join(images), cause) if part)
    return Release(words[0], version=first or None, built=when(_text(words[1])), note=note or None)


def _lived(found: list[Release], at: str) -> tuple[Release, ...]:
    """A revision runs after all of lower numbers: no earlier than any of those was made."""
    told, latest = list[Release](), None
    for release in sorted(found, key=lambda one: int(one.id)):
        times = [time for time in (latest, release.built) if time is not None]
        latest = max(times, default=None)
        told.append(
            Release(
                release.id, version=release.version, built=release.built, live_since=latest, live=release.id == at,
                note=release.note,
            )
        )  # fmt: skip
    return tuple(reversed(told))


def _text(word: str) -> str:
    return cut(sanitise(unquote(word.replace("+", " "))).replace("\n", " ").strip(), 200)


REVISIONS: Probe[ReleaseBook] = Probe(
    "kubernetes_revisions", _SCRIPT, parse, requires=("kubectl", "timeout"), slow=True, cached=False, timeout=20.0
)
"""The releases of one workload."""
