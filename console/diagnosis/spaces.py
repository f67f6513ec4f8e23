"""Holders on behalf of others: what listens for a container, and who lives in a network namespace of its own."""

import re
from dataclasses import dataclass, replace

from console.core.engines import container_of, is_daemon, is_engine, is_publisher
from console.core.network import Listener, Process, unit_of
from console.core.overlap import same_address
from console.core.service import Endpoint, Service, ServiceRef
from console.diagnosis.evidence import Evidence
from console.diagnosis.respawn import NEW_POD, is_respawn_known, respawn_of
from console.diagnosis.verdict import Confidence, Holder
from console.managers.join import Owners, container_at
from console.managers.kubernetes_ports import NodePod
from console.probes.namespaces import Namespace, Proxy

_pod_group = re.compile(r"/(?:kubepods[a-z-]*-)?pod([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})[./]")
ENGINES = ("docker", "compose")
"""Managers of containers."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Who lives in a network namespace, as far as it was seen."""

    process: Process | None = None
    service: Service | None = None
    container: str | None = None
    unit: str | None = None
    pod: NodePod | None = None
    cgroup: str | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """Who runs it, outermost first."""
        if self.service is not None:
            return self.service.chain or (self.service.ref.manager, self.service.ref.name)
        above = ("systemd", self.unit) if self.unit is not None and self.container is None else ()
        return (*above, *((f"container {self.container}",) if self.container is not None else ()))


def is_published(holder: Holder) -> bool:
    """Whether the port is held on behalf of a container, and not by what works with it."""
    return is_publisher(holder.process) or is_engine(holder.unit) or is_daemon(holder.process)


def is_hidden_container(holder: Holder) -> bool:
    """Whether an engine holds the port and which of its containers it is for is not known."""
    if holder.container is not None or not is_published(holder):
        return False
    # An engine may listen for itself as well.
    return not is_daemon(holder.process)


def completed(evidence: Evidence, holder: Holder, service: Service | None, listener: Listener) -> Holder:
    """The holder of a socket with the container that it is, or for which it has the port."""
    cgroup = listener.cgroup
    contained = service is not None and service.ref.manager in ENGINES
    if service is None and (ident := container_of(cgroup)) is not None:
        # It has the network of the host, and its engine does not tell of it.
        found = replace(holder, container=ident, chain=(f"container {ident}",))
        pod = pod_of(evidence, cgroup)
        return unknown_pod(found, cgroup) if pod is None else with_pod(evidence, found, pod)
    if not contained and not is_published(holder):
        return holder
    proxy = proxy_of(evidence, listener)
    to = Endpoint(proxy.protocol, proxy.to_address, proxy.to_port) if proxy is not None else _sent_to(evidence, holder)
    if proxy is not None and holder.pid is None:
        holder = replace(holder, pid=proxy.pid, process=proxy.process, known_by=(*holder.known_by, "proxy"))
    if service is not None and contained:
        found = replace(holder, container=container_at(service, holder.endpoint), to=to)
        if not is_published(holder):
            return found
        up = max(0.0, evidence.now - service.since) if evidence.now is not None and service.since is not None else None
        return replace(found, since=service.since, up=up, connections=connections_at(evidence, to))
    resident = resident_at(evidence, to)
    if resident is not None and resident.container is not None:
        known = resident.service if resident.service is not None and resident.service.ref.manager in ENGINES else None
        chain = (*holder.chain[:2], "docker", *resident.chain) if known is None else resident.chain
        return replace(
            holder,
            ref=known.ref if known is not None else None,
            container=resident.container,
            chain=chain,
            to=to,
            respawn=respawn_of(evidence.snapshot, known),
            told=is_respawn_known(known),
            since=None,
            up=None,
            command=resident.process.command if resident.process is not None else None,
            cwd=resident.process.cwd if resident.process is not None else None,
            ppid=resident.process.ppid if resident.process is not None else None,
            connections=connections_at(evidence, to),
        )
    if not is_hidden_container(holder):
        return holder
    # Whatever starts the engine again does not say whether the container comes back.
    hidden = replace(holder, ref=None, label=holder.unit or holder.process, respawn=None, connections=None)
    return hidden if holder.pid is not None else replace(hidden, since=None, up=None)


def proxy_of(evidence: Evidence, listener: Listener) -> Proxy | None:
    """The process that has a socket for a container; ``None`` where two say so of different ones.

    Its words alone prove nothing, since anybody may run a program with them. It must be root's, and what the kernel
    tells of the socket must be true of it.
    """
    known = evidence.namespaces.proxies if evidence.namespaces is not None else ()
    found = {(one.to_address, one.to_port): one for one in known if _has(one, listener)}
    return next(iter(found.values())) if len(found) == 1 else None


def _has(proxy: Proxy, listener: Listener) -> bool:
    if (proxy.protocol, proxy.port) != (listener.protocol, listener.port):
        return False
    if not same_address(proxy.address, listener.address) or proxy.uid != 0 or listener.uid not in (None, 0):
        return False
    if listener.pids and proxy.pid not in listener.pids:
        return False
    return listener.cgroup is None or proxy.cgroup in (None, listener.cgroup)


