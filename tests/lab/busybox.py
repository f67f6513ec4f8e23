"""A host that is hardly one: busybox as init and tools, dropbear as SSH server, no systemd, no python."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .container import Setup
from .host import Host, put
from .image import USERS
from .keys import Endpoint
from .packages import LabError

_KEY = "/etc/dropbear/host_key"
_INITTAB = """::sysinit:/bin/mkdir -p /run /var/run
::respawn:/usr/sbin/dropbear -F -E -s -p 22 -r /etc/dropbear/host_key
::shutdown:/bin/kill -TERM -1
"""


class BusyboxHost(Host):
    """A small appliance: `lab.boot("box1", kind=BusyboxHost)`. No sudo, no journal, no service manager."""

    @property
    def endpoint(self) -> Endpoint:
        """Where the host is reached, and the key it shows."""
        said = _inside(self.root, "/usr/bin/dropbearkey", "-y", "-f", _KEY)
        public = next(line for line in said.splitlines() if line.startswith("ssh-ed25519 "))
        return Endpoint(self.name, self.address, self.port, public)

    def reboot(self) -> None:
        """Not offered: such a host is switched off and on."""
        raise LabError("a busybox host cannot be rebooted; stop it and boot another")

    def _becoming(self, user: str) -> list[str]:
        return ["su", "-s", "/bin/sh", "-c", 'exec "$@"', "--", user, "sh"]

    def _setup(self, nspawn: Sequence[str]) -> Setup:
        return Setup(self.name, self.link.namespace, self.root, init=("/sbin/init",), extra=tuple(nspawn))

    def _make_root(self, base: Path, store: Path) -> None:
        for part in ("bin", "sbin", "usr/bin", "usr/sbin", "etc/dropbear", "tmp", "var/log", "dev", "proc", "sys"):
            (self.root / part).mkdir(parents=True)
        (self.root / "tmp").chmod(0o1777)
        for program in ("/bin/busybox", "/usr/sbin/dropbear", "/usr/bin/dropbearkey"):
            for file in (program, *_libraries(base, program)):
                if not (self.root / file[1:]).exists():
                    (self.root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2((base / file[1:]).resolve(), self.root / file[1:])
        _inside(self.root, "/bin/busybox", "--install", "-s", "/bin")
        (self.root / "sbin/init").symlink_to("/bin/busybox")

    def _furnish(self, sshd_config: str, sudo: Sequence[str]) -> None:
        etc = self.root / "etc"
        people = [("root", 0, "/root", "/bin/sh"), *((name, uid, home, "/bin/sh") for name, uid, home, _ in USERS)]
        put(etc / "passwd", "".join(f"{name}:x:{uid}:{uid}::{home}:{shell}\n" for name, uid, home, shell in people))
        put(etc / "group", "".join(f"{name}:x:{uid}:\n" for name, uid, _, _ in people))
        put(etc / "shells", "/bin/sh\n")
        put(etc / "hostname", f"{self.name}\n")
        put(etc / "inittab", _INITTAB)
        _inside(self.root, "/usr/bin/dropbearkey", "-t", "ed25519", "-f", _KEY)
        for name, uid, home, _ in people:
            if name != "deploy":
                put(self.root / home[1:] / ".ssh/authorized_keys", self.keys.public + "\n", 0o600, uid)
                shutil.chown(self.root / home[1:], uid, uid)


def _libraries(base: Path, program: str) -> list[str]:
    """The shared libraries a program of the image needs, by its own loader's account; none for a static one."""
    done = subprocess.run(["chroot", str(base), "ldd", program], capture_output=True, text=True, check=False)
    return [word for line in done.stdout.splitlines() for word in line.split() if word.startswith("/")]


def _inside(root: Path, *argv: str) -> str:
    done = subprocess.run(["chroot", str(root), *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"in the busybox root, {' '.join(argv)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
