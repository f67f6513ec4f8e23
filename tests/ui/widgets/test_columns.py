from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from console.ui.widgets.columns import Column, Place, fit

SERVICES = (
    Column("state", "State", 10),
    Column("host", "Host", 8),
    Column("service", "Service", 20, flex=2, min_width=12),
    Column("manager", "Manager", 8, priority=3),
    Column("ports", "Ports", 12, flex=1, min_width=6, priority=1),
    Column("memory", "Memory", 8, priority=4, align="right"),
)


def names(places: Sequence[Place]) -> list[str]:
    return [SERVICES[place.column].id for place in places]


def test_all_columns_where_there_is_room() -> None:
    places = fit(SERVICES, 118)
    assert names(places) == ["state", "host", "service", "manager", "ports", "memory"]
    assert places[-1].x + places[-1].width == 118


def test_the_highest_priority_number_is_dropped_first() -> None:
    assert names(fit(SERVICES, 50)) == ["state", "host", "service", "manager", "ports"]
    assert names(fit(SERVICES, 40)) == ["state", "host", "service", "ports"]
    assert names(fit(SERVICES, 33)) == ["state", "host", "service"]


def test_what_cannot_be_dropped_is_narrowed() -> None:
    places = fit(SERVICES, 25)
    assert names(places) == ["state", "host", "service"]
    assert places[-1].x + places[-1].width == 25


COLUMN = st.builds(
    Column,
    st.just("id"),
    st.just("Title"),
    width=st.integers(1, 30),
    flex=st.integers(0, 3),
    min_width=st.integers(1, 10),
    priority=st.integers(0, 5),
)


@given(st.lists(COLUMN, max_size=10), st.integers(-2, 200))
def test_columns_never_overlap_nor_leave_the_table(columns: list[Column], width: int) -> None:
    end = -1
    for place in fit(columns, width):
        assert isinstance(place, Place)
        assert place.width > 0
        assert place.x > end
        end = place.x + place.width
    assert end <= max(width, -1)
