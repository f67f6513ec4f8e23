"""What a workload's counts and its pods mean."""

from dataclasses import dataclass, field

from console.core.service import State

RECENT = 30.0
"""Seconds for which a container that its kubelet started again counts as flapping."""
SLOW = 120.0
"""Seconds after which a pod that started and is not ready is no longer just starting."""

UNMADE = 600.0
"""Seconds after which a container that is still being made, as its image is fetched or its volumes come, will not be:
the time that a cluster gives a rollout, which for pods that were replaced later nobody measures."""

LOOP = "CrashLoopBackOff"
_IMAGE = ("ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable")
_CANNOT = (
    "ImagePullBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
    "StartError", "ContainerCannotRun",
)  # fmt: skip
_MAKING = ("ContainerCreating", "PodInitializing")
"""Reasons for which a container waits and that do not mend themselves."""


@dataclass(slots=True)
class Container:
    """A container of a pod, as the kubelet tells."""

    restarts: int
    ready: bool
    state: str
    reason: str | None
    exit_code: int | None
    ended: str | None = None
    """Why it ended last."""
    ended_code: int | None = None
    ended_at: float | None = None


@dataclass(slots=True)
class Pod:
    """A pod that belongs to a workload."""

    started: float | None
    deleted: bool
    phase: str
    unscheduled: str | None = None
    unscheduled_why: str = ""
    containers: list[Container] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """A deployment, a stateful set or a daemon set."""

    wanted: int
    ready: int
    updated: int
    all: int
    current: bool
    """Its controller has seen what is wanted now."""
    paused: bool
    by_hand: bool
    """Its pods are only replaced when somebody deletes them."""
    held: int = 0
    """How many of its pods keep the older template, by the partition of a stateful set."""
    conditions: dict[str, tuple[str, str | None, float | None, str]] = field(default_factory=dict)
    """By type: status, reason, since, message."""
    pods: list[Pod] = field(default_factory=list)

    @property
    def to_update(self) -> int:
        """How many are to be of the newest template."""
        return max(0, self.wanted - self.held)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a workload."""

    reason: str
    message: str = ""
    exit_code: int | None = None
    loops: bool = False


def trouble(found: Counts, now: float | None) -> Trouble | None:
    """The worst that is known of it, a loop of restarts first."""
    pods = [pod for pod in found.pods if not pod.deleted and pod.phase not in ("Failed", "Succeeded")]
    looping = (loop for pod in pods for box in pod.containers if (loop := _loop(box, now)) is not None)
    return next(looping, None) or next((bad for pod in pods if (bad := _broken(pod)) is not None), None) or _told(
        found
    ) or next((bad for pod in pods if (bad := _slow(pod, now)) is not None), None)  # fmt: skip


def _loop(box: Container, now: float | None) -> Trouble | None:
    why, code = box.ended, box.ended_code
    if box.state == "terminated" and not box.ready and box.exit_code:
        why, code = box.reason, box.exit_code
    elif box.reason != LOOP and not _ended_just_now(box, now):
        return None
    known = why if why not in (None, "Error", "Completed") else None
    return Trouble(known or (LOOP if box.reason == LOOP else why or "restarted"), exit_code=code, loops=True)


def _ended_just_now(box: Container, now: float | None) -> bool:
    if not box.restarts or box.ended_at is None or now is None:
        return False
    # The clocks of the node and of this host may differ by a little.
    return -RECENT <= now - box.ended_at < RECENT


def _broken(pod: Pod) -> Trouble | None:
    for box in pod.containers:
        if box.state == "waiting" and box.reason in (*_IMAGE, *_CANNOT):
            return Trouble("ImagePullBackOff" if box.reason == "ErrImagePull" else box.reason or "")
    return Trouble(pod.unscheduled, pod.unscheduled_why) if pod.unscheduled else None


def _told(found: Counts) -> Trouble | None:
    """What its controller says: quota, admission, a rollout that took too long."""
    for kind, bad in (("ReplicaFailure", "True"), ("Progressing", "False")):
        status, reason, _, message = found.conditions.get(kind, ("", None, None, ""))
        if status == bad and reason not in (None, "DeploymentPaused"):
            return Trouble(reason or kind, message)
    return None


def _slow(pod: Pod, now: float | None) -> Trouble | None:
    if now is None or pod.started is None or now - pod.started < SLOW:
        return None
    unready = [box for box in pod.containers if not box.ready]
    if any(box.state == "running" for box in unready):
        return Trouble("NotReady", "a container runs and its readiness probe does not hold")
    making = next((box.reason for box in unready if box.state == "waiting" and box.reason in _MAKING), None)
    if making is None or now - pod.started < UNMADE:
        return None
    return Trouble(making, "a container is still being made: the events of its pod say for what it waits")


def state(found: Counts, bad: Trouble | None) -> State:
    """The state of a workload."""
    if bad is not None and bad.loops:
        return State.FLAPPING
    if found.wanted == 0:
        return State.STOPPED if found.all == 0 and not found.pods else State.RUNNING
    if found.ready < found.wanted:
        return State.FAILED if bad is not None else State.STARTING
    return State.RUNNING if not rolls(found) else State.STARTING


def only_pods_tell(found: Counts, bad: Trouble | None) -> bool:
    """Whether nothing but its pods tells if those that are not ready are on their way, or will never be.

    The rollout of a deployment has a deadline, and its controller says when that is over. It looks no more once the
    rollout is complete (``NewReplicaSetAvailable``), whatever becomes of the pods, nor of one that is paused.
    """
    status, reason, _, _ = found.conditions.get("Progressing", ("", None, None, ""))
    watched = status == "True" and reason != "NewReplicaSetAvailable"
    return bad is None and found.ready < found.wanted and not watched


def is_stuck(found: Counts, bad: Trouble | None) -> bool:
    """Whether new pods do not come up while as many as are wanted serve still."""
    return bad is not None and not bad.loops and 0 < found.wanted <= found.ready


def rolls(found: Counts) -> bool:
    """Whether its pods are being replaced by those of a newer template."""
    if found.paused or found.by_hand:
        return False
    return not found.current or found.updated < found.to_update or found.all > found.wanted


def native(found: Counts, bad: Trouble | None) -> str:
    """``2/3 ready``, and what goes on."""
    words = [f"{found.ready}/{found.wanted} ready"]
    if found.wanted == 0:
        left = max(found.all, len(found.pods))
        return f"0 wanted, {left} left" if left else "0 wanted"
    if bad is not None:
        words.append(bad.reason)
    if rolls(found):
        words.append("rollout stuck" if bad is not None else f"rolling out {found.updated}/{found.to_update}")
    if found.paused:
        words.append("paused")
    return ", ".join(words)


def since(found: Counts, now_is: State) -> float | None:
    """When that state began, where it is told."""
    status, _, at, _ = found.conditions.get("Available", ("", None, None, ""))
    if now_is is State.RUNNING and status != "False":
        started = [pod.started for pod in found.pods if pod.started is not None and not pod.deleted]
        return at if at is not None else max(started, default=None)
    if now_is in (State.FAILED, State.FLAPPING) and status == "False":
        return at
    return None
