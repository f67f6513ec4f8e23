"""What a service manager is, and what it may be able to tell."""

from typing import Any, Protocol, runtime_checkable

from console.core.command import Command
from console.core.on_disk import OnDisk
from console.core.pid_file import PidFile
from console.core.plan import ActionKind, Check
from console.core.probe import Probe
from console.core.service import Service, ServiceRef
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
class Reviving(ServiceManager, Protocol):
    """Can start a daemon of its that no unit runs, with what it ran."""

    def revive_words(self, service: Service) -> tuple[str, ...] | None:
        """The command of a person for the daemon that ran a service; ``None`` where that would not bring it back."""
        ...


@runtime_checkable
class Rehearsing(Hosted, Protocol):
    """Can be tried without being started: whether it takes the files that are there at that moment."""

    def files_load(self, unit: Service) -> Check:
        """Holds where it does; exit 77 where that cannot be told."""
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

    @property
    def installed_words(self) -> tuple[str, ...]:
        """The whole command that tells which version is installed to a login without any right, for ``version_of``."""
        ...

    def version_of(self, said: str) -> str | None:
        """The version; ``None`` where that is none."""
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
        """The last lines of the log as text; within a plan those since ``HOSTDECK_SINCE``, in Unix seconds."""
        ...


@runtime_checkable
class LogSource(Protocol):
    """Knows where a service's log is."""

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """The command that prints the log, oldest line first; ``since`` in Unix seconds.

        Within a plan it is ``HOSTDECK_SINCE`` where it is not given, but for logs in files, of which the lines have
        no times (``console.managers.log_marks``).
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
