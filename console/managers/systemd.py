"""systemd: the system manager and the connected user's own."""

from collections.abc import Mapping
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.plan import ActionKind, Check, Swap
from console.core.probe import Probe
from console.core.release import Recipe, Release, Signature
from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine
from console.managers import package_difference, systemd_others, systemd_packages
from console.managers.systemd_how_ended import HOW_ENDED, USER_HOW_ENDED
from console.managers.systemd_journal import (
    FIELDS,
    JOURNAL_SCRIPT,
    LINGERING_JOURNAL_SCRIPT,
    MAY_READ,
    OOM_SCRIPT,
    USER_JOURNAL_SCRIPT,
    journal_line,
    messages,
    parse_journal,
    parse_oom,
    user_match,
)
from console.managers.systemd_launch import LAUNCH, USER_LAUNCH
from console.managers.systemd_lingering import LINGERING, LINGERING_UNITS, uid_of
from console.managers.systemd_packages import VERSIONS
from console.managers.systemd_scripts import SHOW_ALL, SHOW_NAMES, USER_SHOW_ALL, USER_SHOW_NAMES
from console.managers.systemd_show import UNIT_NAME, parse_show
from console.managers.systemd_user_sockets import USER_SOCKETS
from console.managers.systemd_watch import RUNS, parse_watch

SHOW: Probe[tuple[Service, ...]] = Probe(
    "systemd",
    SHOW_ALL,
    parse_show,
    requires=("systemctl", "awk"),
    every=120.0,
    slow=True,
    cached=False,
    timeout=20.0,
)
"""Every service and socket of the system manager: some 30 ms of the host, half in PID 1, so it is asked rarely.

What starts, ends or fails is seen by ``WATCH`` and asked by name; what is left for this is what no run tells of.
"""

SHOW_UNITS: Probe[tuple[Service, ...]] = Probe(
    "systemd_units",
    SHOW_NAMES,
    parse_show,
    requires=("systemctl", "awk"),
    slow=True,
    cached=False,
)
"""Only the named units: what changed. ``TOUCHED`` among them stands for all that fail or start at this moment."""

USER_SHOW: Probe[tuple[Service, ...]] = Probe(
    "systemd_user",
    USER_SHOW_ALL,
    parse_show,
    requires=("systemctl", "awk"),
    every=120.0,
    slow=True,
    cached=False,
    timeout=20.0,
)
USER_SHOW_UNITS: Probe[tuple[Service, ...]] = Probe(
    "systemd_user_units",
    USER_SHOW_NAMES,
    parse_show,
    requires=("systemctl", "awk"),
    slow=True,
    cached=False,
)

WATCH: Probe[Mapping[str, str]] = Probe("systemd_watch", RUNS, parse_watch, requires=("systemctl", "stat"), every=15.0)
"""What runs now, in one cheap exec: a unit that starts, ends or fails changes its link, or at least ``TOUCHED``."""

JOURNAL: Probe[tuple[LogLine, ...]] = Probe(
    "systemd_journal",
    JOURNAL_SCRIPT,
    parse_journal,
    requires=("journalctl", "awk"),
    slow=True,
    cached=False,
    timeout=10.0,
    shown="journalctl -q --no-pager -o cat -n $1 -u $2",
    as_printed=messages,
)
"""The last lines of the named units' logs: ``[LINES] UNIT...``, 60 lines each where no number comes first."""

USER_JOURNAL: Probe[tuple[LogLine, ...]] = Probe(
    "systemd_user_journal",
    USER_JOURNAL_SCRIPT,
    parse_journal,
    requires=("journalctl", "awk"),
    slow=True,
    cached=False,
    timeout=10.0,
    shown="journalctl -q --no-pager -o cat -n $1 --user-unit $2",
    as_printed=messages,
)
"""The same for units of the connected user's own manager."""

LINGERING_JOURNAL: Probe[tuple[LogLine, ...]] = Probe(
    "systemd_lingering_journal",
    LINGERING_JOURNAL_SCRIPT,
    parse_journal,
    requires=("journalctl", "awk"),
    slow=True,
    cached=False,
    timeout=10.0,
    as_printed=messages,
)
"""The same for units of another user's manager: ``UID [LINES] UNIT...``."""

OOM: Probe[tuple[LogLine, ...]] = Probe(
    "systemd_oom", OOM_SCRIPT, parse_oom, requires=("grep", "tail"), slow=True, cached=False, timeout=10.0
)
"""The newest kills for lack of memory, as the kernel logged them."""

