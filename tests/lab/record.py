"""The record: everything a lab starts is written down first, and only what is written down is removed.

A lab owns one number N. The number names its subnet (10.77.N.0/24), its network namespaces and its
directory /run/hostdeck-lab/N, where the record lies as one JSON object a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .limits import raise_limits, restore_limits
from .locks import locked
from .packages import LabError

RUN = Path("/run/hostdeck-lab")
PREFIX = "10.77"
_EXIT_WAIT = 10.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; only an X when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ["X"]
    return stat.rpartition(")")[2].split()


def process_state(pid: int) -> str:
    """The letter of a process's state, X when there is no such process."""
    return _stat(pid)[0]


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is no such process."""
    fields = _stat(pid)
    return None if fields[0] in "ZX" else int(fields[19])


def alive(pid: int, started: int | None) -> bool:
    """Whether the very process that was recorded still runs (not another one with its number)."""
    return started is not None and start_time(pid) == started


class Record:
    """The written account of one lab's belongings."""

    def __init__(self, number: int, token: str) -> None:
        self.number = number
        self.token = token
        self.directory = RUN / str(number)
        self._lock = threading.Lock()

    def add(self, kind: str, **fields: object) -> None:
        """Write one line: a thing of the lab that must be removed in the end."""
        line = json.dumps({"kind": kind, **fields}) + "\n"
        with self._lock, (self.directory / "record").open("a", encoding="utf-8") as out:
            out.write(line)

    def process(self, pid: int, what: str, kind: str = "process") -> None:
        """Record a process with its start time, so that its number alone never condemns another."""
        started = start_time(pid)
        if started is not None:
            self.add(kind, pid=pid, start=started, what=what)

    def entries(self, kind: str) -> list[dict[str, str]]:
        """The recorded things of one kind, oldest first."""
        try:
            lines = (self.directory / "record").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        return [{key: str(value) for key, value in row.items()} for row in rows if row["kind"] == kind]

    def running(self, *kinds: str) -> list[int]:
        """The recorded processes of these kinds that still run."""
        rows = [row for kind in kinds for row in self.entries(kind)]
        return [int(row["pid"]) for row in rows if alive(int(row["pid"]), int(row["start"]))]

    def tidy(self) -> list[str]:
        """Remove everything recorded; returns what could not be removed, in words."""
        if _token_of(self.directory) != self.token:
            return []  # the number already belongs to a later lab
        left: list[str] = []
        self.kill()
        for row in self.entries("cgroup"):
            left += _remove_cgroup(Path(row["path"]))
        for row in reversed(self.entries("mount")):
            left += _unmount(Path(row["path"]))
        for row in self.entries("link"):
            _quiet("ip", "link", "del", row["name"])
        for row in self.entries("netns"):
            if Path("/run/netns", row["name"]).exists():
                _quiet("ip", "netns", "del", row["name"])
        for row in self.entries("tree"):
            left += _remove_tree(Path(row["path"]))
        if not left:
            shutil.rmtree(self.directory, ignore_errors=True)
            restore_limits(RUN)
        return left

    def kill(self) -> None:
        """Kill the recorded processes and wait until they are gone."""
        for pid in self.running("process"):
            _signal(pid, signal.SIGKILL)
        self._wait_until_gone("process")

    def dismiss_owner(self) -> None:
        """Ask the test run that owns this lab to end, and wait for it and for the reaper's work."""
        for pid in self.running("owner"):
            _signal(pid, signal.SIGTERM)
        self._wait_until_gone("owner")
        self._wait_until_gone("reaper")

    def _wait_until_gone(self, kind: str) -> None:
        end = time.monotonic() + _EXIT_WAIT
        while self.running(kind) and time.monotonic() < end:
            time.sleep(0.01)


def claim() -> Record:
    """Take a free lab number; from here on it is ours until tidied."""
    with locked(RUN / "lock", "another lab is starting or being removed; waiting for it"):
        taken = _addresses_in_use()
        for number in range(1, 255):
            if f"{PREFIX}.{number}." in taken or (RUN / str(number)).exists():
                continue
            record = Record(number, secrets.token_hex(4))
            record.directory.mkdir(mode=0o711)
            (record.directory / "token").write_text(record.token, encoding="utf-8")
            record.process(os.getpid(), "owner", "owner")
            raise_limits(RUN)
            return record
    raise LabError(f"all lab numbers under {RUN} are taken; `python -m tests.lab down` removes dead labs")


def existing() -> Iterator[Record]:
    """Every lab on this machine, running or left over."""
    if RUN.is_dir():
        for directory in sorted(RUN.iterdir()):
            token = _token_of(directory)
            if directory.name.isdigit() and token is not None:
                yield Record(int(directory.name), token)


def sweep(everything: bool = False) -> dict[int, list[str]]:
    """Tidy labs whose owner has died (or, when asked, all); returns what was left over, by number."""
    result: dict[int, list[str]] = {}
    with locked(RUN / "lock", "another lab is starting or being removed; waiting for it"):
        for record in existing():
            if everything:
                record.dismiss_owner()
            if everything or not record.running("owner", "reaper"):
                result[record.number] = record.tidy()
    return result


def _token_of(directory: Path) -> str | None:
    try:
        return (directory / "token").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _addresses_in_use() -> str:
    shown = [subprocess.run(["ip", "-o", *what], capture_output=True, text=True, check=False).stdout
             for what in (["addr"], ["route"])]  # fmt: skip
    return "\n".join(shown)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _quiet(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _remove_cgroup(path: Path) -> list[str]:
    """End what still lives in a control group that we made, and remove the group with its children."""
    if not path.is_dir():
        return []
    with contextlib.suppress(OSError):
        (path / "cgroup.kill").write_text("1", encoding="utf-8")
    end = time.monotonic() + _EXIT_WAIT
    while time.monotonic() < end:
        for below in sorted((entry for entry in path.rglob("*") if entry.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                below.rmdir()
        try:
            path.rmdir()
        except FileNotFoundError:
            return []
        except OSError:
            time.sleep(0.02)
        else:
            return []
    return [f"control group {path}"]


def mounts_below(path: Path) -> list[str]:
    """Mount points at or below a path in this mount namespace."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return [point for point in points if point == str(path) or point.startswith(f"{path}/")]


def _unmount(path: Path) -> list[str]:
    end = time.monotonic() + 5
    while mounts_below(path):
        if _quiet("umount", str(path)):
            continue
        if time.monotonic() > end and not _quiet("umount", "--lazy", str(path)):
            return [f"mount {path}"]
        time.sleep(0.05)
    return []


def _remove_tree(path: Path) -> list[str]:
    if mounts_below(path):
        return [f"{path}: something is still mounted there"]
    shutil.rmtree(path, ignore_errors=True)
    return [f"tree {path}"] if path.exists() else []
