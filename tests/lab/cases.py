"""The port cases of the diagnosis, each as a state that a real host can be put into.

`install(host, "6")` sets case 6 up and waits until the host really is in that state. Unless a case says
otherwise `api.service` wants port 8080 and has failed. Some need a host with Docker (`CASES["3"].docker`).
Not here: SELinux (17; the kernel has none) and Kubernetes (24; no API server can be had).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import cases_docker, cases_reach, fleet
from .host import SERVICE, Host

FAILED = "systemctl is-failed --quiet api.service"


@dataclass(frozen=True, slots=True)
class Case:
    """One state of a host, how to make it, and a script that proves it."""

    title: str
    make: Callable[[Host], None]
    proof: str
    docker: bool = False
    ask: str = "/api"
    """What a person asks about there: ``hostdeck why HOST/api``."""
    user: str = "root"
    """As whom."""


def install(host: Host, number: str) -> Case:
    """Put a host into a case's state, and prove it."""
    case = CASES[number]
    case.make(host)
    host.wait(case.proof, timeout=30)
    return case


def hold(host: Host, way: str, address: str, port: int = 8080, user: str = "deploy", name: str = "legacy") -> None:
    """Start a unit that holds a port in a special way (see service/hold.py)."""
    host.write("/usr/local/lib/lab/hold.py", (SERVICE / "hold.py").read_text(encoding="utf-8"), mode=0o755)
    command = f"/usr/bin/python3 /usr/local/lib/lab/hold.py {way} {address} {port}"
    # What its child inherited outlives it only so.
    spares = "KillMode=process\n" if way == "orphan" else ""
    host.unit(f"{name}.service", f"[Service]\nUser={user}\n{spares}ExecStart={command}\n")


def _held(way: str, address: str, seen: str, user: str = "deploy", unit_extra: str = "") -> Callable[[Host], None]:
    """A maker: the port is held so, which is seen to be true; then the API tries and fails."""

    def make(host: Host) -> None:
        hold(host, way, address, user=user)
        host.wait(seen)
        host.install_api(unit_extra=unit_extra)

    return make


def _legacy_at(address: str) -> Callable[[Host], None]:
    def make(host: Host) -> None:
        host.install_api(name="legacy", unit_extra=f"Environment=HOST={address}")
        host.wait("ss -Hltn 'sport = :8080' | grep -q .")
        host.install_api()

    return make


def _two_loopbacks(host: Host) -> None:
    host.install_api(name="legacy", unit_extra="Environment=HOST=127.0.0.1")
    host.install_api(unit_extra="Environment=HOST=127.0.0.2")


def _socket_activation(host: Host) -> None:
    host.unit("echo@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n", start=False)
    host.unit("echo.socket", "[Socket]\nListenStream=8080\nAccept=yes\n")
    host.install_api()


def _two_ports(host: Host) -> None:
    """nginx wants two ports, and each of them somebody else has."""
    host.sh("rm -f /etc/nginx/sites-enabled/default")
    site = "server { listen 0.0.0.0:8080; listen 0.0.0.0:8443; return 200 'two'; }\n"
    host.write("/etc/nginx/conf.d/two.conf", site)
    host.install_api(name="legacy")
    host.install_api(name="other", port=8443)
    host.wait("ss -Hltn 'sport = :8080' | grep -q . && ss -Hltn 'sport = :8443' | grep -q .")
    host.run(["systemctl", "start", "nginx.service"], check=False, timeout=60)


def _supervisor(host: Host) -> None:
    host.install_api(name="legacy", start=False)
    program = "command=/usr/bin/python3 /srv/legacy/api.py\nuser=deploy\nautorestart=true\n"
    host.write("/etc/supervisor/conf.d/legacy.conf", f'[program:legacy]\n{program}environment=PORT="8080"\n')
    host.run(["systemctl", "start", "supervisor.service"])
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.install_api()


PM2_APP = """module.exports = {apps: [{name: "api-old", script: "/srv/legacy/api.js", env: {PORT: "8080"}}]};
"""
NODE_SERVER = """require("http").createServer((q, r) => r.end("old\\n")).listen(Number(process.env.PORT), "0.0.0.0");
"""


def _pm2(host: Host) -> None:
    host.write("/srv/legacy/api.js", NODE_SERVER)
    host.write("/srv/legacy/ecosystem.config.js", PM2_APP)
    host.run(["install", "-d", "-o", "deploy", "/srv/.pm2"])
    unit = """[Unit]
Description=PM2 process manager
[Service]
Type=forking
User=deploy
Environment=PM2_HOME=/srv/.pm2 HOME=/srv
PIDFile=/srv/.pm2/pm2.pid
ExecStart=/usr/local/bin/pm2 start /srv/legacy/ecosystem.config.js
ExecStop=/usr/local/bin/pm2 kill
"""
    host.unit("pm2-deploy.service", unit)
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.install_api()


