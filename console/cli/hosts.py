"""From the configuration and the words of a command line to the hosts they mean."""

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.errors import CliError
from console.cli.same_machine import plain, same_machine
from console.config.kinds import is_destination
from console.config.model import Config, HostConfig, SshConfig
from console.core.password import PasswordSource
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from argparse import Namespace

SSH_CONFIG = "HOSTDECK_SSH_CONFIG"
"""Names an ssh configuration where no option does."""

_WITH_PORT = r"[^:@/]*:\d+"
"""What reads like a port of interest and, taken for one of sshd, would be waited for in vain."""

HERE = "localhost"
"""What this machine is called where the configuration gives it no name of its own."""


def read_config(arguments: "Namespace") -> Config:
    """The configuration of this command line, its options included."""
    from console.cli.known import known
    from console.config.mistakes import ConfigError
    from console.config.places import read

    try:
        config = read(arguments.config, known)
    except ConfigError as error:
        raise CliError(str(error), placed=True) from None
    ssh_config = arguments.ssh_config or os.environ.get(SSH_CONFIG)
    if ssh_config:
        config = replace(config, ssh=replace(config.ssh, config=str(Path(ssh_config).expanduser())))
    readable(config.ssh.config, _asked_by(arguments))
    return replace(config, read_only=config.read_only or arguments.read_only)


def readable(ssh_config: str | None, asked_by: str) -> None:
    """See that an ssh configuration that was named is there: ssh would go on without a word."""
    if ssh_config is None:
        return
    path = Path(ssh_config).expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise CliError(f"{asked_by} {path}: {(error.strerror or str(error)).lower()}") from None


def _asked_by(arguments: "Namespace") -> str:
    if arguments.ssh_config:
        return "--ssh-config"
    return SSH_CONFIG if os.environ.get(SSH_CONFIG) else "ssh.config of the configuration:"


def specs(config: Config, words: Iterable[str] = ()) -> tuple[HostSpec, ...]:
    """The hosts that are meant, each once; without words all that are configured, else this machine."""
    words = tuple(words)
    if not words:
        configured = tuple(_configured(config, host) for host in config.hosts)
        return configured or (_here(config),)
    found = {spec.name: spec for word in words for spec in _named(config, word)}
    return tuple(found.values())


def spec(config: Config, word: str | None) -> HostSpec:
    """The one host of a target; raises ``CliError`` when it was left out and is not plain."""
    if word is not None:
        found = specs(config, (word,))
        if len(found) != 1:
            raise CliError(f"{word} is a group of {len(found)} hosts: name one of {_names(found)}")
        return found[0]
    found = specs(config)
    if len(found) != 1:
        raise CliError(f"name the host before ':' or '/', one of {_names(found)}; this machine is {HERE}")
    return found[0]


def _names(found: tuple[HostSpec, ...]) -> str:
    names = [spec.name for spec in found]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _named(config: Config, word: str) -> tuple[HostSpec, ...]:
    for host in config.hosts:
        if host.name == word:
            return (_configured(config, host),)
    members = tuple(_configured(config, host) for host in config.hosts if word in host.groups)
    if members:
        return members
    if word in config.groups:
        raise CliError(f"the group {word} has no hosts: none names it in its groups")
    for host in config.hosts:
        if plain(host.name) == plain(word):
            return (_configured(config, host),)
    if plain(word) == HERE:
        return (_here(config),)
    if re.fullmatch(_WITH_PORT, word):
        raise CliError(
            f"{word} names a port: did you mean hostdeck why {word} (protocol tcp or udp)? "
            f"Another port of sshd is written ssh://{word} or user@{word}"
        )
    if set(word) & set("*?"):
        raise CliError(f"{word!r} is a pattern, and no host is named so: name each host, or a group of them")
    if not is_destination(word):
        raise CliError(f"{word!r} is no host: expected a name of the configuration or what ssh accepts")
    bare = word.removeprefix("ssh://")
    # With a port the name keeps its scheme: it must mean the same host when it is typed again.
    name = word if re.fullmatch(_WITH_PORT, bare) else bare
    return (_marked_like_its_host(config, _over_ssh(config, name, word)),)


def _marked_like_its_host(config: Config, spec: HostSpec) -> HostSpec:
    """Another user, port, alias or spelling does not make a production host less of one."""
    same = same_machine(spec, tuple(_configured(config, host) for host in config.hosts))
    if not same:
        return spec
    return replace(
        spec,
        groups=same[0].groups,
        production=any(one.production for one in same),
        read_only=any(one.read_only for one in same),
        color=same[0].color,
    )


def _here(config: Config) -> HostSpec:
    own = next((host for host in config.hosts if host.local), None)
    return _configured(config, own) if own else HostSpec(HERE, None, read_only=config.read_only)


def _over_ssh(config: Config, name: str, destination: str) -> HostSpec:
    ssh = config.ssh
    return HostSpec(
        name,
        destination,
        ssh_config=_path(ssh.config),
        known_hosts=_path(ssh.known_hosts),
        connect_timeout=ssh.connect_timeout,
        password=_password("ssh", ssh),
        read_only=config.read_only,
    )


def _configured(config: Config, host: HostConfig) -> HostSpec:
    base = _over_ssh(config, host.name, host.destination or host.name)
    if host.local:
        base = HostSpec(host.name, None)
    return replace(
        base,
        user=host.user,
        port=host.port,
        identity_files=tuple(filter(None, map(_path, host.identity_files))),
        password=_password(f"hosts[{host.name}]", host) or base.password,
        jump=host.jump,
        groups=host.groups,
        production=config.is_production(host),
        read_only=config.is_read_only(host),
        color=config.color_of(host),
    )


def _password(table: str, given: SshConfig | HostConfig) -> PasswordSource | None:
    """Where the passphrase of locked identity files comes from, where that is said."""
    if given.password_command:
        return PasswordSource(f"{table}.password_command", command=given.password_command)
    kind, _, name = (given.password_from or "").partition(":")
    key = f"{table}.password_from"
    if kind == "env":
        return PasswordSource(key, variable=name)
    return PasswordSource(key, credential=name) if kind == "credential" else None


def _path(path: str | None) -> str | None:
    return str(Path(path).expanduser()) if path else None
