"""The settings of a host as the ``ssh`` program sees them (``ssh -G``): for what only it can work out."""

import asyncio
import os
import pwd
from pathlib import Path

from console.core.text import decode, sanitise
from console.remote.ssh_config_file import ConfigFileError, Settings

TIMEOUT = 5.0
"""Seconds. ``Match exec`` runs programs of the user."""

_ALGORITHMS = frozenset(
    {"hostkeyalgorithms", "kexalgorithms", "ciphers", "macs", "pubkeyacceptedalgorithms", "casignaturealgorithms"}
)
_SPLIT = frozenset({"userknownhostsfile", "globalknownhostsfile"})

_defaults: dict[str, str] = {}


async def ask_client(host: str, user: str | None, port: int | None, config: str | None, reason: str) -> Settings:
    """Ask ``ssh -G``; raises ``ConfigFileError``. ``reason`` is what made it necessary."""
    words = ["-l", user] if user is not None else []
    words += ["-p", str(port)] if port is not None else []
    if config is not None:
        words += ["-F", config]
    elif (own := _unusual_config()) is not None:
        words += ["-F", str(own)]
    lines = await _ask([*words, "--", host], reason)
    # ssh prints every algorithm that it knows, and those are not the SSH library's: only what the user chose counts.
    if not _defaults:
        _defaults.update(await _ask(["-F", os.devnull, "--", host], reason))
    settings = Settings(host)
    where = f"ssh -G {host}"
    for option, value in lines:
        if option in _ALGORITHMS and _defaults.get(option) == value:
            continue
        settings.add(option, tuple(value.split()) if option in _SPLIT else (value,), where)
    return settings


def _unusual_config() -> Path | None:
    """The user's file where ``HOME`` is not the home of the password database, in which ``ssh`` looks."""
    home = Path.home()
    try:
        usual = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        usual = home
    own = home / ".ssh" / "config"
    return own if home != usual and own.is_file() else None


async def _ask(words: list[str], reason: str) -> list[tuple[str, str]]:
    try:
        process = await asyncio.create_subprocess_exec(
            "ssh",
            "-G",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        raise ConfigFileError(f"{reason} needs the ssh program, which is not there: install openssh-client") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise ConfigFileError(f"ssh -G did not answer within {TIMEOUT:.0f} s ({reason})") from None
    if process.returncode != 0:
        said = sanitise(decode(err)).strip().splitlines()
        raise ConfigFileError(said[0][:300] if said else f"ssh -G ended with {process.returncode}")
    pairs = (line.partition(" ") for line in decode(out).splitlines())
    return [(option.lower(), value) for option, _, value in pairs if value]
