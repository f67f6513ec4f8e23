"""From a host to everything that is needed to reach it, as the user's OpenSSH configuration says.

What comes out is explicit and complete: the SSH library is given no configuration of its own, so that ``RequestTTY``,
``RemoteCommand``, ``ForwardAgent`` or ``LocalForward`` of the user cannot get into our sessions.
"""

import hashlib
import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.core.password import PasswordSource
from console.remote.destination import DestinationError, check_host, split_destination
from console.remote.ssh_config_client import ask_client
from console.remote.ssh_config_file import (
    ClientNeededError,
    ConfigFileError,
    Settings,
    Source,
    evaluate,
    expand,
)
from console.remote.transport import HostSpec, TransportError

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")

_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk", "id_dsa")
_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_DEFAULT_TIMEOUT = HostSpec.__dataclass_fields__["connect_timeout"].default


@dataclass(frozen=True, slots=True)
class SshTarget:
    """How to reach and check one SSH server."""

    name: str
    """As the user calls it."""
    hostname: str
    port: int
    user: str
    identity_files: tuple[str, ...] = ()
    password: PasswordSource | None = None
    """Where the passphrase of locked identity files comes from."""
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    """The path of the agent's socket."""
    public_keys: bool = True
    """``PubkeyAuthentication``."""
    gssapi: bool = False
    host_key_alias: str | None = None
    user_known_hosts: tuple[str, ...] = ()
    """The first one is where an accepted key goes."""
    global_known_hosts: tuple[str, ...] = ()
    revoked_host_keys: str | None = None
    hash_known_hosts: bool = False
    jumps: tuple[str, ...] = ()
    """Destinations to go through, in this order."""
    proxy_command: str | None = None
    family: socket.AddressFamily = socket.AF_UNSPEC
    bind_address: str | None = None
    host_key_algorithms: str | None = None
    key_exchanges: str | None = None
    ciphers: str | None = None
    macs: str | None = None
    signature_algorithms: str | None = None
    connect_timeout: float = 8.0

    @property
    def endpoint(self) -> str:
        """``user@host:port`` for messages."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.user}@{host}:{self.port}"


async def resolve(spec: HostSpec) -> SshTarget:
    """Work out how a host is reached; raises ``TransportError`` with the code ``config``."""
    try:
        parts = split_destination(spec.destination or "")
        user = spec.user or parts.user
        port = spec.port or parts.port
        settings = await _settings(spec, parts.host, user, port)
        return _target(spec, settings)
    except (ConfigFileError, DestinationError) as error:
        said = str(error).rstrip(".")
        raise TransportError("config", f"{said}; mend it and try again", retry=False) from None


def from_files(spec: HostSpec) -> SshTarget | None:
    """The same without waiting for anything; ``None`` where only the ``ssh`` program can tell, or a file is wrong."""
    try:
        parts = split_destination(spec.destination or "")
        user, port = spec.user or parts.user, spec.port or parts.port
        settings = evaluate(_sources(spec.ssh_config), parts.host, user=user, port=port, local_user=local_user())
        return _target(spec, settings)
    except (ClientNeededError, ConfigFileError, DestinationError):
        return None


def local_user() -> str:
    """The name of the user who runs the console."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", str(os.getuid()))


def _sources(config: str | None) -> tuple[Source, ...]:
    home = Path.home() / ".ssh"
    if config is None:
        return (Source(home / "config", home, private=True), Source(SYSTEM_CONFIG, SYSTEM_CONFIG.parent))
    own = Path(config).expanduser()
    if not own.is_file():
        raise ConfigFileError(f"{own}: there is no such ssh configuration file")
    return (Source(own, home),)


async def _settings(spec: HostSpec, host: str, user: str | None, port: int | None) -> Settings:
    try:
        return evaluate(_sources(spec.ssh_config), host, user=user, port=port, local_user=local_user())
    except ClientNeededError as reason:
        return await ask_client(host, user, port, spec.ssh_config, str(reason))


