"""What is said instead of an empty list of findings: never more than was looked at."""

from dataclasses import replace

from console.core.snapshot import Source
from console.ui.cells import Cell, plain
from console.ui.present.findings import quiet
from console.ui.store import Store
from tests.ui import scenes


def said(store: Store) -> list[str]:
    return [plain(line) for line in quiet(store, scenes.NOW)]


def test_a_host_that_is_waited_for_is_not_called_looked_at() -> None:
    store = Store(scenes.specs()[:2], scenes.NOW)
    store.apply(replace(scenes.up("web-1"), complete=False, services=()), ())
    assert said(store) == ["Waiting for web-1 and web-3."]
    store.apply(scenes.up("web-1"), ())
    assert said(store) == ["Waiting for web-3.", "Nothing wrong so far on 1 host, 4 services, 4 ports checked 1s ago."]


def test_all_is_never_quiet_while_an_essential_part_is_not_seen() -> None:
    store = Store(scenes.specs()[:1], scenes.NOW)
    store.apply(scenes.up("web-1"), ())
    assert said(store)[0].startswith("All quiet: 1 host")
    failed = Source("systemd", None, "Failed to connect to bus")
    kept = tuple(one for one in scenes.up("web-1").sources if one.name != "systemd")
    store.apply(replace(scenes.up("web-1"), sources=(*kept, failed)), ())
    assert not any("quiet" in line for line in said(store))
    assert said(store)[0].startswith("Nothing wrong in what was seen: 1 host")
    assert "Not known of web-1: its services (Failed to connect to bus)" in said(store)


def test_what_a_manager_did_not_tell_takes_the_green_from_quiet() -> None:
    store = Store(scenes.specs()[:1], scenes.NOW)
    base = scenes.up("web-1")
    store.apply(base, ())
    [green] = quiet(store, scenes.NOW)
    assert isinstance(green, Cell)
    assert green.tone == "ok"
    failed = Source("docker", None, "no right: join group docker")
    store.apply(replace(base, sources=(*base.sources, failed)), ())
    assert quiet(store, scenes.NOW) == (
        Cell(green.text),
        Cell("Not seen: docker on web-1 (no right: join group docker)", "warning"),
    )
