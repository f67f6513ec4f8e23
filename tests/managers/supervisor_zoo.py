"""Programs of supervisord in every state that it knows, on a lab host."""

from __future__ import annotations

from tests.lab import Host

CONF_D = "/etc/supervisor/conf.d"

ZOO = r"""
[program:api]
command=/srv/api/api.py
environment=PORT="8080",LOG_FILE="/var/log/api/api.log",MARK="first"
user=deploy
startsecs=1
stopwaitsecs=5

[program:worker]
command=/bin/sh -c 'while :; do echo "worker %(process_num)d at work"; sleep 1; done'
process_name=%(program_name)s_%(process_num)02d
numprocs=3
redirect_stderr=true

[program:cart]
command=/bin/sleep 100000

[program:pay]
command=/bin/sh -c 'exec sleep 100001'

[group:shop]
programs=cart,pay

[program:quick]
command=/bin/sh -c 'echo "bind: Address already in use" >&2; exit 3'
startretries=1

[program:nofile]
command=/nonexistent/program --flag
startretries=0

[program:backoff]
command=/bin/sh -c 'exit 4'
startretries=10000

[program:done]
command=/bin/sh -c 'sleep 1.5; exit 0'
autorestart=unexpected

[program:broke]
command=/bin/sh -c 'sleep 1.5; exit 7'
autorestart=false

[program:shot]
command=/bin/sh -c 'sleep 1.5; kill -SEGV $$'
autorestart=false

[program:idle]
command=/bin/sleep 100002
autostart=false

[program:loop]
command=/bin/sh -c 'sleep 2.5; exit 1'
autorestart=true

[program:slow]
command=/bin/sleep 100003
startsecs=3600

[program:deaf]
command=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
stopwaitsecs=2

[program:all]
command=/bin/sleep 100004

[program:--help]
command=/bin/sleep 100005

[program:x;$(id)'"\[red]]
command=/bin/sleep 100006
stdout_logfile=/var/log/supervisor/odd.log
stderr_logfile=/var/log/supervisor/odd.err
"""

STATES = {
    "api": "running",
    "worker:worker_00": "running",
    "worker:worker_01": "running",
    "worker:worker_02": "running",
    "shop:cart": "running",
    "shop:pay": "running",
    "quick": "failed",
    "nofile": "failed",
    "backoff": "flapping",
    "done": "stopped",
    "broke": "failed",
    "shot": "failed",
    "idle": "stopped",
    "loop": "flapping",
    "slow": "starting",
    "deaf": "running",
    "all": "running",
    "--help": "running",
    "x;$(id)'\"\\[red]": "running",
}
"""What each is once they have settled."""


def furnish(host: Host) -> None:
    """Install the programs and wait until each has come to its state."""
    host.install_api(start=False)
    host.write(f"{CONF_D}/zoo.conf", ZOO)
    host.sh("systemctl start supervisor.service")
    host.wait("supervisorctl status quick | grep -q FATAL")
    host.wait("grep -c \"spawned: 'loop'\" /var/log/supervisor/supervisord.log | grep -qv '^[01]$'")
    host.wait("supervisorctl status broke | grep -q EXITED")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
