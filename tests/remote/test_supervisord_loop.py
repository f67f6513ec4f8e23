"""The loop of supervisord: daemons that are another's, that answer nonsense or hang."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers import supervisord_rpc as rpc
from console.managers.supervisord import SUPERVISORD_STATUS, Status
from console.managers.supervisord_files import Ground, Written
from console.managers.supervisord_tool import tool_of
from console.remote import supervisord
from console.remote.shell import Answer, Ask
from console.remote.supervisord import loop
from console.remote.survey_loop import Place, Report, Wanted
from console.remote.transport import Transport
from console.remote.unix_sockets import SILENT, refused

API = {
    "group": "api", "name": "api", "statename": "RUNNING", "pid": 7, "start": 900, "stop": 0, "now": 1000,
    "stdout_logfile": "/var/log/api.log",
}  # fmt: skip
GOOD, BAD = "/run/supervisor.sock", "/tmp/supervisor.sock"


def answer(request: bytes, *programs: object) -> bytes:
    told: list[object] = [{"statename": "RUNNING"}, 5, list(programs)]
    if b"getState" not in request:
        told = [""] * request.count(b"<name>methodName")
    body = xmlrpc.client.dumps((told,), methodresponse=True, allow_none=True)
    return b"HTTP/1.0 200 OK\r\n\r\n" + body.encode()


Behaviour = Callable[[bytes], bytes]


def good(request: bytes) -> bytes:
    return answer(request, API)


@dataclass
class Host:
    """Its sockets, and what the loop reports of them."""

    sockets: dict[str, Behaviour]
    ground: dict[str, Ground] = field(default_factory=dict)
    services: list[set[str]] = field(default_factory=list)
    lost: list[set[str]] = field(default_factory=list)
    ended: list[set[str]] = field(default_factory=list)
    unanswered: list[tuple[Service, ...]] = field(default_factory=list)
    known: tuple[Service, ...] = ()
    leaving: str = ""
    """The socket that is not there any more once something was told."""
    failures: list[str] = field(default_factory=list)
    hung: list[bool] = field(default_factory=list)
    """Whether each report was of something that gave no answer."""
    broken: list[bool] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: Status = field(default_factory=Status)

    async def exchange(self, path: str, request: bytes) -> bytes:
        self.asked.append(path)
        return self.sockets[path](request)

    def forward(self, path: str) -> None:
        raise NotImplementedError

    async def ask(self, ask: Ask) -> Answer:
        if ask.probe is SUPERVISORD_STATUS:
            return Answer(ask.probe, self.status)
        return Answer(ask.probe, self.ground.get(ask.args[0], Ground(tool=("supervisorctl",), programs=())))

    def place(self, wanted: Wanted) -> Place:
        return Place(wanted, cast(Report, _Told(self)), self.ask, cast(Transport, self))

    def stamp(self, may: str = "rw") -> str:
        there = (path for path in self.sockets if not self.services or path != self.leaving)
        return "\n".join(f"{may} {path}" for path in there)

    async def looks(self, times: int = 1, may: str = "rw") -> Host:
        """Let the loop look so often, each time at the sockets that are there then."""
        wanted = Wanted(self.stamp(may))
        place = self.place(wanted)
        task = asyncio.create_task(loop(place))
        for _ in range(times):
            for _ in range(50):
                await asyncio.sleep(0)
            wanted.now(self.stamp(may))
        task.cancel()
        assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        return self


@dataclass
class _Told:
    host: Host

    def services(
        self,
        services: Iterable[Service],
        *,
        lost: Collection[ServiceRef] = (),
        ended: Collection[ServiceRef] = (),
        trouble: str | None = None,
        hangs: bool = False,
        broken: bool = False,
    ) -> None:
        self.host.hung.append(hangs)
        self.host.broken.append(broken)
        self.host.known = tuple(replace(each, ref=replace(each.ref, host="web1")) for each in services)
        self.host.services.append({each.ref.name for each in self.host.known})
        self.host.lost.append({ref.name for ref in lost})
        self.host.ended.append({ref.name for ref in ended})
        self.host.failures += [trouble] if trouble is not None else []

    def unanswered(self, services: Iterable[Service]) -> None:
        self.host.unanswered.append(tuple(services))

    def known(self) -> tuple[Service, ...]:
        return self.host.known

    def failed(self, reason: str, *, hangs: bool = False, broken: bool = False) -> None:
        self.host.hung.append(hangs)
        self.host.broken.append(broken)
        self.host.failures.append(reason)


async def test_what_is_anothers_is_said_and_not_shown() -> None:
    why = f"{BAD} belongs to another user, mallory"
    host = await Host({BAD: good}, {BAD: Ground(foreign=why)}).looks()
    assert host.services == []
    assert why in host.failures[0]


async def test_what_others_may_change_is_shown_by_its_own_word_alone() -> None:
    why = "/srv/app may be changed by other users"
    host = await Host({BAD: good}, {BAD: Ground(foreign=why, shared=True)}).looks(2)
    assert host.services[-1] == {"api"}
    assert why in host.failures[-1]
    [api] = host.known
    assert (api.state, api.pids, api.log_files, api.tool) == (State.RUNNING, (7,), (), ())
    assert why in (api.tool_missing or "")


async def test_what_is_anothers_is_not_waited_for_and_is_nothing_that_hangs() -> None:
    why = f"{BAD} belongs to another user, mallory"
    host = await Host({GOOD: good, BAD: hanging}, {BAD: Ground(foreign=why)}).looks(2)
    assert BAD not in host.asked
    assert (host.services[0], host.hung[0]) == ({"api"}, False)
    assert why in host.failures[0]


async def test_what_became_anothers_and_gives_no_answer_is_nothing_that_hangs() -> None:
    host = Host({GOOD: good})
    until_told(host, GOOD)
    real = host.ask

    async def asking(ask: Ask) -> Answer:
        if host.services:
            host.ground[GOOD] = Ground(foreign=f"{GOOD} belongs to another user, mallory")
        return await real(ask)

    host.ask = asking  # type: ignore[method-assign]
    await host.looks(3)
    assert (host.hung[-1], host.asked.count(GOOD)) == (False, 3)
    assert "belongs to another user, mallory" in host.failures[-1]


@pytest.mark.parametrize("value", [int("9" * 400), [[[]]] * 3, "x\ny", None, {}])
@pytest.mark.parametrize("key", list(API))
async def test_nonsense_of_one_hides_no_other(key: str, value: object) -> None:
    def odd(request: bytes) -> bytes:
        big, value_ = b"<int>77777</int>", 77777 if isinstance(value, int) else value
        return answer(request, {**API, "name": "odd", key: value_}).replace(big, b"<int>" + b"9" * 400 + b"</int>")

    host = await Host({GOOD: good, BAD: odd}).looks()
    assert "api" in host.services[0]


async def test_an_answer_without_bottom_hides_no_other() -> None:
    def deep(request: bytes) -> bytes:
        nested = b"<value><array><data>" * 30_000 + b"</data></array></value>" * 30_000
        return answer(request, "HERE").replace(b"<value><string>HERE</string></value>", nested)

    host = await Host({GOOD: good, BAD: deep}).looks()
    assert host.services == [{"api"}]
    assert BAD in host.failures[0]


async def test_one_that_hangs_is_asked_beside_the_others() -> None:
    host = Host({BAD: good, GOOD: good})
    never = asyncio.Event()
    real = host.exchange

    async def exchange(path: str, request: bytes) -> bytes:
        if path == BAD:
            await never.wait()
        return await real(path, request)

    host.exchange = exchange  # type: ignore[method-assign]
    await host.looks()
    assert GOOD in host.asked


def hanging(request: bytes) -> bytes:
    raise refused(BAD, "no answer in 5 s", SILENT)


def until_told(host: Host, *others: str) -> None:
    """Let these sockets hang as soon as something was told."""
    for path in others:
        before = host.sockets[path]
        host.sockets[path] = lambda request, before=before: (hanging if host.services else before)(request)  # type: ignore[misc]


def other(request: bytes) -> bytes:
    return answer(request, {**API, "name": "other", "group": "other"})


async def test_what_one_daemon_told_that_hangs_is_marked_beside_that_of_another() -> None:
    host = Host({GOOD: good, BAD: other})
    until_told(host, BAD)
    await host.looks(3)
    assert (host.services[0], host.lost[0]) == ({"api", f"other@{BAD}"}, set())
    assert (host.services[-1], host.lost[-1]) == ({"api", f"other@{BAD}"}, {f"other@{BAD}"})
    assert host.failures[-1] == (
        f"supervisord hangs and does not answer: {BAD}: no answer in 5 s: its log may tell why, then restart its unit"
    )
    assert (host.hung[0], host.hung[-1]) == (False, True)


async def test_programs_of_one_name_of_two_daemons_are_two_whoever_of_them_answers() -> None:
    host = Host({GOOD: good, BAD: good})
    until_told(host, GOOD)
    await host.looks(3)
    assert host.services[0] == host.services[-1] == {"api", f"api@{BAD}"}
    assert host.lost[-1] == {"api"}


@pytest.mark.parametrize(("gone", "stays"), [(BAD, "api"), (GOOD, f"other@{BAD}")])
async def test_what_one_ran_whose_socket_is_gone_stays_as_ended_beside_that_of_another(gone: str, stays: str) -> None:
    host = Host({GOOD: good, BAD: other}, leaving=gone)
    both = {"api", f"other@{BAD}"}
    await host.looks(3)
    assert (host.services[0], host.ended[0], host.lost[0]) == (both, set(), set())
    assert (host.services[-1], host.ended[-1], host.lost[-1]) == (both, both - {stays}, set())
    assert host.failures == []
    # It is back, with one program less: what its own daemon tells counts again, also after another connection.
    host.sockets, host.leaving = {GOOD: good, BAD: answer}, ""
    await host.looks()
    assert (host.services[-1], host.ended[-1]) == ({"api"}, set())


async def test_what_the_former_connection_told_of_one_that_does_not_answer_now_stays_as_lost() -> None:
    host = Host({GOOD: good, BAD: other})
    await host.looks()
    host.sockets[BAD] = hanging
    await host.looks()
    assert (host.services[-1], host.lost[-1], host.ended[-1]) == ({"api", f"other@{BAD}"}, {f"other@{BAD}"}, set())


async def test_what_was_found_elsewhere_is_not_the_usual_one_though_it_is_alone() -> None:
    host = Host({BAD: good})
    wanted = Wanted(f"rw {BAD}\nelsewhere {BAD}")
    task = asyncio.create_task(loop(Place(wanted, cast(Report, _Told(host)), host.ask, cast(Transport, host))))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert host.services == [{f"api@{BAD}"}]


def test_the_tool_of_one_elsewhere_whose_process_is_not_known_is_told_its_socket() -> None:
    found = tool_of(Ground(tool=("supervisorctl",)), BAD, True, BAD)
    assert found == (("supervisorctl", "-s", f"unix://{BAD}"), None)
    assert tool_of(Ground(pid=5, tool=("supervisorctl",)), BAD, True, BAD) == (("supervisorctl",), None)


def test_the_usual_one_is_one_that_may_be_asked() -> None:
    assert supervisord._sockets(f"denied /tmp/supervisor.sock\nrw {GOOD}") == (
        ("/tmp/supervisor.sock", False, "/tmp/supervisor.sock"),
        (GOOD, True, ""),
    )


def alone(request: bytes) -> bytes:
    raise refused(GOOD, "connection refused")


def html(request: bytes) -> bytes:
    return b"HTTP/1.0 500 Internal Server Error\r\n\r\n"


def locked(request: bytes) -> bytes:
    return b"HTTP/1.0 401 Unauthorized\r\n\r\n"


NOBODY = Status(why="unix:///run/supervisor.sock refused connection")


@pytest.mark.parametrize(
    ("behaves", "status", "hung", "broken"),
    [
        (alone, NOBODY, False, True),
        (html, Status(why="error"), False, True),
        (locked, Status(why="Server requires authentication"), False, False),
        (lambda request: answer(request, "odd"), Status(), False, False),
        (hanging, Status(), True, False),
    ],
)
async def test_what_fails_at_the_first_look_is_told_as_broken_where_it_is_no_lack_of_rights(
    behaves: Behaviour, status: Status, hung: bool, broken: bool
) -> None:
    host = await Host({GOOD: behaves}, status=status).looks()
    assert (host.hung[-1], host.broken[-1]) == (hung, broken)


async def test_when_all_hang_nothing_is_told_so_that_its_age_grows() -> None:
    host = Host({GOOD: good, BAD: other})
    until_told(host, GOOD, BAD)
    await host.looks(3)
    assert (host.services, host.lost) == ([{"api", f"other@{BAD}"}], [set()])
    assert f"supervisord hangs and does not answer: {BAD}: no answer in 5 s" in host.failures[-1]
    assert host.hung[-1]


async def test_one_that_a_signal_stopped_is_told_with_what_ends_it() -> None:
    host = Host({BAD: hanging}, {BAD: Ground(pid=9, tool=("supervisorctl",), frozen=True)})
    await host.looks(2)
    assert host.failures[-1] == ("supervisord (process 9) was stopped by a signal and does not answer: kill -CONT 9")


async def test_the_programs_of_one_that_hangs_and_never_told_them_are_known_by_its_files() -> None:
    written = Written("prog", "prog", "/etc/prog.conf", places=(("PORT", "8081"),))
    ground = Ground(pid=9, tool=("supervisorctl",), owner="root", programs=(written,), frozen=True)
    host = await Host({GOOD: hanging}, {GOOD: ground}).looks()
    [prog] = host.unanswered[-1]
    assert (prog.ref.name, prog.state, prog.native_state, prog.daemon) == ("prog", State.UNKNOWN, "not told", 9)
    assert [hint.endpoint.port for hint in prog.hints] == [8081]
    # What would be done to it waited for ever: the reason is that of the daemon.
    assert (prog.tool, prog.tool_missing) == ((), host.failures[-1])
    # It goes on, and tells them itself.
    host.sockets[GOOD] = good
    await host.looks()
    assert (host.unanswered[-1], host.services[-1]) == ((), {"api", "prog"})


async def test_its_process_is_looked_at_as_soon_as_it_hangs_though_it_was_known_a_moment_before() -> None:
    host = Host({GOOD: good}, {GOOD: Ground(pid=5, tool=("supervisorctl",))})
    until_told(host, GOOD)
    real = host.ask

    async def asking(ask: Ask) -> Answer:
        if host.services:
            host.ground[GOOD] = Ground(pid=5, tool=("supervisorctl",), frozen=True)
        return await real(ask)

    host.ask = asking  # type: ignore[method-assign]
    await host.looks(2)
    assert host.failures == ["supervisord (process 5) was stopped by a signal and does not answer: kill -CONT 5"]


async def test_a_socket_elsewhere_that_is_closed_is_told_and_its_tool_not_asked() -> None:
    host = await Host({BAD: good}).looks(may="closed")
    assert (host.asked, host.services) == ([], [])
    assert host.failures[0].startswith(f"this user may not use {BAD}: [unix_http_server] there needs chmod=0770")


async def test_a_tool_that_gets_no_answer_is_no_lack_of_rights() -> None:
    ground = Ground(pid=9, tool=("supervisorctl",), user="oncall", log="/var/log/s.log")
    host = Host({GOOD: good}, {GOOD: ground})
    host.status = Status(why="error: supervisord does not answer within 6 s")
    await host.looks(2, may="denied")
    assert host.failures[-1].startswith("supervisord hangs and does not answer: ")
    assert "its log /var/log/s.log may tell why" in host.failures[-1]
    assert "sudoers" not in host.failures[-1]


async def test_what_did_not_change_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    answers = rpc.answers

    def counted(data: bytes, calls: Sequence[rpc.Call]) -> list[object]:
        parsed.append(data)
        return answers(data, calls)

    monkeypatch.setattr(rpc, "answers", counted)
    clock = iter(range(2000, 3000))
    programs = [API]

    def ticking(request: bytes) -> bytes:
        now = next(clock)
        return answer(request, *({**one, "now": now, "description": f"pid 7, uptime {now}"} for one in programs))

    def states() -> int:
        return sum(b"statename" in body for body in parsed)

    host = Host({GOOD: ticking})
    daemon = supervisord.Daemon(host.place(Wanted("")), GOOD, True, "")
    first = (await daemon.look("")).services
    await daemon.look("")
    again = (await daemon.look("")).services
    assert (states(), again is first) == (1, True)
    programs[0] = {**API, "statename": "FATAL", "pid": 0}
    assert [one.state for one in (await daemon.look("")).services or ()] == [State.FAILED]
    assert states() == 2
    # Of one that was just started time alone tells whether it stays up.
    programs[0] = {**API, "pid": 8, "start": 2003}
    await daemon.look("")
    await daemon.look("")
    assert states() == 4
