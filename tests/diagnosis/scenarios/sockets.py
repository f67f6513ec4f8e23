"""Cases in which nobody listens and the port is taken all the same: 12, 13 and 14."""

from dataclasses import replace

from console.diagnosis import VerdictWord
from tests.diagnosis.judged import Judged

from .scenario import API_LOG, HELD, HIGH, LEGACY, LOW, MEDIUM, ON_FAILURE, PROCESS, RULES, START, STOP_LEGACY, Scenario

LINGERING, OUTGOING, BOUND = VerdictWord.LINGERING, VerdictWord.OUTGOING, VerdictWord.BOUND_NOT_LISTENING
RELAY_LOG = "log of syslog-relay.service"
POLICY = "restart policy of container ID"
NOBODY: frozenset[str] = frozenset()


def _stopped(root: Judged) -> Scenario:
    """Everybody sees the socket and its control group; only root sees the process, and may stop the unit."""
    oncall = replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS}), off=True)
    return Scenario(root, oncall, replace(oncall, gaps=frozenset({PROCESS, API_LOG})))


def _outgoing(port: int, peer: str, log: str) -> Scenario:
    """A client's port is reserved for services, by hand; whose connection is to end shows its process."""
    said = f"by legacy.service to {peer} took"
    root = Judged(OUTGOING, HIGH, (LEGACY,), (None,), None, None, NOBODY, "reserve-port",
                  f"reserve {port} for services, then end legacy.service's connection", True, said)  # fmt: skip
    oncall = replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS}), steps=f"reserve {port} for services")
    return Scenario(root, oncall, replace(oncall, gaps=frozenset({PROCESS, log})))


SCENARIOS: dict[str, Scenario] = {
    "12": Scenario(
        waiting := Judged(LINGERING, HIGH, action="start", steps=f"in N s: {START}",
                          says="1 in TIME-WAIT; the last ends in N s"),
        waiting,
        # Whether the service sets SO_REUSEADDR only its log would tell.
        Judged(LINGERING, LOW, gaps=frozenset({API_LOG}), says="only from what does not set SO_REUSEADDR"),
    ),
    "12left": _stopped(Judged(
        LINGERING, HIGH, (LEGACY,), (None,), None, None, NOBODY, "stop-holder", STOP_LEGACY,
        says="1 in ESTAB; they end when legacy.service or the other side closes them")),
    "13": _outgoing(8080, "127.0.0.1:22", API_LOG),
    "13udp": _outgoing(5514, "127.0.0.1:514", RELAY_LOG),
    "13both": Scenario(
        both := Judged(HELD, HIGH, (LEGACY, "client.service"), (None, None), "127.0.0.1 overlaps 0.0.0.0",
                       (ON_FAILURE, None), NOBODY, "stop-holder",
                       "stop legacy.service and client.service, then start api.service",
                       says="held by legacy.service and an outgoing connection of client.service"),
        seen := replace(both, confidence=MEDIUM, gaps=frozenset({PROCESS}), off=True),
        replace(seen, clash=None, gaps=frozenset({PROCESS, RULES, API_LOG})),
    ),
    "13bare": Scenario(
        bare := replace(both, holders=(LEGACY, "python3 (pid N)"),
                        steps="stop legacy.service, end python3 (pid N), then start api.service",
                        says="held by legacy.service and an outgoing connection of python3 (pid N)"),
        # Who may not see the process is not advised to stop the service alone, for nothing.
        kept := replace(bare, confidence=MEDIUM, holders=(LEGACY, "lab.scope"), action=None, steps=None,
                        gaps=frozenset({PROCESS}), says="and an outgoing connection of lab.scope"),
        replace(kept, clash=None, gaps=frozenset({PROCESS, RULES, API_LOG})),
    ),
    "13container": Scenario(
        shared := replace(both, holders=("near", "client.service"), containers=("near", None), respawn=None,
                          steps="stop near and client.service, then start api.service",
                          says="held by near and an outgoing connection of client.service"),
        alone := replace(shared, confidence=MEDIUM, holders=("container ID", "client.service"),
                         containers=("ID", None), action=None, steps=None, gaps=frozenset({PROCESS, POLICY}),
                         says="held by container ID and an outgoing connection of client.service"),
        replace(alone, clash=None, gaps=frozenset({PROCESS, POLICY, RULES, API_LOG})),
    ),
    "14": _stopped(Judged(
        BOUND, HIGH, (LEGACY,), (None,), None, None, NOBODY, "stop-holder", STOP_LEGACY,
        says="tcp 8080 is bound by legacy.service without listening")),
}  # fmt: skip
