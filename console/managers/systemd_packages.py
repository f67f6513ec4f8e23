"""The Debian package that a unit comes from, as its releases: what is installed, and what apt can really fetch."""

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from console.core import release_history as history
from console.core.command import Command, Effect
from console.core.plan import Check, Step, Swap
from console.core.probe import ParseError, Probe
from console.core.release import Release, ReleaseBook, Signature
from console.core.service import Service, ServiceRef
from console.managers import release_notes

# Arguments: the file of the history, the unit, the file of the unit.
_SCRIPT = (
    r"""
hd_file=$1 hd_unit=$2 hd_path=$3
command -v dpkg-query >/dev/null 2>&1 && command -v apt-cache >/dev/null 2>&1 ||
  { echo "where the releases of $hd_unit are is not configured: [services.release] directory" >&2; return 1; }
# dpkg reads a pattern, and knows one of the two names of a directory that is merged with another.
hd_owner() {
  hd_pattern=$(printf '%s' "$1" | sed 's/[*?[\\]/\\&/g')
  dpkg-query -S "$hd_pattern" 2>/dev/null | grep -v '^diversion ' | head -n 1
}
hd_found=$(hd_owner "$hd_path")
case $hd_path in
  /usr/lib/*) hd_other=${hd_path#/usr} ;;
  *) hd_other=/usr$hd_path ;;
esac
hd_found=${hd_found:-$(hd_owner "$hd_other")}
hd_package=${hd_found%%:*}
[ -n "$hd_package" ] || {
  echo "$hd_unit comes from no Debian package ($hd_path), and [services.release] directory is not configured" >&2
  return 1
}
hd_package=${hd_package%%,*}
echo "now $(date +%s)"
echo "package $hd_package"
echo "installed $(dpkg-query -W -f '${Version}\n' "$hd_package" | head -n 1)"
apt-cache madison "$hd_package" 2>/dev/null | sed -n 's/^ *[^|]*| *\([^ |]*\) *|.*/offered \1/p' | head -n 50
for hd_one in /var/cache/apt/archives/"$hd_package"_*.deb; do
  [ ! -f "$hd_one" ] || echo "archived $hd_one"
done
# When each version came, as dpkg noted in the host's own time.
for hd_one in /var/log/dpkg.log.1 /var/log/dpkg.log; do
  sed -n "s/^\([0-9-]* [0-9:]*\) status installed $hd_package:[^ ]* \([^ ]*\)\$/\1 \2/p" "$hd_one" 2>/dev/null
done | tail -n 30 | while read -r hd_day hd_time hd_version; do
  echo "event $(date -d "$hd_day $hd_time" +%s 2>/dev/null || echo -) live $hd_version"
done
"""
    + release_notes.READ
    + """
return 0
"""
)

SAME = r"""
package=$1 was=$2
now=$(dpkg-query -W -f '${Version}\n' "$package" 2>/dev/null | head -n 1)
[ "$now" = "$was" ] || { echo "$package ${now:-?} is installed by now, not $was"; exit 1; }
echo "$package $was is installed"
"""
"""PACKAGE VERSION: it is what is installed."""

SIMULATE = r"""
wanted=$1
said=$(LC_ALL=C apt-get --simulate --yes --allow-downgrades install "$wanted" 2>&1) || {
  printf '%s\n' "$said" | grep '^E:' | head -n 1
  exit 1
}
gone=$(printf '%s\n' "$said" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
[ -z "$gone" ] || { echo "apt would remove ${gone% }"; exit 1; }
printf '%s\n' "$said" | grep '^Inst' | head -n 3
"""
"""PACKAGE=VERSION or FILE: apt can do it, and takes nothing else away."""

LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
UNLOCKED = r"""
[ -r /proc/locks ] || { echo "who holds a lock is not to be seen"; exit 77; }
for file; do
  inode=$(stat -c %i -- "$file" 2>/dev/null) || continue
  holder=$(awk -v inode="$inode" '
    $2 != "->" { n = split($6, at, ":"); if (at[n] == inode) { print $5; exit } }' /proc/locks)
  [ -n "$holder" ] || continue
  read -r name 2>/dev/null <"/proc/$holder/comm" || name=
  echo "$file is held by process $holder${name:+ ($name)}: apt can install nothing meanwhile"
  exit 1
done
echo "nobody holds them"
"""
"""FILE...: no other package manager is at work, which a simulation does not see."""

_NOTED = release_notes.WRITE + "file=$1 id=$2 was=$3 who=$4 since=0\n"
LIVE = _NOTED + 'note "$(date +%s)" live "$id" "$who" - - -\n'
NOT_LIVE = _NOTED + 'note "$(date +%s)" failed "$id" "$who" - - -; note "$(date +%s)" live "$was" "$who" - - -\n'
WELL = _NOTED + 'note "$(date +%s)" healthy "$id" "$who" - - -\n'

_version = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:-]{0,127}")
_package = re.compile(r"[a-z0-9][a-z0-9.+-]{1,127}")
_archive = re.compile(r"/var/cache/apt/archives/[a-z0-9.+-]+_([0-9A-Za-z.+~%-]+)_[a-z0-9-]+\.deb")


