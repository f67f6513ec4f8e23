"""Whether two ways to name a host mean one machine, as far as that is known without asking anybody.

What is told apart here loses the marks of its host (production, read-only), so the doubt is for the machine being the
same: one that is marked by mistake gets marks of its own from the configuration.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.remote.destination import DestinationError, split_destination
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from console.remote.ssh_config import SshTarget


def plain(name: str) -> str:
    """A host's name or address as every other spelling of it: case, a last dot and the form of an address are alike."""
    name = name.strip("[]").casefold().removesuffix(".")
    return _address(name) or name


def same_machine(spec: HostSpec, configured: Sequence[HostSpec]) -> tuple[HostSpec, ...]:
    """Those of the configured hosts that a destination reaches under another name."""
    target = _resolved(spec) if any(map(_marked, configured)) else None
    names = _names(spec) | _hostname(target)
    here = _is_here(names, target) if any(other.destination is None for other in configured) else False
    return tuple(other for other in configured if names & _names_of(other) or (here and other.destination is None))


def _marked(spec: HostSpec) -> bool:
    return spec.production or spec.read_only


def _names_of(configured: HostSpec) -> set[str]:
    """Only a marked host is worth a look into the ssh configuration."""
    names = {plain(configured.name)} | _names(configured)
    return names | _hostname(_resolved(configured)) if _marked(configured) else names


def _names(spec: HostSpec) -> set[str]:
    try:
        return {plain(split_destination(spec.destination).host)} if spec.destination is not None else set()
    except DestinationError:
        return set()


def _resolved(spec: HostSpec) -> "SshTarget | None":
    from console.remote.ssh_config import from_files

    return from_files(spec) if spec.destination is not None else None


def _hostname(target: "SshTarget | None") -> set[str]:
    return {plain(target.hostname)} if target is not None else set()


def _is_here(names: set[str], target: "SshTarget | None") -> bool:
    """Whether one of the names is this machine's; behind a jump host they are somebody else's."""
    if target is not None and (target.jumps or target.proxy_command):
        return False
    return any(_means_here(name) for name in names)


def _means_here(name: str) -> bool:
    import socket

    own = plain(socket.gethostname())
    if name in {own, own.partition(".")[0], "localhost", "localhost.localdomain"} or name.endswith(".localhost"):
        return True
    return _address(name) is not None and _is_own_address(name)


def _address(name: str) -> str | None:
    """An address in its usual form; ``127.1`` and ``::ffff:127.0.0.1`` are both 127.0.0.1."""
    import ipaddress
    import socket

    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except (OSError, UnicodeError):
        pass
    try:
        found = ipaddress.IPv6Address(name)
    except ValueError:
        return None
    return str(found.ipv4_mapped or found)


def _is_own_address(address: str) -> bool:
    """The kernel lets nobody bind an address that is another machine's."""
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((address, 0))
    except (OSError, UnicodeError):
        return False
    return True
