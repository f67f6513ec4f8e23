"""A fleet as the screens see it: a port that is held, a disk that fills, a slow disk, a host that is down."""

from dataclasses import replace
from datetime import UTC

from console.config.model import Config
from console.core.finding import Finding, Proposal, Severity
from console.core.network import Listener, Process
from console.core.plan import ActionKind, Intent
from console.core.sample import (
    CpuRate,
    CpuTimes,
    DiskRate,
    Filesystem,
    InterfaceRate,
    Memory,
    Pressure,
    Rates,
    Sample,
)
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Identity, Link, LinkState, Snapshot, Source, Symptom
from console.remote.transport import HostSpec
from console.ui.app import DeckApp
from console.ui.clock import Clock
from console.ui.screens.deck_screen import DeckScreen
from tests.ui.fake import FakeDiagnoser, FakeFleet, FakePlanner

NOW = 5000.0
WALL = 1_795_183_351.0
CLOCK = Clock(lambda: NOW, lambda: WALL, UTC)
HOSTILE = "a;$(x)[/b]\u2028[@click=app.quit]x"
GIB = 1 << 30

API = ServiceRef("web-3", "systemd", "api.service")
LEGACY = ServiceRef("web-3", "systemd", "legacy.service")
PORT = Endpoint("tcp", "0.0.0.0", 8080)


def specs() -> tuple[HostSpec, ...]:
    return (
        HostSpec("web-1", "web-1", groups=("shop",)),
        HostSpec("web-3", "web-3", groups=("shop",), production=True),
        HostSpec("db-1", "db-1", groups=("shop",), production=True, read_only=True),
        HostSpec("old-1", "old-1", groups=("shop",)),
    )


def service(host: str, name: str, state: State = State.RUNNING, **more: object) -> Service:
    native = {State.RUNNING: "active/running", State.FAILED: "failed/failed", State.STOPPED: "inactive/dead"}
    base = Service(
        ServiceRef(host, "systemd", name),
        state,
        native.get(state, "activating/auto-restart"),
        since=WALL - 86400 * 2,
        chain=("systemd", name),
        user="deploy",
        restart_policy="on-failure",
        enabled="enabled",
        unit_file=f"/etc/systemd/system/{name}",
        restarts=0,
    )
    if state is State.RUNNING:
        base = replace(base, pids=(4112,), memory=22 << 20, cpu_seconds=812.0, tasks=7)
    return replace(base, **more)  # type: ignore[arg-type]


def sample(busy: float = 12.0, iowait: float = 0.4, used: float = 0.4) -> tuple[Sample, Rates]:
    total = 16 * GIB
    times = CpuTimes(1, 0, 1, 8, 0, 0, 0, 0)
    looked = Sample(
        uptime=86400.0,
        boot_id="b",
        cpus=(times,) * 5,
        load=(busy / 25, 0.8, 0.7),
        running=2,
        blocked=3 if iowait > 20 else 0,
        memory=Memory(total, int(total * (1 - used)), 2 * GIB, 2 * GIB),
        pressure_cpu=Pressure(1.0, 1.0, 0.0, 0.0),
        pressure_io=Pressure(iowait, iowait, iowait / 2, iowait / 2),
        pressure_memory=Pressure(0.0, 0.0, 0.0, 0.0),
    )
    core = CpuRate(busy * 0.7, busy * 0.3, iowait, 0.0)
    rates = Rates(
        1.0,
        core,
        (core, CpuRate(busy * 0.4, busy * 0.1, iowait, 0.0), core, CpuRate(1.0, 1.0, 0.0, 0.0)),
        (DiskRate("vda", 2e5, 4e5, 12.0, 0.8, min(99.0, iowait * 1.5)), DiskRate("vdb", 1e4, 6e7, 900.0, 42.0, 98.0)),
        (InterfaceRate("lo", 9e6, 9e6, 0.0), InterfaceRate("eth0", 1.2e6, 8e5, 0.0)),
    )
    return looked, rates


