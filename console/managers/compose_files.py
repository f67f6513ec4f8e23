"""Whether the files of a project still say of a service what its containers were made by.

Compose writes a hash of what it made a container by on that container, and tells that of now
(``config --hash``, https://docs.docker.com/reference/cli/docker/compose/config/). That of Python (1.x) puts the
identity of the image into it, so that it is asked before any tag is moved.
"""

from console.core.command import Command
from console.core.plan import Check
from console.core.service import Service
from console.managers import container_commands as commands
from console.managers.first_words import FIRST_WORDS

_LOOK = 15.0
_BY_NOW = "this makes it by what they say now, and so does an undo"

COMPARE = (
    FIRST_WORDS
    + r"""
# PROJECT SERVICE COUNT COMPOSE... TOOL...: "same HASH", "differ" or "unknown WHY". COUNT words are Compose.
hd_files() {
  hd_project=$1 hd_service=$2 hd_count=$3
  shift 3
  hd_was=$(hd_made_by "$@") || { echo "unknown ${hd_was:-the engine does not answer}"; return 0; }
  hd_now=$(hd_made_now "$@" 2>&1) || { echo "unknown $(printf '%s\n' "$hd_now" | tail -n 1)"; return 0; }
  hd_now=$(printf '%s\n' "$hd_now" | sed -n "s/^$hd_service //p")
  case $hd_now in '' | *[!0-9a-f]*) echo "unknown this Compose does not tell the hash of $hd_service"; return 0 ;; esac
  case $hd_was in
    "$hd_now,") echo "same $hd_now" ;;
    '' | ,* | *[!0-9a-f,]*) echo "unknown no container of $hd_service tells what it was made by" ;;
    *) echo differ ;;
  esac
}
hd_made_by() {
  shift "$hd_count"
  hd_told=$("$@" ps -a --filter "label=com.docker.compose.project=$hd_project" \
    --filter "label=com.docker.compose.service=$hd_service" --filter label=com.docker.compose.oneoff=False \
    --format '{{.Label "com.docker.compose.config-hash"}}' 2>&1) || { printf '%s\n' "$hd_told" | tail -n 1; return 1; }
  printf '%s\n' "$hd_told" | sort -u | tr '\n' ,
}
hd_hashed() { "$@" config --hash "$hd_service"; }
hd_made_now() { first_words "$hd_count" hd_hashed "$@"; }
"""
)

SAME = (
    COMPARE
    + r"""
told=$(hd_files "$@")
case $told in
  same*) printf '%s\n' "${told#same }" >"$HOSTDECK_PLAN/made-by" && echo "as its containers were made" ;;
  differ) echo "the files of the project have changed by now: an undo would not make $2 again as it is"; exit 1 ;;
  *) echo "${told#unknown }"; exit 1 ;;
esac
"""
)
"""The arguments of ``hd_files``: the files say what its containers were made by, which is kept for ``AS_BEFORE``."""

AS_BEFORE = (
    COMPARE
    + r"""
hd_project=$1 hd_service=$2 hd_count=$3
shift 3
read -r was <"$HOSTDECK_PLAN/made-by" || exit 1
now=$(hd_made_by "$@") || { echo "$now"; exit 1; }
[ "$now" = "$was," ] || { echo "the files changed meanwhile: $hd_service is made again by what they say now"; exit 1; }
echo "made as before"
"""
)
"""The same arguments: its containers are made by just what they were made by before."""


def words(service: Service) -> tuple[str, ...]:
    """The arguments of ``hd_files`` before the tool: project, service, the words of Compose with their count."""
    project, _, name = service.ref.name.rpartition("/")
    project = project.rpartition("/")[2]
    return (project, name, str(len(service.file_tool)), *service.file_tool)


def not_as_it_is(told: str) -> str | None:
    """Why an undo would not make a service again as it is, from the answer of ``hd_files``."""
    word, _, why = told.partition(" ")
    if word == "same":
        return None
    if word == "differ":
        return f"the files of the project have changed since it was made, and {_BY_NOW}"
    return f"whether the files of the project have changed since it was made is not known ({why}): {_BY_NOW}"


def same(service: Service) -> Check:
    """Before any tag is moved: made again it would be what it is."""
    name = f"the files say what {service.ref.name} was made by"
    return Check(name, _look(service, SAME), within=0)


def as_before(service: Service) -> Check:
    """After an undo: it is made by the same as before."""
    return Check(f"{service.ref.name} is made as before", _look(service, AS_BEFORE), within=0)


def _look(service: Service, script: str) -> Command:
    becomes = (*service.file_tool, "config") if service.file_tool[:1] == ("sudo",) else ()
    return Command(
        ("sh", "-c", script, "sh", *words(service), *commands.words(service)), timeout=_LOOK, becomes=becomes
    )
