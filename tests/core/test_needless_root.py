"""Of which units it is asked whether they must run as root."""

from dataclasses import replace

import pytest

from console.core.needless_root import needless_root
from console.core.service import Endpoint, Service, ServiceRef, State

PORT, LOW = Endpoint("tcp", "0.0.0.0", 8080), Endpoint("tcp", "0.0.0.0", 443)
API = Service(
    ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "active/running", pids=(812,), user="root",
    unit_file="/etc/systemd/system/api.service", ports=(PORT,),
)  # fmt: skip


def test_a_unit_of_ones_own_with_ports_that_anybody_may_have() -> None:
    said = "none of its ports needs root; where nothing else does, User= or DynamicUser= in its unit"
    assert needless_root(API) == said
    assert needless_root(replace(API, unit_file="/usr/local/lib/systemd/system/api.service")) == said


@pytest.mark.parametrize(
    "other",
    [
        replace(API, user="deploy"),
        replace(API, user=None),
        replace(API, unit_file="/lib/systemd/system/api.service"),
        replace(API, unit_file=None),
        replace(API, ports=(PORT, LOW)),
        replace(API, wants=(LOW,)),
        replace(API, ports=()),
        replace(API, oneshot=True),
        replace(API, state=State.FAILED),
        replace(API, ref=ServiceRef("web1", "systemd", "api.service", "user:root")),
        replace(API, ref=ServiceRef("web1", "systemd", "api.socket")),
        replace(API, ref=ServiceRef("web1", "supervisord", "api.service")),
    ],
)
def test_of_others_nothing_is_said(other: Service) -> None:
    assert needless_root(other) is None
