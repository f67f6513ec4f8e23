"""The way from a host to its transport: cheap to import, and never unchecked."""

import ast
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import console
from console.remote.connect import JumpPool, ahead, connect, prepare
from console.remote.local import LocalTransport
from console.remote.ssh import SshTransport
from console.remote.transport import HostSpec


def naming_the_library() -> Iterator[tuple[Path, ast.Module]]:
    """The sources that can have to do with the SSH library: those with its name in them."""
    for source in sorted(Path(console.__file__).parent.rglob("*.py")):
        text = source.read_text()
        if "asyncssh" in text:
            yield source, ast.parse(text)


def test_the_destination_chooses_the_transport() -> None:
    pool = JumpPool()
    assert isinstance(connect(HostSpec("here", None), pool), LocalTransport)
    remote = connect(HostSpec("localhost", "localhost"), pool)
    assert isinstance(remote, SshTransport)
    assert (remote.host, remote.connected) == ("localhost", False)


def test_the_ssh_library_is_loaded_only_for_a_host_that_needs_it() -> None:
    program = (
        "import asyncio, sys\n"
        "from console.remote.connect import JumpPool, connect, prepare\n"
        "from console.remote.transport import HostSpec\n"
        "connect(HostSpec('here', None), JumpPool())\n"
        "asyncio.run(prepare([HostSpec('here', None)]))\n"
        "assert 'asyncssh' not in sys.modules\n"
        "asyncio.run(prepare([HostSpec('web1', 'web1')]))\n"
        "assert 'asyncssh' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(console.__file__).parents[1])


async def test_a_connection_that_was_begun_is_handed_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    async def dial(transport: SshTransport) -> None:
        begun.append(transport.host)
        await asyncio.Event().wait()

    monkeypatch.setattr(SshTransport, "_dial", dial)
    specs = (HostSpec("web1", "web1"), HostSpec("web2", "web2"), HostSpec("here", None))
    before = asyncio.all_tasks()
    async with ahead(specs) as reach:
        first = reach(specs[0])
        waiting = asyncio.create_task(first.connect())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert begun == ["web1", "web2"]
        assert reach(specs[0]) is not first, "a further one is begun when it is connected"
        assert isinstance(reach(specs[2]), LocalTransport)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert asyncio.all_tasks() == before, "what was begun and not taken is ended"


def test_the_ssh_library_is_loaded_without_a_compiler_that_is_asked_for_what_is_not_there() -> None:
    program = (
        "import asyncio, sys\n"
        "started = []\n"
        "sys.addaudithook(lambda event, args: started.append(str(args)) if event == 'subprocess.Popen' else None)\n"
        "from console.remote.connect import prepare\n"
        "from console.remote.transport import HostSpec\n"
        "asyncio.run(prepare([HostSpec('web1', 'web1')]))\n"
        "assert 'asyncssh' in sys.modules\n"
        "assert not any('oqs' in words for words in started), started\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(console.__file__).parents[1])


async def test_preparing_twice_is_no_mistake() -> None:
    await prepare([HostSpec("web1", "web1")])
    await prepare([])


def test_no_connection_is_ever_made_without_known_hosts() -> None:
    # known_hosts=None would make the SSH library accept any key, and leaving it out would ask its own configuration.
    connects = 0
    for source, tree in naming_the_library():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).startswith("asyncssh.connect"):
                continue
            connects += 1
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            assert isinstance(given["known_hosts"], ast.Call), source
            assert ast.unparse(given["known_hosts"]).startswith("tuple("), source
            assert ast.unparse(given["config"]) == "None", source
    assert connects == 1


def test_the_ssh_library_is_imported_only_where_it_may_be() -> None:
    users = {
        source.name
        for source, tree in naming_the_library()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(name.name.startswith("asyncssh") for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asyncssh"))
    }
    assert all(name.startswith("ssh") for name in users)
