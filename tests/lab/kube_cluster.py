"""The workloads of the API stand-in: objects of apps/v1 kept by kmock, and what a controller would make of them.

The controller is a caricature: pods of a new template all come up at once beside the old ones, which go when all new
ones are ready; those of other kinds go at once. What `kubectl` sends and reads is in the forms of the real API.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from .kube_pods import Json, Pod, stamp

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
GRACE = 0.3
"""Seconds from the end that is asked of a pod until it is gone."""


class Controller:
    """One workload and its pods. ``fate`` is that of the pods that are made from now on."""

    def __init__(self, kind: str, namespace: str, name: str, replicas: int, fate: str = "ready") -> None:
        self.kind, self.namespace, self.name, self.fate = kind, namespace, name, fate
        self.grace = GRACE
        self.nodes = replicas
        self.place: tuple[str, str, str] = ("", "", "")
        """The node of its pods, the address of that, and the address of its pods there."""
        self.pods: list[Pod] = []
        self.templates: list[Json] = []
        self.made: dict[str, float] = {}
        """When the replica set of each template was made."""
        self.causes: dict[str, str] = {}
        self._count = 0
        labels = {"app": name}
        box = {
            "name": "app",
            "image": f"registry.example/{name}:1.4.2",
            "env": [{"name": "PASSWORD", "value": "s3cr3t"}],
        }
        spec: Json = {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [box]}},
        }
        if kind != "DaemonSet":
            spec["replicas"] = replicas
        spec["strategy" if kind == "Deployment" else "updateStrategy"] = {"type": "RollingUpdate"}
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1, "annotations": {}}
        self.object: Json = {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec, "status": {}}

    def on(self, node: str, host_ip: str, ip: str, *ports: Json, host_network: bool = False) -> Controller:
        """Its pods run on that node, with these container ports."""
        self.place = (node, host_ip, ip)
        spec = self.object["spec"]["template"]["spec"]
        spec["containers"][0]["ports"] = list(ports)
        if host_network:
            spec["hostNetwork"] = True
        return self

    @property
    def hash(self) -> str:
        """The hash of the template, as in the names of its pods."""
        return hashlib.sha256(json.dumps(self.object["spec"]["template"], sort_keys=True).encode()).hexdigest()[:9]

    @property
    def wanted(self) -> int:
        return self.nodes if self.kind == "DaemonSet" else int(self.object["spec"].get("replicas", 1))

    def reconcile(self) -> Json:
        """Bring pods and status to what they are now, and give the object."""
        now = time.time()
        self._remember()
        self.pods = [pod for pod in self.pods if pod.ending is None or pod.ending > now]
        alive = [pod for pod in self.pods if pod.ending is None]
        fresh = [pod for pod in alive if pod.labels["pod-template-hash"] == self.hash]
        former = [pod for pod in alive if pod not in fresh]
        held = former[: self._partition]
        for pod in fresh[self.wanted :]:
            pod.ending = now + self.grace
        for _ in range(self.wanted - len(fresh) - len(held)):
            self.pods.append(self._new())
        fresh = [pod for pod in self._alive() if pod.labels["pod-template-hash"] == self.hash]
        if self.kind != "Deployment" or all(pod.ready for pod in fresh):
            for pod in former[len(held) :]:
                pod.ending = now + self.grace
        self._status(len(fresh))
        return self.object

    def release(self, image: str, cause: str | None = None) -> None:
        """What ``kubectl set image`` comes to, and the note of why."""
        self.reconcile()
        self.object["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.object["metadata"]["generation"] += 1
        if cause is not None:
            self.causes[self.hash] = cause
        self.reconcile()

    def replica_sets(self) -> list[Json]:
        """One for each template that a deployment had."""
        found = []
        for revision, template, hashed in self._revisions():
            labels = {**template["metadata"]["labels"], "pod-template-hash": hashed}
            template = {**template, "metadata": {**template["metadata"], "labels": labels}}
            pods = [pod for pod in self._alive() if pod.labels["pod-template-hash"] == hashed]
            spec = {"replicas": len(pods), "selector": {"matchLabels": labels}, "template": template}
            found.append({"apiVersion": "apps/v1", "kind": "ReplicaSet",
                          "metadata": self._meta(hashed, labels, {REVISION: str(revision)}),
                          "spec": spec, "status": {"replicas": len(pods)}})  # fmt: skip
        return found

    def controller_revisions(self) -> list[Json]:
        """One for each template that a stateful or a daemon set had: the patch that brings it back."""
        return [
            {"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": revision,
             "metadata": self._meta(hashed, template["metadata"]["labels"], {}),
             "data": {"spec": {"template": {**template, "$patch": "replace"}}}}
            for revision, template, hashed in self._revisions()
        ]  # fmt: skip

    def _meta(self, hashed: str, labels: Json, told: Json) -> Json:
        owner = {"apiVersion": "apps/v1", "kind": self.kind, "name": self.name, "uid": f"uid-{self.name}",
                 "controller": True}  # fmt: skip
        if (cause := self.causes.get(hashed)) is not None:
            told = {**told, CAUSE: cause}
        return {"name": f"{self.name}-{hashed}", "namespace": self.namespace, "labels": labels,
                "uid": f"uid-{hashed}", "annotations": told, "creationTimestamp": stamp(self.made[hashed]),
                "ownerReferences": [owner]}  # fmt: skip

    @property
    def _partition(self) -> int:
        """How many pods of a stateful set keep the older template."""
        rolling = self.object["spec"].get("updateStrategy", {}).get("rollingUpdate", {})
        return int(rolling.get("partition", 0))

    def _alive(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.ending is None]

    def _remember(self) -> None:
        template = json.loads(json.dumps(self.object["spec"]["template"]))
        if not self.templates or self.templates[-1] != template:
            # A template of before is the newest once more.
            self.templates = [None if known == template else known for known in self.templates]  # type: ignore[misc]
            self.templates.append(template)
            self.made.setdefault(self.hash, time.time())

    def _revisions(self) -> list[tuple[int, Json, str]]:
        found = []
        for place, template in enumerate(self.templates):
            if template is not None:
                text = json.dumps(template, sort_keys=True)
                found.append((place + 1, template, hashlib.sha256(text.encode()).hexdigest()[:9]))
        return found

    def _new(self) -> Pod:
        self._count += 1
        labels = {"app": self.name, "pod-template-hash": self.hash}
        if self.kind == "StatefulSet":
            labels["controller-revision-hash"] = f"{self.name}-{self.hash}"
        inner = self.object["spec"]["template"]["spec"]
        box = inner["containers"][0]
        node, host_ip, ip = self.place
        owner = ("ReplicaSet", f"{self.name}-{self.hash}") if self.kind == "Deployment" else (self.kind, self.name)
        return Pod(f"{owner[1]}-{self._count:05d}", self.namespace, labels, owner, box["image"], self.fate, node=node,
                   host_ip=host_ip, ip=ip, ports=box.get("ports", []),
                   host_network=inner.get("hostNetwork", False))  # fmt: skip

    def _status(self, updated: int) -> None:
        alive = self._alive()
        ready = sum(pod.ready for pod in alive)
        status: Json = {"observedGeneration": self.object["metadata"]["generation"]}
        if self.kind == "DaemonSet":
            status |= {
                "desiredNumberScheduled": self.wanted, "currentNumberScheduled": len(alive), "numberReady": ready,
                "updatedNumberScheduled": updated, "numberAvailable": ready, "numberMisscheduled": 0,
            }  # fmt: skip
        else:
            counts: dict[str, Any] = {
                "replicas": len(alive), "readyReplicas": ready, "updatedReplicas": updated,
                "availableReplicas": ready, "unavailableReplicas": self.wanted - ready,
            }  # fmt: skip
            # The API leaves out what is zero.
            status |= {key: count for key, count in counts.items() if count > 0}
            status["replicas"] = len(alive)
        if self.kind == "StatefulSet":
            status |= {"currentRevision": f"{self.name}-{self.hash}", "updateRevision": f"{self.name}-{self.hash}",
                       "currentReplicas": len(alive)}  # fmt: skip
        if self.kind == "Deployment":
            self.object["metadata"].setdefault("annotations", {})[REVISION] = str(len(self.templates))
            told = {"type": "Available", "status": "True" if ready >= self.wanted else "False",
                    "reason": "MinimumReplicasAvailable", "lastTransitionTime": stamp(time.time() - 60),
                    "message": "Deployment has minimum availability."}  # fmt: skip
            status["conditions"] = [told]
        self.object["status"] = status
