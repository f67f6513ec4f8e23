"""Where a roll back goes."""

from dataclasses import replace

from console.core import release_history as history
from console.core.release import Release, ReleaseBook, outlived, outlived_failures, way_back
from console.core.service import ServiceRef

REF = ServiceRef("web1", "systemd", "api.service")


def book(*releases: Release) -> ReleaseBook:
    return ReleaseBook(REF, releases)


def test_it_goes_to_what_was_live_and_well_last_not_to_the_second_newest() -> None:
    never = Release("4", built=40.0)
    broken = Release("3", built=30.0, live_since=30.0, healthy=False)
    good = Release("2", built=20.0, live_since=20.0, healthy=True)
    older = Release("1", built=10.0, live_since=10.0, healthy=True)
    live = Release("5", built=50.0, live_since=50.0, healthy=True, live=True)
    assert way_back(book(live, never, broken, good, older)) == good


def test_a_roll_back_of_a_roll_back_goes_to_where_it_came_from() -> None:
    newer = Release("2", built=20.0, live_since=20.0, healthy=True)
    back = Release("1", built=10.0, live_since=30.0, healthy=True, live=True)
    assert way_back(book(newer, back)) == newer


def test_a_roll_back_that_failed_does_not_become_the_default() -> None:
    events = history.read(
        f"{at} {kind} {ident} ann - - -"
        for at, kind, ident in (
            (10, "live", "1"), (11, "healthy", "1"), (20, "live", "2"), (21, "healthy", "2"),
            (30, "live", "3"), (31, "healthy", "3"), (40, "live", "1"), (41, "failed", "1"), (41, "live", "3"),
        )
    )  # fmt: skip
    one, two, three = (history.told(Release(ident, live=ident == "3"), events, 50.0) for ident in "123")
    assert (one.live_since, one.well_since, one.healthy, one.failed_last) == (40.0, 10.0, True, True)
    assert (three.well_since, three.failed_last) == (30.0, False)
    assert way_back(book(three, two, one)) == two
    assert way_back(book(three, one)) == one
    again = history.told(Release("1"), (*events, *history.read(["60 live 1 ann", "61 healthy 1 ann"])), 70.0)
    assert (again.well_since, again.failed_last) == (60.0, False)
    assert way_back(book(three, two, again)) == again


def test_what_was_well_goes_before_what_nobody_noted_and_what_is_gone_is_no_way() -> None:
    unknown = Release("3", live_since=30.0)
    good = Release("2", live_since=20.0, healthy=True)
    gone = Release("1", live_since=25.0, healthy=True, present=False)
    assert way_back(book(unknown, good, gone)) == good
    assert way_back(book(unknown, gone)) == unknown
    assert way_back(book(gone)) is None
    assert way_back(book(Release("1", live_since=1.0, live=True))) is None


def test_the_same_commit_once_more_is_no_way_back_while_there_is_another() -> None:
    live = Release("3", commit="c2", live_since=30.0, healthy=True, live=True)
    again = Release("2", commit="c2", live_since=20.0, healthy=True)
    other = Release("1", commit="c1", live_since=10.0, healthy=True)
    assert way_back(book(live, again, other)) == other
    assert way_back(book(live, again, replace(other, healthy=False))) == again
    changed, unknown = replace(again, version="v2+dirty"), replace(again, commit=None)
    assert way_back(book(live, changed, other)) == changed
    assert way_back(book(live, unknown, other)) == unknown


def test_no_line_of_the_history_writes_to_a_terminal() -> None:
    (event,) = history.read(["10 live 1 ann%1b[31m%0abob - - -"])
    assert event.by is not None
    assert event.by.isprintable()


def test_what_failed_is_removed_before_what_was_well_and_the_way_back_never() -> None:
    well = Release("1", commit="c1", built=10.0, live_since=10.0, healthy=True)
    failed = Release("2", commit="c2", built=20.0, live_since=20.0, healthy=False)
    live = Release("3", commit="c3", built=30.0, live_since=30.0, healthy=True, live=True)
    coming = Release("4", commit="c4")
    assert outlived(book(live, failed, well), coming, 3) == ["2"]
    assert outlived(book(live, failed, well), coming, 2) == ["2", "1"]
    assert outlived(book(live, failed, well), coming, 4) == []
    once_well = replace(failed, healthy=True, failed_last=True)
    assert outlived(book(live, once_well, well), coming, 3) == ["2"]
    older = replace(well, id="0", built=5.0, live_since=5.0)
    gone = replace(well, id="9", built=1.0, present=False)
    assert outlived(book(live, well, older, gone), coming, 3) == ["0"]


def test_for_one_that_fails_only_what_failed_goes_itself_at_last() -> None:
    coming = Release("4")
    live = Release("3", built=30.0, live_since=30.0, healthy=True, live=True)
    well = Release("1", built=10.0, live_since=10.0, healthy=True)
    failed = Release("2", built=20.0, live_since=20.0, healthy=False, failed_last=True)
    older = replace(failed, id="0", built=5.0)
    once_well, unknown = replace(failed, healthy=True), replace(failed, healthy=None)
    assert outlived_failures(book(live, failed, older, well), coming, 3) == ["0", "2"]
    assert outlived_failures(book(live, failed, well), coming, 4) == []
    assert outlived_failures(book(live, well), coming, 1) == ["4"]
    assert outlived_failures(book(live, once_well, unknown), coming, 2) == ["4"]
    assert outlived_failures(book(replace(failed, live=True), well), coming, 1) == ["4"]
    assert outlived_failures(book(live, failed), coming, 1, lambda one: one.id == "2") == []


def test_one_of_another_commit_that_was_well_stays() -> None:
    other = Release("1", commit="c1", built=10.0, live_since=10.0, healthy=True)
    again = Release("2", commit="c2", built=20.0, live_since=20.0, healthy=True)
    live = Release("3", commit="c2", built=30.0, live_since=30.0, healthy=True, live=True)
    coming = Release("4", commit="c2")
    assert outlived(book(live, again, other), coming, 2) == ["2"]
    pulled = replace(other, id="5", built=1.0)
    assert outlived(book(live, again, other, pulled), coming, 3, lambda one: one.id != "5") == ["2"]


def test_a_release_is_found_by_its_beginning_only_where_one_begins_so() -> None:
    known = book(Release("20261120-aaa", "v1.2.0", "aaa111"), Release("20261121-bbb", "v1.3.0", "bbb222"))
    found = [known.find(word) for word in ("20261120-aaa", "v1.3", "aaa1", "2026", "v9", "")]
    assert [release and release.id for release in found] == [
        "20261120-aaa", "20261121-bbb", "20261120-aaa", None, None, None,
    ]  # fmt: skip
