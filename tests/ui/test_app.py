"""The app as a whole: hostile names, storms, leaving while something runs, the palette, copying, the first frame."""

import asyncio
import dataclasses
import subprocess
import sys
from functools import partial

import pytest
from textual.command import CommandPalette

from console.core.finding import Finding, Severity
from console.core.keys import Place
from console.core.network import Listener
from console.core.plan import Result
from console.core.service import ServiceRef, State
from console.core.snapshot import Link, LinkState
from console.core.text import sanitise
from console.remote.transport import HostSpec
from console.ui.app import DeckApp
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.findings import FindingsScreen
from console.ui.shell import shell_argv
from tests.ui import scenes
from tests.ui.fake import FakeFleet, lines
from tests.ui.steps import run, settle, until

HOSTILE = sanitise("a;$(x)[/b][@click=app.quit]x[/]\u2028\x1b]52;c;AAAA\x07 \x1b[2Jz\u202ey")


async def test_hostile_names_are_shown_as_they_are_on_every_screen() -> None:
    host = f"h-{HOSTILE}"
    fleet = FakeFleet((HostSpec(host, "web-1", groups=("[red]g",)),))
    ref = ServiceRef(host, "systemd", f"{HOSTILE}.service")
    service = scenes.service(host, ref.name, State.FAILED, description=HOSTILE, unit_file=f"/etc/{HOSTILE}")
    listener = Listener("tcp", "0.0.0.0", 8080, 1, 0, HOSTILE, (1,), HOSTILE, f"{HOSTILE}.service")
    finding = Finding("x", Severity.CRITICAL, host, str(ref), f"cannot [/] {HOSTILE}", (HOSTILE,), service=ref)
    snapshot = dataclasses.replace(scenes.up(host), services=(service,), listeners=(listener,))
    fleet.push(snapshot, finding)
    fleet.log[ref] = lines(ref, [HOSTILE, f"[/nope] {HOSTILE}"])
    app = scenes.app(fleet)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "a;$(x)[/b][@click=app.quit]x[/]" in scenes.text_of(app))
        for keys in (
            ("enter",),
            ("escape", "e"),
            ("escape", "2"),
            ("l",),
            ("f3",),
            ("f4",),
            ("enter",),
            ("escape", "6"),
        ):
            await pilot.press(*keys)
            await settle(pilot)
            shown = scenes.text_of(app)
            assert "[/b]" in shown or "a;$" in shown, keys
            assert not any(ord(char) < 32 for char in shown.replace("\n", ""))
        await pilot.press("1", "r")
        await until(pilot, lambda: "is no name of a unit" in scenes.text_of(app))
        await pilot.press(":", *"a;$")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await settle(pilot)


async def test_leaving_while_a_plan_runs_asks_and_staying_is_the_default() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "r")
        await run(pilot)
        await until(pilot, lambda: bool(fleet.ran))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FindingsScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "restart of api.service on web-3" in scenes.text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FindingsScreen))
        assert app.is_running
        await pilot.press("r")
        await until(pilot, lambda: "restart of api.service runs since" in scenes.text_of(app))
        fleet.gate.set()
        await until(pilot, lambda: app.deck.changes.all()[0].progress.result is Result.DONE)
        await until(pilot, lambda: "restart of api.service on web-3: done" in scenes.text_of(app))
        assert len(fleet.ran) == 1, "the second press ran nothing"
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_value == 0


async def test_the_question_before_leaving_follows_the_plan_to_its_end() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "r")
        await run(pilot)
        await until(pilot, lambda: bool(fleet.ran))
        await pilot.press("escape", "q")
        await until(pilot, lambda: "Leave while a plan runs?" in scenes.text_of(app))
        fleet.gate.set()
        await until(pilot, lambda: "restart of api.service on web-3: done" in scenes.text_of(app))
        await until(pilot, lambda: "The plan has ended. Leave?" in scenes.text_of(app))
        assert "The host finishes it" not in scenes.text_of(app)


async def test_closing_the_review_does_not_end_the_plan() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "r")
        await run(pilot)
        await until(pilot, lambda: bool(fleet.ran))
        await pilot.press("escape", "7")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PLANS)
        await until(pilot, lambda: "running" in scenes.text_of(app))
        fleet.gate.set()
        await until(pilot, lambda: "tcp 8080 held by api.service" in scenes.text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "PROOF" in scenes.text_of(app))


async def test_a_storm_of_sizes_leaves_a_whole_picture() -> None:
    app = scenes.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        for place in ("f2", "f3", "f4", "f6", "f1"):
            await pilot.press(place)
            for width, height in ((40, 15), (200, 60), (20, 5), (80, 24), (1, 1), (120, 40), (60, 20)):
                await pilot.resize_terminal(width, height)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "cannot bind tcp 8080" in scenes.text_of(app))
        rows = scenes.text_of(app).splitlines()
        assert len(rows) == 24
        assert {len(row) for row in rows} == {80}


