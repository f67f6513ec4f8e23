"""What an earlier attempt to start a service said is no reason why it is down now, on real hosts."""

from __future__ import annotations

from tests.lab import FreshHost, Lab

from .real import why

BUSY = "[Service]\nExecStart=/usr/bin/python3 -m http.server 8080\n"
PROGRAM = """[program:legacy]
command=/usr/bin/python3 -m http.server 8080
autorestart=false
autostart=false
startsecs=1
startretries=0
"""
IN_USE = "Address already in use"


def test_a_unit_that_was_killed_is_not_down_by_what_it_said_before_it_was_mended(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.write("/etc/nginx/conf.d/x.conf", "bogus_directive on;\n")
    host.run(["systemctl", "restart", "nginx"], check=False)
    [verdict] = why(lab, host, ["/nginx"])
    assert verdict.failure is not None
    assert any("bogus_directive" in line for line in verdict.failure.log)
    host.sh("rm /etc/nginx/conf.d/x.conf; systemctl start nginx; kill -9 $(cat /run/nginx.pid)")
    host.wait("systemctl is-failed --quiet nginx")
    [verdict] = why(lab, host, ["/nginx"])
    assert verdict.failure is not None
    assert "killed by SIGKILL" in verdict.failure.why
    assert not any("bogus_directive" in line for line in verdict.failure.log)


def test_a_program_that_was_killed_is_not_down_by_a_file_that_is_older_than_its_start(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.unit("busy.service", BUSY)
    host.write("/etc/supervisor/conf.d/legacy.conf", PROGRAM)
    host.wait("ss -Hltn sport = :8080 | grep -q LISTEN")
    host.sh("systemctl restart supervisor")
    host.wait("supervisorctl status legacy | grep -q STOPPED")
    host.run(["supervisorctl", "start", "legacy"], check=False)
    host.wait("supervisorctl status legacy | grep -qE 'EXITED|FATAL'")
    [verdict] = why(lab, host, ["/supervisord:legacy"])
    assert verdict.symptom is not None
    assert IN_USE in verdict.symptom.line
    # Files tell their age in whole seconds.
    host.wait("[ $(($(date +%s) - $(stat -c %Y /var/log/supervisor/legacy-stderr*))) -ge 3 ]")
    host.sh("systemctl stop busy; supervisorctl start legacy; kill -9 $(supervisorctl pid legacy)")
    host.wait("supervisorctl status legacy | grep -q EXITED")
    [verdict] = why(lab, host, ["/supervisord:legacy"])
    assert (verdict.symptom, verdict.verdict.value) == (None, "free")
    assert verdict.failure is not None
    assert not any(IN_USE in line for line in verdict.failure.log)
