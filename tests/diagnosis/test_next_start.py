"""A port that is free now, and who is in whose way at the next start."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.network import Listener
from console.core.service import Endpoint, Service, ServiceRef, State
from console.diagnosis import Verdict, VerdictWord, as_text, diagnose
from console.probes.namespaces import Namespaces

from .factories import HOST, failed, process, unit
from .test_containers import SPACE
from .test_diagnose import PORT, look

WANTS = (Endpoint("tcp", "0.0.0.0", 8080),)


def shop(**changes: Any) -> Service:
    made = Service(ServiceRef(HOST, "docker", "shop"), State.STOPPED, "created", wants=WANTS, restart_policy="no",
                   members=("shop",))  # fmt: skip
    return replace(made, **changes)


def spare(**changes: Any) -> Service:
    return unit("spare.service", State.STOPPED, **{"enabled": "disabled", "wants": WANTS, **changes})


def of_port(*services: Service) -> Verdict:
    return diagnose(replace(look(services=services, symptoms=()), target=PORT))


def test_two_that_stay_down_until_somebody_starts_them() -> None:
    verdict = of_port(shop(), spare())
    assert verdict.verdict is VerdictWord.FREE
    assert verdict.summary == (
        "tcp 8080 is free now; shop (docker) and spare.service declare it: the one that starts second will fail"
    )
    assert [(one.service, one.where) for one in verdict.declared_by] == [
        ("shop", "container shop, created"),
        ("spare.service", "systemd unit spare.service"),
    ]
    assert any(line.startswith("DECLARED shop (container shop, created)") for line in as_text(verdict))


def test_one_alone() -> None:
    assert of_port(shop()).summary == "tcp 8080 is free now; shop (docker) takes it when it is started"


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        (shop(restart_policy="always"), spare(enabled="enabled"), VerdictWord.DUPLICATE),
        (shop(), spare(enabled="enabled"), VerdictWord.FREE),
        (shop(restart_policy="always"), spare(), VerdictWord.FREE),
        (shop(), spare(enabled=None), VerdictWord.FREE),
    ],
)
def test_two_that_come_up_with_the_host_are_a_mistake_already_now(
    one: Service, other: Service, word: VerdictWord
) -> None:
    assert of_port(one, other).verdict is word


def test_a_service_that_can_be_started_is_told_of_the_other() -> None:
    api = failed(wants=WANTS)
    verdict = diagnose(look(services=(api, shop()), symptoms=()))
    assert verdict.verdict is VerdictWord.FREE
    assert (
        verdict.summary == "tcp 8080 is free: api.service can be started, before shop (docker), which declares it too"
    )
    assert diagnose(look(services=(api,), symptoms=())).summary == "tcp 8080 is free: api.service can be started"


def test_a_free_port_is_no_reason_to_start_what_cannot_run() -> None:
    api = failed(wants=WANTS, exit_code=203)
    verdict = diagnose(look(services=(api, shop()), symptoms=()))
    assert verdict.verdict is VerdictWord.FREE
    assert verdict.summary == "tcp 8080 is free: the port is not why api.service is failed"
    assert [way.recommended for way in verdict.actions] == [False]


def test_a_port_that_is_only_taken_inside_a_network_of_its_own_is_no_reason_either() -> None:
    inside = replace(SPACE, listeners=(Listener("tcp", "::", 8080, inode=2),))
    api = failed(wants=WANTS, exit_code=203)
    verdict = diagnose(look(services=(api,), symptoms=(), namespaces=Namespaces((), (inside,))))
    assert verdict.verdict is VerdictWord.HELD_IN_CONTAINER
    assert verdict.summary.endswith("which is no clash")


def test_what_has_a_network_of_its_own_is_in_nobodys_way() -> None:
    jailed = unit("jailed.service", pids=(9,), enabled="enabled", wants=WANTS)
    space = replace(SPACE, listeners=(Listener("tcp", "::", 8080, inode=2),),
                    processes=(process(9, cgroup="/system.slice/jailed.service"),))  # fmt: skip
    evidence = look(services=(spare(enabled="enabled"), jailed), symptoms=())
    assert diagnose(replace(evidence, target=PORT)).verdict is VerdictWord.DUPLICATE
    verdict = diagnose(replace(evidence, target=PORT, namespaces=Namespaces((), (space,))))
    assert verdict.verdict is VerdictWord.HELD_IN_CONTAINER
    assert [holder.name for holder in verdict.holders] == ["jailed.service"]


def test_of_many_who_listen_inside_networks_of_their_own_three_are_named() -> None:
    spaces = tuple(
        replace(
            SPACE,
            listeners=(Listener("tcp", "::", 8080, pids=(pid,), inode=pid, process="node"),),
            processes=(process(pid, name="node", cgroup="/user.slice"),),
        )
        for pid in range(11, 21)
    )
    verdict = diagnose(replace(look(services=(spare(),), symptoms=()), target=PORT, namespaces=Namespaces((), spaces)))
    assert verdict.verdict is VerdictWord.HELD_IN_CONTAINER
    assert " and 7 more listen on it, inside" in verdict.summary
