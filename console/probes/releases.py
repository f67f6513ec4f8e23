"""The releases in a directory, and the work tree that the next one is built from.

``DIRECTORY/releases/ID/`` holds one release each, the symbolic link ``DIRECTORY/current`` names the live one, and
``DIRECTORY/releases/history`` has one line per event, which plans append::

    SECONDS live|healthy|failed|built ID WHO VERSION COMMIT TOOK

in Unix time, ``-`` for what is not known. A release that another tool put there has no lines: then its directory's
time of change is when it was built, and nothing else is known of it.
"""

from console.core import release_history as history
from console.core import work_tree
from console.core.probe import ParseError, Probe
from console.core.release import Release, ReleaseBook
from console.core.release_history import seconds
from console.core.service import ServiceRef

MOST_EVENTS = 500
"""Lines of the history that are read, the newest."""

# Arguments: the directory, the work tree, and who builds it, each or an empty word. Names with blanks or newlines are
# none of ours and are passed over.
SCRIPT = (
    r"""
echo "now $(date +%s)"
if [ -n "$1" ]; then
  [ -d "$1/releases" ] || { echo "$1/releases is not there, or may not be read" >&2; return 1; }
  hd_live=$(readlink "$1/current" 2>/dev/null) && {
    hd_live=${hd_live%"${hd_live##*[!/]}"}
    case ${hd_live##*/} in *[!A-Za-z0-9._+~:-]*) ;; *) echo "current ${hd_live##*/}" ;; esac
  }
  for hd_one in "$1/releases"/*/; do
    hd_one=${hd_one%/}
    case ${hd_one##*/} in '*' | *[!A-Za-z0-9._+~:-]* | *.partial) continue ;; esac
    echo "release $(stat -c %Y -- "$hd_one" 2>/dev/null || echo -) ${hd_one##*/}"
  done
  tail -n 500 -- "$1/releases/history" 2>/dev/null | sed 's/^/event /'
fi
hd_source=$2 hd_user=$3
"""
    + work_tree.SCRIPT
    + """
return 0
"""
)


def parse(text: str) -> ReleaseBook:
    """Read the answer of ``SCRIPT``; the reference is filled in by who asks."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    now = seconds((found.get("now") or ["-"])[0])
    if now is None:
        raise ParseError("the host's time", text)
    current = (found.get("current") or [""])[0]
    releases = [_listed(line, current) for line in found.get("release", ())]
    events = history.read(found.get("event", ()))
    told = [history.told(release, events, now) for release in history.with_gone(releases, events)]
    newest = sorted(told, key=lambda release: (release.built or 0.0, release.id), reverse=True)
    took = history.last_build(events)
    return ReleaseBook(ServiceRef("", "", ""), tuple(newest), work_tree.read(found), now, last_build=took)


def _listed(line: str, current: str) -> Release:
    at, _, ident = line.partition(" ")
    if not ident:
        raise ParseError("a release", line)
    return Release(ident, built=seconds(at), live=ident == current)


PROBE: Probe[ReleaseBook] = Probe("releases", SCRIPT, parse, slow=True, cached=False, timeout=10.0)
