"""How a host is asked for what iptables keeps, or ip6tables: in nftables or in tables of its own.

``hd_saved iptables`` prints what ``iptables-save`` tells behind a line ``tool iptables-save``, with ``nf_tables`` at
its end where nft lists the same chains; ``gap WHY`` is what is known to be left out. Where both kinds of tables are,
each has a tool of its own.
"""

from console.probes.elevated import AS_ROOT

SAVED = (
    AS_ROOT
    + r"""
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Whether there may be tables of the other kind. The list of them is only where they can be, and for root alone.
hd_legacy() {
  case $1 in ip6tables) hd_names=/proc/net/ip6_tables_names ;; *) hd_names=/proc/net/ip_tables_names ;; esac
  [ -e "$hd_names" ] || return 1
  hd_names=$(cat "$hd_names" 2>/dev/null) || return 0
  [ -n "$hd_names" ]
}
# Without what sudo may say of its own.
hd_lines() { printf '%s\n' "$hd_list" | sed -n '/^[-#*:C]/p'; }
hd_saved() {
  case $("$1-save" -V 2>/dev/null || "$1" -V 2>/dev/null) in *'(nf_tables)'*) hd_in=' nf_tables' ;; *) hd_in='' ;; esac
  hd_list=$(hd_as_root "$1-save" 2>&1) || {
    hd_status=$?
    # nft tells the same chains: it fails on rules of others (1.8.11), and one line in sudoers is enough.
    [ -n "$hd_in" ] && [ "$hd_status" != 78 ] && command -v nft >/dev/null 2>&1 && ! hd_legacy "$1" && return
    printf '%s\n' "$hd_list" | tail -n 1 >&2
    return "$hd_status"
  }
  echo "tool $1-save$hd_in"
  hd_lines
  # Of these only nft tells more.
  command -v nft >/dev/null 2>&1 || hd_lines | sed -n "s/^# \(.*use 'nft' tool.*\)/gap \1/p"
  case $hd_list in *"# Warning: $1-legacy tables present"*) ;; *) return 0 ;; esac
  command -v "$1-legacy-save" >/dev/null 2>&1 || {
    echo "gap $1-legacy tables present, and this host has no $1-legacy-save to see them"
    return 0
  }
  if hd_list=$(hd_as_root "$1-legacy-save" 2>&1); then
    echo "tool $1-legacy-save"
    hd_lines
  else
    echo "gap $(printf '%s\n' "$hd_list" | tail -n 1)"
  fi
}
"""
)
