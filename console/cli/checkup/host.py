"""A host: how far the console can see and act there with this login."""

import asyncio
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli import looking
from console.cli.checkup import managers
from console.cli.checkup.check import Check, Mark, no, ok, unknown, warning
from console.core.command import Command, Output
from console.core.snapshot import Identity, LinkState, Snapshot
from console.managers import MANAGERS
from console.remote.rights import session_end, session_look
from console.remote.ssh_config import SshTarget, resolve
from console.remote.sudo_list import allowed_commands
from console.remote.transport import Channel, ChannelRefusedError, HostSpec, Transport, TransportError

if TYPE_CHECKING:
    from console.remote.fleet import Fleet

TOOLS: Mapping[str, str] = {
    "ss": "who listens on which port (package iproute2)",
    "systemctl": "systemd services",
    "journalctl": "logs of systemd services",
    "df": "file systems",
    "timeout": "commands that cannot run on for ever (package coreutils)",
    "setsid": "changes that survive a lost connection (package util-linux)",
    "sudo": "changes without a login as root",
    "awk": "counters of the kernel",
    "ps": "processes (package procps)",
    "docker": "containers",
}
OPTIONAL = frozenset({"docker", "sudo", "ps"})

TRIES = 5
"""How often a command is tried that gets no channel."""

CHANNELS_WANTED = 2
"""Channels beside those that the console has open already: one for logs, one for changes."""

MENDING: Mapping[str, str] = {
    "timeout": "check the address and the firewall: ssh -v {to}",
    "refused": "check that sshd runs and its port: ssh -v {to}",
    "auth-failed": "check user and key: ssh -v {to}",
    "host-key-unknown": "compare it with `ssh-keygen -lf` of the host's key file there, then: --accept-key SHA256:…",
    "host-key-changed": "find out why before anything else; only then: ssh-keygen -R HOST",
    "no-banner": "sshd hangs on the host: look at it from its own screen",
    "login-hangs": "from its own screen: systemctl status dbus systemd-logind, and which PAM module waits",
    "name": "check the name, /etc/hosts and DNS: ssh -G {to} | grep ^hostname",
    "unreachable": "check the network and routes to it: ssh -v {to}",
    "jump": "check the jump host first",
    "config": "check the ssh configuration: ssh -G {to}",
}


async def checks(fleet: "Fleet", spec: HostSpec) -> tuple[Check, ...]:
    """Every look at one host. Never raises for what it finds."""
    snapshot = await looking.whole(fleet, spec.name, rates=False)
    found = [reach(spec, snapshot), *await way(spec)]
    if snapshot.link.state is not LinkState.UP:
        return tuple(found)
    identity = snapshot.identity
    if identity is None:
        return (*found, no("identity", "the host did not say what it is"))
    found += [login(identity), *tools(identity), init(identity)]
    try:
        found += await _asked(fleet, spec.name, snapshot, identity)
    except TransportError as error:
        found.append(no("reach", f"the connection was lost: {error}"))
    found += [clock(snapshot), *sources(snapshot)]
    return tuple(found)


async def _asked(fleet: "Fleet", host: str, snapshot: Snapshot, identity: Identity) -> list[Check]:
    """Looks that take a command of their own; over a connection of their own where the first one gives no channel."""
    enough = await channels(fleet.transport(host))
    if enough.mark is Mark.OK:
        return [*await _commands(fleet.transport(host), snapshot, identity), enough]
    own = fleet.own_transport(host)
    try:
        await own.connect()
        return [*await _commands(own, snapshot, identity), enough]
    finally:
        await own.close()


async def _commands(transport: Transport, snapshot: Snapshot, identity: Identity) -> list[Check]:
    """One after the other: there are few channels."""
    found = [rights(identity, await _run(transport, "sudo", "-n", "-l") if identity.uid != 0 else None)]
    if "journalctl" in identity.tools and identity.systemd is not None:
        read = await _run(transport, "journalctl", "-q", "-n", "1", "--no-pager", "-o", "cat", "_PID=1")
        found.append(journal(identity, read))
    if identity.systemd is not None:
        if identity.uid != 0:
            found.append(long_plans(session_end((await _try(transport, session_look())).stdout, identity.user)))
        found.append(user_manager(await _run(transport, "systemctl", "--user", "is-system-running")))
    if "ss" in identity.tools:
        listing = await _run(transport, "ss", "-Hltne")
        found.append(cgroups(listing))
    return [*found, *await managers.checks(snapshot, partial(_try, transport))]


