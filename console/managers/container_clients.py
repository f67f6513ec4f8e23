"""Units of systemd that run a container: by a client (``docker run``, ``docker-compose up`` ...), or by its conmon.

Anybody may call a process so and give it any words, and what ends a container ends the unit that runs it: a client is
believed of an engine that its user may use.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.core.engines import is_engine
from console.core.probe import ParseError, Probe
from console.managers.container_engines import Engine
from console.managers.lineage import launches

# Reads the names of all processes without a fork; a few forks for each client that is found. The user is the real one:
# a program that becomes root may be started by anybody, under any name. A folder may have a line break in its name, and
# a command line be as long as its user likes.
SCRIPT = r"""
hd_nl='
' hd_s=
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
  printf 'unit %s\nby %s\nin %s\n' "$hd_g" "$hd_u" "$hd_l"
  head -c 32000 "$hd_d/cmdline" | tr '\n\0' ' \n' | sed 's/^/arg /'
  echo
done 2>/dev/null
return 0
"""

_BINARIES = ("docker", "docker-compose", "podman", "podman-compose")


_of_user = re.compile(r"/run/user/(\d{1,10})/")
_by = re.compile(r"(?P<uid>\d{1,10})(?P<may> may)?")


@dataclass(frozen=True, slots=True)
class Client:
    """What attends to a container."""

    runs: str
    """The container, or ``PROJECT/`` for one that runs a whole project."""
    unit: str
    """A user's own unit is behind the one that runs that user's manager: ``user@1000.service/api.service``."""
    uid: int
    may: bool
    """Whether it may use the engine of the whole host."""

    def speaks_to(self, engine: Engine) -> bool:
        """Whether it can have asked that engine."""
        owner = _of_user.match(engine.path)
        return self.may if engine.scope == "system" else owner is not None and self.uid == int(owner[1])


def units(clients: Iterable[Client], engine: Engine) -> Mapping[str, str]:
    """The units that run what an engine has, by its name."""
    return {one.runs: one.unit for one in clients if one.speaks_to(engine)}


def parse(text: str) -> tuple[Client, ...]:
    """Read the answer of ``SCRIPT``; of whose process it is not seen whose it is, nothing is believed."""
    found: list[Client] = []
    unit, folder, by, args = "", "", "", list[str]()
    for line in (*text.split("\n"), "unit "):
        tag, _, value = line.partition(" ")
        if tag == "unit":
            whose = _by.fullmatch(by)
            name = unit.rpartition("/")[2]
            # What Podman was asked for over its socket is in that one's unit, and goes on without it; a job of cron is
            # in cron's.
            runs_it = bool(name) and not is_engine(name) and not launches(name)
            if runs_it and whose and (key := _target(args, folder)):
                uid = int(whose["uid"])
                found.append(Client(key, unit, uid, uid == 0 or whose["may"] is not None))
            unit, folder, by, args = value, "", "", []
        elif tag == "by":
            by = value
        elif tag == "in":
            folder = value
        elif tag == "arg":
            args.append(value)
        elif line:
            raise ParseError("unit, by, in or arg", line)
    return tuple(found)


def _target(args: Sequence[str], folder: str) -> str | None:
    """What a client's command line is about. Podman's client ends; conmon, which stays, is given the name."""
    if args and args[0].rpartition("/")[2] == "conmon":
        return _option(args, "-n")
    start = next((at for at, word in enumerate(args) if word.rpartition("/")[2] in _BINARIES), None)
    if start is None:
        return None
    words = list(args[start + 1 :])
    if args[start].endswith("compose") or "compose" in words[:3]:
        return _project(words, folder) if "up" in words else None
    if "run" in words[:4]:
        return _option(words, "--name")
    if "start" in words[:4] and {"-a", "--attach", "-ai", "-ia"} & set(words):
        return words[-1]
    return None


def _project(words: Sequence[str], folder: str) -> str | None:
    name = _option(words, "-p") or _option(words, "--project-name")
    file = _option(words, "-f") or _option(words, "--file")
    if name is None:
        place = _option(words, "--project-directory") or (file.rpartition("/")[0] if file and "/" in file else folder)
        # As Compose makes a name of a folder.
        base = place.rstrip("/").rpartition("/")[2].lower()
        name = "".join(letter for letter in base if letter.isalnum() or letter in "-_")
    return f"{name}/" if name else None


def _option(words: Sequence[str], option: str) -> str | None:
    for at, word in enumerate(words):
        if word == option:
            return words[at + 1] if at + 1 < len(words) else None
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


CLIENTS: Probe[tuple[Client, ...]] = Probe("docker_clients", SCRIPT, parse, slow=True, cached=False)
"""Asked when a container has started."""
