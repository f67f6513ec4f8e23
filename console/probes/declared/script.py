"""The look at the files of a host that declare ports. Only the words that can declare one leave the host.

Bounded: so many files, each of so many bytes, regular ones that this user may read. Of a line only words are sent that
name a port or an address; a value under a name that sounds like a secret is never among them. Of a file of variables
that everyone may read the names of its secrets are told.
"""

from console.probes.declared import (
    arguments,
    compose,
    daemons,
    ecosystem,
    env_file,
    environment,
    haproxy,
    nginx,
    supervisord,
    units,
)

MOST_FILES = 500
MOST_BYTES = 262144

# Read from standard input: the size of every file, what is known already, then KIND OWNER BASE PATH of each file. Lines
# go out with their numbers. mawk knows no {n,m} in patterns.
_COMMON = r"""
function secret(n) { return tolower(n) ~ /pass|pwd|secret|token|cred|auth|api_?key|(^|[^a-z])(key|pin)([^a-z]|$)/ }
function portish(n) {
  n = tolower(n)
  return n ~ /port|listen|bind|addr|socket|(^|[^a-z])(host|ip|hostname|interface)$/
}
# 8080, 80-82, :8080, 127.0.0.1:8080, [::]:80, tcp://*:53, 8080:80/tcp, and the same with a variable for the number.
function place(v) {
  if (v == "" || length(v) > 90 || v ~ /[^][A-Za-z0-9.:*_%$(){}\/,?+-]/) return 0
  if (v ~ /^[0-9]+(-[0-9]+)?(:[0-9]+(-[0-9]+)?)?(\/(tcp|udp))?$/) return length(v) < 25
  return v ~ /:[0-9$%]/ || v ~ /^[0-9]*[$%]/ || address(v)
}
function address(v) { return v ~ /^([0-9.]+|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]*\]?|localhost|\*)$/ }
# The same without a name that could be a user with a number for a password.
function here(v) {
  return place(v) && v ~ /^([a-z][a-z0-9+]*:\/\/)?(localhost|[0-9.]+|\[[0-9a-fA-F:.]*\]|\*)?:[0-9$%]/
}
function named(n, v) { return !secret(n) && ((portish(n) && place(v)) || here(v)) }
function config(v) { return length(v) < 200 && v ~ /^\/[A-Za-z0-9._\/@+-]*\.(conf|cfg|ini|js|cjs|mjs|json|ya?ml)$/ }
function words(s,   i, c, q, w, n, has) {
  n = 0
  w = q = ""
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (q != "") { if (c == q) q = ""; else w = w c }
    else if (c == "\"" || c == "\047") { q = c; has = 1 }
    else if (c == " " || c == "\t") { if (w != "" || has) word[++n] = w; w = ""; has = 0 }
    else w = w c
  }
  if (w != "" || has) word[++n] = w
  return n
}
function clean(s) { sub(/\r$/, "", s); sub(/^[ \t]+/, "", s); return s }
function refer(k, o, b, p) { print "ref\t" k "\t" o "\t" b "\t" p }
function send(n, s) {
  if (!told) print "file\t" kind "\t" owner "\t" base "\t" path
  told = 1
  if (s != "") print n "\t" substr(s, 1, 2000)
}
"""
_MAIN = r"""
BEGIN { FS = "\t" }
$1 == "size" { size[$4] = $2; mode[$4] = $3; next }
$1 == "want" { wanted[$2] = 1; next }
{
  kind = $1; owner = $2; base = $3; path = $4
  if (size[path] > @BYTES@) { print "hidden\t" path; next }
  told = n = inside = 0; depth = -1
  going = held = section = key = holds = ""
  guards = 0
  env_file_begin(path)
  if (kind ~ /^(unit|user)$/) {
    owner = path
    sub(/\.d\/[^\/]*$/, "", owner)
    sub(/.*\//, "", owner)
    while ((getline line <path) > 0) if (line ~ /^[ \t]*ExecStart/ || line ~ /^[ \t].*\$/) wants(line)
    close(path)
  }
  # One that hides another file is told though it declares nothing.
  if (kind != "unit" || path !~ /^\/(usr\/)?lib\//) send(0, "")
  while ((getline line <path) > 0) {
    n++
    if (length(line) > 4000) continue
    if (kind ~ /^(unit|user)$/) unit(n, line)
    else if (kind == "env") env(n, line)
    else if (kind == "compose") { compose(n, line); env_file_line(line) }
    else if (kind == "nginx") nginx(n, line)
    else if (kind == "haproxy") haproxy(n, line)
    else if (kind == "supervisord") supervisord(n, line)
    else if (kind == "ecosystem") ecosystem(n, line)
    else plain(n, line)
  }
  close(path)
  if (holds != "" && mode[path] ~ /[4567]$/) print "open\t" mode[path] "\t" (owner == "" ? "-" : owner) "\t" path holds
}
"""
_PARTS = (arguments, environment, units, compose, env_file, nginx, haproxy, supervisord, ecosystem, daemons)
FILTER = "".join((_COMMON, *(part.FILTER for part in _PARTS), _MAIN.replace("@BYTES@", str(MOST_BYTES))))

