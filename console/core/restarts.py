"""Whether a service that ended is started again by its manager."""

from console.core.service import Service, State

_CRASHES = ("signal", "core-dump")
# After which results of systemd.service(5) each policy starts the service again.
_RETURNS: dict[str, tuple[str, ...]] = {
    "on-abnormal": (*_CRASHES, "timeout", "watchdog"),
    "on-abort": _CRASHES,
    "on-watchdog": ("watchdog",),
}


def gave_up(service: Service | None) -> bool:
    """Whether the manager tried often enough and starts the service no more by itself.

    After the last crash systemd keeps its result (``exit-code``), so only the count of restarts tells; the result
    ``start-limit-hit`` is left by a start that was refused.
    """
    if service is None or service.state is not State.FAILED:
        return False
    if service.result == "start-limit-hit":
        return True
    burst = service.start_limit[0] if service.start_limit is not None else 1
    return (service.restarts or 0) >= max(1, burst) and restarts_after_failure(service)


def awaits_restart(service: Service) -> bool:
    """Whether systemd waits (``RestartSec=``) before it starts the unit again: nothing that it started runs as it."""
    return service.native_state.startswith("activating/auto-restart") and not service.pids


def tries_again(service: Service) -> bool:
    """Whether it is being started, and was before: managers have one word for the first time and a later one.

    Of a workload of a cluster a loop is told as that; what its pods counted before a rollout ends them tells none.
    """
    counts = service.ref.manager != "kubernetes"
    return counts and service.state is State.STARTING and bool(service.restarts)


def wont_start(service: Service) -> str | None:
    """What is wrong in files and keeps the service from starting.

    Of a program these are the files of its manager, which runs with what it read before: no program failed for them.
    """
    return service.files_wrong if service.ref.manager == "systemd" else None


def restarts_after_failure(service: Service) -> bool:
    """Whether the policy starts the service again after the way in which it ended."""
    if service.restart_policy in ("always", "on-failure"):
        return True
    return (service.result or "") in _RETURNS.get(service.restart_policy or "", ())
