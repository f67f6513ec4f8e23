"""One lab host: a whole Debian with its own systemd, sshd, journal, address and users."""

from __future__ import annotations

import secrets
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.patience import SHARED

from . import execute
from .container import Container, Setup
from .image import USERS
from .keys import Endpoint, Keys, new_key
from .network import Network
from .packages import LabError
from .record import Record, mounts_below

SERVICE = Path(__file__).with_name("service")
# What `oncall` may do with sudo unless a test says otherwise: the narrow rules of a real rota.
ONCALL_COMMANDS: tuple[str, ...] = tuple(
    f"/usr/bin/systemctl {verb} {unit}"
    for unit in ("api.service", "nginx.service")
    for verb in ("start", "stop", "restart", "reload", "reset-failed")
)


class CommandError(LabError):
    """A command inside a host ended with a status other than 0."""

    def __init__(self, host: str, argv: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
        self.done = done
        said = (done.stderr or done.stdout).strip()
        super().__init__(f"{host}: {shlex.join(argv)}: exit {done.returncode}: {said}")


class Host:
    """A host of the lab. Made by `Lab.boot`."""

    def __init__(
        self, name: str, record: Record, network: Network, keys: Keys, base: Path, store: Path, *,
        docker: bool = False, sshd_config: str = "", sudo: Sequence[str] = ONCALL_COMMANDS,
        nspawn: Sequence[str] = (), layer: Path | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.layer = layer
        self.docker = docker
        self.port = 22
        self.directory = record.directory / name
        self.directory.mkdir(mode=0o755)
        self.root = store / name / "root"
        self.keys, self.record, self._network = keys, record, network
        self._make_root(base, store / name)
        self._furnish(sshd_config, sudo)
        self.link = network.attach()
        self.address = self.link.address
        self._write_hosts()
        self.container = Container(self._setup(nspawn), record, self.directory)

    def wait_ready(self, boots: int = 1) -> None:
        """Wait until the host is up and its sshd answers."""
        self.container.wait_ready(boots)
        wait_for_banner(self.address, self.port)
        if self.docker:
            self.run(["systemctl", "start", "docker.service"], timeout=60)

    @property
    def endpoint(self) -> Endpoint:
        """Where the host is reached, and the key it shows."""
        public = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8")
        return Endpoint(self.name, self.address, self.port, public)

    @property
    def leader(self) -> int:
        """The process id of the host's PID 1, as seen from outside."""
        return self.container.leader

    def run(
        self, argv: Sequence[str], check: bool = True, user: str | None = None, timeout: float = 30,
        stdin: str | bytes | None = None, environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a program in the host, without its sshd, as root or as the named user."""
        full = [*self._becoming(user), *argv] if user else argv
        line = execute.entering(self.leader, self.container.cgroup, full)
        done = execute.run(line, stdin, SHARED * timeout, environment)
        if check and done.returncode:
            raise CommandError(self.name, argv, done)
        return done

    def sh(self, script: str, check: bool = True, user: str | None = None, timeout: float = 30) -> str:
        """Run a shell script in the host and return what it printed."""
        return self.run(["sh", "-euc", script], check=check, user=user, timeout=timeout).stdout

    def write(self, path: str, text: str | bytes, mode: int = 0o644, owner: str | None = None) -> None:
        """Put a file into the running host in one step, with its mode and owner."""
        script = (
            'mkdir -p "$(dirname "$1")"; umask 077; new="$1.$4"; cat >"$new"; chmod "$2" "$new"; '
            'if [ -n "$3" ]; then chown "$3" "$new"; fi; mv -T "$new" "$1"'
        )
        argv = ["sh", "-euc", script, "sh", path, f"{mode:o}", owner or "", secrets.token_hex(3)]
        self.run(argv, stdin=text)

    def read(self, path: str) -> str:
        """The text of a file of the host."""
        return self.run(["cat", "--", path]).stdout

    def unit(self, name: str, text: str, start: bool = True) -> None:
        """Install a systemd unit, and start it unless told not to (a failing start is an error)."""
        self.write(f"/etc/systemd/system/{name}", text)
        self.run(["systemctl", "daemon-reload"])
        if start:
            self.run(["systemctl", "start", "--", name])

    def sudoers(self, user: str, commands: Sequence[str], password: bool = False) -> None:
        """Allow a user these commands with sudo and no others; no commands means no sudo at all."""
        if self.container.boots:
            self.write(f"/etc/sudoers.d/{user}", sudoers_text(user, commands, password), mode=0o440)
        else:
            put(self.root / f"etc/sudoers.d/{user}", sudoers_text(user, commands, password), 0o440)

    def install_api(self, name: str = "api", port: int = 8080, unit_extra: str = "", start: bool = True) -> None:
        """Install the lab's web service as /srv/NAME/api.py with a unit NAME.service.

        `unit_extra` goes into the unit's [Service] section. Whether it came up is not waited for.
        """
        home = f"/srv/{name}"
        self.write(f"{home}/api.py", (SERVICE / "api.py").read_text(encoding="utf-8"), mode=0o755)
        self.run(["install", "-d", "-o", "deploy", "-g", "adm", "-m", "2750", f"/var/log/{name}"])
        text = (SERVICE / "api.service").read_text(encoding="utf-8")
        text = text.replace("@NAME@", name).replace("@PORT@", str(port)).replace("# @EXTRA@", unit_extra)
        self.unit(f"{name}.service", text, start=start)

    def wait(self, script: str, timeout: float = 15) -> None:
        """Wait until a shell script, tried again and again in the host, ends with 0."""
        end = time.monotonic() + SHARED * timeout
        pause = 0.05  # longer from try to try, and as long as a try: what it costs in CPU the other hosts need
        while True:
            began = time.monotonic()
            done = self.run(["sh", "-euc", script], check=False)
            took = time.monotonic() - began
            if done.returncode == 0:
                return
            if time.monotonic() > end:
                raise LabError(
                    f"{self.name}: after {SHARED * timeout} s still not true: {script}\n{done.stdout}{done.stderr}"
                )
            time.sleep(max(pause, min(took, 1.0)))
            pause = min(1.3 * pause, 0.3)

    def noisy_shell(self, user: str, delay: float = 0.2, locale: str = "de_DE.UTF-8") -> None:
        """Give a user the start-up file of one's nightmares: it prints, it is slow, it is German."""
        text = f"echo 'Welcome to {self.name}!'\necho 'motd: maintenance on Sunday' >&2\nsleep {delay}\n"
        text += f"export LANG={locale} LC_ALL={locale}\nprintf '\\033]0;{self.name}\\007'\n"
        home = "/root" if user == "root" else f"/home/{user}"
        self.write(f"{home}/.bashrc", text, owner=f"{user}:{user}")

    def boot_id(self) -> str:
        """The kernel's boot id as the host sees it; another one after each reboot."""
        return self.read("/proc/sys/kernel/random/boot_id").strip()

    def reboot(self) -> None:
        """Restart the host in an orderly way and wait until it is back."""
        boots = self.container.boots
        self.run(["systemctl", "reboot"], check=False)
        self.wait_ready(boots + 1)

    def stop(self) -> None:
        """Pull the plug and remove the host: its processes, its mount, its network, its files."""
        self.container.kill()
        self.keys.remove(self.name)
        self._network.detach(self.link)
        for point in reversed(mounts_below(self.root)):
            subprocess.run(["umount", point], capture_output=True, check=False)
        if not mounts_below(self.root.parent):
            shutil.rmtree(self.root.parent, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _becoming(self, user: str) -> list[str]:
        """The words before a command line that make it run as a user."""
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env", "--"]

    def _setup(self, nspawn: Sequence[str]) -> Setup:
        binds = (f"{self.root.with_name('docker')}:/var/lib/docker",) if self.docker else ()
        return Setup(self.name, self.link.namespace, self.root, binds, self.docker, ("--boot",), tuple(nspawn))

    def _make_root(self, base: Path, store: Path) -> None:
        """Give the host a root file system of its own: a writable layer over the image."""
        for part in ("root", "upper", "work", "docker"):
            (store / part).mkdir(parents=True)
        self.record.add("mount", path=str(self.root))
        lower = base if self.layer is None else f"{self.layer}:{base}"
        options = f"lowerdir={lower},upperdir={store / 'upper'},workdir={store / 'work'}"
        argv = ["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{shlex.join(argv)}: {done.stderr.strip()}")

    def _furnish(self, sshd_config: str, sudo: Sequence[str]) -> None:
        """Give the host what makes it itself, before it starts."""
        etc = self.root / "etc"
        put(etc / "machine-id", secrets.token_hex(16) + "\n")
        put(etc / "hostname", self.name + "\n")
        new_key(etc / "ssh/ssh_host_ed25519_key", f"root@{self.name}")
        put(etc / "ssh/sshd_config.d/10-lab.conf", f"PermitRootLogin prohibit-password\n{sshd_config}\n")
        homes = [
            ("root", 0, "/root"),
            *((name, uid, home) for name, uid, home, shell in USERS if "nologin" not in shell),
        ]
        for _, uid, home in homes:
            put(self.root / home[1:] / ".ssh/authorized_keys", self.keys.public + "\n", 0o600, uid)
        put(etc / "sudoers.d/oncall", sudoers_text("oncall", sudo), 0o440)

    def _write_hosts(self) -> None:
        lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost", f"{self.address} {self.name}"]
        put(self.root / "etc/hosts", "\n".join(lines) + "\n")


def sudoers_text(user: str, commands: Sequence[str], password: bool = False) -> str:
    """A sudoers file for one user and these commands."""
    tag = "" if password else "NOPASSWD: "
    return "".join(f"{user} ALL=(root) {tag}{command}\n" for command in commands) or f"# nothing for {user}\n"


def wait_for_banner(address: str, port: int, timeout: float = 20) -> str:
    """Wait until an SSH server at an address says hello."""
    end = time.monotonic() + SHARED * timeout
    while True:
        try:
            with socket.create_connection((address, port), timeout=2) as connection:
                banner = connection.recv(64)
            if banner.startswith(b"SSH-"):
                return banner.decode(errors="replace").strip()
        except OSError:
            pass
        if time.monotonic() > end:
            raise LabError(f"no SSH server answered at {address}:{port} within {SHARED * timeout} s")
        time.sleep(0.02)


def put(path: Path, text: str, mode: int = 0o644, uid: int = 0) -> None:
    """Write a file into the root of a host that has not started yet."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True)
        shutil.chown(path.parent, uid, uid)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    shutil.chown(path, uid, uid)
