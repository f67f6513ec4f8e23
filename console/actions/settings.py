"""What a plan is worked out from besides the intent and what is known of the host."""

from dataclasses import dataclass

from console.core.release import Recipe


@dataclass(frozen=True, slots=True)
class ActionSettings:
    """Times in seconds.

    ``health`` is a URL that the host itself asks (http, https or tcp); ``recent_starts`` how often the target was
    started by the console within the manager's start limit, from the audit trail.
    """

    hold: float = 10.0
    """How long a started service must stay up."""
    respawn: float = 5.0
    """How long what was stopped must stay down: longer than a manager waits before it starts something again."""
    within: float = 30.0
    """How long a check may take to succeed for the first time."""
    term_timeout: float = 10.0
    """How long a process that no manager owns is given to end after SIGTERM."""
    step_timeout: float = 200.0
    """The least that a step is given: systemd allows 90 s to stop and 90 s to start by default."""
    health: str | None = None
    health_command: tuple[str, ...] = ()
    """What tells on the host, as the connected user, that the target is well, by exit 0; no shell reads it."""
    recent_starts: int = 0
    reload_test: tuple[str, ...] = ()
    """What tests the target's configuration before a reload or a restart, as root; no shell reads it."""
    reloads_on_sighup: bool = False
    """The configuration says that the target reloads on SIGHUP, which is not to be seen of every program."""
    logs: tuple[str, ...] = ()
    """Paths of the log files that are configured for the target, beside the log that its manager reads."""
    declared_logs: tuple[str, ...] = ()
    """All paths that are configured as its logs, also that which its manager reads."""
    recipe: Recipe | None = None
    """How the target gets a new release, and where its releases are."""
    operator: str = "-"
    """Who acts, as one word for the history of releases."""
    stamp: str = "0"
    """The time at which the plan is made, for the name of a release: ``20261120T140211Z``."""
