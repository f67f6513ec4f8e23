"""What every port case of the lab must come to, as root, as ``oncall`` with narrow sudo and as ``nosudo``."""

from . import containers, holders, reach, refusals, sockets
from .scenario import USERS, Scenario

SCENARIOS: dict[str, Scenario] = {
    **holders.SCENARIOS,
    **containers.SCENARIOS,
    **sockets.SCENARIOS,
    **refusals.SCENARIOS,
    **reach.SCENARIOS,
}
ELSEWHERE = {
    17: "the lab's kernel has no SELinux: test_forbidden.py judges what its documentation prints",
    24: "no API server can be had: test_real_cluster.py asks the real kubectl against a stand-in",
}
"""Scenarios of the specification that no case of the lab can make, and where they are asserted."""
SPECIFIED = range(1, 27)
"""The numbers of the scenarios that port diagnosis must get right."""

__all__ = ["ELSEWHERE", "SCENARIOS", "SPECIFIED", "USERS", "Scenario"]