_IS_ACTIVE = 'systemctl $2 is-active --quiet -- "$1" || { systemctl $2 is-active -- "$1"; exit 1; }'
_IS_DOWN = """
case $(systemctl $2 is-active -- "$1") in inactive|failed|unknown) ;; *) exit 1;; esac
case $(systemctl $2 show -p Result -- "$1") in
  Result=timeout) echo "$1 is down, but did not end in its time (Result=timeout): systemd then sends SIGKILL" ;;
esac
exit 0
"""
_ENDED_WELL = """
seen=$(systemctl $2 show -p ActiveState -p Result -p ConditionResult -p ConditionTimestampMonotonic -- "$1") || exit 1
result=${seen#*Result=} active=${seen#*ActiveState=}
newline='
'
result=${result%%"$newline"*} active=${active%%"$newline"*}
case "$active $result" in
  'inactive success') ;;
  *) echo "$active ($result)"; exit 1 ;;
esac
# Of one that was never tried systemd says "no" as well.
case $seen in
  *ConditionTimestampMonotonic=0*) ;;
  *ConditionResult=no*) echo "it did not run: its conditions are not met"; exit 1 ;;
esac
echo "$1 ended well"
"""
# systemd forgets the run of a unit that nothing refers to as soon as it has ended.
_RUN_ID_ONCE = """
seen=$(systemctl $2 show -p InvocationID -- "$1") || exit 1
echo MainPID=0
case $seen in *=?*) echo "$seen" ;; esac
"""
# A start of one that waits for its next attempt, or was stopped while it did, goes on counting.
_RUN_ID = """
seen=$(systemctl $2 show -p MainPID -p InvocationID -p NRestarts -p ActiveState -p SubState -- "$1") || exit 1
newline='
'
count=${seen#*NRestarts=} count=${count%%"$newline"*}
case $seen in *NRestarts=*) ;; *) count= ;; esac
printf '%s\\n' "$seen" | grep -e '^MainPID=' -e '^InvocationID='
[ "$count" ] || exit 0
echo "Again=$count"
case $seen in *SubState=auto-restart* | *ActiveState=inactive* | *ActiveState=failed*) echo "Keeps=$count" ;; esac
"""

# As it is loaded: "{ path=/x ; argv[]=/x -c /y ; ignore_errors=no ; ... }"; of several the last one stays.
_LAUNCH = """
told=$(systemctl $2 show -p ExecStart -- "$1") || exit 1
case $told in *' argv[]='*) told=${told##* argv\\[\\]=} told=${told%% ; ignore_errors=*} ;; *) exit 0 ;; esac
# What a variable stands for is seen only of the process.
case $told in *'$'*) ;; *) printf '%s\\n' "$told" ;; esac
"""


