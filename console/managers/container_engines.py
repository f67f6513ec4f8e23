"""Container engines of a host: where their sockets are, who may use them, and with which words their tools answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from console.core.probe import ParseError, Probe

# Forks nothing where there is no socket, and one stat where there is one. dockerd removes its pid file when it ends:
# its socket may belong to systemd, and to connect to that would start what somebody has stopped. Podman's containers
# run without a socket as well, and its folder is closed to others than root: then a conmon of root tells of them.
SCRIPT = r"""
set --
for hd_s in /run/docker.sock /var/run/docker.sock "${XDG_RUNTIME_DIR:-/run/user}/docker.sock" \
  /run/user/*/docker.sock /run/podman/podman.sock /run/user/*/podman/podman.sock; do
  [ -S "$hd_s" ] || continue
  # Podman takes Docker's place by a link.
  [ ! -L "$hd_s" ] || case $(readlink "$hd_s") in */podman.sock) continue ;; esac
  case $hd_s in
    /var/run/*) [ ! -S /run/docker.sock ] || continue ;;
    *[!A-Za-z0-9_./-]*) continue ;;
  esac
  for hd_k in "$@"; do [ "$hd_k" != "$hd_s" ] || continue 2; done
  set -- "$@" "$hd_s"
  hd_kind=docker hd_pid=- hd_up=up hd_may=denied
  case $hd_s in */podman.sock) hd_kind=podman ;; esac
  if [ "$hd_kind" = docker ]; then
    hd_up=down
    for hd_f in "${hd_s%.sock}.pid" /run/snap.docker/docker.pid; do
      [ "$hd_up" = down ] && [ -f "$hd_f" ] && [ -r "$hd_f" ] || continue
      read -r hd_pid <"$hd_f" || :
      case $hd_pid in '' | *[!0-9]*) hd_pid=- ;; *) [ ! -d /proc/1 ] || [ -d "/proc/$hd_pid" ] && hd_up=up ;; esac
    done
    if [ "$hd_up" = down ]; then
      hd_pid=-
      for hd_p in /proc/[0-9]*/comm; do
        read -r hd_c <"$hd_p" || continue
        [ "$hd_c" != dockerd ] || { hd_up=up; break; }
      done 2>/dev/null
    elif [ "$hd_pid" != - ]; then
      { read -r hd_c <"/proc/$hd_pid/stat"; } 2>/dev/null && case ${hd_c##*) } in [Tt]*) hd_up=frozen ;; esac
    fi
  fi
  [ ! -w "$hd_s" ] || hd_may=rw
  echo "engine $hd_kind $hd_s $hd_up $hd_pid $hd_may"
done
if [ -d /run/podman ] && [ ! -S /run/podman/podman.sock ]; then
  hd_up=down
  [ -x /run/podman ] || hd_up=up
  for hd_p in /proc/[0-9]*/comm; do
    hd_c= hd_k= hd_f=
    read -r hd_c <"$hd_p"
    [ "$hd_c" = conmon ] || continue
    while read -r hd_k hd_f hd_t && [ "$hd_k" != Uid: ]; do :; done <"${hd_p%comm}status"
    [ "$hd_f" != 0 ] || { echo "engine podman /run/podman/podman.sock $hd_up - denied"; break; }
  done 2>/dev/null
fi
[ $# -gt 0 ] || return 0
hd_t=
for hd_p in docker docker-compose podman sudo; do
  command -v "$hd_p" >/dev/null 2>&1 && hd_t="$hd_t $hd_p"
done
for hd_p in "$HOME/.docker" /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
  [ ! -x "$hd_p/cli-plugins/docker-compose" ] || { hd_t="$hd_t compose"; break; }
done
echo "tools$hd_t"
exec stat -c 'socket %n %U %G %Z' -- "$@"
"""

_pid = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine, as its socket shows it."""

    kind: str
    """``docker`` or ``podman``."""
    path: str
    """Of its socket."""
    up: bool
    """Whether a daemon is behind it; podman's is started by whoever asks: where it has a socket it counts as up."""
    pid: int | None
    """Its daemon, where that is told."""
    allowed: bool
    """Whether the connected user may use the socket."""
    user: str
    group: str
    changed: str
    """When the socket was made: another time is another daemon."""
    frozen: bool = field(default=False, compare=False)
    """Its daemon was stopped by a signal; it is the same engine for that."""

    @property
    def scope(self) -> str:
        """``system``, or ``user:NAME`` of a rootless one."""
        return f"user:{self.user}" if self.path.startswith("/run/user/") or self.user != "root" else "system"

    @property
    def why_not(self) -> str | None:
        """Why it cannot be asked, in one line."""
        if not self.up and self.kind == "podman":
            return f"podman runs containers without its socket {self.path}: systemctl enable --now podman.socket"
        if not self.up:
            unit = "systemctl start docker" if self.scope == "system" else "systemctl --user start docker"
            return f"dockerd does not run behind {self.path}: {unit}"
        if self.frozen:
            return f"dockerd (process {self.pid}) was stopped by a signal and does not answer: kill -CONT {self.pid}"
        if self.allowed:
            return None
        mend = f"join group {self.group}" if self.group not in ("root", "UNKNOWN") else "only root may use it"
        return f"permission denied on {self.path}: {mend}"

    @property
    def why_silent(self) -> str:
        """What is told of it where it hangs, in one line."""
        mine = "--user " if self.scope != "system" else ""
        daemon, unit = ("podman", "podman.socket") if self.kind == "podman" else ("dockerd", "docker")
        log, again = f"journalctl {mine}-u {self.kind}", f"systemctl {mine}restart {unit}"
        return f"{daemon} behind {self.path} does not answer: it hangs: {log} may tell why, then {again}"


@dataclass(frozen=True, slots=True)
class Engines:
    """All engines of a host and the tools that are there."""

    engines: tuple[Engine, ...] = ()
    tools: frozenset[str] = frozenset()

    def words(self, engine: Engine) -> tuple[tuple[str, ...], str | None]:
        """The words of the command line for an engine, or why there are none."""
        at = f"unix://{engine.path}"
        # First: what is called docker beside it may be Podman itself, which does not know that option.
        if engine.kind == "podman" and "podman" in self.tools:
            return ("podman", "--url", at), None
        if "docker" in self.tools:
            plain = engine.kind == "docker" and engine.scope == "system" and len(self.engines) == 1
            return (("docker",) if plain else ("docker", "-H", at)), None
        package = "docker's command line (docker-cli or docker.io)" if engine.kind == "docker" else "podman"
        return (), f"this host has no {engine.kind} command: install {package}"

    def compose_words(self, engine: Engine) -> tuple[str, ...]:
        """The words of Compose for an engine; empty where it has none."""
        words, _ = self.words(engine)
        if "compose" in self.tools and words[:1] == ("docker",):
            return (*words, "compose")
        if "docker-compose" in self.tools:
            return ("docker-compose", *(words[1:] if words[:1] == ("docker",) else ("-H", f"unix://{engine.path}")))
        return ()


def parse(text: str) -> Engines:
    """Read what ``SCRIPT`` prints."""
    lines = [line.split(" ") for line in text.split("\n") if line]
    owners = {line[1]: line[2:] for line in lines if line[0] == "socket" and len(line) == 5}
    tools = next((frozenset(line[1:]) for line in lines if line[0] == "tools"), frozenset[str]())
    return Engines(tuple(_engine(line, owners) for line in lines if line[0] == "engine"), tools)


def _engine(words: Sequence[str], owners: dict[str, list[str]]) -> Engine:
    if len(words) != 6 or (words[4] != "-" and not _pid.fullmatch(words[4])):
        raise ParseError("engine KIND PATH up|frozen|down PID rw|denied", " ".join(words))
    _, kind, path, up, pid, may = words
    user, group, changed = owners.get(path, ["root", "UNKNOWN", "0"])
    number = None if pid == "-" else int(pid)
    return Engine(kind, path, up != "down", number, may == "rw", user, group, changed, up == "frozen")


def _checked(text: str) -> str:
    parse(text)
    return text


PRESENCE: Probe[str] = Probe("docker_presence", SCRIPT, _checked, every=5.0, slow=True)
"""Sockets of engines with their rights, daemons and tools; empty where there is none."""

_NOT_NOW = """
case $(systemctl is-active docker.service 2>/dev/null) in
  deactivating) echo "dockerd is being stopped" >&2; return 1 ;;
esac
"""
ENGINES: Probe[Engines] = Probe("docker_engines", _NOT_NOW + SCRIPT, parse, slow=True, cached=False)
"""The same, read, to be asked before each connection: one to an engine that is being stopped would start it again."""
