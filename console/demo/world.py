"""The state of the demo's hosts, and what commands do to it."""

from dataclasses import dataclass, field

BOOT = 1_000_000.0
"""Seconds of uptime of every demo host when the demo begins."""


@dataclass(slots=True)
class Port:
    """A port that a unit has while it runs."""

    number: int
    address: str = "0.0.0.0"  # noqa: S104
    protocol: str = "tcp"


@dataclass(slots=True)
class Unit:
    """A systemd service of a demo host."""

    name: str
    description: str
    user: str = "root"
    process: str = ""
    ports: tuple[Port, ...] = ()
    active: str = "active"
    sub: str = "running"
    result: str = "success"
    exit_status: int = 0
    restarts: int = 0
    restart: str = "on-failure"
    enabled: str = "enabled"
    memory: int = 48 << 20
    cpu_seconds: float = 120.0
    changed: float = -86_400.0 * 6
    """Seconds after the start of the demo when the present state began."""
    pid: int = 0
    invocation: int = 1
    needs_reload: bool = False
    reloads: bool = True
    log: list[tuple[float, int, str]] = field(default_factory=list)
    """Seconds after the start, syslog priority, message."""

    @property
    def running(self) -> bool:
        """Whether it has a main process."""
        return self.active == "active" and self.sub == "running"


@dataclass(slots=True)
class DemoHost:
    """One host of the demo."""

    name: str
    units: dict[str, Unit]
    cores: int = 4
    memory: int = 16 << 30
    used: float = 0.45
    busy: float = 12.0
    iowait: float = 0.6
    blocker: str = ""
    """A unit that, while it runs, makes the host wait for its disk."""
    full: float = 0.52
    var_full: float = 0.41
    epoch: float = 0.0
    """Wall clock (Unix time, seconds) when the demo began."""
    next_pid: int = 4200
    clock: float = 0.0
    """Seconds since the demo began."""

    @property
    def changes(self) -> int:
        """Differs whenever a unit came or went."""
        return sum(unit.invocation + int(unit.running) for unit in self.units.values())

    def wall(self) -> float:
        """The host's wall clock, Unix seconds."""
        return self.epoch + self.clock

    def connected(self, unit: Unit) -> tuple[str, ...]:
        """The ports of a unit on which clients are connected, as words."""
        return tuple(str(port.number) for port in unit.ports) if unit.name == "legacy-api.service" else ()

    def start(self, name: str) -> str | None:
        """Start a unit; the reason when it cannot run."""
        unit = self.units[name]
        if unit.running:
            return None
        if unit.result == "start-limit-hit":
            return f"{name}: Start request repeated too quickly."
        holder = self.holder(unit)
        unit.invocation += 1
        unit.changed = self.clock
        if holder is not None:
            self._fail(unit, unit.ports[0])
            return f"Job for {name} failed because the control process exited with error code."
        self.next_pid += 7
        unit.active, unit.sub, unit.result, unit.exit_status = "active", "running", "success", 0
        unit.pid, unit.restarts = self.next_pid, 0
        unit.log.append((self.clock, 6, f"Started {unit.description}."))
        return None

    def stop(self, name: str) -> None:
        """Stop a unit."""
        unit = self.units[name]
        if unit.running:
            unit.active, unit.sub, unit.result, unit.pid = "inactive", "dead", "success", 0
            unit.changed = self.clock
            unit.log.append((self.clock, 6, f"Stopped {unit.description}."))

    def reset_failed(self, name: str) -> None:
        """Clear a failure and a start limit."""
        unit = self.units[name]
        if unit.active == "failed":
            unit.active, unit.sub, unit.result, unit.restarts = "inactive", "dead", "success", 0
            unit.changed = self.clock

    def reload(self, name: str) -> None:
        """Reload a unit."""
        self.units[name].log.append((self.clock, 6, f"Reloaded {self.units[name].description}."))

    def daemon_reload(self) -> None:
        """Read the unit files again."""
        for unit in self.units.values():
            unit.needs_reload = False

    def holder(self, wanting: Unit) -> Unit | None:
        """The running unit that has a port which this one wants."""
        wanted = {(port.protocol, port.number) for port in wanting.ports}
        for unit in self.units.values():
            if unit is not wanting and unit.running and wanted & {(p.protocol, p.number) for p in unit.ports}:
                return unit
        return None

    def waits_for_disk(self) -> bool:
        """Whether the unit that overloads the disk runs."""
        return bool(self.blocker) and self.units[self.blocker].running

    def _fail(self, unit: Unit, port: Port) -> None:
        unit.active, unit.sub, unit.result, unit.exit_status, unit.pid = "failed", "failed", "exit-code", 1, 0
        line = f"listen {port.protocol} {port.address}:{port.number}: bind: address already in use"
        unit.log.append((self.clock, 3, line))
