"""A small fleet to play with: one host with a port conflict, one that is well, one that writes to disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from .host import Host
from .lab import Lab

NGINX_SITE = """upstream api {
    server 127.0.0.1:8080;
}
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    location / {
        proxy_pass http://api;
    }
}
"""

WRITER = """[Unit]
Description=Writes its ledger to disk, a little all the time

[Service]
User=deploy
StateDirectory=ledger
ExecStart=/bin/sh -c 'while :; do head -c 1M /dev/urandom >/var/lib/ledger/new && \\
    sync /var/lib/ledger/new && mv /var/lib/ledger/new /var/lib/ledger/page && sleep 1; done'

[Install]
WantedBy=multi-user.target
"""


NOTES = {
    "web1": "api.service has failed: legacy.service holds port 8080; nginx on port 80 passes on to 8080",
    "web2": "api.service is well",
    "db1": "prometheus-node-exporter on port 9100; ledger.service writes 1 MB/s",
}


def up(lab: Lab) -> dict[str, str]:
    """Boot the fleet and bring its services into the state described above; returns a note for each host."""
    hosts = lab.boot_many(list(NOTES))
    web1, web2, db1 = hosts
    port_conflict(web1)
    nginx_before(web1)
    web2.install_api()
    web2.wait("curl -fsS http://127.0.0.1:8080/health")
    db1.run(["systemctl", "enable", "--now", "prometheus-node-exporter.service"])
    db1.unit("ledger.service", WRITER)
    return NOTES


def up_cases(lab: Lab, numbers: Sequence[str]) -> dict[str, str]:
    """Boot a host for each of these port cases; returns a note for each host."""
    from . import cases

    def make(number: str) -> tuple[str, str]:
        host = lab.boot(f"case{number}", docker=cases.CASES[number].docker)
        return host.name, cases.install(host, number).title

    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(pool.map(make, numbers))


def port_conflict(host: Host) -> None:
    """`legacy.service` holds port 8080, so that `api.service` tries five times and is given up."""
    host.install_api(name="legacy")
    host.wait("curl -fsS http://127.0.0.1:8080/health")
    host.install_api()
    host.wait("systemctl is-failed api.service")


def nginx_before(host: Host) -> None:
    """nginx on port 80, which passes requests on to port 8080."""
    host.write("/etc/nginx/sites-available/default", NGINX_SITE)
    host.run(["systemctl", "enable", "--now", "nginx.service"])


def case_instructions(lab: Lab, numbers: Sequence[str]) -> str:
    """What to type for each of these port cases."""
    from . import cases

    lines = []
    for number in numbers:
        case, host = cases.CASES[number], f"case{number}"
        config = lab.ssh_config(case.user)
        lines += [
            f"case {number}: {case.title}",
            f"  hostdeck -F {config} why {host}{case.ask} --evidence",
            f"  hostdeck -F {config} {host}      (enter, then a digit, then ctrl+r)",
            "",
        ]
    return "\n".join(lines)


def instructions(lab: Lab, notes: Mapping[str, str]) -> str:
    """What a person at the terminal can do with the hosts now."""
    config = lab.ssh_config("root")
    names = " ".join(notes)
    table = "\n".join(f"{name:9} {lab.hosts[name].address:13} {note}" for name, note in notes.items())
    return f"""
{table}

  hostdeck --ssh-config {config} {names}
  HOSTDECK_SSH_CONFIG={config} hostdeck {names}
  ssh -F {config} {next(iter(notes))}

As the on-call user, with narrow sudo rules: {lab.ssh_config("oncall")}
As a user who may do nothing:                {lab.ssh_config("nosudo")}
"""
