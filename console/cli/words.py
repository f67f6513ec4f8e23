"""Whether a first word that is no command can be meant as a host."""

import glob
from collections.abc import Iterator
from pathlib import Path

from console.cli.registry import MODULES
from console.config.kinds import is_destination

_SSH_LIMIT = 256 * 1024


def doubt(word: str, argv: list[str]) -> str | None:
    """Why the word is taken neither for a command nor for a host, with what was probably meant; ``None`` when it is."""
    import difflib

    begun = [name for name in sorted(MODULES) if len(word) > 1 and name.startswith(word)]
    near = begun or difflib.get_close_matches(word, sorted(MODULES), n=1, cutoff=0.7)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    if "/" in word.removeprefix("ssh://"):
        return f"{word!r} names a service: try `hostdeck why {word}` or `hostdeck logs {word}`"
    if not is_destination(word):
        return f"{word!r} is neither a command nor a host{meant} (hostdeck --help lists the commands)"
    if not near or set(word) & set(".@:") or word in known_hosts(argv):
        return None
    return f"{word!r} is no command and no known host{meant} For a host of that name: hostdeck -- {word}"


def known_hosts(argv: list[str]) -> set[str]:
    """Names that the configuration or the ssh configuration knows. Files that cannot be read name none."""
    from console.config.mistakes import ConfigError
    from console.config.places import read

    try:
        config = read(_value(argv, "--config"))
    except ConfigError:
        return set()
    configured = {host.name for host in config.hosts} | set(config.groups)
    ssh_config = _value(argv, "-F") or _value(argv, "--ssh-config") or config.ssh.config or "~/.ssh/config"
    return configured | set(ssh_aliases(Path(ssh_config).expanduser()))


def ssh_aliases(path: Path, depth: int = 0) -> Iterator[str]:
    """The plain names of ``Host`` lines, also those of included files; patterns are passed over."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            lines = stream.read(_SSH_LIMIT).splitlines()
    except OSError:
        return
    for line in lines:
        keyword, *values = line.replace("=", " ", 1).split() or [""]
        if keyword.lower() == "host":
            yield from (value for value in values if not set(value) & set('*?!"') and is_destination(value))
        elif keyword.lower() == "include" and depth < 4:
            for value in values:
                place = Path(value.strip('"')).expanduser()
                place = place if place.is_absolute() else Path("~/.ssh").expanduser() / place
                for included in sorted(glob.glob(str(place))):  # noqa: PTH207 - an absolute pattern
                    yield from ssh_aliases(Path(included), depth + 1)


def _value(argv: list[str], option: str) -> str | None:
    for index, word in enumerate(argv):
        if word == option and index + 1 < len(argv):
            return argv[index + 1]
        if word.startswith(f"{option}=") and option.startswith("--"):
            return word.partition("=")[2]
        if option == "-F" and word.startswith("-F") and len(word) > 2:
            return word[2:]
    return None
