"""What is done with releases in a directory, as constant POSIX sh; everything that varies is an argument.

``DIRECTORY/releases/ID`` and the link ``DIRECTORY/current``, as ``console.probes.releases`` reads them. Exit codes
are as in ``console.actions.scripts``.
"""

from console.core.plan import FAULT_FOUND

NOTE = r"""
note() { note_of "$(date +%s)" "$@"; }
note_of() {
  [ ! -h "$directory/releases/history" ] || { echo "$directory/releases/history is a link: not written" >&2; return 1; }
  printf '%s %s %s %s %s %s %s\n' "$1" "$2" "$3" "$4" "$5" "$6" "${7--}" >>"$directory/releases/history"
}
"""

_SWITCH = r"""
live() {
  if [ ! -h "$directory/current" ]; then
    [ ! -e "$directory/current" ] && return 0
    echo "$directory/current is no symbolic link" >&2
    return 1
  fi
  at=$(readlink -- "$directory/current") || return 1
  name=$(named "$at")
  case $name in
    '' | . | ..)
      echo "$directory/current leads to $at, which names no release" >&2
      return 1
      ;;
  esac
  printf '%s\n' "$name"
}
# The release that a link of this text leads to: people also write releases/ID/.
named() {
  plain=${1%"${1##*[!/]}"}
  printf '%s\n' "${plain##*/}"
}
# ID [TEXT]: rename(2) over the old link is the one stroke in which nobody finds no link; ln -sfn removes it first.
switch() {
  new=$directory/.current.$$
  if rm -f -- "$new" && ln -s -- "${2:-releases/$1}" "$new" && mv -T -f -- "$new" "$directory/current"; then
    [ "$(live)" = "$1" ] && return 0
  fi
  rm -f -- "$new"
  echo "$directory/current could not be changed to $1" >&2
  return 1
}
still() {
  [ "$now" = "$was" ] && return 0
  echo "${now:-nothing} is live by now, not ${was:-nothing}: somebody released meanwhile"
  return 1
}
"""

READY = (
    r"""
directory=$1 was=$2
[ -d "$directory/releases" ] || { echo "$directory/releases is not there"; exit 1; }
owner=$(stat -c %U -- "$directory/releases") || exit 1
if [ "$(id -u)" = 0 ] && [ "$owner" != root ]; then
  echo "$directory/releases belongs to $owner, where root would follow their links: name user = \"$owner\""
  exit 1
fi
[ -w "$directory" ] && [ -w "$directory/releases" ] || { echo "$(id -un) may not write to $directory"; exit 1; }
trial=$directory/.hostdeck.$$
rm -rf -- "$trial" "$trial.2"
ln -s -- one "$trial" && ln -s -- two "$trial.2" && mv -T -f -- "$trial.2" "$trial" 2>/dev/null
done=$?
rm -f -- "$trial" "$trial.2"
[ "$done" = 0 ] || { echo "mv of this host cannot put a link in the place of another in one stroke (no -T)"; exit 1; }
"""
    + _SWITCH
    + r"""
now=$(live) || exit 1
still || exit 1
echo "${now:-nothing} is live"
"""
)
"""DIRECTORY LIVE: the layout is there, may be changed, and the live release is still this one."""

THERE = r"""
directory=$1 id=$2
[ -d "$directory/releases/$id" ] || { echo "release $id is not in $directory/releases"; exit 1; }
[ -n "$(ls -A -- "$directory/releases/$id")" ] || { echo "release $id is empty"; exit 1; }
echo "$id is there"
"""
"""DIRECTORY ID: the release to go back to is there."""

_AT_COMMIT = r"""
tree() { GIT_OPTIONAL_LOCKS=0 git -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"; }
# COMMIT: HEAD of the work tree that this is run in is that.
at_commit() {
  now=$(tree rev-parse --verify -q HEAD) || { echo "$(pwd) is no work tree of git"; return 1; }
  [ "$now" = "$1" ] || { echo "the work tree is at $now by now, not at $1"; return 1; }
}
# The first files of the commit that differ from it; what a build has made beside them is none of them.
changed() {
  differs=$(tree status --porcelain --untracked-files=no) || return 1
  printf '%s' "$differs" | head -n 3 | tr '\n' ';'
}
"""

