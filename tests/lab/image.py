"""The base image: one Debian root file system that every lab host is an overlay of.

It is named by what is in it (packages, recipe), built beside its final place and renamed there,
under a lock, so that two test runs share one build.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .locks import locked
from .packages import DEBIAN_KEYRING, SUITE, LabError, debian_mirror, ensure_tools, find_tool, say

_PACKAGES = """
systemd systemd-sysv dbus libpam-systemd openssh-server iproute2 procps sudo lsof ca-certificates gpgv
supervisor nginx-light nodejs docker.io docker-compose prometheus prometheus-node-exporter make git curl
python3 iptables nftables logrotate busybox-static dropbear-bin socat psmisc kubernetes-client faketime locales
"""
PACKAGES = tuple(_PACKAGES.split())
PM2 = "pm2@6"
# Present, but started only by the hosts that want them.
_NOT_ENABLED = """
nginx.service supervisor.service docker.service docker.socket containerd.service prometheus.service
prometheus-node-exporter.service nftables.service
"""
NOT_ENABLED = tuple(_NOT_ENABLED.split())
# No business of a test host: they cost start-up time or wake up in the middle of a test.
_MASKED = """
apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
dpkg-db-backup.timer logrotate.timer console-getty.service getty@tty1.service systemd-udevd.service
systemd-timesyncd.service
"""
MASKED = tuple(_MASKED.split())
# name, uid, home, shell. Fixed numbers: files can be given to them before a host has started.
USERS: tuple[tuple[str, int, str, str], ...] = (
    ("oncall", 1001, "/home/oncall", "/bin/bash"),
    ("nosudo", 1002, "/home/nosudo", "/bin/bash"),
    ("deploy", 990, "/srv", "/usr/sbin/nologin"),
)
ONCALL_GROUPS = "adm,systemd-journal"
LOCALES = ("de_DE", "en_US")
_UNUSED_SECONDS = 14 * 86400
RECIPE = 1  # raise it when the steps below change what comes out


def cache_directory() -> Path:
    """Where images and the hosts' writable layers live (HOSTDECK_LAB_CACHE)."""
    return Path(os.environ.get("HOSTDECK_LAB_CACHE") or "/var/cache/hostdeck-lab")


def image_name() -> str:
    """The name that the current package list and recipe give the image."""
    parts = [SUITE, *sorted(PACKAGES), PM2, *NOT_ENABLED, *MASKED, repr(USERS), ONCALL_GROUPS, *LOCALES, str(RECIPE)]
    return "image-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def base_image() -> Path:
    """The root file system of the base image; builds it first when there is none."""
    rootfs = cache_directory() / image_name() / "rootfs"
    if rootfs.is_dir():
        os.utime(rootfs.parent)  # in use: not to be pruned
        return rootfs
    cache_directory().mkdir(parents=True, exist_ok=True)
    with locked(cache_directory() / "image.lock", "another run is building the image; waiting for it"):
        if not rootfs.is_dir():
            _build(rootfs.parent)
            _prune(rootfs.parent)
    return rootfs


def _prune(keep: Path) -> None:
    """Remove images that no run has used for two weeks."""
    for image in keep.parent.glob("image-*/"):
        if image != keep and image.stat().st_mtime < time.time() - _UNUSED_SECONDS:
            say(f"removing {image.name}, unused for two weeks")
            shutil.rmtree(image, ignore_errors=True)


def _build(target: Path) -> None:
    """Build the image in a directory beside the target and rename it into place."""
    began = time.monotonic()
    ensure_tools()
    for stale in target.parent.glob("building-*"):
        shutil.rmtree(stale, ignore_errors=True)  # we hold the lock: nobody is building there
    work = target.parent / f"building-{os.getpid()}"
    rootfs = work / "rootfs"
    rootfs.mkdir(parents=True)
    try:
        _debootstrap(rootfs, target.parent / "packages")
        _install_pm2(rootfs)
        _configure(rootfs)
        seconds = round(time.monotonic() - began)
        facts = {"suite": SUITE, "packages": sorted(PACKAGES), "recipe": RECIPE, "seconds": seconds}
        (work / "image.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    say(f"image {target.name} built in {seconds} s")


def _debootstrap(rootfs: Path, downloads: Path) -> None:
    downloads.mkdir(exist_ok=True)
    say(f"debootstrap of {len(PACKAGES)} packages and what they need (a minute or two)")
    log = rootfs.parent / "debootstrap.log"
    argv = [
        find_tool("debootstrap") or "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        f"--cache-dir={downloads}",
        f"--keyring={DEBIAN_KEYRING}",
        SUITE,
        str(rootfs),
        debian_mirror(),
    ]
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
    if done.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise LabError(f"debootstrap failed (exit {done.returncode}):\n{tail}")


def _install_pm2(rootfs: Path) -> None:
    """Install pm2 out here, where npm works, and copy it in: it runs on Debian's own Node."""
    say(f"installing {PM2} with npm")
    ensure_tools([("npm", "npm"), ("node", "nodejs")])
    prefix = rootfs.parent / "pm2"
    prefix.mkdir()
    argv = ["npm", "install", "--no-audit", "--no-fund", "--no-progress", "--ignore-scripts", PM2]
    done = subprocess.run(argv, cwd=prefix, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        raise LabError(f"npm install {PM2} failed (exit {done.returncode})")
    home = rootfs / "opt/pm2"
    home.mkdir(parents=True)
    shutil.move(prefix / "node_modules", home / "node_modules")
    shutil.rmtree(prefix)
    (rootfs / "usr/local/bin/pm2").symlink_to("/opt/pm2/node_modules/pm2/bin/pm2")


def _configure(rootfs: Path) -> None:
    """Users, services, locales; nothing in it that two hosts must not share (keys, machine id)."""
    say("configuring the image")
    for name, uid, home, shell in USERS:
        keep_home = ["--no-create-home"] if home == "/srv" else ["--create-home"]
        _inside(rootfs, "useradd", f"--uid={uid}", "--user-group", f"--home-dir={home}", *keep_home,
                f"--shell={shell}", name)  # fmt: skip
    _inside(rootfs, "usermod", f"--groups={ONCALL_GROUPS}", "--append", "oncall")
    for name in LOCALES:
        _inside(rootfs, "localedef", "-i", name, "-f", "UTF-8", f"{name}.UTF-8")
    _inside(rootfs, "systemctl", "disable", *NOT_ENABLED)
    _inside(rootfs, "systemctl", "mask", *MASKED)
    for key in (rootfs / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for file in ("etc/machine-id", "var/lib/dbus/machine-id", "etc/hostname"):
        (rootfs / file).unlink(missing_ok=True)
    (rootfs / "etc/resolv.conf").unlink(missing_ok=True)
    (rootfs / "etc/resolv.conf").write_text("# lab hosts have no name server\n", encoding="utf-8")
    for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*", "var/log/*.log"):
        for file_path in rootfs.glob(pattern):
            file_path.unlink()


def _inside(rootfs: Path, *argv: str) -> None:
    done = subprocess.run(["chroot", str(rootfs), *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"in the image, {' '.join(argv)} failed: {(done.stderr or done.stdout).strip()}")
