"""The POSIX sh program of the probe shell, and the requests it understands.

Sent once over standard input; then one line asks for any number of sections and is answered by one write::

    NONCE SEQUENCE LENGTH
    name status length
    body
    ...

``status`` is 0, ``=`` (the body is what it was at the last request with the same arguments) or the exit status of the
section, whose body is then the end of its standard error. LENGTH counts bytes, so nothing that a host prints can forge
a frame.
"""

from collections.abc import Sequence
from typing import Any

from console.core.command import quote
from console.core.probe import Probe

END = "#END"

# One line without ' or ! : the login shell that starts it may be csh or fish.
BOOT = (
    f'n=$(printf "\\nx");n=${{n%x}};p=;while IFS= read -r l;do case $l in "{END}")break;;esac;p=$p$l$n;done;eval "$p"'
)

# In place of the host's own: that of dash makes a line break of "\n" in what it prints, so that the name of a file or a
# folder, which anybody may choose, would be lines of the answer.
ECHO = r"""
echo() {
  hd_echo=${1-}
  [ $# -eq 0 ] || shift
  for hd_echoed; do hd_echo="$hd_echo $hd_echoed"; done
  printf '%s\n' "$hd_echo"
}
"""

# A section whose standard error is kept costs a process more, so only one that is not known to go well is run so; one
# that went well the last time is run once more when it fails, but not where what it runs hangs: 124 as of timeout(1).
_CORE = r"""
unset CDPATH ENV BASH_ENV
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
hd_nl='
'
hd_out= hd_names= hd_v=
hd_run() {
  hd_n=$1
  shift
  hd_r=1
  eval "hd_w=\$hd_w_$hd_n"
  [ -z "$hd_w" ] || { hd_b=$("p_$hd_n" "$@" 2>/dev/null </dev/null 8>&-); hd_r=$?; }
  case $hd_r in
    0) ;;
    124)
      case $hd_b in 'why '?*) hd_b=${hd_b#why } ;; *) hd_b="$hd_n: no answer in time" ;; esac
      eval "hd_w_$hd_n="
      ;;
    *) hd_look "$@" ;;
  esac
  [ ${#hd_b} -le 4194304 ] || { hd_b="the answer has ${#hd_b} bytes, more than 4 MiB"; hd_r=98; }
}
hd_look() {
  hd_b=$({
    hd_e=$("p_$hd_n" "$@" 2>&1 >&3 3>&- </dev/null 8>&-)
    hd_r=$?
    [ "$hd_r" -eq 0 ] || printf '%s' "$hd_nonce$hd_e"
    exit "$hd_r"
  } 3>&1)
  hd_r=$?
  if [ "$hd_r" -eq 0 ]; then
    eval "hd_w_$hd_n=1"
  else
    eval "hd_w_$hd_n="
    hd_b=$(printf '%s' "$hd_b" | tail -c 600)
    hd_b=${hd_b##*"$hd_nonce"}
  fi
}
hd_put() {
  hd_out=$hd_out"$hd_n $hd_r ${#hd_b}$hd_nl$hd_b$hd_nl"
}
q() {
  hd_run "$@"
  hd_put
}
k() {
  hd_run "$@"
  eval "hd_p=\$hd_c_$1"
  if [ "$hd_r" -eq 0 ] && [ "$*$hd_nl$hd_b" = "$hd_p" ]; then
    hd_r='=' hd_b=
  elif [ "$hd_r" -eq 0 ]; then
    eval "hd_c_$1=\$*\$hd_nl\$hd_b"
  else
    eval "hd_c_$1="
  fi
  hd_put
}
z() {
  for hd_i in $hd_names; do eval "hd_c_$hd_i="; done
}
w() {
  printf '%s' "$hd_nonce $1 ${#hd_out}$hd_nl$hd_out"
  hd_out=
}
"""