def parse(text: str) -> ReleaseBook:
    """Read the answer; the reference is filled in by who asks."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    now = history.seconds((found.get("now") or ["-"])[0])
    package = (found.get("package") or [""])[0]
    if now is None or not _package.fullmatch(package):
        raise ParseError("the host's time and a package", text)
    installed = (found.get("installed") or [""])[0]
    ways = {version: f"{package}={version}" for version in found.get("offered", ()) if _version.fullmatch(version)}
    for path in found.get("archived", ()):
        match = _archive.fullmatch(path)
        if match is not None:
            ways.setdefault(unquote(match[1]), path)
    events = sorted(history.read(found.get("event", ())), key=lambda event: event.at)
    versions = dict.fromkeys((*ways, *((installed,) if _version.fullmatch(installed) else ())))
    releases = [_release(package, version, ways.get(version), installed) for version in versions]
    told = (history.told(release, events, now) for release in _with_gone(releases, events))
    named = (replace(release, version=release.id) for release in told)
    newest = sorted(named, key=lambda release: (not release.live, -(release.live_since or 0.0)))
    return ReleaseBook(ServiceRef("", "", ""), tuple(newest), now=now)


def _with_gone(releases: list[Release], events: Iterable[history.Event]) -> Iterable[Release]:
    return (release for release in history.with_gone(releases, events) if _version.fullmatch(release.id))


def _release(package: str, version: str, way: str | None, installed: str) -> Release:
    note = package if way is not None else f"{package}; no archive offers this version"
    return Release(version, live=version == installed, note=note, reference=way, present=way is not None)


VERSIONS: Probe[ReleaseBook] = Probe("package_versions", _SCRIPT, parse, slow=True, cached=False, timeout=20.0)
"""The releases of a unit that comes from a package."""


def words(service: Service) -> tuple[str, ...]:
    """The arguments of ``VERSIONS``; raises ``ValueError`` for a unit without a file."""
    if service.unit_file is None or service.ref.scope != "system":
        raise ValueError(
            f"where the releases of {service.ref.name} are is not configured: [services.release] directory"
        )
    return (release_notes.file_of(service.ref), service.ref.name, service.unit_file)


def roll_back(service: Service, target: Release, live: Release | None, by: Signature, *again: Command) -> Swap:
    """Another version of the package, the unit restarted, and both back.

    ``again``: clears what failed before, so that it can be started however often the other version has, and restarts.
    """
    reset, restart = again
    name = service.ref.name
    if live is None or not _offered(target):
        raise ValueError(f"no archive of the host offers version {target.id} of what {name} comes from")
    package = (live.note or "").partition(";")[0]
    if not _package.fullmatch(package):
        raise ValueError(f"the package of {name} is not known")
    told = (release_notes.file_of(service.ref), target.id, live.id, by.operator)
    forth, back = _install(target), _install(live) if _offered(live) else None
    lost = None if back is not None else f"no archive offers {package} {live.id} any more: it cannot be installed again"
    return Swap(
        steps=(
            Step(f"install {package} {target.id}", forth, back),
            Step(f"note that {target.id} is live", _script(LIVE, *told), _script(NOT_LIVE, *told)),
            Step(f"clear what {name} failed before", reset, reset, undo_last=True),
            Step(f"restart {name}", restart, restart, undo_last=True, takes_up=True),
        ),
        preflight=(
            Check(f"{package} {live.id} is installed", _script(SAME, package, live.id, change=False), within=0),
            Check("no other package manager is at work", _script(UNLOCKED, *LOCKS, change=False), within=0),
            Check("apt can install it", _script(SIMULATE, target.reference or "", change=False), within=0),
        ),
        closing=(Step(f"note that {target.id} is well", _script(WELL, *told)),),
        warnings=(
            f"apt is waited for, however long it takes: a dpkg that is ended half-way leaves {package} broken",
            f"the next upgrade takes {package} to the newest version again: apt-mark hold {package} keeps it",
        ),
        irreversible=lost,
    )


def comparison_words(service: Service, live: Release, target: Release) -> tuple[str, ...]:
    """The arguments of ``package_difference.DIFFERENCE``; raises ``ValueError`` for what is no version of a package."""
    package = (live.note or "").partition(";")[0]
    if not _package.fullmatch(package) or not all(_version.fullmatch(one.id) for one in (live, target)):
        raise ValueError(f"the package of {service.ref.name} is not known")
    ways = (one.reference or "" if _offered(one) else "" for one in (live, target))
    return (package, live.id, target.id, *ways)


def _offered(release: Release) -> bool:
    way = release.reference or ""
    package, _, version = way.partition("=")
    named = _package.fullmatch(package) is not None and _version.fullmatch(version) is not None
    return named or _archive.fullmatch(way) is not None


def _install(release: Release) -> Command:
    # Somebody may come in between, most of all before the undo.
    patient = ("-o", "DPkg::Lock::Timeout=60")
    options = ("--yes", "--allow-downgrades", *patient, "-o", "Dpkg::Options::=--force-confold")
    argv = ("apt-get", "install", *options, release.reference or "")
    purpose = f"install {release.reference}"
    return Command(argv, elevate=True, timeout=300.0, effect=Effect.CHANGE, purpose=purpose, unended=True)


def _script(script: str, *args: str, change: bool = True) -> Command:
    effect = Effect.CHANGE if change else Effect.READ
    return Command(("sh", "-c", script, "sh", *args), timeout=30.0, effect=effect, purpose=f"look at {args[0]}")
