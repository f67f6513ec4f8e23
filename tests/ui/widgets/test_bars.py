import pytest
from textual.color import Color

from console.ui.widgets.bars import KeyBar, KeyHint, StatusBar, Tab, TabsLine
from tests.ui.widgets.support import SIZES, WidgetApp, lines, style_at

TABS = [
    *(
        Tab("findings", "1", "Findings", 3, "critical"),
        Tab("services", "2", "Services", 148),
        Tab("ports", "3", "Ports", 96),
    ),
    *(
        Tab("resources", "4", "Resources"),
        Tab("logs", "5", "Logs"),
        Tab("hosts", "6", "Hosts"),
        Tab("plans", "7", "Plans"),
    ),
]
HINTS = [
    *(KeyHint("enter", "diagnose"), KeyHint("r", "restart", danger=True), KeyHint("S", "stop", off="read-only")),
    *(KeyHint("l", "logs"), KeyHint("y", "copy"), KeyHint("/", "filter"), KeyHint("?", "help", keep=True)),
]


def status() -> StatusBar:
    bar = StatusBar(clock="14:02:31")
    bar.show(
        fleet="prod",
        hosts=(("up", 10), ("stale", 1), ("down", 1), ("connecting", 0)),
        read_only=True,
        production="PRODUCTION",
        note="hostdeck 0.1",
    )
    return bar


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((120, 40), " hostdeck  prod  12 hosts: 10 up 1 stale 1 down  hostdeck 0.1"),
        ((80, 24), " hostdeck  prod  1 stale 1 down  hostdeck 0.1  PRODUCTION"),
        ((40, 15), " 10 up 1 stale 1 down"),
    ],
)
async def test_status_says_the_most_that_fits(size: tuple[int, int], text: str) -> None:
    async with WidgetApp(status()).run_test(size=size) as pilot:
        line = lines(pilot.app)[0]
        assert line.startswith(text)
        assert "PRODUCTION" in line
        assert ("READ-ONLY" if size[0] > 40 else " RO") in line
        assert ("14:02:31" in line) == (size[0] > 40)


async def test_status_without_anything_special() -> None:
    bar = StatusBar(clock="14:02:31")
    async with WidgetApp(bar).run_test(size=(80, 24)) as pilot:
        assert lines(pilot.app)[0] == f" hostdeck{'14:02:31':>70}"
        bar.show(hosts=(("up", 1),))
        await pilot.pause()
        assert lines(pilot.app)[0].startswith(" hostdeck  1 host: 1 up")


async def test_production_has_a_ground_of_its_own() -> None:
    app = WidgetApp(status())
    async with app.run_test(size=(80, 24)):
        word = lines(app)[0].index("PRODUCTION")
        expected = Color.parse(app.theme_variables["deck-production"]).rich_color
        assert style_at(app, word, 0).bgcolor == expected
        assert style_at(app, 0, 0).bgcolor != expected


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_can_be_reached_at_every_size(size: tuple[int, int]) -> None:
    tabs = TabsLine()
    tabs.show(TABS)
    tabs.active = "ports"
    app = WidgetApp(tabs)
    async with app.run_test(size=size) as pilot:
        line = lines(app)[0]
        assert "3 Ports 96" in line
        assert "1" in line
        assert "3" in line
        assert "7" in line
        if size[0] >= 120:
            assert line == " 1 Findings 3 │ 2 Services 148 │ 3 Ports 96 │ 4 Resources │ 5 Logs │ 6 Hosts │ 7 Plans"
        await pilot.click(TabsLine, offset=(line.rindex("7"), 0))
        assert app.messages(TabsLine.Selected)[-1].tab == "plans"
        tabs.active = "plans"
        await pilot.pause()
        assert "7 Plans" in lines(app)[0]


@pytest.mark.parametrize("size", SIZES)
async def test_the_most_useful_keys_stay_and_help_is_never_dropped(size: tuple[int, int]) -> None:
    bar = KeyBar()
    bar.show(HINTS)
    app = WidgetApp(bar)
    async with app.run_test(size=size) as pilot:
        line = lines(app)[0]
        assert line.startswith(" enter diagnose  r restart")
        assert line.endswith("? help")
        assert len(line) <= size[0]
        await pilot.click(KeyBar, offset=(line.index("? help") + 2, 0))
        assert app.messages(KeyBar.Pressed)[-1].key == "?"


