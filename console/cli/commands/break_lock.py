"""``hostdeck break-lock``: set aside the lock that a dead plan left on a service."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, NamedTuple

from console.cli.subcommand import Subcommand, json_option, target_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.config.model import Config
    from console.core.service import ServiceRef
    from console.core.target import Target
    from console.remote.plan_locks import LockHolder
    from console.remote.transport import HostSpec, Transport


class Broken(NamedTuple):
    """What became of the locks of a service."""

    ref: "ServiceRef"
    held: "tuple[LockHolder, ...]"
    """Those that were there."""
    broken: int = 0
    refusal: str | None = None
    """Why one of them stays."""


def arguments(parser: ArgumentParser) -> None:
    """``TARGET --reason TEXT [--json]``."""
    target_argument(parser, "HOST/SERVICE, HOST/MANAGER:SERVICE or /SERVICE")
    words = "why: goes into the audit trail and the host's log"
    parser.add_argument("--reason", metavar="TEXT", required=True, help=words)
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Show who holds the service, and set his lock aside unless it is live (root may, but his own). 1 when it stays."""
    from console.cli import hosts, looking
    from console.cli.errors import CliError, Exit
    from console.cli.targets import service_target

    if not arguments.reason.strip():
        raise CliError("--reason is empty: say why the lock may be broken, others will read it")
    target = service_target(arguments.target)
    config = hosts.read_config(arguments)
    spec = hosts.spec(config, target.host)
    if spec.read_only:
        raise CliError(f"{spec.name} is read-only (--read-only, or read_only in the configuration)", Exit.PROBLEM)
    return looking.ask(_break(config, spec, target, arguments))


async def _break(config: "Config", spec: "HostSpec", target: "Target", arguments: Namespace) -> int:
    import asyncio

    from console.cli import looking
    from console.cli.targets import found

    async with looking.started(config, (spec,)) as fleet:
        ref = found(target, await looking.up(fleet, spec.name))
        transport = fleet.own_transport(spec.name)
        try:
            done = await _set_aside(transport, ref, arguments.reason)
        finally:
            await asyncio.shield(transport.close())
    return _tell(done, arguments)


async def _set_aside(transport: "Transport", ref: "ServiceRef", reason: str) -> Broken:
    from console.cli.entry import report
    from console.cli.whoami import operator
    from console.remote.audit import AuditError, AuditTrail
    from console.remote.runner import LockError, break_lock, inspect

    view = await inspect(transport)
    held = _held(view.locks, ref)
    live = next((lock for lock in held if not lock.breakable), None)
    if live is not None:
        return Broken(ref, held, 0, f"{ref} is {live.sentence()}")
    for count, lock in enumerate(held):
        report(f"{ref} was {lock.holding()}; {lock.end}")
        try:
            audit = AuditTrail()
            await break_lock(transport, ref, lock.plan, operator=operator(), reason=reason, audit=audit, key=lock.key)
        except (LockError, AuditError) as error:
            return Broken(ref, held, count, str(error))
    return Broken(ref, held, len(held))


def _held(locks: "Sequence[LockHolder]", ref: "ServiceRef") -> "tuple[LockHolder, ...]":
    """The lock of the service, and what a plan of it holds beside that: other services, a directory of releases."""
    from console.remote.plan_script import lock_key

    own = lock_key(ref)
    # A host has another name on another console.
    name = str(ref).partition("/")[2]
    return tuple(lock for lock in locks if lock.key == own or lock.target.partition("/")[2] == name)


def _tell(done: Broken, arguments: Namespace) -> int:
    from console.cli import encode
    from console.cli.entry import report
    from console.cli.errors import Exit
    from console.cli.terminal import Terminal

    if arguments.json:
        locks = [_lock(lock) for lock in done.held]
        body = {"target": str(done.ref), "locks": locks, "broken": done.broken, "reason": done.refusal}
        encode.emit("break-lock/1", body)
    elif done.refusal is not None:
        report(f"refused: {done.refusal}")
    else:
        words = f"{done.broken} lock{'s' if done.broken > 1 else ''} set aside" if done.broken else "not locked"
        Terminal().wrap(f"{done.ref}: {words}")
    return Exit.OK if done.refusal is None else Exit.PROBLEM


def _lock(lock: "LockHolder") -> dict[str, object]:
    return {
        "plan": lock.plan,
        "uid": lock.uid,
        "user": lock.user or None,
        "operator": lock.operator or None,
        "kind": lock.kind or None,
        "target": lock.target or None,
        "reason": lock.reason or None,
        "age": lock.age,
        "lease": lock.lease,
        "state": "gone" if lock.gone or lock.dead else "over" if lock.over else "live",
    }


COMMANDS = (
    Subcommand(
        "break-lock",
        "set aside the lock that a dead plan left on a service",
        run,
        arguments,
        ("hostdeck break-lock web1/api --reason 'its console and its plan are dead, incident 4711'",),
    ),
)
