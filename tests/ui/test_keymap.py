"""Keys: what is on, what is off and why, and what the configuration makes of them."""

import dataclasses

import pytest

from console.config.model import Config
from console.core.keys import BY_ID, Place
from console.core.plan import ActionKind
from console.core.service import ServiceRef
from console.core.snapshot import Link, LinkState
from console.ui import keymap, off
from console.ui.changes import Changes
from console.ui.deck import Deck
from console.ui.present import frame
from console.ui.screens.findings import of_finding
from console.ui.selection import Selection
from console.ui.store import Store
from console.ui.subject import Subject
from tests.ui import scenes
from tests.ui.fake import FakeDiagnoser, FakeFleet, FakePlanner


def deck(*, read_only: bool = False, refused: dict[str, str] | None = None, **config: object) -> Deck:
    fleet = FakeFleet(scenes.specs())
    store = Store(fleet.hosts, scenes.NOW)
    for snapshot in (scenes.up("web-1"), scenes.web3(), scenes.db1()):
        store.apply(snapshot, ())
    changes = Changes(fleet, scenes.CLOCK, lambda _change: None)
    return Deck(
        fleet,
        Config(**config),  # type: ignore[arg-type]
        store,
        changes,
        scenes.CLOCK,
        FakePlanner(refused or {}),
        FakeDiagnoser(),
        read_only=read_only,
    )


def on(ref: ServiceRef, place: Place = Place.SERVICES) -> Selection:
    return Selection(place, ref.host, (ref,), open=True)


def test_nothing_selected_is_a_reason() -> None:
    assert off.reason_off("restart", Selection(Place.SERVICES), deck()) == "no service is selected"
    assert off.reason_off("open", Selection(Place.SERVICES), deck()) == "nothing is selected"
    assert off.reason_off("shell", Selection(Place.SERVICES), deck()) == "no host is selected"


def test_a_service_of_a_host_that_is_up_can_be_restarted() -> None:
    assert off.reason_off("restart", on(scenes.API), deck()) is None


def test_a_read_only_console_says_so_before_anything_else() -> None:
    assert "read-only" in str(off.reason_off("restart", on(scenes.API), deck(read_only=True)))


def test_a_read_only_host_says_so_by_name() -> None:
    ref = ServiceRef("db-1", "systemd", "nginx.service")
    assert off.reason_off("stop", on(ref), deck()) == "db-1 is read-only by the configuration"
    assert off.reason_off("logs", on(ref), deck()) is None


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (LinkState.DOWN, "down: no route"),
        (LinkState.STALE, "has not answered for"),
        (LinkState.CONNECTING, "not connected"),
    ],
)
def test_a_host_that_does_not_answer_is_not_changed(state: LinkState, said: str) -> None:
    made = deck()
    snapshot = dataclasses.replace(scenes.web3(), link=Link(state, 0.0, "no route"))
    made.store.apply(snapshot, ())
    assert said in str(off.reason_off("restart", on(scenes.API), made))
    assert off.reason_off("copy", on(scenes.API), made) is None


def test_what_the_rules_refuse_is_told_in_their_words() -> None:
    made = deck(refused={ActionKind.RELOAD: "api.service has no handler for SIGHUP: it would end"})
    assert "SIGHUP" in str(off.reason_off("reload", on(scenes.API), made))
    assert off.reason_off("restart", on(scenes.API), made) is None


def test_a_second_change_of_the_same_service_says_that_one_runs() -> None:
    made = deck()
    plan = made.planner.plan((scenes.held().proposals[0].intents), scenes.web3())
    assert made.changes.begin(plan) is not None
    assert "start of api.service runs since" in str(off.reason_off("restart", on(scenes.API), made))
    assert "runs since" in str(off.reason_off("stop", on(scenes.LEGACY), made)), "it is touched too"
    other = ServiceRef("web-3", "systemd", "nginx.service")
    assert off.reason_off("restart", on(other), made) is None


def test_of_several_marked_services_the_one_in_the_way_is_named() -> None:
    refs = (scenes.API, ServiceRef("db-1", "systemd", "nginx.service"))
    why = off.reason_off("restart", Selection(Place.SERVICES, "web-3", refs), deck())
    assert why == "nginx.service on db-1: db-1 is read-only by the configuration"


