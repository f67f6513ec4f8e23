"""Units that are neither a service nor a socket: there are hundreds on every host, so they are shown where they failed.

systemd.mount(5), systemd.timer(5), systemd.path(5), systemd.swap(5), systemd.device(5).
"""

from console.core.plan import ActionKind

KINDS = ("mount", "timer", "path", "swap", "device")

_AGAIN = frozenset({ActionKind.START, ActionKind.RESET_FAILED, ActionKind.DAEMON_RELOAD})
"""What helps one that failed."""


def is_other(unit: str) -> bool:
    """Whether a unit is one of these, by its name."""
    return unit.rpartition(".")[2] in KINDS


def why_not(unit: str, kind: ActionKind) -> str | None:
    """Why that makes no sense for a unit that failed; ``None`` where it does, and for services and sockets."""
    if not is_other(unit):
        return None
    what = unit.rpartition(".")[2]
    if what == "device" and kind is ActionKind.START:
        return f"{unit} is a device: the kernel brings it up when it is there"
    if kind in _AGAIN:
        return None
    return f"{unit} is a {what} that failed: it can be started or its failure cleared, not: {kind.value}"
