"""No advice to stop somebody where the log may not mean it."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.network import Listener
from console.core.service import Endpoint, Hint
from console.diagnosis import Confidence, Evidence, Verdict, VerdictWord, diagnose
from tests.diagnosis.factories import failed, listener, log, process, ref, snapshot, symptom, unit

EVIL = 'level=error msg="bad request" ua="listen tcp 0.0.0.0:5432: bind: address already in use"'
POSTGRES = listener(port=5432, unit="postgresql.service", cgroup="/system.slice/postgresql.service", process="postgres")
PLAIN = "FATAL: listen tcp 0.0.0.0:5432: bind: address already in use"
KNOWN = {"hints": (Hint(Endpoint("tcp", "*", 8080), "PORT of /etc/systemd/system/api.service"),)}


def on_postgres(text: str, **changes: Any) -> Verdict:
    services = (failed(**changes), unit("postgresql.service", pids=(4112,), ports=(Endpoint("tcp", "0.0.0.0", 5432),)))
    seen = snapshot(services=services, listeners=(POSTGRES,))
    return diagnose(Evidence(seen, ref(), processes=(process(),), sockets=(), journal=log(text)))


def test_what_a_client_sent_stops_no_service() -> None:
    verdict = on_postgres(f"serving\n{EVIL}\npanic: out of memory", **KNOWN)
    assert (verdict.port, verdict.holders) == (8080, ())
    assert not any("postgresql" in way.label for way in verdict.actions)


@pytest.mark.parametrize("known", [KNOWN, {"wants": (Endpoint("tcp", "0.0.0.0", 8080),)}])
def test_a_port_that_only_the_log_names_is_no_reason_to_stop_somebody(known: dict[str, Any]) -> None:
    verdict = on_postgres(PLAIN, **known)
    stop = verdict.actions[0]
    assert (verdict.verdict, verdict.port, verdict.confidence) == (VerdictWord.HELD, 5432, Confidence.MEDIUM)
    assert (stop.label, stop.recommended) == ("stop postgresql.service, then start api.service", False)
    (gap,) = (gap for gap in verdict.not_checked if gap.what == "whether tcp 5432 is its own")
    assert gap.why == "only its log names it; api.service is known for tcp 8080"


def test_a_port_that_is_its_own_is_reason_enough() -> None:
    for known in ({"wants": (Endpoint("tcp", "*", 5432), Endpoint("tcp", "*", 8080))}, {}):
        verdict = on_postgres(PLAIN, **known)
        assert (verdict.actions[0].recommended, verdict.confidence) == (True, Confidence.HIGH)


@pytest.mark.parametrize("end", ["Traceback (most recent call last):\nValueError: bad message", "panic: nil map"])
def test_who_ended_by_another_error_stops_nobody(end: str) -> None:
    verdict = on_postgres(f"{PLAIN}\n{end}")
    assert (verdict.port, verdict.confidence, verdict.actions[0].recommended) == (5432, Confidence.MEDIUM, False)
    (gap,) = (gap for gap in verdict.not_checked if gap.what == "whether tcp 5432 is its own")
    assert gap.why == "only its log names it, and api.service ended by another error after it"


@pytest.mark.parametrize(
    "end",
    [
        "shutting down",
        "Traceback (most recent call last):\nOSError: [Errno 98] Address already in use",
        "The above exception was the direct cause of the following exception:\nTraceback (most recent call last):\nX",
    ],
)
def test_who_ended_by_it_has_reason_enough(end: str) -> None:
    verdict = on_postgres(f"{PLAIN}\n{end}")
    assert (verdict.actions[0].recommended, verdict.confidence) == (True, Confidence.HIGH)


def test_who_runs_on_stops_nobody() -> None:
    seen = snapshot(
        services=(unit("api.service"), unit("postgresql.service", ports=(Endpoint("tcp", "0.0.0.0", 5432),))),
        listeners=(POSTGRES,),
        symptoms=(symptom(port=5432),),
    )
    verdict = diagnose(Evidence(seen, ref(), processes=(process(),), sockets=()))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.MEDIUM)
    assert not any(way.recommended for way in verdict.actions)


LEGACY = unit("legacy.service", ports=(Endpoint("tcp", "127.0.0.1", 8080),), pids=(4112,))
PAYMENTS = unit("payments.service", ports=(Endpoint("tcp", "10.0.0.5", 8080),), pids=(5000,))
OF_PAYMENTS = listener(
    "10.0.0.5", pids=(5000,), inode=4712, unit="payments.service", cgroup="/system.slice/payments.service"
)


UNNAMED = "Port 8080 is in use by another program."


def on_two(line: str, address: str = "*", *more: Listener) -> Verdict:
    seen = snapshot(
        services=(failed(), LEGACY, PAYMENTS),
        listeners=(listener("127.0.0.1"), OF_PAYMENTS, *more),
        symptoms=(replace(symptom(address=address), line=line),),
    )
    return diagnose(Evidence(seen, ref(), processes=(), sockets=()))


def offered(verdict: Verdict) -> list[tuple[str, str]]:
    """The ways to stop somebody, each with the address that its plan frees; none of them may be advised."""
    assert not any(way.recommended for way in verdict.actions)
    ways = [way for way in verdict.actions if way.id == "stop-holder"]
    return [(way.label, way.intents[0].endpoint.address if way.intents[0].endpoint else "") for way in ways]


def test_of_an_unknown_address_each_holder_is_offered_and_none_advised() -> None:
    verdict = on_two(UNNAMED)
    assert offered(verdict) == [
        ("if it wants 127.0.0.1: stop legacy.service, then start api.service", "127.0.0.1"),
        ("if it wants 10.0.0.5: stop payments.service, then start api.service", "10.0.0.5"),
        ("if it wants every address: stop legacy.service and payments.service, then start api.service", "*"),
    ]
    assert verdict.confidence is Confidence.MEDIUM
    (gap,) = (gap for gap in verdict.not_checked if gap.what == "the address it wants")
    assert gap.why == "its log names only the port; one of the holders may be enough"


@pytest.mark.parametrize("line", ["listen tcp :8080: bind: address already in use", "bind *:8080: address in use"])
def test_a_line_that_names_every_address_is_in_the_way_of_all(line: str) -> None:
    verdict = on_two(line)
    assert verdict.actions[0].label == "stop legacy.service and payments.service, then start api.service"
    assert (verdict.actions[0].recommended, verdict.confidence) == (True, Confidence.HIGH)


def test_only_the_holder_of_a_known_address_is_stopped() -> None:
    verdict = on_two("listen tcp 127.0.0.1:8080: bind: address already in use", "127.0.0.1")
    assert verdict.actions[0].label == "stop legacy.service, then start api.service"
    assert verdict.actions[0].recommended


def test_a_holder_of_two_addresses_is_offered_for_each() -> None:
    verdict = on_two(UNNAMED, "*", replace(OF_PAYMENTS, address="10.0.0.6", inode=4713))
    assert [words for words, _ in offered(verdict)] == [
        "if it wants 127.0.0.1: stop legacy.service, then start api.service",
        "if it wants 10.0.0.5: stop payments.service, then start api.service",
        "if it wants 10.0.0.6: stop payments.service, then start api.service",
        "if it wants every address: stop legacy.service and payments.service, then start api.service",
    ]


def test_who_shares_one_of_two_addresses_is_stopped_for_that_one_too() -> None:
    shared = replace(OF_PAYMENTS, address="127.0.0.1", inode=4713)
    assert offered(on_two(UNNAMED, "*", shared))[:2] == [
        ("if it wants 127.0.0.1: stop legacy.service and payments.service, then start api.service", "127.0.0.1"),
        ("if it wants 10.0.0.5: stop payments.service, then start api.service", "10.0.0.5"),
    ]


def test_who_has_all_addresses_is_in_the_way_of_each() -> None:
    everywhere = replace(OF_PAYMENTS, address="0.0.0.0", inode=4713)
    both = "stop legacy.service and payments.service, then start api.service"
    assert offered(on_two(UNNAMED, "*", everywhere))[0] == (f"if it wants 127.0.0.1: {both}", "127.0.0.1")


def test_where_the_same_are_in_the_way_of_every_address_they_are_stopped() -> None:
    everywhere = [replace(OF_PAYMENTS, address="0.0.0.0", inode=4713), listener("0.0.0.0", inode=4714)]
    verdict = on_two(UNNAMED, "*", *everywhere)
    assert verdict.actions[0].label == "stop legacy.service and payments.service, then start api.service"
    assert verdict.actions[0].recommended


def test_of_an_address_that_somebody_keeps_to_stop_another_is_told_to_be_in_vain() -> None:
    hidden = listener("10.0.0.5", pids=(), inode=4713, unit=None, cgroup=None, process=None, uid=1005)
    words = [words for words, _ in offered(on_two(UNNAMED, "*", hidden))]
    assert words[0] == "if it wants 127.0.0.1: stop legacy.service, then start api.service"
    assert words[1].startswith("if it wants 10.0.0.5: stop payments.service: does not free tcp 8080, ")
