"""Docker through ``sudo -n docker``, for a user who may not use its socket: who is there, and what is told of some.

Only what is read here leaves the host: the environment of a container, the output of its health checks and its other
labels may hold secrets.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from console.core.probe import ParseError, Probe
from console.managers.containers import Container, container

SUDO_TOOL = ("sudo", "-n", "--", "docker")

_LABELS = (
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.oneoff",
    "com.docker.compose.container-number",
    "com.docker.compose.project.working_dir",
    "com.docker.compose.project.config_files",
    "org.opencontainers.image.version",
    "org.opencontainers.image.revision",
    "org.opencontainers.image.source",
)
# Of the form of the engine's own answer, which is read elsewhere.
_FORM = (
    '{"Id":{{json .ID}},"Name":{{json .Name}},"Image":{{json .Image}},"Created":{{json .Created}},'
    '"RestartCount":{{json .RestartCount}},'
    '"State":{"Status":{{json .State.Status}},"Pid":{{json .State.Pid}},"ExitCode":{{json .State.ExitCode}},'
    '"OOMKilled":{{json .State.OOMKilled}},"Error":{{json .State.Error}},"StartedAt":{{json .State.StartedAt}},'
    '"FinishedAt":{{json .State.FinishedAt}}{{with .State.Health}},"Health":{"Status":{{json .Status}}}{{end}}},'
    '"Config":{"Image":{{json .Config.Image}},"User":{{json .Config.User}},'
    '{{with .Config.Healthcheck}}"Healthcheck":{"Interval":{{json .Interval}},"Timeout":{{json .Timeout}},'
    '"StartPeriod":{{json .StartPeriod}},"Retries":{{json .Retries}}},{{end}}'
    '"StopSignal":{{json .Config.StopSignal}},"StopTimeout":{{json .Config.StopTimeout}},"Labels":{'
    + ",".join(f'"{label}":{{{{json (index .Config.Labels "{label}")}}}}' for label in _LABELS)
    + '}},"HostConfig":{"RestartPolicy":{"Name":{{json .HostConfig.RestartPolicy.Name}}},'
    '"AutoRemove":{{json .HostConfig.AutoRemove}},"PortBindings":{{json .HostConfig.PortBindings}},'
    '"NetworkMode":{{json .HostConfig.NetworkMode}}},'
    '"NetworkSettings":{"Ports":{{json .NetworkSettings.Ports}}}}'
)

# With KILL timeout ends itself beside what it waits for: sudo, which nobody but root may kill, is not waited for.
_DOCKER = r"""
hd_t=
if command -v timeout >/dev/null 2>&1; then hd_t='timeout -k 1 8'; fi
hd_answered() { [ "$hd_rc" -lt 124 ] || { hd_rc=124; echo 'dockerd does not answer' >&2; return 1; }; }
"""

# The words of docker for a time are replaced by one: an answer in which nothing else differs is the same answer.
_LISTED = (
    _DOCKER
    + r"""
# sudo writes each question into the log of the host: what it has allowed once is not asked again.
if [ "${1:-}" != known ]; then
  command -v sudo >/dev/null 2>&1 && sudo -n -l docker ps -a --no-trunc --format x >/dev/null 2>&1 &&
    sudo -n -l docker inspect --type container --format x -- x >/dev/null 2>&1 || return 3
fi
hd_told=$($hd_t sudo -n docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.Status}}')
hd_rc=$?
hd_answered && [ "$hd_rc" = 0 ] || return "$hd_rc"
printf '%s\n' "$hd_told" | sed -e 's/ Less than a second/ young/' -e 's/ [0-9][0-9]* seconds*/ young/' \
  -e 's/ About a minute/ young/' -e 's/ About an hour/ old/' -e 's/ [0-9][0-9]* [mhdwy][a-z]*/ old/'
"""
)

# A container may go between the two, or be one of which nothing can be told: the others are told all the same, and what
# docker says instead is.
_TOLD = (
    _DOCKER
    + f"""
hd_told=$($hd_t sudo -n docker inspect --type container --format '{_FORM}' -- "$@" 2>&1)
"""
    + r"""
hd_rc=$?
hd_answered || return "$hd_rc"
case $hd_rc:$hd_told in
  0:* | *:'{'*) ;;
  *:*sudo:* | *' is not allowed to '*) printf '%s\n' "$hd_told" >&2; return "$hd_rc" ;;
esac
printf '%s\n' "$hd_told" | sed -n -e '/^{/{p;d;}' -e '/[Nn]o such container/d' -e 's/^./said &/p'
"""
)

_listed = re.compile(r"(?P<ident>[0-9a-f]{12,64}) (?P<stamp>\S+ \S.*)")


def parse_listed(text: str) -> Mapping[str, str]:
    """Every container by its identity: a line that is another one when its name, its state or its health is."""
    found = {}
    for line in text.split("\n"):
        match = _listed.fullmatch(line)
        if match is not None:
            found[match["ident"]] = match["stamp"]
        elif line:
            raise ParseError("IDENT NAME STATUS", line)
    return found


def is_settled(stamp: str) -> bool:
    """Whether the same line a look later means the same run: what began in the last two minutes may have begun anew."""
    return " young" not in stamp and "Restarting" not in stamp


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is told of some containers; of those that are not among them nothing could be."""

    containers: tuple[Container, ...] = ()
    said: str = ""
    """What docker said instead, one line; empty where that was nothing."""


def parse_told(text: str) -> Inspected:
    """Read containers, one a line; one that cannot be read leaves the others alone."""
    found, said = [], ""
    for line in text.split("\n"):
        if line.startswith("said "):
            said = said or line.removeprefix("said ")
            continue
        if line and not line.startswith(("{", "[")):
            raise ParseError("a container as JSON", line)
        try:
            found.append(container(json.loads(line, strict=False)))
        except (ValueError, RecursionError, ParseError):
            continue
    return Inspected(tuple(found), said)


LISTED: Probe[Mapping[str, str]] = Probe("docker_listed_by_sudo", _LISTED, parse_listed, slow=True, timeout=20.0)
"""All containers; exit 3 where sudo refuses. Argument: ``known`` where it was allowed before."""

TOLD: Probe[Inspected] = Probe("docker_told_by_sudo", _TOLD, parse_told, slow=True, cached=False, timeout=20.0)
"""The containers of these identities."""
