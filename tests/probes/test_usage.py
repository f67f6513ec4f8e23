"""Control groups with memory and disks, which no lab host of this machine has: files as the kernel documents them.

``io.stat`` is the example of Documentation/admin-guide/cgroup-v2.rst; what a lab host tells is among the recorded.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console.core.text import sanitise
from console.core.usage import Reading
from console.probes import usage

IDENT = "4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01"
CPU = "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 0\n"
IO = (
    "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
    "8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n"
)


@pytest.fixture(params=["dash", "bash --posix", "busybox sh"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(tmp_path, request.param.split())


class Host:
    """The files of a host below a folder."""

    def __init__(self, root: Path, shell: list[str]) -> None:
        self.root, self.shell = root, shell
        self.write("proc/uptime", "4711.25 9000.00\n")
        self.write("cgroup/cgroup.controllers", "cpu io memory\n")

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def group(self, path: str, *, memory: str = "22020096\n", io: str = IO) -> None:
        self.write(f"cgroup/{path}/cpu.stat", CPU)
        if memory:
            self.write(f"cgroup/{path}/memory.current", memory)
        if io:
            self.write(f"cgroup/{path}/io.stat", io)

    def ask(self, *args: str) -> tuple[Reading | None, str]:
        script = usage.SCRIPT
        for place in ("/sys/fs/cgroup", "/proc", "/sys/dev"):
            assert place in script
        script = script.replace("/sys/fs/cgroup", f"{self.root}/cgroup").replace("/sys/dev", f"{self.root}/dev")
        script = script.replace('"/proc/$1', f'"{self.root}/proc/$1').replace("</proc/", f"<{self.root}/proc/")
        program = f'f() {{\n{script.strip()}\n}}\nx=$(f "$@") || exit 1\nprintf %s "$x"\n'
        done = subprocess.run(
            [*self.shell, "-c", program, "sh", *args], capture_output=True, text=True, check=False, timeout=20
        )
        return (usage.parse(sanitise(done.stdout)) if done.returncode == 0 else None), done.stderr.strip()


def test_a_unit(host: Host) -> None:
    host.group("system.slice/api.service")
    found, said = host.ask("/system.slice/api.service")
    assert (found, said) == (
        Reading(4711.25, ("/system.slice/api.service",), 2.5, 22020096, 1459200 + 90430464, 314773504 + 299008000), ""
    )  # fmt: skip


def test_a_disk_made_of_others_does_not_count_twice(host: Host) -> None:
    host.group("system.slice/api.service", io=IO + "253:0 rbytes=91889664 wbytes=613781504 rios=1 wios=1\n")
    (host.root / "dev/block/253:0/slaves/sda").mkdir(parents=True)
    (host.root / "dev/block/8:0/slaves").mkdir(parents=True)
    found, _ = host.ask("/system.slice/api.service")
    assert found is not None
    assert (found.read, found.written) == (1459200 + 90430464, 314773504 + 299008000)


def test_what_it_does_not_count_is_unknown_and_a_group_without_any_transfer_has_none(host: Host) -> None:
    host.group("system.slice/api.service", memory="", io="")
    found, _ = host.ask("/system.slice/api.service")
    assert found is not None
    assert (found.cpu, found.memory, found.read, found.written) == (2.5, None, None, None)
    host.write("cgroup/system.slice/api.service/io.stat", "")
    found, _ = host.ask("/system.slice/api.service")
    assert found is not None
    assert (found.read, found.written) == (0, 0)


@pytest.mark.parametrize(
    "path", [f"/system.slice/docker-{IDENT}.scope", f"/docker/{IDENT}", f"/machine.slice/libpod-{IDENT}.scope"]
)
def test_the_processes_of_containers_lead_to_the_whole_of_them(host: Host, path: str) -> None:
    host.write("proc/812/cgroup", f"0::{path}/init.scope\n")
    host.write("proc/813/cgroup", f"12:blkio:/x\n1:name=systemd:/y\n0::{path}b\n")
    host.group(path[1:])
    host.group(f"{path[1:]}b")
    host.group(f"{path[1:]}/init.scope", memory="1\n")
    host.write("proc/814/cgroup", f"0::{path}\n")
    found, said = host.ask("812", "814", "813", "812", "815")
    assert found is not None, said
    assert found.groups == (path, f"{path}b")
    assert (found.cpu, found.memory, found.read) == (5.0, 44040192, 2 * (1459200 + 90430464))


def test_of_several_that_count_different_things_only_what_all_count_is_known(host: Host) -> None:
    host.group("a.service")
    host.group("b.service", memory="", io="")
    found, _ = host.ask("/a.service", "/b.service", "/c.service")
    assert found is not None
    assert (found.cpu, found.memory, found.read) == (5.0, None, None)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("812",), "process 812 is in /system.slice/supervisor.service, which is no container's own"),
        (("814",), "process 814 is in no control group of version 2, which is no container's own"),
        (("813",), "process 813 has ended"),
        (("/gone.service",), "/gone.service is not among the control groups of this host"),
        (("/",), "no control group of its own: /"),
        (("/../../etc",), "no control group of its own: /../../etc"),
        (("8;x",), "neither a control group nor a process: 8;x"),
        ((), "no control group is named"),
    ],
)
def test_why_nothing_is_told(host: Host, args: tuple[str, ...], why: str) -> None:
    host.write("proc/812/cgroup", "0::/system.slice/supervisor.service\n")
    host.write("proc/814/cgroup", "4:memory:/x\n")
    host.group("", memory="1\n")
    assert host.ask(*args) == (None, why)


def test_a_host_with_version_1_only(host: Host) -> None:
    (host.root / "cgroup/cgroup.controllers").unlink()
    assert host.ask("/a.service") == (None, "this host has no control groups of version 2")
