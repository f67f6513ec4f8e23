"""Several listeners at one place."""

from dataclasses import replace

import pytest

from console.core.network import Listener
from console.core.service import Endpoint
from console.diagnosis import as_text, diagnose
from console.diagnosis.sharing import shared_by

from .factories import failed, hidden, listener, symptom, unit
from .test_diagnose import LEGACY, PORT, look

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


def test_every_address_of_ipv6_is_one_that_is_known() -> None:
    wanted = replace(symptom(), endpoint=Endpoint("tcp", "::", 8080))
    verdict = diagnose(look(listener("::", v6only=True), services=(failed(),), symptoms=(wanted,)))
    assert verdict.clash == "same address [::]"


@pytest.mark.parametrize(("uid", "name"), [(0, "echo.socket"), (990, None)])
def test_a_socket_of_root_without_a_cgroup_is_of_the_unit_that_listens_there(uid: int, name: str | None) -> None:
    echo = unit("echo.socket", native_state="active/listening", wants=(Endpoint("tcp", "*", 8080),), cgroup=None)
    seen = hidden(listener("*", uid=uid, unit=None, cgroup=None))
    holder = diagnose(look(seen, services=(failed(), echo))).holder
    assert holder is not None
    assert (holder.ref.name if holder.ref is not None else None) == name


def test_the_ways_out_come_in_the_order_of_the_holders() -> None:
    six = unit("six.service", pids=(9,))
    beside = listener("127.0.0.2", pids=(9,), unit="six.service", cgroup="/system.slice/six.service", inode=5)
    first, again = listener("127.0.0.1"), listener("::1", inode=6)
    verdict = diagnose(replace(look(first, beside, again, services=(LEGACY, six), symptoms=()), target=PORT))
    assert [holder.name for holder in verdict.holders] == ["legacy.service", "six.service", "legacy.service"]
    stops = [way.intents[0].target.name for way in verdict.actions if way.id == "stop-holder"]
    assert stops == ["legacy.service", "six.service"]


def test_of_two_who_share_a_port_that_nobody_else_wants_each_can_be_stopped_alone() -> None:
    six = unit("six.service", pids=(9,))
    beside = listener("::1", pids=(9,), unit="six.service", cgroup="/system.slice/six.service", inode=5)
    evidence = look(listener(), beside, services=(LEGACY, six), symptoms=())
    ways = diagnose(replace(evidence, target=PORT)).actions
    assert [way.label for way in ways] == ["stop legacy.service", "stop six.service"]
    assert [[intent.target.name for intent in way.intents] for way in ways] == [["legacy.service"], ["six.service"]]


@pytest.mark.parametrize(
    ("other", "tail"),
    [
        (TWO, ("does not free tcp 8080, two.service has it too", "does not free tcp 8080, one.service has it too")),
        (replace(TWO, address="127.0.0.1"),
         ("does not free tcp 8080, two.service has it too", "does not free tcp 8080, one.service has it too")),
        (replace(TWO, address="::", v6only=True), ("", "")),
    ],
    ids=["the same address", "one of its addresses", "IPv6 only"],
)  # fmt: skip
def test_of_two_at_one_place_to_stop_one_is_said_to_free_nothing(other: Listener, tail: tuple[str, str]) -> None:
    services = (unit("one.service", pids=(67,)), unit("two.service", pids=(96,)))
    verdict = diagnose(replace(look(ONE, other, services=services, symptoms=()), target=PORT))
    labels = {way.label.partition(": ")[0]: way.label.partition(": ")[2] for way in verdict.actions}
    assert labels == {"stop one.service": tail[0], "stop two.service": tail[1]}
