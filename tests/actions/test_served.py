"""What serves on at a port when its service has been stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.actions.served_scripts import NOTE_SERVING, SERVES_NO_MORE, STILL_SERVED
from console.core.plan import ActionKind, Plan
from console.core.service import Service, State
from console.managers import MANAGERS
from tests.actions.hosts import PORT, intent, service, snapshot
from tests.remote.plans import SHELLS

LISTEN = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


@pytest.fixture
def wrapper() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A shell that has started what listens and waits for it, as one without ``exec`` does."""
    code = '"$0" -c "$1" <&3 & echo $!; wait'
    words = ["sh", "-c", f"exec 3<&0; {code}", sys.executable, LISTEN]
    held, given = os.pipe()
    process = subprocess.Popen(words, stdin=held, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process, child
    os.close(given)
    os.close(held)
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
def test_a_child_that_serves_on_is_named(
    tmp_path: Path, words: tuple[str, ...], wrapper: tuple[subprocess.Popen[str], int]
) -> None:
    def looked(text: str, *argv: str) -> tuple[int, str]:
        environment = {**os.environ, "HOSTDECK_PLAN": str(tmp_path)}
        done = subprocess.run(
            [*words, "-c", text, "sh", "key", *argv], env=environment, check=False, capture_output=True, text=True
        )
        return done.returncode, done.stdout.strip()

    process, child = wrapper
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    # One that is not below the main process is none of its own.
    assert looked(NOTE_SERVING, f"t:{port}", "echo", f"MainPID={child + 1}")[0] == 0
    assert looked(SERVES_NO_MORE, "api")[0] == 77
    assert looked(STILL_SERVED, "api")[0] == 1
    assert looked(NOTE_SERVING, f"u:53 t:{port}", "echo", f"MainPID={process.pid}")[0] == 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert looked(SERVES_NO_MORE, "api") == (1, f"process {child}, which api began, still serves tcp {port}")
    assert looked(STILL_SERVED, "api") == (0, "")
    os.kill(child, signal.SIGKILL)
    while Path(f"/proc/{child}/stat").exists() and " Z " not in Path(f"/proc/{child}/stat").read_text():
        pass
    assert looked(SERVES_NO_MORE, "api") == (0, f"tcp {port} released by api")
    assert looked(STILL_SERVED, "api")[0] == 1


def made(found: Service) -> Plan:
    where = snapshot(found)
    return plan(intent(ActionKind.STOP), where, managers=MANAGERS, settings=ActionSettings(), plan_id="20261120-1")


def test_a_stop_looks_for_them_and_starts_nothing_beside_them() -> None:
    found = made(service(ports=(PORT,)))
    assert [check.name for check in found.preflight] == ["note who serves the ports of api.service"]
    assert "nothing of api.service serves on" in [check.name for check in found.checks]
    [step] = found.steps
    assert step.undo is not None
    assert step.undo_unless is not None
    for none in (service(), service(ports=(PORT,), pids=(), state=State.STARTING)):
        bare = made(none)
        assert (bare.preflight, bare.steps[0].undo_unless) == ((), None)
