"""The loop of Kubernetes: what a login may not list any more is stale, and not gone."""

from __future__ import annotations

import asyncio
from typing import cast

from console.core.freshness import of_service
from console.core.service import Service, ServiceRef, State
from console.managers.kubernetes import PRESENCE
from console.managers.kubernetes_rights import Seen, Unseen
from console.remote.builder import SnapshotBuilder
from console.remote.loops import LOOPS
from console.remote.shell import Answer, Ask
from console.remote.surveys import Surveys
from console.remote.transport import Transport
from tests.remote.test_surveys import NoHost

API, DB = (
    Service(ServiceRef("", "kubernetes", name), State.RUNNING, "1/1 ready")
    for name in ("shop/deploy/api", "shop/sts/db")
)


async def test_a_workload_of_a_kind_that_is_refused_from_now_on_stays_and_is_stale() -> None:
    answers = [Seen((API, DB)), Seen((API,), Unseen("lab", "shop", (), ("statefulsets.apps",))), Seen((API,))]

    async def ask(asked: Ask) -> Answer:
        return Answer(asked.probe, answers.pop(0))

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
