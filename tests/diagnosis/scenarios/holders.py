"""Cases in which somebody has the port, and such in which nobody has: 1, 2, 5 to 11, 15, 20 to 23, 25 and 26."""

from dataclasses import replace

from console.diagnosis import VerdictWord
from tests.diagnosis.judged import Judged

from .scenario import (
    API,
    API_LOG,
    DUAL_STACK,
    FIREWALL,
    FREE,
    HELD,
    HIGH,
    LEGACY,
    LOW,
    MEDIUM,
    ON_FAILURE,
    PROCESS,
    RULES,
    SAME,
    START,
    STOP_LEGACY,
    Scenario,
    at_home,
    at_home_locally,
    by_cgroup,
)

DUPLICATE, START_LIMIT, UNKNOWN = VerdictWord.DUPLICATE, VerdictWord.START_LIMIT, VerdictWord.UNKNOWN
NOBODY: frozenset[str] = frozenset()
NGINX_LOG, RELAY_LOG = "log of nginx.service", "log of syslog-relay.service"
SUPERVISED, UNASKED = "a program of supervisor.service", "which program of supervisord it is"
OF_PM2, UNASKED_PM2 = "a program of pm2-deploy.service", "which program of pm2 it is"
SCOPE = "lab.scope"
"""Where the lab runs what it starts by hand; on other hosts it is the scope of a session."""


def _legacy(clash: str | None, respawn: str | None = ON_FAILURE) -> Judged:
    """As root: a unit that is not the service's own has the port, and may be stopped for it."""
    return Judged(HELD, HIGH, (LEGACY,), (None,), clash, respawn, NOBODY, "stop-holder", STOP_LEGACY,
                  says="tcp 8080 is held by legacy.service")  # fmt: skip


def _of_manager(root: Judged, label: str, unasked: str, manager: str) -> Scenario:
    """A program of a manager that only root may ask: its unit is never stopped for it."""
    oncall = Judged(HELD, MEDIUM, (label,), (None,), root.clash, None, frozenset({PROCESS, unasked}), "find-program",
                    f"stop the program of {manager} that has 8080", off=True)  # fmt: skip
    nosudo = replace(oncall, clash=None, gaps=oncall.gaps | {RULES, API_LOG})
    return Scenario(root, oncall, nosudo)


def _in_scope(root: Judged, log: str, clash: str | None) -> Scenario:
    """A process that no manager runs: to others it is a hidden one of a scope, which nobody stops."""
    oncall = Judged(HELD, MEDIUM, (SCOPE,), (None,), root.clash, None, frozenset({PROCESS}))
    return Scenario(root, oncall, replace(oncall, clash=clash, gaps=frozenset({PROCESS, RULES, log})))


def _beside(first: str, second: str, respawn: str | tuple[str | None, ...]) -> tuple[Judged, Judged, Judged]:
    """Of a port that two services have at addresses that do not meet, nobody wants it: nothing is advised."""
    root = Judged(HELD, HIGH, (first, second), (None, None), None, respawn,
                  says=f"held by {first} and {second}")  # fmt: skip
    seen = replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS, RULES}))
    return root, seen, seen


HAS_IT = Judged(HELD, HIGH, (API,), (None,), None, ON_FAILURE, says="api.service has its port, tcp 8080")
SOCKET = Judged(HELD, HIGH, ("echo.socket",), (None,), DUAL_STACK, "systemd socket activation", NOBODY, "stop-holder",
                "stop echo.socket, then start api.service")  # fmt: skip
