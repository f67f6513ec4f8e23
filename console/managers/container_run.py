"""What a ``docker run`` asks for. Without a name its container is found by that, for the engine makes up the name.

https://docs.docker.com/reference/cli/docker/container/run/
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.managers.containers import Container

WITHIN = 30.0
"""Seconds from the start of a client in which its container is made; where the image is fetched first it is later."""
_EARLY = 2.0
"""Seconds by which a process may seem to have begun late: the kernel tells it by the clock of the boot."""
_FLAGS = frozenset(
    ("--detach", "--disable-content-trust", "--help", "--init", "--interactive", "--no-healthcheck",
     "--oom-kill-disable", "--privileged", "--publish-all", "--quiet", "--read-only", "--rm", "--sig-proxy", "--tty",
     "--use-api-socket")
)  # fmt: skip
"""Those of its options that have no word of their own behind them, and the letters of the short ones."""
_LETTERS = "ditPq"
_port = re.compile(r"(?:\S+:)?(?P<port>[0-9]{1,5}):[0-9]{1,5}(?:/(?P<protocol>tcp|udp))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the words of one ``run`` say. The environment and the command of the container are not kept."""

    image: str
    since: float
    """When the client began, in Unix seconds."""
    name: str | None = None
    removed: bool = False
    ports: tuple[tuple[str, int], ...] | None = ()
    """Published ones, as protocol and number, sorted; ``None`` where that is not said in numbers."""

    def is_for(self, container: Container) -> bool:
        """Whether that may be the container it made."""
        made = container.created
        if made is None or not -_EARLY <= made - self.since <= WITHIN:
            return False
        wants = tuple(sorted({(one.protocol, one.port) for one in container.wants}))
        same = (container.image, container.removed) == (self.image, self.removed)
        return same and (self.ports is None or self.ports == wants)


def asked(words: Sequence[str], since: float) -> Asked | None:
    """Read the words behind ``run``; ``None`` where they name no image."""
    options: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            removed = any(name == "--rm" and value != "false" for name, value in options)
            ports = _ports([value for name, value in options if name in ("-p", "--publish")])
            named = next((value for name, value in reversed(options) if name == "--name"), None)
            return Asked(word, since, named, removed, ports)
        name, is_set, value = word.partition("=")
        if not word.startswith("--"):
            name, value = _short(word)
            is_set = value
        flag = name in _FLAGS or name[1:] in _LETTERS
        options.append((name, value if is_set or flag else next(rest, "")))
    return None


def _short(word: str) -> tuple[str, str]:
    """The last option of ``-dp80:80`` with what stands behind it; those in front have no word of their own."""
    for at, letter in enumerate(word[1:], start=1):
        if letter not in _LETTERS:
            return f"-{letter}", word[at + 1 :].removeprefix("=")
    return word[:2], ""


def _ports(told: Sequence[str]) -> tuple[tuple[str, int], ...] | None:
    """What the engine is to choose promises no port, and is none of those that a container wants."""
    found = set()
    for one in told:
        match = _port.fullmatch(one)
        if match is not None:
            found.add((match["protocol"] or "tcp", int(match["port"])))
        elif not re.fullmatch(r"[0-9]{1,5}(?:/(?:tcp|udp))?", one):
            return None
    return tuple(sorted(found))
