"""What this user can log in with: identity files, certificates and the agent.

Nobody is asked for a passphrase: it comes from where the configuration says, or the agent has the key.
"""

import asyncio
import math
import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import asyncssh

from console.core.command import Secret
from console.core.password import PasswordSource
from console.core.text import decode, sanitise
from console.remote.passwords import NOT_AGAIN, PasswordError, Passwords
from console.remote.ssh_config import SshTarget

AGENT_TIMEOUT = 3.0
"""Seconds. A forwarded agent whose connection is gone never answers."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity file: its key, or why there is none. ``public`` is known of a locked key too."""

    path: str
    key: asyncssh.SSHKey | None = None
    public: bytes | None = None
    certificate: asyncssh.SSHCertificate | None = None
    locked: bool = False
    """Encrypted with a passphrase."""
    problem: str | None = None

    @property
    def label(self) -> str:
        """The path as a person writes it."""
        home = str(Path.home())
        return "~" + self.path[len(home) :] if self.path.startswith(home + "/") else self.path


@dataclass(frozen=True, slots=True)
class Offer:
    """A key to try, and what to call it in a message."""

    label: str
    key: asyncssh.SSHKey | asyncssh.SSHKeyPair | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]


class KeyRing:
    """Identity files, each read once until it changes: decoding an RSA key costs more than a login."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[int, int, int], Identity]] = {}
        self._opened: dict[tuple[str, PasswordSource], tuple[tuple[int, int, int], float, Identity]] = {}
        self._passwords = Passwords()
        self._lock = asyncio.Lock()

    async def opened(self, identity: Identity, source: PasswordSource) -> Identity:
        """The key of a locked identity file; where it does not open, the identity says why."""
        key, stamp, now = (identity.path, source), _stamp(identity.path), asyncio.get_running_loop().time()
        known, until, found = self._opened.get(key, (None, 0.0, identity))
        if known is not None and known == stamp:
            if now < until:
                return found
            self._passwords.forget(source)
        try:
            secret = await self._passwords.of(source)
        except PasswordError as error:
            return replace(identity, problem=f"is locked by a passphrase: {error}", locked=False)
        opened = await asyncio.to_thread(_unlocked, identity.path, secret)
        if opened is None:
            other = f"is locked by another passphrase than the one of {source}"
            found, until = replace(identity, problem=other, locked=False), now + NOT_AGAIN
        else:
            found = replace(identity, key=opened, public=opened.public_data, locked=False)
            until = math.inf
        if stamp is not None:
            self._opened[key] = stamp, until, found
        return found

    async def identity(self, path: str) -> Identity | None:
        """Return an identity, ``None`` where there is neither the file nor its public half."""
        stamp = _stamp(path)
        if stamp is None:
            return _public_only(path)
        async with self._lock:
            kept = self._kept.get(path)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            identity = await asyncio.to_thread(_load, path)
            self._kept[path] = (stamp, identity)
            return identity

    async def identities(self, target: SshTarget) -> tuple[Identity, ...]:
        """Return the identities of a host in their order."""
        found = [await self.identity(path) for path in target.identity_files]
        return tuple(identity for identity in found if identity is not None)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - several files for each of hundreds of hosts
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _public_only(path: str) -> Identity | None:
    """Only the public half is here: it selects a key of the agent."""
    public = _public(path)
    return None if public is None else Identity(path, public=public, certificate=_certificate(path))


def _load(path: str) -> Identity:
    public = _public(path)
    certificate = _certificate(path)
    try:
        status = Path(path).stat()
        data = Path(path).read_bytes()
    except OSError as error:
        return Identity(path, problem=f"cannot be read ({error.strerror})")
    if b"PRIVATE KEY" not in data and public is not None:
        return Identity(path, public=public, certificate=certificate)
    if status.st_uid == os.getuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Identity(path, public=public, problem=f"is open to other users, as ssh refuses too: chmod 600 {path}")
    try:
        key = asyncssh.import_private_key(data)
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error):
            return Identity(path, public=public, certificate=certificate, locked=True)
        return Identity(path, public=public, problem=f"is no private key ({error})")
    except ValueError as error:
        return Identity(path, public=public, problem=f"cannot be used ({error})")
    if key.get_algorithm().startswith("sk-") and find_spec("fido2") is None:
        problem = "is on a security key: load it into the agent, or install hostdeck[fido2]"
        return Identity(path, public=public, certificate=certificate, problem=problem)
    return Identity(path, key, key.public_data, certificate)


def _unlocked(path: str, secret: Secret) -> asyncssh.SSHKey | None:
    try:
        return asyncssh.read_private_key(path, secret.reveal())
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        return None


def _public(path: str) -> bytes | None:
    # An OpenSSH private key names its public half in clear, also when it is encrypted.
    for file in (f"{path}.pub", path):
        try:
            return asyncssh.read_public_key(file).public_data
        except (OSError, asyncssh.KeyImportError, ValueError):
            continue
    return None


def _certificate(path: str) -> asyncssh.SSHCertificate | None:
    try:
        return asyncssh.read_certificate(f"{path}-cert.pub")
    except (OSError, asyncssh.KeyImportError, ValueError):
        return None


def certificates(paths: Sequence[str]) -> dict[bytes, asyncssh.SSHCertificate]:
    """Read certificate files: public key to certificate. What cannot be read is left out, as ssh does."""
    found = {}
    for path in paths:
        try:
            certificate = asyncssh.read_certificate(path)
        except (OSError, asyncssh.KeyImportError, ValueError):
            continue
        found[certificate.key.public_data] = certificate
    return found


@dataclass(slots=True)
class Offers:
    """The keys to try for one login, and what there is to say when none was taken."""

    keys: list[Offer]
    identities: tuple[Identity, ...]
    agent: asyncssh.SSHAgentClient | None = None
    agent_problem: str | None = None

    def close(self) -> None:
        """Leave the agent."""
        if self.agent is not None:
            self.agent.close()
            self.agent = None

    def advice(self) -> str | None:
        """What would help for keys that could not be tried: one phrase."""
        tried = {offer.label for offer in self.keys}
        for identity in self.identities:
            if identity.locked and identity.label not in tried:
                way = f"run ssh-add {identity.label}, or configure password_command"
                return f"{identity.label} is locked by a passphrase and in no agent: {way}"
        for identity in self.identities:
            if identity.problem is not None:
                return f"{identity.label} {identity.problem}"
        return self.agent_problem


async def gather_offers(target: SshTarget, ring: KeyRing) -> Offers:
    """Put the keys for a host in order: certificates, the agent's keys that are named, its others, the files' keys."""
    identities = await ring.identities(target)
    by_key = certificates(target.certificate_files)
    offers = Offers([], identities)
    held = await _agent_keys(target, offers)
    rest: list[Offer] = []
    if target.password is not None:
        identities = offers.identities = await _opened(identities, target.password, ring, held.keys())
    for identity in identities:
        certificate = by_key.get(identity.public or b"") or identity.certificate
        in_agent = held.pop(identity.public or b"", None)
        if in_agent is not None:
            pair, plain = in_agent
            if certificate is not None:
                pair.set_certificate(certificate)
                offers.keys.append(Offer(f"{identity.label} with its certificate", pair))
            offers.keys.append(Offer(identity.label, plain))
        elif identity.key is not None:
            key = identity.key
            rest.append(Offer(identity.label, key if certificate is None else (key, certificate)))
    if not target.identities_only:
        offers.keys += [Offer(f"agent key {_comment(plain)}", plain) for _, plain in held.values()]
    offers.keys += rest
    return offers


async def _opened(
    identities: tuple[Identity, ...], source: PasswordSource, ring: KeyRing, held: Collection[bytes]
) -> tuple[Identity, ...]:
    """With the keys of locked files that no agent holds."""
    return tuple(
        [
            await ring.opened(identity, source) if identity.locked and identity.public not in held else identity
            for identity in identities
        ]
    )


def _comment(pair: asyncssh.SSHKeyPair) -> str:
    comment = sanitise(decode(pair.get_comment_bytes() or b""))
    return comment[:60] or pair.algorithm.decode("ascii", "replace")


async def _agent_keys(
    target: SshTarget, offers: Offers
) -> dict[bytes, tuple[asyncssh.SSHKeyPair, asyncssh.SSHKeyPair]]:
    """The agent's keys by their public half, each twice: a certificate changes the object that it is set on."""
    if target.agent is None:
        return {}
    agent = asyncssh.SSHAgentClient(target.agent)
    try:
        async with asyncio.timeout(AGENT_TIMEOUT):
            first, second = await agent.get_keys(), await agent.get_keys()
    except (ValueError, OSError, TimeoutError) as error:
        agent.close()
        reason = "does not answer" if isinstance(error, TimeoutError) else str(error) or "cannot be reached"
        offers.agent_problem = f"the agent {target.agent} gave no keys ({sanitise(reason)[:80]})"
        return {}
    offers.agent = agent
    return {plain.public_data: (pair, plain) for pair, plain in zip(first, second, strict=False)}