class Systemd:
    """The manager of units."""

    id = "systemd"
    priority = 0
    releases = VERSIONS
    comparison = package_difference.DIFFERENCE

    def probes(self) -> tuple[Probe[Any], ...]:
        """Every probe of systemd."""
        return (
            SHOW,
            SHOW_UNITS,
            USER_SHOW,
            USER_SHOW_UNITS,
            WATCH,
            JOURNAL,
            USER_JOURNAL,
            LINGERING,
            LINGERING_UNITS,
            LINGERING_JOURNAL,
            OOM,
            LAUNCH,
            USER_LAUNCH,
            USER_SOCKETS,
            VERSIONS,
            self.comparison,
        )

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """What is neither a service nor a socket can only be brought up again."""
        return systemd_others.why_not(service.ref.name, kind)

    def start(self, service: Service) -> Command:
        """Start the unit."""
        return _systemctl(service, "start")

    def stop(self, service: Service) -> Command:
        """Stop the unit; ``Restart=`` does not bring back what was stopped this way."""
        return _systemctl(service, "stop")

    def restart(self, service: Service) -> Command:
        """Stop and start the unit."""
        return _systemctl(service, "restart")

    def release_words(self, service: Service, recipe: Recipe | None) -> tuple[str, ...]:
        """The versions of the Debian package that the unit comes from."""
        return systemd_packages.words(service)

    def comparison_words(
        self, service: Service, recipe: Recipe | None, live: Release, target: Release
    ) -> tuple[str, ...]:
        """Both versions of that package."""
        return systemd_packages.comparison_words(service, live, target)

    def roll_back(self, service: Service, target: Release, live: Release | None, by: Signature) -> Swap:
        """Another version of that package, and the unit restarted."""
        return systemd_packages.roll_back(service, target, live, by, self.reset_failed(service), self.restart(service))

    def reload(self, service: Service) -> Command | None:
        """``ExecReload=``, where the unit has one."""
        return _systemctl(service, "reload") if service.reload_command else None

    def reset_failed(self, service: Service) -> Command:
        """Clear the failure and the start limit's counter."""
        return _systemctl(service, "reset-failed")

    def signal(self, service: Service, name: str) -> Command:
        """Send a signal to the main process only."""
        return _systemctl(service, "kill", f"--signal={name}", "--kill-who=main")

    def daemon_reload(self, service: Service) -> Command:
        """Read all unit files again."""
        return _change((*_tool(service), "daemon-reload"), service, "read all unit files again")

    def takes_effect(self, service: Service, file: str | None) -> str:
        """systemd reads units, and not what these name: files of variables, or the program's own configuration."""
        tool, own = _tool(service), file is None or "/systemd/" in file
        again = (*tool, "restart", "--", service.ref.name)
        return f"{quote((*tool, 'daemon-reload'))} && {quote(again)}" if own else quote(again)

    def is_running(self, service: Service, *, hold: float) -> Check:
        """Active, and still so after ``hold`` seconds; one that does its work and ends: ended well."""
        if service.oneshot:
            return Check(f"{service.ref.name} ended well", _look(_ENDED_WELL, service), within=30.0)
        return Check(f"{service.ref.name} is active", _look(_IS_ACTIVE, service), within=30.0, hold=hold)

    def is_stopped(self, service: Service) -> Check:
        """Inactive or failed."""
        return Check(f"{service.ref.name} is stopped", _look(_IS_DOWN, service), within=30.0)

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """Of a restart by the journal, to which sudo hands no state of the plan; of a stop ``is_stopped`` has it."""
        never_killed = service.stop_way is not None and service.stop_way.last is None
        if kind is not ActionKind.RESTART or never_killed or not service.ref.name.endswith(".service"):
            return None
        if service.tool[:1] == ("sudo",):
            return None
        look = HOW_ENDED if service.ref.scope == "system" else USER_HOW_ENDED
        return Check(f"see how {service.ref.name} ended before", _look(look, service))

    def run_id(self, service: Service) -> Command:
        """Main process, invocation and count of automatic restarts; without the last two where they are not known."""
        if service.oneshot:
            return _look(_RUN_ID_ONCE, service)
        return _look(_RUN_ID, service)

    def launch(self, service: Service) -> Command:
        """``ExecStart=``."""
        return _look(_LAUNCH, service)

    def cgroup_name(self, service: Service) -> str:
        """The unit's own name."""
        return service.ref.name

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``journalctl`` of the unit."""
        ref = service.ref
        words = ["journalctl", "-q", "--no-pager", "-o", "json", "--all", f"--output-fields={FIELDS}", "-n", str(lines)]
        if since is not None:
            words += ["--since", f"@{since:.6f}"]
        if follow:
            words.append("-f")
        # --unit=NAME in one word, so that no name can be taken for an option.
        words += _match(service)
        guard = MAY_READ if ref.scope == "system" else ""
        argv = ("sh", "-c", f'{guard}exec "$@"', "sh", *words)
        return Command(argv, purpose=f"read the journal of {ref.name}")

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """What systemd sets, the files that it reads for it, and the main process."""
        if not UNIT_NAME.fullmatch(service.ref.name):
            raise ValueError(f"{service.ref.name!r} is no name of a unit")
        if uid_of(service) is not None:
            return ("process", str(service.pid)) if service.pid else ()
        return ("unit", "system" if service.ref.scope == "system" else "user", service.ref.name)

    def control_groups(self, service: Service) -> tuple[str, ...]:
        """The unit's."""
        return (service.cgroup,) if service.cgroup and service.pids else ()

    def plain_log(self, service: Service, *, lines: int) -> Command:
        """``journalctl`` of the unit, as a person reads it."""
        words = ("journalctl", "-q", "--no-pager", "-o", "short-iso", "-n", str(lines), *_match(service))
        return Command(("sh", "-c", _SINCE, "sh", *words), purpose=f"read the journal of {service.ref.name}")

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line of the journal as JSON."""
        return journal_line(ref, text)


_SINCE = 'exec "$@" ${HOSTDECK_SINCE:+"--since=@$HOSTDECK_SINCE"}'

SYSTEMD = Systemd()


def _match(service: Service) -> tuple[str, ...]:
    name = service.ref.name
    return (f"--unit={name}",) if service.ref.scope == "system" else user_match(name, uid_of(service))


def _tool(service: Service) -> tuple[str, ...]:
    """``systemctl`` for the service's manager, with the words before it that reach the one of another user."""
    if service.ref.scope == "system":
        return ("systemctl",)
    return service.tool or ("systemctl", "--user")


def _systemctl(service: Service, verb: str, *options: str) -> Command:
    name = service.ref.name
    # systemctl takes "*" and "[" for patterns and would act on all that match; no unit has such a name.
    if not UNIT_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a unit: letters, digits and :_.\\@- are allowed")
    # "--" only where it is needed: a sudoers line must match the words to the letter.
    end = ("--",) if name.startswith("-") else ()
    return _change((*_tool(service), verb, *options, *end, name), service, f"{verb} {name}")


def _change(argv: tuple[str, ...], service: Service, purpose: str) -> Command:
    elevate = service.ref.scope == "system"
    return Command(argv, elevate=elevate, timeout=120.0, effect=Effect.CHANGE, purpose=purpose)


def _look(script: str, service: Service) -> Command:
    tool = _tool(service)
    at = tool.index("systemctl")
    # The scripts split the options; the name of a user who is reached by them has no blank.
    words = (*tool[:at], "sh", "-c", script, "sh", service.ref.name, " ".join(tool[at + 1 :]))
    return Command(words, purpose=f"look at {service.ref.name}")
