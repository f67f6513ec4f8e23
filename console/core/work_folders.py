"""The folders of a host in which the program of a service may find a ``.env``."""

from console.core.service import Service

_SHARED = ("/run/", "/var/run/", "/tmp/", "/var/tmp/", "/dev/")  # noqa: S108
"""Where pid files of any service lie: what else lies there is not its own."""


def work_folders(service: Service) -> tuple[str, ...]:
    """Where it is started, and where the file lies by which it is known. Units name theirs in their own files."""
    found: list[str | None] = []
    if service.ref.manager == "compose":
        found = [(service.unit_file or "").rpartition("/")[0]]
    elif service.ref.manager == "pm2":
        found = [service.directory]
    elif service.ref.manager == "supervisord":
        found = [service.launch.directory if service.launch is not None else None]
    elif service.ref.manager == "pidfile" and service.detached is not None:
        file = service.detached.file
        beside = file.path.rpartition("/")[0]
        running = service.launch.directory if service.launch is not None else None
        found = [file.directory, running, None if f"{beside}/".startswith(_SHARED) else beside]
    plain = (folder.rstrip("/") for folder in found if folder and folder.startswith("/") and folder.isprintable())
    return tuple(dict.fromkeys(folder for folder in plain if folder))