async def _run(transport: Transport, *argv: str) -> Output:
    return await _try(transport, Command(argv, timeout=8.0, ok_exits=tuple(range(256))))


async def _try(transport: Transport, command: Command) -> Output:
    for _ in range(TRIES - 1):
        with suppress(ChannelRefusedError):
            return await transport.run(command)
        # With MaxSessions 1 the channel of the last command may not be given back yet.
        await asyncio.sleep(0.2)
    return await transport.run(command)


def reach(spec: HostSpec, snapshot: Snapshot) -> Check:
    """Whether and how fast the host answers."""
    link = snapshot.link
    to = spec.destination or "this machine"
    if link.state is LinkState.UP:
        trip = f", round trip {link.rtt * 1000:.0f} ms" if link.rtt is not None else ""
        slow = link.rtt is not None and link.rtt > 0.5
        how = "this machine" if spec.destination is None else f"ssh {to}"
        return warning("reach", f"{how}{trip}: slow") if slow else ok("reach", f"{how}{trip}")
    config = f"-F {spec.ssh_config} " if spec.ssh_config else ""
    mend = MENDING.get(link.code or "", "look with: ssh -v {to}").format(to=config + to)
    return no("reach", link.error or f"it is {link.state.value}", mend)


async def way(spec: HostSpec) -> tuple[Check, ...]:
    """The keys that are offered and the file of host keys, as the ssh configuration has them for this host."""
    if spec.destination is None:
        return ()
    try:
        target = await resolve(spec)
    except TransportError as error:
        return (no("ssh configuration", str(error), f"ssh -G {spec.destination} shows what ssh makes of it"),)
    return keys(target), known_hosts(target)


def keys(target: SshTarget) -> Check:
    """What there is to log in with."""
    files = [path for path in target.identity_files if os.access(path, os.R_OK)]
    offered = (["the agent's keys"] if target.agent else []) + files
    through = f", through {', '.join(target.jumps)}" if target.jumps else ""
    if offered:
        return ok("keys", f"{target.endpoint}{through} with {', '.join(offered)}")
    return warning("keys", f"nothing to offer to {target.endpoint}{through}", "ssh-add, or name an IdentityFile")


def known_hosts(target: SshTarget) -> Check:
    """The files of host keys: one must be readable, the user's own writable to accept a new key."""
    readable = [path for path in (*target.user_known_hosts, *target.global_known_hosts) if os.access(path, os.R_OK)]
    own = Path(target.user_known_hosts[0]) if target.user_known_hosts else None
    if own is not None and own.exists() and not os.access(own, os.W_OK):
        return warning("host keys", f"{own} cannot be written: no new key can be accepted", f"chmod u+w {own}")
    if own is not None and own.exists() and own.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return warning("host keys", f"{own} can be written by other users", f"chmod go-w {own}")
    return ok("host keys", ", ".join(readable) or "no known_hosts file yet")


def login(identity: Identity) -> Check:
    """Who the console is on the host."""
    groups = f", groups {', '.join(identity.groups)}" if identity.groups else ""
    return ok("login", f"{identity.user} (uid {identity.uid}{groups}) on {identity.os}, kernel {identity.kernel}")


def tools(identity: Identity) -> Iterator[Check]:
    """The programs that the looks and changes need."""
    there = [tool for tool in TOOLS if tool in identity.tools]
    yield ok("tools", ", ".join(there) or "none")
    for tool, purpose in TOOLS.items():
        if tool not in identity.tools:
            found = f"{tool} is not there: {purpose} not available"
            if tool not in OPTIONAL:
                yield warning("tools", found, f"install {tool}")


