"""Whose process has a socket, as constant POSIX sh: shared by every look of a plan at the processes of ``ss -p``."""

OWNERS = r"""
# PID NAME of each process in rows of ss -p on standard input, one a line. A name is at most 15 bytes of anything: too
# few for the end of one entry and the beginning of the next, so the last end within them is the true one.
owners() {
  LC_ALL=C sed -n '/^[^"]*users:((/!d
s/^[^"]*users:((/,(/
t entry
:entry
s/^,("\(.\{0,15\}\)",pid=\([0-9]\{1,\}\),fd=[0-9]\{1,\})/\2 \1\
/
t told
d
:told
P
s/^[0-9]* .\{0,15\}\n//
t entry'
}
# Their numbers alone.
pids() { owners | LC_ALL=C sed 's/ .*//'; }
# The first of them in words.
owner() { owners | LC_ALL=C sed -n '1s/^\([0-9]*\) \(.*\)/process \1, "\2"/p'; }
# Whether process $1 is one of those in $2, or below one: a shell or a master process listens in its children.
descends() {
  at=$1
  while [ "${at:-0}" -gt 1 ]; do
    case " $2 " in *" $at "*) return 0 ;; esac
    above=
    while read -r word value; do
      case $word in PPid:) above=$value ;; esac
    done 2>/dev/null <"/proc/$at/status"
    at=$above
  done
  return 1
}
"""
"""Functions: ``owners``, ``pids`` and ``owner`` read rows of ``ss -p``; ``descends PID PIDS`` climbs to the parents."""
