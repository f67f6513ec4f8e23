"""What every manager is asked for in the test of all of them: each capability by a word, with what it is to give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace

from console.core.command import Command
from console.core.pid_file import Detached, PidFile
from console.core.plan import ActionKind, Check, Swap
from console.core.release import Recipe, Release, ReleaseBook, Signature
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers import acting, base, releasing
from console.managers.base import ServiceManager

Make = Callable[[Service], Command | None]

SUDO = ("sudo", "-n", "-u", "deploy", "--")
NAMES = {"compose": "shop/{}", "kubernetes": "shop/deploy/{}"}
"""Of managers whose names have a form of their own."""
TOOLS = {
    "supervisord": "supervisorctl", "pm2": "pm2", "docker": "docker", "compose": "docker", "kubernetes": "kubectl",
    "process": "kill",
}  # fmt: skip
HOSTILE = (
    "-rf", "--", "-", "--help", "a b", " ", "", "a;touch PWNED", "$(touch PWNED)", "`touch PWNED`", "a\ntouch PWNED\n",
    "'; touch PWNED; '", '"; touch PWNED; "', "a|touch PWNED", "&&touch PWNED", "*", "[a-z]*", "a?", "~", "$HOME", "\\",
    "\\x2d", "%i", "%s%n", "..", "/etc/passwd", "a/../b", "ünï", "\x1b[31mx\x07", "a\u202eb", "\ufffd", "{{.Id}}",
    "a=b", "a" * 300, "END", "all",
)  # fmt: skip
IMAGES = (Release("aaaaaaaaaaaa", "2.0", "abc", reference="api:2.0"), Release("bbbbbbbbbbbb", "1.0", "def", live=True))
RELEASES = {
    "docker": IMAGES,
    "compose": IMAGES,
    "kubernetes": (Release("2"), Release("3", live=True)),
    "systemd": (Release("1.0", reference="api=1.0"), Release("1.1", reference="api=1.1", note="api", live=True)),
}
"""Where a roll back goes, and what is live, in the words of the manager."""
BY = Signature("ann@bastion", "20261120T140211Z")
RECIPE = Recipe(source="/srv/api/src")
STEPS = range(6)
"""Of a roll back and of a rebuild so many are looked at, each with its undo."""
CHANGES: dict[str, tuple[type, Callable[..., Command | None]]] = {
    "start": (acting.Startable, lambda found, service: found.start(service)),
    "stop": (acting.Stoppable, lambda found, service: found.stop(service)),
    "restart": (acting.Restartable, lambda found, service: found.restart(service)),
    "restart what was started": (acting.Pinned, lambda found, service: found.restart_started(service)),
    "reload": (acting.Reloadable, lambda found, service: found.reload(service)),
    "reset": (acting.Resettable, lambda found, service: found.reset_failed(service)),
    "reread": (acting.Rereadable, lambda found, service: found.daemon_reload(service)),
    "signal": (acting.Signallable, lambda found, service: found.signal(service, "HUP")),
    "undo": (acting.Rolling, lambda found, service: found.undo_restart(service)),
    "end": (acting.Mortal, lambda found, service: found.end(service, "KILL", Endpoint("tcp", "0.0.0.0", 80))),
    **{
        f"{word} {at} {'undone' if undone else 'done'}": (
            capability,
            lambda found, service, ask=ask, at=at, undone=undone: _step(ask(found, service), at, undone=undone),
        )
        for word, capability, ask in (
            (
                "roll back",
                releasing.Revertible,
                lambda found, service: found.roll_back(service, *RELEASES[found.id], BY),
            ),
            (
                "rebuild",
                releasing.Rebuildable,
                lambda found, service: found.rebuild(
                    service, RECIPE, IMAGES[0], ReleaseBook(service.ref, IMAGES[1:]), BY
                ),
            ),
        )
        for at in STEPS
        for undone in (False, True)
    },
}
LOOKS: dict[str, tuple[type, Callable[..., Command | None]]] = {
    "running": (acting.Checkable, lambda found, service: _of(found.is_running(service, hold=5.0))),
    "stopped": (acting.Checkable, lambda found, service: _of(found.is_stopped(service))),
    "still": (acting.Pinned, lambda found, service: _of(found.still(service))),
    "health": (acting.SelfChecking, lambda found, service: _of(next(iter(found.own_health(service)), None))),
    "how": (acting.EndTelling, lambda found, service: _of(found.how_ended(service, ActionKind.RESTART))),
    "joined": (acting.Joining, lambda found, service: _of(found.has_network_of(service, service))),
    "run": (acting.Traceable, lambda found, service: found.run_id(service)),
    "launch": (acting.Launching, lambda found, service: found.launch(service)),
    "port": (acting.PortProving, lambda found, service: found.holds_port(service, Endpoint("tcp", "0.0.0.0", 80))),
    "log": (base.LogSource, lambda found, service: found.log_command(service, lines=5, since=None, follow=False)),
    "since": (base.LogSource, lambda found, service: found.log_command(service, lines=5, since=1.5, follow=False)),
    "follow": (base.LogSource, lambda found, service: found.log_command(service, lines=5, since=None, follow=True)),
    "plain": (base.PlainLog, lambda found, service: found.plain_log(service, lines=5)),
    "settle": (acting.Rolling, lambda found, service: found.settle(service, ActionKind.RESTART)),
    "holds": (acting.Reverting, lambda found, service: _of(found.undo_holds(service))),
    "files": (base.Rehearsing, lambda found, service: _of(found.files_load(service))),
    "seen": (acting.Mortal, lambda found, service: found.seen(service, Endpoint("udp", "0.0.0.0", 80))),
    "ended": (acting.Mortal, lambda found, service: found.ended(service, "TERM", 0.0)),
    "outlived": (acting.Mortal, lambda found, service: _of(found.outlived(service))),
    "released": (acting.Mortal, lambda found, service: found.released(service, Endpoint("tcp", "0.0.0.0", 80), 0.0)),
}
KINDS = {
    "start": ActionKind.START, "stop": ActionKind.STOP, "restart": ActionKind.RESTART, "reload": ActionKind.RELOAD,
}  # fmt: skip


def _of(check: Check | None) -> Command | None:
    return None if check is None else check.command


def _step(swap: Swap, at: int, *, undone: bool) -> Command | None:
    # What is noted of it needs no rights and changes no service.
    steps = [step for step in swap.steps if not step.name.startswith("note that")]
    if at >= len(steps):
        return None
    return steps[at].undo if undone else steps[at].command


def makers(found: ServiceManager, asked: dict[str, tuple[type, Callable[..., Command | None]]]) -> dict[str, Make]:
    """What of it this manager can be asked for."""
    return {
        word: lambda service, ask=ask: ask(found, service)  # type: ignore[misc]
        for word, (capability, ask) in asked.items()
        if isinstance(found, capability)
    }


def capabilities() -> set[type]:
    """Every protocol that a manager may have."""
    return {
        kind
        for module in (acting, base, releasing)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
    }


def name_of(found: ServiceManager, name: str = "api") -> str:
    """A service's name in the form that this manager gives to names."""
    return NAMES.get(found.id, "{}").format(name)


