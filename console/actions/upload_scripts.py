"""How a host takes a release that was built elsewhere, as constant POSIX sh; everything that varies is an argument.

``DIRECTORY/releases/ID.partial/`` is made exclusively. Its ``tree`` becomes the release; ``pid`` names who still takes
it in, and ``sum`` is there once all has arrived and was compared. Exit codes are as in ``console.actions.scripts``.
"""

from console.actions.release_scripts import NOTE

TOOLS = r"""
for tool in tar tee sha256sum mkfifo find df awk; do
  command -v "$tool" >/dev/null || { echo "$tool, which takes an upload, is not on this host"; exit 1; }
done
echo "tar and sha256sum are there"
"""
"""What takes an upload is there."""

# What is left of an upload that nobody carries on: its process is gone, or has written nothing for two minutes.
_SWEEP = r"""
sweep() {
  for one in "$directory/releases"/*.partial; do
    [ -d "$one" ] && [ ! -h "$one" ] || continue
    if [ -f "$one/pid" ]; then
      read -r pid <"$one/pid" || pid=
      case $pid in '' | *[!0-9]*) ;; *)
        kill -0 "$pid" 2>/dev/null && [ -n "$(find "$one" -mmin -2 2>/dev/null | head -n 1)" ] && continue ;;
      esac
    else
      [ -n "$(find "$one/sum" -mmin +10 2>/dev/null)" ] || continue
    fi
    rm -rf -- "$one"
  done
}
"""

RECEIVE = (
    _SWEEP
    + r"""
directory=$1 id=$2 limit=$3
umask 022
part=$directory/releases/$id.partial
read -r size sum took || { echo "nothing was sent" >&2; exit 1; }
[ ! -e "$directory/releases/$id" ] || { echo "release $id is there already" >&2; exit 1; }
sweep
free=$(df -Pk -- "$directory/releases" | awk 'NR == 2 { print $4 }')
if [ -n "$free" ] && [ "$free" -le "$((size / 1024 + 64))" ]; then
  echo "$directory has $((free / 1024)) MiB left, what is sent takes $((size / 1048576 + 1)) MiB" >&2
  exit 1
fi
mkdir -- "$part" || exit 1
trap 'rm -rf -- "$part"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -- "$part/tree" && mkfifo -m 600 -- "$part/pipe" && echo "$$" >"$part/pid" || exit 1
bound=
timeout -k 1 1 true 2>/dev/null && bound="timeout -k 2 $limit"
echo ready
sha256sum <"$part/pipe" >"$part/got" &
hash=$!
$bound tee -- "$part/pipe" | { tar -xpof - -C "$part/tree" && cat >/dev/null && : >"$part/whole"; }
if [ ! -e "$part/whole" ]; then
  kill "$hash" 2>/dev/null
  echo "what was sent could not be unpacked" >&2
  exit 1
fi
wait "$hash"
read -r got rest <"$part/got"
[ "$got" = "$sum" ] || { echo "what arrived is not what was sent: it was cut short or changed on the way" >&2; exit 1; }
printf '%s %s\n' "$took" "$sum" >"$part/sum" && rm -f -- "$part/pipe" "$part/got" "$part/whole" "$part/pid" || exit 1
trap - EXIT
echo "received and compared"
"""
)
"""DIRECTORY ID SECONDS: take ``SIZE SHA256 TOOK``, a line, and then an archive; keep nothing that is not whole."""

PLACE = (
    NOTE
    + r"""
directory=$1 id=$2 who=$3 version=$4 commit=$5
part=$directory/releases/$id.partial
[ ! -h "$part" ] && read -r took sum 2>/dev/null <"$part/sum" || { echo "$id has not arrived whole" >&2; exit 1; }
[ ! -e "$directory/releases/$id" ] || { echo "release $id is there already" >&2; exit 1; }
[ -n "$(ls -A -- "$part/tree")" ] || { echo "what was sent is empty: that is no release" >&2; exit 1; }
mv -T -- "$part/tree" "$directory/releases/$id" || exit 1
# The newest by this host's clock: the archive brings the time of the directory that was built.
touch -- "$directory/releases/$id"
rm -rf -- "$part"
note built "$id" "$who" "$version" "$commit" "$took"
echo "$id is in place"
"""
)
"""DIRECTORY ID WHO VERSION COMMIT: make what has arrived and was compared a release."""

GONE = r"""
[ ! -e "$1/releases/$2.partial" ] || rm -rf -- "$1/releases/$2.partial"
"""
"""DIRECTORY ID: remove what an upload left."""
