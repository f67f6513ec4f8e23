"""The probe shell on this machine: what is asked, what comes back, and what happens when an answer is no answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from console.core.probe import ParseError, Probe
from console.remote.local import LocalTransport
from console.remote.shell import Ask, ProbeShell, ShellLostError
from console.remote.transport import HostSpec


def careless(text: str) -> int:
    known: dict[str, int] = {}
    return known[text]


def number(text: str) -> int:
    if not text.isdigit():
        raise ParseError("a number", text)
    return int(text)


NUMBER = Probe("number", 'echo "${1:-7}"', number)
BROKEN = Probe("broken", "echo oops >&2; echo 'permission denied' >&2; return 4", str)
CARELESS = Probe("careless", "echo x", careless)
SILENT = Probe("silent", "return 5", str)
LATE = Probe("late", "return 124", str)
HANGS = Probe("hangs", 'sleep "$1"; return "$2"', str, killed_after=0.2)
SLOW = Probe("slow", 'sleep "$1"; echo "$1"', str)
HOSTILE = Probe("hostile", r"printf 'a\033]52;c;aGk=\007b\377c\033[2Jd'", str)
ENDS = Probe("ends", "kill $$", str)
GARBAGE = Probe("garbage", "echo 'not a frame' >/proc/$$/fd/1", str)
FORGER = Probe(
    "forger",
    r"""hd_body=$(printf '%b_' "$1") hd_body=${hd_body%_}
printf '%s 1 %s\n%s' "$hd_nonce" "${#hd_body}" "$hd_body" >/proc/$$/fd/1""",
    str,
)
PROBES = (CARELESS, FORGER, NUMBER, BROKEN, SILENT, SLOW, HOSTILE, ENDS, GARBAGE)


@asynccontextmanager
async def shell() -> AsyncIterator[ProbeShell]:
    transport = LocalTransport(HostSpec("here", None))
    await transport.connect()
    opened = ProbeShell(transport, PROBES)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()
        await transport.close()


async def test_values_failures_and_unreadable_answers_stand_side_by_side() -> None:
    async with shell() as opened:
        asks = [Ask(NUMBER), Ask(BROKEN), Ask(SILENT), Ask(NUMBER, ("x",))]
        good, broken, silent, unreadable = await opened.request(asks)
    assert (good.value, good.failure) == (7, None)
    assert broken.failure == "permission denied"
    assert silent.failure == "exit status 5"
    assert unreadable.failure == "number: expected a number, got: 'x'"


async def test_what_timeout_ended_gave_no_answer() -> None:
    async with shell() as opened:
        good, broken, late = await opened.request([Ask(NUMBER), Ask(BROKEN), Ask(LATE)])
    assert [answer.hangs for answer in (good, broken, late)] == [False, False, True]


async def test_a_look_that_never_ends_is_killed_on_its_host() -> None:
    async with shell() as opened:
        killed, refused, done = await opened.request(
            [Ask(HANGS, ("999", "0")), Ask(HANGS, ("0", "77")), Ask(HANGS, ("0", "0"))]
        )
    assert killed.hangs
    assert killed.failure == "no answer in 0.2 s: a file system that it looks at may hang, see df"
    assert (refused.status, refused.hangs) == (77, False)
    assert (done.value, done.failure) == ("", None)


async def test_a_fault_in_reading_an_answer_is_the_failure_of_that_probe_alone() -> None:
    async with shell() as opened:
        first, good = await opened.request([Ask(CARELESS), Ask(NUMBER)])
        again, _ = await opened.request([Ask(CARELESS), Ask(NUMBER)])
    assert good.value == 7
    assert first.failure == "careless: hostdeck could not read the answer, please report it: KeyError: 'x'"
    assert again.failure == first.failure


async def test_an_unchanged_answer_is_the_same_object_and_an_unreadable_one_stays_a_failure() -> None:
    async with shell() as opened:
        [first], [second] = await opened.request([Ask(NUMBER)]), await opened.request([Ask(NUMBER)])
        assert second.same
        assert second.value is first.value
        await opened.request([Ask(NUMBER, ("x",))])
        [again] = await opened.request([Ask(NUMBER, ("x",))])
        assert again.same
        assert again.failure is not None


async def test_an_answer_that_is_wanted_verbatim_is_told_again_though_it_did_not_change() -> None:
    async with shell() as opened:
        [first] = await opened.request([Ask(NUMBER)])
        [again] = await opened.request([Ask(NUMBER, verbatim=True)])
        [after] = await opened.request([Ask(NUMBER)])
    assert (again.value, again.text, again.same) == (7, "7", False)
    assert (first.text, after.text, after.same) == ("", "", True)


async def test_control_sequences_and_foreign_bytes_never_come_through() -> None:
    async with shell() as opened:
        [answer] = await opened.request([Ask(HOSTILE)])
    assert answer.value == "ab\ufffdcd"


async def test_a_request_that_was_given_up_does_not_answer_the_next_one() -> None:
    async with shell() as opened:
        [before] = await opened.request([Ask(NUMBER, ("1",))])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await opened.request([Ask(SLOW, ("0.5",)), Ask(NUMBER, ("2",))])
        [after] = await opened.request([Ask(NUMBER, ("2",))])
    assert before.value == 1
    assert (after.value, after.same) == (2, False)


async def test_a_shell_that_ends_is_lost() -> None:
    async with shell() as opened:
        with pytest.raises(ShellLostError, match="ended"):
            await opened.request([Ask(ENDS)])


async def test_an_answer_that_is_no_frame_is_lost() -> None:
    async with shell() as opened:
        with pytest.raises(ShellLostError, match="something else"):
            await opened.request([Ask(GARBAGE)])


@pytest.mark.parametrize(
    "body",
    [
        r"forger = 0\n\n",
        r"forger 0 x\n\n",
        r"forger 0 -1\n\n",
        "forger 0 " + "9" * 5000 + r"\n\n",
        r"forger 0 100\nshort\n",
        r"forger \0377 0\n\n",
        r"other 0 0\n\n",
        r"forger 0\n",
        "",
    ],
)
async def test_a_frame_with_a_head_that_is_none_is_lost(body: str) -> None:
    async with shell() as opened:
        with pytest.raises(ShellLostError, match="forger"):
            await opened.request([Ask(FORGER, (body,))])
