"""The work tree that the next release is built from, as git describes it."""

from collections.abc import Mapping, Sequence

from console.core.release import Source
from console.core.release_history import seconds

# git must neither run hooks nor trust what another user may have put into the work tree.
_GIT = r"""
hd_bound=
hd_git() {
  $hd_bound $hd_as env GIT_OPTIONAL_LOCKS=0 git -c core.fsmonitor=false -c core.hooksPath=/dev/null \
    -C "$hd_source" "$@"
}
if [ -n "$hd_source" ]; then
  hd_as=
  hd_owner=$(stat -c %U -- "$hd_source" 2>/dev/null)
  # A work tree can name programs that git runs: they are run as its owner, never as root. Nor does git (2.35) read one
  # of another user: who builds as that user, hd_user, also looks as that user.
  if [ "$(id -u)" = 0 ]; then
    if [ "${hd_owner:-root}" != root ]; then hd_as="runuser -u $hd_owner --"; fi
  elif [ -n "${hd_user-}" ] && [ "$hd_user" = "$hd_owner" ] && [ "$hd_user" != "$(id -un)" ]; then
    hd_as="sudo -n -u $hd_user --"
  fi
fi
"""

# Of the work tree ``hd_source``; nothing where that is empty.
SCRIPT = (
    _GIT
    + r"""
if [ -n "$hd_source" ]; then
  if ! command -v git >/dev/null 2>&1; then echo "source-why git is not on this host"
  elif ! hd_said=$(hd_git rev-parse --verify -q HEAD 2>&1); then
    echo "source-why $(printf '%s' "${hd_said:-$hd_source is no work tree of git}" | head -n 1)"
  else
    echo "commit $hd_said"
    echo "version $(hd_git describe --tags --always 2>/dev/null)"
    echo "branch $(hd_git symbolic-ref -q --short HEAD 2>/dev/null)"
    echo "log $(hd_git log -1 --format='%ct %s' 2>/dev/null)"
    hd_git status --porcelain 2>/dev/null | head -n 20 | sed 's/^/changed /'
  fi
fi
"""
)

# Commits between ``hd_from`` and ``hd_to``, in the lines of ``console.core.difference``; nothing without a work tree.
COMMITS = (
    _GIT
    + r"""
hd_tab=$(printf '\t')
command -v timeout >/dev/null 2>&1 && hd_bound='timeout -s KILL 6'
hd_late() { [ "$1" -gt 128 ] || [ "$1" = 124 ]; }
# Exit 1 where the commits cannot be told.
hd_known() {
  [ -n "$hd_source" ] || return 1
  hd_said=$(hd_git rev-parse --verify -q HEAD 2>&1)
  hd_r=$? hd_why=
  if ! command -v git >/dev/null 2>&1; then hd_why='git is not on this host'
  elif hd_late "$hd_r"; then hd_why='git did not answer in time'
  elif [ "$hd_r" != 0 ]; then
    hd_why=$(printf '%s' "${hd_said:-$hd_source is no work tree of git}" | head -n 1 | tr '\t' ' ')
  elif [ -z "$hd_from" ] || [ -z "$hd_to" ]; then hd_why='nobody noted the commits of both releases'
  fi
  for hd_one in "$hd_from" "$hd_to"; do
    [ -z "$hd_why" ] || break
    hd_git cat-file -e "$hd_one^{commit}" 2>/dev/null
    hd_r=$?
    if hd_late "$hd_r"; then hd_why='git did not answer in time'
    elif [ "$hd_r" != 0 ]; then hd_why="$hd_source knows no commit $(printf '%.12s' "$hd_one")"
    fi
  done
  [ -z "$hd_why" ] || { printf 'gap\tcommits\t%s\n' "$hd_why"; return 1; }
}
# HOW RANGE
hd_between() {
  hd_count=$(hd_git rev-list --count "$2" 2>/dev/null)
  case $hd_count in
    0) return ;;
    '' | *[!0-9]*) printf 'gap\tcommits\tgit did not tell them in time\n'; return ;;
  esac
  hd_said=$(hd_git -c log.showSignature=false log --format='%h %s' -n 30 "$2" 2>/dev/null | tr '\t' ' ')
  [ -z "$hd_said" ] || printf '%s\n' "$hd_said" | sed "s/^/commit$hd_tab$1$hd_tab/"
  hd_count=$((hd_count - $(printf '%s\n' "$hd_said" | grep -c .)))
  [ "$hd_count" -le 0 ] || printf 'more\tcommit\t%s\t%s\n' "$1" "$hd_count"
}
# Exit 1 where they cannot be told.
hd_commits() {
  hd_known || return 1
  hd_between removed "$hd_to..$hd_from"
  hd_between added "$hd_from..$hd_to"
}
"""
)


def read(found: Mapping[str, Sequence[str]]) -> Source | None:
    """Read what ``SCRIPT`` printed, lines by their first word; ``None`` where nothing was asked."""
    if "source-why" in found:
        return Source(why=found["source-why"][0])
    if "commit" not in found:
        return None
    at, _, subject = (found.get("log") or [""])[0].partition(" ")
    return Source(
        found["commit"][0] or None,
        (found.get("version") or [""])[0] or None,
        (found.get("branch") or [""])[0] or None,
        subject or None,
        seconds(at),
        tuple(line[3:] for line in found.get("changed", ())),
    )
