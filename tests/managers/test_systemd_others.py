"""Units that are neither a service nor a socket."""

from __future__ import annotations

import asyncio

import pytest

from console.core.plan import ActionKind
from console.core.service import Service, ServiceRef, State
from console.findings import evaluate
from console.managers.systemd_others import why_not
from console.managers.systemd_show import parse_show
from console.managers.systemd_watch import TOUCHED
from console.remote.service_book import ServiceBook
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Lab
from tests.remote.watching import watching


@pytest.mark.parametrize("kind", ["mount", "timer", "path", "swap", "device"])
def test_they_are_shown_where_they_failed_and_only_there(kind: str) -> None:
    failed = f"Id=a.{kind}\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
    well = f"Id=b.{kind}\nLoadState=loaded\nActiveState=active\nSubState=active\n"
    [found] = parse_show(f"scope system\nup 900\n{failed}\n{well}")
    assert (found.ref.name, found.state, found.result) == (f"a.{kind}", State.FAILED, "exit-code")


def test_they_can_only_be_brought_up_again() -> None:
    allowed = {kind for kind in ActionKind if why_not("srv.mount", kind) is None}
    assert allowed == {ActionKind.START, ActionKind.RESET_FAILED, ActionKind.DAEMON_RELOAD}
    assert why_not("dev-sdb.device", ActionKind.START) == (
        "dev-sdb.device is a device: the kernel brings it up when it is there"
    )
    assert all(why_not(f"api.{name}", kind) is None for name in ("service", "socket") for kind in ActionKind)


def test_one_that_failed_is_asked_again_whenever_something_changed() -> None:
    book = ServiceBook()
    failed = Service(ServiceRef("h", "systemd", "srv.mount"), State.FAILED, "failed/failed")
    book.sweep([failed, Service(ServiceRef("h", "systemd", "api.service"), State.FAILED, "failed/failed")], 0.0)
    book.watch({TOUCHED: "1"}, 0.0)
    assert book.to_ask(0.0) == ()
    book.watch({TOUCHED: "2"}, 1.0)
    assert book.to_ask(1.0) == (TOUCHED, "srv.mount")
    book.update((TOUCHED, "srv.mount"), [])
    assert [one.ref.name for one in book.services] == ["api.service"]


MOUNT = "[Mount]\nWhat=tmpfs\nWhere=/mnt/data\nType=tmpfs\n"


async def test_a_mount_and_a_path_that_failed_are_findings_until_they_are_well(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config("root")), connect_timeout=4.0)
    host.unit("mnt-data.mount", f"{MOUNT}Options=nonsense=1\n", start=False)
    async with watching(spec) as watched:

        def names() -> set[str]:
            found = evaluate(watched.fleet.snapshot(host.name))
            return {one.service.name for one in found if one.code == "service-failed" and one.service is not None}

        await asyncio.to_thread(host.run, ["systemctl", "start", "mnt-data.mount"], check=False)
        await watched.until(host.name, lambda _: names() == {"mnt-data.mount"}, 15)
        host.unit("mnt-data.mount", MOUNT)
        await watched.until(host.name, lambda _: names() == set(), 15)
