"""The look at the environment of one service, as constant POSIX sh; as the connected user, never through sudo."""

from console.probes.declared.env_file import READER

_GIVEN = (
    READER
    + r"""
function env_file(s, p) { if (s == ENVIRON["hd_service"]) print p }
NR == 1 { env_file_begin(FILENAME) }
{ env_file_line($0) }
"""
)
_SCRIPT = r"""
hd_tab='	' hd_nl='
'
hd_me=$(id -un)
hd_soh=$(printf '\001')
hd_source() { printf 'source\t%s\t%s\t%s\n' "$1" "$2" "${3:-}"; }
hd_fail() { printf 'fail\t%s\n' "$1"; }
hd_lines() { LC_ALL=C sed "s/^/$1$hd_tab/"; }
hd_file() {
  hd_source "$1" "$2"
  stat -L -c "stat$hd_tab%a$hd_tab%U:%G$hd_tab%Y" -- "$2" 2>/dev/null
  if [ ! -e "$2" ] && [ ! -x "${2%/*}/" ]; then hd_fail "$hd_me may not look into ${2%/*}"
  elif [ ! -e "$2" ]; then hd_fail "not there${3:-}"
  elif [ ! -f "$2" ]; then hd_fail "no regular file"
  elif [ ! -r "$2" ]; then hd_fail "$hd_me may not read it"
  elif [ "$(wc -c <"$2")" -gt 262144 ]; then hd_fail "larger than 256 KiB"
  else hd_lines line <"$2"
  fi
}
hd_beside() {
  case $1 in /?*) ;; *) return ;; esac
  if [ -e "$1/.env" ] || hd_shut "$1"; then hd_file dotenv "$1/.env"; fi
}
# Whether this user may not see what is in a folder, or whether it is there.
hd_shut() {
  hd_up=$1
  while [ "$hd_up" ] && [ ! -d "$hd_up" ]; do hd_up=${hd_up%/*}; done
  [ "$hd_up" ] && [ ! -x "$hd_up" ]
}
hd_given() {
  if [ ! -r "$1" ]; then
    hd_source env_file "of $2 in $1"
    hd_fail "not there, or $hd_me may not read it"
    return
  fi
  hd_files=$(hd_service=$2 LC_ALL=C awk "$hd_reader" "$1" 2>/dev/null) || {
    hd_source env_file "of $2 in $1"
    hd_fail "awk cannot read it"
    return
  }
  IFS=$hd_nl
  set -f
  for hd_path in $hd_files; do hd_file env_file "$hd_path"; done
  set +f
  unset IFS
}
hd_began() {
  read -r hd_line <"/proc/$1/stat" || return
  hd_line=${hd_line##*) }
  hd_boot=$(sed -n 's/^btime //p' /proc/stat)
  hd_tick=$(getconf CLK_TCK 2>/dev/null || echo 100)
  set -f
  set -- $hd_line
  set +f
  shift 19
  printf 'start\t%s\n' "$((hd_boot + $1 / hd_tick))"
}
hd_process() {
  hd_source process "pid $1"
  if [ ! -d "/proc/$1" ]; then
    hd_fail "it has ended"
    return
  fi
  hd_began "$1" 2>/dev/null
  if ! (: <"/proc/$1/environ") 2>/dev/null; then
    hd_fail "$hd_me may not read the environment of a process of $(stat -c %U "/proc/$1" 2>/dev/null)"
    return
  fi
  tr '\n\000' '\001\n' <"/proc/$1/environ" 2>/dev/null |
    LC_ALL=C sed "s/\\\\/\\\\\\\\/g;s/$hd_soh/\\\\n/g;s/^/line$hd_tab/"
}
hd_unit_file() {
  [ "$1" ] && [ -f "$1" ] && [ -r "$1" ] || return 0
  printf 'unit\t%s\n' "$1"
  hd_lines text <"$1"
}
hd_unit() {
  hd_source unit "$2" "$2"
  hd_user=
  if [ "$1" = user ]; then
    hd_user=--user
    export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
  fi
  hd_told=$(systemctl $hd_user show --no-pager \
    -p Environment,EnvironmentFiles,WorkingDirectory,MainPID,FragmentPath,DropInPaths -- "$2" 2>/dev/null) || {
    hd_fail "systemctl does not answer"
    return
  }
  hd_main= hd_dir= hd_files=
  set -f
  IFS=$hd_nl
  for hd_line in $hd_told; do
    hd_value=${hd_line#*=}
    case $hd_line in
      Environment=*) printf 'line\t%s\n' "$hd_value" ;;
      MainPID=*) hd_main=$hd_value ;;
      WorkingDirectory=*) hd_dir=${hd_value#!} hd_dir=${hd_dir#-} ;;
      EnvironmentFiles=*) hd_files="$hd_files$hd_value$hd_nl" ;;
      FragmentPath=*) hd_unit_file "$hd_value" ;;
      DropInPaths=*) IFS=' '; for hd_path in $hd_value; do hd_unit_file "$hd_path"; done; IFS=$hd_nl ;;
    esac
  done
  for hd_line in $hd_files; do
    hd_may=
    case $hd_line in *' (ignore_errors=yes)') hd_may=', which is allowed' ;; esac
    hd_path=${hd_line% (ignore_errors=*}
    set +f
    for hd_path in $hd_path; do
      # Whoever may write into the folder of a pattern chooses the names.
      case $hd_path in *"$hd_nl"* | *"$hd_tab"*) continue ;; esac
      hd_file file "$hd_path" "$hd_may"
    done
    set -f
  done
  set +f
  unset IFS
  hd_beside "$hd_dir"
  [ "${hd_main:-0}" = 0 ] || hd_process "$hd_main"
}
# N WORDS... and more: runs the first N words.
hd_run() {
  hd_n=$1
  shift
  hd_left=$(($# - hd_n))
  while [ "$hd_n" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    hd_n=$((hd_n - 1))
  done
  shift "$hd_left"
  if hd_told=$("$@" 2>/dev/null </dev/null); then
    printf '%s\n' "$hd_told" | hd_lines line
  else
    hd_told=$("$@" 2>&1 >/dev/null </dev/null | tail -n 1)
    hd_fail "${hd_told:-$1 does not tell it}"
  fi
}
while [ $# -gt 0 ]; do
  case $1 in
    unit) hd_unit "$2" "$3"; shift 3 ;;
    process) hd_process "$2"; shift 2 ;;
    beside) hd_beside "$2"; shift 2 ;;
    given) hd_given "$2" "$3"; shift 3 ;;
    program) hd_source program "$2" "$3"
      if [ ! -e "$2" ]; then hd_fail "not there, or $hd_me may not look for it"
      elif [ ! -r "$2" ]; then hd_fail "$hd_me may not read it"
      else
        stat -L -c "stat$hd_tab%a$hd_tab%U:%G$hd_tab%Y" -- "$2" 2>/dev/null
        hd_lines line <"$2"
      fi
      shift 3 ;;
    run)
      hd_source "$2" "$3"
      shift 3
      hd_run "$@"
      shift "$(($1 + 1))" ;;
    *) echo "no such source: $1" >&2; return 2 ;;
  esac
done
return 0
"""
SCRIPT = "hd_reader='" + _GIVEN.strip().replace("'", "'\\''") + "'\n" + _SCRIPT
"""``unit system|user NAME``, ``process PID``, ``beside FOLDER`` (its ``.env``), ``given FILE SERVICE`` (the
``env_file`` of a service of Compose), ``program FILE NAME`` of supervisord,
``run ORIGIN LABEL N WORDS...`` (what this command prints), each as often as it is wanted."""
