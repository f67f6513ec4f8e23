import pytest
from textual import events
from textual.pilot import Pilot

from console.core.snapshot import LogLine
from console.ui.widgets.log_view import LogView
from tests.ui.widgets.support import SIZES, WidgetApp, lines, style_at, words

NOW = 1_000_000.0


def line(message: str, level: str = "info", at: float | None = NOW, service: str = "api", dropped: int = 0) -> LogLine:
    return LogLine("web-1", service, "journal", message, at=at, level=level, dropped=dropped)


def numbered(start: int, end: int) -> list[LogLine]:
    return [line(f"line {number}") for number in range(start, end)]


def view(max_lines: int = 50_000) -> LogView:
    return LogView(max_lines=max_lines, now=lambda: NOW + 0.3, offset=0.0)


async def feed(pilot: Pilot[None], widget: LogView, new: list[LogLine]) -> None:
    widget.feed(new)
    for _ in range(3):
        widget.drain()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_time_level_source_and_message_as_far_as_there_is_room(size: tuple[int, int]) -> None:
    widget = view()
    async with WidgetApp(widget).run_test(size=size) as pilot:
        await feed(pilot, widget, [line("listen: address already in use [/x]", "error")])
        shown = lines(pilot.app)[0]
        if size[0] >= 80:
            assert shown == " 13:46:40 E web-1 api listen: address already in use [/x]"
        else:
            assert shown == " E listen: address already in use [/x]"


async def test_levels_have_letters_and_colours() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 24)) as pilot:
        levels = ["critical", "error", "warning", "info", "debug", "odd"]
        await feed(pilot, widget, [line("x", level) for level in levels])
        assert [text[10] for text in lines(app)[:6]] == ["C", "E", "W", "I", "D", "?"]
        assert style_at(app, 10, 1).color != style_at(app, 10, 2).color != style_at(app, 10, 3).color


async def test_it_follows_until_somebody_goes_up() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        widget.focus()
        await feed(pilot, widget, numbered(0, 100))
        assert lines(app)[-1].endswith("line 99")
        await pilot.press("k", "k")
        assert widget.following is False
        assert lines(app)[-1].endswith("line 97")
        await feed(pilot, widget, numbered(100, 150))
        assert lines(app)[-1].endswith("line 97")
        await pilot.press("G")
        assert widget.following is True
        await pilot.pause()
        assert lines(app)[-1].endswith("line 149")
        await pilot.press("g")
        assert lines(app)[0].endswith("line 0")
        widget.action_toggle_follow()
        await pilot.pause()
        assert lines(app)[-1].endswith("line 149")


async def test_a_frozen_view_stays_on_its_lines_while_old_ones_go() -> None:
    widget = view(max_lines=100)
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        widget.focus()
        await feed(pilot, widget, numbered(0, 100))
        await pilot.press("ctrl+b")
        before = lines(app)
        await feed(pilot, widget, numbered(100, 120))
        assert lines(app) == before
        await feed(pilot, widget, numbered(120, 400))
        assert lines(app)[0].endswith("line 300")


async def test_the_mouse_wheel_freezes_too() -> None:
    widget = view()
    async with WidgetApp(widget).run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, numbered(0, 100))
        await pilot._post_mouse_events([events.MouseScrollUp], LogView, button=0)
        await pilot.pause(0.3)
        assert widget.following is False


async def test_filter_counts_what_it_hides_and_refuses_a_bad_expression() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, numbered(0, 100))
        assert widget.set_filter("line 1") is None
        await pilot.pause()
        assert widget.position.shown == 11
        assert widget.position.hidden == 89
        assert lines(app)[-1].endswith("line 19")
        error = widget.set_filter("(", regex=True)
        assert error is not None
        assert "regular expression" in error
        assert widget.position.hidden == 89
        await feed(pilot, widget, numbered(100, 112))
        assert lines(app)[-1].endswith("line 111")
        widget.set_filter("")
        await pilot.pause()
        assert widget.position.hidden == 0


async def test_search_highlights_and_steps() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, numbered(0, 100))
        assert widget.search("line 5") is None
        await pilot.pause()
        assert widget.following is False
        assert next(text for text in lines(app) if text.startswith("›")).endswith("line 59")
        assert widget.previous_match()
        await pilot.pause()
        assert next(text for text in lines(app) if text.startswith("›")).endswith("line 58")
        assert widget.next_match()
        assert not widget.next_match()
        y = next(index for index, text in enumerate(lines(app)) if text.startswith("›"))
        column = lines(app)[y].index("line 5")
        assert style_at(app, column, y).bgcolor != style_at(app, column - 1, y).bgcolor
        assert widget.search("[", regex=True) is not None
        assert widget.position.matches == 11


