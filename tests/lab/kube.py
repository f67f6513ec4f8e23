"""A stand-in for the API server of a Kubernetes cluster, for the real `kubectl` in lab hosts.

It is kmock (the server, the reading of requests, errors in the API's form, all requests kept) with what kubectl needs
and kmock leaves out: whole discovery, kinds of lists, selectors, JSON and scale patches, watches of one object, logs,
users with rights, and a controller (`kube_cluster`). There is no scheduler, no kubelet, no admission, no etcd: how a
real cluster times a rollout, or what it refuses, is not shown by it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import aiohttp.web
import jsonpatch
import kmock
from kmock import Response  # type: ignore[attr-defined]

from .kube_cluster import GRACE, Controller
from .kube_pods import Json, Pod
from .kube_tls import Certificate

T = TypeVar("T")

_ALL = ["create", "delete", "get", "list", "patch", "update", "watch"]


def _resource(name: str, kind: str, **more: Any) -> Json:
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": _ALL, **more}


_SCALE = {"group": "autoscaling", "version": "v1"}
_APPS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet",
         "replicasets": "ReplicaSet", "controllerrevisions": "ControllerRevision"}  # fmt: skip
_DISCOVERY: dict[str, Json] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
         "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        _resource("pods", "Pod", shortNames=["po"]), _resource("pods/log", "Pod"), _resource("services", "Service"),
        {**_resource("nodes", "Node"), "namespaced": False}]},
    "/apis/apps/v1": {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1", "resources": [
        *(_resource(name, kind) for name, kind in _APPS.items()),
        *(_resource(f"{name}/scale", "Scale", **_SCALE) for name in ("deployments", "statefulsets"))]},
}  # fmt: skip
_CORE = {"pods": "Pod", "services": "Service", "nodes": "Node"}
_KINDS = {**_CORE, **_APPS}


class Cluster(kmock.KubernetesEmulator):
    """What answers. ``hung`` takes requests and answers none; ``may`` says who may do what."""

    def __init__(self) -> None:
        super().__init__()
        self.workloads: dict[tuple[str, str, str], Controller] = {}
        self.plain: list[Json] = []
        """Objects that no controller attends to: services, nodes, pods of their own."""
        self.hung = False
        self.may: dict[str, Callable[[kmock.Request], bool]] = {"admin": lambda _: True}
        self.patches: list[tuple[str, str, Any]] = []
        """Each change that came in: content type, path, body."""

    async def _handle(self, request: kmock.Request) -> aiohttp.web.StreamResponse:
        while self.hung:
            await asyncio.sleep(0.1)
        self._allow(request)
        path = request.url.path.rstrip("/")
        if path in _DISCOVERY:
            return await _json(_DISCOVERY[path], request)
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            # The kubectl of today asks for it where an object is not found.
            there = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": path.rpartition("/")[2]}}
            return await _json(there, request)
        if request.resource is None or request.resource.plural not in _KINDS:
            return await super()._handle(request)
        if request.subresource == "log":
            return await self._log(request)
        if request.method == "DELETE":
            return await _json(self._delete(request), request)
        if request.method == "PATCH":
            return await _json(self._patch(request), request)
        if request.name is not None:
            return await _json(self._one(request), request)
        if request.params.get("watch") in ("true", "1"):
            frames = Response(payload=self._watch(request), headers={"Content-Type": "application/json"})
            return await frames(request)
        return await _json(self._list(request), request)

    def _allow(self, request: kmock.Request) -> None:
        """Refuse as ``responsewriters.Forbidden`` of k8s.io/apiserver does."""
        user = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if user not in self.may:
            raise kmock.KubernetesError(status=401, reason="Unauthorized", message="Unauthorized", details={"uid": ""})
        if request.resource is None or request.resource.plural is None or self.may[user](request):
            return
        verbs = {"GET": "get" if request.name else "list", "PATCH": "patch", "DELETE": "delete"}
        verb = verbs.get(str(request.method.value), "update")
        group, plural = request.resource.group, request.resource.plural
        where = f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
        what = f"{plural}.{group} is forbidden" if group else f"{plural} is forbidden"
        told = f'{what}: User "{user}" cannot {verb} resource "{plural}" in API group "{group}" {where}'
        details = {"group": group, "kind": plural} if group else {"kind": plural}
        raise kmock.KubernetesError(status=403, reason="Forbidden", message=told, details=details)

    def _found(self, request: kmock.Request) -> Controller:
        plural = request.resource.plural if request.resource is not None else None
        key = (_KINDS[str(plural)], request.namespace or "", request.name or "")
        if key not in self.workloads:
            raise kmock.KubernetesError(status=404, reason="NotFound", message=f'{plural}.apps "{key[2]}" not found',
                                        details={"name": key[2]})  # fmt: skip
        return self.workloads[key]

    def _one(self, request: kmock.Request) -> Json:
        assert request.resource is not None
        if request.resource.plural == "pods":
            return next(pod for pod in self._objects_of(request) if pod["metadata"]["name"] == request.name)
        found = self._found(request)
        shown = found.reconcile()
        return _scale(found) if request.subresource == "scale" else shown

    def _list(self, request: kmock.Request) -> Json:
        assert request.resource is not None
        kind = _KINDS[str(request.resource.plural)]
        version = "v1" if kind in _CORE.values() else "apps/v1"
        return {"apiVersion": version, "kind": f"{kind}List", "metadata": {"resourceVersion": "1"},
                "items": list(self._objects_of(request))}  # fmt: skip

    def _objects_of(self, request: kmock.Request) -> Iterator[Json]:
        """What is listed, by namespace and the selectors that kubectl uses."""
        assert request.resource is not None
        kind = _KINDS[str(request.resource.plural)]
        labels = _selector(request, "labelSelector")
        fields = _selector(request, "fieldSelector")
        for each in (*self._of_controllers(kind), *self.plain):
            meta = each["metadata"]
            own = meta.get("labels", {})
            if each["kind"] == kind and request.namespace in (None, meta.get("namespace")) \
                    and all(own.get(key) == value for key, value in labels.items()) \
                    and all(_field(each, path) == value for path, value in fields.items()):  # fmt: skip
                yield each

    def _of_controllers(self, kind: str) -> Iterator[Json]:
        for found in list(self.workloads.values()):
            shown = found.reconcile()
            if kind == "Pod":
                yield from (pod.show() for pod in found.pods)
            elif kind not in ("ReplicaSet", "ControllerRevision"):
                yield shown
            elif kind == "ReplicaSet" and found.kind == "Deployment":
                yield from found.replica_sets()
            elif kind == "ControllerRevision" and found.kind != "Deployment":
                yield from found.controller_revisions()

    def _patch(self, request: kmock.Request) -> Json:
        found = self._found(request)
        kind = request.headers.get("Content-Type", "")
        self.patches.append((kind, request.url.path, request.data))
        spec = json.dumps(found.object["spec"], sort_keys=True)
        if kind == "application/json-patch+json":
            found.object = jsonpatch.apply_patch(found.object, request.data)
        else:
            # kmock's own: dicts are merged, which is what the patches of rollout, scale and patch come to.
            merged = kmock.Object(found.object)
            merged.patch(request.data)
            found.object = json.loads(json.dumps(merged.raw))
            template = request.data.get("spec", {}).get("template", {})
            if template.get("$patch") == "replace":
                whole = {key: value for key, value in template.items() if key != "$patch"}
                found.object["spec"]["template"] = json.loads(json.dumps(whole))
        found.object["spec"]["template"] = _plain(found.object["spec"]["template"])
        if json.dumps(found.object["spec"], sort_keys=True) != spec:
            found.object["metadata"]["generation"] += 1
        shown = found.reconcile()
        return _scale(found) if request.subresource == "scale" else shown

    async def _watch(self, request: kmock.Request) -> AsyncIterator[bytes]:
        kind, before = "ADDED", ""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for each in self._objects_of(request):
                text = json.dumps(each, sort_keys=True)
                if text != before:
                    yield json.dumps({"type": kind, "object": each}).encode() + b"\n"
                    kind, before = "MODIFIED", text
            await asyncio.sleep(0.1)

    def _pod(self, request: kmock.Request) -> Pod:
        pods = [pod for found in self.workloads.values() for pod in found.pods]
        return next(pod for pod in pods if (pod.namespace, pod.name) == (request.namespace, request.name))

    def _delete(self, request: kmock.Request) -> Json:
        """End a pod, as its kubelet would in a moment: its controller makes another."""
        pod = self._pod(request)
        pod.ending = time.time() + GRACE
        return pod.show()

    async def _log(self, request: kmock.Request) -> aiohttp.web.StreamResponse:
        pod = self._pod(request)
        if pod.fate == "image":
            told = f'container "app" in pod "{pod.name}" is waiting to start: trying and failing to pull image'
            raise kmock.KubernetesError(status=400, reason="BadRequest", message=told, details={"uid": pod.uid})
        stream = Response(payload=self._lines(pod, request.params), headers={"Content-Type": "text/plain"})
        return await stream(request)

    async def _lines(self, pod: Pod, params: Any) -> AsyncIterator[bytes]:
        count = int(params.get("tailLines", 1000))
        told = pod.log()[-count:] if count else []
        for at, text in told:
            yield _log_line(at, text)
        number = 0
        while params.get("follow") == "true" and (pod.ending is None or pod.ending > time.time()):
            await asyncio.sleep(0.3)
            number += 1
            yield _log_line(time.time(), f"request {number} served")


def _selector(request: kmock.Request, name: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in request.params.get(name, "").split(",") if "=" in part)


def _field(each: Json, path: str) -> str:
    found: Any = each
    for word in path.split("."):
        found = found.get(word, {})
    return found if isinstance(found, str) else ""


def _plain(template: Json) -> Json:
    """A template without what kubectl adds to one that has passed through its types, as the API stores it."""
    boxes = [{key: value for key, value in box.items() if value != {}} for box in template["spec"]["containers"]]
    meta = {key: value for key, value in template["metadata"].items() if value is not None}
    return {"metadata": meta, "spec": {**template["spec"], "containers": boxes}}


def _log_line(at: float, text: str) -> bytes:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at % 1 * 1e9):09d}Z {text}\n".encode()


async def _json(payload: Json, request: kmock.Request) -> aiohttp.web.StreamResponse:
    return await Response(payload=payload)(request)


def _scale(found: Controller) -> Json:
    meta = {"name": found.name, "namespace": found.namespace, "uid": f"uid-{found.name}"}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {"replicas": found.wanted},
            "status": {"replicas": len(found.pods), "selector": f"app={found.name}"}}  # fmt: skip


class KubeApi:
    """The stand-in, listening on an address of this machine in a thread of its own."""

    def __init__(self, address: str, *, days: int = 2) -> None:
        self.cluster = Cluster()
        self.certificate = Certificate(address, days)
        self.url = ""
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="kube api", daemon=True)

    def __enter__(self) -> KubeApi:
        self._thread.start()
        if not self._up.wait(10):
            raise RuntimeError(f"the API stand-in did not come up at {self._address}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cluster.hung = False
        assert self._end is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def add(self, kind: str, path: str, replicas: int, fate: str = "ready") -> Controller:
        """A workload NAMESPACE/NAME."""
        namespace, _, name = path.partition("/")
        made = Controller(kind, namespace, name, replicas, fate)
        self.cluster.workloads[kind, namespace, name] = made
        return made

    def node(self, name: str, *addresses: str) -> None:
        """A machine of the cluster."""
        told = [{"type": "InternalIP", "address": address} for address in addresses]
        told.append({"type": "Hostname", "address": name})
        self.cluster.plain.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": f"uid-{name}"},
                                   "spec": {}, "status": {"addresses": told}})  # fmt: skip

    def service(self, path: str, *ports: Json, kind: str = "NodePort") -> None:
        """A service NAMESPACE/NAME with these entries of ``spec.ports``."""
        namespace, _, name = path.partition("/")
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
        spec = {"type": kind, "clusterIP": "10.96.17.4", "selector": {"app": name}, "ports": list(ports)}
        self.cluster.plain.append({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec,
                                   "status": {"loadBalancer": {}}})  # fmt: skip

    def config(self, *, user: str = "admin", context: str = "lab", namespace: str = "", server: str = "") -> str:
        """A kubeconfig for the stand-in."""
        own = {"cluster": f"{context}-cluster", "user": user, **({"namespace": namespace} if namespace else {})}
        cluster = {"server": server or self.url, "certificate-authority-data": self.certificate.data}
        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": context, "preferences": {},
            "clusters": [{"name": f"{context}-cluster", "cluster": cluster}],
            "contexts": [{"name": context, "context": own}],
            "users": [{"name": user, "user": {"token": user}}],
        })  # fmt: skip

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        async with self.cluster, self._server() as server:
            self.url = f"https://{self._address}:{server.port}"
            self._up.set()
            await self._end.wait()

    def _server(self) -> kmock.Server:
        return kmock.Server(self.cluster, host=self._address, server_cls=self.certificate.server)  # type: ignore[arg-type]
