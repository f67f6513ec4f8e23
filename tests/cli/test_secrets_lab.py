"""Secrets that are planted wherever a host has them: none is in what is shown, printed, written down or said."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.e2e.terminal import Terminal
from tests.lab import FreshHost, Host, Lab, releases

__all__ = ["hostdeck"]

SHAPE = "ghp_0123456789abcdefghijABCDEFGHIJ"
PLANTED = ("hunter2", SHAPE)
HOLD = """import socket, time
held = socket.socket()
held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("0.0.0.0", 8080))
held.listen()
time.sleep(9000)
"""
LEAKY = f"""[Service]
WorkingDirectory=/srv/leaky
EnvironmentFile=/srv/leaky/.env
Environment="UNIT_SECRET=hunter2 of the unit"
ExecStart=/bin/sh -c 'echo "password=hunter2-log {SHAPE}"; echo "listen tcp :8080: bind: address already in use \
token=hunter2-log" >&2; exit 1' sh --api-token hunter2-argv
"""


def plant(host: Host) -> None:
    host.write("/srv/hold.py", HOLD)
    host.write("/srv/leaky/.env", f"DB_PASSWORD='hunter2 of the file'\nDEPLOY={SHAPE}\nPORT=8080\n")
    host.sh(f"API_TOKEN=hunter2-env setsid -f python3 /srv/hold.py --api-token hunter2-argv {SHAPE} >/dev/null 2>&1")
    host.wait("ss -Hltn sport = :8080 | grep -q .")
    host.unit("leaky.service", LEAKY, start=False)
    host.sh("systemctl start leaky.service; systemctl enable leaky.service 2>/dev/null || true")
    host.wait("systemctl is-failed leaky.service")


def clean(text: str, where: object) -> None:
    assert not [secret for secret in PLANTED if secret in text], f"{where}:\n{text}"


def test_nothing_that_is_printed_has_a_secret(hostdeck: Hostdeck, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    plant(host)
    name = host.name
    commands = (
        ("status", name), ("ports", name), ("why", f"{name}/leaky"), ("why", f"{name}:8080"), ("env", f"{name}/leaky"),
        ("logs", f"{name}/leaky"), ("doctor", name), ("free-port", f"{name}/leaky", "--dry-run"),
    )  # fmt: skip
    for words in commands:
        for extra in ((), ("--json",)):
            done = hostdeck("root", *words, *extra)
            assert done.out, (words, done.err)
            clean(done.out + done.err, ("root", *words, *extra))
    for user in ("oncall", "nosudo"):
        for words in (("why", f"{name}/leaky", "--json"), ("ports", name, "--json"), commands[-1]):
            done = hostdeck(user, *words)
            assert done.out or done.err
            clean(done.out + done.err, (user, *words))
    for form in ("--evidence", "--markdown"):
        done = hostdeck("root", "why", f"{name}/leaky", form)
        assert "address already in use" in done.out
        clean(done.out + done.err, form)
    findings = hostdeck("nosudo", "status", name, "--json").json("status/1")["findings"]
    [found] = [one for one in findings if one["code"] == "env-readable"]
    assert (found["subject"], found["severity"]) == ("/srv/leaky/.env", "warning")
    assert "it sets DB_PASSWORD, DEPLOY" in found["evidence"]
    assert found["actions"][0]["commands"] == ["chmod 640 /srv/leaky/.env"]

    done = hostdeck("root", "restart", f"{name}/leaky", "--yes", "--reason", "token=hunter2-reason", "--json")
    assert done.code == 1
    clean(done.out + done.err, "restart")
    for extra in ((), ("--json",)):
        done = hostdeck("root", "audit", *extra)
        assert "leaky" in done.out
        clean(done.out + done.err, ("audit", *extra))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("audit" in str(path) for path in written)
    for path in written:
        clean(path.read_text("utf-8", "replace"), path)


def test_no_step_of_a_plan_tells_one(hostdeck: Hostdeck, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    releases.repository(host)
    makefile = host.read("/srv/api/src/Makefile") + f'\t@echo "API_TOKEN=hunter2-step {SHAPE}"; exit 3\n'
    host.write("/srv/api/src/Makefile", makefile, owner="deploy:deploy")
    releases.commit(host, "v1.0.0")
    host.install_api()
    config = tmp_path / "config.toml"
    config.write_text(releases.CONFIG.format(name="api", extra="", port=8080))
    done = hostdeck("root", "--config", str(config), "rebuild", f"{host.name}/api", "--yes", "--json")
    assert done.code == 1
    plan = done.json("plan/1")
    assert any("API_TOKEN=********" in (step["output"] or "") for step in plan["steps"]), plan
    clean(done.out + done.err, "rebuild")
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        clean(path.read_text("utf-8", "replace"), path)


def test_no_screen_has_one(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    plant(host)
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "console", "-F", str(lab.ssh_config("root")), host.name]
    with Terminal(argv, columns=140, lines=48, env=env) as terminal:
        terminal.wait_for(r"leaky\.service +cannot bind", 20)
        terminal.press("e")
        terminal.wait_for("Evidence", 10)
        terminal.press("esc")
        terminal.wait_until_gone("Evidence", 10)
        terminal.press("E")
        terminal.wait_for(r"DB_PASSWORD=\*{8}", 10)
        terminal.press("y", "esc")
        terminal.wait_until_gone(r"DB_PASSWORD=", 10)
        terminal.press("enter")
        terminal.wait_for("HELD BY", 10)
        terminal.press("esc")
        for key, seen in (("2", "leaky"), ("3", "8080"), ("f5", "leaky"), ("f6", host.name)):
            terminal.press({"f5": "\x1b[15~", "f6": "\x1b[17~"}.get(key, key))
            terminal.wait_for(seen, 10)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0
        clean(terminal.raw.decode("utf-8", "replace"), "screen")


def test_a_locked_key_opens_for_a_command_line(
    lab: Lab, hostdeck: Hostdeck, fresh_host: FreshHost, tmp_path: Path
) -> None:
    host = fresh_host()
    key = tmp_path / "locked"
    key.write_bytes(lab.keys.identity.read_bytes())
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "hunter2 key", "-f", str(key)], check=True)
    ssh = tmp_path / "ssh_config"
    ssh.write_text(lab.ssh_config("root").read_text().replace(str(lab.keys.identity), str(key)))
    config = tmp_path / "config.toml"

    def status(table: str) -> tuple[int, str]:
        config.write_text(table)
        done = hostdeck("root", "-F", str(ssh), "--config", str(config), "status", host.name, "--json")
        clean(done.out + done.err, table)
        return done.code, json.dumps(json.loads(done.out)["hosts"]) if done.out else done.err

    code, told = status("")
    assert code == 3
    assert "is locked by a passphrase and in no agent: run ssh-add" in told
    program = json.dumps(["sh", "-c", f"echo {shlex.quote('hunter2 key')}"])
    code, told = status(f"[ssh]\npassword_command = {program}\n")
    assert '"state": "up"' in told
    code, told = status('[ssh]\npassword_command = ["sh", "-c", "echo hunter2; echo hunter2 >&2; exit 4"]\n')
    assert code == 3
    assert "ssh.password_command (sh) ended with exit code 4; what it says is not shown" in told
    code, told = status('[ssh]\npassword_command = ["echo", "hunter2"]\n')
    assert "is locked by another passphrase than the one of ssh.password_command (echo)" in told
