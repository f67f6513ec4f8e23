"""Each format by itself: what people write in it, and what may not be taken for a port."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.core.declaration import Declaration
from console.probes.declared import (
    compose,
    daemons,
    declarations,
    ecosystem,
    haproxy,
    nginx,
    script,
    supervisord,
    units,
)
from console.probes.declared.arguments import claims
from console.probes.declared.files import File, whole
from console.probes.declared.names import listens, read_place
from console.probes.declared.nginx_upstreams import upstreams
from console.probes.declared.publish import read_publish
from tests.probes.declared import scene


def told(found: Sequence[Declaration]) -> list[str]:
    """``web.service tcp/*:8080 unit:3``, with the end of a range and a mark where it is not certain."""
    return [
        f"{one.service} {one.endpoint}{f'-{one.last}' if one.last else ''}{' or' if one.choice else ''} "
        f"{one.where.rpartition('/')[2]}{'' if one.sure else ' perhaps'}"
        for one in found
    ]


def unit(text: str, name: str = "web.service", **others: str) -> list[str]:
    files = [whole(f"/etc/systemd/system/{name}", f"[Service]\n{text}", "unit")]
    files += [whole(f"/srv/{key.replace('_', '.')}", value, "env") for key, value in others.items()]
    return told([*units.declarations(files, {"at@.service": ["at@8081.service"]})])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Environment=PORT=8080", ["web.service tcp/*:8080 web.service:2"]),
        ("Environment=PORT=8080\nEnvironment=PORT=8081", ["web.service tcp/*:8081 web.service:3"]),
        ("Environment=PORT=8080\nEnvironment=\n", []),
        ("Environment=HOST=127.0.0.1 PORT=80", ["web.service tcp/127.0.0.1:80 web.service:2"]),
        ("Environment=BIND_ADDR=10.0.0.1:80", ["web.service tcp/10.0.0.1:80 web.service:2"]),
        ("Environment=LISTEN=[::]:80", ["web.service tcp/[::]:80 web.service:2"]),
        ("Environment=LISTEN=udp://0.0.0.0:53", ["web.service udp/0.0.0.0:53 web.service:2"]),
        ("Environment=WORKER_PORT=9000", ["web.service tcp/*:9000 web.service:2 perhaps"]),
        ("Environment=DB_PORT=5432 REDIS_ADDR=cache:6379 SUPPORT=1 PORT_TOKEN=80", []),
        ("ExecStart=/x --port=80\nExecStart=\nExecStart=/x --port=81", ["web.service tcp/*:81 web.service:4"]),
        ("Environment=P=80\nExecStart=/x --port ${P}", ["web.service tcp/*:80 web.service:3"]),
        ("ExecStart=/x \\\n  --listen 127.0.0.1:80 \\\n  --quiet", ["web.service tcp/127.0.0.1:80 web.service:2"]),
        ("# Environment=PORT=80\n; ExecStart=/x --port 80", []),
        ("ExecStart=/usr/bin/docker run -p 127.0.0.1:80:8080 -e PORT=8080 img",
         ["web.service tcp/127.0.0.1:80 web.service:2"]),
    ],
)  # fmt: skip
def test_a_unit(text: str, expected: list[str]) -> None:
    assert unit(text) == expected


def test_files_of_variables_go_over_the_unit_and_the_unit_over_what_lies_beside() -> None:
    text = "Environment=PORT=80\nEnvironmentFile=-/srv/one\nWorkingDirectory=/srv"
    assert unit(text, one="PORT=81\n", _env="PORT=82\n") == ["web.service tcp/*:81 one:1"]
    assert unit(text, _env="PORT=82\n") == ["web.service tcp/*:80 web.service:2"]
    assert unit("WorkingDirectory=/srv/", _env="export PORT='82' # x\n") == ["web.service tcp/*:82 .env:1"]


def test_an_instance_has_its_own_port() -> None:
    assert unit("ExecStart=/x --port %i", "at@.service") == ["at@8081.service tcp/*:8081 at@.service:2"]


def test_a_later_place_is_hidden_and_drop_ins_are_added_by_name() -> None:
    files = [
        whole("/usr/lib/systemd/system/a.service", "Environment=PORT=1\n", "unit"),
        whole("/etc/systemd/system/a.service.d/20.conf", "Environment=PORT=4\n", "unit"),
        whole("/etc/systemd/system/a.service", "Environment=PORT=2\n", "unit"),
        whole("/usr/lib/systemd/system/a.service.d/30.conf", "Environment=ADMIN_PORT=5\n", "unit"),
        whole("/etc/systemd/system/a.service.d/10.conf", "Environment=PORT=3\n", "unit"),
    ]
    assert told([*units.declarations(files, {})]) == ["a.service tcp/*:4 20.conf:1", "a.service tcp/*:5 30.conf:1"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x -p 8080", [("*", 8080, False)]),
        ("x -p8080 --host 127.0.0.1", [("127.0.0.1", 8080, True)]),
        ("x :8080", [("*", 8080, True)]),
        ("x 0.0.0.0:80", [("0.0.0.0", 80, True)]),
        ("x 127.0.0.1:80", [("127.0.0.1", 80, False)]),
        ("x backend:80 --upstream 127.0.0.1:81 --db-port 5432 --timeout 30", []),
        ("gunicorn -b 0.0.0.0:8000 -w 4 app", [("0.0.0.0", 8000, True)]),
        ("prometheus --web.listen-address=:9100", [("*", 9100, True)]),
        ("java -Xmx512m -Dserver.port=9090 -jar x.jar", [("*", 9090, True)]),
        ("dockerd -H fd:// -H tcp://0.0.0.0:2375", [("0.0.0.0", 2375, True)]),
        ("python3 -m http.server", [("*", 8000, True)]),
        ("python3 -m http.server 9000 --bind ::1", [("::1", 9000, True)]),
        ("socat TCP-LISTEN:81,bind=127.0.0.1,fork TCP:host:80", [("127.0.0.1", 81, True)]),
        ("ssh -p 2222 host", []),
        ("env -i PORT=80 HOST=127.0.0.1 x", [("127.0.0.1", 80, True)]),
        ("pserve production.ini http_port=6543", [("*", 6543, True)]),
        ("x --port 0 --port 70000 --port -1 --port", []),
    ],
)
def test_a_command(line: str, expected: list[tuple[str, int, bool]]) -> None:
    assert [(one.address, one.port, one.sure) for one in claims(line.split())] == expected


@pytest.mark.parametrize(
    ("line", "assumed"),
    [
        ("x 0.0.0.0 5514", True), ("x --port 5514", True), ("x :5514", True), ("PORT=5514 x", True),
        ("x --listen udp://:5514", False), ("x --listen tcp://0.0.0.0:5514/", False), ("x --port 5514/udp", False),
        ("socat UDP-RECV:5514 -", False), ("docker run -p 5514:5514 x", False), ("python3 -m http.server 80", False),
    ],
)  # fmt: skip
def test_a_command_that_names_no_protocol(line: str, assumed: bool) -> None:
    assert [one.assumed for one in claims(line.split())] == [assumed]


@pytest.mark.parametrize(
    ("name", "owner", "expected"),
    [
        ("PORT", "", True), ("httpPort", "", True), ("APP_PORT", "", True), ("LISTEN", "", True), ("BIND", "", True),
        ("--web.listen-address", "", True), ("HTTPPORT", "", True), ("WORKER_PORT", "", False), ("ADDR", "", False),
        ("REDIS_PORT", "", None), ("REDIS_PORT", "redis.service", True), ("IMPORT", "", None), ("PORT_KEY", "", None),
        ("SUPPORT", "", None), ("DB_ADDR", "", None), ("workers", "", None),
    ],
)  # fmt: skip
def test_a_name(name: str, owner: str, expected: bool | None) -> None:
    assert listens(name, owner) is expected


@pytest.mark.parametrize(
    "text", ["", "0", "70000", "8080x", "80-79", "user:pass@host:80", "a b:80", "80:", "/run/x.sock", "99999999999999"]
)
def test_what_is_no_place(text: str) -> None:
    assert read_place(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080:80", ("tcp", "*", 8080, 0, False)), ("127.0.0.1:53:53/udp", ("udp", "127.0.0.1", 53, 0, False)),
        ("[::1]:80:80", ("tcp", "::1", 80, 0, False)), ("8080-8082:80", ("tcp", "*", 8080, 8082, True)),
        ("8080-8082:80-82", ("tcp", "*", 8080, 8082, False)), ("80", None), ("8080:80/sctp", None), ("0:80", None),
        ("127.0.0.1::80", None), ("90-80:80", None),
    ],
)  # fmt: skip
def test_a_published_port(text: str, expected: tuple[str, str, int, int, bool] | None) -> None:
    found = read_publish(text)
    assert (found and (found.protocol, found.address, found.port, found.last, found.choice)) == expected


COMPOSE = """name: Web_Shop  # the project
x-base: &base
  ports: ["1:1"]
services:
  web: &web
    profiles: [debug]
    ports: ["8080:80", '8081:81']   # two
    environment:
      PORT: 9
  "db":
    ports:
    - 127.0.0.1:${DB_PORT:-5432}:5432
    - "${GONE}:1"
    - "$$x:1"
    - target: 1
      published: "53-54"
      host_ip: 127.0.0.1
      protocol: udp
  bare:
    expose: ["80"]
    ports:
      - 7000
networks:
  web:
    ports: ["9999:1"]
"""


def test_a_project() -> None:
    files = [
        whole("/srv/shop/compose.yml", COMPOSE),
        whole("/srv/shop/compose.override.yml", "services:\n  web:\n    ports: ['82:82']\n"),
    ]
    variables = {"/srv/shop/.env": whole("/srv/shop/.env", "DB_PORT=5433\n")}
    found = [*compose.declarations(files, variables)]
    assert told(found) == [
        "web_shop/web tcp/*:8080 compose.yml:7",
        "web_shop/web tcp/*:8081 compose.yml:7",
        "web_shop/db tcp/127.0.0.1:5433 compose.yml:12",
        "web_shop/db udp/127.0.0.1:53-54 or compose.yml:16",
        "web_shop/web tcp/*:82 compose.override.yml:3",
    ]
    assert found[0].text == "profile debug: 8080:80"


def test_nginx_takes_servers_apart() -> None:
    text = (
        "http { server { listen 80; listen *:80 ssl; } server { listen 80; listen [::1]:8080 quic; listen unix:/x; } }"
    )
    found = [*nginx.listens([whole("/etc/nginx/nginx.conf", text)])]
    assert [(one.claim.protocol, one.claim.address, one.claim.port) for one in found] == [
        ("tcp", "0.0.0.0", 80), ("tcp", "0.0.0.0", 80), ("tcp", "0.0.0.0", 80), ("udp", "::1", 8080)
    ]  # fmt: skip


def test_of_what_is_known_to_leave_ipv4_to_others_it_is_told() -> None:
    text = "server { listen [::]:80; listen [::]:81 ipv6only=off; listen 82; listen [::]:443 quic reuseport; }"
    found = nginx.declarations([whole("/etc/nginx/nginx.conf", text)], "nginx.service", "systemd")
    assert [(one.endpoint.port, one.endpoint.v6only) for one in found] == [
        (80, True), (81, False), (82, False), (443, True),
    ]  # fmt: skip
    assert next(iter(nginx.declarations([whole("/n", text)], "nginx.service", "systemd"))).at(90).v6only
    for kind, text, v6only in (
        ("redis", "bind :: 127.0.0.1", [True, False]),
        ("postgres", "listen_addresses = '::, 10.0.0.1'", [True, False]),
        ("sshd", "ListenAddress ::\nListenAddress 10.0.0.1", [True, False]),
        ("mysql", "bind-address = ::", [False]),
    ):
        claims = daemons.declarations(kind, [whole(f"/etc/{kind}.conf", text)], f"{kind}.service")
        assert [one.endpoint.v6only for one in claims] == v6only, kind


def test_one_server_of_nginx_speaks_for_the_socket_of_all() -> None:
    text = "server { listen [::]:80; } server { listen [::]:80 ipv6only=off; } server { listen [::]:80 ssl; }"
    [one] = nginx.declarations([whole("/etc/nginx/nginx.conf", text)], "nginx.service", "systemd")
    assert not one.endpoint.v6only, "who has the port for IPv4 is in its way"


def test_nginx_sends_on_to_what_it_names_by_its_address() -> None:
    text = (
        "upstream api { server 10.0.0.5; server db:80; server 127.0.0.1:8080 max_fails=1; server 127.0.0.1:81 down; }\n"
        "server { location / { proxy_pass http://api; grpc_pass grpcs://[::1]:50051; } }\n"
        "stream { server { proxy_pass 127.0.0.1:5432; uwsgi_pass unix:/x; memcached_pass 127.0.0.1:70000; } }"
    )
    found = [*upstreams([whole("/etc/nginx/nginx.conf", text)], "nginx.service")]
    assert [(one.name, str(one.endpoint), one.where.rpartition(":")[2]) for one in found] == [
        ("upstream api", "tcp/10.0.0.5:80", "1"), ("upstream api", "tcp/127.0.0.1:8080", "1"),
        ("grpc_pass", "tcp/[::1]:50051", "2"), ("proxy_pass", "tcp/127.0.0.1:5432", "3"),
    ]  # fmt: skip


def test_haproxy_has_lists_ranges_and_families() -> None:
    text = (
        "frontend a\n bind :80,[::1]:81 # x\n bind quic4@:443\n bind /run/x\nlisten b 0.0.0.0:82\n bind ipv6@:83-85\n"
    )
    found = haproxy.declarations(whole("/etc/haproxy/haproxy.cfg", text), "haproxy.service", "systemd")
    assert [one.partition(" ")[2] for one in told([*found])] == [
        "tcp/0.0.0.0:80 haproxy.cfg:2", "tcp/[::1]:81 haproxy.cfg:2", "udp/0.0.0.0:443 haproxy.cfg:3",
        "tcp/0.0.0.0:82 haproxy.cfg:5", "tcp/[::]:83-85 haproxy.cfg:6",
    ]  # fmt: skip


def test_supervisord_counts_processes_and_names_groups() -> None:
    text = (
        "[inet_http_server]\nport = 127.0.0.1:9001\n[program:w]\ncommand=/x --port=80%(process_num)02d ; c\n"
        "numprocs=2\nnumprocs_start=1\nprocess_name=w_%(process_num)s\n"
        'environment=A="1,2",\n  METRICS_PORT="9%(process_num)d"\n'
    )
    found = supervisord.declarations([whole("/etc/supervisord.conf", text)], {}, "supervisor.service")
    assert told([*found]) == [
        "supervisor.service tcp/127.0.0.1:9001 supervisord.conf:2",
        "w:w_1 tcp/*:91 supervisord.conf:8", "w:w_1 tcp/*:8001 supervisord.conf:4",
        "w:w_2 tcp/*:92 supervisord.conf:8", "w:w_2 tcp/*:8002 supervisord.conf:4",
    ]  # fmt: skip


def test_an_ecosystem_is_read_without_running_it() -> None:
    text = 'apps: [{ "name": "a", env: { "PORT": 80 } },\n{ name: `b`,\n args: "-p 81", env_x: { HTTP_PORT: "82" } }]'
    assert told([*ecosystem.declarations(whole("/srv/e.js", text))]) == [
        "a tcp/*:80 e.js:1", "b tcp/*:81 e.js:3 perhaps", "b tcp/*:82 e.js:3"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("sshd", "#Port 22\n", ["tcp/*:22 f"]),
        ("sshd", "Port 22\nPort 2222\nListenAddress 10.0.0.1\nListenAddress [::1]:23\n",
         ["tcp/10.0.0.1:22 f:1", "tcp/10.0.0.1:2222 f:2", "tcp/[::1]:23 f:4"]),
        ("apache", "Listen 80\n<IfModule ssl>\nListen 443\n</IfModule>\nListen 127.0.0.1:81\n",
         ["tcp/*:80 f:1", "tcp/*:443 f:3 perhaps", "tcp/127.0.0.1:81 f:5"]),
        ("redis", "bind 127.0.0.1 -::1\nport 6380\n", ["tcp/127.0.0.1:6380 f:2", "tcp/[::1]:6380 f:2"]),
        ("postgres", "listen_addresses = '*'   # all\nport = 5433 # x\n", ["tcp/*:5433 f:2"]),
        ("mysql", "[mysqld]\nbind-address = 127.0.0.1\n", ["tcp/127.0.0.1:3306 f"]),
    ],
)  # fmt: skip
def test_a_daemon(kind: str, text: str, expected: list[str]) -> None:
    found = daemons.declarations(kind, [whole("/f", text)], "d.service")
    assert [one.partition(" ")[2] for one in told([*found])] == expected


KINDS = {
    "/etc/default": "env", "/srv/beside": "env", "/etc/nginx": "nginx", "/etc/supervisor": "supervisord",
    "/etc/haproxy": "haproxy", "/etc/redis": "redis", "/etc/apache2": "apache", "/etc/postgresql": "postgres",
}  # fmt: skip


def kind_of(path: str) -> str:
    ending = "ecosystem" if path.endswith(".js") else "compose" if path.endswith(".yml") else "env"
    return next((kind for start, kind in KINDS.items() if path.startswith(start)), ending)


@pytest.mark.parametrize("awk", [("awk",), ("busybox", "awk")], ids=" ".join)
def test_what_leaves_the_host_says_the_same_as_the_whole_files(awk: tuple[str, ...], tmp_path: Path) -> None:
    """The real filter, with the awks of this machine; what it leaves out changes nothing."""
    folder = tmp_path
    texts = {f"/etc/systemd/system/{name}": text for name, text in scene.UNITS.items()} | scene.FILES
    whole_files: list[File] = []
    asked = ["want\tOPTIONS", "want\tWEB_PORT", "want\tADMIN_PORT"]
    for number, (path, text) in enumerate(texts.items()):
        place = folder / str(number)
        place.write_text(text)
        kind = "unit" if path.startswith("/etc/systemd/") else kind_of(path)
        asked.append(f"{kind}\t\t\t{place}")
        whole_files.append(whole(path, text, kind))
    done = subprocess.run(
        [*awk, script.FILTER], input="\n".join(asked), capture_output=True, text=True, check=True, timeout=60
    )
    sent: dict[str, list[tuple[int, str]]] = {}
    for line in done.stdout.split("\n"):
        head, _, rest = line.partition("\t")
        if head == "file":
            lines = sent.setdefault(rest.rpartition("/")[2], [])
        elif head.isdecimal():
            lines.append((int(head), rest))
    filtered = tuple(
        File(file.kind, file.path, lines=tuple(sent.get(str(number), ()))) for number, file in enumerate(whole_files)
    )
    instances = ("numbered@8104.service",)
    expected = declarations(tuple(whole_files), {}, instances, "")
    assert len(expected) > 30
    found = declarations(filtered, {}, instances, "")
    assert [(one.service, one.endpoint, one.where, one.sure) for one in found] == [
        (one.service, one.endpoint, one.where, one.sure) for one in expected
    ]
    assert not [secret for secret in scene.SECRETS if secret in done.stdout]
    for files in (whole_files, filtered):
        sent_on = upstreams([file for file in files if file.kind == "nginx"], "nginx.service")
        assert [(one.name, str(one.endpoint)) for one in sent_on] == scene.SENT_ON
