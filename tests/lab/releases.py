"""A git work tree on a lab host from which its web service gets real releases, good ones and bad ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .host import SERVICE, Host

MAKEFILE = """.PHONY: build
build:
\t@echo "building $(VERSION) at $(BUILD_TIME)"
\t@rm -rf build && mkdir build && cp api.py build/
\t@printf '{"version": "%s", "commit": "%s", "built": "%s", "faults": %s}\\n' \\
\t  "$(VERSION)" "$(COMMIT)" "$(BUILD_TIME)" '$(shell cat faults.json)' >build/version.json
\t@echo built
"""
CONFIG = """[[services]]
name = "{name}"
{extra}health = "http://127.0.0.1:{port}/health"

[services.release]
directory = "/srv/{name}"
source = "/srv/{name}/src"
command = ["make", "build"]
output = "build"
user = "deploy"
keep = 3

[actions]
hold = 1
respawn = 1
within = 8
"""


LOCAL_CONFIG = CONFIG.replace('source = "/srv/{name}/src"', 'local_source = "src"')


class Here:
    """A git work tree on this machine, of the same service, with no commit yet."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        (place / "api.py").write_text((SERVICE / "api.py").read_text(encoding="utf-8"), encoding="utf-8")
        (place / "Makefile").write_text(MAKEFILE, encoding="utf-8")
        (place / ".gitignore").write_text("build/\n", encoding="utf-8")
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        who = ("-c", "user.email=ann@bastion", "-c", "user.name=ann")
        done = subprocess.run(["git", *who, *words], cwd=self.place, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, version: str, faults: Sequence[str] = ()) -> str:
        """Commit a version of the service, with these faults, and tag it; returns the commit."""
        (self.place / "faults.json").write_text(json.dumps(list(faults)) + "\n", encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"version {version}")
        self.git("tag", version)
        return self.git("rev-parse", "HEAD")


def room(host: Host, name: str = "api") -> None:
    """Make an empty /srv/NAME/releases, owned by deploy, and nothing to build from."""
    host.sh(f"install -d -o deploy -g deploy /srv/{name} /srv/{name}/releases")


def repository(host: Host, name: str = "api") -> None:
    """Make /srv/NAME/src, owned by deploy, with no commit yet, and an empty /srv/NAME/releases."""
    source = f"/srv/{name}/src"
    host.sh(f"install -d -o deploy -g deploy /srv/{name} /srv/{name}/releases {source}")
    host.write(f"{source}/api.py", (SERVICE / "api.py").read_text(encoding="utf-8"), owner="deploy:deploy")
    host.write(f"{source}/Makefile", MAKEFILE, owner="deploy:deploy")
    host.write(f"{source}/.gitignore", "build/\n", owner="deploy:deploy")
    git(host, name, "init -q -b main && git config user.email deploy@lab && git config user.name deploy")


def commit(host: Host, version: str, faults: Sequence[str] = (), name: str = "api") -> str:
    """Commit a version of the service, with these faults, and tag it; returns the commit."""
    host.write(f"/srv/{name}/src/faults.json", json.dumps(list(faults)) + "\n", owner="deploy:deploy")
    words = f"version {version}" + (f" ({', '.join(faults)})" if faults else "")
    git(host, name, f"add -A && git commit -q --allow-empty -m '{words}' && git tag {version}")
    return git(host, name, "rev-parse HEAD").strip()


def git(host: Host, name: str, words: str) -> str:
    """Run git as deploy in the work tree."""
    return host.sh(f"cd /srv/{name}/src && git {words}", user="deploy")


def install(host: Host, name: str = "api", port: int = 8080) -> None:
    """A unit that runs what is live; not started."""
    host.install_api(name, port, start=False)
    unit = host.read(f"/etc/systemd/system/{name}.service").replace(
        f"/srv/{name}/api.py", f"/srv/{name}/current/api.py"
    )
    host.unit(f"{name}.service", unit, start=False)


def config(name: str = "api", port: int = 8080, extra: str = "", *, here: bool = False) -> str:
    """What the console is told of the service; ``here``: it is built in ``src`` beside the configuration."""
    return (LOCAL_CONFIG if here else CONFIG).format(name=name, port=port, extra=extra)


def version(host: Host, port: int = 8080) -> str:
    """What answers now."""
    told = json.loads(host.sh(f"curl -fsS http://127.0.0.1:{port}/version"))
    return str(told["version"])
