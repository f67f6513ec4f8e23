"""What the real tools would print on a demo host: the console's own parsers read it."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime

from console.demo.world import BOOT, DemoHost, Unit
from console.managers import DETECTED
from console.probes.identity import TOOLS

_TICKS = 100
_ABSENT = frozenset(found.presence.name for found in DETECTED)
_USERS = {"root": 0, "www-data": 33, "deploy": 1000, "postgres": 113, "rabbitmq": 114, "redis": 115}

Args = tuple[str, ...]


def answer(host: DemoHost, probe: str, args: Args) -> tuple[str, str]:
    """Status and output of a probe; status 127 for one that the demo does not know."""
    if probe in _ABSENT:
        return "0", ""
    render = _RENDER.get(probe)
    return ("0", render(host, args)) if render is not None else ("127", f"the demo has no {probe}")


def _vitals(host: DemoHost, _args: Args) -> str:
    lines = [f"demo-{host.name} {BOOT + host.clock:.2f} 0.00 {_load(host):.2f} {_load(host):.2f} 0.80 1/312 4242"]
    waiting = 38.0 if host.waits_for_disk() else 0.4
    for resource, some in (("cpu", 0.8), ("io", waiting), ("memory", 0.0)):
        for kind, share in (("some", 1.0), ("full", 0.7)):
            lines.append(f"{resource} {kind} avg10={some * share:.2f} avg60={some * share:.2f}")
    cores = [_core(host, number) for number in range(host.cores)]
    lines.append("cpu " + " ".join(str(sum(column)) for column in zip(*cores, strict=True)))
    lines += [f"cpu{number} " + " ".join(map(str, core)) for number, core in enumerate(cores)]
    lines += ["procs_running 1", f"procs_blocked {3 if host.waits_for_disk() else 0}"]
    total = host.memory // 1024
    lines += [f"mem MemTotal: {total}", f"mem MemFree: {total // 9}"]
    lines += [f"mem MemAvailable: {int(total * (1 - host.used))}", "mem SwapTotal: 0", "mem SwapFree: 0"]
    operations, written = (900, 150_000) if host.waits_for_disk() else (12, 300)
    seconds = int(BOOT + host.clock)
    busy = 990 if host.waits_for_disk() else 9
    lines.append(
        f"disk vda {seconds * 4} {seconds * 90} {seconds * 3} {seconds * operations} {seconds * written} "
        f"{seconds * operations * (41 if host.waits_for_disk() else 1)} {seconds * busy}"
    )
    lines.append(f"net eth0 {seconds * 310_000} 0 0 {seconds * 120_000} 0 0")
    lines.append("oom_kill 0")
    return "\n".join(lines)


def _load(host: DemoHost) -> float:
    return host.cores * host.busy / 100 + (3.2 if host.waits_for_disk() else 0.0)


def _core(host: DemoHost, number: int) -> tuple[int, ...]:
    """Ticks since boot; the integral of a wave, so that rates move a little and never run backwards."""
    seconds = BOOT + host.clock
    wave = math.sin(host.clock / 7 + number + len(host.name)) * 0.35
    integral = seconds + wave * 7
    busy = host.busy / 100 * (1.0 + 0.25 * number / host.cores)
    waits = 0.62 if host.waits_for_disk() else host.iowait / 100
    user, system, waiting = (int(integral * share * _TICKS) for share in (busy * 0.72, busy * 0.28, waits))
    idle = int(seconds * _TICKS * 1.2) - user - system - waiting
    return (user, 0, system, idle, waiting, 0, 0, 0)


def _identity(host: DemoHost, _args: Args) -> str:
    return "\n".join(
        (
            f"hostname={host.name}",
            "os=Debian GNU/Linux 12 (bookworm)",
            "kernel=6.1.0-40-amd64",
            "user=root",
            "uid=0",
            "groups=root",
            "shell=/bin/bash",
            "systemd=systemd 252 (252.39-1~deb12u2)",
            "tools= " + " ".join(tool for tool in TOOLS if tool not in {"docker", "kubectl", "pm2", "podman"}),
        )
    )


def _clock(host: DemoHost, _args: Args) -> str:
    return f"{host.wall():.9f}"


def _listeners(host: DemoHost, _args: Args) -> str:
    rows, users = [], {0: "root"}
    for unit in host.units.values():
        uid = _USERS.get(unit.user, 900)
        users[uid] = unit.user
        for number, port in enumerate(unit.ports if unit.running else ()):
            address = f"[{port.address}]" if ":" in port.address else port.address
            state = "LISTEN" if port.protocol == "tcp" else "UNCONN"
            rows.append(
                f"{port.protocol} {state} 0 511 {address}:{port.number} {'[::]' if ':' in address else '*'}:* "
                f'users:(("{unit.process[:15]}",pid={unit.pid},fd={6 + number}))'
                + (f" uid:{uid}" if uid else "")
                + f" ino:{unit.pid * 16 + number} sk:{unit.pid + number:x} cgroup:/system.slice/{unit.name}"
                + (" v6only:0" if ":" in address and port.number != 22 else " v6only:1" if ":" in address else "")
                + " <->"
            )
    return "\n".join((*rows, *(f"hostdeck-user: {uid} {name}" for uid, name in users.items())))


def _filesystems(host: DemoHost, _args: Args) -> str:
    size = 100 << 20
    rows = [("ext4", host.full, "/", "/dev/vda1"), ("ext4", host.var_full, "/var", "/dev/vda2")]
    lines = ["gnu", "Type 1K-blocks Used Avail Inodes IUsed Mounted on"]
    lines += [
        f"{kind} {size} {int(size * full)} {int(size * (1 - full))} 6553600 {int(655360 * full)} {mount}"
        for kind, full, mount, _ in rows
    ]
    lines.append("mounts")
    return "\n".join(lines + [f"{device} {mount} {kind} rw" for kind, _, mount, device in rows])


def _blocked(host: DemoHost, _args: Args) -> str:
    if not host.waits_for_disk():
        return f"uptime {BOOT + host.clock:.2f}"
    return _processes(host, [host.units[host.blocker]], state="D", wait="io_schedule")


def _halted(host: DemoHost, _args: Args) -> str:
    return _processes(host, [], state="T")


def _process(host: DemoHost, args: Args) -> str:
    return _processes(host, [unit for unit in host.units.values() if str(unit.pid) in args])


def _processes(host: DemoHost, units: list[Unit], state: str = "S", wait: str = "0") -> str:
    lines = [f"uptime {BOOT + host.clock:.2f}"]
    for unit in units:
        lines += [
            f"pid {unit.pid}",
            f"state {state}",
            "ppid 1",
            f"started {int((BOOT + unit.changed) * _TICKS)}",
            f"name {unit.process[:15]}",
            f"user {unit.user}",
            f"wchan {wait}",
            f"cgroup 0::/system.slice/{unit.name}",
            f"command /usr/bin/{unit.process}",
        ]
    return "\n".join(lines)


def _units(host: DemoHost, args: Args) -> str:
    # "@" stands for all that fail or start, as in the probe.
    units = [
        unit for unit in host.units.values() if not args or unit.name in args or ("@" in args and not unit.running)
    ]
    return f"scope system\nup {BOOT + host.clock:.2f}\n" + "\n\n".join(_unit(host, unit) for unit in units)


def _no_user_units(host: DemoHost, _args: Args) -> str:
    return f"scope user:root\nup {BOOT + host.clock:.2f}\n"


def _unit(host: DemoHost, unit: Unit) -> str:
    when = datetime.fromtimestamp(host.epoch + unit.changed, UTC)
    facts = {
        "Id": unit.name,
        "LoadState": "loaded",
        "ActiveState": unit.active,
        "SubState": unit.sub,
        "Result": unit.result,
        "Description": unit.description,
        "MainPID": unit.pid,
        "NRestarts": unit.restarts,
        "ExecMainCode": 1 if unit.exit_status else 0,
        "ExecMainStatus": unit.exit_status,
        "MemoryCurrent": unit.memory if unit.running else "[not set]",
        "CPUUsageNSec": int((unit.cpu_seconds + host.clock * 0.02) * 1e9) if unit.running else "[not set]",
        "TasksCurrent": 8 if unit.running else "[not set]",
        "StateChangeTimestamp": when.strftime("%a %Y-%m-%d %H:%M:%S UTC"),
        "ActiveEnterTimestamp": when.strftime("%a %Y-%m-%d %H:%M:%S UTC"),
        "ActiveEnterTimestampMonotonic": int((BOOT + unit.changed) * 1e6),
        "UnitFileState": unit.enabled,
        "FragmentPath": f"/lib/systemd/system/{unit.name}",
        "NeedDaemonReload": "yes" if unit.needs_reload else "no",
        "ControlGroup": f"/system.slice/{unit.name}",
        "User": unit.user,
        "Restart": unit.restart,
        "CanReload": "yes" if unit.reloads else "no",
    }
    return "\n".join(f"{name}={value}" for name, value in facts.items())


def _watch(host: DemoHost, _args: Args) -> str:
    links = [
        f"'/run/systemd/units/invocation:{unit.name}' -> '{unit.invocation:032x}' 2026-11-20 14:00:00.0 +0000"
        for unit in host.units.values()
        if unit.running
    ]
    return "\n".join((f"'/run/systemd/units' {host.changes}", *links))


def _journal(host: DemoHost, args: Args) -> str:
    lines = []
    for name in (arg for arg in args if not arg.isdigit()):
        lines.append(f"unit {name}")
        for number, (second, priority, message) in enumerate(host.units[name].log if name in host.units else ()):
            entry = {
                "__CURSOR": f"s=demo;i={number}",
                "__REALTIME_TIMESTAMP": str(int((host.epoch + second) * 1e6)),
                "PRIORITY": str(priority),
                "MESSAGE": message,
                "_PID": str(host.units[name].pid or 1),
                "_SYSTEMD_UNIT": name,
            }
            lines.append(json.dumps(entry))
    return "\n".join(lines)


def _limits(_host: DemoHost, _args: Args) -> str:
    return (
        "ip_unprivileged_port_start 1024\nip_local_port_range 32768\t60999\nip_local_reserved_ports\nip_nonlocal_bind 0"
    )


def _addresses(host: DemoHost, _args: Args) -> str:
    last = 10 + len(host.units) + len(host.name)
    return (
        f"1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.20.0.{last}/24 brd 10.20.0.255 scope global eth0"
    )


def _sockets(host: DemoHost, args: Args) -> str:
    unit = next((unit for unit in host.units.values() if unit.running and args[0] in host.connected(unit)), None)
    if unit is None:
        return ""
    return "\n".join(
        f"ESTAB 0 0 127.0.0.1:{args[0]} 127.0.0.1:{peer} "
        f'users:(("{unit.process[:15]}",pid={unit.pid},fd={20 + number}))'
        for number, peer in enumerate((41288, 41290, 41302))
    )


def _declared(host: DemoHost, args: Args) -> str:
    if args[:1] == ("demo",):
        return "same"
    lines = []
    for unit in host.units.values():
        base = "/etc" if unit.user == "deploy" else "/usr/lib"
        lines.append(f"file\tunit\t\t\t{base}/systemd/system/{unit.name}")
        if unit.user == "deploy" and unit.ports:
            port = unit.ports[0]
            lines.append(f"8\tEnvironment=HOST={port.address} PORT={port.number}")
        if unit.process in ("nginx", "sshd"):
            lines.append(f"runs\t{unit.process}\t{unit.name}")
            lines.append(
                f"file\t{unit.process}\t\t\t/etc/{unit.process.strip('d')}/{unit.process}{_CONF[unit.process]}"
            )
        if unit.process == "nginx":
            lines += [f"{20 + number}\tlisten {port.number};" for number, port in enumerate(unit.ports)]
    return "\n".join([*lines, "stamp\tdemo"])


def _environment(host: DemoHost, args: Args) -> str:
    """Of a unit what its ports say, and a file with a secret that nobody sees."""
    name = args[-1]
    unit = host.units.get(name)
    own = [
        word for port in (unit.ports[:1] if unit else ()) for word in (f"HOST={port.address}", f"PORT={port.number}")
    ]
    given = ["LOG_LEVEL=info", f"API_TOKEN=demo-of-{host.name}"]
    lines = [f"source\tunit\t{name}\t{name}", f"line\t{' '.join(own)}"]
    lines += [f"source\tfile\t/etc/default/{name.removesuffix('.service')}", f"stat\t640\troot:deploy\t{int(BOOT)}"]
    lines += [f"line\t{one}" for one in given]
    if unit is not None and unit.pid:
        lines += [f"source\tprocess\tpid {unit.pid}", f"start\t{int(BOOT) + 60}"]
        lines += [f"line\t{one}" for one in (*own, *given, "LANG=C.UTF-8")]
    return "\n".join(lines)


def _usage(host: DemoHost, args: Args) -> str:
    unit = next(unit for unit in host.units.values() if args[0].endswith(f"/{unit.name}"))
    used = unit.cpu_seconds + host.clock * 0.02
    written = int(host.clock * (40 << 20 if unit.name == host.blocker else 4096))
    lines = (f"at {BOOT + host.clock:.2f}", f"group {args[0]}", f"cpu {used * 1e6:.0f}", f"memory {unit.memory}", "io")
    return "\n".join((*lines, f"disk 254:0 rbytes=0 wbytes={written} rios=0 wios=9 dbytes=0 dios=0"))


_CONF = {"nginx": ".conf", "sshd": "_config"}
_RENDER: dict[str, Callable[[DemoHost, Args], str]] = {
    "vitals": _vitals,
    "identity": _identity,
    "clock": _clock,
    "listeners": _listeners,
    "filesystems": _filesystems,
    "blocked": _blocked,
    "halted": _halted,
    "process": _process,
    "systemd": _units,
    "systemd_units": _units,
    "systemd_user": _no_user_units,
    "systemd_user_units": _no_user_units,
    "systemd_lingering": lambda _host, _args: "",
    "systemd_watch": _watch,
    "systemd_journal": _journal,
    "limits": _limits,
    "addresses": _addresses,
    "sockets": _sockets,
    "bound": lambda _host, _args: "",
    "namespaces": lambda _host, _args: "",
    "redirects": lambda _host, _args: "tool iptables-save\ntool ip6tables-save\ntool nft",
    "declarations": _declared,
    "environment": _environment,
    "usage": _usage,
}
