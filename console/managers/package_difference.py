"""In what two versions of a Debian package differ, as far as apt or the archive itself tells it at once."""

from console.core.difference import Difference, parse
from console.core.probe import Probe

_COMPARED = r"""
/^=/ { side = $0; next }
/^Installed-Size: / { if (side == "=live") was = $2; else is = $2; next }
/^(Pre-)?Depends: / {
  sub(/^[^:]*: /, ""); all = split($0, one, /, */)
  for (at = 1; at <= all; at++) {
    name = one[at]; sub(/[ (:].*/, "", name)
    if (side == "=live") live[name] = one[at]
    else target[name] = one[at]
  }
}
END {
  if (was == "" || is == "") { print "gap\tsize and dependencies\tapt-cache show does not tell them of both"; exit }
  if (was != is) print "size\tchanged\tinstalled\t=" was * 1024 "\t=" is * 1024
  for (name in target) {
    if (!(name in live)) print "dependency\tadded\t" target[name]
    else if (live[name] != target[name]) print "dependency\tchanged\t" name "\t=" live[name] "\t=" target[name]
  }
  for (name in live) if (!(name in target)) print "dependency\tremoved\t" live[name]
}
"""

# Arguments: the package, the live version, the target, and what each is got by: PACKAGE=VERSION, a file, or nothing.
_SCRIPT = (
    r"""
hd_package=$1
hd_show() {
  if [ "$(dpkg-query -W -f '${Version}\n' "$hd_package" 2>/dev/null | head -n 1)" = "$1" ]; then
    dpkg-query -s "$hd_package" 2>/dev/null
  else
    case $2 in
      '') ;;
      /*) dpkg-deb -f "$2" Installed-Size Pre-Depends Depends 2>/dev/null ;;
      *) apt-cache show "$2" 2>/dev/null | sed '/^$/q' ;;
    esac
  fi
}
printf 'package\tchanged\t%s\t=%s\t=%s\n' "$hd_package" "$2" "$3"
{ echo =live; hd_show "$2" "$4"; echo =target; hd_show "$3" "$5"; } | LC_ALL=C awk '"""
    + _COMPARED
    + """' | head -n 200
echo end
"""
)

DIFFERENCE: Probe[Difference] = Probe("package_difference", _SCRIPT, parse, slow=True, cached=False, timeout=20.0)
"""Two versions of a package."""
