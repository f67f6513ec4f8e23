"""What supervisor says of a file that is wrong quotes the value, which may be a secret: it stays on the host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from console.managers.supervisord_reader import READER

SECRET = "hunter2%word"
WHERE = " in section 'program:api' (file: 'x.conf')"
TOLD = "x.conf:3: [program:api]"
FILE = f"""; first

[program:api]
command=/srv/api
environment=PASS="{SECRET}" ; its own
startsecs=hunter2
  CONTINUED=hunter2hunter2
[group:shop]
programs=hunter2,pay
[program:-rf weird]
command=/srv/weird
"""


def bad(home: Path, message: str) -> dict[str, object]:
    """What is told of a file of which supervisor's reader says this."""
    (home / "x.conf").write_text(FILE)
    (home / "supervisor").mkdir()
    (home / "supervisor/__init__.py").touch()
    (home / "supervisor/options.py").write_text(
        f"class Own(ValueError):\n    def __str__(self): return {message!r}\n"
        "Own.__name__ = 'ValueError'\n"
        "class ServerOptions:\n    parse_infos = ()\n    def realize(self, args): raise Own(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", READER, "x.conf", "0"],
        cwd=home,
        capture_output=True,
        check=True,
        text=True,
        timeout=20,
        env={"PYTHONPATH": str(home)},
    )
    assert "hunter2" not in done.stdout
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            f"Format string 'PASS=\"{SECRET}\"' for 'program:api.environment' is badly formatted: "
            f"unsupported format character 'w' (0x77) at index 13{WHERE}",
            "x.conf:5: environment of [program:api] is badly formatted",
        ),
        (
            "Format string 'A=\" for 'hunter2' is badly formatted: %(hunter2)s' for 'program:api.environment' "
            f"contains names ('hunter2') which cannot be expanded. Available names: here{WHERE}",
            "x.conf:6: startsecs of [program:api] has names that cannot be expanded",
        ),
        (
            f"invalid literal for int() with base 10: 'hunter2'{WHERE}",
            "x.conf:6: startsecs of [program:api] is not taken",
        ),
        (f"Unexpected end of key/value pairs in value 'hunt{WHERE}", f"{TOLD} is not taken"),
        ("program section program:api does not specify a command" + WHERE, f"{TOLD} does not specify a command"),
        ("Invalid user name hunter2 in section 'program:api' (file: 'gone')", "gone: [program:api] is not taken"),
        ("[group:shop] names unknown program or fcgi-program hunter2", "x.conf:8: [group:shop] is not taken"),
        (
            f"Source contains parsing errors: '/etc/x.conf'\n\t[line  7]: 'PASS {SECRET}\\n'",
            "/etc/x.conf:7: it is badly formatted",
        ),
        (
            f"File contains no section headers.\nfile: '/etc/x.conf', line: 1\n'PASS={SECRET}\\n'",
            "/etc/x.conf:1: it is badly formatted",
        ),
        ("Invalid name: '-rf weird' because of character: ' '", "x.conf:10: the name '-rf weird' is not taken"),
        (f"Invalid something {SECRET}", "ValueError: something in it is not taken"),
    ],
)
def test_a_bad_value_is_not_quoted(tmp_path: Path, message: str, told: str) -> None:
    assert bad(tmp_path, message) == {"bad": told, "broken": True}


GOOD = """
class Config:
    name = "api"
    command = "/srv/api"
    environment = {"PORT": "8080", "BIND": "[::1]:8081", "LISTEN": "hunter2:80", "TOKEN": "hunter2", "DB_PORT": "5432",
                   "ADDR": "/run/hunter2.sock", "HTTP_PORT": "hunter2", "APP_PORT": "8082\\n", "WEB_PORT": "123456"}
class Group:
    name, process_configs = "api", [Config]
class ServerOptions:
    parse_infos, logfile, process_group_configs = (), "/x.log", [Group]
    def realize(self, args): pass
"""


def test_of_the_environment_only_ports_leave_the_host(tmp_path: Path) -> None:
    (tmp_path / "supervisor").mkdir()
    (tmp_path / "supervisor/__init__.py").touch()
    (tmp_path / "supervisor/options.py").write_text(GOOD)
    (tmp_path / "x.conf").write_text("[program:api]\n")
    done = subprocess.run(
        [sys.executable, "-c", READER, "x.conf", "0"],
        capture_output=True,
        check=True,
        text=True,
        timeout=20,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert "hunter2" not in done.stdout
    program = json.loads(done.stdout.splitlines()[-1])
    assert program["places"] == {"PORT": "8080", "BIND": "[::1]:8081"}
