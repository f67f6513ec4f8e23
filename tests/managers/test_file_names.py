"""Files beside the units that are no units: a copy, a note, what an editor leaves."""

import subprocess
from pathlib import Path

import pytest

from console.core.probe import ParseError
from console.managers.systemd_scripts import SHOW_ALL
from console.managers.systemd_show import parse_show

HEAD = "scope system\nup 1000.00\n"


def asked(tmp_path: Path, *names: str) -> str:
    """What the script prints where these unit files are there and systemd has loaded none."""
    units = tmp_path / "units"
    units.mkdir()
    for name in names:
        (units / name).write_text("[Unit]\nDescription=Odd\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x\n")
    own = f"systemctl() {{ :; }}\nset -- {units}/*.service\n"
    script = own + SHOW_ALL.replace("set -- /etc/systemd", 'set -- "$@" /nowhere').replace("/usr/l", "/nowhere/l")
    wrapped = f'{own}probe() {{\n{script}\n}}\nprobe "$@"\n'
    done = subprocess.run(["sh", "-c", wrapped], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="the script reads /proc")
def test_a_copy_of_a_unit_file_is_no_unit(tmp_path: Path) -> None:
    names = ("api.service", "api (copy).service", "caf\u00e9.service", "a;touch x.service", "z\nId=y.service")
    told = asked(tmp_path, *names)
    assert [line for line in told.split("\n") if line.startswith("Id=")] == ["Id=api.service"]
    assert [service.ref.name for service in parse_show(told.rstrip("\n"))] == ["api.service"]


def test_one_bad_block_does_not_hide_the_others() -> None:
    good = "Id=api.service\nUnitFileState=enabled\nActiveState=active"
    bad = "Id=api (copy).service\nActiveState=inactive"
    for body in (f"{good}\n\n{bad}", f"{bad}\n\n{good}", f"X=1\n\n{good}"):
        assert [service.ref.name for service in parse_show(HEAD + body)] == ["api.service"]


def test_an_answer_without_any_unit_is_refused() -> None:
    with pytest.raises(ParseError, match="api"):
        parse_show(HEAD + "Id=api (copy).service\nActiveState=inactive")
