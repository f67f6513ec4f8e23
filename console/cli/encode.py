"""JSON for scripts. Schemas are stable: things are added, never removed or renamed without a new number."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.cli.streams import when
from console.core.finding import Finding, Proposal
from console.core.freshness import of_service
from console.core.moments import iso
from console.core.network import Listener
from console.core.sample import Memory, Pressure, Rates, Sample
from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine, Snapshot

if TYPE_CHECKING:
    from console.core.declaration import Declaration
    from console.diagnosis.drift import Drift
    from console.diagnosis.portmap import Entry

Json = dict[str, Any]


def emit(schema: str, body: Json) -> None:
    """Print one document of a schema, e.g. ``status/1``."""
    print(dumps({"schema": f"hostdeck.{schema}", **body}, indent=2))


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON that standard output can carry."""
    ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)


def rounded(value: float | None, digits: int = 1) -> float | None:
    """A number of as many digits as it deserves."""
    return None if value is None else round(value, digits)


def host(snapshot: Snapshot, now: float) -> Json:
    """A host of ``status``. ``now`` is the console's monotonic clock, as the times of a snapshot are."""
    link, identity = snapshot.link, snapshot.identity
    sample, rates = snapshot.sample, snapshot.rates
    return {
        "host": snapshot.host,
        "state": link.state.value,
        "age": rounded(now - snapshot.at) if snapshot.at is not None else None,
        "error": link.error,
        "code": link.code,
        "rtt": rounded(link.rtt, 4),
        "user": identity.user if identity else None,
        "os": identity.os if identity else None,
        "kernel": identity.kernel if identity else None,
        "clock_skew": rounded(snapshot.clock_skew, 2),
        **_vitals(sample, rates),
        "filesystems": [asdict(filesystem) for filesystem in snapshot.filesystems],
        "blocked": [{"pid": process.pid, "name": process.name} for process in snapshot.blocked],
        "sources": [
            {"source": source.name, "age": rounded(now - source.at) if source.at is not None else None}
            for source in snapshot.sources
        ],
    }


def _vitals(sample: Sample | None, rates: Rates | None) -> Json:
    cpu = rates.cpu if rates else None
    return {
        "cpu": {
            "user": rounded(cpu.user),
            "system": rounded(cpu.system),
            "iowait": rounded(cpu.iowait),
            "steal": rounded(cpu.steal),
            "cores": len(rates.cores),
        }
        if cpu and rates
        else None,
        "iowait": rounded(cpu.iowait) if cpu else None,
        "load": list(sample.load) if sample else None,
        "uptime": rounded(sample.uptime) if sample else None,
        "boot_id": sample.boot_id if sample else None,
        "memory": _memory(sample.memory) if sample else None,
        "pressure": {
            "cpu": _pressure(sample.pressure_cpu),
            "io": _pressure(sample.pressure_io),
            "memory": _pressure(sample.pressure_memory),
        }
        if sample
        else None,
        "disks": [{**asdict(disk)} for disk in rates.disks] if rates else [],
        "interfaces": [{**asdict(interface)} for interface in rates.interfaces] if rates else [],
    }


def _memory(memory: Memory) -> Json:
    used = 100 * (1 - memory.available / memory.total) if memory.total else None
    return {**asdict(memory), "used_percent": rounded(used)}


def _pressure(pressure: Pressure | None) -> Json | None:
    return asdict(pressure) if pressure else None


def service(found: Service, snapshot: Snapshot, now: float) -> Json:
    """A service of ``status``. Its age is that of its source; where it is stale, all else is as it was told then."""
    fresh = of_service(snapshot, found)
    return {
        **reference(found.ref),
        "state": found.state.value,
        "native_state": found.native_state,
        "description": found.description,
        "pids": list(found.pids),
        "since": iso(found.since),
        "restarts": found.restarts,
        "ports": [str(endpoint) for endpoint in found.ports],
        "wants": [str(endpoint) for endpoint in found.wants],
        "chain": list(found.chain),
        "result": found.result,
        "exit_code": found.exit_code,
        "exit_signal": found.exit_signal,
        "enabled": found.enabled,
        "unit_file": found.unit_file,
        "needs_reload": found.needs_reload,
        "version": found.version,
        "image": _image(found),
        "memory": found.memory,
        "cpu_seconds": rounded(found.cpu_seconds, 2),
        "user": found.user,
        "age": rounded(fresh.age(now)),
        "stale": fresh.stale,
        "adrift": found.adrift,
        "files_wrong": found.files_wrong,
        "health": _health(found, snapshot, now),
    }


