#!/usr/bin/env python3
"""A small web service in the manner of a production one, for the lab. Standard library only.

Environment: PORT, HOST (default 0.0.0.0), LOG_FILE (default: standard output), DRAIN_SECONDS (10),
REUSE_ADDR (0: bind without SO_REUSEADDR, as careless services do).
Signals: HUP re-opens the log, TERM stops accepting, finishes what is in flight and exits with 0.
Paths: /health /version /metrics /slow?ms=N /fail (500) and / (a greeting).
A file `version.json` beside this one (version, commit, built) tells what was released. Its `faults`, a list, make a bad
release of it: "unhealthy" (/health answers 503), "slow" (every answer takes 3 s), "deaf" (ignores TERM), "clings" (HUP
does not re-open the log).
"""

import contextlib
import datetime
import errno
import http.server
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time
import urllib.parse

NAME = os.environ.get("SERVICE_NAME", "api")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REASONS = {
    errno.EADDRINUSE: "address already in use",
    errno.EACCES: "permission denied",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
}
STARTED = time.time()


def release() -> dict:
    """What was built, from which commit, and when."""
    facts = {"version": "1.4.2", "commit": "3f2a9c1", "built": "2026-10-02T09:14:00Z", "faults": []}
    with contextlib.suppress(FileNotFoundError):
        facts.update(json.loads(pathlib.Path(__file__).resolve().with_name("version.json").read_text()))
    return facts


class Log:
    """JSON lines to a file that can be rotated, or to standard output."""

    def __init__(self, path: str, version: str) -> None:
        self.path, self.version = path, version
        self.lock = threading.RLock()  # a signal may arrive while the main thread is writing
        self.out = self.opened()

    def opened(self):
        return pathlib.Path(self.path).open("a", encoding="utf-8") if self.path else sys.stdout

    def reopen(self) -> None:
        with self.lock:
            if self.path:
                self.out.close()
                self.out = self.opened()
        self.write("info", "log re-opened")

    def write(self, level: str, message: str, **fields) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "msg": message, "service": NAME, "version": self.version}
        with self.lock:
            print(json.dumps({**line, "pid": os.getpid(), **fields}), file=self.out, flush=True)


