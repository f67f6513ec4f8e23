"""Cases in which the service has its port and clients need not get there: 19."""

from dataclasses import replace

from tests.diagnosis.judged import Judged

from .scenario import (
    API,
    FIREWALL,
    HELD,
    HIGH,
    LEGACY,
    MEDIUM,
    ON_FAILURE,
    PROCESS,
    RULES,
    UNREACHABLE,
    Scenario,
    at_home,
    at_home_locally,
)

SAVE = ("/usr/sbin/iptables-save", "/usr/sbin/ip6tables-save")
# nft tells the rules of iptables too; that there are no older tables beside them, on most kernels only these.
READ = ("/usr/sbin/nft -a list ruleset", *SAVE)
ANSWERS = "whether it answers"
LET_IN = "let tcp 8080 in before that rule"
UNTOLD = "what keeps it out is not known"
DROPPED = "answers on the host, but {} drops what comes from"
NOBODY: frozenset[str] = frozenset()


def _dropped(says: str) -> Judged:
    """The rule is known; to change it is somebody's decision, and so by hand."""
    return Judged(UNREACHABLE, HIGH, (API,), (None,), None, ON_FAILURE, NOBODY, "open-port", LET_IN, True, says)


def _blind(says: str = UNTOLD) -> Judged:
    """That no answer comes is seen; by which rule only root may read."""
    return Judged(UNREACHABLE, MEDIUM, (API,), (None,), None, ON_FAILURE, frozenset({PROCESS, FIREWALL}), says=says)


def _rule_read(says: str, nosudo: str = UNTOLD) -> Scenario:
    """``oncall`` may read the rules."""
    seen = replace(_dropped(says), gaps=frozenset({PROCESS}))
    return Scenario(_dropped(says), seen, _blind(nosudo), may=READ)


HAS_IT = Judged(HELD, HIGH, (API,), (None,), None, ON_FAILURE, says="api.service has its port, tcp 8080")
WELL = replace(at_home(HAS_IT), oncall=replace(HAS_IT, confidence=MEDIUM, gaps=frozenset({PROCESS})), may=READ)
SCENARIOS: dict[str, Scenario] = {
    "19": _rule_read(DROPPED.format("iptables filter INPUT"), f"from here there is no answer: {UNTOLD}"),
    # The rules of iptables alone do not tell that nothing drops.
    "19nft": Scenario(_dropped(DROPPED.format("nft inet guard in")), replace(
        _blind(), gaps=frozenset({PROCESS, "rules of nftables"})), _blind(), may=SAVE),
    "19all": _rule_read("(no answer in N s on the host itself), but iptables filter INPUT drops"),
    # Whether the client belongs to those who are let in is for a person to decide.
    "19limited": Scenario(
        listed := replace(_dropped(DROPPED.format("nft inet filter incoming")), action=None, steps=None, off=False),
        replace(listed, gaps=frozenset({PROCESS})),
        _blind(),
        may=READ,
    ),
    # It is asked for by the address that leads to the host, and that is IPv4.
    "19ipv6": WELL,
    "19loopback": replace(at_home_locally(HAS_IT), may=READ),
    "19udp": Scenario(
        udp := Judged(UNREACHABLE, MEDIUM, (LEGACY,), (None,), None, None, frozenset({ANSWERS}), "open-port",
                      "let udp 5514 in before that rule", True, "but iptables filter INPUT drops what comes"),
        replace(udp, gaps=frozenset({ANSWERS, PROCESS})),
        Judged(HELD, MEDIUM, (LEGACY,), (None,), None, None, frozenset({PROCESS, RULES, FIREWALL, ANSWERS})),
        may=READ,
    ),
}  # fmt: skip