CLEAN = (
    _AT_COMMIT
    + r"""
source=$1 commit=$2 program=$3
cd -- "$source" || exit 1
at_commit "$commit" || exit 1
changed=$(tree status --porcelain | head -n 3) || exit 1
[ -z "$changed" ] || { echo "the work tree differs from its commit: $(printf '%s' "$changed" | tr '\n' ';')"; exit 1; }
command -v -- "$program" >/dev/null || { echo "$program, which builds it, is not on this host"; exit 1; }
echo "clean at $commit"
"""
)
"""SOURCE COMMIT PROGRAM: the work tree is what the plan was made for, and what builds it is there."""

STAYED = (
    _AT_COMMIT
    + r"""
cd -- "$1" && at_commit "$2" || exit 1
changed=$(changed) || exit 1
[ -z "$changed" ] || { echo "files changed while it was built, which is of no commit now: $changed"; exit 1; }
echo "still at $2"
"""
)
"""SOURCE COMMIT: nobody has taken the work tree to another commit, or changed its files, while it was built."""

SPACE = r"""
directory=$1 was=$2 least=$3
wants=0
[ -z "$was" ] || wants=$(du -sk -- "$directory/releases/$was" 2>/dev/null | cut -f 1)
[ "$((${wants:-0} * 2))" -gt "$least" ] && least=$((wants * 2))
free=$(df -Pk -- "$directory/releases" | awk 'NR == 2 { print $4 }')
[ -n "$free" ] || { echo "how much room $directory has is not known"; exit 77; }
if [ "$free" -lt "$least" ]; then
  echo "$directory has $((free / 1024)) MiB left, a release takes $((least / 1024)) MiB"
  exit 1
fi
nodes=$(df -Pi -- "$directory/releases" 2>/dev/null | awk 'NR == 2 { print $4 }')
[ "${nodes:-1}" != 0 ] || { echo "$directory has no inode left"; exit 1; }
echo "$((free / 1024)) MiB free"
"""
"""DIRECTORY LIVE KIB: room for twice the live release, at least so many KiB."""

BUILD = (
    f"fault_found={FAULT_FOUND}\n"
    + NOTE
    + _AT_COMMIT
    + r"""
directory=$1 source=$2 output=$3 id=$4 who=$5 VERSION=$6 COMMIT=$7 BUILD_TIME=$8
shift 8
export VERSION COMMIT BUILD_TIME
began=$(date +%s)
part=$directory/releases/$id.partial
[ ! -e "$directory/releases/$id" ] || { echo "release $id is there already" >&2; exit 1; }
cd -- "$source" || exit 1
rm -rf -- "$part" && mkdir -- "$part" || exit 1
: >"$part/.began"
"$@" || exit
fault() { echo "$1 ended with exit 0, but $2" >&2; exit "$fault_found"; }
# What was built while it moved is of neither commit.
moved=$(at_commit "$COMMIT") || fault "$1" "$moved"
changed=$(changed) || exit 1
if [ -n "$changed" ]; then
  VERSION=$VERSION+dirty
  echo "files changed while it was built, so that it is noted as $VERSION: $changed"
fi
[ -e "$output" ] || fault "$1" "left no $output in $source"
# A build that found nothing to do leaves what an earlier commit was built to.
if [ "$output" != . ] && [ -z "$(find "$output" -newer "$part/.began" | head -n 1)" ]; then
  fault "$1" "changed nothing in $output, which may be of an earlier commit: remove it, or let it be built anew"
fi
rm -f -- "$part/.began"
if [ -d "$output" ]; then cp -a -- "$output/." "$part/"; else cp -a -- "$output" "$part/"; fi || exit 1
rm -rf -- "$part/.git"
[ -n "$(ls -A -- "$part")" ] || fault "$1" "left $output empty: that is no release"
# What is kept is told by age, and cp gave it that of the output.
touch -- "$part" && mv -T -- "$part" "$directory/releases/$id" || exit 1
note built "$id" "$who" "$VERSION" "$COMMIT" "$(($(date +%s) - began))"
echo "built $id"
"""
)
"""DIRECTORY SOURCE OUTPUT ID WHO VERSION COMMIT BUILD-TIME COMMAND...

What was built while files of the commit changed is noted with a version that says so: ``v1.2+dirty``."""

