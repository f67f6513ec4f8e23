"""Docker through sudo: of which containers more is asked than that they are there."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from console.core.service import State
from console.managers.container_sudo import LISTED, TOLD, Inspected
from console.managers.containers import Container
from console.remote import docker_sudo
from console.remote.docker_sudo import BySudo
from console.remote.shell import Answer, Ask

SAID = "Error response from daemon: no"


class Host:
    """A host with some containers: their identities, and the line that ``docker ps`` tells of each."""

    def __init__(self, *idents: str) -> None:
        self.listed = {ident: f"{ident} Up old" for ident in idents}
        self.gone: set[str] = set()
        self.odd: set[str] = set()
        """Those of which it tells nothing."""
        self.refuses: str | None = None
        self.refused_to_tell: str | None = None
        self.asked: list[tuple[str, ...]] = []
        self.lists: list[tuple[str, ...]] = []

    async def ask(self, ask: Ask) -> Answer:
        if ask.probe is LISTED:
            self.lists.append(ask.args)
            return Answer(LISTED, dict(self.listed), self.refuses)
        assert ask.probe is TOLD
        self.asked.append(ask.args)
        for ident in self.gone:
            self.listed.pop(ident, None)
        told = tuple(Container(one, one, "running") for one in ask.args if one not in self.gone | self.odd)
        return Answer(TOLD, Inspected(told, SAID), self.refused_to_tell)


def names(found: Iterable[Container]) -> str:
    return "".join(each.name for each in found)


async def test_only_what_changed_is_asked_for() -> None:
    host = Host("b", "a")
    looks = BySudo(host.ask)
    assert await looks.look() is None
    assert (names(looks.containers), host.asked) == ("ab", [("b", "a")])
    assert await looks.look() is None
    assert host.asked == [("b", "a")]
    host.listed |= {"a": "a Exited (1) old ago", "c": "c Created"}
    del host.listed["b"]
    assert await looks.look() is None
    assert (names(looks.containers), host.asked[1:]) == ("ac", [("a", "c")])
    assert host.lists == [(), ("known",), ("known",)]


@pytest.mark.parametrize("line", ["a Up young", "a Exited (0) young ago", "a Restarting (1) old ago"])
async def test_what_may_have_begun_anew_is_asked_for_again(line: str) -> None:
    host = Host("a", "b")
    host.listed["a"] = line
    looks = BySudo(host.ask)
    for _ in range(3):
        assert await looks.look() is None
    assert host.asked == [("a", "b"), ("a",), ("a",)]


async def test_after_a_gap_everything_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then one that began anew may be as old as it was."""
    host = Host("a")
    looks = BySudo(host.ask)
    await looks.look()
    monkeypatch.setattr(docker_sudo, "SURE_WITHIN", 0.0)
    await looks.look()
    assert host.asked == [("a",), ("a",)]


async def test_one_that_went_meanwhile_is_none() -> None:
    host = Host("a", "b")
    host.gone.add("b")
    looks = BySudo(host.ask)
    assert await looks.look() is None
    assert names(looks.containers) == "a"


async def test_one_that_cannot_be_read_is_unknown_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("a", "b")
    host.odd.add("b")
    looks = BySudo(host.ask)
    for _ in range(2):
        assert await looks.look() is None
        [_, odd] = looks.containers
        assert (odd.name, odd.state(0.0), odd.native) == ("b", State.UNKNOWN, f"not read: {SAID}")
    # It costs nothing until it changes, or the time is up; alone it keeps nobody from being told.
    assert host.asked == [("a", "b")]
    host.listed["b"] = "b Exited (1) old ago"
    assert await looks.look() is None
    monkeypatch.setattr(docker_sudo, "UNREAD_AGAIN", 0.0)
    host.odd.clear()
    assert await looks.look() is None
    assert host.asked == [("a", "b"), ("b",), ("b",)]
    assert [each.unread for each in looks.containers] == [None, None]


async def test_a_refusal_leaves_what_was_told_and_is_no_reason_to_ask_less() -> None:
    host = Host("a")
    looks = BySudo(host.ask)
    await looks.look()

    async def why() -> str | None:
        failed = await looks.look()
        return failed.failure if failed is not None else None

    host.refuses = "sudo: a password is required"
    assert await why() == host.refuses
    assert names(looks.containers) == "a"
    host.refuses, host.refused_to_tell = None, "sudo: a password is required"
    host.listed["a"] = "a Exited (1) old ago"
    assert await why() == host.refused_to_tell
    host.refused_to_tell = None
    assert await looks.look() is None
    assert host.asked == [("a",), ("a",), ("a",)]
    assert host.lists == [(), ("known",), (), ("known",)]


async def test_many_are_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_sudo, "AT_ONCE", 2)
    host = Host("a", "b", "c")
    looks = BySudo(host.ask)
    assert await looks.look() is None
    assert (names(looks.containers), host.asked) == ("abc", [("a", "b"), ("c",)])
