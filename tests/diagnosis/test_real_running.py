"""Services that count as running on real hosts and do nothing, or not where they should."""

from __future__ import annotations

from console.diagnosis import VerdictWord, as_text
from console.findings import evaluate
from tests.lab import FreshHost, Lab

from .real import look, why_as

USERS = ("root", "oncall", "nosudo")
LISTENS = "ss -Hltn 'sport = :8080' | grep -q ."
HALTED = "grep -q '^State:.T' /proc/$(systemctl show -P MainPID {}.service)/status"


def test_a_service_that_a_signal_stopped_is_not_fine(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    host.wait(LISTENS)
    host.sh("kill -STOP $(systemctl show -P MainPID api.service)")
    host.wait(HALTED.format("api"))
    for user, (verdict, by_port) in why_as(lab, host, ("/api", ":8080"), USERS).items():
        # Each look leaves connections that nobody accepts: once its queue is full the kernel drops what comes.
        assert verdict.verdict in (VerdictWord.HELD, VerdictWord.UNREACHABLE), user
        assert (verdict.fine, "stopped by a signal" in verdict.summary) == (False, True), user
        assert (verdict.actions[0].id, verdict.actions[0].recommended) == ("continue", True)
        if user == "root":
            assert (by_port.fine, by_port.at_home, by_port.actions[0].id) == (False, False, "continue")
    host.sh(verdict.actions[0].commands[0])
    host.wait("curl -fs http://127.0.0.1:8080/health")
    for user, (verdict,) in why_as(lab, host, ("/api",), USERS).items():
        assert verdict.fine, (user, as_text(verdict))
    # Stopped before it had its port: a shell that stops itself.
    host.run(["systemctl", "stop", "api.service"])
    start = "ExecStart=/bin/sh -c 'kill -STOP $$$$; exec python3 /srv/api/api.py'\n"
    host.unit("early.service", f"[Service]\nUser=deploy\nEnvironment=PORT=8080\n{start}")
    host.wait(HALTED.format("early"))
    for user, (verdict,) in why_as(lab, host, ("/early",), USERS).items():
        assert (verdict.verdict, verdict.fine) == (VerdictWord.UNKNOWN, False), user
        assert "early.service does not listen on tcp 8080: its process" in verdict.summary


def test_ipv4_and_ipv6_of_one_port_with_different_owners_are_both_fine(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/etc/nginx/conf.d/six.conf", "server { listen [::]:8080; }\n")
    host.run(["systemctl", "enable", "--now", "nginx.service"])
    host.install_api()
    host.run(["systemctl", "enable", "api.service"])
    host.wait("test $(ss -Hltn 'sport = :8080' | wc -l) = 2")
    for user, verdicts in why_as(lab, host, ("/nginx", "/api"), USERS).items():
        for name, verdict in zip(("nginx", "api"), verdicts, strict=True):
            assert (verdict.verdict, verdict.fine) == (VerdictWord.HELD, True), (user, as_text(verdict))
            assert [one.name for one in verdict.holders] == [f"{name}.service"], user
        assert [one.summary for one in evaluate(look(lab, host, user)) if "port" in one.code] == [], user
    # Down, each has its own family free, and whatever has the other one is left alone.
    host.run(["systemctl", "stop", "nginx.service"])
    for user, (verdict,) in why_as(lab, host, ("/nginx",), USERS).items():
        assert (verdict.holders, verdict.clash) == ((), None), (user, as_text(verdict))


def test_a_service_that_runs_without_its_port_is_not_fine(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    unit = "[Service]\nUser=deploy\nEnvironment=PORT=8080\nExecStart=/bin/sleep infinity\n"
    host.unit("sleepy.service", unit)
    for user, (verdict,) in why_as(lab, host, ("/sleepy",), USERS).items():
        assert (verdict.verdict, verdict.fine) == (VerdictWord.UNKNOWN, False), user
        assert "sleepy.service runs" in verdict.summary
        assert "not listen on tcp 8080" in verdict.summary or "not seen to listen on tcp 8080" in verdict.summary
        assert not any(action.recommended for action in verdict.actions)
