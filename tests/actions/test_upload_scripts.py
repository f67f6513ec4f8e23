"""How a host takes an upload, by the shells and tools of hosts."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from console.actions import upload_scripts as scripts
from console.remote.archive import archive

BUSYBOX = shutil.which("busybox")
TOOLS = (
    "awk", "cat", "chmod", "cut", "date", "df", "find", "head", "kill", "ls", "mkdir", "mkfifo", "mv", "rm",
    "sha256sum", "sleep", "stat", "tar", "tee", "timeout", "touch", "tr",
)  # fmt: skip


class Place:
    """A directory of releases, the shell of a host, and what is sent to it."""

    def __init__(self, root: Path, words: tuple[str, ...], path: str) -> None:
        self.words, self.path = words, path
        self.directory = root / "api"
        self.releases = self.directory / "releases"
        self.releases.mkdir(parents=True)
        built = root / "build"
        (built / "sub").mkdir(parents=True)
        (built / "sub" / "large").write_bytes(b"x" * 1_000_000)
        made = archive(built)
        self.data = b"".join(made.chunks())
        self.head = f"{made.size} {hashlib.sha256(self.data).hexdigest()} 12\n".encode()

    def run(self, script: str, *words: str, given: bytes = b"") -> tuple[int, str, str]:
        done = subprocess.run(
            [*self.words, "-c", script, "sh", str(self.directory), *words],
            input=given, capture_output=True, env={"PATH": self.path}, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def receive(self, given: bytes, ident: str = "1") -> tuple[int, str, str]:
        return self.run(scripts.RECEIVE, ident, "60", given=given)

    def names(self) -> list[str]:
        return sorted(one.name for one in self.releases.iterdir() if one.name != "history")


@pytest.fixture(params=["dash", "bash", "busybox"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    shell, path = shutil.which(request.param), "/usr/bin:/bin"
    if shell is None:
        pytest.skip(f"{request.param} is not on this machine")
    if request.param != "busybox":
        return Place(tmp_path, (shell,), path)
    only = tmp_path / "bin"
    only.mkdir()
    for tool in TOOLS:
        (only / tool).symlink_to(shell)
    return Place(tmp_path, (shell, "sh"), str(only))


def test_what_arrives_whole_becomes_a_release(place: Place) -> None:
    code, told, errors = place.receive(place.head + place.data)
    assert (code, told.startswith("ready\nreceived and compared\n")) == (0, True), errors
    assert sorted(one.name for one in (place.releases / "1.partial").iterdir()) == ["sum", "tree"]
    assert place.run(scripts.PLACE, "1", "ann", "v1", "abc")[:2] == (0, "1 is in place\n")
    assert place.names() == ["1"]
    assert (place.releases / "1/sub/large").stat().st_size == 1_000_000
    assert (place.releases / "history").read_text().split(" ")[1:] == ["built", "1", "ann", "v1", "abc", "12\n"]
    assert "release 1 is there already" in place.receive(place.head + place.data)[2]


def test_nothing_stays_of_what_was_cut_short_or_changed(place: Place) -> None:
    for given, why in (
        (b"", "nothing was sent"),
        (place.head + place.data[:500_000], "what was sent could not be unpacked"),
        (place.head + place.data + b"more", "what arrived is not what was sent"),
        (place.head.replace(b" 12\n", b"0 12\n") + place.data, "what arrived is not what was sent"),
        (b"99999999999999 abc 12\n", "MiB left, what is sent takes"),
    ):
        code, _, errors = place.receive(given)
        assert (code, why in errors) == (1, True), errors
        assert place.names() == []


def test_nobody_elses_name_is_taken(place: Place) -> None:
    outside = place.directory / "outside"
    outside.mkdir()
    (place.releases / "1.partial").symlink_to(outside)
    assert place.receive(place.head + place.data)[0] == 1
    assert list(outside.iterdir()) == []
    assert place.run(scripts.PLACE, "1", "ann", "v1", "abc")[0] == 1
    assert "1 has not arrived whole" in place.run(scripts.PLACE, "1", "ann", "v1", "abc")[2]


def test_the_next_upload_removes_what_nobody_carries_on(place: Place) -> None:
    with subprocess.Popen(["sleep", "60"]) as alive:
        for name, pid in (("dead", "4194304"), ("odd", "x"), ("silent", str(alive.pid)), ("busy", str(alive.pid))):
            (place.releases / f"{name}.partial").mkdir()
            (place.releases / f"{name}.partial/pid").write_text(f"{pid}\n")
        for name in ("old", "whole"):
            (place.releases / f"{name}.partial").mkdir()
            (place.releases / f"{name}.partial/sum").write_text("12 abc\n")
        (place.releases / "built.partial").mkdir()
        for name in ("silent.partial", "silent.partial/pid", "old.partial/sum"):
            subprocess.run(["touch", "-d", "20 minutes ago", str(place.releases / name)], check=True)
        assert place.receive(place.head + place.data, "9")[0] == 0
        alive.kill()
    assert place.names() == ["9.partial", "built.partial", "busy.partial", "whole.partial"]


def test_what_has_arrived_is_removed_again(place: Place) -> None:
    assert place.receive(place.head + place.data)[0] == 0
    assert place.run(scripts.GONE, "1")[0] == 0
    assert place.run(scripts.GONE, "1")[0] == 0
    assert place.names() == []


def test_a_missing_tool_is_named(place: Place) -> None:
    assert place.run(scripts.TOOLS)[:2] == (0, "tar and sha256sum are there\n")
    place.path = "/nowhere"
    if place.words[-1] != "sh":
        assert place.run(scripts.TOOLS)[:2] == (1, "tar, which takes an upload, is not on this host\n")
