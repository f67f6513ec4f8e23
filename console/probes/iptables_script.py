"""How a host is asked for what iptables keeps, or ip6tables.

``hd_saved iptables`` prints what ``iptables-save`` tells behind a line ``tool iptables-save``, with ``nf_tables`` at
its end where nft lists the same chains; ``gap WHY`` is what it says itself that it left out.
"""

from console.probes.elevated import AS_ROOT

SAVED = (
    AS_ROOT
    + r"""
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Without what sudo may say of its own.
hd_lines() { printf '%s\n' "$hd_list" | sed -n '/^[-#*:C]/p'; }
hd_saved() {
  case $("$1-save" -V 2>/dev/null || "$1" -V 2>/dev/null) in *'(nf_tables)'*) hd_in=' nf_tables' ;; *) hd_in='' ;; esac
  hd_list=$(hd_as_root "$1-save" 2>&1) || {
    hd_status=$?
    # nft tells the same chains: it fails on rules of others (1.8.11), and one line in sudoers is enough.
    [ -n "$hd_in" ] && [ "$hd_status" != 78 ] && command -v nft >/dev/null 2>&1 && return
    printf '%s\n' "$hd_list" | tail -n 1 >&2
    return "$hd_status"
  }
  echo "tool $1-save$hd_in"
  hd_lines
  # Of that only nft tells more.
  command -v nft >/dev/null 2>&1 || hd_lines | sed -n "s/^# \(.*use 'nft' tool.*\)/gap \1/p"
}
"""
)
