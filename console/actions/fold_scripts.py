"""Folding lines of a log that are alike, as constant POSIX sh: a health check asks again and again."""

FOLD = r"""
{
  line[NR] = key = $0
  gsub(/[0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.,][0-9]+)?/, "T", key)
  gsub(/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/, "D", key)
  gsub(/[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]/, "D", key)
  sub(/^[A-Z][a-z][a-z] +[0-9]+ /, "D ", key)
  many[NR] = 1
  if (key ~ /(GET|HEAD) \/|"(GET|HEAD)"|=(GET|HEAD) /) {
    # Ports, durations and sizes change; three digits alone are a status, not those of a fraction or before a unit.
    rest = key
    for (key = ""; match(rest, /[0-9]+(\.[0-9]+)*/);) {
      number = substr(rest, RSTART, RLENGTH)
      key = key substr(rest, 1, RSTART - 1)
      rest = substr(rest, RSTART + RLENGTH)
      key = key (number ~ /^[1-5][0-9][0-9]$/ && rest !~ /^[a-z]/ ? number : "0")
    }
    key = key rest
    if (key in last) { many[NR] += many[last[key]]; delete line[last[key]] }
    last[key] = NR
    next
  }
  if (former && key == was) { many[NR] += many[former]; delete line[former] }
  former = NR
  was = key
}
END {
  for (i = 1; i <= NR; i++)
    if (i in line) print line[i] (many[i] > 1 ? "   [the last of " many[i] " such lines]" : "")
}
"""
"""The program of ``awk`` that does it."""

FOLDED = """
lines=$1 fold=$2 said=$HOSTDECK_PLAN/words.$$
shift 2
(umask 077 && : >"$said") || exit 1
"$@" >"$said"
code=$?
{ command -v awk >/dev/null 2>&1 && awk "$fold" "$said" || cat -- "$said"; } | tail -n "$lines"
rm -f -- "$said"
exit "$code"
"""
"""LINES FOLD COMMAND...: the last lines that COMMAND prints.

Requests that differ in their times, and in numbers that are no status, count as one line, and so do other lines one
after the other that differ in their times alone: of these the last is printed, with their number.
"""
