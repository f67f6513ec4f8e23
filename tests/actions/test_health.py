"""What the declared health checks make of a server that answers, and of one that does not."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator

import pytest

from console.actions.health import command_look, url_look
from console.core.command import Command
from console.managers.systemd import SYSTEMD

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with the number in the path."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()
        self.wfile.write(b"no database: @200 \x1b[31m\nsecond line\n" + b"x" * 100_000)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()


def run(look: tuple[str, Command]) -> tuple[int, str]:
    done = subprocess.run(look[1].argv, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout.strip()


def test_what_answers_2xx_is_well_and_what_does_not_tells_its_first_line(server: str) -> None:
    assert run(url_look(f"{server}/a/200", SYSTEMD)) == (0, "/a/200 200")
    assert run(url_look(f"{server}/204", SYSTEMD)) == (0, "/204 204")
    assert run(url_look(f"{server}/503", SYSTEMD)) == (1, "/503 503: no database: @200 \x1b[31m")


def test_nobody_there() -> None:
    code, said = run(url_look("http://127.0.0.1:1/health", SYSTEMD))
    assert (code, said.startswith("/health: curl: (7)")) == (1, True)


def test_a_command_that_ends_with_77_is_not_well() -> None:
    assert run(command_look(("sh", "-c", "exit 77")))[0] == 1
    assert run(command_look(("sh", "-c", "echo fine"))) == (0, "fine")


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "tcp://x", "http://a b/"])
def test_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http, https or tcp URL"):
        url_look(url, SYSTEMD)
