"""The socket units of a user's own service manager, which root and that user may ask."""

from console.core.probe import Probe
from console.core.service import Service
from console.managers.systemd_show import PROPERTIES, parse_show

SCRIPT = (
    r"""
case $1:$2 in *[!A-Za-z0-9_.:-]* | -* | :* | *: | *:*[!0-9]*) echo "no user: $1 $2" >&2; return 2 ;; esac
echo "scope user:$1"
read -r hd_up hd_rest </proc/uptime
echo "up $hd_up"
hd_home=/run/user/$2
set -- "$1" env -i PATH=/usr/bin:/bin TZ=UTC LC_ALL=C XDG_RUNTIME_DIR="$hd_home" \
  systemctl --user show --no-pager -p """
    + ",".join(PROPERTIES)
    + r""" -- '*.socket'
if [ "$(id -un)" = "$1" ]; then shift; exec "$@"; fi
[ "$(id -u)" = 0 ] || { echo "needs root, or the login of $1" >&2; return 77; }
hd_user=$1
shift
exec runuser -u "$hd_user" -- "$@"
"""
)

USER_SOCKETS: Probe[tuple[Service, ...]] = Probe(
    "systemd_user_sockets",
    SCRIPT,
    parse_show,
    requires=("systemctl",),
    slow=True,
    cached=False,
    timeout=10.0,
    shown="(of systemctl --user show: the socket units of $1)",
)
"""USER UID."""
