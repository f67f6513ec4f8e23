"""One plan of several intents: what one part has done by then, the next one knows."""

from console.config.model import Config
from console.core.plan import ActionKind, Intent
from console.ui.planner import ActionsPlanner
from tests.actions.hosts import PORT, TLS, ref, two_conflicts


def test_who_is_stopped_first_is_no_longer_in_the_way_of_what_is_started() -> None:
    where = two_conflicts()
    free = Intent(ActionKind.FREE_PORT, ref("api.service"), PORT)
    told = "tcp 8443 is held by other.service: free the port first"
    assert told in ActionsPlanner(Config()).plan((free,), where).warnings
    found = ActionsPlanner(Config()).plan((Intent(ActionKind.STOP, ref("other.service"), TLS), free), where)
    assert [step.name for step in found.steps][:2] == ["stop other.service", "stop legacy.service"]
    assert not any("8443" in word for word in found.warnings)
