"""Processes that are never signalled by the console: the way to a host, what other things hang on, who starts again."""

import re
from collections.abc import Set

_SSH = frozenset({"sshd", "dropbear", "sshd-session", "sshd-auth"})
_NETWORKS = frozenset({"tailscaled", "wg-quick", "openvpn", "openvpn-client", "openvpn-server"})
_FORWARDS = frozenset({"ssh", "autossh", "sshuttle", "mosh-server"})
_container = re.compile(
    r"/(docker|kubepods|lxc|machine\.slice)(/|\.slice|\.payload|\Z)|/(docker|libpod|crio|cri-containerd)-[0-9a-f]{8,}|/libpod"
)
_keepers = re.compile(
    r"supervisord|PM2 v|containerd-shim|conmon|runsv\Z|runsvdir\Z|s6-supervise|s6-svscan|supervise\Z|svscan\Z|perpd\Z|"
    r"circusd\Z|monit\Z|immortal\Z|nodemon\Z|foreman\Z|honcho\Z|overmind\Z"
)

_session = re.compile(r"sshd(?:-session)?: [^\s\[\]@]+(?:@\S+)?(?: \[[a-z]+\])?\s*")
_units = re.compile(r"(?P<supervisord>supervisord?(?:@.*)?\.service)|(?P<pm2>pm2(?:-.*|@.*)?\.service)")


def is_ssh_server(name: str | None) -> bool:
    """Whether a unit or a process of that name is the SSH server, without which nobody reaches the host any more."""
    # A process called ssh is a client.
    return _is_of(name, _SSH, {"ssh", *_SSH})


def is_ssh_session(name: str | None, command: str | None) -> bool:
    """Whether it is the process of one login over SSH, by the title that OpenSSH gives it: ``sshd: alice@pts/0``.

    Where it listens it forwards (``ssh -R``); of the server itself the title has its command.
    """
    return is_ssh_server(name) and _session.fullmatch(command or "") is not None


def is_way_in(name: str | None) -> bool:
    """Whether it is the SSH server, or the private network through which one may come to it."""
    return is_ssh_server(name) or _is_of(name, _NETWORKS, _NETWORKS)


def _is_of(name: str | None, processes: Set[str], units: Set[str]) -> bool:
    stem, _, kind = (name or "").partition(".")
    family = stem.partition("@")[0]
    return family in processes if kind == "" else kind.endswith(("service", "socket")) and family in units


def forwards(name: str | None) -> bool:
    """Whether a process of that name carries the connections of others, also to other hosts."""
    return name in _FORWARDS


def is_in_container(cgroup: str | None) -> bool:
    """Whether a control group is that of a container or a virtual machine."""
    return _container.search(cgroup or "") is not None


def is_keeper(name: str | None) -> bool:
    """Whether a process of that name starts again what it runs."""
    return _keepers.match(name or "") is not None


def manager_of(unit: str | None) -> str | None:
    """The manager of other services that runs in a unit of systemd of that name, by the names that packages give it."""
    match = _units.fullmatch(unit or "")
    return match.lastgroup if match is not None else None
