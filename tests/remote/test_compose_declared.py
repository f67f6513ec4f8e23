"""What projects declare: with whose rights their files are read, and which are not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from console.managers.compose import DECLARED, FILES, Source
from console.managers.container_engines import Engine, Engines
from console.managers.container_services import Told
from console.remote.compose_declared import Declared
from console.remote.probe_program import request
from console.remote.shell import Answer, Ask

FILE = "/srv/shop/docker-compose.yml"
SYSTEM = Engine("docker", "/run/docker.sock", True, 58, True, "root", "docker", "1")
ROOTLESS = Engine("docker", "/run/user/1001/docker.sock", True, 901, True, "ann", "ann", "1")


class Host:
    def __init__(self, files: Mapping[str, tuple[str, str]]) -> None:
        self.files = files
        self.clients: list[tuple[str, ...]] = []

    async def ask(self, ask: Ask) -> Answer:
        if ask.probe is FILES:
            return Answer(ask.probe, self.files)
        assert ask.probe is DECLARED
        self.clients.append(ask.args)
        return Answer(ask.probe, ("web", "job"))


def source(engine: Engine, *files: str) -> Source:
    words = ("docker-compose", "-H", f"unix://{engine.path}", "-p", "shop")
    return Source("shop", words, files or (FILE,), Told(engine, Engines((engine,)), ()))


@pytest.mark.parametrize(("engine", "user"), [(SYSTEM, None), (ROOTLESS, "ann")])
async def test_files_are_read_with_the_rights_of_whose_engine_it_is(engine: Engine, user: str | None) -> None:
    host, one = Host({FILE: ("file", "1.2")}), source(engine)
    declared = Declared(host.ask)
    assert await declared.look((one,))
    assert (declared.names, declared.trouble) == ({one.key: ("web", "job")}, None)
    [client] = host.clients
    if user is None:
        assert client == one.words
    else:
        assert client == (f"as={user}", *one.words)
    assert request(1, [(DECLARED, client)])


async def test_what_is_no_regular_file_is_not_read_and_is_told() -> None:
    pipe = "/home/ann/pipe.yml"
    host, one = Host({FILE: ("file", "1.2"), pipe: ("special", "0")}), source(ROOTLESS, FILE, pipe)
    declared = Declared(host.ask)
    assert await declared.look((one,))
    assert (host.clients, declared.names) == ([], {one.key: ()})
    assert declared.trouble == f"{pipe} is no regular file: services of shop without a container not shown"
