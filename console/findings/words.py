"""Numbers and reasons in words, the same in every finding."""

from console.core.service import Service

_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
    11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}  # fmt: skip
"""Numbers on Linux, signal(7)."""

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

_RESULTS = {
    "timeout": "it did not start or stop in time",
    "watchdog": "it did not answer its watchdog",
    "oom-kill": "killed for lack of memory",
    "core-dump": "it dumped core",
    "start-limit-hit": "started too often",
    "resources": "systemd could not give it what it needs",
    "protocol": "it did not follow its own start protocol",
    "exec-condition": "its start condition failed",
}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def why_failed(service: Service) -> str:
    """Why a service ended, from its manager's result, exit code and signal."""
    if service.result == "oom-kill":
        return _RESULTS["oom-kill"]
    if service.exit_signal:
        name = _SIGNALS.get(service.exit_signal, f"signal {service.exit_signal}")
        dumped = ", it dumped core" if service.result == "core-dump" else ""
        return f"killed by {name}{dumped}"
    if service.result in _RESULTS and service.result != "start-limit-hit":
        return _RESULTS[service.result]
    if service.exit_code:
        reason = _EXITS.get(service.exit_code)
        return f"exit code {service.exit_code}" + (f": {reason}" if reason else "")
    return _RESULTS.get(service.result or "", service.result or "its manager does not say why")


def span(seconds: float) -> str:
    """A span in its largest fitting unit: ``41 s``, ``12 min``, ``3 h``, ``6 d``."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"


def size(count: float) -> str:
    """Bytes in binary units: ``512 MiB``, ``7.8 GiB``."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    if count < 1024:
        return f"{count:.1f} GiB"
    return f"{count / 1024:.1f} TiB"


def listed(names: list[str], most: int = 3) -> str:
    """Some names and how many more: ``a, b, c and 2 more``."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def times(count: int, word: str) -> str:
    """``1 restart``, ``5 restarts``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
