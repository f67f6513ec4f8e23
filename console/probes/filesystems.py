"""Space and inodes of the mounted file systems: ``df`` and ``/proc/mounts``.

A network file system whose server is dead blocks ``df`` for ever: local and remote ones are asked separately, each
within seconds, so that a dead one only hides the remote ones, which are then told as mounted and without a size. Each
of those is then asked for itself, so that the dead one is told. Pseudo
file systems are left out, and so are those that are always full (squashfs, iso9660), the layers and mounts of
containers, and tmpfs where it is the system's own.
"""

import re
from collections.abc import Sequence, Set

from console.core.probe import ParseError, Probe
from console.core.sample import Filesystem

# GNU df tells inodes in the same call; busybox and old ones need two calls.
SCRIPT = r"""
hd_df() {
  if [ -n "$hd_limit" ]; then timeout -s KILL "$hd_limit" df "$@"; else df "$@"; fi
}
# Each of the remote ones for itself, all at once: those that do not answer.
hd_ask() {
  hd_t=" $(printf '%s ' $hd_far)"
  printf '%s\n' "$hd_mounts" | awk -v far="$hd_t" 'index(far, " " $3 " ") && ++n <= 20 { print $2 }' | {
    while IFS= read -r hd_t; do
      {
        hd_x=$(printf '%s\n' "$hd_t" | sed 's/%/%%/g')
        timeout -s KILL 1 stat -f -- "$(printf "$hd_x")" >/dev/null 2>&1
        [ $? != 137 ] || printf '%s\n' "$hd_t"
      } &
    done
    wait
  }
}
hd_limit=
command -v timeout >/dev/null 2>&1 && hd_limit=3
hd_columns=--output=fstype,size,used,avail,itotal,iused,target
hd_pseudo='^(proc|sysfs|cgroup2?|devpts|mqueue|nsfs|tracefs|debugfs|bpf|pstore|securityfs|configfs|autofs)$'
hd_mounts=$(awk -v pseudo="$hd_pseudo" '$3 !~ pseudo { print $1, $2, $3, substr($4, 1, 2) }' /proc/mounts)
# What df takes for local may be served by a process, too. Types have no blanks.
hd_far=$(printf '%s\n' "$hd_mounts" | awk '
  $3 ~ /^(nfs4?|cifs|smb3|ceph|glusterfs|lustre|9p|fuse(\..*)?)$/ && !told[$3]++ { print $3 }')
hd_out= hd_in= hd_silent=
for hd_t in $hd_far; do hd_out="$hd_out -x $hd_t" hd_in="$hd_in -t $hd_t"; done
set -f
if hd_answer=$(hd_df -k -l $hd_out "$hd_columns" 2>/dev/null) || [ -n "$hd_answer" ]; then
  echo gnu
  printf '%s\n' "$hd_answer"
  if [ -n "$hd_in" ]; then
    hd_df -k $hd_in "$hd_columns" 2>/dev/null
    [ $? != 137 ] || hd_silent=$(hd_ask)
  fi
else
  echo posix
  hd_df -P -k -T 2>/dev/null || hd_df -P -k
  echo inodes
  hd_df -P -i 2>/dev/null
fi
echo mounts
printf '%s\n' "$hd_mounts"
[ -z "$hd_silent" ] || printf 'silent\n%s\n' "$hd_silent"
"""

_LEFT_OUT = re.compile(
    r"(?:proc|sysfs|cgroup2?|devtmpfs|devpts|mqueue|hugetlbfs|nsfs|tracefs|debugfs|bpf|pstore|securityfs|configfs"
    r"|fusectl|autofs|efivarfs|binfmt_misc|rpc_pipefs|ramfs|squashfs|erofs|iso9660|udf|fuse\.lxcfs|fuse\.portal"
    r"|fuse\.gvfsd-fuse|nullfs)\Z"
)
_REMOTE = re.compile(r"(?:nfs4?|cifs|smb3|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|rclone)|lustre)\Z")
"""The types that are asked apart from the local ones."""
_TEMPORARY = frozenset({"/tmp", "/var/tmp", "/run", "/run/lock", "/dev/shm"})  # noqa: S108
_SYSTEMS = ("/run", "/dev", "/sys", "/proc", "/var/lib/kubelet/", "/var/lib/containers/")
"""Where a tmpfs is the system's own, or a secret of a container; elsewhere somebody mounted it to fill it."""
_BELOW = ("/run/", "/var/lib/docker/")
"""What is mounted below is a part of another file system, or a container's own."""
_octal = re.compile(r"\\([0-7]{3})")

_Mount = tuple[str, str, bool]


