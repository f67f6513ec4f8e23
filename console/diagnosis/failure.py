"""What is known of a failure beside any port: how it ended, and what its log said last."""

from console.core.endings import why_failed
from console.core.restarts import tries_again, wont_start
from console.core.service import Service, State
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Failure
from console.diagnosis.wanting import Want

LINES = 3
"""Lines of the end of the log that are shown."""


def failure_of(evidence: Evidence, want: Want) -> Failure | None:
    """Why the service is down, where its log does not name an address; ``None`` for one that is not failing."""
    service = want.service
    if service is None or want.symptom is not None or not is_failing(service):
        return None
    return Failure(_words(service), (evidence.log_of(service.ref) or ())[-LINES:])


def is_failing(service: Service) -> bool:
    """Whether it is down by itself, or tries again and again to come up."""
    failing = service.state in (State.FAILED, State.FLAPPING)
    return service.adrift is None and (failing or tries_again(service))


def is_unexplained(evidence: Evidence, want: Want) -> bool:
    """Whether a unit of the system is down whose log, which would say why, was not read."""
    service = want.service
    if service is None or want.symptom is not None or not want.down:
        return False
    of_system = (service.ref.manager, service.ref.scope) == ("systemd", "system")
    return of_system and evidence.log_of(service.ref) is None


def _words(service: Service) -> str:
    again = f", {service.restarts} restarts" if (service.restarts or 0) > 1 else ""
    wrong = wont_start(service)
    return f"{service.native_state}, {why_failed(service)}{again}{f'; {wrong}' if wrong is not None else ''}"
