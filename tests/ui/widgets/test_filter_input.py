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
        assert app.messages(FilterInput.Cancelled)[-1].text == "80j"
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
