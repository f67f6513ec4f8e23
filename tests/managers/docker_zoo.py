"""Containers in every state that Docker knows, made from one image of a static busybox; nothing is fetched."""

from __future__ import annotations

from tests.lab import Host

IMAGE = "lab-zoo:1.4"
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
LABEL org.opencontainers.image.version="1.4.2" org.opencontainers.image.revision="9fceb02d0ae5"
EXPOSE 80
CMD ["/bin/httpd", "-f", "-p", "80", "-h", "/bin"]
"""
COMPOSE = """version: "2.4"
services:
  web:
    image: lab-zoo:1.4
    restart: unless-stopped
    stop_grace_period: 1s
    ports: ["8095:80"]
  worker:
    image: lab-zoo:1.4
    scale: 3
    init: true
    command: ["/bin/sh", "-c", "while :; do echo working; sleep 1; done"]
  deaf:
    image: lab-zoo:1.4
    stop_grace_period: 1s
    command: ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
  loops:
    image: lab-zoo:1.4
    restart: always
    command: ["/bin/sh", "-c", "echo cannot go on >&2; exit 3"]
  spare:
    image: lab-zoo:1.4
    ports: ["8096:80"]
"""
TRAP = 'trap "echo read again" HUP; trap "exit 0" TERM; echo up; while :; do sleep 0.2; done'

RUN = f"""
run() {{ docker run --detach --stop-timeout 1 "$@" >/dev/null; }}
{{ run --name web --publish 127.0.0.1:8090:80 --restart unless-stopped {IMAGE}
  run --name taken --publish 127.0.0.1:8090:80 {IMAGE} 2>/dev/null || true; }} &
{{ run --name stopped {IMAGE} sleep 1000 && docker stop --time 0 stopped >/dev/null; }} &
{{ run --name killed --init {IMAGE} sleep 1000 && kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' killed); }} &
{{ run --name paused {IMAGE} sleep 1000 && docker pause paused >/dev/null; }} &
run --name reads --restart always {IMAGE} sh -c '{TRAP}' &
run --name stubborn {IMAGE} sh -c 'trap "" TERM; while :; do sleep 0.2; done' &
run --name loops --restart always {IMAGE} sh -c 'echo cannot go on >&2; exit 3' &
run --name well {IMAGE} true &
run --name bad {IMAGE} sh -c 'echo bad; exit 7' &
run --name gave-up --restart on-failure:2 {IMAGE} sh -c 'exit 5' &
run --name sick --health-cmd 'exit 1' --health-interval 5s --health-retries 1 {IMAGE} sleep 1000 &
run --name fit --health-cmd 'exit 0' --health-interval 5s {IMAGE} sleep 1000 &
run --name brief --restart no {IMAGE} sh -c 'sleep 2; exit 1' &
run --name own-net --network host {IMAGE} httpd -f -p 8098 &
docker create --name never --publish 8097:80 --label com.docker.compose.project='$(touch /x)' \\
  --label com.docker.compose.service=x --label org.opencontainers.image.version="$(printf '\\033[31m2.0')" \\
  {IMAGE} >/dev/null &
wait
"""
UNIT = f"""[Service]
ExecStart=/usr/bin/docker run --rm --name by-unit --publish 8099:80 {IMAGE}
"""


def image(host: Host) -> None:
    """Build the image."""
    host.write("/srv/zoo/Dockerfile", DOCKERFILE)
    host.sh(f"cp /bin/busybox /srv/zoo/ && docker build --quiet --tag {IMAGE} /srv/zoo", timeout=120)


def furnish(host: Host) -> None:
    """Make the zoo, and a Compose project ``shop`` with a service that is declared and not there."""
    image(host)
    host.write("/srv/shop/docker-compose.yml", COMPOSE)
    host.unit("by-unit.service", UNIT)
    host.sh(f"(cd /srv/shop && docker-compose up --detach deaf loops web worker) & {RUN}", timeout=180)
    host.wait("docker ps --filter name=sick | grep -q unhealthy && docker ps --filter name=fit | grep -q '(healthy)'")