async def test_a_key_that_is_off_is_grey_and_can_be_asked() -> None:
    bar = KeyBar()
    bar.show(HINTS)
    app = WidgetApp(bar)
    async with app.run_test(size=(120, 40)) as pilot:
        at = lines(app)[0].index("S stop")
        assert style_at(app, at, 0).color == Color.parse(app.theme_variables["deck-muted"]).rich_color
        assert style_at(app, lines(app)[0].index("l logs"), 0).bold
        await pilot.click(KeyBar, offset=(at, 0))
        assert app.messages(KeyBar.Pressed)[-1].key == "S"


@pytest.mark.parametrize("size", SIZES)
async def test_while_a_plan_runs_a_narrow_line_still_names_it(size: tuple[int, int]) -> None:
    bar = StatusBar(clock="14:02:31")
    bar.show(
        fleet="shop",
        hosts=(("up", 3), ("down", 1)),
        production="PRODUCTION web-3" if size[0] > 40 else "",
        note="restart api.service: wait until it is active and stays so",
    )
    async with WidgetApp(bar).run_test(size=size) as pilot:
        line = lines(pilot.app)[0]
        assert "restart api.service" in line
        assert "hostdeck" in line or size[0] == 40
        assert line.count("wait until") == (1 if size[0] == 120 else 0)


async def test_keys_that_do_not_fit_are_left_out_whole() -> None:
    hints = tuple(KeyHint(key, f"label-{key}", keep=True) for key in "abcdefgh")
    bar = KeyBar()
    bar.show(hints)
    async with WidgetApp(bar).run_test(size=(40, 15)) as pilot:
        shown = lines(pilot.app)[0].split()
        assert shown[:2] == ["a", "label-a"]
        assert shown[-2:] == ["h", "label-h"]
        assert all(word in {part for hint in hints for part in (hint.key, hint.label)} for word in shown)


NAMED = (
    Tab("findings", "1", "Findings", 4, "critical", "Find"),
    Tab("services", "2", "Services", short="Serv"),
    Tab("ports", "3", "Ports", short="Ports"),
    Tab("resources", "4", "Resources", short="Res"),
    Tab("logs", "5", "Logs", short="Logs"),
    Tab("hosts", "6", "Hosts", short="Hosts"),
    Tab("plans", "7", "Plans", 1, "accent", "Plans"),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (90, " 1 Findings 4 │ 2 Services │ 3 Ports │ 4 Resources │ 5 Logs │ 6 Hosts │ 7 Plans 1"),
        (80, " 1 Findings 4 │ 2 Services │ 3 Ports │ 4 Res │ 5 Logs │ 6 Hosts │ 7 Plans 1"),
        (60, " 1 Find 4 │ 2 Services │ 3 │ 4 │ 5 │ 6 │ 7 Plans 1"),
    ],
)
async def test_the_open_tab_and_those_with_a_count_that_alarms_keep_their_names(width: int, shown: str) -> None:
    tabs = TabsLine()
    tabs.show(NAMED)
    tabs.active = "services"
    app = WidgetApp(tabs)
    async with app.run_test(size=(width, 24)):
        assert lines(app)[0] == shown


@pytest.mark.parametrize("width", [20, 30, 40, 60])
async def test_the_keys_that_lead_to_all_others_are_the_last_to_go(width: int) -> None:
    bar = KeyBar()
    bar.show([KeyHint(key, label, keep=True) for key, label in (
        ("enter", "diagnose"), ("a", "accept key"), ("m", "mend"), ("w", "why"), ("/", "filter"), (":", "commands"),
        ("?", "help"))])  # fmt: skip
    async with WidgetApp(bar).run_test(size=(width, 15)) as pilot:
        shown = lines(pilot.app)[0].split()
        assert ":" in shown
        assert "?" in shown
