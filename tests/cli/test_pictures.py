"""The pictures of the README are what the console draws now."""

from pathlib import Path

from console.cli.pictures import SCENES, SIZES, draw
from console.cli.wiring import judge
from console.config.model import Config

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
