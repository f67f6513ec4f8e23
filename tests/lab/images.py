"""A git work tree on a lab host from which images of a web service are built, good ones and bad ones."""

from __future__ import annotations

from .host import Host
from .releases import git

BASE = "lab-zoo:1.4"
"""Of ``tests.managers.docker_zoo``: a busybox and nothing else."""
DOCKERFILE = f"""FROM {BASE}
ARG VERSION
ARG COMMIT
ENV GREETING=built
COPY www /www
COPY start /bin/start
RUN echo "$VERSION" >/www/version
CMD ["/bin/sh", "/bin/start"]
"""
START = "exec httpd -f -p 80 -h /www\n"
FAULTS = {"dies": "sleep 1; exit 3\n", "deaf": "exec sleep 1000\n"}


def tree(host: Host, name: str = "api") -> None:
    """Make /srv/NAME/src, owned by deploy, with no commit yet."""
    source = f"/srv/{name}/src"
    host.sh(f"install -d -o deploy -g deploy /srv/{name} {source} {source}/www")
    host.write(f"{source}/Dockerfile", DOCKERFILE, owner="deploy:deploy")
    host.write(f"{source}/www/health", "well\n", owner="deploy:deploy")
    git(host, name, "init -q -b main && git config user.email deploy@lab && git config user.name deploy")


def commit(host: Host, version: str, fault: str | None = None, name: str = "api") -> str:
    """Commit a version of the service with a fault (``unhealthy``, ``dies``, ``deaf``, ``broken``), and tag it."""
    source = f"/srv/{name}/src"
    host.write(f"{source}/start", FAULTS.get(fault or "", START), owner="deploy:deploy")
    dockerfile = DOCKERFILE + ("RUN exit 7\n" if fault == "broken" else "")
    host.write(f"{source}/Dockerfile", dockerfile, owner="deploy:deploy")
    host.sh(f"cd {source}/www && {'rm -f health' if fault == 'unhealthy' else 'echo well >health'}", user="deploy")
    git(host, name, f"add -A && git commit -q --allow-empty -m 'version {version}' && git tag {version}")
    return git(host, name, "rev-parse HEAD").strip()


def version(host: Host, port: int = 8080) -> str:
    """What answers now."""
    return host.sh(f"curl -fsS http://127.0.0.1:{port}/version").strip()
