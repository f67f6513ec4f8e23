"""Rows and details, made by pure functions from snapshots and findings."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from console.config.model import Config
from console.core.declaration import Declaration
from console.core.finding import Finding, Severity
from console.core.keys import Place
from console.core.network import Listener, Process
from console.core.service import Endpoint, Origin, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Source
from console.core.thresholds import Thresholds
from console.diagnosis.verdict import Failure, NotChecked
from console.ui.cells import Cell, plain, spans
from console.ui.clock import Clock
from console.ui.diagnoser import HostDiagnoser
from console.ui.present import findings, frame, hosts, ports, resources, services
from console.ui.present.copying import lines_of, safe
from console.ui.present.explain import evidence
from console.ui.present.verdict import verdict_block
from console.ui.present.words import host_cell, host_width, number, short_os, wall_age
from console.ui.selection import Selection
from console.ui.store import Store
from console.ui.widgets.columns import fit
from console.ui.widgets.detail import Entry, Heading
from tests.ui import scenes
from tests.ui.fake import lines

LIMITS = Thresholds()


def texts(entries: tuple[Entry | Heading, ...]) -> str:
    return lines_of(entries)


def test_a_port_that_a_cluster_gives_away_is_shown_without_a_listener() -> None:
    place = Endpoint("tcp", "*", 30080)
    gift = Declaration("service shop/web", place, "nodePort of service shop/web", "kubernetes", given=True)
    known = ports.Known(Snapshot("web-3", Link(LinkState.UP, 0.0), 1.0, given=(gift,)))
    [line] = ports.host_lines(known, None)
    assert ports.filtered([line], "") == ((line.row,), 0)
    assert [plain(cell) for cell in line.row.cells[2:8]] == [
        "30080", "tcp", "*", "service shop/web", "by rules", "yes",
    ]  # fmt: skip
    [entry] = known.mapped().values()
    shown = texts(ports.unheld_detail(entry, known, 1.0))
    assert "nobody listens: rules send on what comes" in shown
    assert "service shop/web  nodePort of service shop/web" in shown


def test_words_count_and_list_like_a_person() -> None:
    assert number(1, "host") == "1 host"
    assert number(1200, "host") == "1,200 hosts"


def test_a_production_host_has_the_word_beside_its_name() -> None:
    specs = {spec.name: spec for spec in scenes.specs()}
    assert plain(host_cell(specs["web-3"], "web-3")) == "web-3 prod"
    assert plain(host_cell(specs["web-1"], "web-1")) == "web-1"
    assert host_width(specs.values()) == len("web-3 prod")


def test_ages_told_by_a_host_are_corrected_by_its_clock() -> None:
    ahead = replace(scenes.up("web-1"), clock_skew=3600.0)
    assert wall_age(ahead, 1000.0, 4000.0) == 600.0
    assert wall_age(scenes.up("web-1"), 1000.0, None) is None
    assert wall_age(scenes.up("web-1"), 1000.0, 2000.0) == 0.0, "a clock that is ahead makes nothing younger than now"


def test_the_detail_asks_whether_a_unit_must_be_root() -> None:
    api = scenes.service("web-1", "api.service", ports=(scenes.PORT,), user="root")
    assert "ROOT      none of its ports needs root" in texts(services.detail(api, scenes.up("web-1"), scenes.CLOCK))


def test_a_workload_of_a_production_context_has_the_word_in_its_row_and_in_the_frame() -> None:
    chain = ("kubernetes", "prod-eu (production)", "shop/deploy/api")
    ref = ServiceRef("web-1", "kubernetes", "shop/deploy/api")
    api = scenes.service("web-1", "api", ref=ref, chain=chain)
    lab = replace(api, ref=replace(ref, name="lab/deploy/api"), chain=("kubernetes", "lab", "lab/deploy/api"))
    snapshot = scenes.up("web-1", services=(api, lab))
    lines = services.host_lines(snapshot, None, scenes.WALL, scenes.NOW).lines
    names = {line.service.ref.name: spans(line.row.cells[2]) for line in lines}
    assert names["shop/deploy/api"] == (Cell("prod ", "accent"), Cell("shop/deploy/api"))
    assert names["lab/deploy/api"] == (Cell("lab/deploy/api"),)
    assert [line.service.ref.name for line in lines if "prod" in line.text] == ["shop/deploy/api"]
    deck = scenes.app(scenes.fleet()).deck
    deck.store.apply(snapshot, ())
    assert frame.status(deck, Selection(Place.SERVICES, "web-1", (ref,))).production == "PRODUCTION prod-eu"
    assert frame.status(deck, Selection(Place.SERVICES, "web-1", (lab.ref,))).production == ""


def test_the_detail_of_a_container_says_which_image_it_is_and_where_that_comes_from() -> None:
    web = scenes.service("web-1", "web", image="shop/api:1.4.2", origin=Origin("sha256:4c01db0b339c77aa"))
    shown = texts(services.detail(web, scenes.up("web-1"), scenes.CLOCK))
    assert "IMAGE     shop/api:1.4.2  sha256:4c01db0b339c\n" in shown
    web = replace(web, origin=Origin("sha256:4c01db0b339c77aa", "9fceb02", "https://git.example/shop/api"))
    shown = texts(services.detail(web, scenes.up("web-1"), scenes.CLOCK))
    assert "sha256:4c01db0b339c  revision 9fceb02  source https://git.example/shop/api\n" in shown
    assert "IMAGE" not in texts(services.detail(scenes.service("web-1", "web"), scenes.up("web-1"), scenes.CLOCK))


def test_a_finding_row_says_host_subject_summary_and_age() -> None:
    store = Store(scenes.specs(), scenes.NOW)
    store.apply(scenes.web3(), (scenes.held(),))
    row = findings.row(store, scenes.held(), scenes.WALL)
    assert [plain(cell) for cell in row.cells] == [
        "!", "web-3 prod", "api.service", "cannot bind tcp 8080, held by legacy.service", "2m",
    ]  # fmt: skip
    assert row.key == scenes.held().key


def test_in_a_narrow_list_the_holder_is_in_sight() -> None:
    store = Store(scenes.specs(), scenes.NOW)
    assert [column.id for column in findings.columns(store, narrow=True)] == ["severity", "host", "summary"]
    assert findings.brief(scenes.held(), {}) == ":8080 held by legacy.service"
    assert findings.brief(scenes.full(), {}) == "/var: 94 % full, 6.0 GiB left"
    assert findings.brief(scenes.down(), {}) == "cannot be reached: connection timed out"
    row = findings.narrow_row(store, scenes.held())
    assert [plain(cell) for cell in row.cells] == ["!", "web-3", ":8080 held by legacy.service"]


def test_the_manager_of_the_own_login_is_no_service_of_the_host() -> None:
    own = scenes.service("web-1", "user@1001.service")
    other = scenes.service("web-1", "user@1002.service")

    def names(*extra: Service) -> list[str]:
        snapshot = scenes.up("web-1", services=extra)
        return [line.service.ref.name for line in services.host_lines(snapshot, None, scenes.WALL, scenes.NOW).lines]

    assert names(own, other) == ["user@1002.service"]
    assert names(replace(own, state=State.FAILED)) == ["user@1001.service"]


def test_all_times_of_a_service_are_in_the_zone_of_the_reader() -> None:
    clock = Clock(lambda: scenes.NOW, lambda: scenes.WALL, timezone(timedelta(hours=-5), "EST"))
    service = scenes.web3().services[0]
    shown = texts(services.detail(service, scenes.web3(), clock, log=lines(service.ref, ["x"], scenes.WALL - 5)))
    assert f"SINCE     {clock.moment(service.since)}" in shown
    assert f"LOG       {clock.moment(scenes.WALL - 5)}  x" in shown
    assert shown.count("EST") == 2
    assert clock.offset() == -18000
    assert clock.zone_name() == "EST"


def test_the_evidence_of_two_looks_has_each_thing_once() -> None:
    found = replace(
        scenes.held(),
        evidence=("log: in use", "systemd api.service: failed, 5 restarts", "socket: tcp 0.0.0.0:8080", "only then"),
    )
    verdict = replace(
        HostDiagnoser().now(scenes.web3(), scenes.API),
        evidence=("log: in use (7 times)", "systemd api.service: failed, 7 restarts", "socket: tcp 0.0.0.0:8080 pid 7"),
        not_checked=(),
    )
    [facts, *_] = evidence(verdict, found, ())
    assert facts.lines == (*verdict.evidence, "only then")


def test_the_pane_of_a_list_leaves_out_what_is_asked_when_it_is_opened() -> None:
    gaps = (NotChecked("command of the holder", "not asked yet"), NotChecked("log", "no right"))
    found = replace(HostDiagnoser().now(scenes.web3(), scenes.API), not_checked=gaps)

    def told(prefix: str) -> str:
        return texts(tuple(verdict_block(found, scenes.CLOCK, lambda _one: None, prefix=prefix)))

    assert "NOT SEEN  log (no right)" in told("m")
    assert "not asked yet" not in told("m")
    assert "command of the holder (not asked yet)" in told("")


def test_a_failure_without_a_port_is_told_with_what_the_log_said_last() -> None:
    found = replace(
        HostDiagnoser().now(scenes.web3(), scenes.API),
        failure=Failure("FATAL, exit code 3", ("no ledger", "bye")),
        port_known_by="PORT of /etc/api.conf",
    )
    shown = texts(tuple(verdict_block(found, scenes.CLOCK, lambda _one: None)))
    assert "FAILED    FATAL, exit code 3\nLOG       no ledger\n          bye\n" in shown
    assert "PORT      8080 is named by PORT of /etc/api.conf; its log names none" in shown


def test_a_service_that_nobody_looks_after_says_why_and_a_unit_what_is_wrong_in_its_files() -> None:
    lost = replace(scenes.service("h", "a"), adrift="nobody looks after it", files_wrong="/etc/x.conf:3: it is wrong")
    shown = texts(services.detail(lost, scenes.up("h"), scenes.CLOCK))
    assert "ADRIFT    nobody looks after it" in shown
    assert "FILES     wrong, a new start would fail: /etc/x.conf:3: it is wrong" in shown


def test_resources_keep_the_network_beside_a_detail() -> None:
    places = fit(resources.columns(12, 10), 72 - 2)
    assert "net" in {resources.columns(12, 10)[place.column].id for place in places}


def test_the_names_of_services_get_the_room_that_is_there() -> None:
    made = services.columns("host", 10, versions=False)
    width = next(place.width for place in fit(made, 72 - 2) if made[place.column].id == "service")
    assert width >= len("systemd-journald.service")


def test_a_finding_in_detail_has_state_evidence_and_age() -> None:
    shown = texts(findings.detail(scenes.held(), scenes.web3(), scenes.CLOCK))
    assert "failed/failed, exit-code, exit 1, 5 restarts" in shown
    assert "listen tcp 0.0.0.0:8080" in shown
    assert "since 14:00:20 UTC (2m)" in shown
    assert "1s ago" in shown


def test_services_of_a_host_keep_their_rows_while_nothing_changes() -> None:
    snapshot = scenes.web3()
    known = services.host_lines(snapshot, None, scenes.WALL, scenes.NOW)
    assert known.holds(snapshot, scenes.NOW + 1)
    assert not known.holds(snapshot, known.until), "an age is told by another word then"
    assert not known.holds(scenes.web3(mended=True), scenes.NOW)
    stale = replace(snapshot, link=Link(LinkState.STALE, 0.0))
    assert not known.holds(stale, scenes.NOW)


def test_rows_hold_exactly_until_the_next_age_is_due() -> None:
    young = replace(scenes.up("h"), services=(scenes.service("h", "a.service", since=scenes.WALL - 5.25),))
    assert services.host_lines(young, None, scenes.WALL, 100.0).until == pytest.approx(100.75)
    old = replace(young, services=(scenes.service("h", "a.service", since=scenes.WALL - 3600 * 5),))
    assert services.host_lines(old, None, scenes.WALL, 100.0).until == pytest.approx(3700.0)


def with_pm2(link: LinkState = LinkState.UP) -> Snapshot:
    """A host of which pm2 has not answered for 42 seconds."""
    app = scenes.service("web-3", "shop", native_state="online")
    app = replace(app, ref=replace(app.ref, manager="pm2"))
    base = scenes.web3()
    hung = Source("pm2", scenes.NOW - 42, "the pm2 daemon of web (pid 7) does not answer within 6 s")
    return replace(
        base, services=(*base.services, app), sources=(*base.sources, hung), link=replace(base.link, state=link)
    )


def cells_of(known: services.HostLines) -> dict[str, list[str]]:
    return {line.service.ref.name: [plain(cell) for cell in line.row.cells] for line in known.lines}


def test_rows_of_a_silent_manager_are_stale_with_their_age_and_no_others() -> None:
    known = services.host_lines(with_pm2(), None, scenes.WALL, scenes.NOW)
    rows = cells_of(known)
    assert known.stale
    assert (rows["shop"][0], rows["shop"][5]) == ("◌ running", "stale 42s")
    assert (rows["nginx.service"][0], rows["nginx.service"][5]) == ("● running", "2d")
    assert [line.row.tone for line in known.lines if line.service.ref.name == "shop"] == ["muted"]
    assert known.until == scenes.NOW + 1, "its age is told in seconds"
    widths = {column.id: column.width for column in services.columns("host", 10, stale=True)}
    assert widths["up"] == len("stale 42s")
    assert [line.service.ref.name for line in known.lines if "stale" in line.text] == ["shop"], "the filter finds it"


def test_a_finding_of_a_silent_manager_is_stale_and_stands_below_the_one_that_says_so() -> None:
    ref = with_pm2().services[-1].ref
    fails = Finding("service-failed", Severity.CRITICAL, "web-3", str(ref), "failed", service=ref, since=scenes.WALL)
    silent = Finding("manager-silent", Severity.CRITICAL, "web-3", "pm2", "does not answer")
    store = Store(scenes.specs(), scenes.NOW)

    def shown(snapshot: Snapshot, *, narrow: bool = False) -> list[str]:
        store.apply(snapshot, (fails, silent, scenes.held()))
        rows, _ = findings.rows(store, scenes.WALL, now=scenes.NOW, narrow=narrow)
        place = 2 if narrow else 3
        assert [row.tone for row in rows] == ["muted" if "◌" in plain(row.cells[place]) else "" for row in rows]
        return [plain(row.cells[place]) for row in rows]

    held, gone = scenes.held().summary, "does not answer"
    hung = with_pm2()
    answering = replace(hung, sources=(*hung.sources[:-1], replace(hung.sources[-1], failure=None)))
    assert shown(answering) == ["failed", held, gone]
    # The findings are the same, and what they rest on is not.
    assert shown(hung) == [held, gone, "◌ stale 42s: failed"]
    assert shown(hung, narrow=True) == [":8080 held by legacy.service", f"pm2: {gone}", "◌ shop: failed"]
    assert len(findings.rows(store, scenes.WALL, "stale")[0]) == 1
    assert gone in shown(with_pm2(LinkState.DOWN)), "who does not answer does so now"
    assert shown(answering) == ["failed", held, gone]


def test_rows_hold_only_as_long_as_what_they_rest_on_is_as_fresh() -> None:
    known = services.host_lines(scenes.web3(), None, scenes.WALL, scenes.NOW)
    sources = tuple(replace(one, failure="no answer in 20 s") for one in scenes.web3().sources)
    assert not known.holds(replace(scenes.web3(), sources=sources), scenes.NOW)


def test_a_host_that_does_not_answer_makes_all_its_rows_stale_each_by_its_own_age() -> None:
    rows = cells_of(services.host_lines(with_pm2(LinkState.STALE), None, scenes.WALL, scenes.NOW))
    assert (rows["shop"][5], rows["nginx.service"][5]) == ("stale 42s", "stale 1s")


def test_a_service_of_a_silent_manager_says_first_how_old_that_is_and_why() -> None:
    known = with_pm2()
    shown = texts(services.detail(known.services[-1], known, scenes.CLOCK)).splitlines()
    assert shown[1] == "STATE     ◌ running  online, when last seen"
    assert shown[2] == "AGE       stale 42s  the pm2 daemon of web (pid 7) does not answer within 6 s"
    fresh = texts(services.detail(known.services[0], known, scenes.CLOCK)).splitlines()
    assert fresh[-1] == "AGE       1s ago"


def test_a_page_about_a_service_of_a_silent_manager_claims_nothing_of_now() -> None:
    down = with_pm2(LinkState.DOWN)
    shown = texts(services.detail(down.services[-1], down, scenes.CLOCK))
    assert "stale 42s  the pm2 daemon" in shown
    assert "AGE       stale 1s  web-3 down" in texts(services.detail(down.services[0], down, scenes.CLOCK))


def test_ports_and_numbers_have_the_age_of_their_own_source() -> None:
    base = scenes.web3()
    sources = tuple(
        replace(one, at=scenes.NOW - 42, failure="no answer in 7 s") if one.name != "systemd" else one
        for one in base.sources
    )
    old = replace(base, sources=sources)
    assert "stale 42s  no answer in 7 s" in texts(ports.detail(old.listeners[0], ports.Known(old), scenes.NOW))
    assert {line.row.tone for line in ports.host_lines(ports.Known(old), None)} == {"muted"}
    shown = texts(resources.summary(old, LIMITS, scenes.NOW))
    assert "stale 42s  no answer in 7 s" in shown
    assert "have room" not in shown
    assert "stale 42s" in texts(findings.detail(replace(scenes.held(), service=None), old, scenes.CLOCK))


def test_failed_services_float_to_the_top_of_their_group_and_their_group_to_the_top() -> None:
    lines = [
        *services.host_lines(scenes.up("web-1"), None, scenes.WALL, scenes.NOW).lines,
        *services.host_lines(scenes.web3(), None, scenes.WALL, scenes.NOW).lines,
    ]
    listing = services.listing(lines, "host", "", {})
    assert listing.rows[0].group
    assert plain(listing.rows[0].cells[0]) == "web-3  6 services  1 failed"
    assert listing.rows[1].key == scenes.API
    assert plain(listing.rows[7].cells[0]) == "web-1  4 services"


@pytest.mark.parametrize("group", services.GROUPS)
def test_rows_have_a_cell_for_every_column_of_their_grouping(group: str) -> None:
    lines = services.host_lines(scenes.web3(), None, scenes.WALL, scenes.NOW).lines
    for versions in (True, False):
        columns = services.columns(group, 10, versions=versions)
        rows = services.listing(lines, group, "", {}, versions=versions).rows
        assert all(len(row.cells) == len(columns) for row in rows if not row.group)


def test_the_filter_wants_every_word_and_counts_what_it_hides() -> None:
    lines = services.host_lines(scenes.web3(), None, scenes.WALL, scenes.NOW).lines
    listing = services.listing(lines, "host", "WEB-3 failed", {})
    assert [row.key for row in listing.rows if not row.group] == [scenes.API]
    assert listing.hidden == 5


def test_a_service_in_detail_says_what_it_wants_and_does_not_have() -> None:
    api = scenes.web3().services[0]
    shown = texts(services.detail(api, scenes.web3(), scenes.CLOCK, findings=(scenes.held(),)))
    assert "WANTS     tcp/0.0.0.0:8080" in shown
    assert "! cannot bind tcp 8080" in shown
    mended = scenes.web3(mended=True).services[0]
    assert "WANTS" not in texts(services.detail(mended, scenes.web3(mended=True), scenes.CLOCK))


def test_the_owner_of_a_listener_is_never_told_as_none() -> None:
    owners = ports.Owners(scenes.web3().services)
    hidden = Listener("tcp", "0.0.0.0", 9)
    assert owners.of(hidden) == ports.Owner(None, "hidden (no right)", "hidden")
    by_user = replace(hidden, user="deploy", uid=990)
    assert owners.of(by_user).name == "user deploy"
    by_unit = replace(hidden, unit="legacy.service")
    assert owners.of(by_unit).known == "cgroup"
    by_pid = replace(hidden, pids=(4112,))
    assert owners.of(by_pid).known == "process"


def test_clashes_come_first_then_what_the_world_can_reach_without_a_service() -> None:
    stray = Listener("tcp", "0.0.0.0", 2024, user="ann", uid=1000)
    snapshot = replace(scenes.web3(), listeners=(*scenes.web3().listeners, stray))
    lines = ports.host_lines(ports.Known(snapshot, (scenes.held(),)), None)
    rows, hidden = ports.filtered(lines, "")
    assert [row.key[3] for row in rows[:2]] == [8080, 2024]  # type: ignore[index]
    assert hidden == 0


@pytest.mark.parametrize(
    ("changes", "clashes"),
    [
        ({}, True),
        ({"address": "127.0.0.1"}, True),
        ({"address": "0.0.0.0"}, True),
        ({"address": "127.0.0.2"}, False),
        ({"address": "::1"}, False),
        ({"protocol": "udp"}, False),
        ({"port": 8081}, False),
        ({"port": None}, False),
        ({"code": "port-not-permitted"}, False),
        ({"code": "no-such-address"}, False),
    ],
)
def test_a_listener_clashes_only_with_what_cannot_be_bound_beside_it(changes: dict[str, Any], clashes: bool) -> None:
    near = Listener("tcp", "127.0.0.1", 8080)
    finding = replace(scenes.held(), **changes)
    assert ports.clash_of(near, (finding,)) == (finding if clashes else None)


@pytest.mark.parametrize(
    ("needle", "found"), [("80", {80, 8080}), ("8080", {8080}), ("nginx 443", {443}), ("0", set())]
)
def test_a_number_is_the_beginning_of_a_port_and_a_word_is_anything(needle: str, found: set[int]) -> None:
    lines = ports.host_lines(ports.Known(scenes.web3()), None)
    rows, _ = ports.filtered(lines, needle)
    assert {row.key[3] for row in rows} == found  # type: ignore[index]


def test_a_listener_whose_owner_is_hidden_says_who_could_see_it() -> None:
    hidden = Listener("tcp", "0.0.0.0", 9)
    shown = texts(ports.detail(hidden, ports.Known(scenes.web3()), scenes.NOW))
    assert "root would see its pid" in shown
    identity = scenes.web3().identity
    assert identity is not None
    root = replace(scenes.web3(), identity=replace(identity, uid=0))
    assert "root would" not in texts(ports.detail(hidden, ports.Known(root), scenes.NOW))


def test_resources_are_ranked_in_coarse_steps_so_that_rows_do_not_jump() -> None:
    calm, busy = scenes.up("a"), scenes.db1()
    assert resources.rank(busy, LIMITS) == 0
    assert resources.rank(calm, LIMITS) == 2
    looked, rates = scenes.sample(busy=14.0)
    assert resources.rank(replace(calm, sample=looked, rates=rates), LIMITS) == 2
    assert resources.rank(Snapshot("x", Link(LinkState.DOWN, 0.0)), LIMITS) == 3


def test_the_verdict_on_a_host_is_words_and_calm_when_nothing_is_short() -> None:
    assert "CPUs wait 62 %" in plain(resources.verdict(scenes.db1(), LIMITS)[0])
    assert "nothing is short" in plain(resources.verdict(scenes.up("a"), LIMITS)[0])
    assert "need two looks" in plain(resources.verdict(Snapshot("a", Link(LinkState.UP, 0.0)), LIMITS)[0])


def test_what_a_host_does_not_tell_is_a_question_mark_and_never_zero() -> None:
    known = Store(scenes.specs(), scenes.NOW)
    row = resources.row(Snapshot("a", Link(LinkState.UP, 0.0)), None, known.history("web-1"), LIMITS, 8, scenes.NOW)
    told = [plain(cell) for cell in row.cells]
    assert told[2:5] == ["?", "?", "?"]
    assert told[8] == "?"


@pytest.mark.parametrize(
    "code",
    [
        "timeout",
        "refused",
        "auth-failed",
        "host-key-unknown",
        "host-key-changed",
        "host-key-revoked",
        "no-banner",
        "name",
        "unreachable",
        "lost",
        "jump",
        "config",
    ],
)
def test_every_way_in_which_a_connection_fails_has_advice(code: str) -> None:
    assert hosts.mend(Link(LinkState.DOWN, 0.0, "x", code))


def test_a_host_in_detail_has_its_sources_with_their_ages_the_broken_ones_first() -> None:
    shown = texts(hosts.detail(scenes.db1(), scenes.specs()[2], scenes.NOW))
    assert "ASKED     docker  never  no right: join group docker" in shown
    assert "production read-only" in shown


def test_not_running_systemd_is_said_as_not_available() -> None:
    identity = scenes.up("a").identity
    assert identity is not None
    shown = texts(
        hosts.detail(replace(scenes.up("a"), identity=replace(identity, systemd=None)), scenes.specs()[0], 0.0)
    )
    assert "n/a" in shown


def test_quiet_tells_how_old_ports_are_beside_services_and_what_was_not_seen() -> None:
    known = Store(scenes.specs(), scenes.NOW)
    for spec in scenes.specs():
        base = scenes.up(spec.name)
        late = [one for one in base.sources if one.name == "listeners" and spec.name == "db-1"]
        sources = tuple(replace(one, at=scenes.NOW - 9) if one in late else one for one in base.sources)
        known.apply(replace(base, sources=sources), ())
    lines = [plain(line) for line in findings.quiet(known, scenes.NOW)]
    assert lines[0] == "All quiet: 4 hosts, 16 services checked 1s ago, 16 ports 9s ago."


def test_without_any_host_it_says_how_to_give_one() -> None:
    assert "hostdeck web1 web2" in plain(findings.quiet(Store((), 0.0), 0.0)[0])


def test_what_is_copied_has_no_control_character_and_no_secret() -> None:
    assert safe("TOKEN=abcdef0123456789 \x1b]52;c;AAAA\x07ok") == "TOKEN=******** ok"


def test_states_that_float_are_those_that_need_somebody() -> None:
    lines = services.host_lines(
        replace(scenes.up("h"), services=tuple(scenes.service("h", f"{state}.service", state) for state in State)),
        None, scenes.WALL, scenes.NOW,
    ).lines  # fmt: skip
    order = [row.key.name for row in services.listing(lines, "host", "", {}).rows if not row.group]  # type: ignore[attr-defined]
    assert order[:2] == ["failed.service", "flapping.service"]
    assert order[-1] == "stopped.service"


def test_configuration_thresholds_decide_what_is_worth_a_colour() -> None:
    strict = Config(thresholds=Thresholds(iowait_warning=0.1, iowait_critical=0.2)).thresholds
    assert resources.rank(scenes.up("a"), strict) == 0


def test_endpoints_of_services_name_protocol_address_and_port() -> None:
    shown = texts(
        services.detail(scenes.service("h", "a", ports=(Endpoint("udp", "::", 53),)), scenes.up("h"), scenes.CLOCK)
    )
    assert "udp/[::]:53" in shown


def test_a_service_that_is_not_there_is_named_like_the_others() -> None:
    ghost = replace(scenes.held(), service=None, subject="web-3/systemd:ghost.service")
    assert findings.subject(ghost, {}) == "ghost.service"
    assert findings.subject(scenes.held(), {}) == "api.service"
    for subject in ("/var", "host", "tcp/0.0.0.0:8080"):
        assert findings.subject(replace(scenes.full(), subject=subject), {}) == subject


def test_a_finding_about_one_of_two_services_of_a_name_says_which() -> None:
    refs = [ServiceRef("web-1", manager, "brief", scope) for manager, scope in (
        ("docker", "system"), ("supervisord", "system"), ("pm2", "user:deploy"))]  # fmt: skip
    api = ServiceRef("web-1", "docker", "api")
    host = scenes.up("web-1", services=tuple(scenes.service("web-1", "", ref=ref) for ref in (*refs[1:], api)))
    about = tuple(replace(scenes.held(), host="web-1", subject=str(ref), service=ref) for ref in (*refs[1:], api))
    # One that is declared, and not there.
    missing = replace(about[0], subject=str(refs[0]), service=None)
    store = Store(scenes.specs(), scenes.NOW)
    store.apply(host, (*about, missing))
    shown, _ = findings.rows(store, scenes.WALL)
    names = ["supervisord:brief", "pm2:brief (of deploy)", "api", "docker:brief"]
    assert [plain(row.cells[2]) for row in shown] == names
    widths = {column.id: column.width for column in findings.columns(store)}
    assert widths["subject"] == len("pm2:brief (of deploy)")
    assert texts(findings.detail(about[0], host, scenes.CLOCK)).startswith("web-1  supervisord:brief")
    other = replace(missing, port=None)
    assert findings.brief(other, store.names("web-1")).startswith("docker:brief: ")
    store.apply(replace(host, services=host.services[:1]), about[:1])
    assert [plain(row.cells[2]) for row in findings.rows(store, scenes.WALL)[0]] == ["brief"]


def test_a_process_in_state_d_is_told_apart_by_name_pid_and_user_from_what_waits_for_io() -> None:
    stuck = Process(13553, "waits in D", 1, "1002", "D", wait_channel="kernel_clone")
    shown = texts(tuple(resources.facts(replace(scenes.db1(), blocked=(stuck,)), LIMITS)))
    assert "waits in D  pid 13553  uid 1002  in the kernel's kernel_clone" in shown
    assert "2 running, 3 waiting for IO" in shown
    assert "blocked" not in shown


def test_a_finding_of_unknown_age_has_the_time_for_which_it_is_seen_marked_as_such() -> None:
    store = Store(scenes.specs(), scenes.NOW)
    full = replace(scenes.full(), since=None)
    store.apply(scenes.up("web-1"), (full,), scenes.NOW - 130)
    store.apply(scenes.up("web-1"), (full,), scenes.NOW - 10)

    def since() -> str:
        rows, _ = findings.rows(store, scenes.WALL, now=scenes.NOW)
        return plain(rows[0].cells[-1])

    assert since() == "≥2m"
    shown = texts(findings.detail(full, scenes.up("web-1"), scenes.CLOCK, 130.0))
    assert "seen from here for 2m" in shown
    store.apply(scenes.up("web-1"), ())
    store.apply(scenes.up("web-1"), (), scenes.NOW - 8)
    store.apply(scenes.up("web-1"), (full,), scenes.NOW - 5)
    assert since() == "≥5s"


def test_what_is_old_says_so_in_words_and_signs_and_not_by_its_colour_alone() -> None:
    known = Store(scenes.specs(), scenes.NOW)
    down = replace(scenes.up("web-1"), link=Link(LinkState.DOWN, scenes.NOW - 40, "timeout"), at=scenes.NOW - 42)
    down = replace(down, sources=tuple(replace(one, at=scenes.NOW - 42) for one in down.sources))
    row = resources.row(down, None, known.history("web-1"), LIMITS, 16, scenes.NOW)
    assert plain(row.cells[1]) == "stale 42s"
    assert {plain(line.row.cells[0]) for line in ports.host_lines(ports.Known(down), None)} == {"◌"}
    assert {plain(line.row.cells[0])[0] for line in services.host_lines(down, None, scenes.WALL, scenes.NOW).lines} == {
        "◌"
    }


def test_a_link_tells_for_how_long_it_is_so_and_when_the_last_answer_came() -> None:
    shown = texts(hosts.detail(scenes.up("web-1"), scenes.specs()[0], scenes.NOW))
    assert "LINK      ● up for 10m   last answer 1s ago" in shown
    never = Snapshot("web-1", Link(LinkState.DOWN, scenes.NOW - 40, "timeout"))
    assert "for 40s   no answer yet" in texts(hosts.detail(never, scenes.specs()[0], scenes.NOW))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Debian GNU/Linux 12 (bookworm)", "Debian 12"),
        ("Ubuntu 24.04.1 LTS", "Ubuntu 24.04.1 LTS"),
        ("Alpine Linux v3.20", "Alpine v3.20"),
        ("Rocky Linux 9.4 (Blue Onyx)", "Rocky 9.4"),
        ("Arch Linux", "Arch Linux"),
    ],
)
def test_a_list_has_room_for_what_tells_systems_apart(name: str, short: str) -> None:
    assert short_os(name) == short


def test_what_was_not_seen_is_one_line_that_fits() -> None:
    def host(name: str, *failing: str) -> Snapshot:
        return scenes.up(name, sources=tuple(Source(one, None, "no right") for one in failing))

    few = (host("web1", "supervisord"), host("web2", "docker"), host("db1", "pm2"), scenes.up("db2"))
    told = findings.not_seen_line(few, "6 Hosts", 78)
    assert told == "Not seen: supervisord on web1, docker on web2, pm2 on db1 (6 Hosts has why)"
    short = findings.not_seen_line(few, "6 Hosts", 60)
    assert short == "Not seen: supervisord on web1 and 2 more (6 Hosts has why)"
    many = tuple(host(f"web{number}", "docker") for number in range(12))
    assert findings.not_seen_line(many, "6 Hosts", 78) == "Not seen: docker on 12 hosts (6 Hosts has why)"
    assert findings.not_seen_line((scenes.up("web1"),), "6 Hosts", 78) == ""
    silent = replace(host("web1", "docker"), link=Link(LinkState.DOWN, scenes.NOW))
    assert findings.not_seen_line((silent,), "6 Hosts", 78) == "", "that it is down is a finding"
