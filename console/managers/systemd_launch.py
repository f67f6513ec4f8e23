"""What a unit runs: ``ExecStart``, ``WorkingDirectory`` and ``PIDFile``, which anybody may see."""

import re

from console.core.launch import Launch
from console.core.probe import ParseError, Probe
from console.managers.systemd_show import UNIT_NAME

_SHOW = 'show --no-pager -p Id,ExecStart,WorkingDirectory,PIDFile -- "$1"\n'
_argv = re.compile(r"\bargv\[\]=(.*?) ; ignore_errors=")


def parse(text: str) -> Launch:
    """Read the block of one unit; of one that runs nothing an empty one."""
    told: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            told.setdefault(name, value)
    if not UNIT_NAME.fullmatch(told.get("Id", "")):
        raise ParseError("the properties of a unit", text[:200])
    # Of a unit with several commands the last one is what stays.
    commands = _argv.findall(told.get("ExecStart", ""))
    if not commands:
        return Launch()
    directory = told.get("WorkingDirectory", "").removeprefix("!").removeprefix("-")
    return Launch(
        tuple(commands[-1].split()),
        directory if directory.startswith("/") else "/",
        told.get("PIDFile") or None,
    )


LAUNCH: Probe[Launch] = Probe(
    "systemd_launch",
    f"exec systemctl {_SHOW}",
    parse,
    requires=("systemctl",),
    slow=True,
    cached=False,
    shown="systemctl show --no-pager -p Id,ExecStart,WorkingDirectory,PIDFile -- $1",
)
USER_LAUNCH: Probe[Launch] = Probe(
    "systemd_user_launch",
    f'export XDG_RUNTIME_DIR="${{XDG_RUNTIME_DIR:-/run/user/$(id -u)}}"\nexec systemctl --user {_SHOW}',
    parse,
    requires=("systemctl",),
    slow=True,
    cached=False,
    shown="systemctl --user show --no-pager -p Id,ExecStart,WorkingDirectory,PIDFile -- $1",
)
"""Of a unit of the connected user's own manager."""
