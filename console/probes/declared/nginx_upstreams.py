"""nginx: to which ports of the host it sends requests on, by ``server`` of an ``upstream`` and by ``proxy_pass``.

ngx_http_upstream_module and ngx_http_proxy_module; of their like the same words. Names that would have to be looked up
and variables are left out.
"""

import re
from collections.abc import Iterator, Sequence

from console.core.declaration import Upstream
from console.core.service import Endpoint
from console.probes.declared.files import File
from console.probes.declared.names import is_address, read_place
from console.probes.declared.nginx import Directive, directives

_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_passes = re.compile(r"(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass")


def upstreams(files: Sequence[File], service: str) -> Iterator[Upstream]:
    """Where it sends requests to, each place of an upstream and each that is named directly once."""
    found: dict[tuple[str, Endpoint], Upstream] = {}
    for file in files:
        for one in directives(file):
            place = _place(one)
            if place is not None:
                name = _of(one)
                found.setdefault((name, place), Upstream(service, name, place, file.at(one.line)))
    yield from found.values()


def _of(one: Directive) -> str:
    return f"upstream {one.blocks[-1].argument}" if one.words[0] == "server" else one.words[0]


def _place(one: Directive) -> Endpoint | None:
    words = one.words
    if len(words) < 2:
        return None
    inside = one.blocks[-1].name if one.blocks else ""
    if words[0] == "server" and inside == "upstream":
        return None if "down" in words[2:] else _endpoint(words[1], 80)
    if _passes.fullmatch(words[0]) is None:
        return None
    scheme, separator, rest = words[1].rpartition("://")
    rest = re.split(r"[/?]", rest, maxsplit=1)[0]
    return _endpoint(rest, _PORTS.get(scheme, 80) if separator else 0)


def _endpoint(text: str, port: int) -> Endpoint | None:
    """An address with its port, or with that of its scheme; ``None`` for a name, as that of an upstream."""
    if is_address(text):
        text = f"{text}:{port}"
    found = read_place(text)
    if found is None or found.address == "*" or not is_address(found.address):
        return None
    return Endpoint("tcp", found.address, found.port)
