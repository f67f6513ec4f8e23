"""What becomes of the pods of the API stand-in: a function of their fate and their age, as a kubelet would tell it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

READY_AFTER = 0.6
"""Seconds after which a pod that comes up well is ready."""
LIVES = 1.5
"""Seconds that a pod that crashes again and again runs each time."""
BACKOFF = 2.0


def stamp(at: float) -> str:
    """A time as the API writes it: whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Pod:
    """A pod of a workload. ``fate``: ready, crash, oom, image, unready or unschedulable."""

    name: str
    namespace: str
    labels: dict[str, str]
    owner: tuple[str, str]
    image: str
    fate: str = "ready"
    born: float = field(default_factory=time.time)
    ending: float | None = None
    """When it goes for good, once it is being deleted."""
    killed: int = 0
    """How often somebody killed its container from outside."""
    killed_at: float | None = None
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    node: str = ""
    host_ip: str = ""
    ip: str = ""
    ports: list[Json] = field(default_factory=list)
    host_network: bool = False

    @property
    def age(self) -> float:
        return time.time() - self.born

    @property
    def ready(self) -> bool:
        return bool(self.container()["ready"])

    @property
    def cycles(self) -> tuple[int, float]:
        """How often it crashed, and how long its present attempt lasts."""
        whole = LIVES + BACKOFF
        past = max(0.0, self.age - READY_AFTER)
        return int(past // whole) + (past % whole >= LIVES), past % whole

    def container(self) -> Json:
        """Its ``containerStatuses`` entry."""
        found: Json = {"name": "app", "image": self.image, "restartCount": self.killed, "ready": False, "state": {}}
        if self.age < READY_AFTER or self.fate == "unschedulable":
            found["state"] = {"waiting": {"reason": "ContainerCreating"}}
        elif self.fate == "image":
            why = "ErrImagePull" if self.age < 2 * READY_AFTER else "ImagePullBackOff"
            found["state"] = {"waiting": {"reason": why, "message": f'Back-off pulling image "{self.image}"'}}
        elif self.fate in ("crash", "oom"):
            self._crashing(found)
        else:
            found["state"] = {"running": {"startedAt": stamp(self.killed_at or self.born)}}
            found["ready"] = self.fate == "ready"
            if self.killed_at is not None:
                ended = {"exitCode": 137, "reason": "Error", "finishedAt": stamp(self.killed_at)}
                found["lastState"] = {"terminated": ended}
        return found

    def _crashing(self, found: Json) -> None:
        crashes, now = self.cycles
        reason, code = ("OOMKilled", 137) if self.fate == "oom" else ("Error", 1)
        found["restartCount"] = max(0, crashes - (now >= LIVES))
        if now < LIVES:
            found["state"] = {"running": {"startedAt": stamp(time.time() - now)}}
            found["ready"] = True
        else:
            found["state"] = {
                "waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}
            }
        if crashes:
            ended = time.time() - now - (BACKOFF if now < LIVES else -LIVES)
            found["lastState"] = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": stamp(ended)}}

    def show(self) -> Json:
        """The whole object."""
        kind, owner = self.owner
        meta: Json = {
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
            "labels": dict(self.labels),
            "creationTimestamp": stamp(self.born),
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": f"uid-{owner}", "controller": True}
            ],
        }
        if self.ending is not None:
            meta["deletionTimestamp"] = stamp(self.ending)
        env = [{"name": "API_TOKEN", "value": "s3cr3t-of-the-pod"}]
        status: Json = {"phase": "Pending" if self.age < READY_AFTER else "Running", "conditions": []}
        if self.fate == "unschedulable":
            why = "0/3 nodes are available: 3 Insufficient memory!"
            status = {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}]}  # fmt: skip
        else:
            status |= {"startTime": stamp(self.born), "containerStatuses": [self.container()]}
        box: Json = {"name": "app", "image": self.image, "env": env}
        spec: Json = {"containers": [box]}
        if self.ports:
            box["ports"] = self.ports
        if self.host_network:
            spec["hostNetwork"] = True
        if self.node and self.fate != "unschedulable":
            spec["nodeName"] = self.node
            status |= {"hostIP": self.host_ip, "podIP": self.host_ip if self.host_network else self.ip}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}

    def log(self) -> list[tuple[float, str]]:
        """What it wrote, with the time."""
        lines = [(self.born + 0.1, f"starting {self.name}")]
        if self.fate == "crash":
            lines.append((self.born + 0.2, "bind: address already in use (os error 98)"))
        else:
            lines.append((self.born + 0.3, '{"level":"warn","msg":"token=abc123 was near its end"}'))
        return lines
