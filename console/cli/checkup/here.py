"""This machine: what the console needs around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from console import __version__
from console.cli.checkup.check import Check, no, ok, warning
from console.config.model import Config

SIZE = (80, 24)
"""The smallest terminal that the screens are designed for; 40x15 is usable."""


def checks(config: Config, config_path: Path) -> Iterator[Check]:
    """Every look at this machine, one after the other. Never raises for what it finds."""
    looks: tuple[Callable[[], Check], ...] = (
        _versions,
        lambda: configuration(config, config_path),
        lambda: ssh_config(config),
        lambda: agent(os.environ),
        ssh_program,
        audit_folder,
        lambda: terminal(os.environ),
    )
    for look in looks:
        yield look()


def _versions() -> Check:
    parts = [f"hostdeck {__version__}", f"Python {sys.version.split()[0]}"]
    for name in ("textual", "asyncssh"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return no("installation", f"{name} is not installed", "install hostdeck again with pipx or uv tool")
    return ok("installation", ", ".join(parts))


def configuration(config: Config, path: Path) -> Check:
    """The configuration file; that it is valid is known already."""
    if not path.exists():
        return ok("configuration", f"none at {path}: the defaults hold")
    return ok("configuration", f"{path}: {len(config.hosts)} hosts, {len(config.services)} services")


def ssh_config(config: Config) -> Check:
    """The ssh client configuration."""
    path = Path(config.ssh.config or "~/.ssh/config").expanduser()
    if not path.exists():
        return ok("ssh configuration", f"none at {path}: names are used as they are")
    if not os.access(path, os.R_OK):
        return no("ssh configuration", f"{path} cannot be read by this user", f"chmod u+r {path}")
    return ok("ssh configuration", str(path))


def agent(environ: Mapping[str, str]) -> Check:
    """The ssh agent."""
    socket = environ.get("SSH_AUTH_SOCK")
    if not socket:
        return ok("ssh agent", "none is running: key files only")
    if not Path(socket).is_socket():
        return warning("ssh agent", f"SSH_AUTH_SOCK is {socket}, where no agent listens", "start ssh-agent again")
    program = shutil.which("ssh-add")
    if program is None:
        return ok("ssh agent", "listens; its keys are not listed without ssh-add")
    try:
        listed = subprocess.run([program, "-l"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return warning("ssh agent", "does not answer", "start ssh-agent again")
    if listed.returncode == 0:
        count = len(listed.stdout.splitlines())
        return ok("ssh agent", f"holds {count} {'key' if count == 1 else 'keys'}")
    if listed.returncode == 1:
        return warning("ssh agent", "holds no key", "ssh-add")
    return warning("ssh agent", "does not answer", "start ssh-agent again")


def ssh_program() -> Check:
    """OpenSSH's client: opens a shell on a host, and reads configurations that only it understands."""
    path = shutil.which("ssh")
    if path is None:
        mend = "install openssh-client"
        return warning("ssh program", "not there: no shell on a host, and unusual ssh configurations fail", mend)
    return ok("ssh program", path)


def audit_folder() -> Check:
    """Where what was done is written down. Without it nothing is done."""
    from console.cli.wiring import audit_path

    path = audit_path()
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if path.exists() and not os.access(path, os.W_OK):
        return no("audit trail", f"{path} cannot be written: no change can be made", f"chmod u+w {path}")
    if not os.access(folder, os.W_OK | os.X_OK):
        return no("audit trail", f"{folder} cannot be written: no change can be made", f"chmod u+wx {folder}")
    return ok("audit trail", str(path))


def terminal(environ: Mapping[str, str]) -> Check:
    """What the terminal can show."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ok("terminal", "not on one now: only the commands and their JSON work, not the screens")
    term = environ.get("TERM", "")
    if term in {"", "dumb"}:
        return no("terminal", f"TERM is {term or 'not set'}", "export TERM=xterm-256color")
    columns, rows = shutil.get_terminal_size(SIZE)
    depth = "true colour" if environ.get("COLORTERM") in {"truecolor", "24bit"} else "256 colours"
    depth = depth if "256" in term or depth == "true colour" else "16 colours"
    text = f"{term}, {'no colour (NO_COLOR)' if environ.get('NO_COLOR') else depth}, {columns}x{rows}"
    if "utf" not in (sys.stdout.encoding or "").lower():
        return warning("terminal", f"{text}, encoding {sys.stdout.encoding}: glyphs are missing", "export LANG=C.UTF-8")
    if columns < SIZE[0] or rows < SIZE[1]:
        return warning("terminal", f"{text}: small, columns are left out", f"at least {SIZE[0]}x{SIZE[1]}")
    return ok("terminal", text)
