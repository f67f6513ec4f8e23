"""What another release would change, as a plan's file on its host has it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from console.core.difference import Change, Cut, Difference, Gap, How, Pair, Subject
from console.core.difference_words import brief
from console.core.plan import Step
from console.remote import plan_json
from console.remote.difference_json import MOST
from tests.remote.plans import REF, change, make

FOUND = Difference(
    Pair(REF, "6", "7", unbuilt=True),
    (
        Change(Subject.PACKAGE, How.CHANGED, "api", "1.0", "1.1"),
        Change(Subject.VARIABLE, How.CHANGED, ".env: LOG", "debug", "info"),
        *(Change(Subject.FILE, How.ADDED, f"f{number}") for number in range(MOST)),
    ),
    ("2 of 5 layers are not those of what runs",),
    (Gap("commits", "git is not on this host"),),
    (Cut(Subject.FILE, How.ADDED, 3),),
)


def test_from_which_release_to_which_stays_with_the_plan() -> None:
    plan = replace(make(Step("one", change("true"))), versions=("v1.5.0", "v1.9.0\x1b[31m"))
    found, _ = plan_json.loads(plan_json.dumps(plan, "ann"), "web1")
    assert found.versions is not None
    assert (found.versions[0], found.versions[1].isprintable()) == ("v1.5.0", True)
    data = json.loads(plan_json.dumps(plan, "ann"))
    for wrong in (5, ["v1"], [1, 2]):
        with pytest.raises(ValueError, match=r"not a plan|not enough values"):
            plan_json.loads(json.dumps({**data, "versions": wrong}), "web1")


def test_any_console_can_tell_it_and_no_value_of_a_variable_lies_there() -> None:
    text = plan_json.dumps(replace(make(Step("one", change("true"))), difference=FOUND), "ann")
    assert "debug" not in text
    plan, _ = plan_json.loads(text, "web1")
    assert plan.difference is not None
    assert plan.difference.pair == FOUND.pair
    assert (len(plan.difference.changes), brief(plan.difference)) == (MOST, brief(FOUND))
    assert (plan.difference.facts, plan.difference.gaps) == (FOUND.facts, FOUND.gaps)
    assert plan.difference.changes[:2] == (FOUND.changes[0], Change(Subject.VARIABLE, How.CHANGED, ".env: LOG"))


def test_that_of_an_older_console_has_none() -> None:
    data = json.loads(plan_json.dumps(make(Step("one", change("true"))), "ann"))
    assert data.pop("difference") is None
    assert plan_json.loads(json.dumps(data), "web1")[0].difference is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("changes", [["file", "added"]]), ("changes", 7), ("cut", [["file", "added", -1]]), ("gaps", [["x", 1]])],
)
def test_what_is_none_is_no_plan(key: str, value: object) -> None:
    data = json.loads(plan_json.dumps(replace(make(Step("one", change("true"))), difference=FOUND), "ann"))
    data["difference"][key] = value
    with pytest.raises(ValueError, match=r"not a plan of the form|unpack"):
        plan_json.loads(json.dumps(data), "web1")
