"""What may reach a unit by its own filter, which the kernel applies to its control group beside any packet filter.

``IPAddressAllow=``, ``IPAddressDeny=``, ``RestrictNetworkInterfaces=`` and the programs of ``IPIngressFilterPath=`` and
``IPEgressFilterPath=``, systemd.resource-control(5). The lists of the slices around a unit count as its own.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from console.core.probe import ParseError, Probe

SCRIPT = r"""
hd_n=$1 hd_i=0
while [ -n "$hd_n" ] && [ "$hd_i" -lt 16 ]; do
  hd_told=$(systemctl show -p IPAddressAllow -p IPAddressDeny -p IPIngressFilterPath -p IPEgressFilterPath \
    -p RestrictNetworkInterfaces -p Slice -- "$hd_n") || return 1
  printf 'Unit=%s\n%s\n' "$hd_n" "$hd_told"
  hd_n=$(printf '%s\n' "$hd_told" | sed -n 's/^Slice=//p') hd_i=$((hd_i + 1))
done
"""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """The filter of a unit with that of its slices."""

    unit: str
    allow: tuple[Network, ...] = ()
    """Let through, whatever is denied."""
    deny: tuple[Network, ...] = ()
    others: tuple[str, ...] = ()
    """Settings that drop too and are not judged: ``RestrictNetworkInterfaces=lo``."""

    def drops(self, address: str) -> bool:
        """Whether the lists drop what comes from an address, and what goes there."""
        client = ip_address(address.partition("%")[0])
        mapped = getattr(client, "ipv4_mapped", None)
        client = mapped if mapped is not None else client
        return any(client in one for one in self.deny) and not any(client in one for one in self.allow)

    @property
    def words(self) -> str:
        """What is denied, and what of it is let through: ``IPAddressDeny=0.0.0.0/0, but for 127.0.0.0/8``."""
        but = f", but for {' '.join(map(str, self.allow))}" if self.allow else ""
        return f"IPAddressDeny={' '.join(map(str, self.deny))}{but}"


def parse(text: str) -> UnitFilter:
    """Read the answer of ``SCRIPT``; raises ``ParseError`` for what is no list of networks."""
    unit, allow, deny, others = "", list[Network](), list[Network](), list[str]()
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals:
            raise ParseError("NAME=VALUE", line)
        if name == "Unit":
            unit = unit or value
        elif name in ("IPAddressAllow", "IPAddressDeny"):
            try:
                (allow if name == "IPAddressAllow" else deny).extend(ip_network(word) for word in value.split())
            except ValueError:
                raise ParseError("networks", line) from None
        # "~" alone: none are forbidden.
        elif name != "Slice" and value not in ("", "~"):
            others.append(f"{name}={value}")
    if not unit:
        raise ParseError("Unit=", text)
    return UnitFilter(unit, tuple(dict.fromkeys(allow)), tuple(dict.fromkeys(deny)), tuple(others))


PROBE = Probe(
    name="unit_filter", script=SCRIPT, parse=parse, requires=("systemctl", "sed"), slow=True, cached=False,
    shown="(of systemctl show: the filters of $1 and of its slices)",
)  # fmt: skip
"""UNIT: a unit of the system's manager."""
