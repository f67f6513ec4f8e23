"""Several listeners at one place."""

import pytest

from console.core.network import Listener
from console.diagnosis import as_text, diagnose
from console.diagnosis.sharing import shared_by

from .factories import failed, listener, unit
from .test_diagnose import look

ONE = listener(unit="one.service", cgroup="/system.slice/one.service", pids=(67,), inode=1)
TWO = listener(unit="two.service", cgroup="/system.slice/two.service", pids=(96,), inode=2)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (TWO, "shared by SO_REUSEPORT within user deploy"),
        (listener(inode=2, user=None), "shared by SO_REUSEPORT within uid 990"),
        (listener("127.0.0.1", inode=2), None),
        (listener(inode=2, interface="eth0"), None),
        (listener(inode=None), None),
        (ONE, None),
    ],
)
def test_what_two_at_one_place_prove(other: Listener, told: str | None) -> None:
    assert shared_by((ONE, other)) == told


def test_both_are_named_and_both_are_stopped() -> None:
    services = (failed(), unit("one.service", pids=(67,)), unit("two.service", pids=(96,)))
    verdict = diagnose(look(ONE, TWO, services=services))
    assert verdict.summary == "tcp 8080 is held by one.service and two.service"
    assert verdict.clash == "same address 0.0.0.0; shared by SO_REUSEPORT within user deploy"
    assert verdict.actions[0].label == "stop one.service and two.service, then start api.service"
    text = as_text(verdict)
    assert "HELD BY  one.service: python3 pid 67 user deploy  0.0.0.0:8080  up 1h" in text
    assert "HELD BY  two.service: python3 pid 96 user deploy  0.0.0.0:8080  up 1h" in text


def test_whatever_order_the_kernel_has_the_same_is_first() -> None:
    services = (failed(), unit("one.service", pids=(67,)), unit("two.service", pids=(96,)))
    verdicts = [diagnose(look(*found, services=services)) for found in ((ONE, TWO), (TWO, ONE))]
    assert verdicts[0].holders == verdicts[1].holders
    assert verdicts[0].actions == verdicts[1].actions
