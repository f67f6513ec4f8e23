"""Services that nobody manages: a process that was started by hand or by a script, and the file with its number."""

from dataclasses import dataclass

STOP_TIMEOUT = 10.0
"""Seconds that a process is given to end unless the configuration says otherwise."""


@dataclass(frozen=True, slots=True)
class PidFile:
    """What is known of such a service beforehand: by the configuration, or because it was seen to run."""

    name: str
    path: str
    """Its pid file on the host."""
    command: tuple[str, ...] = ()
    """What starts it; empty where nobody said so."""
    directory: str = "/"
    """Where it is started."""
    user: str | None = None
    """As whom it is started; the connected user where nobody is named."""
    stop_signal: str = "TERM"
    stop_timeout: float = STOP_TIMEOUT
    logs: tuple[str, ...] = ()
    declared: bool = True
    """The configuration declares it; otherwise it was found."""
    run: tuple[int, int, int] | None = None
    """The run that was seen last: its process, when that started, and when the file was written."""


@dataclass(frozen=True, slots=True)
class Detached:
    """What its pid file names now, and how this user can act on it."""

    file: PidFile
    pid: int | None = None
    """The process that the file names, whether it is the service or not; ``None`` where there is none."""
    started: int = 0
    """When that process started, in clock ticks after boot: with the number an identity that survives pid reuse."""
    start_words: tuple[str, ...] = ()
    """The words before a command that is to start it, e.g. ``("sudo", "-n", "-u", "deploy", "--")``."""
    start_off: str | None = None
    """Why it cannot be started from here."""
    stop_words: tuple[str, ...] = ()
    """The words before a command that is to signal it."""
    stop_off: str | None = None
    """Why it cannot be signalled from here."""
    owner: str | None = None
    """Who runs that process."""
    starter: str | None = None
    """As whom it would be started."""
