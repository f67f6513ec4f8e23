"""Where the history of releases is kept that have no directory of their own: images, packages.

``/var/lib/hostdeck/releases`` where the connected user may write to it, which is root's and read by everybody, else
``~/.local/state/hostdeck/releases`` of that user. Both are read.
"""

from console.core.service import ServiceRef

READ = r"""
hd_home=${HOME:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d : -f 6)}
for hd_place in /var/lib/hostdeck/releases "${XDG_STATE_HOME:-$hd_home/.local/state}/hostdeck/releases"; do
  tail -n 500 -- "$hd_place/$hd_file" 2>/dev/null
done | sort -s -n -k 1,1 | sed 's/^/event /'
"""
"""Prints the events of ``hd_file``, for ``console.core.release_history``."""

WRITE = r"""
# AT KIND ID WHO VERSION COMMIT TOOK: what cannot be noted is told, and nothing is given up for it.
note() {
  home=${HOME:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d : -f 6)}
  for place in /var/lib/hostdeck/releases "${XDG_STATE_HOME:-$home/.local/state}/hostdeck/releases"; do
    mkdir -p -- "$place" 2>/dev/null
    # Never through a link that somebody else has put there.
    [ -d "$place" ] && [ -w "$place" ] && [ ! -h "$place/$file" ] || continue
    printf '%s %s %s %s %s %s %s\n' "$1" "$2" "$3" "$4" "${5:--}" "${6:--}" "${7:--}" >>"$place/$file" && return 0
  done
  echo "not noted: neither /var/lib/hostdeck/releases nor $place can be written to"
}
# What was live before the first note would else have never been live.
note_former() {
  [ -n "$was" ] && [ "${since:-0}" != 0 ] || return 0
  for place in /var/lib/hostdeck/releases "${XDG_STATE_HOME:-${HOME:-}/.local/state}/hostdeck/releases"; do
    grep -q "^[0-9]* live $was " "$place/$file" 2>/dev/null && return 0
  done
  note "$since" live "$was" - "${was_version:--}" "${was_commit:--}" -
}
"""
"""Functions that note in the history ``file``."""


def file_of(ref: ServiceRef) -> str:
    """The file of a service; raises ``ValueError`` for a name that is none of a file."""
    words = [ref.manager, *(() if ref.scope == "system" else (ref.scope.removeprefix("user:"),)), ref.name]
    name = ":".join(words).replace("/", ":")
    if not name.isprintable() or len(name.encode()) > 250:
        raise ValueError(f"{ref.name!r} is too long or not printable: its releases cannot be noted")
    return name
