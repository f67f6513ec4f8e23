"""A lab host on which everything that the probes read is there: sockets of every kind, services in every state."""

from __future__ import annotations

import json
from pathlib import Path

from tests.lab import Host

FIRST_PORT = 7100
ZOO = Path(__file__).with_name("zoo.py")

_UNITS = {
    "zoo.service": f"""[Unit]
Description=Sockets of every kind
[Service]
User=nosudo
RuntimeDirectory=zoo
ExecStart=/bin/sh -c 'sleep infinity | exec python3 /srv/zoo.py {FIRST_PORT} host0 >/run/zoo/truth.json'
ExecReload=/bin/true
Environment=PASSWORD=hunter2
""",
    "beside.service": """[Unit]
Description=Goes where the zoo goes
PartOf=zoo.service
[Service]
ExecStart=/bin/sleep infinity
Restart=on-failure
[Install]
WantedBy=multi-user.target
""",
    "echo.socket": f"""[Socket]
ListenStream={FIRST_PORT + 50}
ListenDatagram=127.0.0.1:{FIRST_PORT + 51}
ListenStream=/run/echo.sock
""",
    "echo.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "failing.service": r"""[Unit]
Description=Writes hostile lines and fails
[Service]
ExecStart=/bin/sh -c 'printf "\\033]52;c;aGk=\\007\\033[31mred\\033[0m password=hunter2\\n\\377 not UTF-8\\n"; \
  echo "{\\"level\\":\\"error\\",\\"msg\\":\\"cannot bind \\\\u001b[2J\\",\\"port\\":8080}"; exit 3'
""",
    "killed.service": "[Service]\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\n",
    "looping.service": """[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'exit 4'
Restart=always
RestartSec=60
""",
    "limited.service": """[Unit]
StartLimitBurst=2
StartLimitIntervalSec=1min 30s
[Service]
ExecStart=/bin/sh -c 'exit 5'
Restart=always
RestartSec=10ms
""",
    "onceandfor.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "starting.service": "[Service]\nType=notify\nTimeoutStartSec=infinity\nExecStart=/bin/sleep infinity\n",
    "changed.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "odd\\x2dname@a:b.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "stopped.service": "[Unit]\nDescription=Not loaded\n[Service]\nExecStart=/bin/true\n",
    "broken.service": "[Service]\nType=simple\n",
}
_STARTED = (
    "zoo.service", "beside.service", "echo.socket", "failing.service", "killed.service", "looping.service",
    "limited.service", "onceandfor.service", "changed.service", "odd\\x2dname@a:b.service", "broken.service",
)  # fmt: skip

STATES = {
    "zoo.service": "running",
    "beside.service": "running",
    "echo.socket": "running",
    "failing.service": "failed",
    "killed.service": "failed",
    "looping.service": "flapping",
    "limited.service": "failed",
    "onceandfor.service": "running",
    "starting.service": "starting",
    "changed.service": "running",
    "odd\\x2dname@a:b.service": "running",
    "stopped.service": "stopped",
    "broken.service": "stopped",
    "echo.service": "stopped",
}
"""What an engineer would call the state of each."""


def furnish(host: Host) -> None:
    """Put the scene on a host and wait until it stands."""
    host.write("/srv/zoo.py", ZOO.read_text())
    for name, text in _UNITS.items():
        host.write(f"/etc/systemd/system/{name}", text)
    host.sh("systemctl daemon-reload")
    host.sh("systemctl start --no-block starting.service")
    for name in _STARTED:
        host.run(["systemctl", "start", "--", name], check=False)
    host.sh("loginctl enable-linger oncall; systemctl mask --quiet cron.service; systemctl stop cron.service")
    host.wait("[ -s /run/zoo/truth.json ] && [ -S /run/user/1001/systemd/private ]")
    host.write("/etc/systemd/system/changed.service", _UNITS["changed.service"] + "# changed\n")
    own = "export XDG_RUNTIME_DIR=/run/user/1001; systemd-run --user --quiet --unit"
    host.sh(f"{own}=mine sleep infinity; {own}=mine-fails sh -c 'echo no; exit 7'", user="oncall")
    settings = ("ip_local_reserved_ports=8080,9000-9100", "ip_unprivileged_port_start=80", "ip_nonlocal_bind=1")
    host.sh("; ".join(f"sysctl -q net.ipv4.{setting}" for setting in settings))
    host.wait("systemctl is-failed limited.service && [ $(systemctl show -p SubState --value looping) = auto-restart ]")


def truth(host: Host) -> dict[str, object]:
    """What the zoo says that it made."""
    told = json.loads(host.read("/run/zoo/truth.json"))
    assert isinstance(told, dict)
    return told