def connections_at(evidence: Evidence, place: Endpoint | None) -> int | None:
    """How many connections a port has inside its namespace; ``None`` where that was not seen."""
    if place is None or evidence.namespaces is None:
        return None
    space = evidence.namespaces.at(place.address)
    known = space.connections if space is not None else ()
    return next((count for protocol, port, count in known if (protocol, port) == (place.protocol, place.port)), None)


def resident_at(evidence: Evidence, place: Endpoint | None) -> Resident | None:
    """Who lives at an address that is not the host's own."""
    if place is None or evidence.namespaces is None:
        return None
    space = evidence.namespaces.at(place.address)
    if space is None:
        return None
    listener = next((one for one in space.listeners if (one.protocol, one.port) == (place.protocol, place.port)), None)
    return resident_of(evidence, space, listener)


def resident_of(evidence: Evidence, space: Namespace, listener: Listener | None = None) -> Resident:
    """Who lives in a namespace: the service of the process that listens, else of the first that is known."""
    process = space.holder(listener) if listener is not None else None
    owners = Owners(evidence.snapshot.services)
    for one in (process, *space.processes):
        if one is None:
            continue
        service = owners.of_pid(one.pid) or owners.of_cgroup(one.cgroup)
        container = container_of(one.cgroup)
        if service is not None and service.ref.manager in ENGINES:
            name = service.members[0] if service.members else container
            return Resident(process, service, name, unit_of(one.cgroup))
        if container is not None or service is not None:
            pod = pod_of(evidence, one.cgroup)
            return Resident(process, service, container, unit_of(one.cgroup), pod, one.cgroup)
    first = next(iter(space.processes), None)
    return Resident(process, None, None, unit_of(first.cgroup) if first is not None else None)


def as_holder(evidence: Evidence, resident: Resident, place: Endpoint, known_by: tuple[str, ...]) -> Holder:
    """A resident as the holder of a place."""
    service, process = resident.service, resident.process
    since = service.since if service is not None else None
    up = max(0.0, evidence.now - since) if evidence.now is not None and since is not None else None
    made = Holder(
        place.protocol,
        place.address,
        place.port,
        pid=process.pid if process is not None else None,
        process=process.name if process is not None else None,
        ref=service.ref if service is not None else None,
        unit=resident.unit,
        container=resident.container,
        chain=resident.chain,
        since=since,
        up=up,
        respawn=respawn_of(evidence.snapshot, service),
        told=is_respawn_known(service),
        command=process.command if process is not None else None,
        cwd=process.cwd if process is not None else None,
        ppid=process.ppid if process is not None else None,
        confidence=Confidence.HIGH if {"inode", "manager"} & set(known_by) else Confidence.MEDIUM,
        known_by=known_by,
    )
    return unknown_pod(made, resident.cgroup) if resident.pod is None else with_pod(evidence, made, resident.pod)


def unknown_pod(holder: Holder, cgroup: str | None) -> Holder:
    """A holder in a pod of which no cluster tells this login; the same one where it is in none."""
    found = _pod_group.search((cgroup or "").replace("_", "-"))
    if found is None or holder.ref is not None:
        return holder
    return replace(holder, label=f"pod {found[1]}", chain=("kubernetes", f"pod {found[1]}"))


def pod_of(evidence: Evidence, cgroup: str | None) -> NodePod | None:
    """The pod to which a control group belongs, as the cluster tells of it."""
    if evidence.cluster is None or "kubepods" not in (cgroup or ""):
        return None
    words = (cgroup or "").replace("_", "-")
    return next((pod for pod in evidence.cluster.pods if pod.uid and f"pod{pod.uid}" in words), None)


def with_pod(evidence: Evidence, holder: Holder, pod: NodePod) -> Holder:
    """A holder as a pod of the cluster, and as the workload that made it."""
    context = evidence.cluster.context if evidence.cluster is not None else ""
    ref = ServiceRef(evidence.snapshot.host, "kubernetes", pod.workload) if pod.workload is not None else None
    service = evidence.snapshot.service(ref) if ref is not None else None
    above = (
        service.chain if service is not None else ("kubernetes", context, *((pod.workload,) if pod.workload else ()))
    )
    return replace(
        holder,
        ref=service.ref if service is not None else None,
        label=pod.shown,
        chain=(*above, pod.shown),
        respawn=NEW_POD if pod.workload is not None else None,
    )


def _sent_to(evidence: Evidence, holder: Holder) -> Endpoint | None:
    """Where the kernel sends what comes to a port that an engine only keeps for a container."""
    found = evidence.redirects.found if evidence.redirects is not None else ()
    for one in found:
        if one.to_address is not None and one.ports and one.takes(holder.protocol, holder.port):
            return Endpoint(holder.protocol, one.to_address, one.to_port or holder.port)
    return None
