"""The loop of Kubernetes: what a login may not list any more is stale, and not gone; which ports the cluster gives."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from console.core.freshness import of_service
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Source
from console.managers.kubernetes import PRESENCE
from console.managers.kubernetes_ports import PORTS, ClusterPorts
from console.managers.kubernetes_rights import Seen, Unseen
from console.remote.builder import SnapshotBuilder
from console.remote.loops import LOOPS
from console.remote.shell import Answer, Ask
from console.remote.surveys import Surveys
from console.remote.transport import Transport
from tests.probes.recorded import read
from tests.remote.test_surveys import NoHost

RECORDED = Path(__file__).parent.parent / "managers" / "recorded"

API, DB = (
    Service(ServiceRef("", "kubernetes", name), State.RUNNING, "1/1 ready")
    for name in ("shop/deploy/api", "shop/sts/db")
)


async def test_a_workload_of_a_kind_that_is_refused_from_now_on_stays_and_is_stale() -> None:
    answers = [Seen((API, DB)), Seen((API,), Unseen("lab", "shop", (), ("statefulsets.apps",))), Seen((API,))]

    async def ask(asked: Ask) -> Answer:
        return Answer(asked.probe, ClusterPorts() if asked.probe is PORTS else answers.pop(0))

    async def ask_quick(asked: Ask) -> Answer:
        return Answer(asked.probe, ())

    emitted = asyncio.Event()
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), ask, ask_quick, emitted.set, lambda: 5.0, LOOPS)

    async def again() -> dict[str, bool]:
        emitted.clear()
        surveys.touch()
        await asyncio.wait_for(emitted.wait(), 5.0)
        return {one.ref.name: of_service(builder.snapshot, one).stale for one in builder.snapshot.services}

    try:
        assert surveys.take(Answer(PRESENCE, "config /root/.kube/config"))
        await surveys.told(1.0)
        assert (await again())["shop/sts/db"] is True
        source = builder.snapshot.source("kubernetes")
        assert source is not None
        assert source.failure is not None
        assert source.failure.startswith("context lab may list no stateful sets: ")
        assert not source.troubled
        assert (await again()).keys() == {"shop/deploy/api"}, "one that is not there any more is gone"
        source = builder.snapshot.source("kubernetes")
        assert source is not None
        assert source.failure is None
    finally:
        await surveys.close()


async def test_the_ports_that_a_cluster_gives_away_are_declared_before_its_services_are_told() -> None:
    """Who waits for the services looks at a host only once."""
    told = PORTS.parse(read(RECORDED / "cluster-ports.txt").output)
    partly = PORTS.parse(read(RECORDED / "cluster-ports-viewer.txt").output)
    answers = [
        Answer(PORTS, told),
        Answer(PORTS, failure="the cluster did not answer", hangs=True),
        Answer(PORTS, partly),
    ]
    asked: list[str] = []

    async def ask(one: Ask) -> Answer:
        asked.append(one.probe.name)
        return answers.pop(0) if one.probe is PORTS else Answer(one.probe, Seen((API,)))

    async def ask_quick(one: Ask) -> Answer:
        return Answer(one.probe, ())

    emitted = asyncio.Event()
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), ask, ask_quick, emitted.set, lambda: 5.0, LOOPS)

    async def again() -> Source | None:
        emitted.clear()
        surveys.touch()
        await asyncio.wait_for(emitted.wait(), 5.0)
        return builder.snapshot.source(PORTS.name)

    try:
        assert surveys.take(Answer(PRESENCE, "config /root/.kube/config"))
        await surveys.told(1.0)
        assert asked == ["kubernetes", "cluster_ports"]
        found = builder.snapshot.given
        assert [(one.service, str(one.endpoint), one.where) for one in found] == [
            ("shop/deploy/api", "tcp/*:8080", "hostPort of pod shop/api-0f4f1cb5a-00001"),
            ("shop/deploy/api", "udp/10.77.4.11:5353", "hostPort of pod shop/api-0f4f1cb5a-00001"),
            ("mon/ds/agent", "tcp/*:9100", "hostPort of pod mon/agent-00001"),
            ("service shop/web", "tcp/*:30080", "nodePort of service shop/web (NodePort)"),
            ("service shop/web", "tcp/*:30081", "nodePort of service shop/web (NodePort)"),
        ]
        assert all(one.given and one.manager == "kubernetes" for one in found)
        assert builder.snapshot.source(PORTS.name) == Source(PORTS.name, 5.0)
        source = await again()
        assert source is not None
        assert (source.failure, builder.snapshot.given is found) == ("the cluster did not answer", True)
        source = await again()
        assert source is not None
        assert source.failure is not None
        assert source.failure.startswith("this login may not list pods outside namespace mon and ")
        assert surveys.take(Answer(PRESENCE, ""))
        assert (builder.snapshot.given, builder.snapshot.source(PORTS.name)) == ((), None)
    finally:
        await surveys.close()
