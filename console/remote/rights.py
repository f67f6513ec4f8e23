"""Whether the connected user may run the steps of a plan, and which sudoers line is missing where not.

Only ``sudo -n -l`` is asked. A password is never asked for, held or stored. Asked for one plan at a time, never on a
schedule: sudo reports a denied look in the host's log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.core.command import Command, quote
from console.core.plan import ActionKind, Plan, Where
from console.core.snapshot import Identity
from console.core.text import mask, sanitise
from console.remote.plan_script import duration, shell_text
from console.remote.sudo_list import allowed_commands, needs_password, sudoers_line
from console.remote.transport import Transport

_SHELL = ("sh",)
_SHORT = 60.0
"""Seconds that a host leaves to any session that has ended."""
_MOST_DIGITS = 19  # "infinity" has 20 of them


@dataclass(frozen=True, slots=True)
class Right:
    """Whether one command of a plan may be run."""

    step: str
    command: str
    """As it is run, e.g. ``sudo -n -- systemctl restart api.service``."""
    allowed: bool
    undo: bool = False
    """It is only needed if the plan has to be undone."""
    sudoers: str | None = None
    """The missing line, where one can be written."""
    reason: str | None = None
    """Why not, or what is not certain about it; one line."""

    @property
    def told(self) -> str:
        """Why not, with the line that is missing."""
        return f"{self.reason}; sudoers needs: {self.sudoers}" if self.sudoers else self.reason or ""


@dataclass(frozen=True, slots=True)
class Rights:
    """Whether a plan may be run by the connected user."""

    user: str
    rights: tuple[Right, ...] = ()
    """Empty for root, and for a plan that needs no root."""
    cut_short: str | None = None
    """How the host may end the plan with the connection, and what prevents that."""
    foretold: tuple[str, ...] = ()
    """What the looks of the plan's ``early`` checks said."""

    @property
    def allowed(self) -> bool:
        """Whether every step may be run; the undo commands are not counted."""
        return all(right.allowed for right in self.rights if not right.undo)

    @property
    def undo_allowed(self) -> bool:
        """Whether the plan could also be undone."""
        return all(right.allowed for right in self.rights if right.undo)

    @property
    def missing(self) -> tuple[str, ...]:
        """The sudoers lines that are missing, undo included."""
        lines = (right.sudoers for right in self.rights if not right.allowed)
        return tuple(dict.fromkeys(line for line in lines if line is not None))

    @property
    def undo_doubts(self) -> tuple[str, ...]:
        """What is said of each undo that may not be run, with the line that is missing, of a plan cut short, and by the
        host beforehand."""
        cut = () if self.cut_short is None else (self.cut_short,)
        return (*self.foretold, *self._denied_undos, *cut)

    @property
    def _denied_undos(self) -> tuple[str, ...]:
        denied = (right for right in self.rights if right.undo and not right.allowed)
        return tuple(dict.fromkeys(f"if it fails it stays as it is: {right.told}" for right in denied))

    def may_stay_down(self, plan: Plan) -> str | None:
        """Why a plan that stops one service for another wants a second yes: it could not be undone."""
        if plan.kind is not ActionKind.FREE_PORT or not self._denied_undos:
            return None
        return f"{', '.join(ref.name for ref in plan.touches)} may stay down: {'; '.join(self._denied_undos)}"

    @property
    def reason(self) -> str | None:
        """Why the plan may not be run, in one line with every line that is missing; ``None`` when it may."""
        denied = [right for right in self.rights if not right.allowed and not right.undo]
        if not denied:
            return None
        needed = f"; sudoers needs: {'; '.join(self.missing)}" if self.missing else ""
        return f"{denied[0].reason}{needed}"


async def rights(transport: Transport, plan: Plan, identity: Identity) -> Rights:
    """Ask the host; raises ``TransportError``."""
    asked = await _sudo(transport, plan, identity)
    return replace(asked, foretold=await _foretold(transport, plan))


async def _foretold(transport: Transport, plan: Plan) -> tuple[str, ...]:
    """What the host says already now of whether the plan could be done."""
    said: list[str] = []
    for check in plan.preflight:
        if not check.early:
            continue
        if not transport.connected:
            await transport.connect()
        request = f"{shell_text('rights.sh')}\n{check.command.shell(root=False)}\n"
        output = await transport.run(Command(_SHELL, timeout=15.0, purpose=check.name), request.encode())
        said += [mask(sanitise(line)) for line in output.stdout.splitlines()[-1:] if line]
    return tuple(said)


async def _sudo(transport: Transport, plan: Plan, identity: Identity) -> Rights:
    wanted = _wanted(plan)
    if identity.uid == 0 or (not wanted and duration(plan) <= _SHORT):
        return Rights(identity.user)
    commands = list(dict.fromkeys(_asked(command) for _, command, _ in wanted))
    lines = [quote(("hd_right", str(number), *words)) for number, words in enumerate(commands)]
    request = "\n".join((shell_text("rights.sh"), "hd_lasts", *(["hd_whole", *lines] if wanted else []), "exit 0", ""))
    if not transport.connected:
        await transport.connect()
    output = await transport.run(Command(_SHELL, timeout=15.0, purpose="ask sudo what is allowed"), request.encode())
    answer = _read(output.stdout, identity.user)
    numbers = {words: str(number) for number, words in enumerate(commands)}
    return Rights(
        answer.user,
        tuple(_judge(answer, numbers[_asked(command)], step, command, undo) for step, command, undo in wanted),
        cut_short(answer.ends, answer.user, duration(plan)),
    )


