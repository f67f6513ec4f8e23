"""Why a service ended, in words."""

from dataclasses import dataclass, replace
from math import inf

from console.core.service import Overdue, Service

_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
    11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}  # fmt: skip
"""Numbers on Linux, signal(7)."""


def signal_name(number: int) -> str:
    """``SIGTERM``; ``signal 42`` for one without a name of its own."""
    return _SIGNALS.get(number, f"signal {number}")


_EXITS = {
    126: "not executable",
    127: "command not found",
    200: "its working directory is missing",
    203: "its program cannot be run",
    208: "its standard input cannot be set up",
    209: "its standard output cannot be set up",
    216: "its group does not exist",
    217: "its user does not exist",
    218: "its capabilities cannot be set",
    226: "its mount namespace cannot be set up",
    233: "its runtime directory cannot be made",
    238: "its state directory cannot be made",
    240: "its log directory cannot be made",
}
"""Exit codes of systemd.exec(5), and of shells."""

START_LIMIT = "start-limit-hit"
"""The result of a start that systemd refused after a run that had ended well; after any other end that one's stays."""

_RESULTS = {
    "success": "it ended well",
    "timeout": "a start, a stop or the whole run took longer than it may",
    "watchdog": "it did not answer its watchdog",
    "oom-kill": "killed for lack of memory",
    "core-dump": "it dumped core",
    START_LIMIT: "started too often",
    "resources": "systemd could not give it what it needs",
    "protocol": "it did not follow its own start protocol",
    "exec-condition": "its start condition failed",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the fields of a service that say so."""

    result: str | None = None
    exit_code: int | None = None
    exit_signal: int | None = None

    def on(self, service: Service) -> Service:
        """The service as one that tells this."""
        return replace(service, result=self.result, exit_code=self.exit_code, exit_signal=self.exit_signal)


def ending_of(service: Service) -> Ending | None:
    """What a service tells of how it ended; ``None`` where that is nothing."""
    found = Ending(service.result or None, service.exit_code, service.exit_signal)
    return None if found == Ending() else found


_BY_MANAGER = frozenset({"timeout", "watchdog", "protocol", "resources", "exec-condition"})
"""Results for which the manager itself ends what runs: its signal is no reason then."""
_SENT = frozenset({1, 2, 9, 15})
"""Signals that somebody sends to end a process."""
_CLEAN = frozenset({1, 2, 13, 15})
"""Signals by which a service of systemd has ended well, systemd.service(5): it was stopped."""
_BY_ITSELF = frozenset({*_BY_MANAGER, "oom-kill", "core-dump"})


def cannot_run(service: Service) -> bool:
    """Whether its program was not run at all, or its files are wrong: it ends the same way however often it is tried.

    systemd.exec(5) has the exit codes from 200 to 243 for that, shells 126 and 127.
    """
    code = service.exit_code if service.result in (None, "exit-code", START_LIMIT) else None
    return service.files_wrong is not None or (code is not None and (code in (126, 127) or 200 <= code <= 243))


def is_over(service: Service) -> bool:
    """Whether what ended it is known to be over: somebody ended it. What ended by itself may do so again."""
    return service.exit_signal in _SENT and service.result not in _BY_ITSELF and not cannot_run(service)


def why_failed(service: Service) -> str:
    """Why a service ended, from its manager's result, exit code and signal."""
    if service.result == "oom-kill":
        return _RESULTS["oom-kill"]
    if service.result in _BY_MANAGER:
        by = f", ended by {signal_name(service.exit_signal)}" if service.exit_signal else ""
        return f"{_late(service) or _RESULTS[service.result]}{by}"
    if service.result == START_LIMIT and service.exit_signal in _CLEAN:
        return _RESULTS[START_LIMIT]
    if service.exit_signal:
        dumped = ", it dumped core" if service.result == "core-dump" else ""
        return f"killed by {signal_name(service.exit_signal)}{dumped}"
    if service.result in _RESULTS and service.result not in (START_LIMIT, "success"):
        return _RESULTS[service.result]
    if service.exit_code:
        reason = _EXITS.get(service.exit_code)
        return f"exit code {service.exit_code}" + (f": {reason}" if reason else "")
    return _RESULTS.get(service.result or "", service.result or "its manager does not say why")


def _late(service: Service) -> str | None:
    """What took too long, and how long it may take; ``None`` where that is not known."""
    if service.overdue is None:
        return None
    way = service.stop_way
    limit = service.start_seconds if service.overdue is Overdue.START else way.seconds if way is not None else None
    within = "in its time" if limit is None or limit == inf else f"in {limit:g} s"
    return f"it did not {service.overdue} {within}"
