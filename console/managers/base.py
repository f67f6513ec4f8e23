"""What a service manager is, and what it may be able to do."""

from typing import Any, Protocol, runtime_checkable

from console.core.command import Command
from console.core.difference import Difference
from console.core.on_disk import OnDisk
from console.core.pid_file import PidFile
from console.core.plan import ActionKind, Check, Swap
from console.core.probe import Probe
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LogLine


@runtime_checkable
class ServiceManager(Protocol):
    """Required of every manager. The parsers name services without a host; the poller adds it with ``ServiceRef``."""

    @property
    def id(self) -> str:
        """``systemd``, ``docker`` ...: the word in references and JSON."""
        ...

    @property
    def priority(self) -> int:
        """Lower is asked, and shown, first."""
        ...

    def probes(self) -> tuple[Probe[Any], ...]:
        """Every probe of this manager, so that the shell can be given all of them at once."""
        ...


@runtime_checkable
class Detected(ServiceManager, Protocol):
    """Is found on a host by itself. The other side of ``Surveyed`` is a source of ``console.remote`` with a socket."""

    @property
    def presence(self) -> Probe[str]:
        """Whether the manager is there: lines that change whenever its services may have; empty where it is not.

        Asked every ``presence.every`` seconds of every host: it costs no process where there is no such manager, and
        at most one where there is. It looks at files that may be anywhere, so it is asked in the slow lane.
        """
        ...


@runtime_checkable
class Roaming(Detected, Protocol):
    """May be anywhere on a host: it is searched for now and then, and in between looked for where it was."""

    def search_words(self, told: str, *, search: bool) -> tuple[str, ...]:
        """The arguments of ``presence``, after what it told last."""
        ...


@runtime_checkable
class Surveyed(Detected, Protocol):
    """Tells all its services in one answer of the probe shell."""

    @property
    def survey(self) -> Probe[tuple[Service, ...]]:
        """Its services, without the host. Asked when ``presence`` changes, after an action, and every ``every`` s.

        A non-zero exit says in one line on standard error why they cannot be told and what mends it: 77 where this
        login has no right to ask, 124 where there was no answer in time.
        """
        ...


@runtime_checkable
class Declarable(Surveyed, Protocol):
    """Has services that nothing but the configuration may tell of: both probes are asked with what it declares."""

    def presence_words(self, declared: tuple[PidFile, ...]) -> tuple[str, ...]:
        """The arguments of ``presence``."""
        ...

    def survey_words(self, declared: tuple[PidFile, ...], known: tuple[Service, ...]) -> tuple[str, ...]:
        """The arguments of ``survey``; ``known`` are the services that it told last."""
        ...


@runtime_checkable
class Hosted(Detected, Protocol):
    """Runs as a unit of systemd, and what it is to run is written on disk, to be seen while that unit is down."""

    @property
    def written(self) -> Probe[OnDisk]:
        """What it would run, by its files."""
        ...

    def written_words(self, unit: str) -> tuple[str, ...] | None:
        """The arguments of ``written`` for a unit; ``None`` for one that does not run this manager."""
        ...

    def unit_cautions(self, services: tuple[Service, ...], kind: ActionKind) -> tuple[str, ...]:
        """Warnings, one line each, before that is done to the unit that runs these services."""
        ...


@runtime_checkable
class Rehearsing(Hosted, Protocol):
    """Can be tried without being started: whether it takes the files that are there at that moment."""

    def files_load(self, unit: Service) -> Check:
        """Holds where it does; exit 77 where that cannot be told."""
        ...


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

        One of the lines is ``MainPID=N``, with 0 where there is no main process. Needs no rights.
        """
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
class Versioned(Protocol):
    """Can tell its version."""

    @property
    def plain_tool(self) -> tuple[str, ...]:
        """The words that are tried where no service tells with which its tool answers."""
        ...

    @property
    def version_words(self) -> tuple[str, ...]:
        """What follows the words of ``Service.tool``; what that prints is for ``version_of``."""
        ...

    def version_of(self, said: str) -> str | None:
        """The version; ``None`` where that is none."""
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


@runtime_checkable
class Revertible(Protocol):
    """Knows the former releases of its services and can go back to one: images, revisions.

    Releases in a directory of the host are nobody's in particular; see ``console.probes.releases``.
    """

    @property
    def releases(self) -> Probe[ReleaseBook]:
        """All releases of one service; the reference is filled in by who asks."""
        ...

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The arguments of ``releases``; raises ``ValueError`` for a service that has none, saying why."""
        ...

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """What makes another release run, each step with its undo; raises ``ValueError`` where it cannot be."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """Can tell in what two releases of one of its services differ. Needs no rights beyond those of its list."""

    @property
    def comparison(self) -> Probe[Difference]:
        """The difference between two of them; the pair is filled in by who asks."""
        ...

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """The arguments of ``comparison``; raises ``ValueError`` where they cannot be compared, saying why."""
        ...


@runtime_checkable
class Rebuildable(Protocol):
    """Can build the next release of its services by itself: an image."""

    def rebuild(
        self, service: Service, recipe: Recipe | None, target: Release, live: Release | None, by: Signature
    ) -> Swap:
        """What builds it and makes it run, each step with its undo; raises ``ValueError`` where it cannot be."""
        ...


@runtime_checkable
class Environed(Protocol):
    """Knows where the environment of a service is set."""

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """The arguments of ``console.probes.environment.PROBE``: each source, what is set first in front."""
        ...


@runtime_checkable
class Metered(Protocol):
    """Has services of which a control group of their own counts what they use."""

    def control_groups(self, service: Service) -> tuple[str, ...]:
        """The arguments of ``console.probes.usage.PROBE``: paths of its groups, or the processes of its containers."""
        ...


@runtime_checkable
class PlainLog(Protocol):
    """Can print a log for a person, where the command that the console reads prints it for programs."""

    def plain_log(self, service: Service, *, lines: int) -> Command:
        """The last lines of the log as text."""
        ...


@runtime_checkable
class LogSource(Protocol):
    """Knows where a service's log is."""

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """The command that prints the log, oldest line first; ``since`` in Unix seconds.

        Of a service that was not looked at before only ``ref`` is known. Raises ``ValueError`` where there is no log.
        """
        ...

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line of that command's output; ``None`` for a line that carries nothing."""
        ...


@runtime_checkable
class FileLogSource(LogSource, Protocol):
    """Reads logs from files, whose lines have the times that the service itself writes, or none.

    Of several files ``log_command`` prints ``==> NAME <==`` before the lines of each, as ``tail`` does.
    """

    def log_paths(self, service: Service) -> tuple[str, ...]:
        """The names of what ``log_command`` prints: the paths of files, where these are known."""
        ...
