"""A directory as a stream that tar reads."""

import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from console.remote.archive import Archive, ArchiveError, archive

TARS = tuple(words for words in (("tar",), ("busybox", "tar")) if shutil.which(words[0]))
LONG = "n" * 90 + "/" + "m" * 90


def tree(root: Path) -> Path:
    place = root / "build"
    (place / LONG).parent.mkdir(parents=True)
    (place / LONG).write_text("long")
    (place / ".git").mkdir()
    (place / ".git" / "config").write_text("secret")
    (place / "exact").write_bytes(os.urandom(1024 * 512))
    (place / "empty").touch()
    (place / "grüße\udcff").write_text("x")
    (place / "run").write_text("#!/bin/sh\n")
    (place / "run").chmod(0o6755)
    (place / "secret").write_text("x")
    (place / "secret").chmod(0o640)
    (place / "etc").symlink_to("/etc")
    (place / "twin").hardlink_to(place / "run")
    (place / "sub" / ".git").mkdir(parents=True)
    return place


def stream(made: Archive) -> bytes:
    return b"".join(made.chunks())


def test_its_size_and_sum_are_those_of_what_is_sent(tmp_path: Path) -> None:
    made = archive(tree(tmp_path))
    data = stream(made)
    assert (len(data), len(data) % 10240) == (made.size, 0)
    assert made.sum() == hashlib.sha256(data).hexdigest()
    assert stream(archive(tmp_path / "build")) == data
    assert all(made.chunks()), "an empty piece would be taken for the end"
    with tarfile.open(fileobj=io.BytesIO(data)) as read:
        found = {one.name: one for one in read.getmembers()}
    assert "./.git" not in found
    assert "./sub/.git" in found
    assert f"./{LONG}" in found
    assert (found["./run"].mode, found["./secret"].mode, found["./run"].uid) == (0o755, 0o640, 0)
    assert (found["./etc"].linkname, found["./twin"].isreg()) == ("/etc", True)
    assert not any(name.startswith("./etc/") for name in found), "a link is not followed"


@pytest.mark.parametrize("tar", TARS, ids=" ".join)
def test_tar_of_hosts_reads_it(tar: tuple[str, ...], tmp_path: Path) -> None:
    place, target = tree(tmp_path), tmp_path / "there"
    target.mkdir()
    subprocess.run([*tar, "-xpof", "-", "-C", str(target)], input=stream(archive(place)), check=True)
    assert (target / LONG).read_text() == "long"
    assert (target / "exact").read_bytes() == (place / "exact").read_bytes()
    assert (target / "run").stat().st_mode & 0o7777 == 0o755
    assert (target / "secret").stat().st_mode & 0o7777 == 0o640
    assert (target / "etc").readlink() == Path("/etc")
    assert {one.name for one in target.iterdir()} == {one.name for one in place.iterdir()} - {".git"}


def test_one_file_is_an_archive_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "api").symlink_to("real")
    with tarfile.open(fileobj=io.BytesIO(stream(archive(tmp_path / "api")))) as read:
        assert [(one.name, one.isreg()) for one in read.getmembers()] == [("api", True)]


def test_what_cannot_be_sent_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArchiveError, match=r"/nothing cannot be read: No such file"):
        archive(tmp_path / "nothing")
    place = tree(tmp_path)
    made = archive(place)
    (place / "exact").write_bytes(b"short")
    with pytest.raises(ArchiveError, match="exact became shorter while it was read"):
        made.sum()
    (place / "exact").unlink()
    (place / "exact").symlink_to("/etc/passwd")
    with pytest.raises(ArchiveError, match="exact cannot be read"):
        made.sum()
    with socket.socket(socket.AF_UNIX) as own:
        # The path of a socket must be short.
        monkeypatch.chdir(place)
        own.bind("door")
        with pytest.raises(ArchiveError, match="door is neither a file"):
            archive(place)
