"""Where the log of a service ends at a moment, and what came after that, as constant POSIX sh.

Files are known by inode, size and a checksum of what stands before their end: what was rotated or emptied since is told
from what only grew. Where a log is only to be had from its manager, that is asked at both moments, and what it did not
say before is new; of lines that are all alike some may be missing then.
"""

from typing import NamedTuple

from console.core.command import Command
from console.core.service import Service, ServiceRef
from console.managers.as_user import as_its_user
from console.managers.base import FileLogSource

_LOOK = 20.0  # seconds
_WINDOW = 200  # lines that a manager is asked for at both moments

# The longest common subsequence of what was said then and now; what is not in it is new.
_UNLIKE = r"""
{ line = substr($0, 2) }
/^</ { was[++n] = line; next }
{ now[++m] = line }
END {
  for (i = n; i > 0; i--)
    for (j = m; j > 0; j--) {
      best[i, j] = best[i + 1, j] + 0 > best[i, j + 1] + 0 ? best[i + 1, j] : best[i, j + 1]
      if (was[i] == now[j]) best[i, j] = best[i + 1, j + 1] + 1
    }
  i = j = 1
  while (j <= m) {
    if (i <= n && was[i] == now[j]) { i++; j++ }
    else if (i <= n && best[i + 1, j] + 0 >= best[i, j + 1] + 0) i++
    else print now[j++]
  }
}
"""

_MARKS = r"""
hd_do=$1 hd_lines=$2 hd_unlike=$3 hd_n=$4
shift 4
# Whether each file can be read, or is not there yet. A pipe has no end.
hd_open() {
  [ "$hd_n" -gt 0 ] || return 1
  hd_i=0
  for hd_f in "$@"; do
    hd_i=$((hd_i + 1))
    [ "$hd_i" -le "$hd_n" ] || return 0
    if [ -f "$hd_f" ] && [ -r "$hd_f" ]; then continue; fi
    hd_shut=$hd_f
    if [ -e "$hd_f" ] || [ ! -x "${hd_f%/*}/" ]; then return 1; fi
  done
}
# FILE SIZE: of the last bytes before SIZE, which are others in a file that was emptied and has grown since.
hd_sum() {
  if [ "$2" -gt 256 ]; then tail -c "+$(($2 - 255))" -- "$1" | head -c 256; else head -c "$2" -- "$1"; fi | cksum
}
hd_mark() {
  hd_seen=$(stat -L -c '%i %s' -- "$1" 2>/dev/null) || hd_seen='0 0'
  if [ "$hd_seen" = '0 0' ]; then echo '0 0 -'; else echo "$hd_seen $(hd_sum "$1" "${hd_seen#* }")"; fi
}
# FILE INODE SIZE SUM: what it got since.
hd_new() {
  hd_seen=$(stat -L -c '%i %s' -- "$1" 2>/dev/null)
  if [ "${hd_seen%% *}" = "$2" ]; then
    hd_from=$3
    if [ "${hd_seen#* }" -lt "$3" ] || [ "$(hd_sum "$1" "$3")" != "$4" ]; then hd_from=0; fi
    tail -c "+$((hd_from + 1))" -- "$1" | tail -n "$hd_lines"
    return
  fi
  {
    # Of one that was moved aside meanwhile what it got before that.
    if [ "$2" != 0 ] && [ "$(stat -L -c %i -- "$1.1" 2>/dev/null)" = "$2" ]; then tail -c "+$(($3 + 1))" -- "$1.1"; fi
    [ ! -f "$1" ] || tail -n "$hd_lines" -- "$1"
  } | tail -n "$hd_lines"
}
hd_tool() {
  shift "$hd_n"
  "$@" 2>&1 </dev/null
}
if [ "$hd_do" = mark ]; then
  if hd_open "$@"; then
    echo files
    for hd_f in "$@"; do
      [ "$hd_n" -gt 0 ] || break
      hd_n=$((hd_n - 1))
      hd_mark "$hd_f"
    done
  elif [ $# -gt "$hd_n" ]; then
    echo said
    hd_tool "$@"
  else
    echo shut
  fi
  exit 0
fi
read -r hd_how || hd_how=
case $hd_how in
  files)
    hd_open "$@" || { echo "$(id -un) may not read $hd_shut"; exit 1; }
    hd_many=$hd_n hd_there=
    for hd_f in "$@"; do
      [ "$hd_n" -gt 0 ] || break
      hd_n=$((hd_n - 1))
      read -r hd_inode hd_size hd_sum_then || { echo "where $hd_f ended before is not known"; exit 1; }
      [ -f "$hd_f" ] || continue
      hd_there=1
      # As tail does of several files.
      [ "$hd_many" = 1 ] || [ -z "$(hd_new "$hd_f" "$hd_inode" "$hd_size" "$hd_sum_then" | head -c 1)" ] ||
        printf '==> %s <==\n' "$hd_f"
      hd_new "$hd_f" "$hd_inode" "$hd_size" "$hd_sum_then"
    done
    [ "$hd_there" ] || { echo "there is no file $1"; exit 1; }
    ;;
  said)
    command -v awk >/dev/null 2>&1 || { echo "this host has no awk, which would tell what is new"; exit 1; }
    hd_said=$(hd_tool "$@") || { printf '%s\n' "$hd_said" | tail -n 1; exit 1; }
    { sed 's/^/</'; printf '%s\n' "$hd_said" | sed 's/^/>/'; } | awk "$hd_unlike" | tail -n "$hd_lines"
    ;;
  shut) hd_open "$@"; echo "$(id -un) may not read ${hd_shut:-it}"; exit 1 ;;
  *) echo "where its log ended before is not known"; exit 1 ;;
esac
"""
"""``mark`` or ``since``, LINES UNLIKE N FILES... COMMAND...: the mark is printed; later it is standard input."""


class Marked(NamedTuple):
    """A log of which can be told what is new in it."""

    mark: Command
    """Prints where it ends at this moment."""
    since: Command
    """Prints what came since: it is given on its standard input what ``mark`` printed."""


def of_file(path: str, *, lines: int) -> Marked:
    """A log file, read as whoever runs the plan."""
    return _marked((path,), (), lines, whose=None)


def of_service(manager: FileLogSource, service: Service, *, lines: int) -> Marked:
    """The log of a service that is in files; ``ValueError`` where it has none."""
    asked = manager.log_command(service, lines=_WINDOW, since=None, follow=False)
    paths = tuple(path for path in manager.log_paths(service) if path.startswith("/"))
    return _marked(paths, asked.argv, lines, whose=service.ref)


def _marked(paths: tuple[str, ...], tool: tuple[str, ...], lines: int, *, whose: ServiceRef | None) -> Marked:
    mark, since = (
        ("sh", "-c", _MARKS, "sh", do, str(lines), _UNLIKE, str(len(paths)), *paths, *tool) for do in ("mark", "since")
    )
    if whose is not None:
        mark, since = as_its_user(whose, mark), as_its_user(whose, since)
    return Marked(Command(mark, timeout=_LOOK), Command(since, timeout=_LOOK))