UNBUILD = r"""
rm -rf -- "$1/releases/$2.partial"
"""
"""DIRECTORY ID: what a build that did not end well leaves. A whole release stays."""

SWITCH = (
    NOTE
    + _SWITCH
    + r"""
directory=$1 id=$2 was=$3 who=$4 version=$5 commit=$6
now=$(live) || exit 1
still >&2 || exit 1
# Whoever goes back gets the link as it was, wherever it led.
rm -f -- "$directory/.current.was" || exit 1
[ -z "$now" ] || ln -s -- "$(readlink -- "$directory/current")" "$directory/.current.was" || exit 1
# What was made live by hand has been so since its link was made: else nobody would know that one can go back to it.
[ -z "$now" ] || grep -qsF -- " live $now " "$directory/releases/history" ||
  note_of "$(stat -c %Y -- "$directory/current")" live "$now" - - - || exit 1
switch "$id" && note live "$id" "$who" "$version" "$commit" && echo "${was:-nothing} -> $id"
"""
)
"""DIRECTORY ID LIVE WHO VERSION COMMIT: make a release live, if that one still is."""

SWITCH_BACK = (
    NOTE
    + _SWITCH
    + r"""
directory=$1 id=$2 was=$3 who=$4 version=$5 commit=$6
now=$(live) || exit 1
[ "$now" != "$was" ] || { echo "$was is live"; exit 0; }
[ "$now" = "$id" ] || { echo "${now:-nothing} is live by now, not $id: left as it is" >&2; exit 1; }
text=$(readlink -- "$directory/.current.was") || text=
[ "$(named "$text")" = "$was" ] || text=
if [ -z "$was" ]; then rm -f -- "$directory/current"; else switch "$was" "$text"; fi || exit 1
rm -f -- "$directory/.current.was"
note failed "$id" "$who" "$version" "$commit"
[ -z "$was" ] || note live "$was" "$who" - -
echo "$id -> ${was:-nothing}"
"""
)
"""DIRECTORY ID LIVE WHO VERSION COMMIT: the undo of ``SWITCH``."""

HEALTHY = (
    NOTE
    + r"""
directory=$1
rm -f -- "$directory/.current.was"
note healthy "$2" "$3" "$4" "$5"
"""
)
"""DIRECTORY ID WHO VERSION COMMIT: note that it held its checks."""

PRUNE = (
    _SWITCH
    + r"""
directory=$1 was=$2 coming=$3 going=$4 failed=$5
now=$(live) || exit 1
# Of a first release that was taken back none is live.
[ -n "$now" ] || [ "${HOSTDECK_UNDONE-}" ] || exit 1
cd -- "$directory/releases" || exit 1
if [ "${HOSTDECK_UNDONE-}" ]; then
  going=$failed
  # The last of these would make room for one that was never made.
  if [ ! -d "$coming" ]; then case $going in *' '*) going=${going% *} ;; *) going= ;; esac; fi
fi
set -f
for one in $going; do
  case $one in '' | . | .. | *[!A-Za-z0-9._+~:-]* | *.partial) continue ;; esac
  [ "$one" != "$now" ] && [ "$one" != "$was" ] && [ -d "$one" ] || continue
  rm -rf -- "./$one" && echo "removed $one"
done
"""
)
"""DIRECTORY FORMER ID IDS FAILED: remove the releases IDS (one word, with blanks between), where all was undone FAILED.

Never the live one nor the one that was live before. ID is the one that was to come.
"""
