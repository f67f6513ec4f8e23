"""How a host is asked for the rules that send what comes to a port somewhere else.

The tools of iptables and ``nft`` tell them to root; only rules that can matter for the port cross the link.
"""

from console.probes.iptables_script import SAVED

# Of iptables: what the kernel may follow from its entry, without the rules that name other ports. What holds only for
# what the host itself sends out keeps nobody else from a port.
_IPTABLES = r"""
function fits(rule,   w, n, i, spec, part, k, ends) {
  n = split(rule, w, " ")
  for (i = 1; i < n; i++) if (w[i] ~ /^--dports?$/ && w[i - 1] != "!") {
    spec = split(w[i + 1], part, ",")
    for (k = 1; k <= spec; k++) {
      if (split(part[k], ends, ":") == 1) ends[2] = ends[1]
      if (port + 0 >= ends[1] + 0 && port + 0 <= ends[2] + 0) return 1
    }
    return 0
  }
  return 1
}
function target(rule,   w, n, i) {
  n = split(rule, w, " ")
  for (i = 1; i < n; i++) if (w[i] == "-j" || w[i] == "-g") return w[i + 1]
  return ""
}
function tell(   queue, last, at, n, inside, k, to, seen) {
  queue[last = 1] = "PREROUTING"
  for (at = 1; at <= last; at++) {
    n = split(rules[queue[at]], inside, "\n")
    for (k = 1; k < n; k++) {
      to = target(inside[k])
      if (!(to == "DNAT" || to == "REDIRECT" || to in rules) || !fits(inside[k])) continue
      if (++lines == 1001) print "refused more than 1000 rules may send it elsewhere"
      if (lines > 1000) return
      print inside[k]
      if (to in rules && !(to in seen)) { seen[to] = 1; queue[++last] = to }
    }
  }
}
/^tool / { tell(); split("", rules); print $1, $2; next }
/^gap / { sub(/^gap/, "refused"); print; next }
/^\*/ { table = $0 }
/^-A / && table == "*nat" { rules[$2] = rules[$2] $0 "\n" }
END { tell() }
"""
# A rule is told behind the conditions of the jumps to it. Only chains of NAT can send anything on, and what is met only
# by what the host itself sends out takes no port. Tables that iptables writes to are told as well: others may write
# there too, and of what is not its own iptables-save leaves out a chain, a table, or what a rule does (seen in 1.8.9).
_NFT = r"""
function hits(rule,   spec, n, part, k, ends, yes) {
  while (match(rule, / dport (\{[^}]*\}|[0-9-]+)/)) {
    spec = substr(rule, RSTART + 7, RLENGTH - 7)
    rule = substr(rule, RSTART + RLENGTH)
    gsub(/[{} ]/, "", spec)
    n = split(spec, part, ",")
    yes = 0
    for (k = 1; k <= n; k++) {
      if (split(part[k], ends, "-") == 1) ends[2] = ends[1]
      if (port + 0 >= ends[1] + 0 && port + 0 <= ends[2] + 0) yes = 1
    }
    if (!yes) return 0
  }
  return 1
}
# Of a target of iptables for which nft has no words it tells the name, newer ones in quotes.
function sends(rule) {
  return rule ~ /(^|[ \t])(dnat|redirect)( |$)/ || rule ~ /(^|[ \t])xt target "?(DNAT|REDIRECT|NETMAP)"?( |$)/
}
function tell(chain, rule) {
  if (++lines == 1001) print "refused more than 1000 rules may send it elsewhere"
  if (lines < 1001) print chain, rule
}
# The chain that a verdict names is met with what was asked before.
function follow(chain, verdict, before, depth,   place, to) {
  if (split(verdict, place, " ") < 2 || place[1] !~ /^(jump|goto)$/) return
  to = home[chain] " " place[2]
  sub(/ +$/, "", before)
  before = before == "" ? "" : before " "
  if (lines > 1000 || (to, before) in gone || !hits(" " before)) return
  if (depth > 15 && !deep++) print "refused more than 16 chains lie behind one another"
  if (depth > 15) return
  gone[to, before] = 1
  walk(to, before, depth + 1)
}
# An element of a verdict map is a rule of its own: "iifname . tcp dport vmap { a . 80 : jump x }" is "iifname a tcp
# dport 80 jump x".
function spread(chain, rule, given, depth,   at, asked, map, n, k, size, element, keys, asks, key, met) {
  at = index(rule, " vmap ")
  asked = substr(rule, 1, at - 1)
  map = substr(rule, at + 6)
  if (map ~ /^@/) {
    sub(/ .*/, "", map)
    map = home[chain] " " substr(map, 2)
    if (!(map in elements)) { tell(chain, given rule); return }
    map = elements[map]
  }
  gsub(/^[^{]*\{ ?| ?\}[^}]*$/, "", map)
  n = split(map, element, /, */)
  size = split(asked, asks, / \. /)
  for (k = 1; k <= n; k++) {
    at = index(element[k], " : ")
    if (split(substr(element[k], 1, at - 1), keys, / \. /) != size) {
      if (element[k] ~ / : (jump|goto) /) tell(chain, given rule)
      continue
    }
    met = given
    for (key = 1; key <= size; key++) met = met asks[key] " " keys[key] " "
    follow(chain, substr(element[k], at + 3), met, depth)
  }
}
function walk(chain, given, depth,   list, n, k, before) {
  n = split(rules[chain], list, "\n")
  for (k = 1; k < n; k++) {
    if (list[k] ~ / vmap /) spread(chain, list[k], given, depth)
    else if (!sends(list[k])) {
      match(list[k], /(^| )(jump|goto) [^ ]+/)
      before = substr(list[k], 1, RSTART - 1)
      sub(/ ?counter packets [0-9]+ bytes [0-9]+/, "", before)
      follow(chain, substr(list[k], RSTART, RLENGTH), given before, depth)
    } else if (hits(" " given list[k])) tell(chain, given list[k])
  }
}
$1 == "table" { table = $2 " " $3; map = ""; next }
$1 == "map" { map = table " " $2; elements[map] = ""; next }
$1 == "chain" { chain = table " " $2; home[chain] = table; map = ""; next }
/^\t[^\t}]/ { chain = map = "" }
{ gsub(/ (comment|log prefix) "[^"]*"/, "") }
map != "" { if (/elements = / || elements[map] != "") { $1 = $1; elements[map] = elements[map] $0 " " } next }
chain == "" { next }
{ $0 = held $0; held = "" }
# What is in braces may go over several lines, but a handle ends its rule: a device may have a brace in its name, too.
!/ # handle [0-9]+$/ && gsub(/\{/, "{") > gsub(/\}/, "}") { held = $0; next }
/ hook prerouting / && /[ \t]type nat / { roots[++entries] = chain; next }
sends($0) || / vmap / || /[ \t](jump|goto) / {
  sub(/ # handle [0-9]+$/, "")
  $1 = $1
  rules[chain] = rules[chain] $0 "\n"
}
END { for (k = 1; k <= entries; k++) walk(roots[k], "", 0) }
"""

