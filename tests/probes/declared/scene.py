"""A lab host on which ports are declared in every form; what can run there does, so that the kernel knows the truth."""

from __future__ import annotations

from tests.lab import Host

SECRETS = ("hunter2", "54321", "s3cr3t")
"""Planted beside the ports; none of them may leave the host."""
SERVER = "/usr/bin/python3 /srv/web/api.py"
UNITS = {
    "web.service": f"""[Service]
Environment="PORT=8101" HOST=127.0.0.1 DB_PASSWORD=hunter2 "ADMIN_TOKEN=54321" DATABASE_URL=postgres://u:s3cr3t@db:5432/x
Environment=REDIS_PORT=6379 WORKERS=4
ExecStart={SERVER}
""",
    "web.service.d/10-port.conf": "[Service]\nEnvironment=PORT=8102\n",
    "arguments.service": """[Service]
ExecStart=/usr/bin/python3 -m http.server \\
  --bind 127.0.0.1 \\
  8103
""",
    "numbered@.service": "[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:%i,bind=127.0.0.1,fork,reuseaddr /dev/null\n",
    "from-file.service": """[Service]
EnvironmentFile=-/etc/default/nothing
EnvironmentFile=/etc/default/from-file
ExecStart=/usr/bin/python3 -m http.server $OPTIONS
""",
    "beside.service": f"""[Service]
WorkingDirectory=/srv/beside
EnvironmentFile=/srv/beside/.env
ExecStart={SERVER}
""",
    "closed.service": f"[Service]\nEnvironmentFile=/etc/default/closed\nExecStart={SERVER}\n",
    "shell.service": f"[Service]\nExecStart=/bin/sh -c 'cd /srv/web; HOST=127.0.0.1 PORT=8108 exec {SERVER}'\n",
    "chat.socket": "[Socket]\nListenStream=127.0.0.1:8107\nListenDatagram=8107\n",
    "chat.service": "[Service]\nExecStart=/bin/sleep infinity\n",
}
SENT_ON = [
    ("upstream api.v2", "tcp/127.0.0.1:8082"),
    ("upstream api.v2", "tcp/[::1]:8084"),
    ("proxy_pass", "tcp/127.0.0.1:8085"),
    ("proxy_pass", "tcp/127.0.0.1:80"),
    ("fastcgi_pass", "tcp/127.0.0.1:9000"),
]
"""Where nginx sends requests on to."""
FILES = {
    "/etc/default/from-file": (
        '# for the server\nAPI_KEY=54321\nEXTRA_FLAGS="level 54321"\nOPTIONS="--bind 127.0.0.1 8105"\n'
    ),
    "/srv/beside/.env": "# by hand\nPORT='8106'\nHOST=127.0.0.1\nSECRET_PORT=54321\nPASSWORD=hunter2\n",
    "/etc/nginx/conf.d/own.conf": """server {
    listen 8110; listen [::]:8110 ipv6only=on;  # both
    server_name own;
    include /etc/nginx/snippets/own-listen.inc;
}
server { listen 127.0.0.1:8112 default_server; listen
    127.0.0.1:8113; listen unix:/run/own.sock; }
""",
    "/etc/nginx/conf.d/sent-on.conf": """upstream api.v2 {
    server 127.0.0.1:8082 weight=2; server 127.0.0.1:8083 down;  # while it is mended
    server unix:/run/api.sock backup;
    server [::1]:8084;
}
server {
    listen 127.0.0.1:8115;
    location / { proxy_pass http://api.v2/start; }
    location /direct { proxy_pass "https://127.0.0.1:8085/x?token=hunter2"; }
    location /plain { proxy_pass http://127.0.0.1; fastcgi_pass_request_headers on; }
    location /php { fastcgi_pass localhost:9000; }
    location /name { set $to 127.0.0.1:8086; proxy_pass http://$to; }
}
""",
    "/etc/nginx/snippets/own-listen.inc": "listen 127.0.0.1:8111;\n",
    "/etc/supervisor/conf.d/own.conf": f"""[program:worker]
command=/usr/bin/python3 -m http.server 812%(process_num)d --bind 127.0.0.1 ; two of them
process_name=%(program_name)s_%(process_num)02d
numprocs=2

[program:lone]
command={SERVER}
environment=HOST="127.0.0.1",PORT="8122",
  API_SECRET="hunter2"

[group:both]
programs=worker,lone
""",
    "/srv/apps/ecosystem.config.js": """module.exports = {
  apps: [
    { name: "first", script: "./a.js", env: { PORT: 8131, API_KEY: "s3cr3t", NODE_ENV: "production" } },
    { name: 'second', script: './b.js', args: '--port 8132 --token 54321' },
  ],
};
""",
    "/srv/shop/docker-compose.yml": """version: "3.7"
services:
  web:
    image: lab-httpd
    environment:
      DB_PASSWORD: hunter2
      LISTEN: 0.0.0.0:54321
    ports:
      - "8140-8142:80"
      - 127.0.0.1:8143:443
      - "${WEB_PORT:-8144}:90"
      - "${ADMIN_PORT}:91"
      - "5353:53/udp"
      - "9999"
  long:
    image: lab-httpd
    ports:
    - target: 80
      published: 8145
      protocol: tcp
      mode: host
    - {target: 53, published: 8146, protocol: udp}
""",
    "/srv/shop/.env": "ADMIN_PORT=8147\nTOKEN=s3cr3t\nCOMPOSE_PROJECT_NAME=ignored\n",
    "/etc/haproxy/haproxy.cfg": """global
    stats socket ipv4@127.0.0.1:8150 level admin
    stats socket /run/haproxy.sock
frontend web
    bind *:8151,127.0.0.1:8152   # two
    bind ipv4@127.0.0.1:8153-8155 name range
    bind :::8156 v6only
    bind unix@/run/web.sock
listen stats
    bind :8157 ssl crt /etc/ssl/private/hunter2.pem
    stats auth admin:s3cr3t
""",
    "/etc/redis/redis.conf": "bind 127.0.0.1 -::1\nport 8160\nrequirepass hunter2\n",
    "/etc/postgresql/15/main/postgresql.conf": (
        "#listen_addresses = 'localhost'\t\t# what IP address(es) to listen on;\n"
        "port = 8180\t\t\t\t# (change requires restart)\n"
    ),
    "/etc/apache2/ports.conf": "Listen 8170\n<IfModule ssl_module>\n\tListen 8171\n</IfModule>\n",
}  # fmt: skip
HIDDEN = {"/etc/default/closed": "PORT=8109\nHOST=127.0.0.1\nDB_PASSWORD=hunter2\n"}
"""Only root may read these."""
STARTED = (
    "web.service", "arguments.service", "numbered@8104.service", "from-file.service", "beside.service",
    "closed.service", "shell.service", "chat.socket", "nginx.service", "supervisor.service",
)  # fmt: skip
BOUND = {
    ("tcp", "127.0.0.1", 8102), ("tcp", "127.0.0.1", 8103), ("tcp", "127.0.0.1", 8104), ("tcp", "127.0.0.1", 8105),
    ("tcp", "127.0.0.1", 8106), ("tcp", "127.0.0.1", 8107), ("udp", "*", 8107), ("tcp", "127.0.0.1", 8108),
    ("tcp", "127.0.0.1", 8109), ("tcp", "0.0.0.0", 8110), ("tcp", "::", 8110), ("tcp", "127.0.0.1", 8111),
    ("tcp", "127.0.0.1", 8112), ("tcp", "127.0.0.1", 8113), ("tcp", "127.0.0.1", 8115), ("tcp", "127.0.0.1", 8120),
    ("tcp", "127.0.0.1", 8121), ("tcp", "127.0.0.1", 8122),
}  # fmt: skip
"""What the kernel has when all of these run."""


def furnish(host: Host) -> None:
    """Write everything and start what can run."""
    host.install_api(name="web", start=False)
    for path, text in FILES.items():
        host.write(path, text)
    for path, text in HIDDEN.items():
        host.write(path, text, mode=0o600)
    for name, text in UNITS.items():
        host.write(f"/etc/systemd/system/{name}", text)
    host.run(["systemctl", "daemon-reload"])
    for name in STARTED:
        host.run(["systemctl", "start", name])
    for _, _, port in sorted(BOUND):
        host.wait(f"ss -Hltun 'sport = :{port}' | grep -q .")
