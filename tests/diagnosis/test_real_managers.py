"""Ports under service managers on real hosts: one program twice, programs of others, users' managers, sharing."""

from __future__ import annotations

from console.diagnosis import Confidence, VerdictWord, as_text
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import NODE_SERVER, hold, install
from tests.lab.user_units import echo_socket, linger, user_unit

from .judged import Judged, judged
from .real import why

HELD, DUPLICATE = VerdictWord.HELD, VerdictWord.DUPLICATE
HIGH, MEDIUM = Confidence.HIGH, Confidence.MEDIUM
RULES = "rules that send the port elsewhere (NAT)"
PROCESS = "process of the holder"
LOG = "log of api.service"
SAME = "same address 0.0.0.0"
FAILED = "systemctl is-failed --quiet api.service"
OPEN = "curl -fs -o /dev/null http://127.0.0.1:8080/"


def verdicts(lab: Lab, host: Host, user: str, *targets: str) -> tuple[Judged, ...]:
    return tuple(judged(verdict) for verdict in why(lab, host, targets, user))


# 21 one program, two managers


def test_the_enabled_one_of_the_two_gets_the_port(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "21")
    host.run(["systemctl", "enable", "api.service"])
    [verdict] = why(lab, host, ["/systemd:api.service"])
    assert judged(verdict).steps == "stop api, then start api.service"
    assert str(verdict.keep) == f"{host.name}/systemd:api.service"
    assert verdict.actions[0].commands[0] == "supervisorctl stop api"
    disable = next(action for action in verdict.actions if action.id == "disable")
    assert disable.reason_off == "by hand: set autostart=false in /etc/supervisor/conf.d/api.conf first"
    host.run(["systemctl", "enable", "supervisor.service"])
    [verdict] = why(lab, host, ["/systemd:api.service"])
    assert str(verdict.keep) == f"{host.name}/supervisord:api"
    assert [action.id for action in verdict.actions][:2] == ["leave-down", "disable"]
    assert verdict.actions[1].commands == ("systemctl disable -- api.service",)