def session_look() -> Command:
    """Asks whether plans of this login outlive its connection."""
    return Command((*_SHELL, "-c", f"{shell_text('rights.sh')}\nhd_lasts\n"), purpose="ask what outlives a login")


def session_end(said: str, user: str) -> str | None:
    """What that look said: how the host ends long plans with the connection; ``None`` where it does not."""
    return cut_short(_read(said, user).ends, user, None)


def cut_short(ends: str | None, user: str, longest: float | None) -> str | None:
    """What is said of a plan that may take ``longest`` seconds; ``None``: of any."""
    if ends is None:
        return None
    mend = f"loginctl enable-linger {user} (as root) prevents that"
    if not (ends.isdecimal() and len(ends) < _MOST_DIGITS):
        return f"if the connection is lost this host may end what runs there (not known: logind does not say); {mend}"
    seconds = int(ends) / 1e6
    if longest is not None and longest <= seconds:
        return None
    plan = "a plan that takes longer" if longest is None else f"this plan, which may take {longest:.0f} s,"
    return (
        f"if the connection is lost, {seconds:.0f} s later this host ends {plan} in the middle, neither checked nor"
        f" undone (KillUserProcesses=yes); {mend}"
    )


def _wanted(plan: Plan) -> list[tuple[str, Command, bool]]:
    """Every command that is run as root, or as another user: its step, itself, whether it is an undo."""
    found = [(check.name, check.command, False) for check in (*plan.preflight, *plan.checks)]
    for one in plan.prepare:
        found += [] if one.where is Where.HERE else [(one.name, one.command, False)]
        found += [] if one.undo is None else [(f"undo of {one.name}", one.undo, True)]
    found += [(step.name, step.command, True) for step in plan.evidence]  # looked at only before an undo
    for step in (*plan.steps, *plan.closing):
        found.append((step.name, step.command, False))
        if step.undo is not None:
            found.append((f"undo of {step.name}", step.undo, True))
    return [entry for entry in found if entry[1].through_sudo(root=False) is not None]


def _asked(command: Command) -> tuple[str, ...]:
    """What ``sudo -n -l`` is asked about."""
    return command.through_sudo(root=False) or ()


@dataclass(frozen=True, slots=True)
class _Answer:
    user: str
    has_sudo: bool
    listing: tuple[str, ...]
    paths: Mapping[str, str]
    exits: Mapping[str, str]
    said: Mapping[str, str]
    ends: str | None
    """Microseconds after the end of the connection, or ``?``; ``None`` where it ends nothing."""


def _read(text: str, user: str) -> _Answer:
    listing: list[str] = []
    paths: dict[str, str] = {}
    exits: dict[str, str] = {}
    said: dict[str, str] = {}
    has_sudo, ends = True, None
    for line in text.splitlines():
        tag, _, rest = line.partition(" ")
        number, _, value = rest.partition(" ")
        if tag == "user":
            user = rest.strip() or user
        elif tag == "sudo":
            has_sudo = False
        elif tag == "ends":
            ends = rest.strip()
        elif tag == "list":
            listing.append(rest)
        elif tag == "path":
            paths[number] = value
        elif tag == "exit":
            exits[number] = value
        elif tag == "said" and number not in said:
            said[number] = value
    return _Answer(user, has_sudo, tuple(listing), paths, exits, said, ends)


def _judge(answer: _Answer, number: str, step: str, command: Command, undo: bool) -> Right:
    shown = command.told(root=False)
    path = answer.paths.get(number, "")
    argv, run_as = _program(_asked(command))
    target = f"as {run_as}"
    if not answer.has_sudo:
        return Right(step, shown, False, undo, None, f"{answer.user} is not root and this host has no sudo")
    if not path.startswith("/"):
        return Right(step, shown, False, undo, None, f"{argv[0]} is not on this host")
    line = sudoers_line(answer.user, path, () if _is_script(argv) else argv[1:], run_as)
    if answer.exits.get(number) != "0":
        said = answer.said.get(number, "").removeprefix("sudo: ").strip()
        detail = f" ({said})" if said else ""
        why = f"{answer.user} may not run {_named(command, argv)} {target} without a password{detail}"
        return Right(step, shown, False, undo, line, why + _how(argv, run_as))
    password = needs_password(path, argv, allowed_commands(answer.listing, run_as))
    if password:
        why = f"sudo would ask {answer.user} for a password for {_named(command, argv)}"
        return Right(step, shown, False, undo, line, why + _how(argv, run_as))
    doubt = "sudo allows it, but does not say whether it asks for a password" if password is None else None
    return Right(step, shown, True, undo, None, doubt)


def _how(argv: tuple[str, ...], run_as: str) -> str:
    """What to think of before the line of sudoers is written that would allow this."""
    if not _is_script(argv):
        return ""
    return f"; for a script sudoers can only allow every command as {run_as}, unless you log in as {run_as}"


def _named(command: Command, argv: tuple[str, ...]) -> str:
    """The command in one line: of a script only what it is for."""
    text = quote(argv)
    return text if "\n" not in text else f"a script of {argv[0]} ({command.purpose or 'a step of the plan'})"


def _is_script(argv: tuple[str, ...]) -> bool:
    """Whether no line of sudoers could have all of its words."""
    return argv[:2] == ("sh", "-c") and "\n" in argv[2]


def _program(asked: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The argument vector behind the options of sudo, and the user it runs as."""
    end = asked.index("--") if "--" in asked else -1
    run_as = asked[1] if asked[:1] == ("-u",) and len(asked) > 1 else "root"
    return asked[end + 1 :], run_as