def init(identity: Identity) -> Check:
    """The service manager."""
    if identity.systemd is None:
        return warning("systemd", "not PID 1 on this host: its services are not seen")
    return ok("systemd", f"version {identity.systemd}")


def rights(identity: Identity, listing: Output | None) -> Check:
    """What may be changed."""
    if identity.uid == 0:
        return ok("rights", "root: everything")
    if "sudo" not in identity.tools or listing is None:
        return warning("rights", "no sudo here: looking works, changing does not", "log in as root, or install sudo")
    listed = allowed_commands(listing.stdout.splitlines()) if listing.exit == 0 else ()
    allowed = [one.pattern for one in listed if not one.password and not one.denied]
    if not allowed:
        mend = f"visudo: {identity.user} ALL=(root) NOPASSWD: /usr/bin/systemctl restart NAME.service"
        return warning("rights", "sudo -n permits nothing: looking works, changing does not", mend)
    shown = "; ".join(allowed)
    locked = sum(one.password for one in listed)
    note = f" ({locked} more want a password, which is never asked for)" if locked else ""
    return ok("rights", f"sudo -n: {shown}{note}")


def long_plans(cut_short: str | None) -> Check:
    """Whether what a plan runs outlives the connection."""
    if cut_short is None:
        return ok("plans", "outlive the connection")
    told, _, mend = cut_short.rpartition("; ")
    return warning("plans", told, mend.removesuffix(" prevents that"))


def journal(identity: Identity, read: Output) -> Check:
    """Whether the system's journal can be read; a user always sees only their own."""
    if read.stdout.strip():
        return ok("journal", "readable")
    mend = f"usermod -aG systemd-journal {identity.user} (group adm does too), then log in again"
    reason = read.stderr.strip().splitlines()[0] if read.stderr.strip() else "the system's messages are not shown"
    return warning("journal", f"{reason}: logs of system services are not seen", mend)


def user_manager(answer: Output) -> Check:
    """The login's own systemd."""
    word = answer.stdout.strip() or (answer.stderr.strip().splitlines() or ["no answer"])[0]
    if answer.stdout.strip() in {"running", "degraded", "starting"}:
        return ok("user manager", word)
    return ok("user manager", f"none for this login ({word})")


def cgroups(listing: Output) -> Check:
    """Whether sockets tell their unit, which shows owners without root."""
    if "cgroup:" in listing.stdout:
        return ok("socket owners", "ss tells the unit of each socket, without root too")
    if not listing.stdout.strip():
        return unknown("socket owners", "nothing listens, so it is not seen whether ss tells units")
    return warning("socket owners", "ss tells no units here (iproute2 before 5.10, or cgroup v1): owners need root")


async def channels(transport: Transport) -> Check:
    """Whether the connection carries logs and changes beside the looks (sshd's MaxSessions)."""
    opened: list[Channel] = []
    try:
        for _ in range(CHANNELS_WANTED):
            opened.append(await transport.open(("cat",)))  # noqa: PERF401 - those before a refusal are counted
    except ChannelRefusedError:
        mend = "set MaxSessions 4 or more in sshd_config"
        return warning(
            "channels", f"{len(opened)} of {CHANNELS_WANTED} further channels: slower logs and changes", mend
        )
    finally:
        for channel in opened:
            with suppress(Exception):
                await channel.close()
    return ok("channels", "enough for looks, logs and changes")


def clock(snapshot: Snapshot) -> Check:
    """How far the clocks are apart."""
    skew = snapshot.clock_skew
    if skew is None:
        return unknown("clock", "not compared yet")
    if abs(skew) > 2:
        mend = "check chrony, ntpd or systemd-timesyncd there and here"
        return warning("clock", f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine", mend)
    return ok("clock", f"{abs(skew) * 1000:.0f} ms from this machine's")


def sources(snapshot: Snapshot) -> Iterator[Check]:
    """What was asked and did not answer."""
    told = {manager.id for manager in MANAGERS}
    for source in snapshot.sources:
        if source.failure and (source.name not in told or source.name == "systemd"):
            yield warning(f"source {source.name}", source.failure)
