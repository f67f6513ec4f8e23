"""Ports of containers on real hosts with Docker, as root, with narrow rights, in group docker and with no right."""

from __future__ import annotations

import json
from dataclasses import replace

from console.core.plan import Result
from console.diagnosis import Confidence, VerdictWord, as_json
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import install

from .acting import act
from .judged import Judged, judged
from .real import why

HELD, FREE, INSIDE = VerdictWord.HELD, VerdictWord.FREE, VerdictWord.HELD_IN_CONTAINER
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
RULES = "rules that send the port elsewhere (NAT)"
POLICY = "restart policy of container ID"
PROCESS = "process of the holder"
LOG = "log of api.service"
SAME = "same address 0.0.0.0"
UNLESS = "docker restart=unless-stopped"
LATER = "containers that publish 8080 when they are started"
DOCKER = "/usr/bin/docker"
HAS = "curl -fs http://127.0.0.1:8080/health"


def verdicts(lab: Lab, host: Host, user: str, *targets: str) -> tuple[Judged, ...]:
    return tuple(judged(verdict) for verdict in why(lab, host, targets, user))


BY_ROOT = Judged(HELD, HIGH, ("shop/api",), ("shop_api_1",), SAME, UNLESS, action="stop-holder",
                 steps="stop shop/api, then start api.service")  # fmt: skip


def test_what_more_rights_on_the_engine_add(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True, sudo=(DOCKER,))
    install(host, "3")
    # With the engine's answer the container has its name, and may be stopped; without a line for systemctl no start.
    assert verdicts(lab, host, "oncall", "/api") == (replace(BY_ROOT, off=True),)
    host.sudoers("oncall", [DOCKER, "/usr/bin/systemctl reset-failed api.service",
                            "/usr/bin/systemctl start api.service"])  # fmt: skip
    [verdict] = why(lab, host, ["/api"], "oncall")
    assert judged(verdict) == BY_ROOT
    assert verdict.actions[0].commands[0] == "sudo -n -- docker stop shop_api_1"
    host.run(["usermod", "-aG", "docker", "nosudo"])
    [by_port] = verdicts(lab, host, "nosudo", ":8080")
    assert by_port == Judged(HELD, HIGH, ("shop/api",) * 2, ("shop_api_1",) * 2, None, UNLESS,
                             frozenset({RULES, LOG}), "stop-holder", "stop shop/api, then start api.service",
                             off=True)  # fmt: skip


def test_what_is_told_of_it_to_scripts_and_to_people(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    install(host, "3")
    [verdict] = why(lab, host, ["/api"])
    [told] = as_json(verdict)["holders"]
    proxy = int(host.sh("pgrep -f '^[^ ]*docker-proxy.*-host-ip 0.0.0.0'"))
    [inspected] = json.loads(host.sh("docker inspect shop_api_1"))
    address = next(iter(inspected["NetworkSettings"]["Networks"].values()))["IPAddress"]
    assert (told["pid"], told["process"]) == (proxy, "docker-proxy")
    assert (told["manager"], told["service"], told["container"]) == ("compose", "shop/api", "shop_api_1")
    assert (told["to"], told["connections"]) == (f"{address}:80", 0)
    assert told["since"][:16] == inspected["State"]["StartedAt"][:16]
    assert told["chain"] == ["systemd", "docker.service", "docker", "compose shop", "api"]
    assert not any("kill" in step for action in verdict.actions for step in action.commands)


def test_clients_of_a_published_port_are_counted_where_they_end(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    install(host, "3")
    # One comes through the proxy, and one through the rules, of which the host has no socket.
    script = f"exec 3<>/dev/tcp/127.0.0.1/8080 4<>/dev/tcp/{host.address}/8080; sleep 600"
    host.run(["systemd-run", "--quiet", "--unit", "client", "bash", "-c", script])
    host.wait("test $(ss -Htn state established dst :8080 | wc -l) = 2")
    for user in ("root", "nosudo"):
        [verdict] = why(lab, host, [":8080"], user)
        assert verdict.holders[0].connections == 2
        assert "2 live connections" in verdict.impact


def test_rules_that_outlive_their_engine_take_the_port_of_nobody(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    install(host, "4down")
    host.run(["systemctl", "stop", "api.service"])
    [stopped] = verdicts(lab, host, "root", ":8080")
    clash = f"none to bind; what comes is sent to {_inner(host)}:80 (container ID)"
    assert stopped == Judged(HELD, MEDIUM, ("container ID",), ("ID",), clash, None, frozenset({POLICY}),
                             "stop-container", "stop container ID", off=True)  # fmt: skip
    [blind] = verdicts(lab, host, "nosudo", ":8080")
    assert (blind.verdict, blind.gaps) == (VerdictWord.UNKNOWN, frozenset({RULES, LATER}))
    host.sudoers("oncall", ["/usr/sbin/iptables-save", "/usr/sbin/ip6tables-save", "/usr/sbin/nft -a list ruleset"])
    assert verdicts(lab, host, "oncall", ":8080") == (stopped,)


def _inner(host: Host) -> str:
    return host.sh("iptables-save -t nat | sed -n 's/.*--dport 8080.*--to-destination \\(.*\\):80$/\\1/p'").strip()


MOUNTS = "".join(f" --volume {place}:{place}:ro" for place in ("/usr", "/lib", "/lib64", "/srv"))
API = f"{MOUNTS} lab-httpd /usr/bin/python3 /srv/api/api.py"


def test_a_container_with_the_network_of_the_host_or_of_another(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    install(host, "inside")
    host.sh("docker rm --force inner")
    host.install_api(name="legacy")
    host.wait(HAS)
    host.sh(f"docker run --detach --name hostly --network host{API}", timeout=60)
    host.wait("test $(docker inspect -f '{{.State.ExitCode}}' hostly) = 1")
    [hostly] = verdicts(lab, host, "root", "/docker:hostly")
    assert hostly == Judged(HELD, HIGH, ("legacy.service",), (None,), SAME, "systemd Restart=on-failure",
                            action="stop-holder", steps="stop legacy.service, then start hostly")  # fmt: skip
    acted = act(lab, host, "/docker:hostly")
    assert acted.last.result is Result.DONE, acted.last
    host.wait(HAS)
    host.run(["docker", "rm", "--force", "hostly"])
    # Two that share a network of their own: no port of the host is in it.
    host.sh("docker run --detach --name inner lab-httpd /bin/busybox httpd -f -p 8080", timeout=60)
    host.wait("grep -q ':1F90 .* 0A ' /proc/$(docker inspect -f '{{.State.Pid}}' inner)/net/tcp6")
    host.sh(f"docker run --detach --name guest --network container:inner{API}", timeout=60)
    host.wait("test $(docker inspect -f '{{.State.ExitCode}}' guest) = 1")
    [guest] = why(lab, host, ["/docker:guest"])
    assert (guest.verdict, guest.port) == (VerdictWord.UNKNOWN, None)
    assert "its log names tcp 8080 inside the network of inner, which inner has there" in guest.summary
    assert not any(action.recommended for action in guest.actions)
