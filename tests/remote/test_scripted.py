"""The scripted host is strict in both directions."""

import re

import pytest

from console.core.command import Command, Output
from console.remote.scripted import Call, End, Expect, Lose, Open, Refuse, Run, Say, ScriptedTransport, ScriptError
from console.remote.transport import ChannelRefusedError, TransportError

RESTART = Command(("systemctl", "restart", "api.service"), elevate=True)
SUDO = ("sudo", "-n", "--", "systemctl", "restart", "api.service")


async def test_a_script_that_is_followed() -> None:
    program = Open(("sh",), Expect(b"uptime\n"), Say(b"3 days\n"), Say(b"warning", error=True), End(2))
    async with ScriptedTransport("web1", [Run(SUDO, Output(0, "done"), stdin=b"x"), program]) as host:
        await host.connect()
        assert (await host.run(RESTART, b"x")).stdout == "done"
        channel = await host.open(("sh",))
        channel.write(b"upt")
        channel.write(b"ime\n")
        assert await channel.read() == b"3 days\n"
        assert await channel.read() == b""
        assert (channel.exit, channel.errors()) == (2, b"warning")


async def test_an_answer_may_depend_on_what_was_written() -> None:
    program = Open(("sh",), Expect(re.compile(rb"ask (\d+)\n")), Say(lambda said: b"got " + said[4:]))
    async with ScriptedTransport("web1", [program]) as host:
        await host.connect()
        channel = await host.open(("sh",))
        channel.write(b"ask 17\n")
        assert await channel.read() == b"got 17\n"


async def test_an_unexpected_call_fails_at_once_and_at_the_end() -> None:
    host = ScriptedTransport("web1", [Run(("true",), Output(0))])
    await host.connect()
    with pytest.raises(ScriptError, match=r"run of \('false',\), expected Run\(argv=\('true',\)"):
        await host.run(Command(("false",)))
    await host.run(Command(("true",)))
    with pytest.raises(ScriptError, match="false"):
        host.verify()


async def test_a_missing_call_fails() -> None:
    host = ScriptedTransport("web1", [Open(("sh",))])
    await host.connect()
    with pytest.raises(ScriptError, match="never called: Open"):
        await host.__aexit__(None, None, None)


async def test_missing_bytes_fail() -> None:
    host = ScriptedTransport("web1", [Open(("sh",), Expect(b"uptime\n"))])
    await host.connect()
    await host.open(("sh",))
    with pytest.raises(ScriptError, match="never written: Expect"):
        await host.__aexit__(None, None, None)


@pytest.mark.parametrize("written", [b"downtime\n", b"up\ntime\n"])
async def test_wrong_bytes_fail_at_once(written: bytes) -> None:
    host = ScriptedTransport("web1", [Open(("sh",), Expect(b"uptime\n"))])
    await host.connect()
    channel = await host.open(("sh",))
    with pytest.raises(ScriptError, match="was written, expected b'uptime"):
        channel.write(written)


async def test_bytes_beyond_the_script_fail() -> None:
    host = ScriptedTransport("web1", [Open(("sh",), Expect(b"a\n"))])
    await host.connect()
    channel = await host.open(("sh",))
    with pytest.raises(ScriptError, match="expected nothing more"):
        channel.write(b"a\nb\n")


async def test_wrong_input_fails() -> None:
    host = ScriptedTransport("web1", [Run(("cat",), Output(0), stdin=b"a")])
    await host.connect()
    with pytest.raises(ScriptError, match="with the input b'b', expected b'a'"):
        await host.run(Command(("cat",)), b"b")


async def test_nothing_works_without_a_connection() -> None:
    host = ScriptedTransport("web1", [Run(("true",), Output(0))])
    with pytest.raises(ScriptError, match="without a connection"):
        await host.run(Command(("true",)))


async def test_errors_are_part_of_a_script() -> None:
    down = TransportError("refused", "nothing listens")
    lost = TransportError("lost", "the link is gone")
    script: list[Call] = [Refuse(("sh",), ChannelRefusedError("no more")), Open(("sh",)), Open(("tail",), Lose(lost))]
    async with ScriptedTransport("web1", script, connects=[down]) as host:
        with pytest.raises(TransportError, match="nothing listens"):
            await host.connect()
        await host.connect()
        with pytest.raises(ChannelRefusedError):
            await host.open(("sh",))
        shell = await host.open(("sh",))
        tail = await host.open(("tail",))
        for channel in (shell, tail):
            with pytest.raises(TransportError, match="the link is gone"):
                await channel.read()
        assert not host.connected


async def test_calls_of_two_lanes_may_come_in_any_order() -> None:
    script = [Run(("a",), Output(1)), Run(("b",), Output(2))]
    async with ScriptedTransport("web1", script, ordered=False) as host:
        await host.connect()
        assert (await host.run(Command(("b",)))).exit == 2
        assert (await host.run(Command(("a",)))).exit == 1
