"""What a verdict asks of a host, and in how many rounds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from console.core.network import Listener, Process
from console.core.reach import Reached
from console.core.service import Endpoint, ServiceRef, State
from console.core.snapshot import Snapshot
from console.diagnosis.diagnose import diagnose
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.reach import Connected
from console.probes.redirects import Redirects
from console.remote.fleet import Fleet
from console.remote.shell import Answer, Ask
from console.remote.transport import TransportError
from console.remote.why import collect, why
from tests.diagnosis.factories import failed, identity, listener, ref, snapshot, symptom, unit

HELD = listener(pids=(4112,))
TOLD: dict[str, Any] = {
    "sockets": (),
    "limits": PortLimits(),
    "namespaces": Namespaces(),
    "redirects": Redirects(("nft",)),
    "nftables": (),
    "addresses": (),
    "reach": Connected(Reached.ANSWERS),
    "systemd_launch": None,
}


class OneHost:
    """A fleet of one host, of which each round of questions is noted."""

    def __init__(self, known: Snapshot, now: tuple[Listener, ...] | None = None) -> None:
        self._known, self._now = known, known.listeners if now is None else now
        self.rounds: list[list[tuple[str, ...]]] = []

    def snapshot(self, host: str) -> Snapshot:
        return self._known

    def transport(self, host: str) -> None:
        raise TransportError("lost", f"{host} is not connected")

    async def ask_all(self, host: str, asks: Sequence[Ask]) -> list[Answer]:
        self.rounds.append([(ask.probe.name, *ask.args) for ask in asks])
        self._known = replace(self._known, listeners=self._now)
        return [self._answer(ask) for ask in asks]

    def _answer(self, ask: Ask) -> Answer:
        if ask.probe.name == "process":
            alive = {pid for each in self._now for pid in each.pids}
            return Answer(ask.probe, tuple(Process(int(pid), "node") for pid in ask.args if int(pid) in alive))
        return Answer(ask.probe, TOLD.get(ask.probe.name))

    @property
    def about(self) -> list[list[str]]:
        """The processes that each round asks about."""
        return [args for asked in self.rounds for name, *args in asked if name == "process"]


def conflict() -> Snapshot:
    """``api.service`` has no port, since 4112 listens on it."""
    return snapshot(services=(failed(),), listeners=(HELD,), symptoms=(symptom(),), identity=identity(0))


async def test_managers_that_tell_late_are_part_of_what_is_judged_where_all_are_wanted() -> None:
    class Slow(OneHost):
        async def settled(self, _host: str) -> Snapshot:
            self._known = replace(self._known, services=(*self._known.services, told))
            return self._known

    late = ServiceRef("web1", "pm2", "late")
    told = replace(failed(), ref=late, state=State.RUNNING, pids=(4112,))
    host = Slow(conflict())
    early = await collect(cast(Fleet, host), "web1", ref())
    assert early.snapshot.service(late) is None
    whole = await collect(cast(Fleet, host), "web1", ref(), wholly=True)
    assert whole.snapshot.service(late) == told
    assert [one.ref for one in diagnose(whole).holders] == [late]


async def test_all_that_a_held_port_needs_is_asked_in_one_round() -> None:
    host = OneHost(conflict())
    verdict = await why(cast(Fleet, host), "web1", ref())
    [asked] = host.rounds
    names = {name for name, *_ in asked}
    assert {
        "listeners",
        "declarations",
        "process",
        "sockets",
        "limits",
        "namespaces",
        "redirects",
        "systemd_launch",
    } <= names
    assert verdict.verdict == "held"


async def test_all_that_a_port_needs_which_its_service_has_is_asked_in_one_round() -> None:
    runs = unit("api.service", pids=(7,), ports=(Endpoint("tcp", "*", 8080),))
    own = listener(pids=(7,), unit="api.service", cgroup="/system.slice/api.service")
    host = OneHost(snapshot(services=(runs,), listeners=(own,), identity=identity(0, tools=frozenset({"nft"}))))
    verdict = await why(cast(Fleet, host), "web1", ref())
    [asked] = host.rounds
    assert {"listeners", "addresses", "nftables", "reach"} <= {name for name, *_ in asked}
    assert verdict.reach is not None


async def test_who_took_the_port_since_is_asked_about_in_a_second_round() -> None:
    host = OneHost(conflict(), now=(replace(HELD, pids=(4113,)),))
    evidence = await collect(cast(Fleet, host), "web1", ref())
    assert host.about == [["4112"], ["4113"]]
    assert evidence.process(4113) is not None
    assert len(host.rounds) == 2


async def test_who_is_gone_is_not_asked_about_again() -> None:
    host = OneHost(conflict(), now=(HELD, replace(HELD, pids=(4112, 4113))))
    await collect(cast(Fleet, host), "web1", ref())
    assert host.about == [["4112"], ["4113"]]


async def test_a_look_without_an_answer_in_time_is_told_with_what_to_do() -> None:
    class Busy(OneHost):
        def _answer(self, ask: Ask) -> Answer:
            if ask.probe.name == "sockets":
                return Answer(ask.probe, failure="no answer in 7 s", hangs=True)
            return super()._answer(ask)

    verdict = await why(cast(Fleet, Busy(conflict(), now=())), "web1", ref())
    assert verdict.verdict == "unknown"
    assert "connections on it were not looked at (no answer in 7 s)" in verdict.summary
    assert "look-again" in [way.id for way in verdict.actions]


async def test_a_host_that_never_rests_is_told_as_the_reason() -> None:
    class Restless(OneHost):
        async def ask_all(self, host: str, asks: Sequence[Ask]) -> list[Answer]:
            self._now = (replace(HELD, pids=(5000 + len(self.rounds),)),)
            return await super().ask_all(host, asks)

    host = Restless(conflict())
    evidence = await collect(cast(Fleet, host), "web1", ref())
    assert evidence.refusal("process") == "the host changed faster than it could be looked at"
