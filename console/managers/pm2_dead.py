"""Daemons of pm2 that do not run: what is left of them on the host."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from console.core.service import Service, State
from console.managers.pm2_saved import Saved, saved_services


@dataclass(frozen=True, slots=True)
class Dead:
    """One that crashed, or that ended and left a list of its apps."""

    pid: int
    """The process that it was; 0 where it ended well, or before the host was started."""
    user: str
    at: str
    """Its home, where that is not the usual one of its user."""
    file: str
    """The list of its apps."""
    why: str
    """What to say of it where nothing is known of its apps, with what mends it."""
    services: tuple[Service, ...] = ()
    """What it would run, by its list."""


@dataclass(slots=True)
class _Left:
    pid: int
    boot: bool
    user: str
    account: str
    home: str
    saved: Saved = field(default_factory=Saved)


def parse_dead(text: str) -> tuple[Dead, ...]:
    """Read the answer of ``SURVEY``: those that do not run are told before the first that does."""
    head, _, rest = text.partition("\ndaemon\t")
    running = [line.split("\t", 5) for line in f"daemon\t{rest}".split("\n") if line.startswith("daemon\t")]
    live = {(words[2], words[5]) for words in running if len(words) == 6}
    # Of a daemon of which the home is not seen it may be that one.
    hidden = {user for user, home in live if not home.startswith("/")}
    homes = {home for _, home in live}
    return tuple(_dead(each) for each in _left(head) if each.home not in homes and each.user not in hidden)


def _left(head: str) -> Iterator[_Left]:
    found: _Left | None = None
    for line in head.split("\n"):
        words = line.split("\t", 5)
        if words[0] == "dead" and len(words) == 6 and words[1].isdecimal() and len(words[1]) < 11:
            if found is not None:
                yield found
            found = _Left(int(words[1]), words[2] == "boot", words[3], words[4], words[5])
        elif found is not None:
            found.saved.take(line)
    if found is not None:
        yield found


def _dead(left: _Left) -> Dead:
    user, home = left.user, left.home
    at = "" if home == f"{left.account}/.pm2" else home
    how = f"the pm2 of {user} is not running"
    if left.pid:
        how = f"the pm2 of {user} (process {left.pid}) crashed"
    elif left.boot:
        how = f"the pm2 of {user} was not started since the boot"
    adrift = f"nobody looks after it: {how}; it is saved in {home}/dump.pm2"
    apps = dict(left.saved.named())
    services = saved_services(user, at, apps, adrift)
    return Dead(
        left.pid,
        user,
        at,
        f"{home}/dump.pm2",
        f"the pm2 daemon of {user} (pid {left.pid}) crashed: run pm2 resurrect as {user}, or remove {home}/pm2.pid",
        tuple(_as_left(left, service, pids) for service, pids in zip(services, apps.values(), strict=True)),
    )


def _as_left(left: _Left, service: Service, pids: tuple[int, ...]) -> Service:
    sure = not pids and not left.saved.hidden
    adrift = f"its process {pids[0]} runs on, and {service.adrift}" if pids else service.adrift
    return replace(
        service,
        unit_file=f"{left.home}/dump.pm2",
        state=State.STOPPED if sure else State.UNKNOWN,
        pids=pids,
        daemon=left.pid or None,
        adrift=adrift,
        tool_missing=adrift,
        ran=bool(left.pid or left.boot),
    )
