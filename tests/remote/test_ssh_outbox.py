"""Writes of one turn of the loop go out together, in their order, and none is lost at the end."""

import asyncio

from console.remote.ssh_outbox import Outbox, batched


class Wire:
    def __init__(self, *, broken: bool = False) -> None:
        self.seen: list[bytes | str] = []
        self.broken = broken

    def write(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("close")

    def abort(self) -> None:
        self.seen.append("abort")

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": "web1"}.get(name, default)


async def test_writes_of_one_turn_are_one_packet() -> None:
    wire = Wire()
    outbox = Outbox(wire)
    outbox.write(b"a")
    outbox.write(b"b")
    assert wire.seen == []
    await asyncio.sleep(0)
    outbox.write(b"c")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.seen == [b"ab", b"c"]


async def test_what_was_written_before_the_end_is_sent() -> None:
    for end in ("close", "abort"):
        wire = Wire()
        outbox = Outbox(wire)
        outbox.write(b"bye")
        getattr(outbox, end)()
        await asyncio.sleep(0)
        assert wire.seen == [b"bye", end]


async def test_a_broken_wire_does_not_prevent_the_end() -> None:
    wire = Wire(broken=True)
    outbox = Outbox(wire)
    outbox.write(b"bye")
    outbox.abort()
    await asyncio.sleep(0)
    assert wire.seen == ["abort"]


async def test_a_connection_is_given_an_outbox() -> None:
    class Connection:
        def connection_made(self, transport: object) -> None:
            self.transport = transport

    connection = batched(Connection)()
    connection.connection_made(Wire())
    assert isinstance(connection.transport, Outbox)
    assert connection.transport.get_extra_info("peername") == "web1"
