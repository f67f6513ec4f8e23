"""What a service manager may be able to do to its services, and to prove of them."""

from typing import Protocol, runtime_checkable

from console.core.command import Command
from console.core.plan import ActionKind, Check
from console.core.service import Endpoint, Service


@runtime_checkable
class Startable(Protocol):
    """Can start a service that is down."""

    def start(self, service: Service) -> Command:
        """The command that starts it."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    """Can stop a service so that it stays down."""

    def stop(self, service: Service) -> Command:
        """The command that stops it and keeps it stopped."""
        ...


@runtime_checkable
class Restartable(Protocol):
    """Can restart a service."""

    def restart(self, service: Service) -> Command:
        """The command that restarts it."""
        ...


@runtime_checkable
class Pinned(Restartable, Protocol):
    """Restarts just the run that was seen, so what a plan started itself is restarted by another command."""

    def restart_started(self, service: Service) -> Command:
        """The command that restarts what a step before has started, whichever process that is."""
        ...

    def still(self, service: Service) -> Check | None:
        """Holds where no other run is there than the one that was seen; ``None`` where none was."""
        ...


@runtime_checkable
class Reloadable(Protocol):
    """Can make a running service read its configuration or re-open its logs without ending it."""

    def reload(self, service: Service) -> Command | None:
        """The manager's own reload, or ``None`` where this service has none (then SIGHUP may be possible)."""
        ...


@runtime_checkable
class Replacing(Protocol):
    """Reloads some services by putting new processes in the place of the old ones, one after the other."""

    def replaces(self, service: Service) -> bool:
        """Whether another run serves after this service was reloaded."""
        ...


@runtime_checkable
class Resettable(Protocol):
    """Can clear a failure or a start limit."""

    def reset_failed(self, service: Service) -> Command:
        """The command that clears the failure."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """Can tell on the host, by commands, whether a service runs."""

    def is_running(self, service: Service, *, hold: float) -> Check:
        """A check that holds when the service runs for ``hold`` seconds."""
        ...

    def is_stopped(self, service: Service) -> Check:
        """A check that holds when the service is down."""
        ...


@runtime_checkable
class EndTelling(Protocol):
    """Can tell, of some services, whether it had to kill what a plan has stopped or restarted."""

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """Looks after a ``STOP`` or ``RESTART`` and never fails: exit 77 with the reason where that is not known.

        ``None`` where ``is_stopped`` tells it, or nobody does.
        """
        ...


@runtime_checkable
class Joining(Protocol):
    """Its services may have the network of another one, which they lose when that is started anew."""

    def has_network_of(self, service: Service, owner: Service) -> Check:
        """A check that holds when ``service`` runs with the network of the present run of ``owner``."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """Has services with a health check of their own, which their manager runs."""

    def own_health(self, service: Service) -> tuple[Check, ...]:
        """Checks that hold when it says that the service is well; none for a service that is known to have none."""
        ...


@runtime_checkable
class Traceable(Protocol):
    """Can tell one run of a service from the next."""

    def run_id(self, service: Service) -> Command:
        """A command that prints lines which stay the same for as long as the service is not started anew.

        One of the lines is ``MainPID=N``, with 0 where there is no main process. ``Again=N``, where the manager tells:
        how often it was started by itself since somebody last did so; ``Keeps=N`` of one that is down: what a start
        may leave of that count. Needs no rights.
        """
        ...


@runtime_checkable
class Launching(Protocol):
    """Can tell how a new run of a service would be started, which may not be how the present one was."""

    def launch(self, service: Service) -> Command:
        """A command that prints the words of its program in one line, and nothing where not all of them are known."""
        ...


@runtime_checkable
class Grouped(Protocol):
    """Runs each service in a control group that carries its name."""

    def cgroup_name(self, service: Service) -> str:
        """The last component of the control group of its processes, e.g. ``api.service``."""
        ...


@runtime_checkable
class Signallable(Protocol):
    """Can send a signal to the main process of a service, whichever that is at that moment."""

    def signal(self, service: Service, name: str) -> Command:
        """The command that sends the signal of that name (``HUP``, ``USR1`` ...)."""
        ...


@runtime_checkable
class PortProving(Protocol):
    """Can prove on the host that a service has a port, where that is not to be seen from its processes."""

    def holds_port(self, service: Service, endpoint: Endpoint) -> Command:
        """Exit 0 when it does, with one line that says how; 77 when that cannot be told; any other when it does not."""
        ...


@runtime_checkable
class Mortal(Protocol):
    """Its services are processes that can only be ended, and none of which is started again by anybody."""

    def end(self, service: Service, signal: str, endpoint: Endpoint | None) -> Command:
        """A signal to the process, after it was compared with what was seen as by ``seen``, in one command."""
        ...

    def seen(self, service: Service, endpoint: Endpoint | None) -> Command:
        """Whether it still is the process that was seen, by its start and, where a port is named, by its socket."""
        ...

    def ended(self, service: Service, signal: str, seconds: float) -> Command:
        """Wait until it has ended; fails after so many seconds."""
        ...

    def outlived(self, service: Service) -> Check:
        """That it was asked to end before, in vain."""
        ...

    def at_port(self, service: Service, endpoint: Endpoint) -> Check:
        """That it has a socket at the port on which it was not seen to listen."""
        ...

    def released(self, service: Service, endpoint: Endpoint, seconds: float) -> Command:
        """Wait until the port is not held by any socket of it, whoever has that by now; fails after so many seconds."""
        ...


@runtime_checkable
class Selective(Protocol):
    """Cannot do everything to every service."""

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """Why this kind of action cannot be done to this service, in one line; ``None`` where it can."""
        ...


@runtime_checkable
class Disposing(Protocol):
    """Has services that are gone for good once they have ended."""

    def disposed(self, service: Service) -> str | None:
        """Why this one is, in one line; ``None`` where it stays and can be started again."""
        ...


@runtime_checkable
class Cautious(Protocol):
    """Knows what a person should be told before acting."""

    def cautions(self, service: Service, kind: ActionKind) -> tuple[str, ...]:
        """Warnings, one line each: that it is a cluster of production ..."""
        ...


@runtime_checkable
class Reverting(Protocol):
    """Undoes a restart by going back to what was seen when the plan was made."""

    def undo_holds(self, service: Service) -> Check | None:
        """Whether that is still what there is: else the undo would take back what somebody else did since."""
        ...


@runtime_checkable
class Rolling(Protocol):
    """Changes a service little by little, after the command that asks for it has ended."""

    def settle(self, service: Service, kind: ActionKind) -> Command | None:
        """What waits until that kind of change is done, and fails when it gets stuck; ``None`` where nothing is left.

        It changes nothing.
        """
        ...

    def undo_restart(self, service: Service) -> Command | None:
        """What leaves the service as it is now, after a restart that was not done, got stuck or failed."""
        ...


@runtime_checkable
class Rereadable(Protocol):
    """Can be made to read the definitions of its services again."""

    def daemon_reload(self, service: Service) -> Command:
        """The command that reads all definitions again; ``service`` says in which scope."""
        ...


@runtime_checkable
class Declaring(Protocol):
    """Runs a service as it is declared somewhere, and does not see by itself that the declaration changed."""

    def takes_effect(self, service: Service, file: str | None) -> str:
        """What a person types so that a changed declaration counts, after ``then``; ``file``: the one that changed,
        where it is known. Of a service that was not looked at only ``ref`` is known.
        """
        ...


@runtime_checkable
class Applying(Protocol):
    """Acts on services at once when it reads their definitions again."""

    def applies(self, service: Service) -> tuple[str, ...]:
        """What happens then, in words."""
        ...