async def test_dropped_lines_are_told() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, [line("a"), line("b", dropped=12345)])
        assert "12,345 lines dropped" in lines(app)[1]
        widget.dropped(7)
        await feed(pilot, widget, [line("c")])
        assert "7 lines dropped" in lines(app)[3]
        assert widget.position.dropped == 12352


async def test_lag_is_that_of_live_lines() -> None:
    widget = view()
    async with WidgetApp(widget).run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, [line("old", at=NOW - 5000)])
        assert widget.position.lag is None
        await feed(pilot, widget, [line("new", at=NOW)])
        assert widget.position.lag == pytest.approx(0.3)
        widget.set_skews({"web-1": -2.0})
        await feed(pilot, widget, [line("its clock is behind", at=NOW - 2)])
        assert widget.position.lag == pytest.approx(0.3)


async def test_long_lines_scroll_sideways_or_wrap() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(60, 6)) as pilot:
        widget.focus()
        text = "漢字" + "".join(f"<{number:03}>" for number in range(40)) + "END"
        await feed(pilot, widget, [line("short"), line(text)])
        assert lines(app)[1].endswith("…")
        await pilot.press("right")
        assert "…" in lines(app)[1][20:30]
        for _ in range(20):
            await pilot.press("right")
        assert "END" in lines(app)[1]
        await pilot.press(*["left"] * 20)
        assert "漢字" in lines(app)[1]
        widget.action_toggle_wrap()
        await pilot.pause()
        assert "END" in words(lines(app))
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {60}


async def test_wrapped_lines_follow_to_the_end_and_one_endless_line_is_bounded() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(60, 8)) as pilot:
        widget.wrap = True
        await feed(pilot, widget, [line(f"{number} " + "word " * 30) for number in range(30)])
        assert "29 word" in words(lines(app))
        await feed(pilot, widget, [line("x" * 1_000_000)])
        assert lines(app)[-1].endswith("…")
        await feed(pilot, widget, [line("the end")])
        assert lines(app)[-1].endswith("the end") or "the end" in words(lines(app))


async def test_moved_tells_the_position() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, numbered(0, 100))
        position = app.messages(LogView.Moved)[-1].position
        assert (position.first, position.last, position.shown, position.total) == (91, 100, 100, 100)
        count = len(app.messages(LogView.Moved))
        widget.drain()
        await pilot.pause()
        assert len(app.messages(LogView.Moved)) == count


async def test_visible_text_is_whole_lines_without_decoration() -> None:
    widget = view()
    async with WidgetApp(widget).run_test(size=(40, 4)) as pilot:
        await feed(pilot, widget, [line("x" * 100), line("two"), line("three")])
        assert widget.visible_text() == "x" * 100 + "\ntwo\nthree"


async def test_clear_and_resize() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, numbered(0, 100))
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert lines(app)[-1].endswith("line 99")
        assert lines(app)[0].endswith("line 80")
        assert widget.following is True
        widget.clear()
        await pilot.pause()
        assert words(lines(app)).strip() == ""
        assert widget.position.total == 0


async def test_control_characters_cannot_leave_their_line() -> None:
    widget = view()
    app = WidgetApp(widget)
    async with app.run_test(size=(80, 10)) as pilot:
        await feed(pilot, widget, [line("a\tb\nc\rd"), line("next")])
        assert lines(app)[0].endswith("a b c d")
        assert lines(app)[1].endswith("next")


@pytest.mark.parametrize("wrap", [False, True])
async def test_where_the_day_changes_the_date_is_shown_and_the_end_stays_in_sight(*, wrap: bool) -> None:
    widget = view()
    midnight = 1_036_800.0
    async with WidgetApp(widget).run_test(size=(80, 6)) as pilot:
        widget.wrap = wrap
        times = (-20.0, -10.0, None, 10.0, 20.0, 30.0)
        await feed(pilot, widget, [line(f"at {at}", at=None if at is None else midnight + at) for at in times])
        shown = lines(pilot.app)
        assert shown[0].endswith("at -10.0")
        assert [shown[2].strip(), shown[3][1:9]] == ["── 1970-01-13 ──", "00:00:10"]
        assert shown[5].endswith("at 30.0")
        widget.action_edge(-1)
        await pilot.pause()
        assert lines(pilot.app)[0].endswith("at -20.0")
        await feed(pilot, widget, [line("same day", at=midnight + 40)])
        widget.action_edge(1)
        await pilot.pause()
        assert lines(pilot.app)[5].endswith("same day")
        assert sum("1970" in row for row in lines(pilot.app)) == 1
