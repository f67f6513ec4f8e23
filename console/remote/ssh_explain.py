"""What went wrong with a login, in one line that says what to do."""

from dataclasses import dataclass

import asyncssh

from console.core.text import sanitise
from console.remote.host_keys import HostKey, HostKeyError, KeyStatus, Trust, known_name, short_kind
from console.remote.ssh_config import SshTarget
from console.remote.ssh_keys import Offers
from console.remote.ssh_reach import BusyError
from console.remote.transport import TransportError

_SHOWN_KEYS = 4
"""How many tried keys a message names."""

_NOTHING = Trust()


@dataclass(slots=True)
class Progress:
    """How far a login has come."""

    jump: str | None
    """The jump host it goes through."""
    reached: bool = False
    banner: bool = False
    host_known: bool = False
    """The host's key is trusted, and the keys are exchanged."""
    asked_for_key: bool = False
    shown: asyncssh.SSHKey | None = None
    """A host key that is not trusted."""
    trust: Trust = _NOTHING
    offers: Offers | None = None
    connection: asyncssh.SSHClientConnection | None = None

    @property
    def greeted(self) -> bool:
        """The server has sent its banner."""
        return self.connection is not None and bool(self.connection.get_extra_info("server_version"))


def address(target: SshTarget) -> str:
    """``host:port`` for a message."""
    return target.endpoint.rpartition("@")[2]


def _behind(target: SshTarget, progress: Progress) -> str:
    where = address(target)
    return where if progress.jump is None else f"{where} behind {progress.jump}"


def too_slow(target: SshTarget, progress: Progress) -> TransportError:
    """Explain a login that did not finish within the connect timeout."""
    where, within = _behind(target, progress), f"within {target.connect_timeout:.3g} s"
    if progress.host_known:
        advice = "does an agent wait for a touch, or does the host's PAM hang?"
        return TransportError("timeout", f"{where} did not answer the login of {target.user} {within}: {advice}")
    if progress.greeted:
        return TransportError(
            "timeout", f"the key exchange with {where} did not finish {within}: is the host overloaded?"
        )
    if progress.reached or progress.banner or progress.connection is not None:
        advice = "does sshd hang, or is it another service's port?"
        return TransportError("no-banner", f"{where} accepted the connection but sent no SSH banner {within}: {advice}")
    advice = "is the host up, does a firewall drop the packets?"
    return TransportError("timeout", f"no answer from {where} {within}: {advice}")


def silent(target: SshTarget, seconds: float, *, answered: bool, speaks: bool | None = None) -> TransportError:
    """Explain a connection on which nothing came for so many seconds.

    ``answered``: whether anything did since the login; ``speaks``: whether sshd greets a new connection, where known.
    """
    if answered or speaks is False:
        gone = "the host or the network is gone, or its sshd hangs"
        return TransportError("lost", f"no sign of life for {seconds:.0f} s: {gone}")
    let_in = f"{address(target)} let {target.user} in and then said nothing for {seconds:.0f} s"
    hangs = "the login hangs there (PAM, systemd-logind or dbus)"
    if speaks:
        return TransportError("login-hangs", f"{let_in}, while its sshd answers: {hangs}")
    return TransportError("lost", f"{let_in}: {hangs}, or the host or the network is gone")


def explain(error: Exception, target: SshTarget, progress: Progress) -> TransportError:
    """Explain what the SSH library raised. Raises ``BusyError`` where the login is to be tried again."""
    said = sanitise(str(error)).replace("\n", " ")[:200]
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _host_key(said, target, progress)
    if isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in said:
        return _refused_login(said, target, progress)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        advice = "allow one that it has with KexAlgorithms, Ciphers, MACs or HostKeyAlgorithms"
        return TransportError("config", f"no common algorithm with {address(target)} ({said}): {advice}", retry=False)
    if isinstance(error, asyncssh.ChannelOpenError):
        return _no_tunnel(error, said, target, progress)
    if isinstance(error, asyncssh.DisconnectError | OSError):
        return _hung_up(error, said, target, progress)
    return TransportError("config", f"{address(target)}: {said}; check the ssh configuration", retry=False)