def service_of(found: ServiceManager, name: str = "api", *, folder: str = "/nowhere", sudo: bool = False) -> Service:
    """A service that runs, and of which all is known that any manager could want to know."""
    words = SUDO if sudo else ()
    file = PidFile(name, f"{folder}/api.pid", (f"{folder}/api", name), folder, logs=(f"{folder}/api.log",))
    detached = Detached(file, 812, 4711, start_words=words, stop_words=words)
    tool = (TOOLS[found.id],) if found.id in TOOLS else ()
    return Service(
        ServiceRef("web1", found.id, name_of(found, name)), State.RUNNING, "up", pids=(812,), daemon=811,
        reload_command=True, version="3", log_files=(f"{folder}/api.log",), members=(name,),
         tool=(*words, *tool) if tool else (), unit_file="/lib/systemd/system/api.service", image="api:1.0",
         file_tool=(*words, "docker-compose", "-p", "shop"), detached=detached if found.id == "pidfile" else None,
         description=name, handle=("4194305", "4711", "99") if found.id == "process" else (),
    )  # fmt: skip


def unseen(found: ServiceManager, name: str = "api") -> Service:
    """A service of which only the identity is known."""
    return Service(ServiceRef("web1", found.id, name_of(found, name)), State.UNKNOWN, "")


def hostile(found: ServiceManager, folder: str = "/nowhere") -> Iterator[Service]:
    """Services whose names a host could have chosen to do harm; pm2 knows such ones by their number."""
    for name in HOSTILE:
        service = service_of(found, name, folder=folder)
        yield service
        if found.id == "pm2":
            yield replace(service, handle=("0",))