SCRIPT = (
    SAVED
    + r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
hd_told='' hd_refused='' hd_code=0
# 78: sudo gives this login nothing, and each further question would be one more line in the log of the host.
for hd_c in iptables ip6tables; do
  [ "$hd_code" != 78 ] || break
  command -v "$hd_c-save" >/dev/null 2>&1 || continue
  if hd_out=$(hd_saved "$hd_c" 2>&1); then
    hd_told="$hd_told${hd_out:+ $hd_c}"
    printf '%s\n' "$hd_out" | awk -v port="$1" '"""
    + _IPTABLES
    + r"""' || echo "refused awk could not read what $hd_c tells"
  else
    hd_code=$? hd_refused=${hd_refused:-$hd_out}
  fi
done
if [ "$hd_code" != 78 ] && command -v nft >/dev/null 2>&1; then
  if hd_out=$(hd_as_root nft -a list ruleset 2>&1); then
    hd_told="$hd_told nft"
    echo "tool nft"
    printf '%s\n' "$hd_out" | awk -v port="$1" '"""
    + _NFT
    + r"""' || echo 'refused awk could not read what nft tells'
  else
    hd_code=$? hd_refused=${hd_refused:-$hd_out}
  fi
fi
[ -n "$hd_refused" ] || return 0
[ -n "$hd_told" ] && { echo "refused $(printf '%s' "$hd_refused" | tail -n 1)"; return 0; }
printf '%s\n' "$hd_refused" | tail -n 1 >&2
return "$hd_code"
"""
)
