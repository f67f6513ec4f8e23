"""Which attempt to start a service the lines of its log are of."""

from console.core.service import Service, State
from console.core.snapshot import Symptom

OLD = 5.0
"""Seconds before its present state began from which on a symptom is of an earlier run."""
WHOLE = 1.0
"""Seconds: managers tell their times in whole ones."""


def is_of_attempt(at: float | None, service: Service) -> bool:
    """Whether a line of its log may be of the newest attempt to start a service that is down: unless its time, or when
    its file was written last, says that it is older."""
    return at is None or service.attempt_since is None or at >= service.attempt_since - WHOLE


def is_current(symptom: Symptom, service: Service | None) -> bool:
    """Whether a symptom is of the service's present run or of the newest attempt to start it."""
    if service is None:
        return True
    if service.state is not State.RUNNING:
        since = service.attempt_since
        if symptom.at is None or since is None:
            return True
        if symptom.attempt is not None and service.state in (State.FLAPPING, State.STARTING):
            # In a loop one attempt follows the other before the log of the last one is read: until then it holds.
            since = min(since, symptom.attempt)
        return symptom.at >= since - WHOLE
    if symptom.at is None or service.since is None:
        return False
    return symptom.at >= service.since - OLD
