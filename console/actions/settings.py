"""What a plan is worked out from besides the intent and what is known of the host."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionSettings:
    """Times in seconds.

    ``health`` is a URL that the host itself asks (http or https); ``recent_starts`` how often the target was started
    by the console within the manager's start limit, from the audit trail.
    """

    hold: float = 10.0
    """How long a started service must stay up."""
    respawn: float = 5.0
    """How long what was stopped must stay down: longer than a manager waits before it starts something again."""
    within: float = 30.0
    """How long a check may take to succeed for the first time."""
    step_timeout: float = 200.0
    """The least that a step is given: systemd allows 90 s to stop and 90 s to start by default."""
    health: str | None = None
    recent_starts: int = 0
