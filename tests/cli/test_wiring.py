"""How the parts are put together where a host is not there."""

from typing import Any

from console.cli.wiring import fleet, run_plan
from console.config.load import parse
from console.core.plan import Result
from console.remote.transport import HostSpec, TransportError
from tests.remote.plans import make


class Gone:
    """A fleet whose host is down."""

    def transport(self, _host: str) -> Any:
        raise TransportError("lost", "web1 is not connected")


async def test_a_plan_whose_host_is_not_connected_is_refused_not_unknown() -> None:
    fleet: Any = Gone()
    [last] = [progress async for progress in run_plan(make(), fleet)]
    assert last.result is Result.REFUSED
    assert last.reason == "nothing was done: web1 is not connected"


def test_every_host_knows_which_contexts_the_configuration_marks() -> None:
    config = parse('production_contexts = ["eu-1"]', "f")
    made = fleet(config, (HostSpec("web1", "web1"),))
    assert made.spec("web1").production_contexts == ("eu-1",)
