"""Which algorithms are offered to a server, and the keys of known_hosts in the SSH library's form."""

import base64
import fnmatch
from collections.abc import Callable, Sequence
from functools import lru_cache

import asyncssh
from asyncssh.encryption import get_default_encryption_algs, get_encryption_algs
from asyncssh.kex import get_default_kex_algs, get_kex_algs
from asyncssh.mac import get_default_mac_algs, get_mac_algs
from asyncssh.public_key import (
    get_certificate_algs,
    get_default_certificate_algs,
    get_default_public_key_algs,
    get_public_key_algs,
)

from console.remote.host_keys import KnownKey, Trust
from console.remote.ssh_config import SshTarget
from console.remote.transport import TransportError

COMPRESSION = ("zlib@openssh.com", "none")
"""A tick's answer repeats most of the last one: the dictionary that zlib keeps between packets saves 95 % of it."""

_FAST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""A quarter of the CPU of ChaCha20, which would be negotiated otherwise."""


def algorithms(target: SshTarget, trust: Trust) -> dict[str, Sequence[str]]:
    """Return the arguments of ``asyncssh.connect`` that choose algorithms; raises ``TransportError``."""
    ciphers = (*_FAST, *(name for name in _names(get_default_encryption_algs) if name not in _FAST))
    chosen: dict[str, Sequence[str]] = {
        "compression_algs": COMPRESSION,
        "encryption_algs": _choose("Ciphers", target.ciphers, ciphers, get_encryption_algs),
        "kex_algs": _choose("KexAlgorithms", target.key_exchanges, _names(get_default_kex_algs), get_kex_algs),
        "mac_algs": _choose("MACs", target.macs, _names(get_default_mac_algs), get_mac_algs),
        "server_host_key_algs": _host_key_algorithms(target, trust),
    }
    if target.signature_algorithms is not None:
        option, default = "PubkeyAcceptedAlgorithms", _names(get_default_public_key_algs)
        chosen["signature_algs"] = _choose(option, target.signature_algorithms, default, get_public_key_algs)
    return chosen


def public_keys(known: Sequence[KnownKey]) -> list[asyncssh.SSHKey]:
    """Decode known keys; those of kinds that the library does not know are left out."""
    keys = (_decode(entry.kind, entry.blob) for entry in known)
    return [key for key in keys if key is not None]


def _host_key_algorithms(target: SshTarget, trust: Trust) -> Sequence[str]:
    """The kinds that are known of the host first, as ssh does: a server with several keys then shows a known one."""
    certificates = _names(get_default_certificate_algs) if trust.authorities else ()
    plain = _names(get_default_public_key_algs)
    if target.host_key_algorithms is not None:
        every = lambda: get_certificate_algs() + get_public_key_algs()  # noqa: E731
        return _choose("HostKeyAlgorithms", target.host_key_algorithms, (*certificates, *plain), every)
    first = [
        algorithm.decode("ascii")
        for key in public_keys(trust.keys + trust.portless)
        for algorithm in key.sig_algorithms
        if algorithm.decode("ascii") in plain
    ]
    return tuple(dict.fromkeys((*certificates, *first, *plain)))


def _choose(
    option: str, wanted: str | None, default: Sequence[str], possible: Callable[[], list[bytes]]
) -> Sequence[str]:
    """Apply an option of ssh_config(5) to the default: a list, or one that begins with ``+``, ``-`` or ``^``."""
    if wanted is None:
        return default
    sign, names = (wanted[0], wanted[1:]) if wanted[0] in "+-^" else ("", wanted)
    listed = names.split(",")
    if sign == "-":
        chosen = [name for name in default if not any(fnmatch.fnmatchcase(name, pattern) for pattern in listed)]
    else:
        known = _names(possible)
        ours = [name for pattern in listed for name in known if fnmatch.fnmatchcase(name, pattern)]
        chosen = {"": ours, "+": [*default, *ours], "^": [*ours, *default]}[sign]
    if not chosen:
        raise TransportError("config", f"{option} {wanted[:100]} leaves no algorithm that hostdeck has", retry=False)
    return tuple(dict.fromkeys(chosen))


@lru_cache(maxsize=16)
def _names(list_them: Callable[[], list[bytes]]) -> tuple[str, ...]:
    return tuple(name.decode("ascii") for name in list_them())


@lru_cache(maxsize=4096)
def _decode(kind: str, blob: bytes) -> asyncssh.SSHKey | None:
    try:
        return asyncssh.import_public_key(f"{kind} {base64.b64encode(blob).decode('ascii')}")
    except (asyncssh.KeyImportError, ValueError):
        return None
