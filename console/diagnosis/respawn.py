"""Whether a holder comes back when it is killed, and by whose doing."""

from console.core.service import Service
from console.core.snapshot import Snapshot
from console.managers.starters import runner_of

ANY_END = "after any end"
# After which ends each policy starts a service again: systemd.service(5), Docker's restart policies, supervisord's
# autorestart. SIGTERM is a clean end for systemd, SIGKILL never is.
_WHEN = {
    "always": ANY_END,
    "unless-stopped": ANY_END,
    "on-success": "only after SIGTERM or a clean exit",
    "on-failure": "only after SIGKILL or a failing exit",
    "on-abnormal": "only after SIGKILL or a crash",
    "on-abort": "only after SIGKILL or a crash",
    "unexpected": "after a signal or unexpected exit",
}
_TIMER = ".timer"
NEW_POD = "kubernetes, as a new pod"
_WORDS = {
    "systemd": "systemd Restart={}",
    "supervisord": "supervisord autorestart",
    "pm2": "pm2 autorestart",
    "docker": "docker restart={}",
    "compose": "docker restart={}",
}


def respawn_of(snapshot: Snapshot, service: Service | None) -> str | None:
    """Name what starts the service again, e.g. ``systemd Restart=always``; ``None`` when nothing is known to.

    A unit that runs a container decides for that.
    """
    if service is None:
        return None
    if service.ref.name.endswith(".socket"):
        return "systemd socket activation"
    if (by_unit := respawn_of(snapshot, runner_of(snapshot, service))) is not None:
        return by_unit
    if service.ref.manager == "systemd" and (starter := _starter(service)) is not None:
        return starter
    if service.ref.manager == "kubernetes":
        return NEW_POD
    policy = service.restart_policy or ""
    # Restart=on-watchdog does nothing after a kill.
    if policy.partition(":")[0] not in _WHEN:
        timer = next((name for name in service.started_by if name.endswith(_TIMER)), None)
        return f"systemd {timer}" if timer is not None else None
    # Containers of Podman are under the same manager as Docker's.
    if service.ref.manager == "supervisord" and policy == "on-failure":
        return "supervisord autorestart=unexpected"
    words = "podman restart={}" if "podman" in service.chain[:-1] else _WORDS.get(service.ref.manager, "{}")
    return words.format(policy)


def _starter(service: Service) -> str | None:
    """What starts it again even after it was stopped by its manager, the quickest first."""
    at_once = (name for name in service.started_by if not name.endswith(_TIMER))
    names = sorted(at_once, key=lambda name: not name.endswith(".socket"))
    if not names:
        return None
    if names[0] not in service.triggered_by:
        return f"systemd Upholds= of {names[0]}"
    return f"systemd {'socket activation by ' if names[0].endswith('.socket') else ''}{names[0]}"


def when(respawn: str) -> str:
    """After which ends what ``respawn_of`` named starts the service again: ``after any end``."""
    if respawn.endswith(_TIMER):
        return "not at once, but when it is due"
    return _WHEN.get(respawn.rpartition("=")[2].partition(":")[0], ANY_END)


def is_respawn_known(service: Service | None) -> bool:
    """Whether its manager told of the service at all, and so also whether it would start it again."""
    return service is not None and (service.native_state != "" or service.ref.name.endswith(".socket"))


def comes_back_after_stop(service: Service | None) -> str | None:
    """What starts a service again even after it was stopped by its manager; ``None`` where nothing is known to."""
    if service is None:
        return None
    if service.enabled == "enabled" and service.ref.manager == "systemd":
        return f"{service.ref.name} is enabled: it takes the port again at the next boot"
    if service.enabled == "enabled" and service.ref.manager == "supervisord":
        return f"{service.ref.name} has autostart: it takes the port again when supervisord starts"
    if service.ref.manager in ("docker", "compose") and service.restart_policy == "always":
        return f"{service.ref.name} has restart=always: it takes the port again when its engine or the host starts"
    return None