class Metrics:
    """Counters of requests by status, and a histogram of their durations."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: dict = {}
        self.buckets = [0] * len(BUCKETS)
        self.total, self.count, self.in_flight = 0.0, 0, 0

    def enter(self) -> None:
        with self.lock:
            self.in_flight += 1

    def leave(self, method: str, status: int, seconds: float) -> None:
        with self.lock:
            self.in_flight -= 1
            self.requests[method, status] = self.requests.get((method, status), 0) + 1
            self.total += seconds
            self.count += 1
            for index, bound in enumerate(BUCKETS):
                self.buckets[index] += seconds <= bound

    def text(self, facts: dict) -> str:
        with self.lock:
            lines = ["# HELP http_requests_total Requests answered.", "# TYPE http_requests_total counter"]
            for (method, status), count in sorted(self.requests.items()):
                lines.append(f'http_requests_total{{method="{method}",code="{status}"}} {count}')
            lines += ["# HELP http_request_duration_seconds Time to answer.",
                      "# TYPE http_request_duration_seconds histogram"]  # fmt: skip
            for bound, count in zip(BUCKETS, self.buckets, strict=True):
                lines.append(f'http_request_duration_seconds_bucket{{le="{bound}"}} {count}')
            lines += [
                f'http_request_duration_seconds_bucket{{le="+Inf"}} {self.count}',
                f"http_request_duration_seconds_sum {self.total:.6f}",
                f"http_request_duration_seconds_count {self.count}",
                "# HELP http_requests_in_flight Requests being answered now.",
                "# TYPE http_requests_in_flight gauge",
                f"http_requests_in_flight {self.in_flight}",
                "# HELP process_start_time_seconds When the process started.",
                "# TYPE process_start_time_seconds gauge",
                f"process_start_time_seconds {STARTED:.3f}",
                "# HELP build_info What is running.",
                "# TYPE build_info gauge",
                f'build_info{{version="{facts["version"]}",commit="{facts["commit"]}"}} 1',
            ]
        return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        began = time.monotonic()
        self.server.metrics.enter()
        status = 500
        try:
            status, kind, body = self.answer(urllib.parse.urlsplit(self.path))
            self.reply(status, kind, body.encode())
        finally:
            seconds = time.monotonic() - began
            self.server.metrics.leave("GET", status, seconds)
            self.server.log.write(
                "error" if status >= 500 else "info", "request", method="GET", path=self.path, status=status,
                duration_ms=round(seconds * 1000, 2), remote=self.client_address[0],
            )  # fmt: skip

    def answer(self, url) -> tuple:
        facts = self.server.facts
        if "slow" in facts["faults"]:
            time.sleep(3)
        if url.path == "/health":
            ill = self.server.draining or "unhealthy" in facts["faults"]
            healthy = {"status": "draining" if self.server.draining else "failed" if ill else "ok"}
            return (503 if ill else 200), "application/json", json.dumps(healthy) + "\n"
        if url.path == "/version":
            return 200, "application/json", json.dumps({"service": NAME, **facts}) + "\n"
        if url.path == "/metrics":
            return 200, "text/plain; version=0.0.4", self.server.metrics.text(facts)
        if url.path == "/slow":
            time.sleep(int(urllib.parse.parse_qs(url.query).get("ms", ["1000"])[0]) / 1000)
            return 200, "text/plain", "slow\n"
        if url.path == "/fail":
            return 500, "text/plain", "failed, as asked\n"
        if url.path == "/":
            return 200, "text/plain", f"{NAME} {facts['version']}\n"
        return 404, "text/plain", "not found\n"

    def reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.server.draining:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """The JSON log has it."""


class Server(http.server.ThreadingHTTPServer):
    """The listener, with what its handlers need."""

    daemon_threads = True

    def __init__(self, address: tuple, log: Log, facts: dict) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.allow_reuse_address = os.environ.get("REUSE_ADDR", "1") != "0"
        self.log, self.facts, self.metrics, self.draining = log, facts, Metrics(), False
        super().__init__(address, Handler)


def listen(host: str, port: int, log: Log, facts: dict) -> Server:
    """Bind, or say why not: a JSON line in the log, a plain one on standard error, status 1."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return Server((host, port), log, facts)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "unknown")
        reason = REASONS.get(error.errno, (error.strerror or str(error)).lower())
        text = f"listen tcp {place}: bind: {reason}"
        log.write("fatal", text, address=place, errno=error.errno, error=name)
        print(f"{NAME}: {text} (errno {error.errno}, {name})", file=sys.stderr, flush=True)
        sys.exit(1)


def tell_systemd(state: str) -> None:
    """Report a state to the service manager, where it asked for that (Type=notify)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(state.encode(), "\0" + path[1:] if path.startswith("@") else path)


def drain(server: Server, log: Log) -> None:
    """Wait for the requests in flight, but not for ever."""
    end = time.monotonic() + float(os.environ.get("DRAIN_SECONDS", "10"))
    while server.metrics.in_flight and time.monotonic() < end:
        time.sleep(0.02)
    log.write("info", "stopped", unfinished=server.metrics.in_flight)


def main() -> int:
    facts = release()
    if "--version" in sys.argv[1:]:
        print(f"{NAME} {facts['version']} (commit {facts['commit']}, built {facts['built']})")
        return 0
    log = Log(os.environ.get("LOG_FILE", ""), facts["version"])
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    server = listen(host, port, log, facts)

    def stop(*_) -> None:
        server.draining = True
        log.write("info", "draining", in_flight=server.metrics.in_flight)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in facts["faults"] else stop)
    signal.signal(signal.SIGINT, stop)
    clings = "clings" in facts["faults"]
    signal.signal(signal.SIGHUP, lambda *_: log.write("info", "told to re-open the log") if clings else log.reopen())
    log.write("info", "listening", address=f"{host}:{port}", **facts)
    tell_systemd("READY=1")
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    drain(server, log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
