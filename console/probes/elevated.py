"""Looks that only root may take: as root at once, else through the sudoers line that allows just this command.

``hd_as_root COMMAND...`` runs it, or says in one line on standard error which line is missing and ends with
``REFUSED``, or with ``NO_SUDO`` where this login may not even ask. The words of the command must be ones that sudoers
takes as they are (no ``,`` ``:`` ``=`` ``\\``), so that the line can be copied.

sudo is asked first whether it would: what it refuses, and what it runs, goes into the host's log. Whoever asks such a
probe again and again must therefore remember the refusal as long as the connection lasts (``Probe.elevated``).
"""

REFUSED = 77
"""Exit status: sudo does not run just this command."""
NO_SUDO = 78
"""Exit status: this login gets nothing from sudo without a password, whatever the command."""

AS_ROOT = r"""
hd_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  # Where root's own search would find it, and not what this login put in front.
  hd_path=$(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; command -v "$1")
  case $hd_path in /*) ;; *) echo "$1 is not on this host" >&2; return 77 ;; esac
  shift
  hd_line="needs root, or in sudoers: $(id -un) ALL=(root) NOPASSWD: $hd_path${1:+ $*}"
  command -v sudo >/dev/null 2>&1 || { echo "needs root, and this host has no sudo" >&2; return 78; }
  hd_said=$(LC_ALL=C sudo -n -l -- "$hd_path" "$@" 2>&1 >/dev/null </dev/null) || {
    echo "$hd_line" >&2
    case $hd_said in *'password is required'* | *'may not run sudo'*) return 78 ;; esac
    return 77
  }
  { hd_said=$(LC_ALL=C sudo -n -- "$hd_path" "$@" 2>&1 >&3 3>&- </dev/null); hd_status=$?; } 3>&1
  case $hd_said in
  # It allows the command, with a password.
  *'sudo: a password is required'*) echo "$hd_line" >&2; return 77 ;;
  esac
  [ -z "$hd_said" ] || echo "$hd_said" >&2
  return "$hd_status"
}
"""
