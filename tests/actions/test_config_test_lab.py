"""Restarts of real hosts with a mistake in a configuration: what runs is not taken down for it."""

from __future__ import annotations

from console.core.plan import ActionKind, PlanProgress, Result
from tests.actions.test_reload_lab import said
from tests.lab import FreshHost, Host, Lab
from tests.remote.real import connected, planned, run

RESTARTS = ("/usr/bin/systemctl restart nginx.service", "/usr/bin/systemctl restart ssh.service")
MISTAKES = (
    ("ssh.service", "/etc/ssh/sshd_config", "BogusOption yes\n", "line", "/usr/sbin/sshd -t"),
    ("nginx.service", "/etc/nginx/conf.d/x.conf", "bogus on;\n", "/etc/nginx/conf.d/x.conf:1", "/usr/sbin/nginx -t -q"),
)


async def restart(lab: Lab, host: Host, name: str, user: str = "root") -> PlanProgress:
    async with connected(host.name, lab.ssh_config(user)) as transport:
        wanted = await planned(transport, ActionKind.RESTART, name)
        return await run(transport, wanted, root=user == "root")


async def test_what_would_not_come_up_again_is_not_restarted(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=RESTARTS)
    host.run(["systemctl", "start", "nginx.service"])
    pids = {name: host.sh(f"systemctl show -p MainPID {name}") for name, *_ in MISTAKES}
    for name, file, mistake, where, tested in MISTAKES:
        host.sh(f"touch {file} && cp {file} /root/was && printf %s '{mistake}' >>{file}")
        last = await restart(lab, host, name)
        assert last.result is Result.REFUSED, last
        assert where in (last.reason or "")
        host.sudoers("oncall", (*RESTARTS, tested))
        last = await restart(lab, host, name, "oncall")
        assert last.result is Result.REFUSED, last
        assert where in (last.reason or "")
        assert host.sh(f"systemctl show -p MainPID {name}") == pids[name]
        host.sh(f"cp /root/was {file}")
    host.sudoers("oncall", RESTARTS)
    last = await restart(lab, host, "ssh.service", "oncall")
    assert last.result is Result.REFUSED, last
    assert "oncall ALL=(root) NOPASSWD: /usr/sbin/sshd -t" in (last.reason or "")
    last = await restart(lab, host, "nginx.service", "oncall")
    assert last.result is Result.DONE, last
    told = said(last)["the configuration of nginx.service is without mistakes"]
    assert "not tested: needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/sbin/nginx -t -q" in told
    assert (await restart(lab, host, "ssh.service")).result is Result.DONE


async def test_what_a_new_process_will_read_is_tested_and_not_what_the_old_one_read(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.run(["systemctl", "start", "nginx.service"])
    host.write("/etc/nginx/other.conf", "events {}\nhttp { server { listen 8099; return 200 new; } }\n")
    host.write("/etc/nginx/nginx.conf", "bogus on;\n")
    start = "[Service]\nExecStartPre=\nExecStart=\nExecStart=/usr/sbin/nginx -c /etc/nginx/other.conf\n"
    host.write("/etc/systemd/system/nginx.service.d/other.conf", start)
    host.run(["systemctl", "daemon-reload"])
    last = await restart(lab, host, "nginx.service")
    assert last.result is Result.DONE, last
    told = said(last)["the configuration of nginx.service is without mistakes"]
    assert told == "nginx -t -q -c /etc/nginx/other.conf is content"
