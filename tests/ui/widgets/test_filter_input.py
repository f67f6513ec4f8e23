from console.ui.widgets.filter_input import FilterInput
from console.ui.widgets.table import DeckTable
from tests.ui.widgets.support import WidgetApp, lines
from tests.ui.widgets.test_table import COLUMNS, rows


async def test_typing_filters_at_once_and_escape_drops_it() -> None:
    table, bar = DeckTable(COLUMNS), FilterInput("filter")
    app = WidgetApp(table, bar)
    async with app.run_test(size=(80, 10)) as pilot:
        table.show(rows(3))
        table.focus()
        assert bar.is_open is False
        bar.open()
        await pilot.press("8", "0", "j")
        assert [message.text for message in app.messages(FilterInput.Changed)] == ["8", "80", "80j"]
        bar.hidden = 1234
        await pilot.pause()
        assert lines(app)[-1].startswith(" /80j")
        assert lines(app)[-1].endswith("1,234 hidden")
        bar.error = "not a regular expression"
        await pilot.pause()
        assert "not a regular expression" in lines(app)[-1]
        await pilot.press("escape")
        assert app.messages(FilterInput.Cancelled)[-1].text == ""
        assert bar.is_open is False
        assert bar.text == ""
        assert len(app.messages(FilterInput.Changed)) == 3


async def test_enter_keeps_the_text() -> None:
    bar = FilterInput()
    app = WidgetApp(DeckTable(COLUMNS), bar)
    async with app.run_test(size=(80, 10)) as pilot:
        bar.open("bind")
        await pilot.press("enter")
        assert app.messages(FilterInput.Submitted)[-1].text == "bind"
        assert bar.is_open is True
        bar.prompt = "?"
        await pilot.pause()
        assert lines(app)[-1].startswith(" ?bind")
        bar.close()
        bar.open("")
        assert bar.text == ""


async def test_what_stood_there_is_replaced_by_typing_and_given_back_by_escape() -> None:
    bar = FilterInput()
    app = WidgetApp(DeckTable(COLUMNS), bar)
    async with app.run_test(size=(80, 10)) as pilot:
        bar.hidden = 7
        bar.open("old")
        await pilot.pause()
        assert lines(app)[-1].startswith(" /old")
        assert lines(app)[-1].endswith("typing replaces it, esc keeps it")
        await pilot.press("n", "e", "w")
        assert [message.text for message in app.messages(FilterInput.Changed)] == ["n", "ne", "new"]
        assert lines(app)[-1].endswith("7 hidden")
        await pilot.press("escape")
        assert app.messages(FilterInput.Cancelled)[-1].text == "old"
        assert (bar.is_open, bar.text) == (True, "old")
        assert [message.text for message in app.messages(FilterInput.Changed)] == ["n", "ne", "new"]


async def test_an_arrow_goes_on_with_what_stood_there() -> None:
    bar = FilterInput()
    app = WidgetApp(DeckTable(COLUMNS), bar)
    async with app.run_test(size=(80, 10)) as pilot:
        bar.open("old")
        await pilot.press("right", "e", "r", "enter")
        assert app.messages(FilterInput.Submitted)[-1].text == "older"


async def test_enter_with_nothing_closes_the_line() -> None:
    bar = FilterInput()
    app = WidgetApp(DeckTable(COLUMNS), bar)
    async with app.run_test(size=(80, 10)) as pilot:
        bar.open("old")
        await pilot.press("backspace", "enter")
        assert app.messages(FilterInput.Submitted)[-1].text == ""
        assert bar.is_open is False


async def test_what_is_shown_beside_the_list_is_not_selected() -> None:
    bar = FilterInput()
    table = DeckTable(COLUMNS)
    app = WidgetApp(table, bar)
    async with app.run_test(size=(80, 10)) as pilot:
        table.focus()
        bar.hidden = 3
        bar.open("80", focus=False)
        await pilot.pause()
        assert lines(app)[-1].endswith("3 hidden")
