import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rich.color import ColorType
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from console.ui import themes
from console.ui.cells import Cell
from console.ui.themes import ThemeError
from console.ui.widgets.bars import StatusBar
from console.ui.widgets.table import DeckTable, Row
from tests.ui.widgets.support import WidgetApp, lines, style_at
from tests.ui.widgets.test_table import COLUMNS

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ("hostdeck-ansi", "hostdeck-dark", "hostdeck-light", "hostdeck-red")


def write(folder: Path, text: str, name: str = "dusk") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_themes() -> None:
    assert themes.names() == SHIPPED
    assert tuple(theme.name for theme in themes.themes()) == SHIPPED


@pytest.mark.parametrize("name", [*SHIPPED, *(f"{name}-production" for name in SHIPPED), "nord", "ansi-dark"])
async def test_every_theme_shows_a_table_and_a_bar(name: str) -> None:
    bare = name.removesuffix("-production")
    table, bar = DeckTable(COLUMNS), StatusBar(clock="14:02:31")
    app = WidgetApp(bar, table, theme=bare)
    if name != bare:
        theme = themes.production(themes.find(bare))
        app.register_theme(theme)
        app.theme = theme.name
    async with app.run_test(size=(80, 10)) as pilot:
        bar.show(fleet="prod", production="PRODUCTION", read_only=True)
        table.show([Row(1, ("x", "service", "1 B", "1"))])
        await pilot.pause()
        assert "PRODUCTION" in lines(app)[0]
        assert "service" in lines(app)[2]


