"""A host as the console may know it, in plain values."""

from console.core.finding import Finding, Proposal, Severity
from console.core.network import Listener
from console.core.plan import ActionKind, Intent
from console.core.sample import CpuRate, CpuTimes, Memory, Pressure, Rates, Sample
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Identity, Link, LinkState, Snapshot, Source

API = ServiceRef("web1", "systemd", "api.service")
LEGACY = ServiceRef("web1", "systemd", "legacy.service")
AT = 1_795_183_200.0
"""2026-11-20T14:00:00Z"""

SAMPLE = Sample(
    uptime=1000.0,
    boot_id="b",
    cpus=(CpuTimes(1, 0, 1, 8, 0, 0, 0, 0),) * 3,
    load=(0.5, 0.4, 0.3),
    running=1,
    blocked=0,
    memory=Memory(total=1000, available=250, swap_total=0, swap_free=0),
    pressure_io=Pressure(1.0, 2.0, 0.5, 0.6),
    wall=AT,
)
RATES = Rates(1.0, CpuRate(10.04, 5.0, 1.5, 0.0), (CpuRate(10.0, 5.0, 1.5, 0.0),) * 2, (), ())

FAILED = Service(
    API,
    State.FAILED,
    "failed/failed",
    since=AT,
    restarts=5,
    wants=(Endpoint("tcp", "0.0.0.0", 8080),),
    result="exit-code",
    exit_code=1,
    chain=("systemd", "api.service"),
)
HOLDER = Service(
    LEGACY, State.RUNNING, "active/running", pids=(412,), ports=(Endpoint("tcp", "::", 8080),), cgroup="/system.slice/l"
)
LISTENER = Listener("tcp", "::", 8080, uid=990, user="deploy", pids=(412,), process="node", unit="legacy.service")
HIDDEN = Listener("udp", "127.0.0.1", 53, uid=101, user="resolve", unit="systemd-resolved.service")

STOP = Proposal(
    "stop-holder",
    "stop legacy.service",
    (Intent(ActionKind.STOP, LEGACY),),
    ("systemctl stop legacy.service",),
    recommended=True,
)
FINDING = Finding(
    "port-held",
    Severity.CRITICAL,
    "web1",
    str(API),
    "cannot bind tcp 8080, held by legacy.service",
    ("listen tcp :8080: bind: address already in use",),
    (STOP,),
    service=API,
    port=8080,
    since=AT,
)


def identity(user: str = "oncall", uid: int = 1000, groups: tuple[str, ...] = ("oncall",)) -> Identity:
    """Who the console is on the host."""
    tools = frozenset({"ss", "systemctl", "journalctl", "df", "timeout", "setsid", "sudo", "awk", "ps"})
    return Identity("web1", "Debian GNU/Linux 12", "6.1", user, uid, groups, tools, "/bin/bash", "252")


def snapshot(host: str = "web1", *, who: Identity | None = None) -> Snapshot:
    """A host that is up, with one failed service and its port held."""
    return Snapshot(
        host,
        Link(LinkState.UP, 100.0, rtt=0.0123),
        at=109.6,
        identity=who or identity(),
        sample=SAMPLE,
        rates=RATES,
        services=(FAILED, HOLDER),
        listeners=(LISTENER, HIDDEN),
        sources=(Source("vitals", 109.6), Source("docker", None, "permission denied on /var/run/docker.sock")),
        clock_skew=0.01,
    )


def down(host: str = "db1") -> Snapshot:
    """A host that cannot be reached."""
    return Snapshot(host, Link(LinkState.DOWN, 100.0, "no answer from db1:22 within 8 s", "timeout"))