def test_what_is_only_looked_at_is_the_service_under_the_cursor_whatever_is_marked() -> None:
    other = ServiceRef("db-1", "systemd", "nginx.service")
    selection = Selection(Place.SERVICES, "web-3", (other,), endpoint=scenes.PORT, cursor=scenes.API)
    assert (selection.marked, selection.service) == (1, scenes.API)
    assert off.reason_off("logs", selection, deck()) is None
    subject = Subject.of(selection)
    assert subject is not None
    assert (subject.host, subject.service, subject.endpoint) == ("web-3", scenes.API, scenes.PORT)
    assert off.reason_off("free-port", selection, deck()) == "the port of one service is freed: unmark first"
    assert off.reason_off("rebuild", selection, deck()) == "releases are of one service: unmark first"
    assert "db-1 is read-only" in str(off.reason_off("restart", selection, deck()))
    assert frame.note(deck(), selection) == "1 marked"


def test_a_changed_host_key_has_no_key_to_accept_it() -> None:
    made = deck()
    made.store.apply(
        dataclasses.replace(scenes.up("web-1"), link=Link(LinkState.DOWN, 0.0, "changed", "host-key-changed")), ()
    )
    assert "never accepted from here" in str(off.reason_off("accept-key", Selection(Place.HOSTS, "web-1"), made))


def test_proposals_that_are_advice_only_are_off_with_their_reason() -> None:
    selection = dataclasses.replace(of_finding(Place.FINDINGS, scenes.held()), place=Place.DIAGNOSIS)
    assert off.reason_off("proposal.1", selection, deck()) is None
    assert off.reason_off("proposal.3", selection, deck()) == "its port is not set by the console"
    assert off.reason_off("proposal.9", selection, deck()) == "there is no proposal 9"


def test_every_place_has_help_with_a_line_for_each_key_and_its_reason() -> None:
    for place in Place:
        groups = keymap.help_groups(Selection(place), deck(read_only=True))
        lines = [line for _, lines in groups for line in lines]
        assert any("copy" in what for _, what, _ in lines), place
        assert all(keys for keys, _, _ in lines), place
    changing = dict(keymap.help_groups(on(scenes.API), deck(read_only=True)))["Changes a host, after a review"]
    reasons = {key: off for key, _, off in changing}
    assert all(reasons.values())
    assert "read-only" in str(reasons["r"])


def test_remapped_keys_show_in_the_bar_in_the_help_and_in_the_tabs() -> None:
    made = deck(keys={"restart": ("ctrl+t",), "screen.services": ("f12",)})
    hints = {hint.label: hint.key for hint in keymap.hints(on(scenes.API), made)}
    assert hints["restart"] == "ctrl+t"
    assert keymap.tab_key(Place.SERVICES, Place.FINDINGS, made.config.keys) == "f12"
    assert keymap.textual_keymap({"why": (",", "f9")}) == {"why": "comma,f9"}


def test_on_the_ports_screen_digits_filter_and_function_keys_change_the_screen() -> None:
    assert keymap.tab_key(Place.LOGS, Place.PORTS, {}) == "f5"
    assert keymap.tab_key(Place.LOGS, Place.SERVICES, {}) == "5"
    made = {key.strip(): binding.action for binding in keymap.bindings(Place.PORTS) for key in binding.key.split(",")}
    assert made["5"] == "digit('5')"
    assert made["f5"] == "press('screen.logs')"


def test_keys_that_are_off_stay_in_the_bar_with_their_reason() -> None:
    hints = {hint.label: hint for hint in keymap.hints(on(scenes.API), deck(read_only=True))}
    assert hints["restart"].off is not None
    assert hints["restart"].danger
    assert hints["logs"].off is None


def test_a_click_on_a_key_finds_its_action() -> None:
    assert keymap.ident_of("esc", Place.DIAGNOSIS, {}) == "back"
    assert keymap.ident_of("r", Place.SERVICES, {}) == "restart"
    assert keymap.ident_of("1-3", Place.DIAGNOSIS, {}) is None
    assert BY_ID["restart"].keys == ("r",)


def test_the_help_of_a_review_says_what_its_keys_mean_there() -> None:
    groups = keymap.help_groups(Selection(Place.REVIEW, "web-3", (scenes.API,)), deck())
    told = {keys: what for _, lines in groups for keys, what, _ in lines}
    assert told["e"] == "every command word by word, scripts and undo too"
    assert told["esc"] == "leave; a plan that runs goes on, and is shown under Plans"
