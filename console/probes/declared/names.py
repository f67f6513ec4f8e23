"""Whether a name says that its value is a port to listen on, and what such a value means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

HIGHEST = 65535


def words_in(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(re.findall(r"\S+", text))


_OWN = words_in(
    "http https https2 h2c ws wss server srv app api web www service svc main admin adm management mgmt metrics "
    "metric exporter grpc rpc rest tls ssl tcp udp local internal external public private node vite nuxt next "
    "flask uvicorn gunicorn hypercorn rails puma unicorn django spring listening control status health "
    "healthcheck debug ui frontend console dashboard my the"
)
"""Words before ``PORT`` that mean the service's own."""
_OTHERS = words_in(
    "db database postgres postgresql pg mysql mariadb mssql oracle redis valkey mongo mongodb rabbitmq amqp kafka "
    "smtp mail mailer email imap pop ldap elastic elasticsearch opensearch es memcached memcache cache proxy "
    "upstream backend remote target peer broker queue statsd graphite influx influxdb consul etcd zookeeper zk "
    "nats minio s3 otel otlp jaeger zipkin collector ssh sftp ftp gateway syslog logstash fluentd client connect "
    "destination dest forward primary replica master slave solr cassandra clickhouse vault keycloak oauth sso"
)
"""Words that mean somebody else's port, to which the service connects."""
_SECRET = words_in("password passwd passphrase pass pwd secret token key apikey cred creds credential auth pin")
_word = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_place = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+]*)://)?"
    r"(?:(?P<address>\[[0-9A-Fa-f:.%\w]*\]|[A-Za-z0-9._*-]*):)?"
    r"(?P<port>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>tcp|udp))?/?\Z"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Where something wants to listen. ``address`` is ``*`` where only the port is told."""

    protocol: str
    address: str
    port: int
    last: int = 0
    """The last port of a range; 0 where it is one port."""
    choice: bool = False
    """Of the range one is taken, whichever is free."""
    sure: bool = True
    text: str = ""
    assumed: bool = False
    """The words name no protocol: TCP is what most programs listen on."""
    v6only: bool = False
    """What says so is known to leave IPv4 to others."""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in small letters: of ``HTTP_PORT``, ``httpPort``, ``--web.listen-address``."""
    return tuple(word.lower() for word in _word.findall(name))


def listens(name: str, owner: str = "") -> bool | None:
    """Whether a variable or an option of that name says where its service listens.

    ``True``: it does; ``False``: perhaps; ``None``: it is about something else. ``owner`` is the service: in redis
    ``REDIS_PORT`` is its own port.
    """
    words = words_of(name)
    if not words or _SECRET & set(words):
        return None
    if words[0].startswith(("listen", "bind")) or words[-1] in ("listen", "bind"):
        return True
    last = words[-1]
    prefix = words[:-1]
    if last.endswith("port") and last != "port" and last[:-4] in _OWN:
        last, prefix = "port", (*prefix, last[:-4])
    if last not in ("port", "ports", "addr", "address", "listener", "socket") and "listen" not in words:
        return None
    own = set(words_of(owner))
    if any(word in _OTHERS and word not in own for word in prefix):
        return None
    if last in ("port", "ports") or "listen" in words:
        return all(word in _OWN or word in own or word.startswith("listen") for word in prefix)
    return False


def names_address(name: str) -> bool:
    """Whether an address under that name may be the one at which the service listens: ``HOST``, ``--bind-address``."""
    words = words_of(name)
    if not words or _OTHERS & set(words):
        return False
    return words[-1] in ("host", "address", "addr", "ip", "interface", "bind", "listen", "hostname")


def read_place(value: str) -> Claim | None:
    """``8080``, ``:8080``, ``127.0.0.1:8080``, ``[::]:80``, ``tcp://0.0.0.0:53``, ``8000-8010``, ``53/udp``."""
    match = _place.match(value)
    if match is None:
        return None
    port, last = int(match["port"]), int(match["last"] or 0)
    if not 1 <= port <= HIGHEST or (last and not port <= last <= HIGHEST):
        return None
    udp = match["protocol"] == "udp" or (match["scheme"] or "").lower().startswith("udp")
    address = plain_address(match["address"] or "")
    return Claim("udp" if udp else "tcp", address, port, last if last > port else 0, text=value)


def plain_address(text: str) -> str:
    """The address without brackets; ``*`` where none is told."""
    bare = text.strip("[]")
    return {"": "*", "localhost": "127.0.0.1"}.get(bare.lower(), bare)


def is_address(text: str) -> bool:
    """Whether it is an address by itself, and no name that would have to be looked up."""
    if text in ("*", "localhost"):
        return True
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def address_beside(name: str, values: Mapping[str, str]) -> str | None:
    """Of ``BIND_HOST`` beside ``BIND_PORT``, or ``HOST`` beside ``PORT``: the same words in front."""
    prefix = words_of(name)[:-1]
    for other, value in values.items():
        words = words_of(other)
        fits = words[:-1] == prefix or (not prefix and words in (("bind",), ("listen",), ("bind", "host")))
        if fits and other != name and names_address(other) and is_address(value):
            return plain_address(value)
    return None
