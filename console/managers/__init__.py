"""One service manager per file. Pure; managers do not import one another."""

from console.core.service import ServiceRef
from console.managers.base import Detected, ServiceManager
from console.managers.compose import COMPOSE
from console.managers.docker import DOCKER
from console.managers.kubernetes import KUBERNETES
from console.managers.pidfile import PIDFILE
from console.managers.pm2 import PM2
from console.managers.process import PROCESS
from console.managers.supervisord import SUPERVISORD
from console.managers.systemd import SYSTEMD

MANAGERS: tuple[ServiceManager, ...] = (SYSTEMD, SUPERVISORD, PM2, DOCKER, COMPOSE, KUBERNETES, PIDFILE, PROCESS)
"""Every manager, the one shown first in front."""

DETECTED: tuple[Detected, ...] = tuple(found for found in MANAGERS if isinstance(found, Detected))
"""Those that are looked for on every host; systemd is seen by its own counters."""


def manager(ident: str) -> ServiceManager | None:
    """The manager of that id."""
    return next((found for found in MANAGERS if found.id == ident), None)


def can(ref: ServiceRef, capability: type[object]) -> bool:
    """Whether the manager of a service has a capability: a protocol of ``base``, ``acting`` or ``releasing``."""
    return isinstance(manager(ref.manager), capability)
