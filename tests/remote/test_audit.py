"""The local audit trail: written before anything is done, or nothing is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.core.command import Command
from console.core.plan import Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.service import ServiceRef
from console.remote.audit import KEPT_LINES, SCHEMA, AuditError, AuditFilter, AuditTrail, audit_path, read
from tests.remote.plans import REF, change, make


@pytest.fixture
def trail(tmp_path: Path) -> AuditTrail:
    moments = iter(range(1000))
    return AuditTrail(
        tmp_path / "state" / "audit.jsonl",
        clock=lambda: datetime(2026, 11, 20, 14, 0, next(moments), 250_000, tzinfo=UTC),
    )


def plan(number: int = 1, target: ServiceRef = REF, reason: str | None = "incident 4711") -> Plan:
    step = Step("restart", change("systemctl", "restart", target.name))
    return make(step, plan_id=f"20261120-{number:04}", target=target, reason=reason)


def test_a_plan_from_before_to_its_end(trail: AuditTrail) -> None:
    trail.planned(plan(), "ann")
    (entry,) = trail.read()
    assert (entry.result, entry.finished, entry.started) == ("unknown", None, None)
    trail.started(plan())
    trail.finished(plan(), Result.UNDONE, "flapping")
    (entry,) = trail.read()
    assert entry.id == "20261120-0001"
    assert entry.at == datetime(2026, 11, 20, 14, 0, 0, 250_000, tzinfo=UTC).timestamp()
    assert entry.started == entry.at + 1
    assert entry.finished == entry.at + 2
    assert (entry.who, entry.host, entry.target, entry.kind) == ("ann", "web1", "web1/systemd:api.service", "restart")
    assert entry.commands == ("systemctl restart api.service",)
    assert (entry.reason, entry.result, entry.result_reason) == ("incident 4711", "undone", "flapping")


def test_what_failed_said_last_is_kept_and_not_all_of_it(trail: AuditTrail) -> None:
    trail.planned(plan(), "ann")
    said = "\n".join([*(f"line {n}" for n in range(100)), "", "x" * 5000])
    told = PlanProgress(plan(), evidence=(StepResult("the last lines of api", StepState.DONE, 0.1, said),))
    trail.finished(plan(), Result.UNDONE, "flapping", told)
    (entry,) = trail.read()
    assert len(entry.kept) == KEPT_LINES
    assert entry.kept[0] == "line 81"
    assert entry.kept[-1].startswith("xxx")
    assert len(entry.kept[-1]) < 400


def test_what_was_never_begun_is_told_from_what_was(trail: AuditTrail) -> None:
    look = Step("look", Command(("true",)))
    steps = (Step("stop", change("stop", "old")), look, Step("start", change("start", "new")))
    made = replace(make(*steps), closing=(Step("note", change("note", "new")),))
    states = (StepState.UNDONE, StepState.FAILED, StepState.SKIPPED)
    results = tuple(StepResult(step.name, state) for step, state in zip(steps, states, strict=True))
    trail.planned(made, "ann")
    told = PlanProgress(made, steps=results, closing=(StepResult("note", StepState.SKIPPED),))
    trail.finished(made, Result.UNDONE, "no", told)
    (entry,) = trail.read()
    assert entry.commands == ("stop old", "start new", "note new")
    assert entry.left_out == {1, 2}


@pytest.mark.parametrize("text", ["/api", "web1/api", "web1/systemd:api", "API.service", "incident"])
def test_a_target_is_found_as_a_person_writes_it(trail: AuditTrail, text: str) -> None:
    trail.planned(plan(), "ann")
    assert trail.read(AuditFilter(text=text))
    assert not trail.read(AuditFilter(text="/web1"))


def test_it_is_this_users_alone(trail: AuditTrail) -> None:
    trail.planned(plan(), "ann")
    assert trail.path.stat().st_mode & 0o777 == 0o600
    assert trail.path.parent.stat().st_mode & 0o777 == 0o700
    trail.path.chmod(0o644)
    trail.started(plan())
    assert trail.path.stat().st_mode & 0o777 == 0o600


def test_every_event_is_one_line_of_json(trail: AuditTrail) -> None:
    trail.planned(plan(reason="two\nlines \u2028 and \x1b[31mred"), "ann\nbob")
    trail.finished(plan(), Result.DONE, None)
    lines = trail.path.read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["planned", "finished"]
    assert all(json.loads(line)["schema"] == SCHEMA for line in lines)
    (entry,) = trail.read()
    assert entry.reason == "two\nlines \ufffd and red"


@pytest.mark.parametrize("rest", [b'{"schema": "hostdeck.audit/1", "event": "pla', b"\xff\xfe\x00", b"[1, 2]", b"null"])
def test_a_half_written_last_line_harms_no_other(trail: AuditTrail, rest: bytes) -> None:
    trail.planned(plan(1), "ann")
    with trail.path.open("ab") as file:
        file.write(rest)
    assert [entry.id for entry in trail.read()] == ["20261120-0001"]
    trail.planned(plan(2), "ann")
    trail.finished(plan(2), Result.DONE, None)
    assert [(entry.id, entry.result) for entry in trail.read()] == [
        ("20261120-0001", "unknown"),
        ("20261120-0002", "done"),
    ]


def test_filters(trail: AuditTrail) -> None:
    other = ServiceRef("db1", "systemd", "postgresql.service")
    trail.planned(plan(1), "ann")
    trail.finished(plan(1), Result.DONE, None)
    trail.planned(plan(2, other), "bob")
    trail.planned(plan(3), "bob")

    def ids(**wanted: object) -> list[str]:
        return [entry.id[-1] for entry in trail.read(AuditFilter(**wanted))]  # type: ignore[arg-type]

    assert ids() == ["1", "2", "3"]
    assert ids(host="db1") == ["2"]
    assert ids(who="bob", host="web1") == ["3"]
    assert ids(result="unknown") == ["2", "3"]
    assert ids(text="postgres") == ["2"]
    assert ids(kind="stop") == []
    assert ids(limit=2) == ["2", "3"]
    assert ids(limit=0) == []
    assert ids(since=trail.read()[1].at) == ["2", "3"]
    trail.planned(plan(4, reason="Ticket 815"), "ann")
    assert ids(text="815") == ids(text="ticket") == ["4"]


def test_recent_starts_count_towards_a_start_limit(trail: AuditTrail) -> None:
    trail.planned(plan(1), "ann")
    trail.planned(plan(2), "ann")
    trail.finished(plan(2), Result.REFUSED, "locked")
    trail.planned(plan(3, ServiceRef("db1", "systemd", "api.service")), "ann")
    assert trail.recent_starts(REF, 600) == 1
    assert trail.recent_starts(REF, 1) == 0


def test_a_lock_that_is_broken_is_an_entry_of_its_own(trail: AuditTrail) -> None:
    trail.planned(plan(), "ann")
    trail.breaks_lock(REF, plan().id, "bob", "ann's plan is dead")
    assert [(entry.kind, entry.who, entry.result) for entry in trail.read()] == [
        ("restart", "ann", "unknown"),
        ("break-lock", "bob", "done"),
    ]


def test_no_file_is_no_entry(tmp_path: Path) -> None:
    assert read(tmp_path / "none" / "audit.jsonl") == ()


def test_a_full_disk_is_an_error_that_says_where() -> None:
    with pytest.raises(AuditError, match=r"/dev/full: the audit line cannot be written: "):
        AuditTrail(Path("/dev/full")).planned(plan(), "ann")


def trouble(trail: AuditTrail, number: int) -> str | None:
    try:
        trail.planned(plan(number), "ann")
    except AuditError as error:
        return str(error)
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system: needs root")
def test_a_disk_that_fills_leaves_whole_lines(tmp_path: Path) -> None:
    """Row 49: on a real full file system, and then with room again."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=True)
    try:
        trail = AuditTrail(place / "audit.jsonl")
        trail.planned(plan(1), "ann")
        subprocess.run(["sh", "-c", 'cat /dev/zero >"$1"', "sh", str(place / "filler")], stderr=subprocess.DEVNULL)
        refused = [why for number in range(2, 100) if (why := trouble(trail, number)) is not None]
        assert refused
        assert all("No space left on device" in why for why in refused)
        assert trail.path.read_bytes().endswith(b"}\n")
        assert len(trail.read()) == 99 - len(refused)
        (place / "filler").unlink()
        trail.planned(plan(999), "ann")
        assert trail.read()[-1].id == "20261120-0999"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "audit.jsonl").symlink_to(target)
    with pytest.raises(AuditError):
        AuditTrail(tmp_path / "audit.jsonl").planned(plan(), "ann")
    assert not target.exists()


def test_many_consoles_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    code = (
        "import sys; from pathlib import Path; from console.remote.audit import AuditTrail;"
        "from tests.remote.test_audit import plan\n"
        "for number in range(30): AuditTrail(Path(sys.argv[1])).planned(plan(int(sys.argv[2]) + number), 'ann')"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(first)]) for first in (0, 100, 200)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(read(path)) == 90


def test_secrets_stay_out(trail: AuditTrail) -> None:
    step = Step("call", change("curl", "-H", "Authorization: Bearer abcdefghijklmnop", "--data", "password=hunter2"))
    trail.planned(make(step), "ann")
    trail.finished(make(step), Result.FAILED, "call failed: token=abcdef0123456789")
    text = trail.path.read_text()
    assert "hunter2" not in text
    assert "abcdef" not in text


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/x/state")
    assert audit_path() == Path("/x/state/hostdeck/audit.jsonl")
