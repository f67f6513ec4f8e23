"""A directory of this machine as one stream in the form of tar, the same bytes each time it is read.

Made here rather than by a program: its size and sum are known before a byte is sent, and what it holds is decided in
one place. Links are sent as links and never followed; owners stay here, and so do set-user-ID and set-group-ID bits.
"""

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 256 * 1024
"""Bytes of one chunk at most."""

_BLOCK = tarfile.BLOCKSIZE
_LEFT_OUT = ".git"


class ArchiveError(Exception):
    """What cannot be sent; one line for a person."""


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    header: bytes
    size: int = 0
    """Bytes that follow the header, as they were when it was made."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What is sent. All methods read files, so they block."""

    entries: tuple[_Entry, ...]
    newest: float
    """When the newest of its files and directories was changed (Unix time, seconds)."""

    @property
    def size(self) -> int:
        """Bytes of the whole stream."""
        body = sum(len(entry.header) + _padded(entry.size) for entry in self.entries) + 2 * _BLOCK
        return -(-body // tarfile.RECORDSIZE) * tarfile.RECORDSIZE

    def chunks(self) -> Iterator[bytes]:
        """The stream; raises ``ArchiveError`` where a file is not what it was any more."""
        sent = 0
        for entry in self.entries:
            sent += len(entry.header) + _padded(entry.size)
            yield entry.header
            if entry.size:
                yield from _body(entry)
        yield b"\0" * (self.size - sent)

    def sum(self, went_on: Callable[[int], None] = lambda size: None) -> str:
        """The SHA-256 of the stream; ``went_on`` is told the bytes read so far, and may raise to end it."""
        digest, read = hashlib.sha256(), 0
        for chunk in self.chunks():
            digest.update(chunk)
            read += len(chunk)
            went_on(read)
        return digest.hexdigest()


def archive(place: Path) -> Archive:
    """Of a directory all that is in it but ``.git``, else the one file; raises ``ArchiveError``."""
    try:
        found = place.stat()
        if not stat.S_ISDIR(found.st_mode):
            return Archive((_entry(place.resolve(), place.name, found),), found.st_mtime)
        entries, newest = [_entry(place, ".", found)], found.st_mtime
        for path, name in _below(place, ""):
            about = path.lstat()
            newest = max(newest, about.st_mtime)
            entries.append(_entry(path, f"./{name}", about))
        return Archive(tuple(entries), newest)
    except OSError as error:
        raise ArchiveError(f"{error.filename or place} cannot be read: {error.strerror or error}") from None


def _below(folder: Path, within: str) -> Iterator[tuple[Path, str]]:
    for one in sorted(os.scandir(folder), key=lambda one: one.name):
        if not within and one.name == _LEFT_OUT:
            continue
        yield Path(one.path), f"{within}{one.name}"
        if one.is_dir(follow_symlinks=False):
            yield from _below(Path(one.path), f"{within}{one.name}/")


def _entry(path: Path, name: str, found: os.stat_result) -> _Entry:
    about = tarfile.TarInfo(name)
    about.mtime, about.mode = int(found.st_mtime), stat.S_IMODE(found.st_mode) & 0o777
    if stat.S_ISDIR(found.st_mode):
        about.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        about.type, about.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        about.size = found.st_size
    else:
        raise ArchiveError(f"{path} is neither a file, a directory nor a link: it cannot be sent")
    # Long names as GNU has them: busybox reads these, and not those of POSIX.
    return _Entry(path, about.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"), about.size)


def _body(entry: _Entry) -> Iterator[bytes]:
    left = entry.size
    try:
        with os.fdopen(os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            while left:
                chunk = stream.read(min(PIECE, left))
                if not chunk:
                    raise ArchiveError(f"{entry.path} became shorter while it was read")
                left -= len(chunk)
                yield chunk
    except OSError as error:
        raise ArchiveError(f"{entry.path} cannot be read: {error.strerror or error}") from None
    if padding := _padded(entry.size) - entry.size:
        yield b"\0" * padding


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
