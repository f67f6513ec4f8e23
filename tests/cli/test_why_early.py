"""``why`` begins before every service manager has told, and says nothing that rests on that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from console.cli import wiring
from console.cli.commands.why import diagnosis
from console.cli.errors import CliError
from console.config.model import Config
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Snapshot
from console.core.target import parse
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from tests.cli.examples import FAILED, snapshot

DOCKERS = replace(FAILED, ref=replace(FAILED.ref, manager="docker"))
LATE = replace(FAILED, ref=replace(FAILED.ref, manager="docker", name="late"))
NAME = FAILED.ref.name.removesuffix(".service")


class Slow:
    """A host of which one manager tells late."""

    def __init__(self, *late: Any) -> None:
        self.late = late

    def snapshot(self, _host: str) -> Snapshot:
        return replace(snapshot(), services=(FAILED,))

    async def settled(self, _host: str) -> Snapshot:
        return replace(snapshot(), services=(FAILED, *self.late))


async def judged(
    monkeypatch: pytest.MonkeyPatch, word: str, *late: Any
) -> list[tuple[ServiceRef | Endpoint, dict[str, Any]]]:
    """What verdicts were asked for until there was one."""
    asked: list[tuple[ServiceRef | Endpoint, dict[str, Any]]] = []

    async def verdict(_fleet: object, _config: object, _spec: object, subject: Any, **more: Any) -> int:
        asked.append((subject, more))
        return len(asked)

    monkeypatch.setattr(wiring, "verdict", verdict)
    spec = HostSpec(FAILED.ref.host, "x")
    told: Any = await diagnosis(cast(Fleet, Slow(*late)), Config(), spec, parse(f"{spec.name}{word}"))
    assert told == len(asked), "the last one is told"
    return asked


async def test_what_stays_what_it_was_is_judged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for word, subject in ((f"/{NAME}", FAILED.ref), (":8080", Endpoint("tcp", "*", 8080))):
        [(asked, more)] = await judged(monkeypatch, word, LATE)
        assert (asked, more["wholly"]) == (subject, True)


async def test_a_name_that_a_late_manager_has_too_is_told_as_two(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CliError, match="docker:"):
        await judged(monkeypatch, f"/{NAME}", replace(DOCKERS, ref=replace(DOCKERS.ref, name=NAME)))


async def test_a_service_that_only_a_late_manager_has_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    [(asked, _)] = await judged(monkeypatch, "/late", LATE)
    assert asked == LATE.ref