# An awk that stays and answers one section: it is told of a request over a pipe and writes the frame itself, with the
# sections that were answered before it; this shell would read its answer byte by byte. No more is written into the pipe
# than it holds. The pipe is a here-document, opened anew for writing; where a shell makes a file of one, and where it
# has ended, the section is answered as any other. It ends with this shell, which has the only other end of its pipe.
# One that is stopped is killed, as long as that number is a child of this shell.
_RESIDENT = r"""
hd_v=new
hd_live() {
  hd_v=
  exec 9<<END
$hd_nonce
END
  if [ -p /proc/self/fd/9 ] && (exec 8>/proc/self/fd/9) 2>/dev/null; then
    hd_i=
    case $(awk -W version 2>&1 </dev/null) in mawk*) hd_i='-W interactive' ;; esac
    trap : PIPE
    exec 8>/proc/self/fd/9
    awk $hd_i "$hd_awk" <&9 9<&- 8>&- 2>/dev/null &
    hd_v=$!
  fi
  exec 9<&-
}
x() {
  case $hd_v in '' | new) return ;; esac
  exec 8>&-
  hd_k= hd_p=
  while read -r hd_k hd_p hd_n && [ "$hd_k" != PPid: ]; do :; done 2>/dev/null <"/proc/$hd_v/status"
  [ "$hd_k $hd_p" != "PPid: $$" ] || kill -KILL "$hd_v" 2>/dev/null
  hd_v=
}
v() {
  [ "$hd_v" != new ] || hd_live
  if [ "$hd_v" ] && [ ${#hd_out} -le 3000 ]; then
    { printf '%s\n' "$1" "$hd_out$hd_nonce" >&8; } 2>/dev/null && { hd_out=; return; }
    x
  fi
  q "$hd_resident"
  w "$1"
}
"""
_AWK = r"""
NR == 1 { nonce = $0; ORS = ""; next }
{
  at = $0
  before = ""
  while ((getline line) > 0 && line != nonce) before = before line "\n"
  look()
  sub(/\n$/, "", o)
  o = before name " 0 " length(o) "\n" o "\n"
  print nonce " " at " " length(o) "\n" o
  fflush()
}
"""

# "+" is followed by functions, up to the line END.
_LOOP = rf"""
w 0
while IFS= read -r hd_line; do
  if [ "$hd_line" = + ]; then
    hd_def=
    while IFS= read -r hd_line && [ "$hd_line" != "{END}" ]; do hd_def=$hd_def$hd_line$hd_nl; done
    hd_line=$hd_def
  fi
  eval "$hd_line"
done
[ -z "$hd_v" ] || x
"""


def program(probes: Sequence[Probe[Any]], nonce: str) -> bytes:
    """The whole program, as it is written to the shell's standard input. Ends itself when that input ends.

    It knows these sections from the first; ``definitions`` adds others. A shell reads its input byte by byte, so what
    may never be asked is not sent.
    """
    return f"hd_nonce={quote((nonce,))}\n{_CORE}{ECHO}{_functions(probes)}{_LOOP}{END}\n".encode()


def definitions(probes: Sequence[Probe[Any]]) -> bytes:
    """Further sections, to be sent before the first request that asks for one of them."""
    return f"+\n{_functions(probes)}{END}\n".encode() if probes else b""


def stays(probe: Probe[Any]) -> bytes:
    """What a shell needs to know for the resident process of a probe, to be sent before the first request to it."""
    rule = _AWK.replace(" name ", f' "{probe.name}" ')
    return f"+\n{_RESIDENT}hd_resident={probe.name}\nhd_awk={quote((_bare(probe.resident) + rule,))}\n{END}\n".encode()


def _functions(probes: Sequence[Probe[Any]]) -> str:
    texts = "".join(f"p_{probe.name}() {{\n{_body(probe)}\n}}\n" for probe in probes)
    return f'{texts}hd_names="$hd_names {" ".join(probe.name for probe in probes)}"\n'


# timeout(1) tells by 137 that it had to send SIGKILL.
_KILLED = r"""
set -- sh -c "$hd_inner" sh "$@"
! command -v timeout >/dev/null 2>&1 || set -- timeout -s KILL @SECONDS@ "$@"
"$@"
hd_r=$?
[ "$hd_r" != 137 ] || hd_r=124
return "$hd_r"
"""


def _body(probe: Probe[Any]) -> str:
    script = _bare(probe.script)
    if not probe.killed_after:
        return script
    inner = f'{ECHO.lstrip()}hd_all() {{\n{script}\n}}\nhd_all "$@"'
    return f"hd_inner={quote((inner,))}{_KILLED.replace('@SECONDS@', f'{probe.killed_after:g}')}".rstrip()


def _bare(script: str) -> str:
    """The script without lines that are only a comment."""
    lines = script.strip().split("\n")
    return "\n".join(line for line in lines if not line.lstrip().startswith("# "))


def request(
    sequence: int,
    asks: Sequence[tuple[Probe[Any], tuple[str, ...]]],
    *,
    forget: bool = False,
    resident: bool = False,
    end_resident: bool = False,
) -> bytes:
    """One line that asks for sections; a word with a newline in it is refused.

    ``forget`` makes the host forget what it answered before, so that nothing is answered with "same". ``resident``: the
    last one is that of the resident process. ``end_resident`` ends that process, dead or alive.
    """
    calls = [*(["x"] if end_resident else []), *(["z"] if forget else [])]
    for probe, args in asks[:-1] if resident else asks:
        if any("\n" in arg or "\0" in arg for arg in args):
            raise ValueError(f"{probe.name}: an argument contains a newline or a NUL: {args!r}")
        calls.append(f"{'k' if probe.cached else 'q'} {quote((probe.name, *args))}")
    calls.append(f"{'v' if resident else 'w'} {sequence}\n")
    return ";".join(calls).encode("utf-8", "surrogateescape")
