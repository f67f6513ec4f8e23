from collections.abc import Hashable, Sequence

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from console.ui.cells import Cell, Text
from console.ui.widgets.table import Column, DeckTable, Row
from tests.ui.widgets.support import SIZES, WidgetApp, lines, style_at, words

COLUMNS = (
    Column("state", "State", 10),
    Column("service", "Service", 12, flex=1, min_width=20),
    Column("memory", "Memory", 8, priority=2, align="right"),
    Column("version", "Version", 9, priority=3),
)


def row(key: object, service: Text = "api", memory: str = "1.0 MiB", state: Text = "● running") -> Row:
    return Row(key, (state, service, memory, "1.2.3"))


def rows(count: int) -> list[Row]:
    return [row(number, f"service-{number}") for number in range(count)]


class Watched(DeckTable):
    """A table that remembers what it asked to have painted."""

    def __init__(self) -> None:
        super().__init__(COLUMNS)
        self.regions: list[Region] = []
        self.whole = 0

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> "Watched":
        if hasattr(self, "regions"):
            self.regions += regions
            self.whole += not regions
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


async def start(pilot: Pilot[None], table: DeckTable, shown: Sequence[Row]) -> None:
    table.show(shown)
    table.focus()
    await pilot.pause()
    if isinstance(table, Watched):
        table.regions.clear()
        table.whole = 0


def key_of(table: DeckTable) -> Hashable:
    return table.cursor_key


def cursor_line(app: WidgetApp) -> int:
    """Which line of the screen has the ground of the cursor."""
    ground = app.theme_variables["deck-cursor"].lower()
    found = [y for y in range(app.size.height) if str(style_at(app, 0, y).bgcolor).find(ground) >= 0]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("size", SIZES)
async def test_columns_are_aligned_at_every_size(size: tuple[int, int]) -> None:
    table = DeckTable(COLUMNS)
    async with WidgetApp(table).run_test(size=size) as pilot:
        await start(pilot, table, rows(3))
        shown = lines(pilot.app)
        for title, text in (("State", "● running"), ("Service", "service-1")):
            assert shown[0].index(title) == shown[2].index(text)
        assert ("Memory" in shown[0]) == (size[0] > 40)
        if size[0] > 40:
            assert shown[0].index("Memory") + len("Memory") == shown[2].index("1.0 MiB") + len("1.0 MiB")
        assert all(len(line) <= size[0] for line in shown)


async def test_hostile_text_is_shown_literally() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        texts = [
            "nginx: [/x]",
            "[@click=app.quit]x[/]",
            "a\tb\nc",
            "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
            "e\u0301\u0301x",
        ]
        await start(pilot, table, [row(number, text) for number, text in enumerate(texts)])
        shown = lines(app)
        assert "nginx: [/x]" in shown[1]
        assert "[@click=app.quit]x[/]" in shown[2]
        assert "a b c" in shown[3]
        assert "漢 …" in shown[4] or "漢…" in shown[4] or "字…" in shown[4] or "字 …" in shown[4]
        strips = app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {80}
        assert len({line.rindex("1.2.3") for line in (shown[1], shown[2], shown[3])}) == 1


async def test_only_the_cells_that_changed_are_painted() -> None:
    table = Watched()
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10))
        news = rows(10)
        news[4] = row(4, "service-4", "2.0 MiB")
        table.show(news)
        memory = next(place for place in table.places if COLUMNS[place.column].id == "memory")
        assert table.regions == [Region(memory.x + 1, 5, memory.width, 1)]
        assert table.whole == 0
        await pilot.pause()
        assert "2.0 MiB" in lines(pilot.app)[5]


async def test_equal_rows_paint_nothing() -> None:
    table = Watched()
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10))
        table.show(rows(10))
        await pilot.pause()
        assert (table.regions, table.whole) == ([], 0)


async def test_a_row_more_paints_only_the_lines_below() -> None:
    table = Watched()
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(5))
        table.show([*rows(3), row("new"), *rows(5)[3:]])
        assert table.whole == 0
        assert {region.y for region in table.regions} == {4, 5, 6}
        await pilot.pause()
        assert lines(pilot.app)[4].split()[2] == "api"


async def test_moving_the_cursor_paints_two_lines() -> None:
    table = Watched()
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10))
        await pilot.press("j")
        assert [region.y for region in table.regions] == [1, 2]
        assert table.whole == 0


async def test_many_rows_that_are_out_of_sight_cost_no_painting() -> None:
    table = Watched()
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10_000))
        news = rows(10_000)
        news[5000] = row(5000, "changed")
        table.show(news)
        assert (table.regions, table.whole) == ([], 0)
        await pilot.press("G")
        assert "service-9999" in lines(pilot.app)[23]
        assert table.cursor_key == 9999


async def test_the_cursor_stays_with_its_row() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10))
        await pilot.press("j", "j", "j")
        assert table.cursor_key == 3
        table.show([row("first"), *reversed(rows(10))])
        await pilot.pause()
        assert table.cursor_key == 3
        assert "service-3" in lines(app)[cursor_line(app)]


async def test_the_cursor_goes_to_the_nearest_row_when_its_own_vanishes() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(10))
        await pilot.press(*"jjjj")
        table.show([one for one in rows(10) if one.key not in (4, 5)])
        assert key_of(table) == 6
        table.show(rows(6))
        assert key_of(table) == 3
        table.show([])
        assert table.cursor_key is None
        assert table.cursor_row is None
        table.show(rows(2))
        assert table.cursor_key == 0
        await pilot.pause()
        assert [message.key for message in app.messages(DeckTable.Highlighted)][-4:] == [6, 3, None, 0]