def _health(found: Service, snapshot: Snapshot, now: float) -> Json | None:
    """What its manager says of its health, and what the check did that the configuration declares."""
    check = snapshot.health_of(found.ref)
    if found.health is None and check is None:
        return None
    return {
        "manager": found.health,
        "check": check
        and {
            "well": check.well,
            "said": check.said,
            "age": rounded(now - check.at),
            "since": iso(check.since),
            "failures": check.failures,
        },
    }


def _image(found: Service) -> Json | None:
    """What its containers were made from; the labels are the image's own words."""
    if found.image is None:
        return None
    origin = found.origin
    return {
        "name": found.image,
        "id": origin.ident if origin else None,
        "revision": origin.revision if origin else None,
        "source": origin.source if origin else None,
    }


def reference(ref: ServiceRef) -> Json:
    """The identity of a service, as text and in its parts."""
    return {"ref": str(ref), "host": ref.host, "manager": ref.manager, "name": ref.name, "scope": ref.scope}


def finding(found: Finding) -> Json:
    """A finding of ``status``."""
    return {
        "code": found.code,
        "severity": found.severity.value,
        "host": found.host,
        "subject": found.subject,
        "summary": found.summary,
        "evidence": list(found.evidence),
        "since": iso(found.since),
        "actions": [proposal(way) for way in found.proposals],
    }


def proposal(way: Proposal) -> Json:
    """A way out, with the commands it would run."""
    return {
        "id": way.id,
        "label": way.label,
        "recommended": way.recommended,
        "commands": list(way.commands),
        "reason_off": way.reason_off,
    }


def failures(snapshots: Iterable[Snapshot]) -> list[Json]:
    """What was not seen, and why: hosts that are not reached and sources that did not answer."""
    found: list[Json] = []
    for snapshot in snapshots:
        if snapshot.link.error:
            found.append({"host": snapshot.host, "source": "ssh", "reason": snapshot.link.error})
        found += [
            {"host": snapshot.host, "source": source.name, "reason": source.failure}
            for source in snapshot.sources
            if source.failure
        ]
    return found


def listener(host_name: str, found: Listener, owner: Service | None) -> Json:
    """A listener of ``ports``. Confidence: high with the process, medium with its cgroup or user only."""
    from console.managers.join import container_at

    sure = "high" if found.pids else "medium" if found.unit or found.uid is not None else "low"
    return {
        "host": host_name,
        "protocol": found.protocol,
        "address": found.address,
        "port": found.port,
        "pid": found.pid,
        "pids": list(found.pids),
        "process": found.process,
        "user": found.user,
        "uid": found.uid,
        "unit": found.unit,
        "manager": owner.ref.manager if owner else None,
        "service": owner.ref.name if owner else None,
        "scope": owner.ref.scope if owner else None,
        "container": container_at(owner, found),
        "interface": found.interface,
        "v6only": found.v6only,
        "confidence": sure,
    }


def declared(host_name: str, claim: "Declaration") -> Json:
    """A declaration of ``ports``; ``last`` ends a range, of which one is taken where ``choice`` says so."""
    from console.diagnosis.as_json import declaration

    return {"host": host_name, **declaration(claim), "scope": claim.scope or None, "choice": claim.choice}


def mapped(entry: "Entry") -> Json:
    """A port of the map of ``ports``."""
    return {
        "host": entry.host,
        "protocol": entry.protocol,
        "port": entry.port,
        "fit": entry.fit.value,
        "when": entry.when,
        "summary": entry.summary or None,
        "services": [str(ref) for ref in entry.services],
        "addresses": [listener.address for listener in entry.listeners],
        "declared_by": [{"service": claim.service, "where": claim.where} for claim in entry.declared_by],
    }


def drift(found: "Drift") -> Json:
    """A service that has another port on one host than on most."""
    return {
        "host": found.host,
        "service": str(found.ref),
        "ports": list(found.ports),
        "usual": list(found.usual),
        "hosts": found.hosts,
        "summary": found.summary,
    }


def log_line(line: LogLine) -> Json:
    """A line of ``logs``."""
    known = when(line)
    at = datetime.fromtimestamp(known, UTC).isoformat(timespec="milliseconds") if known is not None else None
    return {
        "host": line.host,
        "service": line.service,
        "source": line.source,
        "at": at.replace("+00:00", "Z") if at else None,
        "level": line.level,
        "message": line.message,
        "pid": line.pid,
        "dropped": line.dropped,
        "fields": dict(line.fields),
    }