def parse(text: str) -> tuple[Filesystem, ...]:
    """Read the answer of ``SCRIPT``, sorted by mount point."""
    lines = text.split("\n")
    if "mounts" not in lines or lines[0] not in ("gnu", "posix"):
        raise ParseError("the answer of df and /proc/mounts", text)
    end = len(lines) - 1 - lines[::-1].index("mounts")
    rest = lines[end + 1 :]
    at = rest.index("silent") if "silent" in rest else len(rest)
    mounts, hanging = _mounts(rest[:at]), {_plain(line) for line in rest[at + 1 :]}
    try:
        found = _gnu(lines[1:end], mounts) if lines[0] == "gnu" else _posix(lines[1:end], mounts)
    except ValueError as error:
        if isinstance(error, ParseError):
            raise
        raise ParseError("the numbers of df", text) from None
    found = [each for each in found if each.answered]
    found += _silent(mounts, found, hanging)
    return tuple(sorted({each.mount: each for each in found if _wanted(each)}.values(), key=lambda each: each.mount))


def _silent(mounts: dict[str, _Mount], found: list[Filesystem], hanging: Set[str]) -> list[Filesystem]:
    """The remote ones of which df told nothing, and all that hang. Of one that is mounted twice it tells once."""
    told = {each.device for each in found}
    return [
        Filesystem(mount, device, kind, size=0, used=0, available=0, read_only=read_only, hangs=mount in hanging)
        for mount, (device, kind, read_only) in mounts.items()
        if mount in hanging or (_REMOTE.match(kind) and device not in told)
    ]


def _wanted(found: Filesystem) -> bool:
    if _LEFT_OUT.match(found.type):
        return False
    if found.type == "tmpfs":
        return found.mount in _TEMPORARY or not found.mount.startswith((*_BELOW, *_SYSTEMS))
    if found.type in ("overlay", "aufs", "fuse.fuse-overlayfs"):
        return found.mount == "/"
    return not found.mount.startswith(_BELOW)


def _mounts(lines: list[str]) -> dict[str, _Mount]:
    """Device, type and whether it is read-only, by mount point; a later mount hides an earlier one."""
    found: dict[str, _Mount] = {}
    for line in lines:
        words = line.split(" ")
        if len(words) != 4:
            raise ParseError("a line of /proc/mounts", line)
        device, mount, kind, option = words
        found[_plain(mount)] = (_plain(device), kind, option == "ro")
    return found


def _plain(word: str) -> str:
    # proc_pid_mounts(5): space, tab, newline and backslash as octal. df shows a control character as "?".
    return _octal.sub(lambda found: chr(int(found[1], 8)), word).replace("\n", "?").replace("\t", "?")


def _gnu(lines: list[str], mounts: dict[str, _Mount]) -> list[Filesystem]:
    found = []
    for line in lines:
        words = line.split(None, 6)
        if len(words) != 7 or words[1] == "1K-blocks":
            if words and words[1:2] != ["1K-blocks"]:
                raise ParseError("a line of df", line)
            continue
        kind, size, used, available, inodes, inodes_used, mount = words
        device, _, read_only = mounts.get(mount, ("", kind, False))
        found.append(_measured(mount, (device, kind, read_only), (size, used, available), (inodes, inodes_used)))
    return found


def _posix(lines: list[str], mounts: dict[str, _Mount]) -> list[Filesystem]:
    at = lines.index("inodes") if "inodes" in lines else len(lines)
    inodes = {}
    for line in lines[at + 1 :]:
        found = _row(line, mounts)
        if found is not None and len(found[1]) == 4:
            inodes[found[0]] = found[1]
    result = []
    for line in lines[:at]:
        found = _row(line, mounts)
        if found is None or len(found[1]) != 4:
            continue
        mount, sizes = found
        result.append(_measured(mount, mounts[mount], sizes, inodes.get(mount, ("-", "-"))))
    return result


def _measured(mount: str, mounted: _Mount, sizes: Sequence[str], inodes: Sequence[str]) -> Filesystem:
    """By the columns of df: KiB in all, used and available; inodes in all and used."""
    device, kind, read_only = mounted
    return Filesystem(
        mount=mount,
        device=device,
        type=kind,
        size=_kib(sizes[0]),
        used=_kib(sizes[1]),
        available=_kib(sizes[2]),
        inodes=_count(inodes[0]),
        inodes_used=_count(inodes[1]),
        read_only=read_only,
    )


def _row(line: str, mounts: dict[str, _Mount]) -> tuple[str, list[str]] | None:
    """The mount point and the four columns before it; ``None`` for a heading or what is not mounted any more."""
    found = re.search(r" +(\S+) +(\S+) +(\S+) +(\S+%|-) (.+)\Z", line)
    if found is None or found[5] not in mounts:
        return None
    return found[5], [found[1], found[2], found[3], found[4]]


def _kib(word: str) -> int:
    return int(word[:18]) * 1024 if word != "-" else 0


def _count(word: str) -> int | None:
    # 0 inodes: the file system makes them as it needs them (btrfs, vfat).
    return int(word[:18]) or None if word != "-" else None


PROBE = Probe(
    name="filesystems", script=SCRIPT, parse=parse, requires=("df", "awk"), every=30.0, slow=True, timeout=10.0
)
