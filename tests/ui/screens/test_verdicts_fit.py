"""Whatever the verdict: all of it, and every way out, is in sight on 80x24 without scrolling."""

from dataclasses import replace

import pytest

from console.core.finding import Proposal
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint
from console.core.snapshot import Snapshot, Symptom
from console.diagnosis import Confidence, Declaration, Holder, NotChecked, Verdict, VerdictWord
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.subject import Subject
from tests.ui import scenes
from tests.ui.fake import FakeDiagnoser, FakeFleet
from tests.ui.steps import settle, until

LINE = "api: listen tcp 0.0.0.0:8080: bind: address already in use (errno 98, EADDRINUSE)"
ONE = Holder(
    "tcp", "0.0.0.0", 8080, 4112, "deploy", "node", chain=("systemd", "pm2-deploy.service", "pm2", "api-old"),
    up=518_400.0, connections=3, respawn="pm2 autorestart", confidence=Confidence.HIGH, known_by=("inode", "cgroup"),
)  # fmt: skip
WAYS = (
    Proposal(
        "stop-holder", "stop api-old via pm2, then start api.service",
        (Intent(ActionKind.FREE_PORT, scenes.API, scenes.PORT),),
        ("runuser -u deploy -- env HOME=/srv PM2_HOME=/srv/.pm2 pm2 stop api-old", "systemctl reset-failed api.service",
         "systemctl start api.service"), True,
    ),
    Proposal("move", "let api.service listen on 8081 (no listener seen)",
             reason_off="by hand: set the port to 8081 where api.service is configured, then restart it"),
)  # fmt: skip
MORE = (
    Proposal("reserve-port", "reserve 8080 for services, then end the connection of pm2-deploy.service",
             commands=("sysctl -w net.ipv4.ip_local_reserved_ports=8080-8099,9000,9090,9100-9199",),
             reason_off="by hand: it sets the whole list, with what is in it now; put it in /etc/sysctl.d as well"),
    Proposal("start", "reset-failed, then start api.service", (Intent(ActionKind.START, scenes.API),),
             ("systemctl reset-failed api.service", "systemctl start api.service")),
)  # fmt: skip
GAPS = (
    NotChecked("process of the holder", "needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/bin/ss -Hltunpe"),
    NotChecked("sockets that are bound and do not listen", "ss -B of iproute2 6.11, or lsof as root, shows them"),
    NotChecked("log of api.service", "oncall may not read the journal: needs group systemd-journal or adm"),
    NotChecked("restart policy of pm2-deploy.service", "its manager did not tell"),
)


def plain(word: VerdictWord) -> Verdict:
    """What most verdicts are like."""
    held = word in (VerdictWord.HELD, VerdictWord.HELD_IN_CONTAINER, VerdictWord.DUPLICATE, VerdictWord.OUTGOING)
    return Verdict(
        "web-3", 8080, "tcp", word, f"tcp 8080 is {word.value.replace('-', ' ')}: nothing else is known of it",
        scenes.API, "failed", scenes.PORT, Symptom(scenes.API, "EADDRINUSE", LINE, scenes.PORT, scenes.WALL - 131, 5),
        holders=(ONE,) if held else (), clash="127.0.0.1 overlaps 0.0.0.0; no SO_REUSEPORT" if held else None,
        not_checked=GAPS[:1], actions=WAYS, confidence=Confidence.HIGH,
    )  # fmt: skip


def crowded(word: VerdictWord) -> Verdict:
    """What a bad day is like."""
    others = tuple(replace(ONE, pid=pid, address=f"10.0.0.{pid}") for pid in range(2, 6))
    place = "/srv/shop/{}/docker-compose.override.yml:17"
    claims = tuple(
        Declaration(f"shop-{name}", Endpoint("tcp", "0.0.0.0", 8080), place.format(name))
        for name in ("web", "api", "cart")
    )
    long = f"an outgoing connection by pm2-deploy.service to 10.20.30.40:5432 took tcp 8080 from afar {word}"
    return replace(
        plain(word), holders=(ONE, *others), not_checked=GAPS, declared_by=claims, actions=(*WAYS, *MORE), summary=long,
        clash="127.0.0.1 overlaps 0.0.0.0; no SO_REUSEPORT", impact=("3 live connections", "nginx.service (PartOf)"),
    )  # fmt: skip


class Told(FakeDiagnoser):
    """Gives the one verdict that it was given."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict

    def now(self, snapshot: Snapshot, target: object, symptom: Symptom | None = None) -> Verdict:
        del snapshot, target, symptom
        return self.verdict


@pytest.mark.parametrize("make", [plain, crowded])
@pytest.mark.parametrize("word", VerdictWord)
async def test_the_whole_verdict_is_in_sight(word: VerdictWord, make: object) -> None:
    verdict: Verdict = make(word)  # type: ignore[operator]
    fleet = FakeFleet(scenes.specs())
    fleet.push(scenes.web3())
    app = scenes.app(fleet)
    app.deck.diagnoser = Told(verdict)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.deck.store.snapshot("web-3").services))
        app.push_screen(DiagnosisScreen(Subject("web-3", scenes.API, scenes.PORT)))
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "MEND" in scenes.text_of(app))
        await settle(pilot)
        shown = scenes.text_of(app)
        for number, way in enumerate(verdict.actions, 1):
            assert f"{number} {way.label}"[:60] in shown, shown
        holder = ("HELD BY", "WHY", *(() if word is VerdictWord.UNREACHABLE else ("RESPAWN",)))
        for key in ("BIND", "SURE", "NOT SEEN", "MEND", *(holder if verdict.holders else ())):
            assert f" {key} " in shown, shown
        if not (word is VerdictWord.HELD and verdict.holders):
            assert word.value.replace("-", " ") in shown, shown
        assert "runuser -u deploy" in shown or make is crowded, shown
        assert "CHECKED" in shown, shown


async def test_a_look_that_did_not_bring_the_listeners_is_not_said_to_have_checked_them() -> None:
    fleet = FakeFleet(scenes.specs())
    fleet.push(scenes.web3())
    app = scenes.app(fleet)
    old = NotChecked("listeners", "as of 42 s ago: ss: exit status 3")
    app.deck.diagnoser = Told(replace(plain(VerdictWord.HELD), not_checked=(old,)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.deck.store.snapshot("web-3").services))
        app.push_screen(DiagnosisScreen(Subject("web-3", scenes.API, scenes.PORT)))
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "MEND" in scenes.text_of(app))
        await settle(pilot)
        await until(pilot, lambda: "asking the host now" not in scenes.text_of(app))
        assert "as of 42 s ago" in scenes.text_of(app)
        assert "CHECKED" not in scenes.text_of(app), scenes.text_of(app)
