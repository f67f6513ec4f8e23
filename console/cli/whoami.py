"""Who acts from here."""

import getpass
import os
import socket


def operator() -> str:
    """Who is at this keyboard: the login and this machine, e.g. ``ann@bastion``; sudo does not hide it."""
    try:
        login = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        login = f"uid {os.getuid()}"
    return f"{login}@{socket.gethostname()}"
