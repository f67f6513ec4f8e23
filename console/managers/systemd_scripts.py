"""What is asked of ``systemctl``, and what unit files tell without asking it.

Every unit that is shown costs PID 1 and ``systemctl`` about a millisecond together, a list of all units 5 in all, and a
list of unit files half a second: so everything is listed, and only what a person wants to see is shown.
"""

from console.managers.systemd_others import KINDS
from console.managers.systemd_show import PROPERTIES

_SHOW = f"systemctl show --no-pager -p {','.join(PROPERTIES)}"
_FLAGS = "--full --plain --no-legend --no-pager"
_LIST = f"systemctl list-units --type=service,socket --all {_FLAGS}"
_FAILED = f"systemctl list-units --type={','.join(KINDS)} --state=failed {_FLAGS}"
_ALL = f"hd_list=$({_LIST} && {_FAILED}) || return"
_TROUBLE = (
    f"systemctl list-units --type=service,socket,{','.join(KINDS)} {_FLAGS} --state=failed,activating,auto-restart"
)

_UP = 'read -r hd_up hd_rest </proc/uptime\necho "up $hd_up"\nexport TZ=UTC\n'
_SYSTEM = f'echo "scope system"\n{_UP}'
_USER = (
    f'echo "scope user:$(id -un)"\n{_UP}'
    'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"\n'
    '[ -S "$XDG_RUNTIME_DIR/systemd/private" ] || return 0\n'
)
_SYSTEM_FILES = (
    "set -- /etc/systemd/system/*.service /usr/local/lib/systemd/system/*.service /usr/lib/systemd/system/*.service\n"
    '[ -L /lib ] || set -- "$@" /lib/systemd/system/*.service\n'
    'set -- "$@" /usr/lib/systemd/system/*.service.d/*.conf /usr/local/lib/systemd/system/*.service.d/*.conf \\\n'
    "  /run/systemd/system/*.service.d/*.conf /etc/systemd/system/*.service.d/*.conf\n"
)
_USER_FILES = (
    'set -- "${XDG_CONFIG_HOME:-$HOME/.config}"/systemd/user/*.service \\\n'
    '  "${XDG_CONFIG_HOME:-$HOME/.config}"/systemd/user/*.service.d/*.conf\n'
)

# Arguments: units. systemctl prints the words of ExecStart as they are, and any other text in one line: who writes a
# unit can put lines of any property and whole blocks into its command. What is printed is therefore believed only where
# it has a block for each unit, and in each the commands side by side, each in one line: lines between a false end and
# the true one stand between two commands, or make a block too many. Else what units run is asked for one by one, and
# told apart from what systemd says of them. Last come those that are active of the units that trigger or uphold these;
# a timer that has elapsed starts nothing any more.
_SHOWN = r"""
hd_shown() {
  hd_told=$(@SHOW@,ExecStart -- "$@") || return
  if printf '%s\n' "$hd_told" | awk -v units=$# '
    $0 == "" { blocks++; ran = now = 0; next }
    /^ExecStart=\{ / && / \}$/ { if (ran && !now) bad = 1; ran = now = 1; next }
    { now = 0 }
    !/^[A-Za-z]+=/ || /^ExecStart=/ || / ; status=[0-9]+[^ ]* \}$/ { bad = 1 }
    END { exit bad || blocks + 1 != units }'
  then
    printf '%s\n' "$hd_told"
  else
    hd_told=$(@SHOW@ -- "$@") || return
    printf '%s\n' "$hd_told"
    for hd_n in "$@"; do
      case $hd_n in *.service) hd_run=$(systemctl show -p ExecStart -- "$hd_n") ;; *) continue ;; esac
      printf '\nRuns=%s\n%s\n' "$hd_n" "${hd_run%%
*}"
    done
  fi
  hd_told=$(printf '%s\n' "$hd_told" | awk -F= '
    /^(TriggeredBy|UpheldBy)=/ {
      n = split($2, name, " ")
      for (i = 1; i <= n; i++) if (name[i] !~ /[^A-Za-z0-9_:.\\@-]/ && !seen[name[i]]++) print name[i]
    }')
  [ -n "$hd_told" ] || return 0
  hd_told=$(systemctl show -p Id -p ActiveState -p SubState -- $hd_told) || return 0
  printf '%s\n' "$hd_told" | awk -F= '
    $1 == "Id" { id = $2 }
    $1 == "ActiveState" { active = $2 ~ /^(active|activating|reloading|refreshing)$/ }
    $1 == "SubState" && active && $2 != "elapsed" { found = found " " id }
    END { print "\nAwake=" found }'
}
"""

