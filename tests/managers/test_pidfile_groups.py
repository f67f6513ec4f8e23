"""Which processes are somebody else's, by their control group and by who started them; on a /proc made up for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console.managers.pidfile_scripts import PRESENCE
from tests.probes.asking import SHELLS

FIELDS = "0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"
V1 = "3:cpu:/\n1:name=systemd:{0}\n0::/\n"
V2 = "0::{0}\n"


def process(proc: Path, pid: int, name: str, parent: int, group: str, *, state: str = "S", hierarchy: str = V2) -> None:
    home = proc / str(pid)
    home.mkdir(parents=True)
    (home / "stat").write_text(f"{pid} ({name}) {state} {parent} {FIELDS} {pid * 10} 0 0\n")
    (home / "comm").write_text(f"{name[:15]}\n")
    (home / "cgroup").write_text(hierarchy.format(group))


def shown(tmp_path: Path, shell: str = "sh") -> list[str]:
    """The names of the pid files that are told."""
    script = PRESENCE.replace("/proc/", f"{tmp_path}/proc/").replace("set -- /run/*.pid", f"set -- {tmp_path}/*.pid")
    for place in ("/run/*/*.pid", "/var/lib/*/*.pid", "/opt/*/*.pid", "/srv/*/*.pid", '"${HOME:-/nowhere}"/*.pid'):
        script = script.replace(f" {place}", "", 1)
    script = script.replace("[ -L /var/run ] ||", "true ||")
    words = [*shell.split(), "-c", f"probe() {{\n{script}\n}}\nprobe"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return [line.rpartition("/")[2].removesuffix(".pid") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("hierarchy", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("root", ["", "/lxc/web1", "/docker/0123"], ids=["host", "lxc", "docker"])
def test_control_groups(tmp_path: Path, hierarchy: str, root: str) -> None:
    groups = {
        "session": ("/user.slice/user-990.slice/session-3.scope", True),
        "user": ("/user.slice/user-990.slice/user@990.service/app.slice/run-1.scope", True),
        "own": ("/user.slice/user-990.slice/user@990.service/app.slice/mine.service", False),
        "unit": ("/system.slice/nginx.service", False),
        "below": ("/system.slice/postgresql.service/main", False),
        "scope": ("/system.slice/run-r0123.scope", True),
        "cron": ("/system.slice/cron.service", True),
        "at": ("/system.slice/atd.service", True),
        "ssh": ("/system.slice/ssh.service", True),
        "docker": ("/system.slice/docker-0123.scope", False),
        "plain": ("/docker/4567", False),
        "podman": ("/machine.slice/libpod-0123.scope", False),
        "pod": ("/kubepods.slice/kubepods-pod1.slice/cri-containerd-0123.scope", False),
        "init": ("/init.scope", True),
    }
    process(tmp_path / "proc", 1, "systemd", 0, f"{root}/init.scope", hierarchy=hierarchy)
    for pid, (name, (group, _)) in enumerate(groups.items(), 100):
        process(tmp_path / "proc", pid, f"my-{name}", 1, root + group, hierarchy=hierarchy)
        (tmp_path / f"{name}.pid").write_text(f"{pid}\n")
    assert sorted(shown(tmp_path)) == sorted(name for name, (_, mine) in groups.items() if mine)


@pytest.mark.parametrize("shell", SHELLS)
def test_who_started_it(tmp_path: Path, shell: str) -> None:
    proc = tmp_path / "proc"
    process(proc, 1, "init", 0, "/")
    process(proc, 2, "kthreadd", 0, "/")
    process(proc, 10, "supervisord", 1, "/")
    process(proc, 11, "PM2 v6.0.5: God", 1, "/")
    process(proc, 12, "cron", 1, "/system.slice/cron.service")
    for pid, name, parent in (
        (20, "of-supervisord", 10), (21, "below", 20), (22, "of-pm2", 11), (23, "kernel", 2), (24, "odd) S 1 (x", 1),
        (25, "orphan", 1), (26, "two\nlines", 1),
    ):  # fmt: skip
        process(proc, pid, name, parent, "/")
        (tmp_path / f"p{pid}.pid").write_text(f"{pid}\n")
    process(proc, 27, "zombie", 1, "/", state="Z")
    texts = {"cron": "12", "zombie": "27", "gone": "4000000", "one": "1", "text": "x", "zero": "0", "minus": "-25",
             "long": "99999999999", "empty": "", "blank": " 25 ", "more": "25 26\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.pid").write_text(text)
    (tmp_path / "directory.pid").mkdir()
    assert sorted(shown(tmp_path, shell)) == ["blank", "gone", "more", "p24", "p25", "p26", "zombie"]
