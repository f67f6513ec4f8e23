"""Debian packages: what this machine must have for the lab, and where it gets them from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .locks import locked

SOURCES = Path("/etc/apt")
SUITE = "bookworm"
APT_LOCK = Path("/run/hostdeck-lab.apt")
DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# A program the lab runs on this machine -> the Debian package it comes from.
TOOLS: dict[str, str] = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "tc": "iproute2",
    "iptables": "iptables",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "mount": "mount",
    "tmux": "tmux",
    "gpgv": "gpgv",
}


class LabError(RuntimeError):
    """The lab could not do what was asked; the message says what and why."""


def say(text: str) -> None:
    """Report progress on stderr."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def why_not() -> str | None:
    """Why no lab can run on this machine in one line, or None when it can."""
    if not sys.platform.startswith("linux"):
        return f"the lab needs Linux (this is {sys.platform})"
    if os.geteuid() != 0:
        return "the lab needs root: it makes network namespaces and mounts"
    if "debian" not in _os_release_ids() or shutil.which("apt-get") is None:
        return "the lab needs Debian: its hosts are made with debootstrap from the configured mirror"
    return None


def _os_release_ids() -> set[str]:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return set()
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {fields.get("ID", "").strip('"')}


def find_tool(program: str) -> str | None:
    """The path of a program, looking in the system directories also when PATH lacks them."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def ensure_tools(extra: Iterable[tuple[str, str]] = ()) -> None:
    """Install the Debian packages of those programs that are missing here."""
    wanted = {**TOOLS, **dict(extra)}
    if not _missing(wanted):
        return
    # apt itself does not wait for another one.
    with locked(APT_LOCK, "waiting for another run to install packages"):
        missing = _missing(wanted)
        if missing:
            apt_install(missing)


def _missing(wanted: Mapping[str, str]) -> list[str]:
    found = sorted({package for program, package in wanted.items() if find_tool(program) is None})
    return found if DEBIAN_KEYRING.exists() else [*found, "debian-archive-keyring"]


def apt_install(packages: list[str]) -> None:
    """Install packages on this machine with apt-get, refreshing the lists first."""
    say(f"installing {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", "update"], env=environment, stdout=sys.stderr, check=False)
    done = subprocess.run(
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
        env=environment,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise LabError(f"apt-get could not install {' '.join(packages)} (exit {done.returncode})")


def debian_mirror(root: Path = SOURCES) -> str:
    """The address of the Debian mirror this machine is configured to use."""
    keep = {"main"}
    for uri, suites, components in _entries(root):
        if keep & set(components) and any(_is_debian_suite(suite) for suite in suites):
            return uri
    raise LabError(f"no Debian mirror is configured under {root}")


def _is_debian_suite(suite: str) -> bool:
    return suite in {"bookworm", "trixie", "forky", "stable", "oldstable", "testing", "sid", "unstable"}


def _entries(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each (uri, suites, components) of every apt source, in both file formats."""
    for file in [root / "sources.list", *sorted((root / "sources.list.d").glob("*"))]:
        if file.suffix == ".sources":
            yield from _stanzas(file.read_text(encoding="utf-8"))
        elif file.suffix == ".list" and file.exists():
            yield from _lines(file.read_text(encoding="utf-8"))


def _stanzas(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in plain.split("\n\n"):
        fields: dict[str, list[str]] = {}
        for line in stanza.splitlines():
            key, separator, value = line.partition(":")
            if separator and not line[:1].isspace():
                fields[key.strip().lower()] = value.split()
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
            for uri in fields.get("uris", []):
                yield uri, fields.get("suites", []), fields.get("components", [])


def _lines(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0] != "deb":
            continue
        words = words[1:]
        if words and words[0].startswith("["):
            while words and not words[0].endswith("]"):
                words.pop(0)
            words = words[1:]
        if len(words) >= 3:
            yield words[0], [words[1]], words[2:]
