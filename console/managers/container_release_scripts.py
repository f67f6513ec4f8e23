"""What is done with the images of a service, as constant POSIX sh; the last words are the tool."""

from console.core import work_tree
from console.managers import compose_files, release_notes
from console.managers.container_scripts import ENGINE
from console.managers.first_words import FIRST_WORDS

_LABELS = ("version", "revision", "created")
_label = '{{{{json (index . "org.opencontainers.image.{}")}}}}'
_LABELLED = ",".join(f'"{name}":{_label.format(name)}' for name in (*_LABELS, "title", "source"))
_IMAGE = (
    '{"Id":{{json .Id}},"Tags":{{json .RepoTags}},"Digests":{{json .RepoDigests}},"Created":{{json .Created}},'
    '"Layers":{{json .RootFS.Layers}},"Labels":'
    # An image that was imported has no labels at all, which `index` takes for an error.
    "{{if .Config}}{{with .Config.Labels}}{" + _LABELLED + "}{{else}}{}{{end}}{{else}}{}{{end}}}"
)
_CONTAINER = (
    "{{.Image}} {{.Created}} {{.HostConfig.AutoRemove}} "
    '{{with .Config.Labels}}{{with index . "com.docker.swarm.service.id"}}swarm{{end}}{{end}}'
)

# Arguments: the file of the history, the repository, the work tree and who builds it or empty words, the container; the
# number of the words before the tool that are for ``hd_files``, and those.
LIST = (
    r"""
hd_file=$1 hd_repo=$2 hd_source=$3 hd_user=$4 hd_name=$5 hd_compared=$6
shift 6
"""
    + ENGINE
    + compose_files.COMPARE
    + f"""
if [ "$hd_compared" != 0 ]; then
  # The last of these say how many words are Compose's.
  echo "files $(hd_files "$@")"
  shift "$hd_compared"
fi
engine "$@" || return 1
# Whoever may not ask is told which line of sudoers is missing.
hd_ask() {{
  hd_tell=$("$@" 2>&1) && return 0
  case $hd_tell in
    *'assword is required'* | *'not allowed to execute'*)
      while [ "$1" != -- ]; do shift; done
      shift
      echo "sudo does not let $(id -un) list images; sudoers needs: $(id -un) ALL=(root) NOPASSWD:" \\
        "$(command -v "$1") $hd_line" >&2 ;;
    # The engine's client prints an empty result before it says what is wrong.
    *) printf '%s\\n' "${{hd_tell:-$1 says nothing}}" | grep -v -x -F -e '' -e '[]' | head -n 1 >&2 ;;
  esac
  return 1
}}
echo "now $(date +%s)"
echo "repository $hd_repo"
hd_line='inspect *'
hd_ask "$@" inspect --type container --format '{_CONTAINER}' "$hd_name" || return 1
case $hd_tell in *' swarm')
  echo "$hd_name is a task of a swarm: docker service rollback changes it" >&2; return 1 ;;
esac
echo "container $hd_tell"
hd_live=${{hd_tell%% *}} hd_line='image ls *'
hd_ask "$@" image ls --no-trunc --quiet "$hd_repo" || return 1
hd_ids=$(printf '%s\\n' "$hd_tell" | head -n 100)
hd_ask "$@" image ls --no-trunc --quiet --filter dangling=true || return 1
hd_ids=$(printf '%s\\n' "$hd_live" "$hd_ids" "$(printf '%s\\n' "$hd_tell" | head -n 100)" | sort -u)
hd_line='image inspect *'
# One that is removed at this moment leaves the others.
hd_ask "$@" image inspect --format '{_IMAGE}' $hd_ids || case $hd_tell in *'{{"Id"'*) ;; *) return 1 ;; esac
printf '%s\\n' "$hd_tell" | sed -n '/^{{/s/^/image /p'
"""
    + release_notes.READ
    + work_tree.SCRIPT
    + """
return 0
"""
)

_IDENT = r"""
ident() {
  known=$("$@" image inspect --format '{{.Id}}' "$ref") || exit 1
  known=${known#sha256:}
  case $known in '' | *[!0-9a-f]*) echo "the engine does not tell the identity of $ref" >&2; exit 1 ;; esac
  printf '%.12s' "$known"
}
"""
_NOTED = (
    release_notes.WRITE
    + _IDENT
    + r"""
file=$1 ref=$2 was=$3 since=$4 was_version=$5 was_commit=$6 who=$7 version=$8 commit=$9
shift 9
id=$(ident "$@") || exit 1
"""
)

BUILD = (
    release_notes.WRITE
    + _IDENT
    + FIRST_WORDS
    + r"""
file=$1 ref=$2 who=$3 version=$4 commit=$5 tool=$6
shift 6
began=$(date +%s)
(shift "$tool" && exec "$@") || exit
took=$(($(date +%s) - began))
id=$(first_words "$tool" ident "$@") || exit 1
note "$(date +%s)" built "$id" "$who" "$version" "$commit" "$took"
echo "built $id"
"""
)
"""FILE IMAGE WHO VERSION COMMIT COUNT TOOL... WORDS...: the command that makes IMAGE; COUNT words are the tool."""

UNBUILD = r"""
ref=$1
shift
"$@" image inspect --format "$ref stays" "$ref" 2>/dev/null || echo "no image was made"
"""
"""IMAGE TOOL...: its undo, which takes no image away: one that failed is evidence."""

LIVE = _NOTED + 'note_former; note "$(date +%s)" live "$id" "$who" "$version" "$commit" -; echo "$id from $ref"\n'
"""FILE IMAGE FORMER SINCE VERSION COMMIT WHO VERSION COMMIT TOOL...: note that the image is what runs from now on."""

