"""One plan of several intents: what one part has done by then, the next one knows."""

from dataclasses import replace

from console.config.model import Config
from console.core.network import Listener
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint
from console.ui.planner import ActionsPlanner
from tests.actions.hosts import PORT, conflict, ref, service


def test_who_is_stopped_first_is_no_longer_in_the_way_of_what_is_started() -> None:
    tls, where = Endpoint("tcp", "0.0.0.0", 8443), conflict()
    other = service("other.service", pids=(77,), ports=(tls,))
    has = Listener("tcp", "0.0.0.0", 8443, pids=(77,), process="nginx", unit="other.service")
    where = replace(
        where, services=(replace(where.services[0], wants=(PORT, tls)), where.services[1], other),
        listeners=(*where.listeners, has),
    )  # fmt: skip
    free = Intent(ActionKind.FREE_PORT, ref("api.service"), PORT)
    told = "tcp 8443 is held by other.service: free the port first"
    assert told in ActionsPlanner(Config()).plan((free,), where).warnings
    found = ActionsPlanner(Config()).plan((Intent(ActionKind.STOP, other.ref, tls), free), where)
    assert [step.name for step in found.steps][:2] == ["stop other.service", "stop legacy.service"]
    assert not any("8443" in word for word in found.warnings)
