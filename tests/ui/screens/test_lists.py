"""The screens behind the tabs: what they show, how they filter, group and open."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from console.core.declaration import Declaration, Declared
from console.core.keys import Place
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Link, LinkState, LogLine, Snapshot
from console.ui.app import DeckApp
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.host import HostScreen
from console.ui.screens.list_screen import ListScreen
from console.ui.screens.services import ServicesScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet, FakeKey, lines
from tests.ui.steps import run, seen, settle, until

SIZES = [(120, 40), (80, 24), (40, 15)]
WORDS = {
    1: "held by legacy",
    2: "api.ser",
    3: "8080",
    4: "62 %",
    5: "No service is chosen",
    6: "down",
    7: "Nothing was changed",
}


def shows(app: DeckApp, word: str) -> bool:
    return word in scenes.text_of(app)


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_shows_what_matters_at_every_size(size: tuple[int, int]) -> None:
    app = scenes.app()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        for number, word in WORDS.items():
            await pilot.press(f"f{number}")
            await until(pilot, partial(shows, app, word))
            rows = scenes.text_of(app).splitlines()
            assert len(rows) == size[1]
            assert all(len(row) == size[0] for row in rows)


async def test_all_quiet_says_what_was_checked_when_and_what_was_not_seen() -> None:
    fleet = scenes.fleet(quiet=True)
    fleet.push(scenes.db1())
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "All quiet" in scenes.text_of(app))
        shown = scenes.text_of(app)
        assert "4 hosts, 16 services, 16 ports checked 1s ago" in shown
        assert "Not seen: docker on db-1 (no right: join group docker)" in shown


async def test_while_connecting_it_says_what_it_waits_for() -> None:
    fleet = scenes.fleet(quiet=True)
    fleet._waiting.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Waiting for web-1, web-3, db-1 and 1 more." in scenes.text_of(app))
        fleet.push(scenes.up("web-1"))
        await until(pilot, lambda: "Nothing wrong so far on 1 host" in scenes.text_of(app))
        assert "Waiting for web-3, db-1 and old-1." in scenes.text_of(app)


async def test_services_filter_as_one_types_and_count_what_is_hidden() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"nginx")
        await until(pilot, lambda: "11 hidden" in scenes.text_of(app))
        assert "cron.service" not in scenes.text_of(app)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "cron.service" in scenes.text_of(app))


async def test_a_new_filter_takes_the_place_of_the_old_one_and_escape_gives_that_back() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash")
        await until(pilot, lambda: "enter keep it  esc as before" in scenes.text_of(app).splitlines()[-1])
        await pilot.press(*"nginx", "enter", "slash")
        await until(pilot, lambda: "typing replaces it, esc keeps it" in scenes.text_of(app))
        await pilot.press(*"cron")
        await until(pilot, lambda: "cron.service" in scenes.text_of(app) and "nginx" not in scenes.text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "nginx.service" in scenes.text_of(app) and "cron" not in scenes.text_of(app))
        assert "11 hidden" in scenes.text_of(app)
        await until(pilot, lambda: "? help" in scenes.text_of(app).splitlines()[-1])
        await pilot.press("slash", *"cron")
        await until(pilot, lambda: "enter keep it" in scenes.text_of(app).splitlines()[-1])
        await pilot.click("#keys", offset=(20, 0))
        await until(pilot, lambda: "nginx.service" in scenes.text_of(app) and "cron" not in scenes.text_of(app))
        await pilot.press("slash", "backspace", "enter")
        await until(pilot, lambda: "cron.service" in scenes.text_of(app) and "nginx.service" in scenes.text_of(app))
        assert "hidden" not in scenes.text_of(app)


async def test_services_group_by_host_manager_and_state_with_the_failed_ones_first() -> None:
    app = scenes.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2")
        await until(pilot, lambda: "6 services" in scenes.text_of(app))
        screen = app.screen
        assert isinstance(screen, ServicesScreen)
        first = next(row.key for row in screen.table.rows if not row.group)
        assert first == scenes.API
        await pilot.press("o")
        await until(pilot, lambda: "systemd  14 services" in scenes.text_of(app))
        await pilot.press("o")
        await until(pilot, lambda: "failed  1 service" in scenes.text_of(app))
        assert screen.table.cursor_key == scenes.API


async def test_the_cursor_stays_on_its_service_when_others_change() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "j", "j")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ServicesScreen)
        before = screen.table.cursor_key
        fleet.push(scenes.web3(mended=True))
        await until(pilot, lambda: "1 failed" not in scenes.text_of(app))
        assert screen.table.cursor_key == before


async def test_marked_services_are_reviewed_together_and_run_in_turn() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"nginx web", "enter")
        await settle(pilot)
        await pilot.press("g", "space", "j", "space", "r")
        await until(pilot, lambda: "2 plans, one after the other" in scenes.text_of(app))
        await run(pilot)
        await until(pilot, lambda: len(fleet.ran) == 2)
        assert {plan.target.host for plan in fleet.ran} == {"web-1", "web-3"}


async def test_a_mark_away_from_the_cursor_is_told_as_long_as_it_is_there() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"web-3", "enter")
        await settle(pilot)
        await pilot.press("g", "j", "space", "g")
        await until(pilot, lambda: "1 marked" in scenes.text_of(app).splitlines()[0])
        assert "r restart 1" in scenes.text_of(app)
        screen = app.screen
        assert isinstance(screen, ServicesScreen)
        assert (screen.table.cursor_key, screen.selection().services) == (scenes.API, (scenes.LEGACY,))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        assert isinstance(app.screen, DiagnosisScreen)
        assert app.screen.subject.service == scenes.API
        await pilot.press("escape", "l")
        await until(pilot, lambda: app.deck.log == scenes.API)
        await pilot.press("f2", "s")
        await until(pilot, lambda: "Stop  web-3  legacy.service" in " ".join(scenes.text_of(app).split("\n")))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "marked" not in scenes.text_of(app).splitlines()[0])


async def test_the_port_that_a_service_cannot_have_can_be_freed_from_its_row() -> None:
    """Nothing declares it: only its log names it."""
    fleet = scenes.fleet()
    seen = scenes.web3()
    fleet.push(
        dataclasses.replace(seen, services=(dataclasses.replace(seen.services[0], wants=()), *seen.services[1:])),
        scenes.held(),
    )
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"api", "enter", "g", "x")
        await until(pilot, lambda: "Free port  web-3  api.service" in scenes.text_of(app))


async def test_enter_diagnoses_the_service_whose_log_is_read() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("5", "enter")
        await until(pilot, lambda: "nothing is selected" in scenes.text_of(app))
        app.deck.log = scenes.API
        await pilot.press("1", "5", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))


async def test_a_number_filters_ports_at_once_and_the_other_keys_still_act() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("3")
        await until(pilot, lambda: "owner" in scenes.text_of(app))
        await pilot.press("8", "0", "8", "0")
        await until(pilot, lambda: "12 hidden" in scenes.text_of(app))
        await pilot.press("backspace", "backspace")
        await until(pilot, lambda: "9 hidden" in scenes.text_of(app))
        await pilot.press("8", "0", "w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        await pilot.press("escape", "escape", "f1")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.FINDINGS)


async def test_ports_are_compared_with_what_is_declared_and_files_looked_at_when_it_is_opened() -> None:
    fleet = scenes.fleet()
    base = scenes.up("web-1")
    place = "/etc/systemd/system/spare.service:3"
    spare = Declaration("spare.service", Endpoint("tcp", "*", 8181), place, "systemd", text="PORT=8181")
    nginx = Declaration("nginx.service", Endpoint("tcp", "127.0.0.1", 80), "/etc/nginx/nginx.conf:1", "systemd")
    fleet.push(replace(base, declared=Declared((spare, nginx))))
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        assert fleet.looked_at == []
        await pilot.press("3")
        await until(pilot, lambda: "local only" in scenes.text_of(app))
        assert sorted(fleet.looked_at) == sorted(app.deck.store.specs)
        assert "8181" not in scenes.text_of(app)
        # What is only declared is there for who looks for it, and w diagnoses it.
        await pilot.press("8", "1", "8")
        await until(pilot, lambda: "nobody listens" in scenes.text_of(app))
        shown = " ".join(scenes.text_of(app).split())
        assert "8181 tcp" in shown
        assert f"DECLARED spare.service {place}: PORT=8181" in shown
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and place in scenes.text_of(app))
        await pilot.press("escape", "f1", "3")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PORTS)
        assert len(fleet.looked_at) == 4


async def test_a_port_that_nobody_has_says_on_how_many_hosts_that_was_asked() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("3", "9", "9")
        await until(pilot, lambda: "Nothing that listens matches port 99 on 3 hosts" in scenes.text_of(app))


async def test_resources_open_a_host_with_the_verdict_in_words() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("4", "enter")
        await until(pilot, lambda: isinstance(app.screen, HostScreen))
        await until(pilot, lambda: "CPUs wait 62 % of the time for vdb" in scenes.text_of(app))
        assert "blocked: postgres" in " ".join(scenes.text_of(app).split())


async def test_a_filter_with_no_result_and_escape_leave_the_detail_as_it_was() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("f2")
        await until(pilot, lambda: "STATE" in scenes.text_of(app))
        await pilot.press("/", *"nosuch")
        await until(pilot, lambda: "No service contains" in scenes.text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "STATE" in scenes.text_of(app))


async def test_a_log_of_one_service_names_it_once_and_its_zone() -> None:
    fleet = scenes.fleet()
    fleet.log[scenes.API] = lines(scenes.API, ["hello", "again"])
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        app.deck.log = scenes.API
        await pilot.press("f5")
        await until(pilot, lambda: "again" in scenes.text_of(app))
        shown = scenes.text_of(app)
        assert shown.count("api.service") == 1
        assert "web-3 api.service   follows" in shown
        assert "in UTC" in shown
        assert "14:01:40" in shown


async def test_logs_follow_the_selected_service_and_can_be_filtered_and_frozen() -> None:
    fleet = scenes.fleet()
    fleet.log[scenes.API] = lines(scenes.API, [f"request {number}" for number in range(50)] + ["bind: in use"])
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "bind: in use" in scenes.text_of(app))
        assert "web-3 api.service   follows   lines" in scenes.text_of(app)
        await pilot.press("slash", *"request 4")
        await until(pilot, lambda: "40 hidden" in scenes.text_of(app))
        await pilot.press(*"nosuch")
        await until(pilot, lambda: "no line contains 'request 4nosuch': esc shows all" in scenes.text_of(app))
        assert "no lines with a time yet" not in scenes.text_of(app)
        await pilot.press("escape", "f")
        await until(pilot, lambda: "web-3 api.service   FROZEN: f follows again" in scenes.text_of(app))
        await pilot.press("n", *"bind", "enter")
        await until(pilot, lambda: "1 found" in scenes.text_of(app))


async def test_a_new_filter_of_a_log_takes_the_place_of_the_old_one_and_escape_gives_that_back() -> None:
    fleet = scenes.fleet()
    fleet.log[scenes.API] = lines(scenes.API, ["hello", "again"])
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        app.deck.log = scenes.API
        await pilot.press("f5", "slash", *"hello", "enter")
        await until(pilot, lambda: "1 hidden" in scenes.text_of(app))
        await pilot.press("slash", *"again")
        await until(pilot, lambda: "hello" not in scenes.text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "hello" in scenes.text_of(app) and "again" not in scenes.text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "again" in scenes.text_of(app) and "hidden" not in scenes.text_of(app))


async def test_declared_files_are_followed_beside_the_journal() -> None:
    fleet = scenes.fleet()
    fleet.log[scenes.API] = lines(scenes.API, ["from the journal"])
    fleet.files["/var/log/api.log"] = lines(scenes.API, ["from the file"])
    app = scenes.app(fleet)
    app.deck.log_files = lambda _ref, _services: ("/var/log/api.log",)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "from the journal" in scenes.text_of(app))
        await until(pilot, lambda: "from the file" in scenes.text_of(app))


async def test_a_log_that_may_not_be_read_says_so_and_is_tried_again() -> None:
    class Mute(FakeFleet):
        async def follow(
            self, ref: ServiceRef, *, lines: int, since: float | None, follow_on: bool, file: str = "", untimed: int = 0
        ) -> AsyncIterator[LogLine]:
            raise PermissionError("no right: join group systemd-journal")
            yield

    fleet = Mute(scenes.specs())
    fleet.push(scenes.web3(), scenes.held())
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("l")
        await until(pilot, lambda: "no right: join group systemd-journal" in scenes.text_of(app))
        await pilot.press("2")
        await until(pilot, lambda: "not seen: no right" in scenes.text_of(app))


async def test_an_unknown_host_key_is_accepted_only_after_its_fingerprint_was_shown() -> None:
    fleet = scenes.fleet()
    fleet.offered = FakeKey()
    down = Link(LinkState.DOWN, scenes.NOW - 3, "its key is not known here", "host-key-unknown")
    fleet.push(Snapshot("old-1", down))
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "1 down" in scenes.text_of(app))
        await pilot.press("6", "g", "a")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert FakeKey().fingerprint in scenes.text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        assert fleet.accepted == [], "enter on a question is no"
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await seen(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: fleet.accepted == [("old-1", FakeKey().fingerprint)])


async def test_hosts_tell_how_to_mend_a_connection() -> None:
    app = scenes.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "1 down" in scenes.text_of(app))
        await pilot.press("6", "g")
        await until(pilot, lambda: "check that the host is up" in " ".join(scenes.text_of(app).split()))


async def test_a_service_that_is_gone_says_so_on_its_page() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"cron web-1", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        left = tuple(s for s in scenes.up("web-1").services if s.ref != ServiceRef("web-1", "systemd", "cron.service"))
        fleet.push(dataclasses.replace(scenes.up("web-1"), services=left))
        await until(pilot, lambda: "gone: not seen any more" in scenes.text_of(app))


@pytest.mark.parametrize("width", [100, 119, 120, 135, 149, 150, 166, 167, 200])
async def test_a_wide_terminal_tells_no_less_of_what_is_wrong_than_a_narrow_one(width: int) -> None:
    fleet = scenes.fleet()
    ref = ServiceRef("web-3", "systemd", "a-service-of-a-long-name.service")
    long = "cannot bind tcp 8080, held by another-service-of-a-name.service"
    fleet.push(scenes.web3(), dataclasses.replace(scenes.held(), summary=long, subject=str(ref), service=ref))

    async def told(columns: int) -> int:
        app = scenes.app(fleet)
        async with app.run_test(size=(columns, 40)) as pilot:
            await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
            screen = scenes.front(app)
            assert isinstance(screen, ListScreen)
            return next(
                place.width for place in screen.table.places if screen.table.columns[place.column].id == "summary"
            )

    assert await told(width) >= await told(80)


async def test_the_smallest_terminal_still_has_rows() -> None:
    app = scenes.app()
    async with app.run_test(size=(20, 5)) as pilot:
        await until(pilot, lambda: "cannot be" in scenes.text_of(app))
        assert scenes.text_of(app).splitlines()[-1].split() == ["enter", ":", "?"]


async def test_a_filter_that_hides_all_services_says_of_whom_they_are_not_known_yet() -> None:
    fleet = scenes.fleet(quiet=True)
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "All quiet" in scenes.text_of(app))
        await pilot.press("2", "slash", *"nope", "enter")
        await until(pilot, lambda: "No service contains 'nope'. esc shows all." in scenes.text_of(app))
        fleet.push(replace(scenes.up("web-1"), complete=False))
        await until(pilot, lambda: "No service so far contains 'nope'" in scenes.text_of(app))
        assert "Waiting for web-1." in scenes.text_of(app)
