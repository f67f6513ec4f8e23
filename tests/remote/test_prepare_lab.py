"""An upload to real hosts: one with busybox alone, and one whose disk fills while it takes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from console.actions import upload_scripts
from console.core.command import Command, Effect
from console.core.plan import Plan, PlanProgress, Preparation, Result, Step, Where
from console.remote.runner import execute
from tests.lab import BusyboxHost, FreshHost, Host, Lab, faults
from tests.remote.real import RUN, connected, slow


def plan(host: Host, sent: Path) -> Plan:
    """Send it, and put it in its place."""
    words = ("sh", "-c", upload_scripts.RECEIVE, "sh", "/srv/api", "1", "60")
    place = ("sh", "-c", upload_scripts.PLACE, "sh", "/srv/api", "1", "ann", "v1", "abc")
    gone = Command(("sh", "-c", upload_scripts.GONE, "sh", "/srv/api", "1"), effect=Effect.CHANGE)
    upload = Preparation(
        "send it", Where.UPLOAD, Command(words, timeout=60.0, effect=Effect.CHANGE), str(sent), undo=gone
    )  # fmt: skip
    step = Step("put it in place", Command(place, effect=Effect.CHANGE), gone)
    return replace(slow(host), prepare=(upload,), steps=(step,), checks=())


async def run(lab: Lab, host: Host, wanted: Plan, user: str) -> list[PlanProgress]:
    async with connected(host.name, lab.ssh_config(user)) as transport:
        told = execute(transport, wanted, root=user == "root", operator="ann", settings=RUN)
        return [progress async for progress in told]


def built(root: Path, size: int) -> Path:
    (root / "build/sub").mkdir(parents=True)
    (root / "build/sub/large").write_bytes(b"0123456789abcdef" * (size // 16))
    (root / "build/run").write_text("#!/bin/sh\n")
    (root / "build/run").chmod(0o750)
    (root / "build/go").symlink_to("run")
    return root / "build"


async def test_a_host_with_busybox_alone_takes_it(lab: Lab, tmp_path: Path) -> None:
    host = lab.boot("box2", kind=BusyboxHost)
    host.sh("mkdir -p /srv/api/releases; chown -R 1001 /srv/api")
    sent = built(tmp_path, 24 * 1024 * 1024)
    told = await run(lab, host, plan(host, sent), "oncall")
    assert told[-1].result is Result.DONE, told[-1]
    meters = {progress.prepare[0].output for progress in told if progress.prepare}
    assert "24.0 MiB of 24.0 MiB, received and compared" in meters
    assert len(meters) > 4, "how far it is is told while it goes on"
    assert host.sh("cd /srv/api/releases/1 && stat -c '%a %u' run sub/large && readlink go && ls").split() == [
        "750", "1001", "644", "1001", "run", "go", "run", "sub",
    ]  # fmt: skip
    assert host.sh("cat /srv/api/releases/1/sub/large | md5sum").split()[0] == _md5(sent / "sub/large")


async def test_a_disk_that_fills_while_it_is_sent(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host("full1")
    host.sh("mkdir -p /srv/api/releases")
    sent = built(tmp_path, 1024)
    for number in range(600):
        (sent / f"small{number}").write_text("x")
    with faults.small_tmpfs(host, "/srv/api/releases", "1m"):
        # A file takes a page at least, which nobody can tell from the size of an archive.
        host.sh("head -c 200k /dev/zero >/srv/api/releases/.other")
        told = await run(lab, host, plan(host, sent), "root")
        last = told[-1]
        assert (last.result, "No space left on device" in (last.reason or "")) == (Result.FAILED, True), last.reason
        assert host.sh("ls -A /srv/api/releases") == ".other\n"


def _md5(path: Path) -> str:
    import hashlib

    return hashlib.md5(path.read_bytes()).hexdigest()