NOT_LIVE = (
    _NOTED
    + r"""
note "$(date +%s)" failed "$id" "$who" "$version" "$commit" -
[ -z "$was" ] || note "$(date +%s)" live "$was" "$who" - - -
echo "$id -> ${was:-nothing}"
"""
)
"""The undo of ``LIVE``."""

WELL = _NOTED + 'note "$(date +%s)" healthy "$id" "$who" "$version" "$commit" -\n'
"""The same arguments: note that it held its checks."""

SPACE = r"""
live=$1
shift
root=$("$@" info --format '{{.DockerRootDir}}' 2>&1) || { echo "$root"; exit 1; }
size=$("$@" image inspect --format '{{.Size}}' "$live" 2>/dev/null)
least=$((${size:-0} / 1024 * 2))
[ "$least" -gt 16384 ] || least=16384
free=$(df -Pk -- "$root" 2>/dev/null | awk 'NR == 2 { print $4 }')
[ -n "$free" ] || { echo "how much room $root has is not known"; exit 77; }
if [ "$free" -lt "$least" ]; then
  echo "$root has $((free / 1024)) MiB left, an image takes $((least / 1024)) MiB"
  exit 1
fi
echo "$((free / 1024)) MiB free"
"""
"""LIVE TOOL...: room for twice the image that runs."""

HEALTHY = r"""
name=$1
shift
said=$("$@" inspect --type container --format '{{with .State.Health}}{{.Status}}{{end}}' "$name" 2>&1) || {
  echo "$said"; exit 1
}
case $said in
  '' | none) echo "it has no health check of its own"; exit 77 ;;
  healthy) echo healthy ;;
  *) echo "$said"; exit 1 ;;
esac
"""
"""NAME TOOL...: its own health check says that it is well; 77 where it has none."""

PRUNE = r"""
repo=$1 coming=$2 was=$3 going=$4 failed=$5
shift 5
spared=$coming
if [ "${HOSTDECK_UNDONE-}" ]; then
  going=$failed spared=
  # The last of these would make room for one that was never made.
  "$@" image inspect "$repo:$coming" >/dev/null 2>&1 ||
    case $going in *' '*) going=${going% *} ;; *) going= ;; esac
fi
"$@" image ls --format '{{.Tag}} {{.ID}}' "$repo" | while read -r tag id; do
  # Only what was made from here is removed, and never what runs or ran last.
  case $tag in [0-9]*T[0-9]*Z | [0-9]*T[0-9]*Z-* | was-*) ;; *) continue ;; esac
  case " $going " in *" $id "* | *" $tag "*) ;; *) continue ;; esac
  [ "$tag" != "$spared" ] && [ "$id" != "$was" ] || continue
  "$@" image rm "$repo:$tag" >/dev/null && echo "removed $repo:$tag"
done
"""
"""REPOSITORY TAG FORMER-ID IDS FAILED TOOL...: remove these images, where all was undone those of FAILED.

IDS and FAILED are each one word, with blanks between; TAG is of the one that was to come.
"""

SAME = r"""
name=$1 was=$2 image=$3
shift 3
runs=$("$@" inspect --type container --format '{{.Image}}' "$name" 2>&1) || { echo "$runs"; exit 1; }
case $runs in
  sha256:"$was"*) echo "$name runs $was" ;;
  *) echo "$name runs ${runs#sha256:} by now, not $was: somebody changed it"; exit 1 ;;
esac
# An undo gives the tag back to what runs: where it is another image's by now, somebody has built or fetched one.
tagged=$("$@" image inspect --format '{{.Id}}' "$image" 2>/dev/null)
case $tagged in
  "$runs") ;;
  '') echo "no image is called $image: by which name the files mean that of $name is not told"; exit 1 ;;
  *) echo "$image is another image by now than the one that $name runs: somebody built or fetched it"; exit 1 ;;
esac
"""
"""NAME LIVE IMAGE TOOL...: the container runs that image, and so does whoever makes it again now."""

THERE = r"""
ident=$1
shift
"$@" image inspect --format '{{.Id}}' "$ident" >/dev/null 2>&1 || { echo "image $ident is not there"; exit 1; }
echo "$ident is there"
"""
"""ID TOOL...: an image is there."""

UP = (
    FIRST_WORDS
    + r"""
pull=$1 verb=$2
shift 2
# The help tells which Compose it is. That of Python never fetches an image that is there, and has no word for it; the
# other does where a file says so (pull_policy), unless it is told not to.
helps() {
  [ "$1 $2 $3" != "sudo -n --" ] || shift 3
  "$@" --help 2>&1
}
case $(first_words "$verb" helps "$@") in
  *" --pull "*) pull=never ;;
  *" --quiet-pull "*) pull= ;;
esac
exec "$@" ${pull:+--pull "$pull"}
"""
)
"""never|'' COUNT COMPOSE... up ...: make containers of the image that is there. COUNT words end with ``up``; the first
one counts where no help is told."""

DECLARES_BUILD = r"""
name=$1
shift
# What the files say with all their variables stays here.
told=$("$@" config 2>/dev/null) || { "$@" config 2>&1 >/dev/null | tail -n 1; exit 1; }
printf '%s\n' "$told" | awk -v name="$name" '
  /^[^ ]/ { services = ($1 == "services:"); mine = 0; next }
  services && /^  [^ ]/ { mine = ($1 == name ":"); next }
  mine && /^    build:/ { found = 1 }
  END { exit !found }' || { echo "the files of the project do not say how $name is built"; exit 1; }
echo "build"
"""
"""NAME COMPOSE...: its files say how it is built."""
