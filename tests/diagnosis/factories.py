"""Small makers of what a diagnosis looks at; every field has a plain default."""

from dataclasses import replace
from typing import Any

from console.core.declaration import Declared
from console.core.network import Listener, Process, Socket
from console.core.sample import CpuTimes, Memory, Sample
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Identity, Link, LinkState, LogLine, Snapshot, Source, Symptom

HOST = "web1"
NOW = 1_800_000_000.0


def ref(name: str = "api.service", scope: str = "system") -> ServiceRef:
    return ServiceRef(HOST, "systemd", name, scope)


def unit(name: str, state: State = State.RUNNING, **changes: Any) -> Service:
    native = {State.RUNNING: "active/running", State.FAILED: "failed/failed", State.STOPPED: "inactive/dead"}
    scope = changes.pop("scope", "system")
    made = Service(
        ref(name, scope),
        state,
        native.get(state, "activating/auto-restart"),
        cgroup=f"/system.slice/{name}" if state is State.RUNNING else None,
        chain=("systemd", name),
        since=NOW - 3600.0,
    )
    return replace(made, **changes)


def failed(name: str = "api.service", **changes: Any) -> Service:
    return unit(name, State.FAILED, **{"result": "exit-code", "exit_code": 1, "since": NOW - 20.0, **changes})


def listener(address: str = "0.0.0.0", port: int = 8080, **changes: Any) -> Listener:
    """A socket as root sees it: owner ``legacy.service``."""
    made = Listener(
        "tcp", address, port, inode=4711, uid=990, user="deploy", pids=(4112,), process="python3",
        unit="legacy.service", cgroup="/system.slice/legacy.service",
    )  # fmt: skip
    return replace(made, **changes)


def hidden(made: Listener) -> Listener:
    """The same socket as another user than its owner sees it."""
    return replace(made, pids=(), process=None)


def symptom(errno: str = "EADDRINUSE", address: str = "0.0.0.0", port: int | None = 8080, **changes: Any) -> Symptom:
    made = Symptom(
        ref(),
        errno,
        f"listen tcp {address}:{port}: bind: address already in use",
        Endpoint("tcp", address, port) if port is not None else None,
        at=NOW - 20.0,
        count=5,
    )
    return replace(made, **changes)


def identity(uid: int = 0, **changes: Any) -> Identity:
    made = Identity(HOST, "Debian GNU/Linux 12", "6.1", "root" if uid == 0 else "oncall", uid, systemd="252")
    return replace(made, **changes)


def sample(**changes: Any) -> Sample:
    idle = CpuTimes(0, 0, 0, 100, 0, 0, 0, 0)
    memory = Memory(total=8 << 30, available=6 << 30, swap_total=0, swap_free=0)
    made = Sample(uptime=86_400.0, boot_id="b", cpus=(idle,), load=(0.0, 0.0, 0.0), running=1, blocked=0, memory=memory,
                  wall=NOW)  # fmt: skip
    return replace(made, **changes)


def snapshot(**changes: Any) -> Snapshot:
    """A host that is up and whose sources have all answered."""
    made = Snapshot(
        HOST,
        Link(LinkState.UP, 10.0),
        at=100.0,
        identity=identity(),
        sample=sample(),
        declared=Declared(),
        sources=(Source("listeners", 100.0), Source("systemd", 100.0), Source("vitals", 100.0)),
    )
    return replace(made, **changes)


def process(pid: int = 4112, **changes: Any) -> Process:
    made = Process(pid, "python3", user="deploy", command="/usr/bin/python3 /srv/legacy/api.py", age=518_400.0)
    return replace(made, **changes)


def socket(state: str = "ESTAB", port: int = 8080, **changes: Any) -> Socket:
    made = Socket("tcp", state, "10.0.0.5", port, "10.0.0.9", 51234)
    return replace(made, **changes)


def log(text: str, *, pid: int = 7) -> tuple[LogLine, ...]:
    return tuple(LogLine(HOST, "api.service", "journal", line, at=NOW - 20.0, pid=pid) for line in text.splitlines())
