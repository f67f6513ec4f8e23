"""The lab itself: a host boots, lets us in, and is what it claims to be."""

from __future__ import annotations

import subprocess

import asyncssh
import pytest

from tests.lab import CommandError, Fleet, FreshHost, Lab, LabError


@pytest.mark.parametrize("user", ["root", "oncall", "nosudo"])
async def test_asyncssh_gets_in_with_the_config_file(lab: Lab, fleet: Fleet, user: str) -> None:
    assert fleet["web1"].name == "web1"
    async with asyncssh.connect("web1", config=[str(lab.ssh_config(user))]) as connection:
        done = await connection.run("id -un; hostname", check=True)
    assert done.stdout == f"{user}\nweb1\n"


def test_openssh_gets_in_with_the_config_file(lab: Lab, fleet: Fleet) -> None:
    argv = ["ssh", "-F", str(lab.ssh_config("oncall")), fleet["web1"].name, "id -un"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "oncall\n"


def test_system_is_running_and_nothing_failed(fleet: Fleet) -> None:
    assert fleet["web1"].sh("systemctl is-system-running; systemctl --failed --no-legend") == "running\n"


def test_hosts_see_one_another_and_not_the_world(fleet: Fleet) -> None:
    web1, web2 = fleet["web1"], fleet["web2"]
    web1.sh(f"timeout 5 bash -c 'head -c 4 </dev/tcp/{web2.address}/22' | grep -q SSH-")
    assert "unreachable" in web1.run(["bash", "-c", "</dev/tcp/198.51.100.1/22"], check=False).stderr


def test_a_host_has_control_groups_of_its_own(fleet: Fleet) -> None:
    web1, web2 = fleet["web1"], fleet["web2"]
    unit = "[Service]\nExecStart=/bin/sleep 300\n"
    web1.unit("same.service", unit)
    web2.unit("same.service", unit)
    web1.run(["systemctl", "kill", "--signal=KILL", "same.service"])
    web1.wait("! systemctl is-active same.service")
    web2.run(["systemctl", "is-active", "same.service"])
    web2.run(["systemctl", "stop", "same.service"])


def test_run_keeps_argv_status_output_and_input_apart(fleet: Fleet) -> None:
    web1 = fleet["web1"]
    assert web1.run(["printf", "%s|", "a b", "$(id)", "'"]).stdout == "a b|$(id)|'|"
    assert web1.run(["cat"], stdin="über\n").stdout == "über\n"
    done = web1.run(["sh", "-c", "echo no >&2; exit 3"], check=False)
    assert (done.returncode, done.stderr) == (3, "no\n")
    with pytest.raises(CommandError, match="exit 3: no"):
        web1.run(["sh", "-c", "echo no >&2; exit 3"])
    with pytest.raises(subprocess.TimeoutExpired):
        web1.run(["sleep", "60"], timeout=0.2)
    assert web1.run(["id", "-un"], user="oncall").stdout == "oncall\n"


def test_write_sets_mode_and_owner(fleet: Fleet) -> None:
    web1 = fleet["web1"]
    web1.write("/tmp/lab/file", "text\n", mode=0o640, owner="deploy:adm")
    assert web1.sh("stat -c '%a %U:%G' /tmp/lab/file") == "640 deploy:adm\n"
    assert web1.read("/tmp/lab/file") == "text\n"


def test_reboot_keeps_the_disk_and_changes_the_boot_id(fresh_host: FreshHost) -> None:
    host = fresh_host()
    before = host.boot_id()
    host.write("/var/tmp/kept", "yes\n")
    host.reboot()
    assert host.boot_id() != before
    assert host.read("/var/tmp/kept") == "yes\n"


def test_a_name_is_free_again_after_its_host_was_stopped(lab: Lab) -> None:
    first = lab.boot("twice")
    with pytest.raises(LabError, match="already has a host twice"):
        lab.boot("twice")
    lab.stop(first)
    second = lab.boot("twice")
    assert second.sh("hostname") == "twice\n"
    lab.stop(second)


def test_powered_off_is_noticed(fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.run(["systemctl", "poweroff"], check=False)
    assert host.container.wait_ended(20)
    with pytest.raises(LabError, match="not running"):
        host.sh("true")
