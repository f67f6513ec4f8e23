"""In what two releases of a directory differ, and what a rebuild of the work tree would bring.

No content of a file leaves the host but the names of variables in files like ``.env`` and those values that are no
secret by their name or their look; ``console.core.difference`` judges those once more.
"""

from console.core import work_tree
from console.core.difference import Difference, parse
from console.core.probe import Probe

# Links are compared by where they lead and never followed. Files of one size are read on the host, up to 128 MiB.
# What is only in one of them is told only where the other was seen as a whole. Of the mode that counts which no umask
# makes: whether somebody may execute it, and the special bits.
_COMPARED = r"""
function way(mode) { return length(mode) > 3 ? "mode " mode : mode ~ /[1357]/ ? "executable" : "not executable" }
function rights_of(name, was, now,   old, new) {
  split(was, old, ":"); split(now, new, ":")
  if (way(old[1]) != way(new[1])) { before[name] = way(old[1]); after[name] = way(new[1]) }
  old[1] = old[2] ":" old[3]; new[1] = new[2] ":" new[3]
  if (old[1] == new[1]) return
  owners[old[1] " -> " new[1]]++
  owner[name] = old[1] " -> " new[1]
}
/^=/ { side = $0; next }
/^e / { if ($2 == 0) whole[side] = 1; else partly = 1; ended++; next }
/^\? / { odd++; next }
{
  at = index($0, "//")
  if ($1 == "l") { name = substr($0, 3, at - 3); value = substr($0, at) }
  else { name = substr($0, length($1 $2 $3 $4) + 5); value = $2; inode = $3 }
  gsub(/\t/, " ", name)
  if (side == "=live") { live[name] = $1 value; node[name] = inode; if ($1 == "f") rights[name] = $4; next }
  if (!(name in live)) { if ("=live" in whole) print "added " name; next }
  was = live[name]
  delete live[name]
  if ($1 == "f" && name in rights && rights[name] != $4) rights_of(name, rights[name], $4)
  if (was != $1 value) { print "changed " name; next }
  if ($1 == "l" || value == 0 || node[name] == inode) next
  total += value
  if (total > 134217728) { unread++; next }
  print "maybe " name
}
END {
  if ("=target" in whole) for (name in live) print "removed " name
  if (partly) print "gap\tfiles\tsome of a release may not be read, or took too long"
  if (unread) print "gap\tfiles\t" unread " of one size were not read: there is more than 128 MiB of them"
  if (odd) print "gap\tfiles\tnames with a line break were passed over"
  if (ended < 2) print "gap\tfiles\ta release has more than 40000 of them, or took too long"
  for (name in owner) {
    if (owners[owner[name]] > 20) continue
    split(owner[name], pair, " -> ")
    comma = name in before ? ", " : ""
    before[name] = before[name] comma "owner " pair[1]; after[name] = after[name] comma "owner " pair[2]
  }
  for (one in owners) if (owners[one] > 20) print "fact\t" owners[one] " files have another owner: " one
  for (name in before) print "rights\t" name "\t=" before[name] "\t=" after[name]
}
"""
_SUMMED = r"""
/^=/ { side = $0; next }
{ at = index($0, " "); sum = substr($0, 1, at - 1); name = substr($0, at + 2) }
side == "=live" { live[name] = sum; next }
side == "=target" { target[name] = sum; next }
{
  if (!($0 in live) || !($0 in target)) unread++
  else if (live[$0] != target[$0]) print "changed " $0
}
END { if (unread) print "gap\tfiles\t" unread " of one size may not be read, or took too long" }
"""
# The names of one kind, with what their rights were and are where those differ.
_NAMED = r"""
$1 == "rights" { if (how == "changed") { rights[$2] = "\t" $3 "\t" $4; found[$2] = 1 }; next }
index($0, how " ") == 1 { found[substr($0, length(how) + 2)] = 1 }
END { for (name in found) print name rights[name] }
"""
# Continued lines of a quoted value and the body of a key are no variables.
_VARIABLES = r"""
function hidden(key, value) {
  if (key in multi) return 1
  if (toupper(key) ~ /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|COOKIE|JWT|DSN|AUTH|SALT|PRIVATE|SIGN|CERT/) return 1
  if (value ~ /:\/\/[^\/]*@/ || value ~ /^eyJ/ || length(value) > 200) return 1
  if (value ~ /:\/\// && tolower(value) ~ /hook|telegram|sig=|signature=|code=|key=/) return 1
  return length(value) >= 20 && value ~ /^[A-Za-z0-9+\/=_-]+$/ && value ~ /[0-9]/
}
function told(key, value) { gsub(/\t/, " ", value); return hidden(key, value) ? "*" : "=" value }
# Where what stands in quotes ends; in double ones a backslash takes its meaning from the next character.
function ending(text, quote,   at, one) {
  for (at = 1; at <= length(text); at++) {
    one = substr(text, at, 1)
    if (one == quote) return at
    if (one == "\\" && quote == "\"") at++
  }
  return 0
}
function tell(how, key, values) {
  if (++count <= 60) print "variable\t" how "\t" file ": " key "\t" values
  else more[how]++
}
BEGIN { file = ENVIRON["hd_file"]; gsub(/\t/, " ", file) }
FNR > 2000 { next }
FNR == 1 { open = ""; block = 0 }
/-----BEGIN / { block = 1 }
block { if (/-----END /) block = 0; next }
open != "" {
  if (side == "live") live[key] = live[key] "\n" $0
  else target[key] = target[key] "\n" $0
  if (ending($0, open)) open = ""
  next
}
{
  sub(/\r$/, ""); sub(/^[ \t]*(export[ \t]+)?/, "")
  if (!match($0, /^[A-Za-z_][A-Za-z0-9_]*=/) || RLENGTH > 65) next
  key = substr($0, 1, RLENGTH - 1); value = substr($0, RLENGTH + 1); first = substr(value, 1, 1)
  if (first == "\"" || first == "\047") {
    rest = substr(value, 2); at = ending(rest, first)
    if (!at) { open = first; multi[key] = 1 }
    # What stands right behind it is of the value too.
    else if (substr(rest, at + 1) ~ /^[ \t]*(#.*)?$/) value = substr(rest, 1, at - 1)
  }
  if (side == "live") live[key] = value
  else target[key] = value
}
END {
  for (key in target) {
    if (!(key in live)) tell("added", key, "\t" told(key, target[key]))
    else if (live[key] != target[key]) tell("changed", key, told(key, live[key]) "\t" told(key, target[key]))
  }
  for (key in live) if (!(key in target)) tell("removed", key, told(key, live[key]))
  for (how in more) print "more\tvariable\t" how "\t" more[how]
}
"""

