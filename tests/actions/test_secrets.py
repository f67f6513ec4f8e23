"""What a person configured may hold secrets: none of them is in a document that a plan leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.cli import encode_plans
from console.core.plan import ActionKind, Check, Intent, Plan, PlanProgress, Preparation, Step
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.managers import MANAGERS
from console.remote import plan_json
from console.remote.audit import AuditTrail
from console.remote.plan_script import render
from tests.actions.hosts import ref, service, snapshot

SECRET = "hunter2hunter2"
CONFIGURED = (
    ("/usr/bin/check", "--password", SECRET),
    ("sh", "-c", f"PGPASSWORD={SECRET} psql -c 'select 1'"),
    ("bash", "-c", f"cd /srv && PGPASSWORD='{SECRET}' make release"),
    ("sh", "-c", f"curl -fsS -H 'Authorization: Bearer {SECRET}' http://127.0.0.1/health | grep -q ok"),
    ("/usr/bin/curl", "-H", f"Authorization: Bearer {SECRET}", "http://127.0.0.1/health"),
    ("env", f"API_TOKEN={SECRET}", "sh", "-c", 'check "$API_TOKEN"'),
)
SETTINGS = ActionSettings(operator="ann@bastion", stamp="20261120T140211Z")
TREE = Source("0123456789abcdef", "v1.2.0")
RECIPE = Recipe("/srv/api", output="build", user="deploy")


def by_health(words: tuple[str, ...]) -> Plan:
    return made(ActionKind.RESTART, replace(SETTINGS, health_command=words))


def by_reload_test(words: tuple[str, ...]) -> Plan:
    return made(ActionKind.RELOAD, replace(SETTINGS, reload_test=words))


def by_build_there(words: tuple[str, ...]) -> Plan:
    recipe = replace(RECIPE, command=words, source="/srv/src")
    return made(ActionKind.REBUILD, replace(SETTINGS, recipe=recipe))


def by_build_here(words: tuple[str, ...]) -> Plan:
    recipe = replace(RECIPE, command=words, local_source="/home/ann/src")
    return made(ActionKind.REBUILD, replace(SETTINGS, recipe=recipe))


def made(kind: ActionKind, settings: ActionSettings) -> Plan:
    book = ReleaseBook(ref("api.service"), (Release("1", live=True),), TREE)
    where = replace(snapshot(service()), books=(book,))
    return plan(Intent(kind, ref("api.service")), where, managers=MANAGERS, settings=settings, plan_id="20261120-1")


def names(parts: Sequence[Check | Preparation | Step]) -> list[str]:
    return [one.name for one in parts]


@pytest.mark.parametrize("words", CONFIGURED)
@pytest.mark.parametrize("by", [by_health, by_reload_test, by_build_there, by_build_here])
def test_a_configured_secret_is_only_in_what_runs(
    by: Callable[[tuple[str, ...]], Plan], words: tuple[str, ...], tmp_path: Path
) -> None:
    found = by(words)
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.planned(found, "ann")
    documents = {
        "--json": json.dumps(encode_plans.plan(PlanProgress(found), dry_run=True, root=True)),
        "the plan's file on the host": plan_json.dumps(found, "ann"),
        "the trail": trail.path.read_text(encoding="utf-8"),
        "names": " ".join((*names(found.preflight), *names(found.prepare), *names(found.steps), *names(found.checks))),
    }
    assert [where for where, text in documents.items() if SECRET in text] == []
    runs_here = any(SECRET in " ".join(one.command.argv) for one in found.prepare)
    assert runs_here or SECRET in render(found, root=True, operator="ann")


def test_the_name_of_a_check_in_a_plans_file_has_no_secret() -> None:
    found = by_health(("check",))
    told = replace(found, checks=tuple(replace(one, name=f"token={SECRET} is taken") for one in found.checks))
    assert SECRET not in plan_json.dumps(told, "ann")


def test_the_text_of_the_consoles_own_script_is_told_as_it_is() -> None:
    [own] = [one for one in by_reload_test(("nginx", "-t")).preflight if one.name.startswith("the configuration of")]
    assert own.command.argv[2] in own.command.masked(own.command.argv)