def _hung_up(error: Exception, said: str, target: SshTarget, progress: Progress) -> TransportError:
    where = _behind(target, progress)
    if progress.host_known:
        return TransportError("lost", f"{where} hung up during the login of {target.user} ({said}): see its sshd's log")
    protocol = isinstance(error, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported)
    if protocol or (progress.banner and not progress.greeted):
        return TransportError("no-banner", f"{where} does not speak SSH 2 ({said}): is the port right?")
    raise BusyError


def _no_tunnel(error: asyncssh.ChannelOpenError, said: str, target: SshTarget, progress: Progress) -> TransportError:
    where = _behind(target, progress)
    text = said.lower()
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        reason = f"jump host {progress.jump} forbids to go on to {address(target)} ({said}): see AllowTcpForwarding"
        return TransportError("jump", f"{reason} and PermitOpen there")
    if "refused" in text:
        return TransportError("refused", f"nothing listens at {where}: is sshd running there, is the port right?")
    if "timed out" in text:
        return TransportError("timeout", f"no answer from {where}: is the host up, does a firewall drop the packets?")
    if "resol" in text or "not known" in text or "name" in text:
        return TransportError("name", f"{progress.jump} knows no address of {target.hostname} ({said})")
    if "closed" in text:
        return TransportError("jump", f"jump host {progress.jump}: the connection was lost")
    return TransportError("unreachable", f"no way to {where} ({said}): check the network behind the jump host")


def _host_key(said: str, target: SshTarget, progress: Progress) -> HostKeyError:
    where = _behind(target, progress)
    shown = progress.shown
    if shown is None:
        if "revoked" in said:
            known = progress.trust.revoked
            listed = ", ".join(str(key) for key in known[:2])
            reason = f"{where} shows a host key that is revoked: {listed}; do not connect, ask who runs the host"
            return HostKeyError(KeyStatus.REVOKED, reason, None, known)
        reason = f"the host certificate of {where} is not good ({said}): have it signed anew"
        return HostKeyError(KeyStatus.UNKNOWN, reason)
    file = target.user_known_hosts[0] if target.user_known_hosts else ""
    name = known_name(target.hostname, target.port, target.host_key_alias)
    kind = shown.get_algorithm()
    key = HostKey(name, kind, shown.public_data, file, target.hash_known_hosts)
    status = progress.trust.status(key.blob)
    known = progress.trust.revoked if status is KeyStatus.REVOKED else progress.trust.keys
    listed = ", ".join(str(entry) for entry in known[:3])
    if status is KeyStatus.CHANGED:
        reason = (
            f"THE HOST KEY OF {where} HAS CHANGED: it shows {short_kind(kind)} {key.fingerprint}, known is {listed};"
            f" somebody may be listening. If the host was rebuilt, remove its line with ssh-keygen -R '{name}'"
        )
    elif status is KeyStatus.REVOKED:
        reason = f"{where} shows a host key that is revoked: {listed}; do not connect, ask who runs the host"
    else:
        status = KeyStatus.UNKNOWN
        reason = f"{where} is not known yet: it shows {key}; compare this with the host's own, then accept it"
    return HostKeyError(status, reason, key, known)


def _refused_login(said: str, target: SshTarget, progress: Progress) -> TransportError:
    where = f"{target.user} at {_behind(target, progress)}"
    offers = progress.offers
    keys = [] if offers is None else [offer.label for offer in offers.keys]
    advice = offers.advice() if offers is not None else None
    if "authentication failures" in said:
        reason = f"too many keys were tried ({len(keys)}): name the right one with IdentityFile and IdentitiesOnly yes"
    elif not progress.asked_for_key:
        reason = "the host takes no keys from this user (PubkeyAuthentication, AuthenticationMethods)"
    elif not keys:
        reason = advice or "there is no key to log in with: name one with IdentityFile, or run ssh-add"
        advice = None
    else:
        tried = ", ".join(keys[:_SHOWN_KEYS]) + (
            f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
        )
        reason = f"tried {tried}; put one of them into its authorized_keys, or name another with IdentityFile"
    return TransportError(
        "auth-failed", f"login refused for {where}: {reason}{f' ({advice})' if advice else ''}", retry=False
    )