SCENARIOS: dict[str, Scenario] = {
    "1": replace(by_cgroup(_legacy(SAME)), also={
        # A port on which nobody is: without the rules of the kernel nobody is sure of that.
        ":8081": (
            Judged(FREE, MEDIUM, says="tcp 8081 is free"),
            nobody := Judged(UNKNOWN, LOW, gaps=frozenset({RULES}),
                             says=f"nobody is seen on tcp 8081; not checked: {RULES}"),
            nobody,
        ),
    }),
    "1two": Scenario(
        two := Judged(HELD, HIGH, (LEGACY, "other.service"), (None, None), SAME, ON_FAILURE, NOBODY, "stop-holder",
                      "stop legacy.service and other.service, then start nginx.service",
                      says="legacy.service, and tcp 8443, which nginx.service wants too, by other.service"),
        seen := replace(two, confidence=MEDIUM, gaps=frozenset({PROCESS}), off=True),
        # Which addresses it wants its configuration tells everybody.
        replace(seen, gaps=frozenset({PROCESS, RULES, NGINX_LOG})),
    ),
    "2": by_cgroup(_legacy(SAME)),
    "6": Scenario(
        SOCKET,
        # The unit is in the list of sockets, which everybody may read.
        replace(SOCKET, gaps=frozenset({PROCESS}), off=True),
        replace(SOCKET, clash="both want every address", gaps=frozenset({PROCESS, RULES, API_LOG}), off=True),
    ),
    "7": _of_manager(
        Judged(HELD, HIGH, ("legacy",), (None,), SAME, "supervisord autorestart", NOBODY, "stop-holder",
               "stop legacy, then start api.service"),
        SUPERVISED, UNASKED, "supervisord",
    ),
    "7pm2": _of_manager(
        Judged(HELD, HIGH, ("api-old",), (None,), SAME, "pm2 autorestart", NOBODY, "stop-holder",
               "stop api-old, then start api.service"),
        OF_PM2, UNASKED_PM2, "pm2",
    ),
    "8": _in_scope(
        Judged(HELD, HIGH, ("legacy",), (None,), SAME, None, NOBODY, "stop-holder",
               "stop legacy, then start api.service"),
        API_LOG, None,
    ),
    "9": by_cgroup(_legacy("127.0.0.1 overlaps 0.0.0.0")),
    "9free": replace(at_home_locally(HAS_IT), also={":8080": _beside(API, LEGACY, ON_FAILURE)}),
    # One that takes both families is in the way of every address.
    "10": replace(by_cgroup(_legacy(DUAL_STACK)), nosudo=replace(
        by_cgroup(_legacy(DUAL_STACK)).nosudo, clash="both want every address")),
    "10free": replace(at_home(HAS_IT), also={":8080": _beside(API, LEGACY, (ON_FAILURE, None))}),
    "11": by_cgroup(_legacy(SAME, None)),
    "15": Scenario(
        # The unit has ended: what it left behind is ended by its number.
        root := Judged(HELD, HIGH, (LEGACY,), (None,), SAME, None, NOBODY, "signal",
                       "end sleep (pid N), then start api.service"),
        oncall := replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS}), action=None, steps=None),
        replace(oncall, clash=None, gaps=frozenset({PROCESS, RULES, API_LOG})),
    ),
    "20": _in_scope(
        Judged(HELD, HIGH, ("nginx (pid N)",), (None,), SAME, None, NOBODY, "signal",
               "end nginx (pid N), then start nginx.service"),
        NGINX_LOG, SAME,
    ),
    "20twice": Scenario(
        twice := Judged(DUPLICATE, HIGH, action="remove-duplicate", steps="remove one of the two: listen 0.0.0.0:80",
                        off=True, says="'listen 80' and 'listen 0.0.0.0:80' (/etc/nginx/conf.d/twice.conf:2)"),
        twice,
        # The file says it; that nginx failed on just this only its log would.
        replace(twice, confidence=MEDIUM, gaps=frozenset({NGINX_LOG})),
    ),
    "21": Scenario(
        Judged(DUPLICATE, HIGH, ("api",), (None,), SAME, "supervisord autorestart", NOBODY, "leave-down",
               "leave api.service down and clear its failure: api (supervisord) runs the same",
               says="keep api (supervisord): it has the port"),
        # Who may not ask supervisord does not know which program it is, and so not whether it is the same service.
        unasked := Judged(DUPLICATE, MEDIUM, (SUPERVISED,), (None,), SAME, None,
                          frozenset({PROCESS, UNASKED, "whether both are one service"})),
        replace(unasked, clash=None, gaps=unasked.gaps | {API_LOG}),
    ).by_port(":8080"),
    "22": Scenario(
        limit := Judged(START_LIMIT, MEDIUM, action="start", steps=START,
                        says="nothing is on tcp 8080 now, but after 5 restarts api.service is not started any more"),
        replace(limit, confidence=LOW, gaps=frozenset({RULES}), says="nobody is seen on tcp 8080 now"),
        # Who does not know on what it failed does not know that this is gone.
        Judged(START_LIMIT, LOW, gaps=frozenset({RULES, API_LOG}), says="on what it failed is not known"),
    ),
    "23": Scenario(
        relay := Judged(HELD, HIGH, (LEGACY,), (None,), "0.0.0.0 overlaps 127.0.0.1", None, NOBODY, "stop-holder",
                        "stop legacy.service, then start syslog-relay.service", says="udp 5514 is held"),
        replace(relay, confidence=MEDIUM, gaps=frozenset({PROCESS}), off=True),
        # Without its log nothing says for certain which port it wants.
        Judged(UNKNOWN, LOW, gaps=frozenset({RELAY_LOG}), says="which port syslog-relay.service wants is not known"),
        also={":5514/udp": (
            relay,
            replace(relay, confidence=MEDIUM, gaps=frozenset({PROCESS}), off=True),
            Judged(HELD, MEDIUM, (LEGACY,), (None,), None, None,
                   frozenset({PROCESS, RULES, FIREWALL, "whether it answers"})),
        )},
    ),
    "25": Scenario(
        forms := Judged(HELD, HIGH, ("link-local.service", "mapped.service"), (None, None),
                        says="tcp 8080 is held by link-local.service and mapped.service"),
        unrouted := replace(forms, confidence=MEDIUM, gaps=frozenset({PROCESS, RULES, FIREWALL})),
        unrouted,
        also={":8081": (
            device := Judged(HELD, HIGH, ("device.service",), (None,), says="own port of device.service"),
            behind := replace(device, confidence=MEDIUM, gaps=frozenset({PROCESS, RULES})),
            behind,
        )},
    ),
    "26": by_cgroup(_legacy(SAME)),
}  # fmt: skip
