"""No answer on a busy host: which look had none, why, and what to do about it."""

from dataclasses import replace

import pytest

from console.core.service import State
from console.diagnosis import Evidence, Refusal, Verdict, VerdictWord, as_json, as_text, diagnose
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from console.remote.shell import TIMED_OUT, failure_line
from console.ui.present.copying import lines_of
from console.ui.present.verdict import Room, verdict_block
from tests.ui import scenes

from .factories import NOW, failed, ref, sample, snapshot, symptom, unit

LATE = "no answer in 7 s"


def look(*refused: Refusal, **changes: object) -> Verdict:
    """``api.service`` has failed, nobody is seen on its port, and some looks were in vain."""
    made = snapshot(services=(failed(),), symptoms=(symptom(),))
    whole = Evidence(
        made, ref(), processes=(), sockets=(), bound=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces(), redirects=Redirects(),
    )  # fmt: skip
    return diagnose(replace(whole, refused=refused, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probe", "what"),
    [
        ("sockets", "connections of the port"),
        ("redirects", "rules that send the port elsewhere (NAT)"),
        ("bound", "sockets that are bound and do not listen"),
    ],
)
def test_what_had_no_answer_is_named_with_its_reason_and_what_to_do(probe: str, what: str) -> None:
    unseen = dict.fromkeys({probe, "namespaces"} if probe == "redirects" else {probe})
    verdict = look(Refusal(probe, LATE, silent=True), **unseen)
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert LATE in verdict.summary
    text = as_text(verdict)
    assert len(text) <= 12
    assert any(line == f"UNSEEN   {what}: {LATE}" or line == f"         {what}: {LATE}" for line in text), text
    assert any("look again: what had no answer may have one now (by hand)" in line for line in text), text
    [again] = [way for way in verdict.actions if way.id == "look-again"]
    assert again.commands == ("hostdeck why web1/systemd:api.service", "hostdeck doctor web1")
    assert "look-again" in [one["id"] for one in as_json(verdict)["actions"]]
    shown = lines_of(verdict_block(verdict, scenes.CLOCK, lambda way: way.reason_off, room=Room(80, 22)))
    assert f"{what} ({LATE})" in " ".join(shown.split())


def test_what_needs_a_right_is_named_and_not_asked_for_again() -> None:
    verdict = look(Refusal("sockets", "ss: permission denied"), sockets=None)
    assert "(ss: permission denied)" in verdict.summary
    assert "UNSEEN   connections of the port: ss: permission denied" in as_text(verdict)
    assert all(way.id != "look-again" for way in verdict.actions)


def test_many_silent_looks_are_counted() -> None:
    names = ("sockets", "redirects", "namespaces", "bound", "unlisted", "declarations")
    verdict = look(*(Refusal(name, LATE, silent=True) for name in names), **dict.fromkeys(names[:5]))
    text = as_text(verdict)
    assert len(text) <= 12
    assert sum(line.startswith("UNSEEN") for line in text) == 1
    assert any(line.startswith("         and 2 more: ") for line in text), text


def test_one_that_just_failed_is_looked_at_again() -> None:
    flapping = unit("api.service", State.FLAPPING, since=NOW - 1)
    made = snapshot(services=(flapping,), symptoms=(symptom(at=NOW - 1),), sample=sample())
    verdict = diagnose(
        replace(Evidence(made, ref()), sockets=(), bound=(), namespaces=Namespaces(), redirects=Redirects())
    )
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "could not bind tcp 8080 just now" in verdict.summary
    assert [way.label for way in verdict.actions] == ["look again in a few seconds"]


def test_a_command_that_the_host_ended_is_not_told_by_its_exit_status() -> None:
    assert failure_line("", str(TIMED_OUT)) == "it had no answer in its time and was ended on the host"
    assert failure_line("ss: cannot open netlink\n", str(TIMED_OUT)) == "ss: cannot open netlink"