def _pid_file(host: Host) -> None:
    host.install_api(name="legacy", start=False)
    host.run(["install", "-d", "-o", "deploy", "/run/legacy"])
    script = "cd /srv/legacy; PORT=8080 nohup python3 api.py >/dev/null 2>&1 & echo $! >/run/legacy/legacy.pid"
    host.sh(script, user="deploy")
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.install_api()


def _unprivileged(host: Host) -> None:
    host.install_api(port=443)


def _no_such_address(host: Host) -> None:
    host.install_api(unit_extra="Environment=HOST=192.0.2.77")


def _firewall(host: Host) -> None:
    host.install_api()
    host.run(["iptables", "-I", "INPUT", "-i", "host0", "-p", "tcp", "--dport", "8080", "-j", "DROP"])


def _nft(host: Host) -> None:
    host.install_api()
    rule = "add table inet guard; add chain inet guard in { type filter hook input priority 0; }; "
    host.run(["nft", rule + 'add rule inet guard in iifname "host0" tcp dport 8080 drop'])


def _nginx_old_master(host: Host) -> None:
    # One place only: of two it is chance which one nginx complains of last.
    host.sh("sed -i '/listen \\[::\\]:80/d' /etc/nginx/sites-available/default")
    host.sh("nginx; rm /run/nginx.pid")  # started by hand, its pid file lost
    host.run(["systemctl", "start", "nginx.service"], check=False)


def _nginx_twice(host: Host) -> None:
    site = "server { listen 127.0.0.1:80; }\nserver { listen 80; listen 0.0.0.0:80; }\n"
    host.write("/etc/nginx/conf.d/twice.conf", site)
    host.run(["systemctl", "start", "nginx.service"], check=False)


def _two_managers(host: Host) -> None:
    host.install_api(start=False)
    program = "command=/usr/bin/python3 /srv/api/api.py\nuser=deploy\nautorestart=true\n"
    host.write("/etc/supervisor/conf.d/api.conf", f"[program:api]\n{program}")
    host.run(["systemctl", "start", "supervisor.service"])
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.run(["systemctl", "start", "api.service"])


def _start_limit(host: Host) -> None:
    fleet.port_conflict(host)
    host.run(["systemctl", "stop", "legacy.service"])


def _udp(host: Host) -> None:
    hold(host, "udp", "0.0.0.0", 5514)
    host.wait("ss -Hlun 'sport = :5514' | grep -q .")
    hold(host, "udp", "127.0.0.1", 5514, name="syslog-relay")


def _address_forms(host: Host) -> None:
    host.wait("ip -6 -o addr show dev host0 scope link -tentative | grep -q fe80")
    link_local = host.sh('ip -6 -o addr show dev host0 scope link | awk \'{sub("/.*", "", $4); print $4}\'').strip()
    hold(host, "listen", f"{link_local}%%host0", name="link-local")
    hold(host, "listen", "::ffff:127.0.0.1", name="mapped")
    hold(host, "device", "0.0.0.0", 8081, user="root", name="device")


def _declarations(host: Host) -> None:
    host.write("/srv/legacy/.env", "# written by hand\nPORT=8080\n")
    extra = "Environment=\nEnvironment=SERVICE_NAME=legacy\nEnvironmentFile=/srv/legacy/.env"
    host.install_api(name="legacy", port=1, unit_extra=extra)
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.write("/srv/shop/docker-compose.yml", cases_docker.RANGE)
    host.install_api()