# Arguments: the directory, the live release, the target, the work tree or an empty word, their commits,
# and who builds it or an empty word.
_SCRIPT = (
    r"""
hd_base=$1/releases hd_live=$1/releases/$2 hd_target=$1/releases/$3
hd_source=$4 hd_from=$5 hd_to=$6 hd_user=$7
hd_nl='
'
for hd_one in "$hd_live" "$hd_target"; do
  [ -d "$hd_one" ] || { echo "release ${hd_one##*/} is not in $hd_base, or may not be read" >&2; return 1; }
  [ -r "$hd_one" ] && [ -x "$hd_one" ] || { echo "$(id -un) may not read $hd_one" >&2; return 1; }
done
"""
    + work_tree.COMMITS
    + r"""
hd_list() {
  (cd -- "$1" && $hd_bound find . -name "*$hd_nl*" -prune -exec printf '? %.0s\n' {} + -o \
    -type f -exec stat -c 'f %s %d:%i %a:%u:%g %n' {} + -o -type l -exec stat -c 'l %n//%N' {} + 2>/dev/null
  echo "e $?") | head -n 40001
}
hd_sums() {
  (cd -- "$1" && printf '%s\n' "$hd_maybe" | tr '\n' '\0' | $hd_bound xargs -0 md5sum 2>/dev/null)
}
hd_files() {
  hd_found=$({ echo =live; hd_list "$hd_live"; echo =target; hd_list "$hd_target"; } | LC_ALL=C awk '"""
    + _COMPARED
    + r"""')
  hd_maybe=$(printf '%s\n' "$hd_found" | sed -n 's/^maybe //p')
  if [ -n "$hd_maybe" ]; then
    hd_read=$({ echo =live; hd_sums "$hd_live"; echo =target; hd_sums "$hd_target"; echo =all
      printf '%s\n' "$hd_maybe"; } | LC_ALL=C awk '"""
    + _SUMMED
    + r"""')
    hd_found=$hd_found$hd_nl$hd_read
  fi
  printf '%s\n' "$hd_found" | grep -e "^gap$hd_tab" -e "^fact$hd_tab"
  for hd_how in removed added changed; do
    hd_names=$(printf '%s\n' "$hd_found" | LC_ALL=C awk -F '\t' -v how="$hd_how" '"""
    + _NAMED
    + r"""' | LC_ALL=C sort)
    [ -n "$hd_names" ] || continue
    hd_count=$(printf '%s\n' "$hd_names" | wc -l)
    printf '%s\n' "$hd_names" | head -n 60 | sed "s/^\.\///; s/^/file$hd_tab$hd_how$hd_tab/"
    [ "$hd_count" -le 60 ] || printf 'more\tfile\t%s\t%d\n' "$hd_how" "$((hd_count - 60))"
  done
  printf '%s\n' "$hd_found" | sed -n 's/^changed //p; s/^added //p; s/^removed //p' |
    grep -E '/\.env(\.[^/]*)?$|\.env$' |
    head -n 5 | while IFS= read -r hd_name; do hd_variables "${hd_name#./}"; done
}
hd_variables() {
  hd_one=$hd_live/$1 hd_two=$hd_target/$1
  for hd_at in "$hd_one" "$hd_two"; do
    [ -h "$hd_at" ] || continue
    hd_leads=$(readlink -n -- "$hd_at" | tr '\n\t' '  ')
    printf 'gap\tvariables of %s\tin %s it is a link to %s, which is not followed\n' "$1" "${hd_at%"/$1"}" "$hd_leads"
    return
  done
  [ -f "$hd_one" ] || hd_one=/dev/null
  [ -f "$hd_two" ] || hd_two=/dev/null
  if [ ! -r "$hd_one" ] || [ ! -r "$hd_two" ]; then
    printf 'gap\tvariables of %s\t%s may not read it\n' "$1" "$(id -un)"
    return
  fi
  hd_file=$1 LC_ALL=C awk '"""
    + _VARIABLES
    + r"""' side=live "$hd_one" side=target "$hd_two"
}
hd_commits
hd_files
echo end
"""
)

PROBE: Probe[Difference] = Probe("release_difference", _SCRIPT, parse, slow=True, cached=False, timeout=40.0)
"""Two releases of a directory."""

# Arguments: the work tree, the commit of what is live, the one that would be built, who builds it.
_COMING = (
    "hd_source=$1 hd_from=$2 hd_to=$3 hd_user=$4\n"
    + work_tree.COMMITS
    + r"""
if hd_commits; then
  hd_git -c core.quotePath=false diff-tree -r --no-commit-id --no-renames --no-ext-diff --name-status \
    "$hd_from" "$hd_to" 2>/dev/null | head -n 20000 | LC_ALL=C awk -F '\t' '
    BEGIN { word["A"] = "added"; word["D"] = "removed" }
    NF == 2 {
      how = $1 in word ? word[$1] : "changed"
      if (++count[how] <= 60) print "file\t" how "\t" $2
    }
    END { for (how in count) if (count[how] > 60) print "more\tfile\t" how "\t" count[how] - 60 }'
fi
echo end
"""
)

COMING: Probe[Difference] = Probe("work_tree_difference", _COMING, parse, slow=True, cached=False, timeout=30.0)
"""From the live release to what a rebuild would be made from: by the work tree's commits."""
