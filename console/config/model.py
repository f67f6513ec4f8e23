"""Everything that can be configured, with its defaults. Standard library only: no file means no parser is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from console.config import kinds
from console.core.service import Endpoint
from console.core.thresholds import Thresholds

_PARSING: dict[str, Any] = {"extra": "forbid", "strict": True, "use_attribute_docstrings": True}


@dataclass(frozen=True, slots=True)
class SshConfig:
    """How hosts are reached."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    config: Annotated[str | None, kinds.PATH] = None
    """An ssh client configuration to read instead of ~/.ssh/config."""
    known_hosts: Annotated[str | None, kinds.PATH] = None
    """A known_hosts file to read, and to add accepted keys to, instead of the one ssh would use."""
    connect_timeout: Annotated[float, kinds.number(1, 120, "seconds")] = 8.0
    """Seconds for a connection as a whole: name, TCP, handshake, login."""
    password_command: tuple[Annotated[str, kinds.WORD], ...] = ()
    """A program of this machine, and its arguments, that prints the passphrase of locked identity files; no shell."""
    password_from: Annotated[str | None, kinds.PASSWORD] = None
    """Where else that passphrase is: env:NAME of this process, or credential:NAME of its systemd unit."""


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """What holds for every host of a group."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    production: bool = False
    """Mark these hosts as production: a visibly different frame, and the word."""
    read_only: bool = False
    """Nothing is changed on these hosts from here."""
    color: Annotated[str | None, kinds.COLOR] = None
    """The accent of these hosts."""


@dataclass(frozen=True, slots=True)
class HostConfig:
    """One host."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    name: Annotated[str, kinds.HOST_NAME]
    """What the host is called here, and what ssh is asked for unless destination says otherwise."""
    destination: Annotated[str | None, kinds.DESTINATION] = None
    """What would be given to ssh: an alias, user@name, name:port."""
    local: bool = False
    """This machine, without ssh."""
    user: Annotated[str | None, kinds.USER] = None
    """The user to log in as, over that of the ssh configuration."""
    port: Annotated[int | None, kinds.PORT] = None
    """The port of sshd, over that of the ssh configuration."""
    identity_files: tuple[Annotated[str, kinds.PATH], ...] = ()
    """Private keys to offer."""
    password_command: tuple[Annotated[str, kinds.WORD], ...] = ()
    """A program of this machine, and its arguments, that prints the passphrase of its identity files; no shell."""
    password_from: Annotated[str | None, kinds.PASSWORD] = None
    """Where else that passphrase is: env:NAME of this process, or credential:NAME of its systemd unit."""
    jump: Annotated[str | None, kinds.DESTINATION] = None
    """A jump host, as for ssh -J."""
    groups: tuple[str, ...] = ()
    """Groups of this file that the host belongs to."""
    production: bool | None = None
    """Over what its groups say."""
    read_only: bool | None = None
    """Over what its groups say."""
    color: Annotated[str | None, kinds.COLOR] = None
    """Over what its groups say."""


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """How a service gets a new release, and where its releases are."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    directory: Annotated[str | None, kinds.HOST_PATH] = None
    """On the host: holds releases/ and the link current to the live one, which the service runs from."""
    source: Annotated[str | None, kinds.HOST_PATH] = None
    """On the host: the git work tree that is built."""
    local_source: Annotated[str | None, kinds.LOCAL_PATH] = None
    """Instead of source: a git work tree on the console's machine, built there; relative to this file."""
    command: tuple[Annotated[str, kinds.WORD], ...] = ()
    """The program that builds it and its arguments, run in its source with VERSION, COMMIT and BUILD_TIME; no shell."""
    image: Annotated[str | None, kinds.IMAGE] = None
    """With manager = "docker": the repository whose images are the releases, by default that of its container."""
    output: Annotated[str, kinds.WORD] = "."
    """What becomes the release, below its source; . is all of it but .git."""
    user: Annotated[str | None, kinds.USER] = None
    """As whom it is built and whose the releases on the host are, the connected user by default."""
    keep: Annotated[int, kinds.whole(2, 1000)] = 5
    """Releases that are kept; the live one is never removed."""
    timeout: Annotated[float, kinds.number(1, 86_400, "seconds")] = 900.0
    """Seconds that a build may take, and as many an upload."""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What is known of a service beyond what its host tells. Without hosts and groups it holds for every host."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    name: Annotated[str, kinds.NAME]
    """The manager's name for it; .service may be left out."""
    manager: str | None = None
    """The service manager that runs it, the only one of the host that has a service of that name by default."""
    hosts: tuple[str, ...] = ()
    """The hosts that run it."""
    groups: tuple[str, ...] = ()
    """The groups whose hosts run it."""
    ports: tuple[Annotated[Endpoint, kinds.ENDPOINT], ...] = ()
    """Ports it must have while it runs."""
    health: Annotated[str | None, kinds.URL] = None
    """A URL, asked on the host itself, that answers 2xx while the service is well; tcp://HOST:PORT only connects."""
    health_command: tuple[Annotated[str, kinds.WORD], ...] = ()
    """What tells whether it is well, run on the host as the connected user: exit 0 when it is; no shell reads it."""
    health_every: Annotated[float, kinds.number(0, 86_400, "seconds")] = 30.0
    """Seconds between two looks at its health while it runs; 0: it is asked only after a change from here."""
    reload_test: tuple[Annotated[str, kinds.WORD], ...] = ()
    """What tests its configuration before a reload or a restart, run on the host as root; for nginx and others it is
    known."""
    reloads_on_sighup: bool = False
    """It reloads on SIGHUP: of programs in Go, Java, Ruby and bash the host does not tell whether they do or end."""
    logs: tuple[Annotated[str, kinds.LOG_PATH], ...] = ()
    """Log files on the host besides its manager's own; to the first goes what is started from a pid file;
    after a reload it is looked whether it has these open."""
    pid_file: Annotated[str | None, kinds.HOST_PATH] = None
    """With manager = "pidfile": the file on the host that holds the number of its process."""
    command: tuple[Annotated[str, kinds.WORD], ...] = ()
    """With manager = "pidfile": the program that starts it and its arguments; no shell reads them."""
    directory: Annotated[str | None, kinds.HOST_PATH] = None
    """With manager = "pidfile": the directory in which it is started, / by default."""
    user: Annotated[str | None, kinds.USER] = None
    """With manager = "pidfile": as whom it is started, the connected user by default."""
    stop_signal: Annotated[str | None, kinds.STOP_SIGNAL] = None
    """With manager = "pidfile": the signal that ends it, TERM by default."""
    stop_timeout: Annotated[float | None, kinds.number(1, 600, "seconds")] = None
    """With manager = "pidfile": seconds that it is given to end, 10 by default."""
    where: str = field(default="", init=False, compare=False)
    """The file and the line at which its ports are declared; not part of the configuration."""
    release: ReleaseConfig | None = None
    """How it gets a new release, for rebuild and rollback."""


