"""The environment of a service: asked of its host when somebody wants to see it, and kept nowhere."""

from console.core.environment import Environment, environment
from console.core.service import Service, ServiceRef
from console.managers import manager
from console.managers.base import Environed
from console.probes.environment import PROBE
from console.remote.shell import Answer, Ask


def asks_for(ref: ServiceRef, service: Service | None) -> tuple[Ask | None, str]:
    """What is to be asked, or why there is nothing to ask."""
    if ref.manager == "process" and service is None:
        return Ask(PROBE, ("process", ref.name)), ""
    if service is None:
        return None, f"{ref.host} has no such service: {ref}"
    found = manager(ref.manager)
    if not isinstance(found, Environed):
        return None, f"the environment of services of {ref.manager} is not looked at"
    try:
        words = found.environment_words(service)
    except ValueError as error:
        return None, str(error)
    return (Ask(PROBE, words), "") if words else (None, f"{ref.name} has no process, and no file is known to set any")


def read(ref: ServiceRef, answer: Answer) -> Environment:
    """What the host told, compared and masked."""
    if answer.failure is not None:
        return Environment(ref, failure=answer.failure)
    return environment(ref, answer.value)