def _target(spec: HostSpec, settings: Settings) -> SshTarget:
    host = settings.host
    hostname = _hostname(settings)
    check_host(hostname)
    port = _port(settings)
    user = settings.word("user") or local_user()
    alias = settings.word("hostkeyalias")
    jumps, proxy_command = _way(spec, settings)
    tokens = _tokens(host, hostname, port, user, alias, ",".join(jumps))
    explicit = (*spec.identity_files, *settings.lists.get("identityfile", ()))
    identities = explicit or tuple(f"~/.ssh/{name}" for name in _IDENTITIES)
    return SshTarget(
        name=host,
        hostname=hostname,
        port=port,
        user=user,
        identity_files=_paths(settings, "identityfile", identities, tokens),
        password=spec.password,
        certificate_files=_paths(settings, "certificatefile", tuple(settings.lists.get("certificatefile", ())), tokens),
        identities_only=_flag(settings, "identitiesonly"),
        agent=_agent(settings, tokens),
        public_keys=_flag(settings, "pubkeyauthentication", default=True),
        gssapi=_flag(settings, "gssapiauthentication"),
        host_key_alias=alias,
        user_known_hosts=_known_hosts(spec, settings, tokens),
        global_known_hosts=_paths(
            settings, "globalknownhostsfile", settings.first.get("globalknownhostsfile", _GLOBAL_KNOWN_HOSTS), tokens
        ),
        revoked_host_keys=next(
            iter(_paths(settings, "revokedhostkeys", _words(settings, "revokedhostkeys"), tokens)), None
        ),
        hash_known_hosts=_flag(settings, "hashknownhosts"),
        jumps=jumps,
        proxy_command=expand(proxy_command, tokens, where=settings.where["proxycommand"]) if proxy_command else None,
        family=_family(settings),
        bind_address=settings.word("bindaddress"),
        host_key_algorithms=settings.word("hostkeyalgorithms"),
        key_exchanges=settings.word("kexalgorithms"),
        ciphers=settings.word("ciphers"),
        macs=settings.word("macs"),
        signature_algorithms=settings.word("pubkeyacceptedalgorithms"),
        connect_timeout=_timeout(spec, settings),
    )


def _hostname(settings: Settings) -> str:
    name = settings.word("hostname")
    if name is None:
        return settings.host.lower()
    # In an address such as fe80::1%eth0 the per cent sign is no token.
    if ":" not in name:
        name = expand(name, {"h": settings.host, "%": "%"}, where=settings.where.get("hostname", "HostName"))
    return name.lower()


def _port(settings: Settings) -> int:
    word = settings.word("port") or "22"
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= 65535):
        raise ConfigFileError(f"{settings.where['port']}: Port must be a number from 1 to 65535, not {word[:40]!r}")
    return int(word)


def _way(spec: HostSpec, settings: Settings) -> tuple[tuple[str, ...], str | None]:
    chain = spec.jump if spec.jump is not None else settings.word("proxyjump")
    where = "jump" if spec.jump is not None else settings.where.get("proxyjump", "ProxyJump")
    if chain is not None:
        if chain.lower() in {"none", ""}:
            return (), None
        jumps = tuple(jump.strip() for jump in chain.split(","))
        for jump in jumps:
            try:
                split_destination(jump)
            except DestinationError as error:
                raise ConfigFileError(f"{where}: {error}") from None
        return jumps, None
    command = settings.word("proxycommand")
    return (), None if command is None or command.lower() == "none" else command


def _tokens(host: str, hostname: str, port: int, user: str, alias: str | None, jump: str) -> dict[str, str]:
    local = socket.gethostname()
    digest = hashlib.sha1(f"{local}{hostname}{port}{user}{jump}".encode(), usedforsecurity=False)
    return {
        "%": "%",
        "C": digest.hexdigest(),
        "d": str(Path.home()),
        "h": hostname,
        "i": str(os.getuid()),
        "j": jump,
        "k": alias or host,
        "L": local.partition(".")[0],
        "l": local,
        "n": host,
        "p": str(port),
        "r": user,
        "u": local_user(),
    }


def _paths(settings: Settings, option: str, words: tuple[str, ...], tokens: Mapping[str, str]) -> tuple[str, ...]:
    where = settings.where.get(option, option)
    return tuple(_path(word, tokens, where) for word in words if word.lower() != "none")


def _path(word: str, tokens: Mapping[str, str], where: str) -> str:
    return os.path.expanduser(expand(word, tokens, where=where))  # noqa: PTH111 - an unknown ~user is no crash here


def _words(settings: Settings, option: str) -> tuple[str, ...]:
    return settings.first.get(option, ())


def _known_hosts(spec: HostSpec, settings: Settings, tokens: Mapping[str, str]) -> tuple[str, ...]:
    if spec.known_hosts is not None:
        return (os.path.expanduser(spec.known_hosts),)  # noqa: PTH111
    words = settings.first.get("userknownhostsfile", _USER_KNOWN_HOSTS)
    return _paths(settings, "userknownhostsfile", words, tokens)


def _agent(settings: Settings, tokens: Mapping[str, str]) -> str | None:
    word = settings.word("identityagent")
    if word is None or word == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if word.lower() == "none":
        return None
    if word.startswith("$") and not word.startswith("${"):
        return os.environ.get(word[1:]) or None
    return _path(word, tokens, settings.where["identityagent"])


def _flag(settings: Settings, option: str, *, default: bool = False) -> bool:
    word = settings.word(option)
    return default if word is None else word.lower() not in {"no", "false"}


def _family(settings: Settings) -> socket.AddressFamily:
    word = (settings.word("addressfamily") or "any").lower()
    return {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(word, socket.AF_UNSPEC)


def _timeout(spec: HostSpec, settings: Settings) -> float:
    """The host's own timeout where one is set, else ``ConnectTimeout``."""
    word = settings.word("connecttimeout")
    if spec.connect_timeout != _DEFAULT_TIMEOUT or word is None or not word.isdigit() or int(word) == 0:
        return spec.connect_timeout
    return float(word)
