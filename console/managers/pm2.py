"""pm2: the apps of every user's God Daemon."""

import re
from dataclasses import replace
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.log_text import service_line
from console.core.plan import ActionKind, Check
from console.core.probe import Probe
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LogLine
from console.managers.as_user import as_its_user
from console.managers.beside import beside_words
from console.managers.elsewhere import place_in
from console.managers.pm2_daemons import PRESENCE, SURVEY
from console.managers.pm2_list import Found, is_plain, parse_survey
from console.managers.pm2_scripts import BY_NUMBER, HOLDS_PORT, HOW_ENDED, IS_RUNNING, IS_STOPPED, LOGS, RUN_ID
from console.managers.pm2_written import PM2_WRITTEN

PM2_PRESENCE: Probe[str] = Probe("pm2_presence", PRESENCE, str, every=5.0, slow=True)
"""The daemons, and what changes when an app of theirs starts or ends."""

PM2_SURVEY: Probe[Found] = Probe("pm2", SURVEY, parse_survey, slow=True, cached=False, every=30.0, timeout=30.0)
"""Every app of every daemon that answers. Arguments: users whose daemons are not to be asked."""


_UNIT = re.compile(r"pm2(?:-[\w.@:-]+)?\.service")


class Pm2:
    """The manager of node's apps. One name is one service, with all its instances; a scope is the daemon's user."""

    id = "pm2"
    priority = 2
    presence = PM2_PRESENCE
    written = PM2_WRITTEN

    def probes(self) -> tuple[Probe[Any], ...]:
        """Every probe of pm2."""
        return (PM2_PRESENCE, PM2_SURVEY, PM2_WRITTEN)

    def written_words(self, unit: str) -> tuple[str, ...] | None:
        """The unit, where its name is the one that ``pm2 startup`` gives."""
        return (unit,) if _UNIT.fullmatch(unit) else None

    def unit_cautions(self, services: tuple[Service, ...], kind: ActionKind) -> tuple[str, ...]:
        """A new daemon knows nothing of what the old one ran."""
        if kind is not ActionKind.RESTART or any(service.adrift is not None for service in services):
            return ()
        return ("then pm2 runs what was saved last (pm2 save), or what its unit starts: any other app does not return",)

    def revive_words(self, service: Service) -> tuple[str, ...] | None:
        """As the daemon's user, with that user's home: what was saved last is started, and nothing else.

        pm2 cannot start its daemon in a folder that is closed to that user, as root's own is.
        """
        if service.unit_file is None:
            return None
        user, at = service.ref.scope.removeprefix("user:"), place_in(service.ref.name)
        words = ("env", "-C", "/", *((f"PM2_HOME={at}",) if at else ()), "pm2", "resurrect")
        return words if user == "root" else ("sudo", "-H", "-u", user, "--", *words)

    def takes_effect(self, service: Service, file: str | None) -> str:
        """pm2 keeps an app as it was first started: only its variables are taken anew, from the shell of a restart."""
        tool, name = service.tool or ("pm2",), service.chain[-1] if service.chain else service.ref.name
        if file is None or "ecosystem" not in file:
            return f"{quote((*tool, 'restart', name, '--update-env'))} with the new variables set"
        return f"{quote((*tool, 'delete', name))} && {quote((*tool, 'start', file, '--only', name))}"

    def start(self, service: Service) -> Command:
        """Start it: ``restart`` starts what is stopped, where ``start`` would take an unknown name for a file."""
        return _change(service, "restart", "start")

    def stop(self, service: Service) -> Command:
        """Stop every instance; pm2 itself kills what does not end within its ``kill_timeout``."""
        return _change(service, "stop", "stop")

    def restart(self, service: Service) -> Command:
        """Stop and start every instance."""
        return _change(service, "restart", "restart")

    def reload(self, service: Service) -> Command | None:
        """One instance after the other, in cluster mode; of a fork pm2's reload is a restart."""
        return _change(service, "reload", "reload") if service.reload_command else None

    def replaces(self, service: Service) -> bool:
        """New processes serve after a reload in cluster mode."""
        return service.reload_command

    def signal(self, service: Service, name: str) -> Command:
        """Send a signal to every instance."""
        return _change(service, "sendSignal", "send a signal to", f"SIG{name}")

    def is_running(self, service: Service, *, hold: float) -> Check:
        """Every instance is online."""
        return Check(f"{service.ref.name} is online", _look(IS_RUNNING, service), within=30.0, hold=hold)

    def is_stopped(self, service: Service) -> Check:
        """Every instance is stopped or errored."""
        return Check(f"{service.ref.name} is stopped", _look(IS_STOPPED, service), within=30.0)

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """By the log of its daemon, which sudo for ``pm2`` does not open."""
        own = [str(pid) for pid in service.pids if pid != service.daemon]
        if not own or service.tool[:1] == ("sudo",):
            return None
        look = _look(HOW_ENDED, service, service.ref.name, " ".join(own), mode="run")
        return Check(f"see how {service.ref.name} ended", look)

    def run_id(self, service: Service) -> Command:
        """The process of every instance, and when it began."""
        return _look(RUN_ID, service, mode="run")

    def holds_port(self, service: Service, endpoint: Endpoint) -> Command:
        """In cluster mode it is the daemon that listens for its workers."""
        label = f"{endpoint.protocol} {endpoint.port}"
        flag = "u" if endpoint.protocol == "udp" else "t"
        words = (flag, str(endpoint.port), label, service.ref.name, "1" if service.reload_command else "")
        return _look(HOLDS_PORT, service, *words, mode="run")

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """Where pm2 has no word that means this service alone."""
        if _handle(service):
            return None
        return f"{service.ref.name}: pm2 takes its name, and its numbers, for others too: rename it to {kind.value} it"

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``tail`` of its log files; what pm2 prints of them where this user may not read them.

        ``since`` is left to the reader: what times there are, ``--time`` or the app wrote.
        """
        if not service.log_files:
            raise ValueError(f"pm2 writes no log of {service.ref.name}, or it was not looked at yet")
        handle = _handle(service)
        # As the daemon's user pm2 reads no file that tail does not.
        tool = service.tool if handle and service.tool[:1] != ("runuser",) else ()
        words = (str(lines), "1" if follow else "", handle[0] if handle else "", str(len(tool)), *tool)
        argv = ("sh", "-c", LOGS, "sh", *words, *service.log_files)
        return Command(as_its_user(service.ref, argv), purpose=f"read the log of {service.ref.name}")

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """A file where it is started, and its process, which has what pm2 keeps for it: ``pm2 env`` takes numbers only,
        and starts a daemon where none is."""
        return (*beside_words(service), *(("process", str(service.pid)) if service.pid else ()))

    def log_paths(self, service: Service) -> tuple[str, ...]:
        """What its instances print, where pm2 keeps it."""
        return service.log_files

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line, which may be JSON."""
        return service_line(ref, "pm2", text)


