"""Kubernetes: a log that is followed from pod to pod, with a real kubectl and the stand-in for the API server."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.managers.kubernetes import KUBERNETES
from tests.lab.kube import KubeApi
from tests.lab.kube_cluster import Controller
from tests.probes.asking import SHELLS

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="this machine has no kubectl")


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi("127.0.0.1") as made:
        yield made


class Reader:
    """What a followed log prints, as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[LogLine] = []
        self._come: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self._come.put(text.rstrip("\n"))
        self._come.put(None)

    def until(self, enough: Callable[[list[LogLine]], bool], seconds: float = 20.0) -> list[LogLine]:
        """Every line so far, once they are enough."""
        end = time.monotonic() + seconds
        while not enough(self.lines):
            text = self._come.get(timeout=max(0.0, end - time.monotonic()))
            assert text is not None, (self.lines[-3:], self.process.stderr and self.process.stderr.read())
            line = KUBERNETES.log_line(ServiceRef("web1", "kubernetes", "shop/deploy/api"), text)
            if line is not None:
                self.lines.append(line)
        return self.lines

    def end(self) -> tuple[int, str]:
        """How it ended by itself, and why."""
        code = self.process.wait(20)
        assert self.process.stderr is not None
        return code, self.process.stderr.read().strip()


@contextmanager
def following(api: KubeApi, name: str, folder: Path, shell: str = "sh", lines: int = 0) -> Iterator[Reader]:
    (folder / "config").write_text(api.config())
    tool = ("kubectl", "--kubeconfig", str(folder / "config"))
    service = Service(ServiceRef("web1", "kubernetes", f"shop/{name}"), State.RUNNING, "up", tool=tool)
    command = KUBERNETES.log_command(service, lines=lines, since=None, follow=True)
    words = [*shell.split(), *command.argv[1:]]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **pipes, text=True, start_new_session=True) as process:  # type: ignore[call-overload]
        try:
            yield Reader(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def settled(found: Controller) -> set[str]:
    """The names of its pods, once they run."""
    found.reconcile()
    time.sleep(0.8)
    return {pod.name for pod in found.pods if pod.ending is None}


def restart(found: Controller) -> None:
    found.object["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    found.object["metadata"]["generation"] += 1
    found.reconcile()


def pods(lines: list[LogLine]) -> set[str]:
    return {line.source.partition("/")[0] for line in lines}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_pods_that_take_the_place_of_others_are_followed_from_their_first_line(
    api: KubeApi, tmp_path: Path, shell: str
) -> None:
    found = api.add("Deployment", "shop/api", 2)
    old = settled(found)
    with following(api, "deploy/api", tmp_path, shell) as log:
        log.until(lambda lines: pods(lines) == old)
        restart(found)
        told = log.until(lambda lines: len(pods(lines) - old - {"kubectl"}) == 2)
        new = {pod.name for pod in found.pods if pod.ending is None}
        assert pods(told) == old | new
        assert {line.message for line in told} >= {f"starting {name}" for name in new}
        # Each of them once.
        log.until(lambda lines: sum("request 9 served" in line.message for line in lines) >= 2)
        assert len({(line.source, line.at, line.message) for line in log.lines}) == len(log.lines)


def test_as_many_pods_as_there_are_are_followed_and_all_that_take_their_place(api: KubeApi, tmp_path: Path) -> None:
    found = api.add("DaemonSet", "shop/agent", 40)
    old = settled(found)
    with following(api, "ds/agent", tmp_path) as log:
        log.until(lambda lines: pods(lines) == old)
        restart(found)
        time.sleep(0.8)
        new = {pod.name for pod in found.pods if pod.ending is None}
        told = log.until(lambda lines: new <= pods(lines))
        assert {line.message for line in told} >= {f"starting {name}" for name in new}
        # One kubectl for all of them, not one each.
        children = Path(f"/proc/{log.process.pid}/task/{log.process.pid}/children").read_text().split()
        assert len(children) < 5


def test_a_log_whose_service_is_gone_ends_with_the_reason(api: KubeApi, tmp_path: Path) -> None:
    settled(api.add("Deployment", "shop/api", 1))
    with following(api, "deploy/api", tmp_path) as log:
        log.until(bool)
        for pod in api.cluster.workloads["Deployment", "shop", "api"].pods:
            pod.ending = time.time()
        del api.cluster.workloads["Deployment", "shop", "api"]
        assert log.end() == (1, 'Error from server (NotFound): deployments.apps "api" not found')


def test_a_log_that_may_not_be_read_is_asked_for_once(api: KubeApi, tmp_path: Path) -> None:
    settled(api.add("Deployment", "shop/api", 2))
    asked = []

    def may(request: object) -> bool:
        if getattr(request, "subresource", None) != "log":
            return True
        asked.append(request)
        return False

    api.cluster.may["admin"] = may
    with following(api, "deploy/api", tmp_path) as log:
        assert log.end() == (1, "the log of deployment/api cannot be followed")
        assert len(asked) == 2


def test_a_log_that_was_cut_off_goes_on(api: KubeApi, tmp_path: Path) -> None:
    """As by whatever stands before the API server and ends what lasts."""
    [old] = settled(api.add("Deployment", "shop/api", 1))
    with following(api, "deploy/api", tmp_path) as log:
        log.until(lambda lines: len(lines) > 25)
        children = Path(f"/proc/{log.process.pid}/task/{log.process.pid}/children").read_text().split()
        for child in children:
            if b"--follow" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGTERM)
        before = len(log.lines)
        told = log.until(lambda lines: sum(line.message == "request 1 served" for line in lines) == 2)
        assert len(told) > before
        assert pods(told) == {old}
