"""A port that is free now and that somebody declares: who takes it at the next start, and who is in whose way then."""

from collections.abc import Iterable, Sequence

from console.core.endings import cannot_run
from console.core.service import Service, State
from console.diagnosis.boots import at_boot
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import is_failing
from console.diagnosis.wanting import Want

_MOST = 3
"""Names that a sentence bears."""


def awake(evidence: Evidence, names: Sequence[str]) -> list[str]:
    """Of services that claim one port those that are not known to stay down until somebody starts them."""
    return [name for name in names if not _sleeps(evidence, _service(evidence, name))]


def sentence(evidence: Evidence, want: Want, rivals: Sequence[str], *, startable: bool) -> str:
    """That the port is free, and what becomes of it."""
    free = f"{want.port} is free"
    now = f"{free} now"
    others = [_words(evidence, name) for name in rivals if want.ref is None or name != want.ref.name]
    told = joined(others)
    if want.service is not None and startable and is_doomed(want):
        return f"{free}: the port is not why {want.service.ref.name} is {want.service.state}"
    if want.ref is not None and startable:
        rest = f", before {told}, which {_declare(others)} it too" if others else ""
        return f"{free}: {want.name} can be started{rest}"
    if not others:
        return free
    if want.ref is None and (running := [name for name in rivals if _runs(evidence, name)]):
        without = joined(_words(evidence, name) for name in running)
        return f"{now}; {without} {_declare(running)} it and {'runs' if len(running) == 1 else 'run'} without it"
    if len(others) == 1 and want.ref is None:
        return f"{now}; {told} takes it when it is started"
    if want.ref is not None:
        return f"{now}; {told} {_declare(others)} it too: whichever starts first has it"
    return f"{now}; {told} declare it: the one that starts second will fail"


def joined(names: Iterable[str]) -> str:
    """Names in a sentence, each once, those beyond what it bears as their number."""
    known = list(dict.fromkeys(names))
    return " and ".join((*known[:_MOST], *((f"{len(known) - _MOST} more",) if len(known) > _MOST else ())))


def is_doomed(want: Want) -> bool:
    """Whether the service is down because its program cannot be run, so that a free port is no help."""
    return want.service is not None and is_failing(want.service) and cannot_run(want.service)


def _declare(names: Sequence[str]) -> str:
    return "declares" if len(names) == 1 else "declare"


def _sleeps(evidence: Evidence, service: Service | None) -> bool:
    return (
        service is not None and service.state is State.STOPPED and at_boot(service, evidence.snapshot.services) is False
    )


def _runs(evidence: Evidence, name: str) -> bool:
    service = _service(evidence, name)
    return service is not None and service.state is State.RUNNING and service.ref.manager != "kubernetes"


def _service(evidence: Evidence, name: str) -> Service | None:
    return next((service for service in evidence.snapshot.services if service.ref.name == name), None)


def _words(evidence: Evidence, name: str) -> str:
    service = _service(evidence, name)
    return service.ref.shown if service is not None else name
