"""What the kernel allows whom to bind: ``/proc/sys/net/ipv4``, ip(7) and ip-sysctl.rst of the kernel."""

from dataclasses import dataclass

from console.core.probe import ParseError, Probe

NAMES = "ip_unprivileged_port_start ip_local_port_range ip_local_reserved_ports ip_nonlocal_bind"

# awk and not "read": dash reads byte by byte, and these files end after the first read.
SCRIPT = r"""
exec awk 'BEGIN {
  n = split("@NAMES@", name, " ")
  for (i = 1; i <= n; i++) {
    f = "/proc/sys/net/ipv4/" name[i]
    if ((getline v <f) > 0) print name[i], v
  }
}'
""".replace("@NAMES@", NAMES)


@dataclass(frozen=True, slots=True)
class PortLimits:
    """Who may bind which port on a host."""

    unprivileged_start: int = 1024
    """Ports below need CAP_NET_BIND_SERVICE."""
    local_low: int = 32768
    local_high: int = 60999
    """Outgoing connections take their own port from this range, both ends included."""
    reserved: tuple[tuple[int, int], ...] = ()
    """Ranges, both ends included, that outgoing connections do not take."""
    nonlocal_bind: bool = False
    """Addresses that the host does not have can be bound."""

    def ephemeral(self, port: int) -> bool:
        """Whether an outgoing connection may take this port."""
        taken = any(low <= port <= high for low, high in self.reserved)
        return self.local_low <= port <= self.local_high and not taken


def parse(text: str) -> PortLimits:
    """Read the answer of ``SCRIPT``; what the kernel does not have keeps the kernel's default."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if value.strip():
            found[name] = value
    low, high = _numbers(found.get("ip_local_port_range", "32768 60999"), 2)
    return PortLimits(
        unprivileged_start=_numbers(found.get("ip_unprivileged_port_start", "1024"), 1)[0],
        local_low=low,
        local_high=high,
        reserved=_ranges(found.get("ip_local_reserved_ports", "")),
        nonlocal_bind=found.get("ip_nonlocal_bind", "0").strip() != "0",
    )


def _numbers(words: str, count: int) -> list[int]:
    numbers = [int(word) for word in words.split() if word.isdecimal() and len(word) <= 6]
    if len(numbers) != count:
        raise ParseError(f"{count} port numbers", words)
    return numbers


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    ranges = []
    for part in text.strip().split(","):
        if part:
            low, _, high = part.partition("-")
            first, last = _numbers(f"{low} {high or low}", 2)
            ranges.append((first, last))
    return tuple(ranges)


def _sysctl(text: str) -> str:
    """As sysctl(8) prints it."""
    words = (line.partition(" ") for line in text.split("\n") if line)
    return "\n".join(f"net.ipv4.{name} = {value}" for name, _, value in words)


PROBE = Probe(
    name="limits",
    script=SCRIPT,
    parse=parse,
    requires=("awk",),
    shown=f"sysctl {' '.join(f'net.ipv4.{name}' for name in NAMES.split())}",
    as_printed=_sysctl,
)