# Arguments: unit files, and after them the files that change those (drop-ins). Prints on its first line the units to
# show, then blocks for units that are installed and not loaded: a unit that nothing needs is not loaded, so systemctl
# does not tell it, but its files do. Symbolic links are other names, or units that are masked. What a package installs
# without [Install] is not started by hand; such units are left out while they do nothing, and so are systemd's own. A
# copy of a file, such as "api (copy).service", is no unit: systemd itself passes it over.
_PLAN = r"""
for hd_f in "$@"; do
  shift
  hd_n=${hd_f##*/}
  case $hd_f in *.service.d/*)
    [ ! -f "$hd_f" ] || set -- "$@" "$hd_f"
    continue
    ;;
  esac
  case $hd_n in *@.service | systemd-* | debug-shell.service | '*.service') continue ;; esac
  [ -f "$hd_f" ] && [ ! -L "$hd_f" ] || continue
  case $hd_f in
    /usr/* | /lib/*) [ -e "/etc/systemd/system/$hd_n" ] || [ -L "/etc/systemd/system/$hd_n" ] && continue ;;
  esac
  set -- "$@" "$hd_f"
done
hd_plan=$(printf '%s\n' "$hd_list" | awk '
function settings(f, n,   l) {
  while ((getline l <f) > 0) {
    if (l ~ /^Description=/) description[n] = l
    if (l ~ /^(Type|RemainAfterExit|TimeoutSec|TimeoutStartSec|PrivateNetwork|NetworkNamespacePath)[ \t]*=/) {
      gsub(/[ \t\r]/, "", l)
      kind[n] = kind[n] "\n" l
    }
    if (l ~ /^JoinsNamespaceOf[ \t]*=/) { sub(/[ \t]*=[ \t]*/, "=", l); sub(/\r$/, "", l); kind[n] = kind[n] "\n" l }
    if (l ~ /^\[Install\]/) worth[n] = 1
  }
  close(f)
}
BEGIN {
  for (i = 1; i < ARGC; i++) {
    f = ARGV[i]
    n = f
    if (sub(/\.d\/[^\/]*$/, "", n)) { sub(/.*\//, "", n); if (n in file) settings(f, n); continue }
    sub(/.*\//, "", n)
    if (n in file || length(n) > 255 || n ~ /[^A-Za-z0-9_:.\\@-]/) continue
    file[n] = f
    description[n] = ""
    worth[n] = f !~ /^\/(usr|lib)\//
    settings(f, n)
  }
  ARGC = 1
}
{
  sub(/^[^A-Za-z0-9_:.\\@-]+/, "")
  if (NF < 4) next
  loaded[$1] = 1
  own = $1 ~ /^(systemd-|user-runtime-dir@)/
  if ($3 != "inactive") { if (!own || $4 != "exited") show = show " " $1; next }
  if ($2 != "not-found" && $2 != "masked" && !own && (worth[$1] || !($1 in file))) show = show " " $1
}
END {
  print show
  for (n in file)
    if (worth[n] && !(n in loaded)) {
      print "Id=" n "\nLoadState=unloaded\nActiveState=inactive\nSubState=dead\nFragmentPath=" file[n] kind[n]
      print description[n] "\n"
    }
}' "$@") || return
set -- ${hd_plan%%
*}
[ $# -eq 0 ] || hd_shown "$@" || return
echo
case $hd_plan in *"
"*) printf '%s\n' "${hd_plan#*
}" ;; esac
return 0
"""

# Of the arguments, "@" stands for all units that fail or start at this moment.
_TROUBLED = r"""
for hd_n in "$@"; do
  shift
  if [ "$hd_n" = @ ]; then
    set -- "$@" $(@TROUBLE@ | sed 's/^[^A-Za-z0-9_:.\\@-]*//; s/ .*//')
  else
    set -- "$@" "$hd_n"
  fi
done
[ $# -eq 0 ] || hd_shown "$@"
"""


def _of(text: str, *, user: bool) -> str:
    """Put the commands in, for the system manager or the user's own."""
    text = (_SHOWN + text).replace("@SHOW@", _SHOW).replace("@TROUBLE@", _TROUBLE)
    return text.replace("systemctl ", "systemctl --user ") if user else text


SHOW_ALL = _SYSTEM + _of(f"{_ALL}\n{_SYSTEM_FILES}{_PLAN}", user=False)
USER_PLAN = _of(f"{_ALL}\n{_USER_FILES}{_PLAN}", user=True)
"""The units of the user who runs it; what comes before them is said by who asks."""
USER_SHOW_ALL = f"{_USER}{USER_PLAN}"
SHOW_NAMES = _SYSTEM + _of(_TROUBLED, user=False)
USER_SHOW_NAMES = _USER + _of(_TROUBLED, user=True)
