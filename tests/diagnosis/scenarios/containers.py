"""Cases with containers: 3, 4 and 5, and ports that are only listened on inside."""

from dataclasses import replace

from console.diagnosis import VerdictWord
from tests.diagnosis.judged import Judged

from .scenario import (
    API,
    API_LOG,
    FREE,
    HELD,
    HIGH,
    LOW,
    MEDIUM,
    ON_FAILURE,
    PROCESS,
    RULES,
    SAME,
    UNREACHABLE,
    Scenario,
)

INSIDE, UNKNOWN = VerdictWord.HELD_IN_CONTAINER, VerdictWord.UNKNOWN
POLICY = "restart policy of container ID"
WHICH = "which container publishes 8080"
LATER = "containers that publish 8080 when they are started"
NOBODY: frozenset[str] = frozenset()


def _hidden(clash: str | None) -> Judged:
    """As ``oncall``: a container by its process's words; of its engine nothing may be asked, nor is it told to stop."""
    return Judged(HELD, MEDIUM, ("container ID",), ("ID",), clash, None, frozenset({POLICY}), "stop-container",
                  "stop container ID", off=True)  # fmt: skip


def _published(name: str, container: str, clash: str, respawn: str | None) -> Judged:
    return Judged(HELD, HIGH, (name,), (container,), clash, respawn, NOBODY, "stop-holder",
                  f"stop {name}, then start api.service")  # fmt: skip


SCENARIOS: dict[str, Scenario] = {
    "3": Scenario(
        _published("shop/api", "shop_api_1", SAME, "docker restart=unless-stopped"),
        hidden := _hidden(SAME),
        # Which address is wanted is not known: the proxies of both families may be in the way.
        replace(hidden, holders=("container ID",) * 2, containers=("ID",) * 2, clash=None,
                gaps=frozenset({POLICY, RULES, API_LOG})),
    ).by_port(":8080"),
    "4": Scenario(
        _published("shop", "shop", SAME, None),
        engine := Judged(HELD, MEDIUM, ("docker.service",), (None,), SAME, None, frozenset({PROCESS, WHICH}),
                         "find-container", "find and stop the container that publishes 8080", off=True),
        replace(engine, clash=None, gaps=frozenset({PROCESS, WHICH, RULES, API_LOG})),
    ).by_port(":8080"),
    "4down": Scenario(
        Judged(UNREACHABLE, MEDIUM, ("container ID", API), ("ID", None), None, (None, ON_FAILURE),
               frozenset({POLICY}), "stop-container", "stop container ID", off=True,
               says="what comes to it from outside is sent to"),
        # The rules are root's to read: that they were not is said.
        unseen := Judged(HELD, MEDIUM, (API,), (None,), None, ON_FAILURE, frozenset({PROCESS, RULES})),
        unseen,
    ).by_port(":8080"),
    "inside": Scenario(
        Judged(INSIDE, HIGH, ("inner",), ("inner",), action="start", steps="start api.service",
               says="tcp 8080 is free on the host: only inner listens on it"),
        # Rules of the kernel may take it as well, which only root is shown.
        within := Judged(UNKNOWN, LOW, ("container ID",), ("ID",), gaps=frozenset({RULES, LATER, POLICY}),
                         action="start", steps="start api.service", says="nobody is seen on tcp 8080; not checked: "),
        replace(within, off=True),
        also={":8080": (
            Judged(INSIDE, HIGH, ("inner",), ("inner",)),
            nobody := replace(within, action=None, steps=None),
            nobody,
        )},
    ),
    "addresses": Scenario(
        _published("near", "near", "same address 127.0.0.1", "docker restart=always"),
        loopback := _hidden("same address 127.0.0.1"),
        # Who wants it is known by its unit, and so at which address: one that rules for what comes in do not concern.
        replace(loopback, gaps=frozenset({POLICY, API_LOG})),
        also={":8081": (
            wide := Judged(HELD, HIGH, ("wide",), ("wide",), None, None),
            unnamed := replace(_hidden(None), gaps=frozenset({POLICY, PROCESS, RULES})),
            unnamed,
        )},
    ),
    "5": Scenario(
        Judged(FREE, MEDIUM, says="shop (docker) and spare.service declare it: the one that starts second will fail"),
        # Of a container that does not run only its engine tells.
        blind := Judged(UNKNOWN, LOW, gaps=frozenset({RULES, LATER}), says="nobody is seen on tcp 8080; not checked: "),
        blind,
    ),
}  # fmt: skip
