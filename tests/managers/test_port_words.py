"""Ports in command lines and variables: what is meant for listening, and nothing that names another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.managers.port_words import of_command, of_environment


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("/srv/api --port 8080", "tcp/*:8080 --port 8080"),
        ("/srv/api --port=8080 --workers 4", "tcp/*:8080 --port 8080"),
        ("/srv/api -p 8080", "tcp/*:8080 -p 8080"),
        ("uvicorn main:app --host 0.0.0.0 --port 8000", "tcp/*:8000 --port 8000"),
        ("gunicorn -b 127.0.0.1:8000 app:app", "tcp/127.0.0.1:8000 -b 8000"),
        ("gunicorn --bind=unix:/run/x.sock app:app", ""),
        ("prometheus --web.listen-address=:9090", "tcp/*:9090 --web.listen-address 9090"),
        ("java -Dserver.port=8081 -jar x.jar", "tcp/*:8081 -Dserver.port 8081"),
        ("java -jar x.jar --server.port=8081", "tcp/*:8081 --server.port 8081"),
        ("node server.js :3000", "tcp/*:3000 :3000"),
        ("./manage.py runserver 0.0.0.0:8000", "tcp/0.0.0.0:8000 0.0.0.0:8000"),
        ("./manage.py runserver 8000", "tcp/*:8000 runserver 8000"),
        ("python3 -m http.server 8123", "tcp/*:8123 http.server 8123"),
        ("socat TCP-LISTEN:8090,fork -", "tcp/*:8090 TCP-LISTEN"),
        ("socat UDP4-LISTEN:53,fork -", "udp/*:53 UDP-LISTEN"),
        ("/bin/sh -c 'exec /srv/api --listen [::1]:8080'", "tcp/[::1]:8080 --listen 8080"),
        ("/srv/api --addr localhost:8080", "tcp/127.0.0.1:8080 --addr 8080"),
        ("/srv/api --address tcp://0.0.0.0:8080", "tcp/0.0.0.0:8080 --address 8080"),
        # Of others, of counts, or of nothing.
        ("/srv/api --db-port 5432 --redis localhost:6379", ""),
        ("/srv/api --upstream 10.0.0.7:8080 10.0.0.7:8080", ""),
        ("/srv/worker -p 4", ""),
        ("/srv/api --port", ""),
        ("/srv/api --port 99999", ""),
        ("/srv/api --port 0", ""),
        ("/srv/api --port $PORT", ""),
        ("/srv/api 'unbalanced --port 8080", "tcp/*:8080 --port 8080"),
    ],
)
def test_command_lines(command: str, found: str) -> None:
    hints = of_command(command, "its command")
    told = [f"{hint.endpoint} {hint.where.removesuffix(' of its command')}" for hint in hints]
    assert told == ([found] if found else [])


def test_an_argument_vector_and_one_port_that_is_named_twice() -> None:
    [hint] = of_command(("/srv/api", "--port", "8080", "--http-port=8080"), "its command")
    assert hint.where == "--port 8080 of its command"
    assert len(of_command([f"--port={port}" for port in range(8000, 8010)], "x")) == 4


def test_variables_that_are_commonly_read() -> None:
    told = of_environment({"PORT": "8080", "LISTEN_ADDR": "127.0.0.1:9090", "HTTP_PORT": "x"}, "/etc/x.conf")
    assert [(str(hint.endpoint), hint.where) for hint in told] == [
        ("tcp/*:8080", "PORT of /etc/x.conf"),
        ("tcp/127.0.0.1:9090", "LISTEN_ADDR of /etc/x.conf"),
    ]


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    for hint in of_command(text, "it"):
        assert 1 <= hint.endpoint.port <= 65535
        assert len(hint.where) < 80
