"""Holders beside the usual ones: connections without a listener, a user's own units, a deaf process with a pid file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.core.plan import ActionKind, Result
from console.diagnosis import VerdictWord
from tests.lab import FreshHost, Host, Lab
from tests.lab.cases import install
from tests.lab.host import SERVICE

from .acting import act, kill
from .real import why

HELD = "ss -Hltn 'sport = :8080' | grep -q ."


@pytest.fixture(autouse=True)
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit trail of this test alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize(("case", "word"), [("12left", VerdictWord.LINGERING), ("14", VerdictWord.BOUND_NOT_LISTENING)])
def test_who_keeps_the_port_without_listening_is_stopped_and_its_end_awaited(
    lab: Lab, fresh_host: FreshHost, case: str, word: VerdictWord
) -> None:
    host = fresh_host()
    install(host, case)
    acted = act(lab, host, "/api")
    assert acted.verdict.verdict is word
    assert acted.last.preflight[0].output.startswith(("tcp 8080 is kept by", "legacy.service has its socket"))
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert acted.last.steps[1].name.startswith("see no connection left at tcp 8080")
    assert acted.last.steps[1].output == "no connection is left at tcp 8080"
    assert "tcp 8080 held by api.service" in acted.last.proof
    assert acted.audit.result == "done"


def test_all_who_have_a_port_of_a_service_that_wants_two_are_stopped(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, "1two")
    acted = act(lab, host, "/nginx")
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert {"tcp 8080 held by nginx.service", "tcp 8080 released by legacy.service"} <= set(acted.last.proof)
    assert host.sh("ss -Hltn 'sport = :8080 or sport = :8443' | wc -l").strip() == "2"
    assert host.sh("systemctl is-active nginx legacy other || true").split() == ["active", "inactive", "inactive"]
    assert [step.name for step in acted.plan.steps if step.name.startswith("st")] == [
        "stop other.service",
        "stop legacy.service",
        "start nginx.service",
    ]


LEFT = """\
import os, socket, time
one = socket.socket()
one.bind(("0.0.0.0", 8080))
one.listen()
client = socket.create_connection(("127.0.0.1", 8080))
other, _ = one.accept()
one.close()
while not os.path.exists("/tmp/close"):
    time.sleep(0.1)
# Without TIME-WAIT.
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1" + bytes(3) + bytes(4))
client.close()
other.close()
time.sleep(1e6)
"""


def test_who_has_let_go_meanwhile_is_not_stopped(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/usr/local/lib/lab/left.py", LEFT)
    host.unit("legacy.service", "[Service]\nExecStart=/usr/bin/python3 /usr/local/lib/lab/left.py\n")
    host.wait("ss -Htan state established 'sport = :8080' | grep -q .")
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)

    @contextmanager
    def let_go(at: Host) -> Iterator[None]:
        at.sh("touch /tmp/close")
        at.wait("! ss -Htan 'sport = :8080' | grep -q .")
        yield

    acted = act(lab, host, "/api", meanwhile=let_go)
    assert acted.verdict.verdict is VerdictWord.LINGERING
    assert acted.last.result in (Result.REFUSED, Result.FAILED)
    assert acted.last.preflight[0].output == "legacy.service does not keep tcp 8080 any more: nothing was changed"
    assert host.sh("systemctl is-active legacy.service").strip() == "active"


def own_unit(host: Host, user: str) -> None:
    """A unit of a user's own manager that holds the port for which api.service fails."""
    host.write("/usr/local/lib/lab/hold.py", (SERVICE / "hold.py").read_text(encoding="utf-8"), mode=0o755)
    host.sh(f"loginctl enable-linger {user}")
    command = "/usr/bin/python3 /usr/local/lib/lab/hold.py listen 0.0.0.0 8080"
    home = f"/home/{user}/.config/systemd/user"
    host.sh(f"install -d -o {user} -g {user} /home/{user}/.config /home/{user}/.config/systemd {home}")
    host.write(f"{home}/mine.service", f"[Service]\nExecStart={command}\n", owner=f"{user}:{user}")
    uid = host.sh(f"id -u {user}").strip()
    host.wait(f"test -S /run/user/{uid}/systemd/private")
    host.sh(f"XDG_RUNTIME_DIR=/run/user/{uid} systemctl --user start mine.service", user=user)
    host.wait(HELD)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)


def test_a_unit_of_a_users_own_manager_is_stopped_by_root_through_that_manager(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    own_unit(host, "nosudo")
    acted = act(lab, host, "/api")
    assert str(acted.verdict.holders[0].ref) == f"{host.name}/systemd@nosudo:mine.service"
    uid = host.sh("id -u nosudo").strip()
    become = f"runuser -u nosudo -- env XDG_RUNTIME_DIR=/run/user/{uid}"
    assert acted.plan.commands[0] == f"{become} systemctl --user stop mine.service"
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert {"tcp 8080 held by api.service", "tcp 8080 released by mine.service"} <= set(acted.last.proof)
    state = f"XDG_RUNTIME_DIR=/run/user/{uid} systemctl --user is-active mine.service || true"
    assert host.sh(state, user="nosudo").strip() == "inactive"


def test_another_user_is_told_who_could_stop_it(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    own_unit(host, "nosudo")
    [verdict] = why(lab, host, ["/api"], "oncall")
    first = verdict.actions[0]
    assert (first.label, first.intents) == ("stop mine.service", ())
    assert first.reason_off == "by hand: it belongs to nosudo's own service manager: connect as nosudo, or as root"


def test_a_process_with_a_pid_file_that_ignores_sigterm_is_killed_afterwards(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 37."""
    host = fresh_host()
    host.write(
        "/srv/deaf.py",
        "import signal, socket, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "held = socket.create_server(('', 8080))\ntime.sleep(9999)\n",
    )
    host.run(["install", "-d", "-o", "deploy", "/run/deaf"])
    host.sh("nohup python3 /srv/deaf.py >/dev/null 2>&1 & echo $! >/run/deaf/deaf.pid", user="deploy")
    host.wait(HELD)
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    acted = act(lab, host, "/api")
    assert acted.last.result is Result.FAILED, acted.last
    assert "ignores SIGTERM: it still runs 10 s after SIGTERM; it was not killed" in (acted.last.reason or "")
    offer = acted.last.offer
    assert offer is not None
    assert (offer.kind, offer.target.manager) == (ActionKind.KILL, "process")
    last = kill(lab, host, offer)
    assert (last.result, last.reason) == (Result.DONE, None), last
    assert "tcp 8080 held by api.service" in last.proof
