"""Records how lines of real programs begin, on a lab host in Berlin: ``python -m tests.core.record_stamps``.

What is not in the image of the lab (Redis, Apache) was recorded in the same way by hand and stays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import Host, Lab
from tests.managers import pm2_zoo

RECORDED = Path(__file__).parent / "recorded" / "stamps.json"
PYTHON = """
import logging, sys
logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
logging.getLogger("shop").info("order 7 paid")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("shop").exception("order 8 failed")
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
logging.getLogger().handlers[:] = [handler]
logging.getLogger("shop").warning("slow")
"""
TICKS = "#!/bin/sh\nwhile :; do echo tick; sleep 0.3; done\n"
SUPERVISED = "[program:quick]\ncommand=/bin/sleep 1000\n"


def access(host: Host) -> str:
    host.sh("systemctl start nginx; curl -s -o /dev/null http://127.0.0.1/; curl -s -o /dev/null http://127.0.0.1/no")
    return host.sh("cat /var/log/nginx/access.log")


def nginx_error(host: Host) -> str:
    host.sh("mkdir /var/www/html/empty; curl -s -o /dev/null http://127.0.0.1/empty/")
    host.wait("[ -s /var/log/nginx/error.log ]")
    return host.sh("cat /var/log/nginx/error.log")


def python(host: Host) -> str:
    host.write("/srv/log.py", PYTHON)
    return host.sh("python3 /srv/log.py 2>&1")


def pm2_time(host: Host) -> str:
    host.write("/srv/apps/ticks.sh", TICKS, mode=0o755)
    host.sh('install -d -o deploy "$(getent passwd deploy | cut -d: -f6)/.pm2"')
    pm2_zoo.pm2(host, "deploy", "start", "/srv/apps/ticks.sh", "--time", "--interpreter", "none")
    log = '"$(getent passwd deploy | cut -d: -f6)"/.pm2/logs/ticks-out.log'
    host.wait(f"[ -s {log} ]")
    return host.sh(f"cat {log}")


def pm2_own(host: Host) -> str:
    return host.sh('cat "$(getent passwd deploy | cut -d: -f6)/.pm2/pm2.log"')


def supervisord(host: Host) -> str:
    host.write("/etc/supervisor/conf.d/quick.conf", SUPERVISED)
    host.sh("systemctl restart supervisor", timeout=30)
    host.wait("grep -q quick /var/log/supervisor/supervisord.log")
    return host.sh("tail -n 4 /var/log/supervisor/supervisord.log")


def journal_short(host: Host) -> str:
    return host.sh("journalctl -q -n 3 --no-pager -o short -u ssh")


def syslog(host: Host) -> str:
    host.sh("busybox syslogd -O /tmp/messages -S; logger -t cron -u /dev/log job started 2>/dev/null || true")
    host.wait("[ -s /tmp/messages ]")
    return host.sh("tail -n 3 /tmp/messages; kill $(pidof syslogd) 2>/dev/null || true")


def exporter(host: Host) -> str:
    return host.sh("timeout 2 prometheus-node-exporter --web.listen-address=127.0.0.1:9999 2>&1 | tail -n 3 || true")


def docker_daemon(host: Host) -> str:
    return host.sh("timeout 3 dockerd --host unix:///tmp/d.sock --iptables=false 2>&1 | head -n 3 || true", timeout=30)


PROGRAMS: dict[str, Callable[[Host], str]] = {
    "nginx access log": access,
    "nginx error log": nginx_error,
    "Python logging": python,
    "pm2 --time": pm2_time,
    "pm2's own log": pm2_own,
    "supervisord's own log": supervisord,
    "journalctl -o short": journal_short,
    "busybox syslogd": syslog,
    "Prometheus node exporter": exporter,
    "dockerd": docker_daemon,
}


def main() -> None:
    """Boot, let each program write, keep what it wrote."""
    known = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    with Lab() as lab:
        host = lab.boot("berlin", docker=True)
        host.sh("ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime; systemctl restart systemd-journald ssh")
        for name, write in PROGRAMS.items():
            lines = write(host).splitlines()[-12:]
            known[name] = {"at": round(time.time()), "zone": host.sh("date +%z").strip(), "lines": lines}
            print(name, *lines, sep="\n  ")
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
