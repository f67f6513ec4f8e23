"""A rollout of which the new pods do not come up, while those of before serve."""

from dataclasses import replace
from pathlib import Path

import pytest

from console.core.finding import Severity
from console.core.service import Service, State
from console.findings import evaluate
from console.managers.kubernetes import SURVEY
from tests.diagnosis.factories import HOST, snapshot
from tests.probes.recorded import read

RECORDED = read(Path(__file__).parents[1] / "managers" / "recorded" / "kubernetes-stuck.txt")


def told(text: str = RECORDED.output) -> tuple[Service, ...]:
    return tuple(replace(one, ref=replace(one.ref, host=HOST)) for one in SURVEY.parse(text).services)


def test_one_that_is_stuck_is_found_though_as_many_pods_as_are_wanted_are_ready() -> None:
    found = evaluate(snapshot(services=told()))
    assert [(one.code, one.severity, one.subject, one.summary) for one in found] == [
        ("rollout-stuck", Severity.WARNING, f"{HOST}/kubernetes:new/deploy/big", "rollout stuck: Unschedulable"),
        ("rollout-stuck", Severity.WARNING, f"{HOST}/kubernetes:new/deploy/image", "rollout stuck: ImagePullBackOff"),
    ]
    big, image = found
    assert "0/3 nodes are available: 3 Insufficient memory!" in big.evidence
    assert image.evidence[0] == "new/deploy/image: 2/2 ready, ImagePullBackOff, rollout stuck"
    assert image.proposals[0].reason_off == f"by hand: B, or hostdeck rollback {HOST}/kubernetes:new/deploy/image"


def test_pods_that_were_restarted_once_do_not_make_it_a_loop() -> None:
    text = RECORDED.output.replace(">c 0 ready running - -", ">c 2 ready running - -")
    assert {one.code for one in evaluate(snapshot(services=told(text)))} == {"rollout-stuck"}


def test_a_rollout_is_no_loop_for_what_its_pods_did_days_ago() -> None:
    ended = ">c 5 ready running - - Error 1 2026-11-20T10:00:00Z !"
    text = RECORDED.output.replace("2 2 2 2 2 0", "2 2 1 3 2 0").replace(">c 0 ready running - -", ended)
    [well] = [one for one in told(text) if one.ref.name == "new/deploy/well"]
    assert (well.state, well.restarts) == (State.STARTING, 10)
    assert evaluate(snapshot(services=(well,))) == ()


@pytest.mark.parametrize(
    ("head", "conditions", "state"),
    [
        # Past its deadline, and nothing of its pods may be seen.
        ("api 5 4 - - RollingUpdate 3 3 1 4 5 0",
         ">k Progressing False ProgressDeadlineExceeded 2026-11-28T04:20:00Z ReplicaSet+has+timed+out", State.STARTING),
        # Somebody held it when the first pod was not admitted.
        ("api 5 4 - paused RollingUpdate 3 3 0 3 5 0", ">k ReplicaFailure True FailedCreate - exceeded+quota",
         State.RUNNING),
    ],
)  # fmt: skip
def test_its_controller_says_so(head: str, conditions: str, state: State) -> None:
    where = "configs /k\nwhere lab shop lab-cluster https://10.0.0.1:6443"
    [service] = told(f"{where}\n>w Deployment shop {head}\n{conditions}\nnow 1795838400")
    assert service.state is state
    [found] = evaluate(snapshot(services=(service,)))
    assert (found.code, found.severity) == ("rollout-stuck", Severity.WARNING)


def test_what_is_scaled_to_nothing_is_not_stuck() -> None:
    text = RECORDED.output.replace("2 2 2 4 2 0", "0 0 2 2 2 0")
    assert evaluate(snapshot(services=told(text))) == ()
