"""Units of systemd that run a container: by a client (``docker run``, ``docker-compose up`` ...), or by its conmon."""

from collections.abc import Mapping, Sequence

from console.core.engines import is_engine
from console.core.probe import ParseError, Probe

# Reads the names of all processes without a fork; one tr for each client that is found.
SCRIPT = r"""
for hd_f in /proc/[0-9]*/comm; do
  read -r hd_c <"$hd_f" || continue
  case $hd_c in docker | docker-compose | podman | podman-compose | conmon) ;; *) continue ;; esac
  hd_d=${hd_f%/comm} hd_g=
  while IFS= read -r hd_l; do
    case $hd_l in 0::*.service | *:name=systemd:*.service) hd_g=${hd_l##*/} ;; *) continue ;; esac
    case $hd_l in */user@*.service/*) hd_l=${hd_l#*/user@} hd_g=user@${hd_l%%/*}/$hd_g ;; esac
  done <"$hd_d/cgroup"
  [ -n "$hd_g" ] || continue
  echo "unit $hd_g"
  echo "in $(readlink "$hd_d/cwd")"
  tr '\n\0' ' \n' <"$hd_d/cmdline" | sed 's/^/arg /'
done 2>/dev/null
return 0
"""

_BINARIES = ("docker", "docker-compose", "podman", "podman-compose")


def parse(text: str) -> Mapping[str, str]:
    """Units by the container that they run, and by ``PROJECT/`` for one that runs a whole project.

    A user's own unit is behind the one that runs that user's manager: ``user@1000.service/api.service``.
    """
    found: dict[str, str] = {}
    unit, folder, args = "", "", list[str]()
    for line in (*text.split("\n"), "unit "):
        tag, _, value = line.partition(" ")
        if tag == "unit":
            # What Podman was asked for over its socket is in that one's unit, and goes on without it.
            if unit and not is_engine(unit.rpartition("/")[2]) and (key := _target(args, folder)):
                found[key] = unit
            unit, folder, args = value, "", []
        elif tag == "in":
            folder = value
        elif tag == "arg":
            args.append(value)
        elif line:
            raise ParseError("unit, in or arg", line)
    return found


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


CLIENTS: Probe[Mapping[str, str]] = Probe("docker_clients", SCRIPT, parse, slow=True, cached=False)
"""Asked when a container has started."""
