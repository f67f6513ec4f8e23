"""What the targets of iptables do, iptables-extensions(8): in its words, and where nft tells no more than a name."""

from console.core.firewall import Act

ACTS = {"ACCEPT": Act.ACCEPT, "DROP": Act.DROP, "REJECT": Act.DROP, "RETURN": Act.RETURN, "DNAT": Act.ELSEWHERE,
        "REDIRECT": Act.ELSEWHERE, "TPROXY": Act.ELSEWHERE}  # fmt: skip
_GO_ON = frozenset({"LOG", "NFLOG", "MARK", "CONNMARK", "CT", "NOTRACK", "TCPMSS", "SET", "CLASSIFY", "DSCP", "TOS",
                    "TRACE", "AUDIT", "SECMARK", "CONNSECMARK", "CHECKSUM", "TTL", "HL", "ULOG"})  # fmt: skip


def act_of(target: str) -> Act:
    """What a target that is no chain does with a packet."""
    return Act.GO_ON if target in _GO_ON else ACTS.get(target, Act.UNREADABLE)
