"""The pictures of the README are what the console draws now."""

import math
from pathlib import Path

import pytest

from console.cli.pictures import SCENES, SIZES, StillClock, draw
from console.cli.wiring import judge
from console.config.model import Config
from console.demo.fleet import demo_fleet
from console.remote.looking import Looking
from console.remote.schedule import Schedule

KEPT = Path(__file__).parents[2] / "screenshots"


def test_every_kept_picture_is_drawn_again_to_the_byte(tmp_path: Path) -> None:
    drawn = draw(tmp_path, judge(Config(), ()))
    assert len(drawn) == len(SCENES) * len(SIZES)
    differing = [path.name for path in drawn if not _same(path, KEPT / path.name)]
    assert differing == [], "run `hostdeck screenshots` and look at what changed"


def test_no_picture_is_kept_that_nothing_draws() -> None:
    names = {f"{scene.name}-{width}x{height}.svg" for scene in SCENES for width, height in SIZES}
    assert {path.name for path in KEPT.glob("*.svg")} == names


def _same(drawn: Path, kept: Path) -> bool:
    return kept.exists() and drawn.read_bytes() == kept.read_bytes()


def test_a_picture_that_differs_is_seen(tmp_path: Path) -> None:
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    one.write_text("a")
    other.write_text("b")
    assert not _same(one, other)
    assert not _same(one, tmp_path / "none.svg")


async def test_hosts_of_a_picture_are_asked_by_the_clock_of_the_picture_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[Looking] = []
    whole = Looking.slow_round

    async def counted(looking: Looking) -> None:
        rounds.append(looking)
        assert len(rounds) < 50, "they are asked again and again"
        await whole(looking)

    monkeypatch.setattr(Looking, "slow_round", counted)
    # As on a machine so busy that all is due again before the picture is drawn.
    monkeypatch.setattr(Schedule, "next", lambda _schedule: 0.0)
    still = StillClock()
    fleet = demo_fleet(lambda _snapshot: (), clock=still.monotonic, wall=still.wall, interval=math.inf, delay=0.0)
    fleet.start(lambda _snapshot, _findings: None)
    for spec in fleet.hosts:
        await fleet.settled(spec.name)
    for _ in range(3):
        still.elapsed += 30.0
        for spec in fleet.hosts:
            await fleet.tick(spec.name)
    await fleet.stop()
    assert len(rounds) < 2 * len(fleet.hosts), "only a change that a host tells of wakes it"
