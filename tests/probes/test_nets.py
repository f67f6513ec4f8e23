"""Networks of their own and redirections on a real host with Docker, as whoever looks, against what Docker says."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from console.core.engines import container_of
from console.probes import namespaces, redirects
from tests.lab import Host, Lab
from tests.probes import nets
from tests.probes.asking import SHELLS, RefusedError, over_ssh


@dataclass(frozen=True)
class Told:
    """A container as Docker tells it."""

    ident: str
    pid: int
    address: str


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("nets", docker=True)
    nets.furnish(made)
    return made


def told(host: Host, name: str) -> Told:
    [found] = json.loads(host.sh(f"docker inspect {name}"))
    return Told(found["Id"], found["State"]["Pid"], found["NetworkSettings"]["IPAddress"])


@pytest.mark.parametrize("user", ["root", "oncall", "nosudo"])
def test_what_listens_inside_whoever_looks(lab: Lab, host: Host, user: str) -> None:
    found = over_ssh(lab, host, user).ask(namespaces.PROBE)
    for name in ("web", "inner"):
        container = told(host, name)
        space = found.at(container.address)
        assert space is not None
        [listener] = [each for each in space.listeners if each.protocol == "tcp"]
        assert (listener.port, listener.pids) == (80, (container.pid,) if user == "root" else ())
        process = space.holder(listener)
        assert process is not None
        assert (process.pid, process.name) == (container.pid, "busybox")
        assert process.command == "/bin/busybox httpd -f -p 80 -h /bin"
        assert container_of(process.cgroup) == container.ident[:12]
    private = next(each for each in found.spaces if each.processes[0].cgroup == "/system.slice/private.service")
    assert (private.addresses, private.listeners[0].address, private.listeners[0].port) == ((), "127.0.0.1", 8082)
    web = told(host, "web")
    shown = {(one.protocol, one.address, one.port, one.to_address, one.to_port) for one in found.proxies}
    assert shown == {
        ("tcp", "127.0.0.1", 8080, web.address, 80),
        ("udp", "0.0.0.0", 5300, web.address, 53),
        ("udp", "::", 5300, web.address, 53),
    }


def test_connections_are_counted_inside(lab: Lab, host: Host) -> None:
    inner = told(host, "inner")
    script = f"exec 3<>/dev/tcp/{inner.address}/80 4<>/dev/tcp/{inner.address}/80; sleep 60"
    host.run(["systemd-run", "--quiet", "--unit", "client", "bash", "-c", script])
    host.wait(f"test $(ss -Htn state established dst {inner.address} | wc -l) = 2")
    space = over_ssh(lab, host, "nosudo").ask(namespaces.PROBE).at(inner.address)
    assert space is not None
    assert ("tcp", 80, 2) in space.connections
    host.run(["systemctl", "stop", "client"])


@pytest.mark.parametrize("shell", SHELLS)
def test_in_every_shell(lab: Lab, host: Host, shell: str) -> None:
    way = over_ssh(lab, host)
    known = way.ask(namespaces.PROBE, shell=shell)
    assert {space.addresses[:1] for space in known.spaces} == {(told(host, "web").address,),
                                                               (told(host, "inner").address,), ()}  # fmt: skip
    assert way.ask(redirects.PROBE, "8080", shell=shell).tools == ("iptables-save", "ip6tables-save", "nft")


def test_hidden_processes_are_no_empty_answer(lab: Lab, host: Host) -> None:
    host.run(["mount", "-o", "remount,hidepid=2", "/proc"])
    try:
        with pytest.raises(RefusedError, match="hidden on this host"):
            over_ssh(lab, host, "nosudo").ask(namespaces.PROBE)
        assert over_ssh(lab, host).ask(namespaces.PROBE).spaces
    finally:
        host.run(["mount", "-o", "remount,hidepid=0", "/proc"])


def targets(found: redirects.Redirects, protocol: str, port: int) -> set[tuple[str | None, int | None]]:
    return {(one.to_address, one.to_port) for one in found.found if one.ports and one.takes(protocol, port)}


def test_where_the_kernel_sends_what_comes(lab: Lab, host: Host) -> None:
    root = over_ssh(lab, host)
    web = told(host, "web")
    assert targets(root.ask(redirects.PROBE, "8080"), "tcp", 8080) == {(web.address, 80)}
    assert targets(root.ask(redirects.PROBE, "5300"), "udp", 5300) == {(web.address, 53), ("10.0.0.9", 53)}
    assert targets(root.ask(redirects.PROBE, "30080"), "tcp", 30080) == {
        ("10.244.0.5", 8080), ("10.244.1.7", 8080), ("fd00::5", 80), (None, 9090)
    }  # fmt: skip
    assert targets(root.ask(redirects.PROBE, "8443"), "tcp", 8443) == {(None, 443)}
    assert targets(root.ask(redirects.PROBE, "9999"), "tcp", 9999) == set()


def test_who_may_not_look_is_told_what_is_missing(lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host, "oncall")
    host.sudoers("oncall", [])
    with pytest.raises(RefusedError, match="/usr/sbin/iptables-save"):
        way.ask(redirects.PROBE, "8080")
    host.sudoers("oncall", ["/usr/sbin/iptables-save"])
    found = way.ask(redirects.PROBE, "8080")
    assert (found.tools, targets(found, "tcp", 8080)) == (("iptables-save",), {(told(host, "web").address, 80)})
    assert found.refused is not None
    assert "/usr/sbin/ip6tables-save" in found.refused
    with pytest.raises(RefusedError, match="no port"):
        way.ask(redirects.PROBE, "80; id")


def test_verdict_maps_are_followed_and_what_only_the_host_itself_meets_is_not_told(lab: Lab, host: Host) -> None:
    root = over_ssh(lab, host)
    host.sh(nets.VERDICTS)
    try:
        asked = {port: root.ask(redirects.PROBE, str(port)) for port in (443, 6001, 6151, 6152, 7, 30001, 30002, 9999)}
        sent = {port: targets(found, "tcp", port) for port, found in asked.items()}
        ends = {("10.244.0.5", 8080), ("10.244.1.5", 8080)}
        assert sent == {
            443: ends, 30001: ends, 30002: ends, 6001: {("172.31.0.9", None)}, 6151: {(None, 99)},
            6152: set(), 7: set(), 9999: set(),
        }  # fmt: skip
        assert {one.address for one in asked[443].found if one.takes("tcp", 443) and one.ports} == {"10.96.0.1"}
        assert {(one.interface, one.source) for one in asked[6001].found if one.takes("tcp", 6001) and one.ports} == {
            ("host0", "192.0.2.0/24")
        }
        assert all(not one.unread and one.refused is None for one in asked.values())
    finally:
        host.sh("nft delete table ip k")


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_closed_folder_hides_is_not_called_missing(lab: Lab, host: Host, shell: str) -> None:
    host.sh("install -d -m 700 /srv/closed && touch /srv/closed/net")
    way = over_ssh(lab, host, "oncall")
    told_as = {at: way.ask(namespaces.PROBE, at, shell=shell).file for at in ("/srv/closed/net", "/srv/nowhere")}
    assert told_as == {"/srv/closed/net": "unseen", "/srv/nowhere": "missing"}
