import pytest

from console.ui.cells import Cell
from console.ui.widgets.detail import RULE, Detail, Entry, Heading
from tests.ui.widgets.support import SIZES, WidgetApp, lines, style_at

ENTRIES: list[Entry | Heading] = [
    Heading((Cell("web-3 api.service "), Cell("FAILED", "critical")), "exit 1, 5 tries"),
    Entry("HELD BY", "node pid 4112 user deploy [/x]"),
    Entry("RESPAWN", (Cell("yes", "warning"), Cell(", pm2 autorestart: killing 4112 will not free it, it comes back"))),
    RULE,
    Entry("MEND", "1 stop api-old"),
    Entry("", "2 start api"),
]


@pytest.mark.parametrize("size", SIZES)
async def test_values_are_under_one_another_and_wrap(size: tuple[int, int]) -> None:
    detail = Detail()
    app = WidgetApp(detail)
    async with app.run_test(size=size) as pilot:
        detail.show(ENTRIES)
        await pilot.pause()
        shown = lines(app)
        assert shown[0].startswith(" web-3 api.service FAILED")
        assert shown[0].endswith("exit 1, 5 tries" if size[0] > 40 else "…")
        column = shown[1].index("node pid")
        assert shown[1].startswith(" HELD BY")
        rule = next(index for index, line in enumerate(shown) if line == "─" * size[0])
        assert (rule > 3) == (size[0] < 80)
        keys = ("HELD BY", "RESPAWN")
        assert all(line[:column].strip() in ("", *keys) for line in shown[1:rule])
        assert shown[rule + 1].index("1 stop") == shown[rule + 2].index("2 start") == column
        assert all(len(line) <= size[0] for line in shown)
        assert style_at(app, shown[0].index("FAILED"), 0).bold


async def test_news_of_the_same_thing_keep_the_place_and_paint_only_their_line() -> None:
    detail = Detail()
    app = WidgetApp(detail)
    async with app.run_test(size=(80, 10)) as pilot:
        entries = [Entry(f"k{number}", f"value {number}") for number in range(50)]
        detail.show(entries)
        detail.focus()
        await pilot.pause()
        await pilot.press("ctrl+f")
        await pilot.pause(0.5)
        top = detail.scroll_offset.y
        assert top > 0
        entries[top + 2] = Entry("k", "changed")
        detail.show(entries)
        await pilot.pause()
        assert detail.scroll_offset.y == top
        assert "changed" in lines(app)[2]
        detail.show(entries[:20], keep_scroll=False)
        await pilot.pause()
        assert lines(app)[0].startswith(" k0")


async def test_empty_says_something_and_resize_wraps_anew() -> None:
    detail = Detail(empty=("Nothing selected.",))
    app = WidgetApp(detail)
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        assert lines(app)[0] == " Nothing selected."
        detail.show([Entry("KEY", "word " * 12)])
        await pilot.pause()
        assert lines(app)[1] == ""
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert lines(app)[1].strip().startswith("word")
