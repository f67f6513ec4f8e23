"""A connection to this machine that can be cut, and plans to run over it."""

from __future__ import annotations

from console.core.command import Command, Output
from console.core.plan import Plan, PlanProgress, Step
from console.remote.local import LocalTransport
from console.remote.runner import RunSettings, execute, new_plan_id
from console.remote.transport import Channel, ChannelRefusedError, HostSpec, TransportError
from tests.remote.plans import LocalPlaces, change, make

_HELD = 'echo x >>"$1"; n=600; while [ ! -e "$2" ] && [ $((n -= 1)) -gt 0 ]; do sleep 0.05; done'


class CutChannel:
    """A channel whose link can be cut; what is written after ``deaf`` never arrives."""

    def __init__(self, inner: Channel, link: CutTransport) -> None:
        self._inner = inner
        self._link = link

    def write(self, data: bytes) -> None:
        if self._link.arrives is not None:
            data = data[: self._link.arrives]
        self._inner.write(data)
        self._link.requests.append(data)

    async def read(self) -> bytes:
        if self._link.lose_next_answer:
            self._link.lose_next_answer = False
            await self._inner.read()
            self._link.cut()
        chunk = await self._inner.read() if self._link.up else b""
        if not self._link.up:
            raise TransportError("lost", f"{self._link.host}: connection lost")
        return chunk

    def errors(self) -> bytes:
        return self._inner.errors()

    async def close(self) -> None:
        await self._inner.close()

    @property
    def exit(self) -> int | None:
        return self._inner.exit


class CutTransport:
    """This machine over a link that can be cut and mended; ``shell`` stands for the host's sh."""

    def __init__(self, shell: tuple[str, ...] = ("sh",)) -> None:
        self._local = LocalTransport(HostSpec("web1", None))
        self._shell = shell
        self.up = True
        self.mends = True
        """Whether the next attempt to connect succeeds."""
        self.retry = True
        self.arrives: int | None = None
        """How many bytes of each request arrive; ``None``: all."""
        self.lose_next_answer = False
        self.no_channels = False
        self.requests: list[bytes] = []
        self.connects = 0

    @property
    def host(self) -> str:
        return self._local.host

    @property
    def connected(self) -> bool:
        return self.up and self._local.connected

    def cut(self) -> None:
        self.up = False

    async def connect(self) -> None:
        self.connects += 1
        if not self.mends:
            raise TransportError("timeout", "web1: no answer: is it up?", retry=self.retry)
        await self._local.connect()
        self.up = True

    async def close(self) -> None:
        await self._local.close()

    async def open(self, argv: tuple[str, ...]) -> Channel:
        if self.no_channels:
            raise ChannelRefusedError("web1: no more channels")
        return CutChannel(await self._local.open(self._words(argv)), self)

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        return await self._local.run(Command(self._words(command.argv), timeout=command.timeout), stdin)

    def _words(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return (*self._shell, *argv[1:]) if argv[0] == "sh" else argv


def quick(places: LocalPlaces) -> RunSettings:
    """Settings that do not keep a test waiting."""
    return RunSettings(silence=5, patience=1.5, hand_over=10, longest_wait=0.1, places=places.all)


def counted(places: LocalPlaces, seconds: float = 0.0, **more: object) -> Plan:
    """A plan that leaves a line each time it is really run."""
    step = Step(
        "count", change("sh", "-c", 'echo x >>"$1"; sleep "$2"', "sh", str(places.first / "count"), f"{seconds}")
    )
    return make(step, plan_id=new_plan_id(), **more)  # type: ignore[arg-type]


def held(places: LocalPlaces, **more: object) -> Plan:
    """A plan that runs until ``let_go``, or for 30 s."""
    step = Step("count", change("sh", "-c", _HELD, "sh", str(places.first / "count"), str(places.first / "gate")))
    return make(step, plan_id=new_plan_id(), **more)  # type: ignore[arg-type]


def let_go(places: LocalPlaces) -> None:
    """Let the plan that is held come to its end."""
    (places.first / "gate").touch()


def count(places: LocalPlaces) -> int:
    file = places.first / "count"
    return len(file.read_text().splitlines()) if file.exists() else 0


async def run(link: CutTransport, plan: Plan, settings: RunSettings, **more: object) -> list[PlanProgress]:
    told = execute(link, plan, root=True, operator="ann", settings=settings, **more)  # type: ignore[arg-type]
    return [progress async for progress in told]
