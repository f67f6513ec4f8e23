"""Targets of a command line, their errors as those of the command line."""

from dataclasses import replace

from console.cli.errors import CliError
from console.core.service import ServiceRef
from console.core.snapshot import Snapshot
from console.core.target import Target, TargetError, find, parse


def any_target(word: str) -> Target:
    """A port or a service of a host."""
    target = parsed(word)
    if target.port is None and target.service is None:
        bare = _host_of(word)
        raise CliError(f"{word!r} names a host only: expected {bare}:PORT, {bare}/SERVICE or, without a host, /{bare}")
    return target


def service_target(word: str) -> Target:
    """A service of a host."""
    target = parsed(word)
    if target.port is None and target.service is None:
        bare = _host_of(word)
        raise CliError(f"{word!r} names a host only: expected {bare}/SERVICE or, without a host, /{bare}")
    if target.service is None:
        raise CliError(f"{word!r} names a port: expected HOST/SERVICE (hostdeck why {word} tells whose it is)")
    return target


def _host_of(word: str) -> str:
    """The host of a word that may end in what was to be a port."""
    head, colon, _ = word.rpartition(":")
    return head if colon and head and not word.startswith("ssh://") else word


def found(target: Target, snapshot: Snapshot) -> ServiceRef:
    """The service of that host which the target names."""
    if not snapshot.services:
        reasons = "; ".join(f"{source.name}: {source.failure}" for source in snapshot.sources if source.failure)
        raise CliError(f"no services were seen on {snapshot.host}" + (f" ({reasons})" if reasons else ""))
    try:
        return find(target, (service.ref for service in snapshot.services))
    except TargetError as error:
        raise CliError(str(error)) from None


def parsed(word: str) -> Target:
    """A target of any form. ``ssh://`` stays with a host that names the port of its sshd."""
    try:
        target = parse(word)
    except TargetError as error:
        raise CliError(str(error)) from None
    if target.host is not None and ":" in target.host and word.startswith("ssh://"):
        return replace(target, host=f"ssh://{target.host}")
    return target