async def test_the_view_stays_where_it_was_when_rows_come_above() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(100))
        await pilot.press("ctrl+f", "ctrl+f", "k")
        line = cursor_line(app)
        key = table.cursor_key
        table.show([*(row(f"new-{number}") for number in range(7)), *rows(100)])
        await pilot.pause()
        assert table.cursor_key == key
        assert cursor_line(app) == line


async def test_new_rows_at_the_top_are_seen_when_the_view_is_at_the_top() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(100))
        table.show([row("worse", "worse"), *rows(100)])
        await pilot.pause()
        assert "worse" in lines(app)[1]
        assert table.cursor_key == 0


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (["j"], 1),
        (["down", "down", "k"], 1),
        (["G"], 99),
        (["end", "g"], 0),
        (["k"], 0),
        (["ctrl+f"], 22),
        (["pagedown", "ctrl+b"], 0),
        (["G", "j"], 99),
        (["G", "home"], 0),
    ],
)
async def test_keys(keys: list[str], key: int) -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(100))
        await pilot.press(*keys)
        assert table.cursor_key == key
        assert f"service-{key} " in lines(app)[cursor_line(app)]


async def test_headings_cannot_be_selected_and_stay_in_sight() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 10)) as pilot:
        grouped = [Row("g1", ("web-1",), group=True), row(1), row(2), Row("g2", ("web-2 [/x]",), group=True), row(3)]
        await start(pilot, table, [*grouped, *[row(number) for number in range(10, 30)]])
        assert key_of(table) == 1
        await pilot.press("j", "j")
        assert key_of(table) == 3
        assert lines(app)[4].strip() == "web-2 [/x]"
        await pilot.press("k", "k", "k")
        assert table.cursor_key == 1
        await pilot.press("G", "g")
        assert lines(app)[1].strip() == "web-1"
        assert table.move_to("g2") is False


async def test_marks_stay_with_their_rows_and_go_with_them() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(5))
        await pilot.press("space", "space")
        assert table.marks == {0, 1}
        assert [line[0] for line in lines(app)[1:4]] == ["*", "*", " "]
        table.show(rows(5)[1:])
        assert table.marks == {1}
        await pilot.pause()
        assert app.messages(DeckTable.MarksChanged)[-1].keys == {1}
        table.clear_marks()
        assert table.marks == frozenset()


async def test_mouse() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(100))
        await pilot.click(DeckTable, offset=(5, 4))
        assert table.cursor_key == 3
        assert app.messages(DeckTable.Opened) == []
        await pilot.click(DeckTable, offset=(5, 6), times=2)
        assert [message.key for message in app.messages(DeckTable.Opened)] == [5]
        await pilot.click(DeckTable, offset=(14, 0))
        assert app.messages(DeckTable.HeaderPressed)[-1].column == "service"
        await pilot.press("enter")
        assert app.messages(DeckTable.Opened)[-1].key == 5


async def test_an_empty_table_says_what_was_looked_at() -> None:
    table = DeckTable(COLUMNS, empty=("All quiet: 12 hosts checked 1 s ago.",))
    app = WidgetApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, [])
        assert lines(app)[2] == " All quiet: 12 hosts checked 1 s ago."
        table.empty = ("All quiet: 12 hosts checked 2 s ago.", (Cell("Not seen: ", "warning"), Cell("docker on web-2")))
        await pilot.pause()
        assert lines(app)[2:4] == [" All quiet: 12 hosts checked 2 s ago.", " Not seen: docker on web-2"]
        table.show(rows(1))
        await pilot.pause()
        assert "quiet" not in words(lines(app))


async def test_the_header_tells_what_it_is_sorted_by() -> None:
    table = DeckTable(COLUMNS)
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(2))
        table.sorted_by = ("memory", True)
        await pilot.pause()
        assert "Memory▼" in lines(pilot.app)[0]
        table.sorted_by = ("version", False)
        await pilot.pause()
        assert "Version▲" in lines(pilot.app)[0]


async def test_the_cursor_is_seen_after_a_resize() -> None:
    table = DeckTable(COLUMNS)
    app = WidgetApp(table)
    async with app.run_test(size=(120, 40)) as pilot:
        await start(pilot, table, rows(100))
        await pilot.press(*["j"] * 35)
        await pilot.resize_terminal(40, 15)
        await pilot.pause()
        assert "service-35" in lines(app)[cursor_line(app)]


async def test_a_table_without_focus_shows_its_cursor_otherwise() -> None:
    table, other = DeckTable(COLUMNS), DeckTable(COLUMNS)
    app = WidgetApp(table, other)
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, table, rows(3))
        focused = style_at(app, 2, 1).bgcolor
        other.focus()
        await pilot.pause()
        assert style_at(app, 2, 1).bgcolor not in (focused, style_at(app, 2, 2).bgcolor)


async def test_a_heading_keeps_the_colour_of_what_alarms() -> None:
    table = DeckTable(COLUMNS)
    async with WidgetApp(table).run_test(size=(80, 24)) as pilot:
        heading = Row("g", ((Cell("web-1", "strong"), Cell("  1 failed", "critical")),), group=True)
        await start(pilot, table, [heading, row(1)])
        app = pilot.app
        assert isinstance(app, WidgetApp)
        assert style_at(app, 2, 1).color != style_at(app, 9, 1).color
        assert str(style_at(app, 9, 1).color).lower().find(app.theme_variables["deck-critical"].lower()) >= 0
