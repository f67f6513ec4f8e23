"""Units of a user's own service manager."""

from __future__ import annotations

from .host import Host


def linger(host: Host, user: str = "oncall", uid: int = 1001) -> None:
    """Let a user's service manager run without a login."""
    host.run(["loginctl", "enable-linger", user])
    host.wait(f"[ -S /run/user/{uid}/systemd/private ]")


def user_unit(host: Host, name: str, text: str, user: str = "oncall", uid: int = 1001, *, start: bool = True) -> None:
    """Install a unit of a user, and start it unless told not to."""
    folder = f"/home/{user}/.config/systemd/user"
    host.run(
        ["install", "-d", "-o", user, "-g", user, f"/home/{user}/.config", f"/home/{user}/.config/systemd", folder]
    )
    host.write(f"{folder}/{name}", text, owner=f"{user}:{user}")
    place = f"export XDG_RUNTIME_DIR=/run/user/{uid};"
    host.sh(f"{place} systemctl --user daemon-reload", user=user)
    if start:
        host.sh(f"{place} systemctl --user start {name}", user=user)


def echo_socket(host: Host, port: int = 8080) -> None:
    """A user's socket unit, for which the user's service manager itself listens."""
    linger(host)
    user_unit(host, "echo@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n", start=False)
    user_unit(host, "echo.socket", f"[Socket]\nListenStream={port}\nAccept=yes\n")
    host.wait(f"ss -Hltn 'sport = :{port}' | grep -q .")