# hd_add KIND OWNER BASE PATH...: what is to be read, each file once. hd_stamp: a word that changes when one of them
# does, the files of which others told among them. Packaged units are replaced, never edited: their folder is enough.
_FUNCTIONS = r"""
hd_add() {
  hd_head=$1$hd_tab$2$hd_tab$3
  hd_kind=$1
  shift 3
  for hd_f in "$@"; do
    [ -f "$hd_f" ] || { [ "$hd_kind" = unit ] && [ "$hd_f" -ef /dev/null ]; } || continue
    case $hd_f in *"$hd_tab"* | *"$hd_nl"*) continue ;; esac
    case $hd_nl$hd_paths in *"$hd_nl$hd_f$hd_nl"*) continue ;; esac
    if [ ! -r "$hd_f" ] || [ "$hd_count" -ge @FILES@ ]; then
      hd_hidden="${hd_hidden}hidden$hd_tab$hd_f$hd_nl"
      continue
    fi
    hd_count=$((hd_count + 1))
    hd_list="$hd_list$hd_head$hd_tab$hd_f$hd_nl" hd_paths="$hd_paths$hd_f$hd_nl"
  done
}
hd_stamp() {
  set -f
  { printf '%s\n' "$hd_base" "$hd_runs"; stat -L -c '%n %i %s %Y %Z' -- $hd_base $hd_also 2>/dev/null; } | cksum
  set +f
}
hd_read() {
  set -f
  { stat -L -c "size$hd_tab%s$hd_tab%a$hd_tab%n" -- $hd_paths 2>/dev/null; printf '%s' "$hd_wants$hd_list"; } |
    LC_ALL=C awk "$hd_filter"
  set +f
}
# A link beside the units is another name for one, or a unit that lies elsewhere.
hd_units() {
  hd_kind=$1
  shift
  for hd_f in "$@"; do
    if [ -L "$hd_f" ] && ! [ "$hd_f" -ef /dev/null ]; then
      hd_to=$(readlink -f "$hd_f")
      [ "${hd_to##*/}" = "${hd_f##*/}" ] || continue
    fi
    hd_add "$hd_kind" "" "" "$hd_f"
  done
}
# Of files with secrets only those are told to which everyone has a way: each folder above lets everyone through.
hd_reached() {
  while IFS=$hd_tab read -r hd_word hd_mode hd_owner hd_f hd_rest; do
    set --
    hd_to=$(readlink -f -- "$hd_f")
    while hd_to=${hd_to%/*} && [ "$hd_to" ]; do set -- "$@" "$hd_to"; done
    [ $# -gt 0 ] && stat -L -c %a -- "$@" 2>/dev/null | grep -q '[02468]$' && continue
    printf '%s\t%s\t%s\t%s\t%s\n' "$hd_word" "$hd_mode" "$hd_owner" "$hd_f" "$hd_rest"
  done
}
hd_watch() {
  case $hd_nl$hd_also$hd_nl in *"$hd_nl$1$hd_nl"*) ;; *) hd_also="$hd_also$hd_nl$1" ;; esac
}
hd_refer() {
  for hd_ref in $hd_refs; do
    hd_kind=${hd_ref%%"$hd_tab"*} hd_ref=${hd_ref#*"$hd_tab"}
    hd_owner=${hd_ref%%"$hd_tab"*} hd_ref=${hd_ref#*"$hd_tab"}
    hd_dir=${hd_ref%%"$hd_tab"*} hd_ref=${hd_ref#*"$hd_tab"}
    [ "$hd_kind" != supervisord ] || IFS=" $hd_nl"
    set -f
    for hd_to in $hd_ref; do
      IFS=$hd_nl
      case $hd_to in '%(here)s'*) hd_to=$hd_dir${hd_to#????????} ;; esac
      case $hd_to in /*) ;; *) hd_to=$hd_dir/$hd_to ;; esac
      case $hd_to in *'*'* | *'?'* | *'['*) hd_watch "${hd_to%/*}" ;; esac
      set +f
      for hd_to in $hd_to; do
        hd_watch "$hd_to"
        hd_add "$hd_kind" "$hd_owner" "${hd_dir:-${hd_to%/*}}" "$hd_to"
      done
    done
    set +f
  done
}
"""
_LOOK = r"""
hd_nl='
' hd_tab='	'
IFS=$hd_nl
hd_old=${1:-}
[ $# -eq 0 ] || shift
hd_list= hd_paths= hd_hidden= hd_wants= hd_also= hd_given= hd_count=0
hd_units unit /etc/systemd/system/*.service /etc/systemd/system/*.socket /run/systemd/system/*.service \
  /run/systemd/system/*.socket
hd_add unit "" "" /etc/systemd/system/*.service.d/*.conf /etc/systemd/system/*.socket.d/*.conf \
  /run/systemd/system/*.d/*.conf /usr/lib/systemd/system/*.service.d/*.conf
[ ! "${HOME:-}" ] || hd_units user "${XDG_CONFIG_HOME:-$HOME/.config}"/systemd/user/*.service
hd_add sshd "" /etc/ssh /etc/ssh/sshd_config
hd_add nginx "" /etc/nginx /etc/nginx/nginx.conf
hd_add nginx "" /usr/local/nginx/conf /usr/local/nginx/conf/nginx.conf
hd_add haproxy "" "" /etc/haproxy/haproxy.cfg /etc/haproxy/conf.d/*.cfg
hd_add supervisord "" /etc/supervisor /etc/supervisor/supervisord.conf
hd_add supervisord "" /etc /etc/supervisord.conf
hd_add apache "" "" /etc/apache2/ports.conf /etc/httpd/conf/httpd.conf /etc/httpd/conf.d/*.conf
hd_add redis "" "" /etc/redis/redis.conf /etc/redis.conf
hd_add postgres "" "" /etc/postgresql/*/*/postgresql.conf
hd_add mysql "" "" /etc/my.cnf /etc/mysql/my.cnf /etc/mysql/*.conf.d/*.cnf /etc/my.cnf.d/*.cnf
for hd_to in /srv /srv/* /opt/* /home/* /home/*/* /root /root/* /var/www/* /etc/docker/compose/* "$@"; do
  case $hd_to in
    +/*) hd_given="$hd_given$hd_nl${hd_to#+}"; hd_add compose "" "" "${hd_to#+}"; hd_to=${hd_to%/*} hd_to=${hd_to#+} ;;
    =/*) hd_add env "" "" "${hd_to#=}/.env"; continue ;;
    *) [ -d "$hd_to" ] || continue ;;
  esac
  for hd_f in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
    [ -f "$hd_to/$hd_f" ] || continue
    hd_add compose "" "" "$hd_to/$hd_f" "$hd_to/${hd_f%.*}.override.${hd_f##*.}"
    break
  done
  hd_add ecosystem "" "" "$hd_to/ecosystem.config.js" "$hd_to/ecosystem.config.cjs"
  case $hd_nl$hd_paths in
    *"$hd_nl$hd_to/"*compose* | *"$hd_nl$hd_to/ecosystem.config."*) hd_add env "" "" "$hd_to/.env" ;;
  esac
done
hd_runs=
for hd_f in /etc/systemd/system/*.wants/*@*.service /run/systemd/units/invocation:*@*.service; do
  hd_f=${hd_f##*/} hd_f=${hd_f#invocation:}
  case $hd_f in *'*'* | *"$hd_tab"* | *"$hd_nl"*) ;; *) hd_runs="${hd_runs}instance$hd_tab$hd_f$hd_nl" ;; esac
done
hd_base="$hd_paths/usr/lib/systemd/system$hd_nl/lib/systemd/system$hd_nl/usr/local/lib/systemd/system"
if [ "$hd_old" ]; then
  for hd_f in "$@"; do case $hd_f in +* | =*) ;; *) hd_also="$hd_also$hd_nl$hd_f" ;; esac; done
  [ "$(hd_stamp)" != "$hd_old" ] || { echo same; return 0; }
  hd_also=
fi
hd_count=0
set -- /usr/local/lib/systemd/system/*.service /usr/lib/systemd/system/*.service /usr/lib/systemd/system/*.socket
[ -L /lib ] || set -- "$@" /lib/systemd/system/*.service /lib/systemd/system/*.socket
hd_units unit "$@"
hd_count=0 hd_round=0
while [ "$hd_list" ] && [ "$hd_round" -lt 6 ]; do
  hd_round=$((hd_round + 1))
  hd_out=$(hd_read)
  hd_wants=$hd_wants$(printf '%s\n' "$hd_out" | grep '^want')$hd_nl
  hd_refs=$(printf '%s\n' "$hd_out" | sed -n 's/^ref	//p')
  printf '%s\n' "$hd_out" | grep -v -e '^ref	' -e '^want	' -e '^open	'
  case $hd_out in *"open$hd_tab"*) printf '%s\n' "$hd_out" | grep '^open	' | hd_reached ;; esac
  hd_list=
  hd_refer
done
printf '%s' "$hd_hidden$hd_runs"
printf 'user\t%s\n' "${LOGNAME:-${USER:-}}"
for hd_f in $hd_also; do printf 'also\t%s\n' "$hd_f"; done
printf 'stamp\t%s\n' "$(hd_stamp)"
return 0
"""
SCRIPT = (
    "hd_filter='" + FILTER.strip().replace("'", "'\\''") + "'\n"
    + _FUNCTIONS.replace("@FILES@", str(MOST_FILES)) + _LOOK
)  # fmt: skip
"""``[STAMP [FILE...]]``: what was told last and the files that it named; ``+FILE`` is a Compose file that is
known, ``=FOLDER`` one whose ``.env`` the program of a service may read."""