_V4 = "ss -Hltn 'sport = :8080' | grep -q ."
CASES: dict[str, Case] = {
    "1": Case("another systemd service holds it", fleet.port_conflict, FAILED),
    "1two": Case("of a service that wants two ports each is held by another", _two_ports,
                 "systemctl is-failed nginx.service", ask="/nginx"),
    "2": Case("the same, to be looked at as nosudo", fleet.port_conflict, FAILED, ask=":8080", user="nosudo"),
    "3": Case("a published port of a compose project", cases_docker.compose, FAILED, docker=True),
    "4": Case("a published port, userland proxy off", cases_docker.no_proxy, FAILED, docker=True),
    "4down": Case("the same, its engine stopped: a service runs and gets nothing", cases_docker.engine_down,
                  "systemctl is-active api.service && curl -s http://127.0.0.1:8080/health | grep -q 'Not Found'",
                  docker=True),
    "inside": Case("only listened on inside a container", cases_docker.inside,
                   "! ss -Hltn 'sport = :8080' | grep -q .", docker=True),
    "addresses": Case("two containers publish one port at different addresses", cases_docker.addresses, FAILED,
                      docker=True),
    "5": Case("free, but a stopped container and an inactive unit declare it", cases_docker.declared,
              "! ss -Hltn 'sport = :8080' | grep -q .", docker=True, ask=":8080"),
    "6": Case("systemd socket activation", _socket_activation, FAILED),
    "7": Case("a supervisord program that is started again", _supervisor, FAILED),
    "7pm2": Case("a pm2 app that is started again", _pm2, FAILED),
    "8": Case("a nohup process with a pid file", _pid_file, FAILED),
    "9": Case("127.0.0.1 against 0.0.0.0", _legacy_at("127.0.0.1"), FAILED),
    "9free": Case("127.0.0.1 and 127.0.0.2 do not clash", _two_loopbacks,
                  "curl -fs http://127.0.0.1:8080/health && curl -fs http://127.0.0.2:8080/health"),
    "10": Case("[::], both families, against 0.0.0.0", _legacy_at("::"), FAILED),
    "10free": Case("[::] for IPv6 only does not clash with 0.0.0.0", _held("v6only", "::", _V4),
                   "curl -fs http://127.0.0.1:8080/health"),
    "11": Case("held with SO_REUSEPORT by another user", _held("reuseport", "0.0.0.0", _V4, user="root"), FAILED),
    "12": Case("TIME_WAIT of a service that hung up first; lasts a minute", _held(
        "time-wait", "0.0.0.0", "ss -Htan state time-wait 'sport = :8080' | grep -q .",
        unit_extra="Environment=REUSE_ADDR=0"), FAILED),
    "12left": Case("a connection left over by a closed listener", _held(
        "leftover", "0.0.0.0", "ss -Htan state established 'sport = :8080' | grep -q ."), FAILED),
    "13": Case("an outgoing connection sits on it", _held(
        "outgoing", "127.0.0.1", "ss -Htan state established 'sport = :8080' | grep -q .", user="root"), FAILED),
    "14": Case("bound, never listening", _held(
        "bound", "0.0.0.0", "lsof -nPp $(systemctl show -P MainPID legacy.service) | grep -q 'protocol: TCP'"), FAILED),
    "15": Case("inherited by a `sleep` whose parent has died", _held("orphan", "0.0.0.0", _V4), FAILED),
    "13both": Case("an outgoing connection sits on it, and another service listens", cases_reach.both, FAILED),
    "13bare": Case("the same, but what is connected runs in no unit", cases_reach.both_bare, FAILED),
    "13container": Case("an outgoing connection sits on it, and a container is published", cases_docker.both, FAILED,
                        docker=True),
    "13udp": Case("a client's datagram socket sits on it", cases_reach.udp_client,
                  "systemctl is-failed syslog-relay.service", ask="/syslog-relay"),
    "16": Case("port 443 without the capability", _unprivileged, FAILED),
    "16root": Case("port 443 as root whose unit takes the capability away", cases_reach.bounded, FAILED),
    "17families": Case("the unit forbids IPv4", cases_reach.families, FAILED),
    "18": Case("an address that is not on this host", _no_such_address, FAILED),
    "18tentative": Case("an IPv6 address that is not usable yet", cases_reach.tentative, FAILED),
    "18vip": Case("a virtual address that another host has now", cases_reach.vip, FAILED),
    "19": Case("it listens, and iptables drops what comes", _firewall, "curl -fs http://127.0.0.1:8080/health"),
    "19nft": Case("it listens, and nftables drops what comes", _nft, "curl -fs http://127.0.0.1:8080/health"),
    "19all": Case("it listens, and even the host itself is dropped", cases_reach.everything,
                  "! curl -fs -m 1 http://127.0.0.1:8080/health"),
    "19ipv6": Case("it listens, and of two families one is refused", cases_reach.ipv6,
                   "curl -fs http://127.0.0.1:8080/health"),
    "19limited": Case("it listens, and only one network is let in", cases_reach.limited,
                      "curl -fs http://127.0.0.1:8080/health"),
    "19loopback": Case("it listens on 127.0.0.1 alone", cases_reach.loopback, "curl -fs http://127.0.0.1:8080/health"),
    "19udp": Case("datagrams are dropped", cases_reach.udp, "ss -Hlun 'sport = :5514' | grep -q .",
                  ask=":5514/udp"),
    "20": Case("nginx cannot start: an old master lives", _nginx_old_master, "systemctl is-failed nginx.service",
               ask="/nginx"),
    "20twice": Case("nginx cannot start: one listen twice", _nginx_twice, "systemctl is-failed nginx.service",
                    ask="/nginx"),
    "21": Case("one service run by systemd and by supervisord", _two_managers, FAILED, ask="/systemd:api.service"),
    "22": Case("the cause is gone, systemd has given up", _start_limit, FAILED + "; ! " + _V4),
    "23": Case("UDP", _udp, "systemctl is-failed syslog-relay.service", ask="/syslog-relay"),
    "25": Case("link-local, IPv4-mapped and device-bound listeners", _address_forms,
               "test $(ss -Hltn '( sport = :8080 or sport = :8081 )' | wc -l) = 3", ask=":8080"),
    "26": Case("declared in a .env file; a range in a compose file", _declarations, FAILED),
}  # fmt: skip
