"""The words with which supervisorctl answers of one supervisord on a host."""

from console.core.command import quote
from console.managers.supervisord_files import Ground


def tool_of(ground: Ground, path: str, may_use: bool, at: str) -> tuple[tuple[str, ...], str | None]:
    """Its words, and why there are none. ``at``: its socket, where that is not the usual one of the host."""
    if ground.hidden:
        return (), f"{ground.foreign}: nothing of this supervisord is run or shown"
    if ground.foreign is not None:
        return (), (
            f"{ground.foreign}: its programs are shown as it tells them; nothing is done to them from here, and its "
            "files and logs are not read"
        )
    if not ground.tool:
        return (), f"supervisorctl is neither in the PATH of {ground.user or 'this user'} nor beside supervisord"
    named = (ground.tool[0], "-s", f"unix://{path}")
    unsure = bool(at) and not ground.pid
    if not may_use:
        return ("sudo", "-n", "--", *(named if unsure else ground.tool)), None
    if unsure or (ground.conf is not None and not ground.readable):
        return named, None
    return ground.tool, None


def right_of(ground: Ground, path: str) -> str:
    """What is missing, and the line that mends it."""
    user = ground.user or "this user"
    words = quote((ground.path or "/usr/bin/supervisorctl", *ground.tool[1:], "status"))
    return (
        f"{user} may not use {path}: sudoers needs: {user} ALL=(root) NOPASSWD: {words}; "
        "or [unix_http_server] chmod=0770 and chown=root:GROUP"
    )
