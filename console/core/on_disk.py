"""What a service manager would run, by its files."""

from dataclasses import dataclass

from console.core.service import Service


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What the files of a manager say that does not run."""

    services: tuple[Service, ...] = ()
    """Without the host and the unit, each with ``adrift`` set."""
    wrong: str | None = None
    """Why it would not start with them: the file, the line and what is wrong there."""
    unseen: str | None = None
    """Why they could not be read."""
