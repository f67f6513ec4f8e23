"""What pm2 would run whose unit is down: the apps that were saved with ``pm2 save``."""

from console.core.on_disk import OnDisk
from console.core.probe import ParseError, Probe
from console.core.text import sanitise
from console.managers.pm2_saved import SAVED, Saved, saved_services

# Argument: a unit that is down. Only one that resurrects starts what is saved.
WRITTEN = (
    SAVED
    + r"""
hd_told=$(systemctl show -p ExecStart -p User -p Environment -- "$1") || return 1
hd_user=root hd_home= hd_start=
set -f
while read -r hd_line; do
  case $hd_line in
    User=?*) hd_user=${hd_line#*=} ;;
    ExecStart=*) hd_start=$hd_line ;;
    Environment=*) for hd_word in ${hd_line#*=}; do case $hd_word in PM2_HOME=/*) hd_home=${hd_word#*=} ;; esac; done ;;
  esac
done <<EOF
$hd_told
EOF
case $hd_start in *' resurrect'*) ;; *) return 0 ;; esac
hd_usual=$(getent passwd "$hd_user" 2>/dev/null)
hd_usual=${hd_usual%:*}
hd_usual=${hd_usual##*:}/.pm2
hd_home=${hd_home:-$hd_usual}
[ "$hd_home" != /.pm2 ] || return 0
printf 'user\t%s\n' "$hd_user"
[ "$hd_home" = "$hd_usual" ] || printf 'at\t%s\n' "$hd_home"
if [ -f "$hd_home/dump.pm2" ] && [ -r "$hd_home/dump.pm2" ]; then hd_saved_apps "$hd_home"; return; fi
[ -x "$hd_home" ] && [ ! -e "$hd_home/dump.pm2" ] && return 0
printf 'unseen\t%s may not read %s\n' "$(id -un)" "$hd_home/dump.pm2"
"""
)


def parse_written(text: str) -> OnDisk:
    """Read the answer of ``WRITTEN``."""
    if not text:
        return OnDisk()
    head, *lines = text.split("\n")
    mark, _, user = head.partition("\t")
    if mark != "user" or not user:
        raise ParseError("a line with the user", head)
    saved = Saved()
    unseen: str | None = None
    at = ""
    for line in lines:
        word, _, value = line.partition("\t")
        if word == "unseen":
            unseen = value
        elif word == "at":
            at = sanitise(value)
        else:
            saved.take(line)
    names = (name for name, _ in saved.named())
    return OnDisk(tuple(saved_services(user, at, names, "what is known of it is that it was saved")), unseen=unseen)


PM2_WRITTEN: Probe[OnDisk] = Probe(
    "pm2_written",
    WRITTEN,
    parse_written,
    requires=("systemctl", "sed", "head", "timeout"),
    slow=True,
    cached=False,
    timeout=10.0,
)
"""UNIT: the apps that were saved for a daemon that is down."""
