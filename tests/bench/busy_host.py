"""A host with much on it: 100 units of systemd, 20 containers, 10 programs of supervisord and 10 apps of pm2."""

from tests.lab import Host, Lab
from tests.managers import docker_zoo, pm2_zoo

UNITS, CONTAINERS, PROGRAMS, APPS = 100, 20, 10, 10
PORT = 9000
"""The first port of the pm2 apps."""

_MAKE_UNITS = f"""
cd /etc/systemd/system
for n in $(seq {UNITS}); do
  printf '[Unit]\\nDescription=Worker %s\\n[Service]\\nExecStart=/bin/sleep infinity\\n' "$n" >"load$n.service"
done
systemctl daemon-reload
systemctl start $(seq -f 'load%.0f.service' {UNITS})
"""
_PM2_UNIT = """[Service]
Type=forking
User=deploy
Environment=HOME=/srv PM2_HOME=/srv/.pm2
PIDFile=/srv/.pm2/pm2.pid
ExecStart=/usr/local/bin/pm2 start /srv/apps/load.config.js
ExecStop=/usr/local/bin/pm2 kill
"""


def boot(lab: Lab, name: str = "busy") -> Host:
    """Boot it and wait until all of it runs."""
    host = lab.boot(name, docker=True)
    host.sh(_MAKE_UNITS, timeout=120)
    _containers(host)
    _programs(host)
    _apps(host)
    return host


def _containers(host: Host) -> None:
    docker_zoo.image(host)
    script = (
        f"for n in $(seq {CONTAINERS}); do docker run --detach --init --name c$n {docker_zoo.IMAGE} sleep 100000; done"
    )
    host.sh(script, timeout=300)


def _programs(host: Host) -> None:
    text = "".join(f"[program:job{number}]\ncommand=/bin/sleep 100000\n\n" for number in range(PROGRAMS))
    host.write("/etc/supervisor/conf.d/load.conf", text)
    host.run(["systemctl", "start", "supervisor.service"])
    host.wait(f"[ $(supervisorctl status | grep -c RUNNING) -eq {PROGRAMS} ]", timeout=30)


def _apps(host: Host) -> None:
    apps = tuple(pm2_zoo.app(f"app{n}", "web.js", env={"PORT": str(PORT + n)}) for n in range(APPS))
    pm2_zoo.write_scripts(host)
    path = pm2_zoo.written(host, apps)
    host.sh(f"install -d -o deploy /srv/.pm2; mv {path} /srv/apps/load.config.js")
    host.unit("pm2-deploy.service", _PM2_UNIT)
    host.wait(f"[ $(ss -Hltn 'sport >= :{PORT} and sport < :{PORT + APPS}' | wc -l) -eq {APPS} ]", timeout=60)
