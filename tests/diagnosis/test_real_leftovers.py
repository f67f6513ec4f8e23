"""What a manager that was killed left running, on a real host, by everybody who may look."""

from __future__ import annotations

from console.diagnosis.holder_words import after_a_kill
from console.diagnosis.strays import LEFT
from tests.lab import FreshHost, Lab
from tests.lab.cases import install

from .real import why

WAITS = "[ $(systemctl show -p SubState --value supervisor.service) = auto-restart ]"


def test_a_supervisord_that_was_killed(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/etc/systemd/system/supervisor.service.d/wait.conf", "[Service]\nRestartSec=1h\n")
    host.run(["systemctl", "daemon-reload"])
    install(host, "7")
    host.sh("kill -9 $(cat /run/supervisord.pid)")
    host.wait(WAITS)
    again = "systemd starts supervisor.service again (Restart=on-failure), and that legacy"
    [verdict] = why(lab, host, ["/api"])
    assert verdict.holders[0].strays == (verdict.holders[0].pid,)
    assert verdict.holders[0].again == again
    [verdict] = why(lab, host, ["/api"], "oncall")
    assert (verdict.holders[0].note, after_a_kill(verdict.holders[0])) == (LEFT, f"not known: {again}")
    assert (verdict.actions[0].id, verdict.actions[0].recommended) == ("signal", False)
    host.sh("systemctl stop supervisor.service; systemctl start supervisor.service")
    host.wait("supervisorctl status legacy | grep -qE 'BACKOFF|FATAL|STARTING'")
    [verdict] = why(lab, host, ["/systemd:api.service"], "oncall")
    assert verdict.holders[0].note == LEFT
    assert not any(one.recommended for one in verdict.actions)
