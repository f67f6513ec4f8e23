"""``env_file:`` of Compose, as docker-compose reads it, in each awk of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console.probes.declared.env_file import READER
from tests.probes.declared.test_guarded import AWKS

PROGRAM = (
    READER
    + """
function env_file(s, p) { print s " " p }
NR == 1 { env_file_begin(FILENAME) }
{ env_file_line($0) }
"""
)
FILE = """x-common: &common
  env_file: common.env
services:
  web:
    image: x
    env_file: ./web.env  # of the site
    environment:
      env: not.env
  "api":
    env_file:
    - a.env
    - "../b c.env"
    - path: ./c.env
      required: false
    - {path: /etc/d.env, required: true}
    - ${WHERE}/e.env
    ports: ["80:80"]
  db:
    env_file: [one.env, 'two.env']
    build: .
    env_files: no.env
volumes:
  env_file:
"""


@pytest.mark.parametrize("awk", AWKS, ids=lambda words: words[0])
def test_each_file_with_its_service(awk: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yml").write_text(FILE)
    words = [*awk, PROGRAM, str(folder / "compose.yml")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.replace(str(folder), "@").replace(str(tmp_path), "^").splitlines() == [
        " @/common.env", "web @/web.env", "api @/a.env", "api ^/b c.env", "api @/c.env", "api /etc/d.env",
        "db @/one.env", "db @/two.env",
    ]  # fmt: skip