PM2 = Pm2()


def _handle(service: Service) -> tuple[str, ...]:
    if service.handle:
        return service.handle
    return (service.ref.name,) if is_plain(service.ref.name) else ()


def _words(service: Service) -> tuple[str, ...]:
    handle = _handle(service)
    if not handle:
        raise ValueError(f"{service.ref.name!r} is no word that pm2 takes for this app alone")
    return handle


def _change(service: Service, verb: str, what: str, *before: str) -> Command:
    tool = service.tool or ("pm2",)
    handle = _words(service)
    words = (*tool, verb, *before, *handle)
    done = Command(words, timeout=120.0, effect=Effect.CHANGE, purpose=f"{what} {service.ref.name}")
    if not handle[0].isdecimal():
        return done
    # A daemon that began anew gives its numbers to other apps.
    asked = f"{' '.join(handle)}\n{service.chain[-1] if service.chain else service.ref.name}"
    argv = ("sh", "-c", BY_NUMBER, "sh", verb, "".join(before), "named", *_where(service), asked, *tool)
    return replace(done, argv=argv, becomes=words)


def _look(script: str, service: Service, *before: str, mode: str = "status") -> Command:
    arguments = (mode, *_where(service), " ".join(_words(service)))
    argv = ("sh", "-c", script, "sh", *before, *arguments, *service.tool)
    return Command(argv, timeout=20.0, purpose=f"look at {service.ref.name}")


def _where(service: Service) -> tuple[str, str]:
    place = next((word for word in service.tool if word.startswith("PM2_HOME=")), "")
    return str(service.daemon or 0), place.removeprefix("PM2_HOME=")