@dataclass(frozen=True, slots=True)
class ActionConfig:
    """How changes are run."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    hold: Annotated[float, kinds.number(0, 600, "seconds")] = 10.0
    """Seconds for which a started service must stay up before the change counts as done."""
    respawn: Annotated[float, kinds.number(0, 600, "seconds")] = 5.0
    """Seconds for which a stopped service must stay down, longer than a manager waits before it starts one again."""
    within: Annotated[float, kinds.number(1, 3600, "seconds")] = 30.0
    """Seconds that a check may take to succeed for the first time."""
    term_timeout: Annotated[float, kinds.number(1, 600, "seconds")] = 10.0
    """Seconds that a process which no manager owns is given to end after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of Hostdeck."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _PARSING

    theme: str | None = None
    """The name of a theme: dark, light, ansi, red, or one of Textual's."""
    read_only: bool = False
    """Nothing is changed on any host from here."""
    interval: Annotated[float, kinds.number(0.2, 60, "seconds")] = 1.0
    """Seconds between two looks at a host; slow sources are asked less often."""
    production_contexts: tuple[str, ...] = ()
    """Contexts of kubectl that are production, beside those whose name, cluster or server says so."""
    ssh: SshConfig = SshConfig()
    hosts: tuple[HostConfig, ...] = ()
    groups: Mapping[str, GroupConfig] = field(default_factory=dict)
    services: tuple[ServiceConfig, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    keys: Mapping[str, Annotated[tuple[str, ...], kinds.KEYS]] = field(default_factory=dict)
    """Keys by action, over the defaults."""
    actions: ActionConfig = ActionConfig()

    def groups_of(self, host: HostConfig) -> tuple[GroupConfig, ...]:
        """The groups of a host that are described here, in the host's order."""
        return tuple(self.groups[name] for name in host.groups if name in self.groups)

    def is_production(self, host: HostConfig) -> bool:
        """Whether the host, or else any of its groups, is marked as production."""
        if host.production is not None:
            return host.production
        return any(group.production for group in self.groups_of(host))

    def is_read_only(self, host: HostConfig) -> bool:
        """Whether nothing may be changed on the host: everywhere, by itself, or else by any of its groups."""
        own = host.read_only if host.read_only is not None else any(group.read_only for group in self.groups_of(host))
        return self.read_only or own

    def color_of(self, host: HostConfig) -> str | None:
        """The host's accent: its own, or else that of the first group with one."""
        return host.color or next((group.color for group in self.groups_of(host) if group.color), None)
