"""A layer over the base image: Debian packages that only a few hosts have, so that the image stays as it is for all.

It is named by the image and the packages, built once beside its final place and renamed there, like the image itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .image import base_image, cache_directory
from .locks import locked
from .packages import DEBIAN_KEYRING, SUITE, LabError, debian_mirror, say


def layer(packages: Sequence[str]) -> Path:
    """The upper directory with these packages and what they need; builds it first when there is none."""
    base = base_image()
    place = base.parent.with_name(f"{base.parent.name}-{'-'.join(sorted(packages))}")
    if not place.is_dir():
        with locked(cache_directory() / "image.lock", "another run is building the image; waiting for it"):
            if not place.is_dir():
                _build(base, place, packages)
    os.utime(place)  # in use: not to be pruned
    return place / "upper"


def _build(base: Path, place: Path, packages: Sequence[str]) -> None:
    began = time.monotonic()
    work = place.with_name(f"building-{os.getpid()}")
    for part in ("upper", "work", "root", "lists/partial", "archives/partial"):
        (work / part).mkdir(parents=True)
    root = work / "root"
    options = f"lowerdir={base},upperdir={work / 'upper'},workdir={work / 'work'}"
    try:
        _do(work, "mount", "-t", "overlay", "overlay", "-o", options, str(root))
        try:
            _fetch(work, root, packages)
            (root / "var/tmp/layer").mkdir()
            for archive in (work / "archives").glob("*.deb"):
                archive.rename(work / "upper/var/tmp/layer" / archive.name)
            script = "dpkg --install /var/tmp/layer/*.deb && rm -r /var/tmp/layer"
            _do(work, "chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", script)
        finally:
            subprocess.run(["umount", str(root)], capture_output=True, check=False)
        for part in ("lists", "archives", "work", "root"):
            shutil.rmtree(work / part)
        work.rename(place)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    say(f"layer with {' '.join(packages)} built in {time.monotonic() - began:.0f} s")


def _fetch(work: Path, root: Path, packages: Sequence[str]) -> None:
    """Download what the root lacks, with this machine's apt and nothing of its state."""
    say(f"fetching {' '.join(packages)} and what they need")
    sources = work / "sources.list"
    sources.write_text(f"deb [signed-by={DEBIAN_KEYRING}] {debian_mirror()} {SUITE} main\n", encoding="utf-8")
    places = {
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::State::lists": work / "lists",
        "Dir::Cache::archives": work / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in places.items() for word in ("-o", f"{name}={value}"))]
    _do(work, *apt, "update")
    _do(work, *apt, "install", "--yes", "--no-install-recommends", "--download-only", *packages)


def _do(work: Path, *argv: str) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise LabError(f"in {work}, {argv[0]} failed (exit {done.returncode}):\n{tail}")
