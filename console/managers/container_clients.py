"""Units of systemd that run a container: by a client (``docker run``, ``docker-compose up`` ...), or by its conmon.

Either the client is one of their processes, or it has ended and the unit remains active, as one does that runs
``compose up --detach``: what it ran is then read of its definition, which is root's.

Anybody may call a process so and give it any words, and what ends a container ends the unit that runs it: a client is
believed of an engine that its user may use.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, join, normpath

from console.core.engines import is_engine
from console.core.probe import ParseError, Probe
from console.managers.container_engines import Engine
from console.managers.container_run import Asked, asked
from console.managers.containers import Container
from console.managers.lineage import launches

# Reads the names of all processes without a fork; a few forks for each client that is found. The user is the real one:
# a program that becomes root may be started by anybody, under any name. A folder may have a line break in its name, and
# a command line be as long as its user likes.
SCRIPT = r"""
hd_nl='
' hd_s= hd_t=
while read -r hd_k hd_b; do [ "$hd_k" != btime ] || break; done </proc/stat
for hd_f in /proc/[0-9]*/comm; do
  read -r hd_c <"$hd_f" || continue
  case $hd_c in docker | docker-compose | podman | podman-compose | conmon) ;; *) continue ;; esac
  hd_d=${hd_f%/comm} hd_g=
  while IFS= read -r hd_l; do
    case $hd_l in 0::*.service | *:name=systemd:*.service) hd_g=${hd_l##*/} ;; *) continue ;; esac
    case $hd_l in */user@*.service/*) hd_l=${hd_l#*/user@} hd_g=user@${hd_l%%/*}/$hd_g ;; esac
  done <"$hd_d/cgroup"
  [ -n "$hd_g" ] || continue
  hd_u= hd_q=
  while read -r hd_k hd_l hd_r; do
    case $hd_k in Uid:) hd_u=$hd_l ;; Gid:) hd_q=$hd_l ;; Groups:) hd_q="$hd_q $hd_l $hd_r" ;; esac
  done <"$hd_d/status"
  [ "$hd_u" = 0 ] || hd_s=${hd_s:-$(stat -Lc %g /run/docker.sock)}
  case " $hd_q " in *" ${hd_s:-none} "*) hd_u="$hd_u may" ;; esac
  hd_l=$(readlink "$hd_d/cwd")
  case $hd_l in *"$hd_nl"*) hd_l= ;; esac
  read -r hd_k <"$hd_d/stat"
  set -- ${hd_k##*) }
  printf 'unit %s\nby %s\nin %s\nat %s\n' "$hd_g" "$hd_u" "$hd_l" "$((${hd_b:-0} + ${20:-0} / 100))"
  head -c 32000 "$hd_d/cmdline" | tr '\n\0' ' \n' | sed 's/^/arg /'
  echo
done 2>/dev/null
systemctl show --type=service --state=exited -p Id -p ExecStart -p WorkingDirectory -p InactiveExitTimestampMonotonic \
  '*' 2>/dev/null </dev/null |
while IFS= read -r hd_l || [ -n "$hd_l$hd_g" ]; do
  case $hd_l in
    Id=*) hd_g=${hd_l#*=} ;;
    WorkingDirectory=*) hd_d=${hd_l#*=} hd_d=${hd_d#!} ;;
    Inactive*=*) hd_u=${hd_l#*=} ;;
    ExecStart=*docker* | ExecStart=*podman*) hd_s=$hd_s$hd_nl$hd_l ;;
    '') case $hd_s in ?*) printf '%s\n' "$hd_s" | sed -n "s/.* ; argv\[\]=\(.*\) ; ignore_errors=.*/\1/p" |
          while IFS= read -r hd_l; do
            printf 'unit %s\nby 0\nin %s\nat %s\n' "$hd_g" "$hd_d" "$((${hd_b:-0} + ${hd_u:-0} / 1000000))"
            printf '%s\n' "$hd_l" | head -c 32000 | tr ' ' '\n' | sed 's/^/arg /'
          done ;;
        esac
        hd_g= hd_s= hd_d= hd_u= ;;
  esac
done
return 0
"""

_BINARIES = ("docker", "docker-compose", "podman", "podman-compose")

_of_user = re.compile(r"/run/user/(\d{1,10})/")
_ident = re.compile(r"[0-9a-f]{4,64}")
_second = re.compile(r"[0-9]{1,12}")
_by = re.compile(r"(?P<uid>\d{1,10})(?P<may> may)?")


@dataclass(frozen=True, slots=True)
class Client:
    """What attends to a container."""

    runs: str
    """The container, or ``PROJECT/`` for one that runs a whole project; empty where it gave no name."""
    unit: str
    """A user's own unit is behind the one that runs that user's manager: ``user@1000.service/api.service``."""
    uid: int
    may: bool
    """Whether it may use the engine of the whole host."""
    folder: str = ""
    """That of the project, which may call itself otherwise."""
    asked: Asked | None = None
    """By what its container is found, which has a name that the engine made up."""

    def speaks_to(self, engine: Engine) -> bool:
        """Whether it can have asked that engine."""
        owner = _of_user.match(engine.path)
        return self.may if engine.scope == "system" else owner is not None and self.uid == int(owner[1])

    def runs_of(self, containers: Sequence[Container]) -> str:
        """The key of what it runs, as the engine calls that."""
        if self.folder:
            projects = (one.project for one in containers if one.project is not None)
            told = next((one.name for one in projects if one.directory == self.folder), None)
            return self.runs if told is None else f"{told}/"
        if _ident.fullmatch(self.runs) and all(one.name != self.runs for one in containers):
            return next((one.name for one in containers if one.ident.startswith(self.runs)), self.runs)
        return self.runs


def units(clients: Iterable[Client], engine: Engine, containers: Sequence[Container]) -> Mapping[str, str]:
    """The units that run what an engine has, by its name."""
    mine = [one for one in clients if one.speaks_to(engine)]
    found = {one.runs_of(containers): one.unit for one in mine if one.asked is None}
    return _unnamed([one for one in mine if one.asked is not None], found, containers)


def _unnamed(clients: Sequence[Client], named: Mapping[str, str], containers: Sequence[Container]) -> Mapping[str, str]:
    """With those whose client gave no name: one that only one container can be of, which is then none of another's."""
    found, waiting = dict(named), list(clients)
    free = [one for one in containers if one.project is None]
    while True:
        fits = [
            (client, [one for one in free if one.name not in found and client.asked and client.asked.is_for(one)])
            for client in waiting
        ]
        sure = [(client, some[0]) for client, some in fits if len(some) == 1]
        once = [pair for pair in sure if sum(other[1] is pair[1] for other in sure) == 1]
        if not once:
            return found
        found.update({container.name: client.unit for client, container in once})
        waiting = [one for one in waiting if all(one is not client for client, _ in once)]


def parse(text: str) -> tuple[Client, ...]:
    """Read the answer of ``SCRIPT``; of whose process it is not seen whose it is, nothing is believed."""
    found: list[Client] = []
    told: dict[str, str] = {}
    args: list[str] = []
    for line in (*text.split("\n"), "unit "):
        tag, _, value = line.partition(" ")
        if tag == "unit":
            found += _clients(told, args)
            told, args = {tag: value}, []
        elif tag in ("by", "in", "at"):
            told[tag] = value
        elif tag == "arg":
            args.append(value)
        elif line:
            raise ParseError("unit, by, in, at or arg", line)
    return tuple(found)


def _clients(told: Mapping[str, str], args: Sequence[str]) -> tuple[Client, ...]:
    """The client of one command line, where it is one."""
    unit, whose = told.get("unit", ""), _by.fullmatch(told.get("by", ""))
    name = unit.rpartition("/")[2]
    # What Podman was asked for over its socket is in that one's unit, and goes on without it; of a job of
    # cron that is cron's.
    if not name or whose is None or is_engine(name) or launches(name):
        return ()
    began = told.get("at", "")
    target = _target(args, told.get("in", ""), float(began) if _second.fullmatch(began) else None)
    if target is None:
        return ()
    uid = int(whose["uid"])
    runs, folder, asks = target
    return (Client(runs, unit, uid, uid == 0 or whose["may"] is not None, folder, asks),)


_Target = tuple[str, str, Asked | None]
"""A name, the folder of a project that was not given one, and what was asked for without a name."""


def _target(args: Sequence[str], folder: str, began: float | None) -> _Target | None:
    """What a client's command line is about. Podman's client ends; conmon, which stays, is given the name."""
    if args and args[0].rpartition("/")[2] == "conmon":
        name = _option(args, "-n")
        return (name, "", None) if name else None
    start = next((at for at, word in enumerate(args) if word.rpartition("/")[2] in _BINARIES), None)
    if start is None:
        return None
    words = list(args[start + 1 :])
    if args[start].endswith("compose") or "compose" in words[:3]:
        return _project(words, folder) if "up" in words else None
    if "run" in words[:4]:
        return _container(asked(words[words.index("run") + 1 :], began or 0.0), began)
    if "start" in words[:4] and {"-a", "--attach", "-ai", "-ia"} & set(words):
        return words[-1], "", None
    return None


def _container(asks: Asked | None, began: float | None) -> _Target | None:
    if asks is None:
        return None
    if asks.name:
        return asks.name, "", None
    return ("", "", asks) if began is not None else None


def _project(words: Sequence[str], folder: str) -> _Target | None:
    name = _option(words, "-p") or _option(words, "--project-name")
    if name is not None:
        return (f"{name}/", "", None) if name else None
    file = _option(words, "-f") or _option(words, "--file")
    given = _option(words, "--project-directory")
    place = normpath(join(folder, given if given is not None else dirname(file or "")))
    # As Compose makes a name of a folder.
    base = place.rpartition("/")[2].lower()
    name = "".join(letter for letter in base if letter.isalnum() or letter in "-_")
    return (f"{name}/", place, None) if name and place.startswith("/") else None


def _option(words: Sequence[str], option: str) -> str | None:
    for at, word in enumerate(words):
        if word == option:
            return words[at + 1] if at + 1 < len(words) else None
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


CLIENTS: Probe[tuple[Client, ...]] = Probe("docker_clients", SCRIPT, parse, slow=True, cached=False)
"""Asked when a container has started."""
