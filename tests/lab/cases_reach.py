"""Port cases in which nobody holds the port: what keeps clients out, what forbids a bind, and odd sockets."""

from __future__ import annotations

from .host import SERVICE, Host

SAVED = "/usr/local/lib/lab/hold.py"


def holding(host: Host, way: str, address: str, port: int, user: str = "deploy", name: str = "legacy") -> None:
    """Start a unit that holds a port in a special way (see service/hold.py)."""
    host.write(SAVED, (SERVICE / "hold.py").read_text(encoding="utf-8"), mode=0o755)
    command = f"/usr/bin/python3 {SAVED} {way} {address} {port}"
    host.unit(f"{name}.service", f"[Service]\nUser={user}\nExecStart={command}\n")


def loopback(host: Host) -> None:
    """The service listens where only the host itself gets."""
    host.install_api(unit_extra="Environment=HOST=127.0.0.1")


def limited(host: Host) -> None:
    """Only one network is let in, the rest is refused by the end of the chain."""
    host.install_api()
    rules = """table inet filter {
  set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 } }
  chain incoming {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state vmap { established : accept, related : accept, invalid : drop }
    tcp dport 22 accept
    meta l4proto { icmp, ipv6-icmp } accept
    ip saddr @friends tcp dport { 80, 443, 8080 } accept comment "the office"
    counter reject with icmpx admin-prohibited
  }
}
"""
    host.run(["nft", "-f", "-"], stdin=rules)


def everything(host: Host) -> None:
    """The rule that drops has no interface, so that not even the host itself gets an answer."""
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP"])


def udp(host: Host) -> None:
    """A service of datagrams that are dropped."""
    holding(host, "udp", "0.0.0.0", 5514)
    host.run(["iptables", "-A", "INPUT", "-i", "host0", "-p", "udp", "--dport", "5514", "-j", "DROP"])


def ipv6(host: Host) -> None:
    """It listens for both families; IPv6 alone is dropped."""
    host.install_api(unit_extra="Environment=HOST=::")
    host.sh("ip -6 addr add 2001:db8:19::1/64 dev host0 nodad")
    host.run(["ip6tables", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "REJECT"])


def bounded(host: Host) -> None:
    """Root without the capability that the port needs."""
    host.install_api(port=443, unit_extra="User=root\nCapabilityBoundingSet=~CAP_NET_BIND_SERVICE")


def families(host: Host) -> None:
    """The unit takes IPv4 from the service."""
    host.install_api(unit_extra="RestrictAddressFamilies=AF_UNIX AF_INET6")


def vip(host: Host) -> None:
    """A virtual address that another host has now."""
    host.unit("keepalived.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    host.install_api(unit_extra="Environment=HOST=192.0.2.77")


def tentative(host: Host) -> None:
    """An address of IPv6 on a link without a carrier stays tentative."""
    host.sh(
        "ip link add wire0 type veth peer name wire1; ip link set wire0 up; ip addr add 2001:db8:18::1/64 dev wire0"
    )
    host.wait("ip -6 -o addr show dev wire0 | grep -q tentative")
    host.install_api(unit_extra="Environment=HOST=2001:db8:18::1")


def udp_client(host: Host) -> None:
    """A client's datagram socket took the port."""
    holding(host, "udp-client", "0.0.0.0", 5514)
    host.wait("ss -Huan state established 'sport = :5514' | grep -q .")
    holding(host, "udp", "0.0.0.0", 5514, name="syslog-relay")


CONNECTED = "ss -Htan state established 'sport = :8080' | grep -q ."
LISTENS = "ss -Hltn 'sport = :8080' | grep -q ."


def _legacy_beside(host: Host) -> None:
    """Another service listens at an address that the connection leaves to it; the API wants every address."""
    host.wait(CONNECTED)
    host.install_api(name="legacy", unit_extra="Environment=HOST=127.0.0.1")
    host.wait(LISTENS)
    host.install_api()


def both(host: Host) -> None:
    """Another service listens on it, and besides an outgoing connection has it."""
    holding(host, "outgoing", host.address, 8080, user="root", name="client")
    _legacy_beside(host)


def both_bare(host: Host) -> None:
    """The same, and what is connected is somebody's own process: no unit runs it."""
    host.write(SAVED, (SERVICE / "hold.py").read_text(encoding="utf-8"), mode=0o755)
    host.sh(f"nohup python3 {SAVED} outgoing {host.address} 8080 >/dev/null 2>&1 </dev/null &")
    _legacy_beside(host)
