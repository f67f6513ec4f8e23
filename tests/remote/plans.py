"""What the tests of plans share: places of their own, small plans, and the three shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Plan, Step
from console.core.service import ServiceRef
from console.remote.plan_script import render

SHELLS = tuple(
    words
    for words in (("dash",), ("bash", "--posix"), ("busybox", "sh"))
    if shutil.which(words[0], path="/usr/sbin:/usr/bin:/sbin:/bin") is not None
)

REF = ServiceRef("web1", "systemd", "api.service")


def change(*argv: str, elevate: bool = False, timeout: float = 10.0) -> Command:
    return Command(argv, elevate=elevate, timeout=timeout, effect=Effect.CHANGE)


def shell(script: str, *args: str, timeout: float = 10.0) -> Command:
    return Command(("sh", "-c", script, "sh", *args), timeout=timeout)


def make(
    *steps: Step,
    plan_id: str = "20261120-120000-aaaa",
    preflight: tuple[Check, ...] = (),
    checks: tuple[Check, ...] = (),
    touches: tuple[ServiceRef, ...] = (),
    target: ServiceRef = REF,
    reason: str | None = None,
    shares: tuple[str, ...] = (),
) -> Plan:
    return Plan(
        plan_id, ActionKind.RESTART, target, steps, preflight=preflight, checks=checks, touches=touches, shares=shares,
        reason=reason,
    )  # fmt: skip


def sticky(path: Path) -> Path:
    path.mkdir(parents=True)
    path.chmod(0o1777)
    return path


class LocalPlaces:
    """Directories of this test that stand for those of a host, and a way to run a plan's script in them."""

    def __init__(self, root: Path, count: int = 1) -> None:
        self.all = tuple(str(sticky(root / f"place{number}")) for number in range(count))
        self.first = Path(self.all[0])

    def directory(self, plan: Plan) -> Path:
        return self.first / f"hostdeck-plan-{plan.id}"

    def start(
        self, plan: Plan, words: tuple[str, ...] = ("dash",), *, root: bool = True, mend: str = ""
    ) -> subprocess.Popen[bytes]:
        """``mend``: shell text that takes the place of commands of the host, just before the plan begins."""
        directory = self.directory(plan)
        directory.mkdir(exist_ok=True)
        script = directory / "script"
        text = render(plan, root=root, operator="ann", places=self.all)
        script.write_text(text.removesuffix("hd_main\n") + mend + "hd_main\n", encoding="utf-8")
        # In a session of its own, as on a host.
        return subprocess.Popen([*words, str(script), str(directory)], stdin=subprocess.DEVNULL, start_new_session=True)

    def run(self, plan: Plan, words: tuple[str, ...] = ("dash",), *, root: bool = True, mend: str = "") -> list[str]:
        self.start(plan, words, root=root, mend=mend).wait(60)
        return self.state(plan)

    def state(self, plan: Plan) -> list[str]:
        file = self.directory(plan) / "state"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def output(self, plan: Plan, tag: str) -> str:
        return (self.directory(plan) / f"out.{tag}").read_text(encoding="utf-8", errors="replace")

    def locks(self) -> list[str]:
        return sorted(path.name for path in self.first.glob("hostdeck-lock-*"))