def up(host: str, **more: object) -> Snapshot:
    looked, rates = sample()
    base = Snapshot(
        host,
        Link(LinkState.UP, NOW - 600, rtt=0.012),
        at=NOW - 1,
        identity=Identity(
            host, "Debian 12", "6.1.0", "oncall", 1001, ("adm",), frozenset({"ss", "sudo"}), "bash", "252"
        ),
        sample=looked,
        rates=rates,
        filesystems=(
            Filesystem("/", "/dev/vda1", "ext4", 40 * GIB, 21 * GIB, 17 * GIB),
            Filesystem("/var", "/dev/vda2", "ext4", 100 * GIB, 48 * GIB, 47 * GIB),
        ),
        services=(
            service(host, "cron.service", memory=3 << 20),
            service(host, "nginx.service", ports=(Endpoint("tcp", "0.0.0.0", 80), Endpoint("tcp", "0.0.0.0", 443))),
            service(host, "ssh.service", ports=(Endpoint("tcp", "0.0.0.0", 22),)),
            service(host, "backup.service", State.STOPPED),
        ),
        listeners=(
            Listener("tcp", "0.0.0.0", 22, 11, 0, "root", (600,), "sshd", "ssh.service", "/system.slice/ssh.service"),
            Listener("tcp", "0.0.0.0", 80, 12, 0, "root", (700, 701), "nginx", "nginx.service"),
            Listener("tcp", "0.0.0.0", 443, 13, 0, "root", (700, 701), "nginx", "nginx.service"),
            Listener("udp", "127.0.0.53", 53, 14, 101, "systemd-resolve", (), None, None),
        ),
        sources=(Source("vitals", NOW - 1), Source("systemd", NOW - 1), Source("listeners", NOW - 1)),
        complete=True,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def web3(*, mended: bool = False) -> Snapshot:
    base = up("web-3")
    if mended:
        api = service("web-3", "api.service", ports=(PORT,), pids=(5005,), since=WALL - 12)
        legacy = service("web-3", "legacy.service", State.STOPPED, since=WALL - 14)
        holder = Listener("tcp", "0.0.0.0", 8080, 99, 990, "deploy", (5005,), "api", "api.service")
    else:
        api = service(
            "web-3",
            "api.service",
            State.FAILED,
            since=WALL - 131,
            wants=(PORT,),
            result="exit-code",
            exit_code=1,
            restarts=5,
            description="The shop's API",
        )
        legacy = service("web-3", "legacy.service", ports=(Endpoint("tcp", "127.0.0.1", 8080),))
        holder = Listener("tcp", "127.0.0.1", 8080, 98, 990, "deploy", (4112,), "node", "legacy.service")
    line = "listen tcp 0.0.0.0:8080: bind: address already in use"
    return replace(
        base,
        services=(api, legacy, *base.services),
        listeners=(*base.listeners, holder),
        symptoms=() if mended else (Symptom(API, "EADDRINUSE", line, PORT, WALL - 131, 5),),
    )


def held() -> Finding:
    return Finding(
        "port-held",
        Severity.CRITICAL,
        "web-3",
        str(API),
        "cannot bind tcp 8080, held by legacy.service",
        evidence=(
            "listen tcp 0.0.0.0:8080: bind: address already in use (5 times)",
            "127.0.0.1:8080 is held by node pid 4112 (user deploy), unit legacy.service",
        ),
        proposals=(
            Proposal(
                "stop-holder",
                "stop legacy.service, then start api.service",
                (Intent(ActionKind.STOP, LEGACY), Intent(ActionKind.START, API)),
                ("systemctl stop legacy.service", "systemctl start api.service"),
                recommended=True,
            ),
            Proposal(
                "restart", "restart api.service", (Intent(ActionKind.RESTART, API),), ("systemctl restart api.service",)
            ),
            Proposal(
                "other-port",
                "start api.service on 8081 (no listener seen)",
                reason_off="its port is not set by the console",
            ),
        ),
        service=API,
        port=8080,
        since=WALL - 131,
    )


def slow_disk() -> Finding:
    return Finding(
        "iowait",
        Severity.WARNING,
        "db-1",
        "host",
        "IO wait 62 %: postgres writes to vdb",
        evidence=("vdb 98 % busy, 42 ms a request", "3 processes in state D: postgres"),
        since=WALL - 360,
    )


def full() -> Finding:
    return Finding("filesystem-full", Severity.WARNING, "web-1", "/var", "94 % full, 6.0 GiB left", since=WALL - 2460)


def down() -> Finding:
    return Finding(
        "host-down", Severity.CRITICAL, "old-1", "host", "cannot be reached: connection timed out", since=WALL - 40
    )


def db1() -> Snapshot:
    looked, rates = sample(18.0, 62.0, 0.91)
    return up(
        "db-1",
        sample=looked,
        rates=rates,
        blocked=(Process(900, "postgres", 1, "postgres", "D", wait_channel="wait_on_page_bit"),),
        sources=(*up("db-1").sources, Source("docker", None, "no right: join group docker")),
    )


def fleet(*, quiet: bool = False) -> FakeFleet:
    made = FakeFleet(specs())
    if quiet:
        for spec in made.hosts:
            made.push(up(spec.name))
        return made
    filesystems = (*up("web-1").filesystems[:1], Filesystem("/var", "/dev/vda2", "ext4", 100 * GIB, 94 * GIB, 6 * GIB))
    made.push(up("web-1", filesystems=filesystems), full())
    made.push(web3(), held())
    made.push(db1(), slow_disk())
    made.push(Snapshot("old-1", Link(LinkState.DOWN, NOW - 40, "connection timed out", "timeout", attempts=3)), down())
    made.after["web-3"] = (web3(mended=True), ())
    return made


def app(
    made: FakeFleet | None = None, *, read_only: bool = False, planner: FakePlanner | None = None, **config: object
) -> DeckApp:
    return DeckApp(
        made if made is not None else fleet(),
        Config(**config),  # type: ignore[arg-type]
        planner=planner,
        diagnoser=FakeDiagnoser(),
        read_only=read_only,
        clock=CLOCK,
    )


def text_of(deck_app: DeckApp) -> str:
    """The screen as lines of text, as a terminal would show it."""
    screen = deck_app.screen
    strips = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def front(deck_app: DeckApp) -> DeckScreen:
    screen = deck_app.front()
    assert screen is not None
    return screen
