"""Asking a probe without the probe shell: its script as a function of a fresh shell, on this machine or a lab host."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from console.core.probe import Probe
from console.core.text import decode, sanitise
from console.remote.probe_program import ECHO
from tests.lab import Host, Lab

T = TypeVar("T")
MARK = "--- answer ---"
SHELLS = ("dash", "bash", "busybox sh")


class RefusedError(AssertionError):
    """The script ended with a status other than 0; the text is what it said on standard error."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Way:
    """How to get to a shell: as which words it is started."""

    words: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    longest: float = 60
    """Seconds."""

    def output(self, probe: Probe[object], *args: str, shell: str = "sh") -> str:
        """What the script prints, as the remote layer would give it to the parser."""
        call = " ".join(("f", *map(shlex.quote, args)))
        # After the mark, because a login's start files may print anything before.
        answer = f"x=$({call})\nr=$?\nprintf %s%s '{MARK}' \"$x\"\nexit $r\n"
        program = f"{ECHO}f() {{\n{probe.script.strip()}\n}}\n{answer}"
        done = subprocess.run(
            [*self.words, f"env LC_ALL=C {shell}"] if len(self.words) > 1 else ["env", "LC_ALL=C", *shell.split()],
            input=program.encode(),
            capture_output=True,
            timeout=self.longest,
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise RefusedError(decode(done.stderr).strip(), done.returncode)
        return sanitise(decode(done.stdout.partition(MARK.encode())[2]))

    def ask(self, probe: Probe[T], *args: str, shell: str = "sh") -> T:
        """The answer, parsed."""
        return probe.parse(self.output(probe, *args, shell=shell))


HERE = Way(("sh",))


def over_ssh(lab: Lab, host: Host, user: str = "root") -> Way:
    """A real login of that user, with its groups, its session and its start files."""
    return Way(("ssh", "-F", str(lab.ssh_config(user)), host.name))


def in_words(value: object) -> Sequence[object]:
    """The parts of an answer, one each."""
    return value if isinstance(value, tuple) else (value,)
