"""Connections to hosts: state, error and how to mend it, round trip, age, identity."""

from console.core.snapshot import Link, LinkState, Snapshot
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.present.words import host_age, host_cell, number, short_os
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row


def columns(host: int) -> tuple[Column, ...]:
    """The columns with that many cells for a host's name."""
    return (
        Column("link", "link", 12),
        Column("host", "host", host, min_width=6),
        Column("rtt", "trip", 6, align="right", priority=2),
        Column("age", "seen", 4, align="right"),
        Column("user", "as", 9, priority=3),
        Column("os", "system", 9, 1, 9, 1),
        Column("note", "note", 26, 5, 20),
    )


_MEND = {
    "timeout": "check that the host is up and that port 22 is reachable from here",
    "refused": "sshd does not listen there: check the port, and sshd on the host",
    "auth-failed": "try the same with ssh: key, agent or user is not accepted; it is not tried again by itself",
    "host-key-unknown": "compare the fingerprint with one you trust, then press a to accept it",
    "host-key-changed": "another host answers, or it was installed anew: find out which, then remove the old line "
    "from known_hosts yourself",
    "host-key-revoked": "the key is marked @revoked in known_hosts: do not connect before this is cleared up",
    "no-banner": "the port is open but sshd says nothing: the host may hang, or it is no ssh port",
    "login-hangs": "look from the host's own screen: systemctl status dbus systemd-logind, and which PAM module waits",
    "name": "the name is not found: check the spelling, ~/.ssh/config and DNS",
    "unreachable": "there is no way to the host: check the network, the VPN or the jump host",
    "lost": "the connection broke; it is tried again by itself",
    "jump": "the jump host fails: mend that one first",
    "config": "the ssh configuration cannot be used as it is: see the message",
}


def mend(link: Link) -> str | None:
    """What a person can do about a connection that does not stand."""
    return _MEND.get(link.code or "")


def tried_again(link: Link, now: float) -> str:
    """When the connection is tried again, and after how many tries."""
    if link.state not in (LinkState.DOWN, LinkState.CONNECTING):
        return ""
    if link.state is LinkState.DOWN and link.retry_at is None:
        again = "not by itself"
    else:
        again = f"in {cells.age(link.retry_at - now)}" if link.retry_at and link.retry_at > now else "now"
    tries = f"after {number(link.attempts, 'attempt')}" if link.attempts > 1 else ""
    return " ".join(word for word in (again, tries) if word)


def link_advice(snapshot: Snapshot, now: float) -> tuple[str, ...]:
    """What a person can do about a host that does not answer, and when it is tried again by itself."""
    link = snapshot.link
    if link.state is not LinkState.DOWN:
        return ()
    again = tried_again(link, now) if link.retry_at and link.retry_at > now else ""
    return tuple(word for word in (mend(link) or "", f"it is tried again {again}" if again else "") if word)


def row(snapshot: Snapshot, spec: HostSpec, now: float) -> Row:
    """One host as one line."""
    identity, link = snapshot.identity, snapshot.link
    age = host_age(snapshot, now)
    trip = "" if link.rtt is None or link.state is not LinkState.UP else f"{link.rtt * 1000:.0f} ms"
    return Row(
        snapshot.host,
        (
            cells.link(link.state),
            host_cell(spec, snapshot.host),
            trip,
            "" if age is None else cells.age(age),
            identity.user if identity else spec.user or "",
            short_os(identity.os) if identity else "",
            note(snapshot, spec),
        ),
    )


def note(snapshot: Snapshot, spec: HostSpec) -> Text:
    """The one thing to know of the host: its error, or what was not seen, or that it is read-only."""
    if snapshot.link.error:
        tone = "critical" if snapshot.link.state is LinkState.DOWN else "warning"
        return Cell(snapshot.link.error, tone)
    silent = [_plain(source.name) for source in snapshot.sources if source.hangs]
    failed = [_plain(source.name) for source in snapshot.sources if source.failure and not source.hangs]
    told = (f"no answer: {', '.join(silent)}" if silent else "", f"not seen: {', '.join(failed)}" if failed else "")
    if any(told):
        return Cell("; ".join(filter(None, told)), "warning")
    return Cell("read-only", "accent") if spec.read_only else ""


def _plain(source: str) -> str:
    return source.removeprefix("systemd_").replace("_", " ")


def detail(snapshot: Snapshot, spec: HostSpec, now: float) -> tuple[Entry | Heading, ...]:
    """One host: the connection, how to mend it, who it is, what it was asked."""
    kind = " ".join(word for word, on in (("production", spec.production), ("read-only", spec.read_only)) if on)
    entries: list[Entry | Heading] = [Heading(snapshot.host, kind)]
    entries += [Entry(key, value) for key, value in _link_facts(snapshot, spec, now) if value]
    identity = snapshot.identity
    if identity is not None:
        root = "root" if identity.uid == 0 else f"uid {identity.uid}"
        entries += [
            Entry("IS", f"{identity.hostname}  {identity.os}  {identity.kernel}"),
            Entry("AS", f"{identity.user} ({root})  groups {' '.join(identity.groups) or 'none'}"),
            Entry("HAS", f"systemd {identity.systemd}" if identity.systemd else "no systemd as PID 1: units are n/a"),
        ]
    if snapshot.clock_skew is not None and abs(snapshot.clock_skew) >= 1:
        way = "ahead of" if snapshot.clock_skew > 0 else "behind"
        entries.append(Entry("CLOCK", f"{cells.seconds(abs(snapshot.clock_skew))} {way} this machine", "warning"))
    entries += _sources(snapshot, now)
    return tuple(entries)


def _link_facts(snapshot: Snapshot, spec: HostSpec, now: float) -> tuple[tuple[str, Text], ...]:
    link = snapshot.link
    age = host_age(snapshot, now)
    last = "no answer yet" if age is None else f"last answer {cells.age(age)} ago"
    state: Text = (cells.link(link.state), Cell(f" for {cells.age(now - link.since)}   "), Cell(last, "muted"))
    return (
        ("LINK", state),
        ("ERROR", Cell(link.error, "critical") if link.error else ""),
        ("MEND", mend(link) or "" if link.error else ""),
        ("AGAIN", tried_again(link, now)),
        ("TRIP", f"{link.rtt * 1000:.1f} ms" if link.rtt is not None else ""),
        ("REACHED", spec.destination or "this machine, without ssh"),
        ("GROUPS", " ".join(spec.groups)),
    )


def _sources(snapshot: Snapshot, now: float) -> list[Entry]:
    entries: list[Entry] = []
    for place, source in enumerate(sorted(snapshot.sources, key=lambda source: source.failure is None)):
        when = "never" if source.at is None else f"{cells.age(now - source.at)} ago"
        told: Text = f"{source.name}  {when}"
        if source.failure:
            told = (Cell(f"{source.name}  {when}  "), Cell(source.failure, "warning"))
        entries.append(Entry("" if place else "ASKED", told))
    return entries
