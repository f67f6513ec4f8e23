"""A lab host with containers, other network namespaces, and rules of every kind that send what comes elsewhere."""

from __future__ import annotations

from tests.lab import Host, cases_docker

# As kube-proxy (iptables mode), the CNI plugin portmap, and people write them.
RULES = """
for chain in KUBE-SERVICES KUBE-NODEPORTS KUBE-SVC-ABC KUBE-SEP-1 KUBE-SEP-2 CNI-DN-1; do
  iptables -t nat -N $chain
done
iptables -t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
iptables -t nat -A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" \\
  --dport 30080 -j KUBE-SVC-ABC
iptables -t nat -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
iptables -t nat -A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web:http" --dport 30080 -j KUBE-SVC-ABC
iptables -t nat -A KUBE-SVC-ABC -m statistic --mode random --probability 0.5 -j KUBE-SEP-1
iptables -t nat -A KUBE-SVC-ABC -j KUBE-SEP-2
iptables -t nat -A KUBE-SEP-1 -p tcp -j DNAT --to-destination 10.244.0.5:8080
iptables -t nat -A KUBE-SEP-2 -p tcp -j DNAT --to-destination 10.244.1.7:8080
iptables -t nat -A PREROUTING -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"abc\\"" \\
  -m multiport --dports 8081,30081:30090 -j CNI-DN-1
iptables -t nat -A CNI-DN-1 -p tcp --dport 8081 -j DNAT --to-destination 10.244.0.9:80
iptables -t nat -A PREROUTING -d 203.0.113.5/32 -j DNAT --to-destination 10.0.0.5
iptables -t nat -A OUTPUT -p tcp --dport 30080 -j REDIRECT --to-ports 8080
iptables -A INPUT -p tcp --dport 30080 -j ACCEPT
ip6tables -t nat -A PREROUTING -p tcp --dport 30080 -j DNAT --to-destination '[fd00::5]:80'
nft add table inet edge
nft add chain inet edge pre '{ type nat hook prerouting priority -100; }'
nft add chain inet edge out '{ type nat hook output priority -100; }'
nft add rule inet edge pre tcp dport '{ 8443, 9443 }' redirect to :443
nft add rule inet edge pre ip daddr 10.77.1.2 udp dport 5300-5310 dnat ip to 10.0.0.9:53
nft add rule inet edge pre meta l4proto tcp th dport 30080 counter redirect to :9090
nft add rule inet edge out tcp dport 8443 redirect to :444
"""
MAPS = """
nft add table ip t
nft add chain ip t pre '{ type nat hook prerouting priority -100; }'
nft add chain ip t sub
nft add set ip t ports '{ type inet_service; elements = { 8085 }; }'
nft add map ip t m '{ type inet_service : ipv4_addr; elements = { 8086 : 172.31.0.2 }; }'
nft add rule ip t sub tcp dport 8087 redirect to :99
nft add rule ip t pre dnat to tcp dport map '{ 8084 : 172.31.0.2, 9000-9002 : 172.31.0.3 }'
nft add rule ip t pre dnat to tcp dport map @m
nft add rule ip t pre tcp dport @ports dnat to 172.31.0.2
nft add rule ip t pre tcp dport vmap '{ 8087 : jump sub }'
nft add rule ip t pre dnat ip addr . port to tcp dport map '{ 8088 : 172.31.0.2 . 80 }'
"""
# Chains of people, which name the port, the interface and the client at the jump, or no port at all.
CHAINS = """
iptables -t nat -F PREROUTING
for chain in WEB EDGE; do iptables -t nat -N $chain; done
iptables -t nat -A PREROUTING -i host0 -s 192.0.2.0/24 -p tcp --dport 8090:8091 -j WEB
iptables -t nat -A WEB -p tcp --dport 8099 -j REDIRECT --to-ports 1
iptables -t nat -A WEB -j DNAT --to-destination 172.31.0.7
iptables -t nat -A PREROUTING -d 203.0.113.0/24 -j EDGE
iptables -t nat -A EDGE -p tcp -j DNAT --to-destination 172.31.0.8
iptables -t nat -A PREROUTING -p tcp ! --dport 22 -m statistic --mode nth --every 9 --packet 0 \\
  -j DNAT --to-destination 172.31.0.9
nft add table ip own
nft add chain ip own pre '{ type nat hook prerouting priority -90; }'
nft add chain ip own web
nft add chain ip own loose
nft add rule ip own pre iifname '"host0"' tcp dport 8090 counter jump web
nft add rule ip own pre ip saddr 198.51.100.0/24 goto loose
nft add rule ip own pre tcp dport 7000 jump loose
nft add rule ip own web dnat to 172.31.0.10
nft add rule ip own loose meta l4proto tcp dnat to 172.31.0.11
"""
# What people write with nft into the tables of iptables: a chain of their own, and a rule among those of iptables.
NATIVE = """
nft add chain ip nat prerouting '{ type nat hook prerouting priority -90; }'
nft add rule ip nat prerouting tcp dport 8080 dnat to 10.0.0.2:80
nft add rule ip nat PREROUTING udp dport 8080 redirect to :53
"""
# Verdict maps as kube-proxy (nftables mode) and people write them, what is only for the host itself, and a rule of many
# ports, which nft shows over several lines.
VERDICTS = """
nft add table ip k
nft add chain ip k pre '{ type nat hook prerouting priority -101; }'
nft add chain ip k out '{ type nat hook output priority -101; }'
for chain in services svc ext ep1 ep2 near own; do nft add chain ip k $chain; done
nft add map ip k nodeports '{ type inet_proto . inet_service : verdict; comment "node ports { tcp . 7 : goto ext }"; }'
nft add map ip k ips '{ type ipv4_addr . inet_proto . inet_service : verdict; }'
nft add element ip k nodeports '{ tcp . 30001 comment "shop/web, a : goto b" : goto ext, tcp . 30002 : goto svc }'
nft add element ip k ips '{ 10.96.0.1 . tcp . 443 comment "default/kubernetes:https" : goto svc }'
nft add rule ip k pre jump services
nft add rule ip k services ip daddr . meta l4proto . th dport vmap @ips
nft add rule ip k services fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports
nft add rule ip k ext goto svc
nft add rule ip k svc numgen random mod 2 vmap '{ 0 : goto ep1, 1 : goto ep2 }'
nft add rule ip k ep1 meta l4proto tcp dnat to 10.244.0.5:8080 comment '"tcp dport 7 dnat"'
nft add rule ip k ep2 meta l4proto tcp dnat to 10.244.1.5:8080
nft add rule ip k pre iifname vmap '{ "host0" : jump near, "lo" : accept }'
nft add rule ip k near tcp dport 22 log prefix '"new{ dnat "' accept
nft add rule ip k near ip saddr 192.0.2.0/24 tcp dport 6000-6010 dnat to 172.31.0.9
nft add rule ip k near tcp dport "{ $(seq -s, 6101 2 6199) }" redirect to :99
nft add rule ip k out jump own
nft add rule ip k own tcp dport 9999 redirect to :99
"""
# A network of its own without any engine, and a container that hides behind none.
NETWORKS = """
docker run --detach --name web --publish 127.0.0.1:8080:80 --publish 5300:53/udp lab-httpd
docker run --detach --name inner lab-httpd
systemd-run --quiet --unit private --property PrivateNetwork=yes busybox httpd -f -p 127.0.0.1:8082
"""
_UP = """
for name in web inner; do test "$(docker inspect -f '{{.State.Running}}' $name)" = true; done
test $(cat /proc/$(docker inspect -f '{{.State.Pid}}' web)/net/tcp6 | grep -c ':0050 .* 0A ') = 1
test $(cat /proc/$(docker inspect -f '{{.State.Pid}}' inner)/net/tcp6 | grep -c ':0050 .* 0A ') = 1
grep -q ':1F92 .* 0A ' /proc/$(systemctl show -P MainPID private)/net/tcp
"""


def tunnel(host: Host) -> str:
    """A unit that made a tunnel, runs on and has nothing to do with it any more; the port of the tunnel."""
    made = "ip link add vx0 type vxlan id 42 dstport 5514 && ip link set vx0 up && exec sleep 100008"
    host.run(["systemd-run", "--quiet", "--unit", "overlay", "sh", "-c", made])
    host.wait("ss -Hlun 'sport = :5514' | grep -q .")
    return "5514"


def furnish(host: Host) -> None:
    """Put all of it on a host with Docker."""
    cases_docker.image(host)
    host.sh(NETWORKS, timeout=90)
    host.sh(RULES)
    host.wait(_UP)
