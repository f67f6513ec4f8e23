"""The program of a unit, from lines that systemd 252 printed."""

import pytest

from console.managers.systemd_exec import program_of

_REST = (
    "ignore_errors=no ; start_time=[Fri 2026-11-27 23:56:16 UTC] ; stop_time=[n/a] ; "
    "pid=909 ; code=(null) ; status=0/0 }"
)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (f"{{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D -p 8080 ; {_REST}", "sshd"),
        (f"{{ path=/usr/sbin/sshd ; argv[]=quiet -D ; {_REST}", "sshd"),
        (f"{{ path=/usr/bin/env ; argv[]=/usr/bin/env A=1 /usr/sbin/sshd -D ; {_REST}", "sshd"),
        (f"{{ path=/usr/bin/python3 ; argv[]=/usr/bin/python3 /srv/api/api.py --like sshd ; {_REST}", "python3"),
        ("{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -o", "sshd"),
        ("", None),
        ("sshd", None),
    ],
)
def test_the_program_is_known_and_nothing_else_of_its_words(command: str, name: str | None) -> None:
    assert program_of(command) == name
