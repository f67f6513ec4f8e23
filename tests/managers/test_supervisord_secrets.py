"""What supervisor says of a file that is wrong quotes the value, which may be a secret: it stays on the host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from console.managers.supervisord_reader import READER

SECRET = "hunter2%word"
WHERE = " in section 'program:api' (file: '/etc/x.conf')"
TOLD = " in section program:api of /etc/x.conf"


def bad(home: Path, message: str) -> dict[str, object]:
    """What is told of a file of which supervisor's reader says this."""
    (home / "supervisor").mkdir()
    (home / "supervisor/__init__.py").touch()
    (home / "supervisor/options.py").write_text(
        f"class Own(ValueError):\n    def __str__(self): return {message!r}\n"
        "Own.__name__ = 'ValueError'\n"
        "class ServerOptions:\n    def realize(self, args): raise Own(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", READER, "/etc/x.conf", "0"],
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
            f"program:api.environment is badly formatted{TOLD}",
        ),
        (
            "Format string 'A=\" for 'hunter2' is badly formatted: %(hunter2)s' for 'program:api.environment' "
            f"contains names ('hunter2') which cannot be expanded. Available names: here{WHERE}",
            f"program:api.environment contains names that cannot be expanded{TOLD}",
        ),
        (
            f"Unexpected end of key/value pairs in value '{SECRET}'{WHERE}",
            f"ValueError: something in it is not taken{TOLD}",
        ),
        (
            "program section program:api does not specify a command" + WHERE,
            f"program section program:api does not specify a command{TOLD}",
        ),
        (
            f"Source contains parsing errors: '/etc/x.conf'\n\t[line  7]: 'PASS {SECRET}\\n'",
            "it is badly formatted in line 7",
        ),
        (
            f"File contains no section headers.\nfile: '/etc/x.conf', line: 1\n'PASS={SECRET}\\n'",
            "it is badly formatted in line 1",
        ),
    ],
)
def test_a_bad_value_is_not_quoted(tmp_path: Path, message: str, told: str) -> None:
    assert bad(tmp_path, message) == {"bad": told, "broken": True}
