"""The users of a host, and what each may see and do."""

from __future__ import annotations

import time

import asyncssh

from tests.lab import Fleet, FreshHost, Lab


def test_oncall_may_do_what_is_named_and_no_more(fleet: Fleet) -> None:
    web1 = fleet["web1"]
    assert web1.run(["sudo", "-n", "-l", "/usr/bin/systemctl", "restart", "api.service"], user="oncall").stdout
    for refused in (["systemctl", "restart", "ssh.service"], ["id"]):
        assert web1.run(["sudo", "-n", *refused], user="oncall", check=False).returncode != 0


def test_oncall_reads_the_journal_and_nosudo_does_not(fleet: Fleet) -> None:
    web1 = fleet["web1"]
    assert {"adm", "systemd-journal"} <= set(web1.run(["id", "-Gn"], user="oncall").stdout.split())
    assert "Startup finished" in web1.run(["journalctl", "--no-pager", "--boot"], user="oncall").stdout
    refused = web1.run(["journalctl", "--no-pager"], user="nosudo", check=False)
    assert "systemd[1]" not in refused.stdout  # of its own sessions it may see a journal
    assert "insufficient permissions" in refused.stderr or "not seeing messages" in refused.stderr
    assert web1.run(["id", "-Gn"], user="nosudo").stdout == "nosudo\n"
    assert web1.run(["sudo", "-n", "true"], user="nosudo", check=False).returncode != 0


def test_sudo_that_wants_a_password(fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=["/usr/bin/id"])
    host.run(["sudo", "-n", "id"], user="oncall")
    host.sudoers("oncall", ["/usr/bin/id"], password=True)
    done = host.run(["sudo", "-n", "id"], user="oncall", check=False)
    assert done.returncode != 0
    assert "password is required" in done.stderr
    host.sudoers("oncall", [])
    assert "may not run sudo" in host.run(["sudo", "-n", "-l"], user="oncall", check=False).stderr + host.sh(
        "sudo -l -U oncall 2>&1 | sed 's/is not allowed to run sudo/may not run sudo/'"
    )


def test_deploy_has_no_login(fleet: Fleet) -> None:
    assert fleet["web1"].sh("getent passwd deploy").strip().endswith("/usr/sbin/nologin")


async def test_a_noisy_shell_is_noisy_slow_and_german(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.noisy_shell("oncall")
    async with asyncssh.connect(host.name, config=[str(lab.ssh_config("oncall"))]) as connection:
        began = time.monotonic()
        done = await connection.run("ls /missing; locale | head -1")
    assert time.monotonic() - began >= 0.2
    assert str(done.stdout).startswith(f"Welcome to {host.name}!")
    assert "Datei oder Verzeichnis nicht gefunden" in str(done.stderr)
