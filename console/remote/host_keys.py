"""Whose key a host shows: known_hosts files as sshd(8) describes them, and what they say about one key.

Checking is strict and has no switch: a key is trusted, unknown, changed or revoked. An unknown one is accepted only by
``accept``, which somebody calls who has compared the fingerprint; a changed one never.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from console.remote.ssh_config_file import matches_any
from console.remote.transport import TransportError


class KeyStatus(StrEnum):
    """What the known_hosts files say about a key."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line of a known_hosts file."""

    kind: str
    """As SSH names it: ``ssh-ed25519`` ..."""
    blob: bytes
    file: str
    line: int

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return fingerprint(self.blob)

    def __str__(self) -> str:
        return f"{short_kind(self.kind)} {self.fingerprint} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of one host: its keys, the authorities that may vouch for it, and what is revoked."""

    keys: tuple[KnownKey, ...] = ()
    authorities: tuple[KnownKey, ...] = ()
    revoked: tuple[KnownKey, ...] = ()
    portless: tuple[KnownKey, ...] = ()
    """Keys of the same name without a port: good if one matches, no proof of a change if none does."""

    def status(self, blob: bytes) -> KeyStatus:
        """Judge a key that a host shows."""
        if any(known.blob == blob for known in self.revoked):
            return KeyStatus.REVOKED
        if any(known.blob == blob for known in (*self.keys, *self.portless)):
            return KeyStatus.TRUSTED
        return KeyStatus.CHANGED if self.keys else KeyStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that a host showed, and where it would be noted."""

    name: str
    """As it stands in known_hosts: ``web1`` or ``[web1]:2222``."""
    kind: str
    blob: bytes
    known_hosts: str
    hashed: bool = False
    """``HashKnownHosts``: the name is noted as a hash."""

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return fingerprint(self.blob)

    def __str__(self) -> str:
        return f"{short_kind(self.kind)} {self.fingerprint}"


class HostKeyError(TransportError):
    """A host's key is not trusted. ``key`` is the one it showed; only an unknown one may be given to ``accept``."""

    def __init__(
        self, status: KeyStatus, message: str, key: HostKey | None = None, known: tuple[KnownKey, ...] = ()
    ) -> None:
        super().__init__(f"host-key-{status.value}", message, retry=False)
        self.status = status
        self.key = key
        self.known = known


