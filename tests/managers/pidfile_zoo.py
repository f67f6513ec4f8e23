"""Processes with pid files on a lab host, and a look at them through the real probes."""

from __future__ import annotations

import shlex
from dataclasses import replace

from console.actions import ActionSettings, plan
from console.core.command import Command
from console.core.pid_file import PidFile
from console.core.plan import ActionKind, Intent, Plan
from console.core.service import Service, ServiceRef
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers import MANAGERS
from console.managers.join import with_ports
from console.managers.lineage import Lineage, mains
from console.managers.pidfile import PIDFILE, SURVEY_PROBE
from console.probes import family, identity, listeners
from console.remote.runner import new_plan_id
from console.remote.transport import Transport, TransportError
from tests.lab import Host
from tests.lab.host import SERVICE
from tests.remote.real import QUICK, ask

SOON = replace(QUICK, hold=0.5, respawn=0.5)

API = PidFile(
    "api", "/srv/api/api.pid", ("/usr/bin/env", "PORT=8080", "/usr/bin/python3", "/srv/api/api.py"), "/srv/api",
    "deploy", stop_timeout=5.0, logs=("/srv/api/api.log",),
)  # fmt: skip


async def asked(transport: Transport, probe: object, *args: str) -> str:
    """What a probe with arguments prints."""
    text = f"probe() {{\n{probe.script}\n}}\nprobe {shlex.join(args)}\n"  # type: ignore[attr-defined]
    output = await transport.run(Command(("sh",), timeout=20.0), text.encode())
    if output.exit != 0:
        raise TransportError("shell", output.stderr)
    return output.stdout.removesuffix("\n")


async def look(transport: Transport, *declared: PidFile, known: tuple[Service, ...] = ()) -> Snapshot:
    """The services with pid files and all that plans need."""
    who = await ask(transport, identity.PROBE)
    found = tuple(await ask(transport, listeners.PROBE))
    words = PIDFILE.survey_words(declared, known)
    services = SURVEY_PROBE.parse(await asked(transport, SURVEY_PROBE, *words))
    named = tuple(replace(service, ref=replace(service.ref, host=transport.host)) for service in services)
    pids = tuple(str(pid) for pid in mains(named))
    families = family.parse(await asked(transport, family.PROBE, *pids)) if pids else ()
    joined = Lineage().joined(named, {one.pid: one for one in families})
    return Snapshot(
        transport.host, Link(LinkState.UP, 0.0), identity=who, services=with_ports(joined, found), listeners=found
    )


def named(where: Snapshot, name: str) -> Service:
    return next(service for service in where.services if service.ref.name == name)


async def planned(
    transport: Transport, kind: ActionKind, *declared: PidFile, name: str = "api", settings: ActionSettings = SOON
) -> Plan:
    where = await look(transport, *declared)
    intent = Intent(kind, ServiceRef(transport.host, "pidfile", name))
    return plan(intent, where, managers=MANAGERS, settings=settings, plan_id=new_plan_id())


def install(host: Host) -> None:
    """The lab's web service below /srv, with no unit."""
    host.write("/srv/api/api.py", (SERVICE / "api.py").read_text(encoding="utf-8"), mode=0o755)
    host.sh("chown -R deploy: /srv/api")


def by_hand(
    host: Host, file: str, *argv: str, user: str = "deploy", log: str = "/dev/null", age: str = "", cwd: str = "/srv"
) -> int:
    """Start a program as one does without a manager; its number goes into a file."""
    words = shlex.join(argv)
    script = f"mkdir -p {shlex.quote(file.rpartition('/')[0])}; cd {cwd}; nohup {words} </dev/null >>{log} 2>&1 & "
    script += f"echo $! >{shlex.quote(file)}; cat {shlex.quote(file)}"
    pid = int(host.sh(script, user=user))
    if age:
        host.sh(f"touch -d {shlex.quote(age)} {shlex.quote(file)}")
    return pid
