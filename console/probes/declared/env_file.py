"""``env_file:`` of Compose: the files whose variables a service is given, as functions of awk.

What is read is what people write: one path, or a list in block style or in brackets. A path with a variable in it is
passed over. Relative ones are of the folder of the Compose file
(https://docs.docker.com/reference/compose-file/services/#env_file).
"""

READER = r"""
# Whoever reads a file so has a function env_file(SERVICE, PATH), which is called for each; outside of the services, as
# under "x-...:", SERVICE is empty.
function env_file_begin(p) {
  env_file_folder = p
  sub(/\/[^\/]*$/, "", env_file_folder)
  env_file_section = env_file_service = ""
  env_file_inside = 0
  env_file_depth = -1
}
function env_file_line(s,   t, indent) {
  sub(/\r$/, "", s)
  t = s
  sub(/^[ \t]+/, "", t)
  indent = length(s) - length(t)
  if (t == "" || t ~ /^#/ || length(t) > 1000) return
  if (env_file_depth >= 0 && (indent < env_file_depth || (indent == env_file_depth && t !~ /^-/))) env_file_depth = -1
  if (env_file_depth >= 0) { env_file_value(t); return }
  if (t ~ /^env_file[ \t]*:/) {
    env_file_depth = indent
    sub(/^env_file[ \t]*:/, "", t)
    env_file_value(t)
  } else if (t ~ /^[A-Za-z0-9._"\047-]+[ \t]*:/) {
    sub(/[ \t]*:.*/, "", t)
    gsub(/["\047]/, "", t)
    if (indent == 0) { env_file_section = t; env_file_inside = 0; env_file_service = "" }
    else if (env_file_section == "services") {
      if (!env_file_inside) env_file_inside = indent
      if (indent == env_file_inside) env_file_service = t
    }
  }
}
function env_file_value(v,   part, m, i, p) {
  sub(/^[ \t]+/, "", v)
  sub(/^-[ \t]+/, "", v)
  sub(/(^|[ \t]+)#.*$/, "", v)
  if (v ~ /^[&*!|>]/) return
  if (v ~ /^[[]/) { v = substr(v, 2); sub(/\][ \t]*$/, "", v) }
  m = split(v, part, ",")
  for (i = 1; i <= m; i++) {
    p = part[i]
    sub(/^[ \t{]+/, "", p)
    sub(/[ \t}]+$/, "", p)
    if (p ~ /^(required|format)[ \t]*:/) continue
    sub(/^path[ \t]*:[ \t]*/, "", p)
    if (p ~ /^".*"$/ || p ~ /^\047.*\047$/) p = substr(p, 2, length(p) - 2)
    if (p == "" || length(p) > 300 || p ~ /[$\t]/) continue
    if (p !~ /^\//) p = env_file_folder "/" p
    gsub(/\/(\.?\/)+/, "/", p)
    while (match(p, /\/[^\/]+\/\.\.\//)) p = substr(p, 1, RSTART) substr(p, RSTART + RLENGTH)
    env_file(env_file_service, p)
  }
}
"""

FILTER = (
    READER
    + r"""
function env_file(s, p) { refer("env", "", "", p); print "uses\t" path "\t" s "\t" p }
"""
)
