"""Ways out where a container has the port: always the container, never the process that listens for it."""

from console.core.command import quote
from console.core.engines import is_daemon, is_engine
from console.core.finding import Proposal
from console.core.service import Service, ServiceRef
from console.diagnosis.evidence import Evidence
from console.diagnosis.spaces import is_published
from console.diagnosis.verdict import Holder
from console.managers.container_commands import go_on

_CLIENTS = ("docker", "docker-compose", "podman", "podman-compose")


def stop_container(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How a person stops a container that the console cannot act on; ``None`` where an engine listens for itself."""
    tool = _tool(holder)
    missing = missing_right(evidence) or _untold(evidence)
    if missing is not None and (unit := _run_by(evidence, holder)) is not None:
        return Proposal(
            "stop-container",
            f"stop {unit.name}, which seems to run that container",
            commands=(quote(("systemctl", "stop", "--", unit.name)),),
            recommended=True,
            reason_off=f"by hand: it runs a client of an engine, and names {holder.port}; {missing}",
        )
    if holder.container is not None:
        why = missing or f"the console does not see this container among those of {tool}"
        return Proposal(
            "stop-container",
            f"stop container {holder.container}",
            commands=(quote((tool, "stop", "--", holder.container)),),
            recommended=True,
            reason_off=f"by hand: {why}",
        )
    if is_daemon(holder.process) and missing is None:
        return None
    why = missing or f"{tool} names no container that publishes {holder.port}"
    spared = holder.process or "its engine"
    return Proposal(
        "find-container",
        f"find and stop the container that publishes {holder.port}",
        commands=("podman port --all" if tool == "podman" else f"docker ps --filter publish={holder.port}",),
        recommended=True,
        reason_off=f"by hand: {why}; never signal {spared}",
    )


def unpause(service: Service) -> Proposal:
    """How a person lets a container go on that is paused, who knows whether somebody looks into it."""
    why = "by hand: somebody paused it, perhaps to look into it"
    return Proposal("unpause", f"let {service.ref.name} go on", commands=(go_on(service),), reason_off=why)


def missing_right(evidence: Evidence) -> str | None:
    """Why the containers of this host are not told to this login, and what mends it; ``None`` where they are."""
    source = evidence.snapshot.source("docker")
    if source is None or source.failure is None:
        return None
    user = evidence.snapshot.identity.user if evidence.snapshot.identity is not None else "this user"
    if "permission denied" not in source.failure:
        return source.failure
    # Just to look, with which they are known: what stops one is named by the plan that does.
    looks = ", ".join(f"/usr/bin/docker {verb} *" for verb in ("ps", "inspect"))
    return f"{source.failure}, or sudoers: {user} ALL=(root) NOPASSWD: {looks}"


def _run_by(evidence: Evidence, holder: Holder) -> ServiceRef | None:
    """The one unit that runs a client of an engine and declares the port: it would start the container again.

    Which container an engine runs for whom is told only to who may ask it.
    """
    units = {
        service.ref
        for one in evidence.claims
        if (one.endpoint.protocol, one.endpoint.port) == (holder.protocol, holder.port)
        for service in evidence.snapshot.services
        if service.ref.scope == "system" and one.is_of(service.ref)
        if service.pids and service.program in _CLIENTS
    }
    return units.pop() if len(units) == 1 else None


def _untold(evidence: Evidence) -> str | None:
    """That nothing is known of any container yet, as in the first seconds of a host."""
    source = evidence.snapshot.source("docker")
    untold = source is None or (source.at is None and source.failure is None)
    return "no engine has told of its containers yet" if untold else None


def is_contained(holder: Holder) -> bool:
    """Whether what has the port is a container, or works for one."""
    return holder.container is not None or is_published(holder) or is_engine(holder.ref.name if holder.ref else None)


def _tool(holder: Holder) -> str:
    podman = holder.process in ("conmon", "rootlessport") or (holder.unit or "").startswith(("podman.", "libpod-"))
    return "podman" if podman or "podman" in holder.chain else "docker"
