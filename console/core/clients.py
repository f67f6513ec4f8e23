"""Programs that only hand a change to a daemon: whoever ends them does not end what they asked for."""

from posixpath import basename

from console.core.command import Command, Effect

_BORDERS = frozenset("┌├└│")

_DAEMONS = {
    "systemctl": "systemd", "docker": "docker", "docker-compose": "docker", "supervisorctl": "supervisord",
    "pm2": "pm2", "kubectl": "the cluster", "podman": None,
}  # fmt: skip
"""By program; Podman does by itself what it is told to."""


def daemon_of(command: Command) -> str | None:
    """Who may still be at a change whose command was ended; ``None`` where it does it by itself or is a script."""
    words = command.becomes or command.argv
    if command.effect is not Effect.CHANGE or "-c" in words:
        return None
    return next((_DAEMONS[name] for word in words if (name := basename(word)) in _DAEMONS), None)


def tabular(command: Command, line: str) -> bool:
    """Whether a line is of the table of all apps that pm2 prints after each change; its messages are beside that."""
    words = command.becomes or command.argv
    return line.lstrip()[:1] in _BORDERS and any(basename(word) == "pm2" for word in words)
