import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.ui.widgets.histogram import Histogram
from console.ui.widgets.log_buffer import LogBuckets
from console.ui.widgets.meter import History, Meter, Spark
from tests.ui.widgets.support import SIZES, WidgetApp, lines, style_at


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=40), st.integers(1, 10), st.integers(0, 12)
)
def test_a_history_keeps_the_newest_in_order(samples: list[tuple[int, int]], capacity: int, count: int) -> None:
    history = History(2, capacity)
    for sample in samples:
        history.push(*sample)
    kept = samples[-capacity:]
    assert len(history) == len(kept)
    assert list(history.last(count)) == [tuple(map(float, sample)) for sample in (kept[-count:] if count else [])]


def test_a_history_is_small_and_strict() -> None:
    history = History(3, 120)
    for _ in range(1000):
        history.push(1.0, 2.0, 3.0)
    assert history._values.itemsize * len(history._values) == 1440
    with pytest.raises(ValueError, match="3 values"):
        history.push(1.0)


@pytest.mark.parametrize("size", SIZES)
async def test_meters_line_up(size: tuple[int, int]) -> None:
    one = Meter("CPU", parts=((25, "user"), (25, "iowait")), text="50 %", label_width=8, text_width=12)
    two = Meter("Memory", parts=((100, "user"),), text="16 of 16 GiB", label_width=8, text_width=12)
    async with WidgetApp(one, two).run_test(size=size) as pilot:
        first, second = lines(pilot.app)[:2]
        assert first.index("█") == second.index("█")
        assert first.index("50 %") == second.index("16 of")
        bar = second.count("█")
        assert abs(first.count("█") - bar / 4) <= 1
        assert abs(first.count("▒") - bar / 4) <= 1
        one.show(((0, "user"),), "0 %")
        await pilot.pause()
        assert "█" not in lines(pilot.app)[0]


async def test_a_spark_stands_on_its_last_line() -> None:
    history = History(3)
    spark = Spark(history)
    spark.styles.height = 2
    async with WidgetApp(spark).run_test(size=(20, 5)) as pilot:
        history.push(50.0, 0.0, 0.0)
        history.push(50.0, 0.0, 50.0)
        spark.refresh_history()
        await pilot.pause()
        assert lines(pilot.app)[:2] == [" " * 19 + "█", " " * 18 + "██"]
        assert style_at(pilot.app, 19, 0).color != style_at(pilot.app, 19, 1).color


async def test_a_histogram_says_its_scale_and_span() -> None:
    strip = Histogram(offset=0.0)
    async with WidgetApp(strip).run_test(size=(60, 5)) as pilot:
        assert "no lines" in lines(pilot.app)[0]
        strip.show(LogBuckets(1_000_000.0, 5, (*([0] * (strip.columns - 2)), 4, 8), (*([0] * (strip.columns - 1)), 4)))
        await pilot.pause()
        first, legend = lines(pilot.app)[:2]
        # Half of the last column are errors: two colours in one full cell.
        assert first.strip() == "▄▄"
        assert style_at(pilot.app, 58, 0).bgcolor != style_at(pilot.app, 57, 0).bgcolor
        assert legend.startswith(" 13:46:40")
        assert "most 8 in 5 s, 4 errors" in legend
        await pilot.resize_terminal(40, 5)
        await pilot.pause()
        assert lines(pilot.app)[0].strip() == "▄▄"


async def test_a_histogram_of_one_line_says_what_it_counts() -> None:
    strip = Histogram(offset=0.0)
    strip.styles.height = 1
    async with WidgetApp(strip).run_test(size=(80, 5)) as pilot:
        strip.show(LogBuckets(1_000_000.0, 5, (*([0] * 76), 4, 8), (0,) * 78))
        await pilot.pause()
        assert lines(pilot.app)[0].strip() == "▄█ lines, most 8 in 5 s"