def contrast(one: str, two: str) -> float:
    brighter, darker = sorted((luminance(Color.parse(one)), luminance(Color.parse(two))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    """Relative luminance as in WCAG 2."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part / 255) for part in color.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


TEXT_ON = {
    **dict.fromkeys(
        ("foreground", "deck-muted", "deck-critical", "deck-warning", "deck-ok", "deck-accent"), "background"
    ),
    "deck-bar-text": "deck-bar",
    "deck-bar-alert": "deck-bar",
    "deck-production-text": "deck-production",
    "deck-match-text": "deck-match",
}


@pytest.mark.parametrize("production", [False, True])
@pytest.mark.parametrize("name", ["hostdeck-dark", "hostdeck-light", "hostdeck-red"])
def test_all_text_can_be_read(name: str, production: bool) -> None:
    theme = themes.find(name)
    if production:
        theme = themes.production(theme)
    values = {**themes.variable_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    for text, ground in TEXT_ON.items():
        assert contrast(values[text], values[ground]) >= 4.5, (text, ground)
    for text in ("foreground", "deck-critical", "deck-warning", "deck-ok", "deck-accent", "deck-muted"):
        assert contrast(values[text], values["deck-cursor"]) >= 3, text


def test_production_looks_different_in_every_theme() -> None:
    for theme in (*themes.themes(), BUILTIN_THEMES["nord"]):
        marked = themes.production(theme)
        assert marked.name == f"{theme.name}-production"
        before = {**themes.variable_defaults(theme), **theme.variables}
        after = {**themes.variable_defaults(marked), **marked.variables}
        assert before["deck-bar"] != after["deck-bar"]
    assert themes.production(themes.find("hostdeck-dark"), "#004400").variables["deck-bar"] == "#004400"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("name = 'x'\nprimary = 'red'", "primary", "unknown"),
        ("name = 'x'\n[colors]\nprimari = 'red'", "colors.primari", "did you mean primary?"),
        ("name = 'x'\n[colors]\nprimary = 'reddish'", "colors.primary", "expected a color"),
        ("name = 'x'\n[colors]\nsuccess = 'red'", "colors.primary", "required"),
        ("[colors]\nprimary = 'red'", "name", "expected a name"),
        ("name = 'x'\ndark = 'no'\n[colors]\nprimary = 'red'", "dark", "true or false"),
        ("name = 'x'\n[colors]\nprimary = 1", "colors.primary", "expected a string"),
        ("name = 'x'\n[colors]\nprimary = 'red'\n[variables]\ndeck-mutd = 'red'", "variables.deck-mutd", "deck-muted"),
        ("name = 'x'\n[colors]\nprimary = 'red'\n[variables]\ndeck-muted = 'grayish'", "variables.deck-muted", "color"),
        (
            "name = 'x'\n[colors]\nprimary = 'red'\n[variables]\ndeck-cursor-style = 'fat'",
            "variables.deck-cursor-style",
            "text style",
        ),
        ("name = ", "", "expected TOML"),
    ],
)
def test_a_mistake_names_file_key_and_what_was_expected(tmp_path: Path, text: str, key: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ThemeError) as caught:
        themes.load(path)
    assert caught.value.key == key
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_theme_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match="cannot be read"):
        themes.load(tmp_path / "nothing.toml")


def test_own_themes_come_first_and_need_one_colour(tmp_path: Path) -> None:
    write(
        tmp_path,
        "name = 'hostdeck-dark'\n[colors]\nprimary = 'ansi_red'\n[variables]\ndeck-muted = '$primary 50%'",
        "dark",
    )
    assert themes.find("hostdeck-dark", (tmp_path,)).primary == "ansi_red"
    assert [theme.name for theme in themes.themes((tmp_path,))].count("hostdeck-dark") == 1
    assert themes.find("nord").name == "nord"
    with pytest.raises(ThemeError, match=re.escape("hostdeck-dark")):
        themes.find("nowhere")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, "hostdeck-light"),
        ({"TERM": "linux"}, "hostdeck-ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "hostdeck-ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "hostdeck-light"),
    ],
)
def test_poor_terminals_and_no_color_get_the_sixteen_colours(environ: dict[str, str], name: str) -> None:
    assert themes.for_environment("hostdeck-light", environ) == name


async def test_without_colour_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    table = DeckTable(COLUMNS)
    app = WidgetApp(table, theme="hostdeck-ansi")
    async with app.run_test(size=(80, 10)) as pilot:
        table.show([Row(number, (f"x{number}", "service", "1 B", "1")) for number in range(3)])
        table.focus()
        await pilot.pause()
        assert style_at(app, 2, 1).reverse
        assert not style_at(app, 2, 2).reverse
        assert style_at(app, 2, 1).color in (None, style_at(app, 2, 2).color)


async def test_the_ansi_theme_uses_only_the_terminal_s_own_colours() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(StatusBar(clock="14:02:31"), table, theme="hostdeck-ansi")
    async with app.run_test(size=(80, 10)) as pilot:
        table.show([Row(number, (f"x{number}", "service", "1 B", "1")) for number in range(30)])
        await pilot.pause()
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert color is None or color.type in (ColorType.DEFAULT, ColorType.STANDARD)


# Where they are


def python(code: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, sys.argv[1]); {code}", str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=path,
        env={**os.environ, "PYTHONPATH": ""},
    )
    return done.stdout.strip()


FIND = "from console.ui import themes; print(themes.folder()); print(*themes.names()); print(len(themes.themes()))"


def test_a_source_tree_finds_the_folder_beside_the_package() -> None:
    folder, names, count = python(FIND, ROOT).splitlines()
    assert Path(folder) == ROOT / "themes"
    assert tuple(names.split()) == SHIPPED
    assert int(count) == 4


def test_a_wheel_has_the_themes_inside_the_package(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for folder in ("console", "themes"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    (tree / "README.md").write_text("# hostdeck\n", encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    found, names, count = python(FIND, tmp_path / "installed").splitlines()
    assert Path(found) == tmp_path / "installed" / "console" / "themes"
    assert tuple(names.split()) == SHIPPED
    assert int(count) == 4


def test_variables_are_made_for_themes_that_have_none() -> None:
    bare = Theme(name="bare", primary="#336699")
    made: dict[str, Any] = themes.variable_defaults(bare)
    assert contrast(made["deck-muted"], "#121212") >= 4.5
    assert set(themes.find("hostdeck-red").variables) - set(made) <= set(bare.to_color_system().generate())


async def test_another_theme_is_seen_at_once() -> None:
    table, bar = DeckTable(COLUMNS), StatusBar(clock="14:02:31")
    app = WidgetApp(bar, table)
    async with app.run_test(size=(80, 10)) as pilot:
        bar.show(fleet="prod", production="PRODUCTION")
        table.show([Row(1, (Cell("x", "critical"), Cell("service", "muted"), "1 B", "1"))])
        for name in ("hostdeck-light", "hostdeck-red", "hostdeck-dark"):
            app.register_theme(themes.find(name))
            app.theme = name
            await pilot.pause(0.1)
            at = lines(app)[2].index("service")
            assert style_at(app, at, 2).color == Color.parse(app.theme_variables["deck-muted"]).rich_color
            assert style_at(app, at, 0).bgcolor == Color.parse(app.theme_variables["deck-bar"]).rich_color
