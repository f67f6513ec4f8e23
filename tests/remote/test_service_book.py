"""Which services must be asked again."""

from console.core.service import Service, ServiceRef, State
from console.remote.service_book import SETTLE, ServiceBook, SymptomSearch


def service(name: str, state: State = State.RUNNING, **facts: object) -> Service:
    return Service(ServiceRef("h", "systemd", name), state, state, **facts)  # type: ignore[arg-type]


def test_only_what_came_went_or_was_started_anew_is_asked() -> None:
    book = ServiceBook()
    book.sweep([service("a"), service("b"), service("c")], 0.0)
    book.watch({"a": "1", "b": "1"}, 0.0)
    assert book.to_ask(0.0) == ()
    book.watch({"a": "2", "c": "1"}, 1.0)
    assert book.to_ask(1.0) == ("a", "b", "c")
    assert book.to_ask(1.0 + SETTLE) == ()


def test_what_is_on_the_move_is_asked_until_it_has_settled() -> None:
    book = ServiceBook()
    book.sweep([service("a", State.STARTING), service("b", State.FLAPPING), service("c")], 0.0)
    assert book.to_ask(100.0) == ("a", "b")
    book.update(("a", "b"), [service("a"), service("b", State.FAILED)])
    assert book.to_ask(100.0) == ()


def test_asked_and_absent_is_gone_and_not_asked_stays() -> None:
    book = ServiceBook()
    book.sweep([service("a"), service("b")], 0.0)
    book.update(("a",), [])
    assert [each.ref.name for each in book.services] == ["b"]


def test_a_unit_that_systemd_unloaded_is_kept_and_asked_for_by_name() -> None:
    book = ServiceBook()
    book.sweep([service("a"), service("b")], 0.0)
    book.sweep([service("b")], 10.0)
    assert [each.ref.name for each in book.services] == ["a", "b"]
    assert book.to_ask(10.0) == ("a",)


def test_a_log_is_read_once_for_each_failure() -> None:
    search = SymptomSearch()
    failed = service("a", State.FAILED, since=1.0)
    assert search.to_read([failed, service("b")]) == (failed,)
    search.done([failed])
    assert search.to_read([failed]) == ()
    again = service("a", State.FAILED, since=2.0)
    assert search.to_read([again]) == (again,)
    search.forget(set())
    assert search.to_read([failed]) == (failed,)
