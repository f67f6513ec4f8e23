"""As whom a service without a manager is started and signalled, and why it cannot be."""

from dataclasses import dataclass, replace

from console.core.pid_file import Detached


@dataclass(frozen=True, slots=True)
class Host:
    """Who the connected user is, and what is there to become another one."""

    uid: int
    user: str
    tools: frozenset[str]
    boot: int
    """When the host started, in Unix seconds by its clock of now."""
    systemd: bool = False
    linger: bool = False
    """The user's own service manager runs without a login."""


def ways(found: Detached, host: Host, owner_uid: int | None, never: str | None = None) -> Detached:
    """Complete what is known of a service by the words with which this user acts on it.

    ``never``: why it is signalled by nobody from here.
    """
    starter = found.file.user or host.user
    start, start_off = _become(starter, host)
    stop: tuple[str, ...] = ()
    stop_off: str | None = None
    if found.owner is not None and owner_uid != host.uid and host.uid != 0:
        stop, stop_off = _become(found.owner, host)
    return replace(
        found,
        # Whether sudo allows a command can be asked only where it comes first.
        start_words=start if start[:1] == ("sudo",) else (*_apart(host, found.file.name), *start),
        start_off=start_off,
        stop_words=stop,
        stop_off=never or stop_off,
        starter=starter,
    )


def _become(user: str, host: Host) -> tuple[tuple[str, ...], str | None]:
    if user == host.user:
        return (), None
    if host.uid == 0:
        if "runuser" in host.tools:
            return ("runuser", "-u", user, "--"), None
        return (), f"it runs as {user}, and this host has no runuser to become that user with"
    if "sudo" in host.tools:
        return ("sudo", "-n", *(() if user == "root" else ("-u", user)), "--"), None
    return (), f"it runs as {user}, and this host has no sudo: connect as {user}"


def _apart(host: Host, name: str) -> tuple[str, ...]:
    """A plan may run as a unit of its own, and with that unit would end all that was started in it."""
    if not host.systemd or "systemd-run" not in host.tools:
        return ()
    scope = ("--scope", "--quiet", "--collect", f"--description={name}", "--")
    if host.uid == 0:
        return ("systemd-run", *scope)
    return ("systemd-run", "--user", *scope) if host.linger else ()