async def test_a_storm_of_snapshots_does_not_hold_up_the_keys() -> None:
    specs = tuple(HostSpec(f"h{number}", f"h{number}") for number in range(60))
    fleet = FakeFleet(specs)
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: fleet.started)
        for _ in range(5):
            for spec in specs:
                fleet.push(scenes.up(spec.name))
            await pilot.press("2", "j")
        await until(pilot, lambda: "60 up" in scenes.text_of(app))
        assert "240" in scenes.text_of(app)


async def test_copying_masks_secrets_and_removes_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = scenes.fleet(quiet=True)
    leak = dataclasses.replace(scenes.full(), summary="started with --password hunter2hunter2 \x1b[31mred")
    fleet.push(scenes.up("web-1"), leak)
    app = scenes.app(fleet)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "started with" in scenes.text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))
        assert "hunter2" not in copied[0]
        assert "\x1b" not in copied[0]
        await until(pilot, lambda: "copied" in scenes.text_of(app))


async def test_a_diagnosis_is_copied_as_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    app = scenes.app()
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))
        assert copied[0].startswith("**web-3**: `held`")


def is_at(app: DeckApp, place: Place) -> bool:
    return scenes.front(app).PLACE is place and app.screen is scenes.front(app)


async def test_the_palette_finds_screens_hosts_services_and_themes() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        for typed, reached in (("screen hosts", Place.HOSTS), ("host db-1", Place.HOST), ("legacy", Place.DIAGNOSIS)):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            await pilot.press(*typed.replace(" ", "_").replace("_", " "))
            await pilot.pause(0.5)
            await pilot.press("enter")
            await until(pilot, partial(is_at, app, reached))
        await pilot.press("ctrl+p", *"theme light")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "hostdeck-light")


async def test_remapped_keys_do_what_they_were_given() -> None:
    app = scenes.app(keys={"screen.hosts": ("ctrl+t",), "help": ("f12",)})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.HOSTS)
        await pilot.press("6")
        await settle(pilot)
        await pilot.press("f12")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.HELP)


async def test_a_host_that_goes_down_is_told_in_the_first_line() -> None:
    fleet = scenes.fleet(quiet=True)
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "4 up" in scenes.text_of(app))
        gone = dataclasses.replace(scenes.up("web-1"), link=Link(LinkState.DOWN, scenes.NOW, "lost", "lost"))
        fleet.push(gone)
        await until(pilot, lambda: "3 up" in scenes.text_of(app) and "1 down" in scenes.text_of(app))


async def test_mouse_clicks_reach_tabs_and_keys() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        row = scenes.text_of(app).splitlines()[1]
        await pilot.click(offset=(row.index("6 Hosts") + 3, 1))
        await until(pilot, lambda: scenes.front(app).PLACE is Place.HOSTS)
        row = scenes.text_of(app).splitlines()[-1]
        await pilot.click(offset=(row.index("? help") + 1, 23))
        await until(pilot, lambda: scenes.front(app).PLACE is Place.HELP)


def test_connections_begin_behind_the_first_frame() -> None:
    """What the first frame does not need is not even imported: the SSH library takes a tenth of a second, and so do the
    rules and the managers."""
    code = (
        "import sys, console.ui.app, console.ui.screens.findings, console.ui.screens.services\n"
        "print([name for name in ('asyncssh', 'docker', 'requests', 'pydantic', 'prometheus_api_client',"
        " 'console.diagnosis', 'console.findings', 'console.managers', 'console.probes', 'console.remote.fleet')"
        " if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


async def test_the_fleet_is_started_after_the_first_frame() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    seen: list[bool] = []
    start = fleet.start

    def started(on_change: object) -> None:
        seen.append("hostdeck" in scenes.text_of(app))
        start(on_change)  # type: ignore[arg-type]

    fleet.start = started  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(seen))
    assert seen == [True]


@pytest.mark.parametrize(
    ("spec", "argv"),
    [
        (HostSpec("here", None), ("/bin/zsh",)),
        (HostSpec("web1", "web1"), ("ssh", "--", "web1")),
        (HostSpec("web1", "ann@web1:2222"), ("ssh", "-l", "ann", "-p", "2222", "--", "web1")),
        (
            HostSpec(
                "w", "w", user="bob", port=22, jump="gate", identity_files=("/k",), ssh_config="/c", known_hosts="/h"
            ),
            (
                "ssh",
                "-F",
                "/c",
                "-l",
                "bob",
                "-J",
                "gate",
                "-p",
                "22",
                "-i",
                "/k",
                "-o",
                "UserKnownHostsFile=/h",
                "--",
                "w",
            ),
        ),
    ],
)
def test_a_shell_is_the_users_own_ssh_with_what_is_configured(spec: HostSpec, argv: tuple[str, ...]) -> None:
    assert shell_argv(spec, "/bin/zsh") == argv


async def test_many_keys_at_once_are_all_answered() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await asyncio.wait_for(pilot.press(*"2j?", "escape", *"4j6k1gj"), 20)
        await until(pilot, lambda: scenes.front(app).PLACE is Place.FINDINGS)
