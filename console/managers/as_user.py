"""Reading for root what a user's own manager names, with that user's rights: the paths are whatever he likes."""

from collections.abc import Sequence

from console.core.service import ServiceRef

# setpriv leaves no line in the host's log where runuser leaves two.
AS_USER = r"""
hd_as=$1
shift
if [ "$hd_as" = root ] || [ "$(id -u)" != 0 ]; then exec "$@"; fi
hd_uid=$(id -u -- "$hd_as" 2>/dev/null) && hd_gid=$(id -g -- "$hd_as" 2>/dev/null) || {
  echo "this host knows no user $hd_as, with whose rights alone it may be read" >&2
  exit 1
}
set -- env -i "PATH=$PATH" LC_ALL=C "$@"
# That of busybox knows no users.
if setpriv "--reuid=$hd_uid" "--regid=$hd_gid" --init-groups true 2>/dev/null; then
  exec setpriv "--reuid=$hd_uid" "--regid=$hd_gid" --init-groups -- "$@"
fi
command -v runuser >/dev/null 2>&1 && exec runuser -u "$hd_as" -- "$@"
echo "this host has neither setpriv nor runuser to read as $hd_as what is of $hd_as: connect as $hd_as" >&2
exit 1
"""


def as_its_user(ref: ServiceRef, argv: Sequence[str]) -> tuple[str, ...]:
    """The command, run as the user whose own manager has the service; as it is where the system's has it."""
    if ref.scope == "system":
        return tuple(argv)
    return ("sh", "-c", AS_USER, "sh", ref.scope.removeprefix("user:"), *argv)