def test_one_script_under_systemd_and_pm2_and_by_hand(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/srv/node/api.js", NODE_SERVER)
    host.run(["install", "-d", "-o", "deploy", "/srv/.pm2"])
    start = "export HOME=/srv PM2_HOME=/srv/.pm2 PORT=8080; pm2 start /srv/node/api.js --name api >/dev/null"
    host.sh(start, user="deploy", timeout=60)
    host.wait(OPEN)
    unit = "[Service]\nUser=deploy\nEnvironment=PORT=8080\nExecStart=/usr/bin/node /srv/node/api.js\n"
    host.unit("api.service", unit)
    host.wait(FAILED)
    [verdict] = why(lab, host, ["/systemd:api.service"])
    assert (verdict.verdict, verdict.holders[0].name) == (DUPLICATE, "api")
    assert "api.service and api (pm2 of deploy) run the same program; keep" in verdict.summary
    assert verdict.actions[0].id == "leave-down"
    # One that goes on trying is stopped, so that it stays down.
    host.write("/etc/systemd/system/api.service.d/again.conf",
               "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=2\n")  # fmt: skip
    host.sh("systemctl daemon-reload; systemctl restart --no-block api.service")
    host.wait("test $(systemctl show --value -p NRestarts api.service) -ge 1")
    [verdict] = why(lab, host, ["/systemd:api.service"])
    assert (verdict.verdict, verdict.actions[0].id) == (DUPLICATE, "stop-twin")
    assert verdict.actions[0].commands == ("systemctl stop api.service",)
    # No unit is in it: the app of pm2 against a program of supervisord.
    host.run(["systemctl", "stop", "api.service"])
    program = 'command=/usr/bin/node /srv/node/api.js\nuser=deploy\nenvironment=PORT="8080"\nstartretries=0\n'
    host.write("/etc/supervisor/conf.d/node.conf", f"[program:node]\n{program}")
    host.run(["systemctl", "start", "supervisor.service"])
    host.wait("supervisorctl status node | grep -q FATAL", timeout=30)
    [verdict] = why(lab, host, ["/supervisord:node"])
    assert (verdict.verdict, verdict.holders[0].name) == (DUPLICATE, "api")
    assert "node (supervisord) and api (pm2 of deploy) run the same program; whether" in verdict.summary
    # What pm2 was told to set does not show apart from what it inherited, and they have two names.
    assert verdict.keep is None
    assert not any(action.recommended for action in verdict.actions)


def test_two_tenants_of_one_program(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api(start=False)
    start = "ExecStart=/usr/bin/python3 /srv/api/api.py\n"
    host.unit("tenant-b.service", f"[Service]\nUser=deploy\nEnvironment=PORT=8080 TENANT=b SERVICE_NAME=b\n{start}")
    host.wait(OPEN)
    host.run(["systemctl", "start", "api.service"])
    host.wait(FAILED)
    for user in ("root", "oncall"):
        [verdict] = why(lab, host, ["/api"], user)
        assert (verdict.verdict, verdict.holders[0].name, verdict.keep) == (HELD, "tenant-b.service", None)
        assert verdict.holders[0].note == "the same program, with another SERVICE_NAME"
        assert verdict.actions[0].id == "stop-holder"
        # Values are nobody's to see.
        assert not any("SERVICE_NAME=b" in line for line in as_text(verdict))
        assert not any("TENANT=b" in look.output for look in verdict.looks if "environment" in look.command)
    # What is in a file that may not be read could tell them apart.
    host.write("/etc/tenant-b", "TENANT=b\n", mode=0o600)
    same = "Environment=PORT=8080 SERVICE_NAME=api LOG_FILE=/var/log/api/api.log\n"
    unit = f"[Service]\nUser=deploy\nEnvironmentFile=/etc/tenant-b\n{same}{start}"
    host.unit("tenant-b.service", unit, start=False)
    host.run(["systemctl", "restart", "tenant-b.service"])
    host.wait(OPEN)
    [verdict] = why(lab, host, ["/api"], "oncall")
    assert (verdict.verdict, verdict.keep) == (DUPLICATE, None)
    assert not any(action.recommended for action in verdict.actions)
    assert any("/etc/tenant-b: oncall may not read it" in gap.why for gap in verdict.not_checked)
    [verdict] = why(lab, host, ["/api"])
    assert (verdict.verdict, verdict.holders[0].note) == (HELD, "the same program, with another TENANT")


# 7 a program of a manager that may not be asked


def test_who_may_ask_supervisord_is_told_which_program_it_is(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=("/usr/bin/supervisorctl status", "/usr/bin/supervisorctl stop legacy"))
    install(host, "7")
    [told] = why(lab, host, ["/api"], "oncall")
    assert (told.holders[0].name, told.holders[0].respawn) == ("legacy", "supervisord autorestart")


# 6 socket units of a user


def test_a_socket_unit_of_a_user(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    echo_socket(host)
    host.install_api()
    host.wait(FAILED)
    clash = "* (IPv6 and IPv4) overlaps 0.0.0.0"
    mine = Judged(HELD, HIGH, ("echo.socket",), (None,), clash, "systemd socket activation", frozenset(),
                  "stop-holder", "stop echo.socket, then start api.service")  # fmt: skip
    assert verdicts(lab, host, "oncall", "/api") == (mine,)
    [verdict] = why(lab, host, ["/api"], "oncall")
    assert verdict.actions[0].commands[0] == "systemctl --user stop echo.socket"
    # Root sees the units of who lingers, and stops them as that user.
    assert verdicts(lab, host, "root", "/api") == (mine,)
    which = "which socket unit of oncall it is"
    [nosudo] = verdicts(lab, host, "nosudo", ":8080")
    assert nosudo == Judged(HELD, MEDIUM, ("a socket unit of oncall",), (None,), "both want every address",
                            "systemd socket activation", frozenset({PROCESS, RULES, which, LOG}), "find-user-socket",
                            "stop the socket unit of oncall that has 8080", off=True)  # fmt: skip
    # What root is shown is what stops it.
    [verdict] = why(lab, host, ["/api"])
    host.sh(verdict.actions[0].commands[0])
    host.wait("! ss -Hltn 'sport = :8080' | grep -q .")


def test_a_service_in_another_users_session(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    linger(host)
    text = "[Service]\nExecStart=/usr/bin/python3 -m http.server 8080\nRestart=always\n"
    user_unit(host, "legacy.service", text)
    host.wait(OPEN)
    host.install_api()
    host.wait(FAILED)
    [own] = verdicts(lab, host, "oncall", "/api")
    assert own == Judged(HELD, HIGH, ("legacy.service",), (None,), SAME, "systemd Restart=always", frozenset(),
                         "stop-holder", "stop legacy.service, then start api.service")  # fmt: skip
    for user, target in (("root", "/api"), ("nosudo", ":8080")):
        [verdict] = why(lab, host, [target], user)
        assert verdict.holders[0].name == "legacy.service"
        assert verdict.holders[0].user == "oncall"
        # Never the user's whole service manager, with everything that he runs.
        assert not any("user@1001" in step for action in verdict.actions for step in action.commands)
        assert not any("user@1001" in action.label for action in verdict.actions)


# Several holders


def test_two_that_share_a_port(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    for name in ("one", "two"):
        hold(host, "reuseport", "0.0.0.0", name=name)
    host.wait("test $(ss -Hltn 'sport = :8080' | wc -l) = 2")
    host.install_api()
    host.wait(FAILED)
    [root] = verdicts(lab, host, "root", "/api")
    both = {"one.service", "two.service"}
    assert set(root.holders) == both
    first, second = root.holders
    shared = f"{SAME}; shared by SO_REUSEPORT within user deploy"
    assert root == Judged(HELD, HIGH, root.holders, (None, None), shared, None, frozenset(), "stop-holder",
                          f"stop {first} and {second}, then start api.service")  # fmt: skip
    [oncall] = verdicts(lab, host, "oncall", "/api")
    assert set(oncall.holders) == both
    assert (oncall.confidence, oncall.clash, oncall.off) == (MEDIUM, shared, True)
    [verdict] = why(lab, host, [":8080"], "nosudo")
    assert {holder.name for holder in verdict.holders} == both
    text = as_text(verdict)
    assert any(line.startswith("HELD BY  one.service: hidden process") for line in text)
    assert any(line.startswith("HELD BY  two.service: hidden process") for line in text)


def test_different_owners_of_ipv4_and_ipv6(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    hold(host, "v6only", "::", name="six")
    hold(host, "listen", "0.0.0.0", name="four")
    host.wait("test $(ss -Hltn 'sport = :8080' | wc -l) = 2")
    host.install_api()
    host.install_api(name="dual", port=8080, unit_extra="Environment=HOST=::")
    host.wait(f"{FAILED} && systemctl is-failed --quiet dual.service")
    for user, sure in (("root", HIGH), ("oncall", MEDIUM)):
        narrow, wide = verdicts(lab, host, user, "/api", "/dual")
        assert (narrow.holders, narrow.clash, narrow.confidence) == (("four.service",), SAME, sure)
        assert narrow.steps == "stop four.service, then start api.service"
        assert (set(wide.holders), wide.confidence) == ({"four.service", "six.service"}, sure)
        assert wide.steps is not None
        assert wide.steps.endswith("then start dual.service")
    [nosudo] = verdicts(lab, host, "nosudo", ":8080")
    assert set(nosudo.holders) == {"four.service", "six.service"}


CLIENTS = """import socket, time
kept = [socket.create_connection(("127.0.0.1", 8080)) for _ in range(3)]
time.sleep(1e6)
"""


def test_the_connections_of_the_run_before_are_not_live(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api(name="legacy", unit_extra="Restart=no")
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.write("/srv/clients.py", CLIENTS)
    host.unit("clients.service", "[Service]\nExecStart=/usr/bin/python3 /srv/clients.py\n")
    host.wait("test $(ss -Htn state established 'sport = :8080' | wc -l) = 3")
    [verdict] = why(lab, host, [":8080"])
    assert verdict.holders[0].connections == 3
    host.sh("systemctl kill --signal=KILL legacy.service")
    host.wait("systemctl -q is-failed legacy.service")
    host.sh("systemctl reset-failed legacy.service; systemctl start legacy.service")
    host.wait("curl -fs http://127.0.0.1:8080/health")
    assert host.sh("ss -Htn state fin-wait-2 'sport = :8080' | wc -l").strip() == "3"
    # On a busy host a look may meet a try of its own, which is live for a moment: the three dead ones never count.
    counts = [why(lab, host, [":8080"])[0].holders[0].connections for _ in range(3)]
    assert 0 in counts
    assert all(count is not None and count < 3 for count in counts)
