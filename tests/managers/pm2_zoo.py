"""Apps of every kind and state, run by the pm2 of a lab host."""

from __future__ import annotations

import json

from tests.lab import Host

SECRET = "hunter2-of-pm2"
WEB = """
const http = require('http');
http.createServer((q, s) => { console.log('asked for ' + q.url); s.end('ok'); }).listen(Number(process.env.PORT));
console.log('listening on ' + process.env.PORT);
if (process.env.HUP) process.on('SIGHUP', () => console.log('read again'));
"""
SCRIPTS = {
    "web.js": WEB,
    "sleeps.sh": "exec sleep 1000\n",
    "dies.sh": "echo cannot go on >&2; sleep 2; exit 1\n",
    "fails.sh": "echo no configuration >&2; exit 3\n",
    "ends.sh": "sleep 0.2; exit 0\n",
    "ends-badly.sh": "sleep 0.2; exit 4\n",
    "deaf.sh": "trap '' INT TERM\nwhile :; do sleep 1; done\n",
}
HOSTILE = (
    "a;touch /tmp/pwned", "$(touch /tmp/pwned)", "-rf", "all", "[/x]", "7", "x.json", "übung",
    "\x1b[31mred\x1b]0;t\x07",
)  # fmt: skip


def app(name: str, script: str, **more: object) -> dict[str, object]:
    """One app of an ecosystem file."""
    found: dict[str, object] = {
        "name": name,
        "script": f"/srv/apps/{script}",
        "env": {"TOKEN": SECRET},
        "vizion": False,
    }
    if script.endswith(".sh"):
        found["interpreter"] = "/bin/sh"
    environment = more.pop("env", None)
    if isinstance(environment, dict):
        found["env"] = {"TOKEN": SECRET, **environment}
    return {**found, **more}


APPS = (
    app("api", "web.js", exec_mode="cluster", instances=2, env={"PORT": "8080"}),
    app("web", "web.js", env={"PORT": "8081", "HUP": "1"}),
    app("loop", "dies.sh"),
    app("bad", "fails.sh"),
    app("later", "fails.sh", restart_delay=3600_000),
    app("quiet", "sleeps.sh"),
    app("once", "ends.sh", autorestart=False),
    app("once-bad", "ends-badly.sh", autorestart=False),
    app("deaf", "deaf.sh", kill_timeout=1000),
    app("twin", "sleeps.sh", namespace="red"),
    app("twin", "sleeps.sh", namespace="blue"),
    app("two", "sleeps.sh", instances=2),
)
STATES = {
    "api": "running", "web": "running", "loop": "flapping", "bad": "failed", "later": "flapping", "quiet": "stopped",
    "once": "stopped", "once-bad": "failed", "deaf": "running", "red/twin": "running", "blue/twin": "running",
    "two": "running",
}  # fmt: skip


def furnish(host: Host, user: str, apps: tuple[dict[str, object], ...] = APPS) -> None:
    """Start the apps under the pm2 of a user."""
    write_scripts(host)
    host.sh(f'home=$(getent passwd {user} | cut -d: -f6); install -d -o {user} "$home/.pm2"')
    pm2(host, user, "start", written(host, apps))


def write_scripts(host: Host) -> None:
    """What the apps run."""
    for name, text in SCRIPTS.items():
        host.write(f"/srv/apps/{name}", text, mode=0o755)


def written(host: Host, apps: tuple[dict[str, object], ...]) -> str:
    """The path of an ecosystem file with these apps."""
    path = f"/srv/apps/{abs(hash(repr(apps)))}.config.js"
    host.write(path, f"module.exports = {json.dumps({'apps': list(apps)})}\n", mode=0o644)
    return path


def pm2(host: Host, user: str, *words: str) -> str:
    """Run pm2 as that user and return what it printed."""
    script = 'cd / && export PM2_HOME="$HOME/.pm2" && exec pm2 "$@"'
    return host.run(["sh", "-c", script, "sh", *words], user=user, timeout=60).stdout
