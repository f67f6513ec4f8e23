"""What is said, and what is refused, where a plan could not be undone by the connected user."""

from argparse import Namespace
from typing import Any

import pytest

from console.cli import planning
from console.cli.changes import review
from console.config.model import Config
from console.core.plan import ActionKind, Intent, Plan
from console.remote.rights import Right, Rights
from console.remote.transport import HostSpec
from tests.actions.hosts import PORT, conflict, ref, service, snapshot

LINE = "oncall ALL=(root) NOPASSWD: /usr/bin/systemctl start legacy.service"
WHY = "oncall may not run systemctl start legacy.service as root without a password"
DENIED = Right("undo of stop legacy.service", "sudo -n -- systemctl start legacy.service", False, True, LINE, WHY)


class Asked:
    """A fleet that knows only the rights."""

    def __init__(self, *rights: Right) -> None:
        self.found = Rights("oncall", rights)

    async def rights(self, host: str, plan: Plan) -> Rights:
        """The same for every plan."""
        assert plan.target.host == host
        return self.found


async def reviewed(kind: ActionKind, *rights: Right, **given: bool) -> tuple[Plan | None, str | None]:
    intent = Intent(kind, ref("api.service" if kind is ActionKind.FREE_PORT else "legacy.service"), PORT)
    where = conflict() if kind is ActionKind.FREE_PORT else snapshot(service("legacy.service"))
    arguments = Namespace(**{"yes": False, "dry_run": False, "reason": None} | given)
    fleet: Any = Asked(*rights)
    return await review(fleet, Config(), HostSpec("web1", "web1"), intent, where, arguments)


@pytest.fixture(autouse=True)
def _no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "recent_starts", lambda *_: 0)


@pytest.mark.parametrize("given", [{}, {"dry_run": True}, {"yes": True}])
async def test_a_plan_without_the_right_to_undo_it_warns_with_the_missing_line(given: dict[str, bool]) -> None:
    made, reason = await reviewed(ActionKind.STOP, DENIED, **given)
    assert made is not None
    assert reason is None
    assert made.warnings == (f"if it fails it stays as it is: {WHY}; sudoers needs: {LINE}",)


async def test_a_port_is_not_freed_without_a_way_back_unless_it_is_told_to() -> None:
    made, reason = await reviewed(ActionKind.FREE_PORT, DENIED)
    assert made is not None
    assert reason is not None
    assert reason.startswith("legacy.service may stay down: ")
    assert LINE in reason
    assert reason.endswith("--yes does it all the same")


@pytest.mark.parametrize("given", [{"dry_run": True}, {"yes": True}])
async def test_who_looks_or_insists_is_warned(given: dict[str, bool]) -> None:
    made, reason = await reviewed(ActionKind.FREE_PORT, DENIED, **given)
    assert made is not None
    assert reason is None
    assert made.warnings[-2:] == (
        f"if it fails it stays as it is: {WHY}; sudoers needs: {LINE}",
        "without --yes it is refused, since legacy.service may stay down",
    )


async def test_with_every_right_nothing_is_added() -> None:
    for rights in ((), (Right("x", "x", True, True),)):
        made, reason = await reviewed(ActionKind.FREE_PORT, *rights)
        assert made is not None
        assert reason is None
        assert not any("sudoers" in text for text in made.warnings)


async def test_a_step_that_may_not_be_run_is_refused_as_before() -> None:
    step = Right("stop legacy.service", "x", False, False, None, "may not stop it")
    reason = (await reviewed(ActionKind.FREE_PORT, step, DENIED, yes=True))[1]
    assert (reason or "").startswith("may not stop it")


async def test_the_screen_tells_the_same_and_asks_a_second_time() -> None:
    made, _ = await reviewed(ActionKind.FREE_PORT, DENIED, dry_run=True)
    assert made is not None
    rights = Rights("oncall", (DENIED, DENIED))
    assert rights.undo_doubts == (f"if it fails it stays as it is: {WHY}; sudoers needs: {LINE}",)
    assert set(rights.undo_doubts) <= set(made.warnings)
    assert rights.may_stay_down(made) == f"legacy.service may stay down: {rights.undo_doubts[0]}"
    stop, _ = await reviewed(ActionKind.STOP, DENIED)
    assert stop is not None
    assert rights.may_stay_down(stop) is None
