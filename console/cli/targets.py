"""Targets of a command line, their errors as those of the command line."""

from collections.abc import Callable
from dataclasses import replace

from console.cli import again
from console.cli.errors import CliError, Exit, PortlessError, UnseenError
from console.core.declaration import Declaration
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Snapshot, Source
from console.core.target import NoSuchServiceError, Target, TargetError, find, find_all, is_meant, parse
from console.managers import MANAGERS
from console.managers.unlisted import process


def any_target(word: str) -> Target:
    """A port or a service of a host."""
    target = parsed(word)
    if target.port is None and target.service is None:
        bare = _host_of(word)
        tail = word.removeprefix(f"{bare}:")
        if tail not in ("", word) and ":" not in bare:
            raise CliError(f"{word}: {tail!r} is no port: expected a number from 1 to 65535")
        raise CliError(f"{word!r} names a host only: expected {bare}:PORT, {bare}/SERVICE or, without a host, /{bare}")
    return target


def service_target(word: str, *, takes_port: bool = False) -> Target:
    """A service of a host. ``takes_port``: whether the command has ``--port``."""
    target = parsed(word)
    if target.port is None and target.service is None:
        bare = _host_of(word)
        raise CliError(f"{word!r} names a host only: expected {bare}/SERVICE or, without a host, /{bare}")
    if target.service is None:
        number = f"{target.port}{'/udp' if target.protocol == 'udp' else ''}"
        option = f" --port {number}" if takes_port else ""
        raise CliError(f"{word!r} names a port: expected HOST/SERVICE{option} (hostdeck why {word} tells whose it is)")
    return target


def _host_of(word: str) -> str:
    """The host of a word that may end in what was to be a port."""
    head, colon, _ = word.rpartition(":")
    return head if colon and head and not word.startswith("ssh://") else word


def found(target: Target, snapshot: Snapshot) -> ServiceRef:
    """The service of that host which the target names; a process is in no list."""
    return _found(target, snapshot, lambda refs: (find(target, refs),))[0]


def found_all(target: Target, snapshot: Snapshot) -> tuple[ServiceRef, ...]:
    """The services of that host which the target names: those of a group, or one."""
    return _found(target, snapshot, lambda refs: find_all(target, refs))


def _found(
    target: Target, snapshot: Snapshot, chosen: Callable[[tuple[ServiceRef, ...]], tuple[ServiceRef, ...]]
) -> tuple[ServiceRef, ...]:
    if target.manager == "process" and target.service is not None:
        return (_process(target, snapshot),)
    _seen(snapshot)
    untold = _untold(target, snapshot)
    try:
        refs = chosen((*(service.ref for service in snapshot.services), *untold))
    except NoSuchServiceError as error:
        raise _not_found(error, target, snapshot) from None
    except TargetError as error:
        raise CliError("; ".join((str(error), *untold.values()))) from None
    if unknown := [untold[ref] for ref in refs if ref in untold]:
        raise UnseenError("; ".join(unknown), snapshot)
    return refs


_THROUGH = {"compose": "docker"}
"""Managers that are seen only through another one."""


def unseen(target: Target, snapshot: Snapshot) -> tuple[Source, ...]:
    """The managers that may have what the target names, and that do not tell all of theirs."""
    managers = {manager.id for manager in MANAGERS if target.manager in (None, manager.id)}
    managers |= {_THROUGH[name] for name in managers & _THROUGH.keys()}
    return tuple(source for source in snapshot.sources if source.failure and source.name in managers)


def _untold(target: Target, snapshot: Snapshot) -> dict[ServiceRef, str]:
    """What the files of the host declare by that name of managers that do not tell, each with that in words."""
    failures = {source.name: source.failure for source in unseen(target, snapshot) if not source.partial}
    declared = snapshot.declared.declarations if snapshot.declared is not None else ()
    found: dict[ServiceRef, str] = {}
    for one in declared:
        failure = failures.get(_THROUGH.get(one.manager, one.manager))
        ref = _ref(one, snapshot.host)
        if failure and is_meant(target, ref) and snapshot.service(ref) is None:
            found.setdefault(ref, f"{ref} is declared by {one.where}, and {one.manager} is not seen: {failure}")
    return found


def _ref(one: Declaration, host: str) -> ServiceRef:
    return ServiceRef(host, one.manager, one.service, one.scope or "system")


def _not_found(error: NoSuchServiceError, target: Target, snapshot: Snapshot) -> CliError:
    """A word that is wrong; or one of which nothing can be said, while managers that may have it tell nothing."""
    failed = unseen(target, snapshot)
    if not failed:
        return CliError(str(error))
    reasons = "; ".join(f"{source.name} is not seen: {source.failure}" for source in failed)
    if target.manager is not None and not any(source.partial for source in failed):
        name = f"{target.manager}:{target.service}"
        return UnseenError(f"it is not known whether {snapshot.host} has {name}: {reasons}", snapshot)
    # Whom this login may never ask is no problem of the host, and no reason to take a wrong word for one.
    code = Exit.PROBLEM if any(source.troubled for source in failed) else Exit.USAGE
    return UnseenError(f"{error}; {reasons}", snapshot, code)


def _seen(snapshot: Snapshot) -> None:
    if not snapshot.services:
        reasons = "; ".join(f"{source.name}: {source.failure}" for source in snapshot.sources if source.failure)
        raise UnseenError(f"no services were seen on {snapshot.host}" + (f" ({reasons})" if reasons else ""), snapshot)


def _process(target: Target, snapshot: Snapshot) -> ServiceRef:
    number = target.service or ""
    if not number.isdecimal() or len(number) > 10:
        raise CliError(f"{target.word}: {number!r} is no number of a process")
    return ServiceRef(snapshot.host, "process", number)


def _portless(ref: ServiceRef, snapshot: Snapshot) -> str:
    why = f"{ref}: no port of {ref.host} is seen to be held by process {ref.name}"
    owner = next((one for one in snapshot.services if int(ref.name) in one.pids), None)
    return why if owner is None else f"{why}; it is one of {owner.ref}: {again.command('why', str(owner.ref))}"


def port_of_process(ref: ServiceRef, snapshot: Snapshot) -> Endpoint:
    """The port of a process without a manager: what can be asked about it."""
    found = process(snapshot, int(ref.name))
    if found is None or not found.ports:
        raise PortlessError(_portless(ref, snapshot), ref)
    ports = tuple(dict.fromkeys((one.protocol, one.port) for one in found.ports))
    if len(ports) > 1:
        words = " or ".join(f"{ref.host}:{port}{'/udp' if protocol == 'udp' else ''}" for protocol, port in ports[:8])
        raise CliError(f"{ref} holds {len(ports)} ports: name one, {words}")
    return Endpoint(ports[0][0], "*", ports[0][1])


def service_of(ref: ServiceRef, snapshot: Snapshot) -> Service | None:
    """What is known of it; of a process without a manager what its ports tell."""
    if ref.manager != "process":
        return snapshot.service(ref)
    found = process(snapshot, int(ref.name))
    if found is None:
        raise CliError(f"{ref}: no port of {ref.host} is seen to be held by process {ref.name}")
    return found


def parsed(word: str) -> Target:
    """A target of any form. ``ssh://`` stays with a host that names the port of its sshd."""
    try:
        target = parse(word)
    except TargetError as error:
        raise CliError(str(error)) from None
    if target.host is not None and ":" in target.host and word.startswith("ssh://"):
        return replace(target, host=f"ssh://{target.host}")
    return target