def fingerprint(blob: bytes) -> str:
    """SHA-256 of a public key in the form of OpenSSH."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def short_kind(kind: str) -> str:
    """``ED25519`` for ``ssh-ed25519`` and so on, as OpenSSH shows key types."""
    word = kind.removesuffix("@openssh.com").removesuffix("-cert-v01")
    for prefix, short in (("sk-ssh-", ""), ("sk-ecdsa-", "ECDSA-SK"), ("ecdsa-", "ECDSA"), ("ssh-dss", "DSA")):
        if word.startswith(prefix):
            return short or word.removeprefix(prefix).upper() + "-SK"
    return word.removeprefix("ssh-").upper()


def known_name(hostname: str, port: int, alias: str | None) -> str:
    """The name under which OpenSSH notes a host."""
    if alias is not None:
        return alias.lower()
    return hostname if port == 22 else f"[{hostname}]:{port}"


@dataclass(frozen=True, slots=True)
class _Entry:
    marker: str
    hosts: str
    kind: str
    blob: bytes
    line: int


@dataclass(slots=True)
class _File:
    stamp: tuple[int, int, int]
    exact: dict[str, list[_Entry]]
    patterns: list[_Entry]
    hashed: list[tuple[bytes, bytes, _Entry]]
    found: dict[str, list[_Entry]] = field(default_factory=dict)
    """Names that were looked for among the hashed ones: each costs a digest for every line."""


_kept: dict[str, _File] = {}


def look_up(files: tuple[str, ...], hostname: str, port: int, alias: str | None = None) -> Trust:
    """Collect what known_hosts files say of a host. Files that are missing or unreadable say nothing."""
    name = known_name(hostname, port, alias)
    trust = _collect(files, name)
    if alias is None and port != 22 and not (trust.keys or trust.authorities):
        loose = _collect(files, hostname)
        return Trust((), loose.authorities, trust.revoked + loose.revoked, loose.keys)
    return trust


def revoked_keys(file: str) -> tuple[KnownKey, ...]:
    """Read a ``RevokedHostKeys`` file of public keys; raises ``TransportError`` when it cannot be used."""
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        reason = f"RevokedHostKeys {file} cannot be read: {error.strerror}; no host is trusted without it"
        raise TransportError("config", reason, retry=False) from None
    if data.startswith(b"SSHKRL\n"):
        reason = f"RevokedHostKeys {file} is a binary list, which is not supported: list public keys in it instead"
        raise TransportError("config", reason, retry=False)
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        key = _key(line.split())
        if key is not None:
            found.append(KnownKey(key[0], key[1], file, number))
    return tuple(found)


def _collect(files: tuple[str, ...], name: str) -> Trust:
    found: dict[str, list[KnownKey]] = {"": [], "@cert-authority": [], "@revoked": []}
    for file in files:
        for entry in _matching(file, name):
            found[entry.marker].append(KnownKey(entry.kind, entry.blob, file, entry.line))
    return Trust(tuple(found[""]), tuple(found["@cert-authority"]), tuple(found["@revoked"]))


def _matching(file: str, name: str) -> Iterator[_Entry]:
    content = _read(file)
    if content is None:
        return
    yield from content.exact.get(name, ())
    for entry in content.patterns:
        if matches_any(entry.hosts, name):
            yield entry
    if name not in content.found:
        word = name.encode()
        same = (entry for salt, digest, entry in content.hashed if hmac.digest(salt, word, "sha1") == digest)
        content.found[name] = list(same)
    yield from content.found[name]


def _read(file: str) -> _File | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - hundreds of hosts, each time they connect
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        kept = _kept.get(file)
        if kept is None or kept.stamp != stamp:
            text = Path(file).read_text(encoding="utf-8", errors="replace")
            kept = _kept[file] = _sorted(text, stamp)
    except OSError:
        return None
    return kept


def _sorted(text: str, stamp: tuple[int, int, int]) -> _File:
    content = _File(stamp, {}, [], [])
    for number, line in enumerate(text.split("\n"), 1):
        entry = _entry(line, number)
        if entry is None:
            continue
        if entry.hosts.startswith("|"):
            parts = entry.hosts.split("|")
            try:
                if len(parts) == 4 and parts[1] == "1":
                    content.hashed.append((base64.b64decode(parts[2]), base64.b64decode(parts[3]), entry))
            except binascii.Error:
                continue
        elif any(char in entry.hosts for char in "*?!"):
            content.patterns.append(entry)
        else:
            for host in entry.hosts.split(","):
                content.exact.setdefault(host, []).append(entry)
    return content


def _entry(line: str, number: int) -> _Entry | None:
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else ""
    if marker not in {"", "@cert-authority", "@revoked"} or not words:
        return None
    key = _key(words[1:])
    return None if key is None else _Entry(marker, words[0].lower() if words[0][0] != "|" else words[0], *key, number)


def _key(words: list[str]) -> tuple[str, bytes] | None:
    if len(words) < 2:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return None
    # The blob begins with its own type, SSH's string of RFC 4251; a line that says something else is broken.
    kind = words[0].encode()
    return (words[0], blob) if blob.startswith(len(kind).to_bytes(4, "big") + kind) else None


def accept(key: HostKey) -> Path:
    """Note an unknown host's key in known_hosts after a person has compared its fingerprint; returns the file.

    The line is appended in one write, under a lock; file and folder are made for this user alone. Raises
    ``TransportError`` when the host has another key by now, or when the file cannot be written.
    """
    if not key.known_hosts:
        raise TransportError("config", "there is no known_hosts file (UserKnownHostsFile none): name one", retry=False)
    path = Path(key.known_hosts)
    line = f"{_hashed(key.name) if key.hashed else key.name} {key.kind} {base64.b64encode(key.blob).decode()}\n"
    try:
        if path.exists() and not path.is_file():
            raise TransportError("config", f"{path} is no file: name a known_hosts file for this host", retry=False)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _append(handle, path, key, line)
        finally:
            os.close(handle)
    except OSError as error:
        raise TransportError("config", f"{path} cannot be written: {error.strerror}", retry=False) from None
    return path


def _append(handle: int, path: Path, key: HostKey, line: str) -> None:
    _kept.pop(str(path), None)
    status = _collect((str(path),), key.name).status(key.blob)
    if status is KeyStatus.TRUSTED:
        return
    if status is not KeyStatus.UNKNOWN:
        raise HostKeyError(status, f"{path} holds another key for {key.name} by now: connect again and compare")
    size = os.fstat(handle).st_size
    complete = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
    os.write(handle, (line if complete else "\n" + line).encode())
    _kept.pop(str(path), None)


def _hashed(name: str) -> str:
    salt = secrets.token_bytes(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
