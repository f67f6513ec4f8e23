"""A lab leaves nothing behind, however it ends, and touches nothing that is not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import Lab, limits, record
from tests.lab.container import cgroup_mount
from tests.lab.faults import REPOSITORY

SCRIPT = """
import sys, time
from tests.lab import Lab
with Lab() as lab:
    lab.boot("a")
    print(lab.record.number, lab.record.token, flush=True)
    sys.stdin.readline()
    {end}
"""


def traces(number: int, token: str) -> list[str]:
    """What can be seen of a lab on this machine."""
    namespaces = [path.name for path in Path("/run/netns").glob(f"hd{number}-*")]
    links = [path.name for path in Path("/sys/class/net").glob(f"hd{number}")]
    groups = [path.name for path in cgroup_mount().glob(f"hostdeck-lab-hd{number}-*")]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if token in line]
    files = [str(path) for path in (record.RUN / str(number), Path("/run/systemd/nspawn/propagate") / f"hd{number}-1")]
    processes = subprocess.run(["pgrep", "-af", token], capture_output=True, text=True, check=False).stdout
    return (
        namespaces
        + links
        + groups
        + mounts
        + [path for path in files if Path(path).exists()]
        + processes.split("\n")[:-1]
    )


def start(end: str) -> tuple[subprocess.Popen[str], int, str]:
    argv = [sys.executable, "-c", SCRIPT.format(end=end)]
    process = subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    number, token = process.stdout.readline().split()
    return process, int(number), token


def gone(number: int, token: str, seconds: float = 10) -> list[str]:
    end = time.monotonic() + seconds
    while traces(number, token) and time.monotonic() < end:
        time.sleep(0.05)
    return traces(number, token)


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("end", ["pass", "raise RuntimeError", "sys.exit(3)"])
def test_nothing_is_left_when_the_owner_ends(end: str) -> None:
    process, number, token = start(end)
    assert len(traces(number, token)) >= 6
    process.communicate("\n", timeout=30)
    assert traces(number, token) == []


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_owner_is_shot(number: signal.Signals) -> None:
    process, lab_number, token = start("pass")
    process.send_signal(number)
    process.communicate(timeout=30)
    assert gone(lab_number, token) == []


@pytest.mark.usefixtures("lab")
def test_a_sweep_finds_what_owner_and_reaper_left() -> None:
    process, number, token = start("pass")
    left = next(found for found in record.existing() if found.number == number)
    [reaper] = left.running("reaper")
    os.kill(reaper, signal.SIGKILL)
    while left.running("reaper"):
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=30)
    assert record.sweep().get(number, []) == []  # another test run may have swept before us
    assert gone(number, token) == []


def test_another_process_with_a_recorded_number_is_spared(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RUN", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7/token").write_text("x")
    made = record.Record(7, "x")
    with subprocess.Popen(["sleep", "60"]) as ours, subprocess.Popen(["sleep", "60"]) as other:
        made.process(ours.pid, "ours")
        made.add("process", pid=other.pid, start=(record.start_time(other.pid) or 0) - 1, what="an earlier one")
        assert made.tidy() == []
        assert other.poll() is None
        assert ours.wait(5) == -signal.SIGKILL
        other.kill()


def test_two_labs_live_side_by_side(lab: Lab) -> None:
    with Lab() as second:
        assert second.record.number != lab.record.number
        first_host, second_host = lab.boot("both"), second.boot("both")
        assert first_host.address != second_host.address
    assert first_host.sh("hostname") == "both\n"
    lab.stop(first_host)


def test_ten_hosts_at_once(lab: Lab) -> None:
    hosts = lab.boot_many([f"ten{index}" for index in range(10)])
    assert len({host.address for host in hosts}) == 10
    for host in hosts:
        lab.stop(host)


def test_limits_are_raised_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = tmp_path / "sys/fs/inotify/max_user_instances"
    setting.parent.mkdir(parents=True)
    setting.write_text("128\n")
    monkeypatch.setattr(limits, "_SYSCTL", tmp_path / "sys")
    monkeypatch.setattr(limits, "WANTED", {"fs/inotify/max_user_instances": 8192})
    run = tmp_path / "run"
    (run / "1").mkdir(parents=True)
    limits.raise_limits(run)
    limits.raise_limits(run)
    assert setting.read_text() == "8192"
    limits.restore_limits(run)
    assert setting.read_text() == "8192"
    (run / "1").rmdir()
    limits.restore_limits(run)
    assert int(setting.read_text()) == 128
