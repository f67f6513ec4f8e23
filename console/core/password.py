"""Where a password of Hostdeck's own comes from: never from the configuration itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PasswordSource:
    """A command that prints it, or a name under which it was given to this process; just one of the three."""

    key: str
    """What says so, in messages: ``hosts[db1].password_command``."""
    command: tuple[str, ...] = ()
    """Run on this machine, without a shell; the first line of what it prints."""
    variable: str = ""
    """A variable of this process's environment."""
    credential: str = ""
    """A file of ``$CREDENTIALS_DIRECTORY``, systemd.exec(5)."""

    def __str__(self) -> str:
        """For a message: of a command only the program, since its arguments may tell too much."""
        return f"{self.key} ({self.command[0] if self.command else self.variable or self.credential})"
