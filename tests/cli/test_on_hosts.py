"""The commands as a person or a script runs them, on real hosts, as three users with different rights."""

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import console_process
from tests.lab import Fleet, FreshHost, Lab
from tests.lab.fleet import port_conflict


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self, schema: str) -> dict[str, Any]:
        """Its document, of the schema that is promised."""
        found: dict[str, Any] = json.loads(self.out)
        assert found["schema"] == f"hostdeck.{schema}"
        return found


Hostdeck = Callable[..., Done]


@pytest.fixture
def hostdeck(lab: Lab, tmp_path: Path) -> Hostdeck:
    """Run ``hostdeck`` in a process of its own, with a home of its own, as a user of the lab's hosts."""

    def command(user: str, *argv: str) -> Done:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "HOSTDECK_SSH_CONFIG": str(lab.ssh_config(user)),
        }
        done = console_process.run(argv, env, timeout=90)
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return command


def test_the_main_job_from_a_script(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    """A service is down because another one holds its port: seen, explained, mended, proven and written down."""
    host = fresh_host("web1")
    port_conflict(host)

    status = hostdeck("root", "status", host.name, "--json")
    assert status.code == 1
    finding = next(found for found in status.json("status/1")["findings"] if found["code"] == "port-held")
    assert finding["subject"] == "web1/systemd:api.service"

    for user, sure in (("root", "high"), ("oncall", "medium")):
        why = hostdeck(user, "why", "web1/api", "--json")
        verdict = why.json("why/1")
        assert why.code == 1
        assert (verdict["verdict"], verdict["port"], verdict["symptom"]["errno"]) == ("held", 8080, "EADDRINUSE")
        assert (verdict["holders"][0]["service"], verdict["holders"][0]["confidence"]) == ("legacy.service", sure)
        assert verdict["actions"][0]["commands"][0] == "systemctl stop legacy.service"

    refused = hostdeck("oncall", "stop", "web1/legacy", "--yes", "--json")
    assert refused.code == 1
    assert refused.json("plan/1")["result"] == "refused"
    assert "oncall ALL=(root) NOPASSWD: /usr/bin/systemctl stop legacy.service" in refused.json("plan/1")["reason"]

    stop = hostdeck("root", "stop", "web1/legacy", "--yes", "--reason", "incident 4711", "--json")
    assert (stop.code, stop.json("plan/1")["result"]) == (0, "done")
    restart = hostdeck("oncall", "restart", "web1/api", "--yes", "--json")
    assert (restart.code, restart.json("plan/1")["result"]) == (0, "done")
    assert any("listens on tcp 8080" in line for line in restart.json("plan/1")["proof"])

    assert host.sh("systemctl is-active api.service").strip() == "active"
    own = hostdeck("root", "why", "web1/api", "--json").json("why/1")
    assert own["holders"][0]["service"] == "api.service"
    plans = hostdeck("root", "audit", "--json").json("audit/1")["plans"]
    assert [(plan["kind"], plan["result"]) for plan in plans] == [("stop", "done"), ("restart", "done")]
    assert plans[0]["reason"] == "incident 4711"


def test_what_sigterm_did_not_end_is_killed_by_the_line_that_is_printed(
    hostdeck: Hostdeck, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    deaf = (
        "import signal, socket, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "held = socket.create_server(('', 8080)); time.sleep(9999)"
    )
    host.sh(f'setsid systemd-run --scope --quiet python3 -c "{deaf}" </dev/null >/dev/null 2>&1 &')
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    pid = host.sh("ss -Hltnp 'sport = :8080'").split("pid=")[1].split(",")[0]
    host.install_api()
    host.wait("systemctl is-failed --quiet api.service", timeout=30)

    mild = hostdeck("root", "free-port", f"{host.name}/api", "--yes")
    assert mild.code == 1
    [printed] = re.findall(r"^ *or +(hostdeck kill .*)$", mild.out, re.MULTILINE)
    words = shlex.split(printed)[1:]
    assert words[1] == f"{host.name}/process:{pid}"
    assert "that is SIGKILL: SIGTERM was in vain" in mild.out

    asked = hostdeck("root", *words)
    assert (asked.code, "give --yes" in asked.err) == (2, True)
    shown = hostdeck("root", *words, "--dry-run")
    assert (shown.code, f"kill -KILL {pid}" in shown.out) == (0, True)
    status = hostdeck("root", "status", words[1], "--json").json("status/1")
    assert [(one["manager"], one["ports"]) for one in status["services"]] == [("process", ["tcp/0.0.0.0:8080"])]
    why = hostdeck("root", "why", words[1], "--json").json("why/1")
    assert (why["port"], why["holders"][0]["pid"]) == (8080, int(pid))
    done = hostdeck("root", *words, "--yes", "--confirm", pid)
    assert (done.code, "tcp 8080 held by api.service" in done.out) == (0, True), done

    gone = hostdeck("root", "stop", words[1], "--yes")
    assert (gone.code, f"{host.name} has no such process" in gone.err) == (1, True)
    nothing = hostdeck("root", "why", words[1])
    assert (nothing.code, f"there is no process {pid} on {host.name}" in nothing.err) == (2, True)
    portless = hostdeck("root", "why", f"{host.name}/process:1")
    assert (portless.code, "is seen to be held by process 1 (systemd)" in portless.err) == (2, True)


@pytest.mark.parametrize(
    "line", ["Environment=PORT=8080\nExecStart=python3 -m http.server $PORT", "ExecStart=python3 -m http.server 8080"]
)
def test_a_port_that_only_a_file_names_is_freed_without_naming_it(
    hostdeck: Hostdeck, fresh_host: FreshHost, line: str
) -> None:
    host = fresh_host()
    host.sh("systemd-run --unit holder -- socat TCP-LISTEN:8080,fork -")
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")
    host.unit("front.service", f"[Service]\n{line}\n", start=False)
    host.sh("systemctl start front.service")
    host.wait("systemctl is-failed --quiet front.service", timeout=30)

    why = hostdeck("root", "why", f"{host.name}/front", "--json").json("why/1")
    assert why["actions"][0]["commands"][0] == "systemctl stop holder.service"
    done = hostdeck("root", "free-port", f"{host.name}/front", "--dry-run", "--json")
    assert done.code == 0, done
    assert done.json("plan/1")["steps"][0]["command"] == "systemctl stop holder.service"


def test_why_a_program_failed_whose_log_names_no_port(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    dies = 'command=/bin/sh -c "echo no ledger >&2; exit 4"\nstartretries=0\n'
    programs = f'[program:guess]\n{dies}environment=PORT="8080"\n[program:plain]\n{dies}'
    holder = "[program:holder]\ncommand=/usr/bin/socat TCP-LISTEN:8080,fork -\n"
    host.write("/etc/supervisor/conf.d/why.conf", programs + holder)
    host.sh("systemctl start supervisor")
    host.wait("supervisorctl status plain guess | grep -c FATAL | grep -q 2")
    host.wait("ss -Hltn 'sport = :8080' | grep -q .")

    plain = hostdeck("root", "why", f"{host.name}/supervisord:plain", "--json")
    verdict = plain.json("why/1")
    assert (plain.code, verdict["verdict"], verdict["port"]) == (1, "unknown", None)
    assert verdict["failure"] == {"why": "FATAL, exit code 4", "log": ["no ledger"]}
    assert verdict["actions"][0]["commands"] == ["supervisorctl start plain"]

    guess = hostdeck("root", "why", f"{host.name}/supervisord:guess", "--json").json("why/1")
    assert (guess["verdict"], guess["port"], guess["confidence"]) == ("held", 8080, "low")
    assert guess["port_known_by"] == "/etc/supervisor/conf.d/why.conf:4"
    assert guess["holders"][0]["service"] == "holder"
    assert guess["failure"]["log"] == ["no ledger"]
    text = hostdeck("root", "why", f"{host.name}/supervisord:guess").out
    assert "PORT     8080 is named by /etc/supervisor/conf.d/why.conf:4; its log names none" in text

    host.sh("systemctl stop supervisor")
    down = hostdeck("root", "why", f"{host.name}/supervisord:plain", "--json").json("why/1")
    assert "supervisor.service, which runs it, is inactive/dead" in down["summary"]
    assert down["actions"][0]["commands"] == ["systemctl start supervisor.service"]


def test_the_programs_of_a_group_one_after_the_other(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    programs = "[group:shop]\nprograms=cart,pay\n"
    for name, command in (("cart", "/bin/sleep 100000"), ("pay", "/bin/sleep 100001")):
        programs += f"[program:{name}]\ncommand={command}\n"
    host.write("/etc/supervisor/conf.d/shop.conf", programs)
    host.sh("systemctl start supervisor")
    host.wait("supervisorctl status shop:cart shop:pay | grep -c RUNNING | grep -q 2")
    before = host.sh("supervisorctl pid shop:cart; supervisorctl pid shop:pay").split()

    listed = hostdeck("root", "restart", f"{host.name}/supervisord:shop", "--yes")
    assert listed.code == 2
    assert f"{host.name}/supervisord:shop:cart, {host.name}/supervisord:shop:pay: name one, or all" in listed.err
    restarted = hostdeck("root", "restart", f"{host.name}/supervisord:shop:*", "--yes", "--json")
    found = restarted.json("plans/1")
    assert (restarted.code, found["result"]) == (0, "done"), restarted
    assert [plan["target"].rpartition("/")[2] for plan in found["plans"]] == [
        "supervisord:shop:cart",
        "supervisord:shop:pay",
    ]
    after = host.sh("supervisorctl pid shop:cart; supervisorctl pid shop:pay").split()
    assert not set(before) & set(after)
    status = hostdeck("root", "status", f"{host.name}/shop:*", "--json").json("status/1")
    assert [one["name"] for one in status["services"]] == ["shop:cart", "shop:pay"]

    # One that cannot start any more is left failed, and what is named behind it is not touched.
    named = [f"{host.name}/shop:{one}" for one in ("pay", "cart")] + [f"{host.name}/cron.service"]
    dry = hostdeck("root", "restart", *named, "--dry-run", "--json").json("plans/1")
    assert [plan["steps"][-1]["command"] for plan in dry["plans"]] == [
        "supervisorctl restart shop:pay", "supervisorctl restart shop:cart", "systemctl restart cron.service",
    ]  # fmt: skip
    host.sh("mv /bin/sleep /bin/sleep.away")
    try:
        restarted = hostdeck("root", "restart", *named[1:], named[0], "--yes", "--json")
    finally:
        host.sh("mv /bin/sleep.away /bin/sleep; supervisorctl start shop:cart")
    assert restarted.code == 1
    assert [plan["result"] for plan in restarted.json("plans/1")["plans"]] == ["failed", None, None]
    assert host.sh("supervisorctl pid shop:pay").split() == after[1:]

    host.write("/etc/supervisor/conf.d/shop.conf", programs.replace("/bin/sleep 100000", "/bin/false"))
    host.sh("supervisorctl update shop")
    host.wait("supervisorctl status shop:cart | grep -q FATAL")
    started = hostdeck("root", "start", f"{host.name}/shop:*", "--yes")
    assert started.code == 1
    assert f"{host.name}/supervisord:shop:pay is passed over: it runs already" in started.out
    host.wait("supervisorctl status shop:cart | grep -q FATAL")


def test_what_this_login_may_not_do_is_marked_and_names_every_missing_line(
    hostdeck: Hostdeck, fresh_host: FreshHost
) -> None:
    host = fresh_host("web1")
    port_conflict(host)
    off = hostdeck("oncall", "why", "web1/api", "--json").json("why/1")["actions"][0]["reason_off"]
    assert off.startswith("oncall may not run systemctl stop legacy.service")
    assert "1 off: oncall may not run" in hostdeck("oncall", "why", "web1/api").out
    refused = hostdeck("oncall", "free-port", "web1/api", "--yes").err
    for verb in ("stop", "start"):
        assert f"systemctl {verb} legacy.service" in off
        assert f"systemctl {verb} legacy.service" in refused.partition("sudoers needs: ")[2]
    assert hostdeck("root", "why", "web1/api", "--json").json("why/1")["actions"][0]["reason_off"] is None


def test_a_declared_service_that_does_not_run_is_never_quiet(
    hostdeck: Hostdeck, fresh_host: FreshHost, tmp_path: Path
) -> None:
    """A host as installed is quiet; what the configuration declares and the host does not run or have is not."""
    host = fresh_host("web1")
    quiet = hostdeck("root", "status", "web1", "--json").json("status/1")["findings"]
    assert [finding for finding in quiet if finding["severity"] != "info"] == []
    assert len(quiet) <= 3, quiet
    host.install_api()
    host.sh("systemctl stop api.service")
    config = tmp_path / "config.toml"
    config.write_text(
        '[[hosts]]\nname = "web1"\n[[services]]\nname = "api"\nports = [8080]\n[[services]]\nname = "billing"\n'
    )
    told = hostdeck("root", "status", "--config", str(config))
    assert told.code == 1
    assert "All quiet" not in told.out
    assert "web1/systemd:api.service" in told.out
    assert "not running (inactive/dead)" in told.out
    assert "declared, but systemd has no such service" in told.out
    codes = {
        one["code"]
        for one in hostdeck("root", "status", "--config", str(config), "--json").json("status/1")["findings"]
    }
    assert {"service-down", "service-missing"} <= codes


def test_what_a_user_without_rights_sees(hostdeck: Hostdeck, fleet: Fleet) -> None:
    host = fleet["web1"]
    host.install_api(name="seen", port=8099)
    found = hostdeck("nosudo", "ports", "web1", "--json").json("ports/1")
    listener = next(one for one in found["listeners"] if one["port"] == 8099)
    assert (listener["pid"], listener["unit"], listener["user"]) == (None, "seen.service", "deploy")
    assert listener["confidence"] == "medium"
    assert hostdeck("nosudo", "why", "web1:8099", "--json").json("why/1")["verdict"] == "held"
    logs = hostdeck("nosudo", "logs", "web1/seen")
    assert (logs.code, logs.out) == (1, "")
    assert "may not read the system journal: join group systemd-journal" in logs.err


SUPERVISED = """[program:timed]
command=/bin/sh -c "date -d '1 hour ago' '+%%F %%T,0 INFO old'; date '+%%F %%T,0 INFO new'; echo panic >&2; sleep 999"
[program:bare]
command=/bin/sh -c "echo one; echo two; sleep 999"
"""


@pytest.mark.parametrize("user", ["root", "oncall"])
def test_logs_of_programs_by_the_time_that_they_write(hostdeck: Hostdeck, fresh_host: FreshHost, user: str) -> None:
    host = fresh_host("supervised", sudo=("/usr/bin/supervisorctl status", "/usr/bin/supervisorctl tail *"))
    host.write("/etc/supervisor/conf.d/two.conf", SUPERVISED)
    host.sh("systemctl restart supervisor", timeout=30)
    host.wait("grep -q two /var/log/supervisor/bare-stdout*.log && grep -q panic /var/log/supervisor/timed-stderr*")
    done = hostdeck(user, "logs", "supervised/timed", "--since", "15m")
    assert done.code == 0
    assert "INFO new" in done.out
    assert "INFO old" not in done.out
    which = r"/var/log/supervisor/timed-stderr\S+" if user == "root" else r"the log of timed \(stderr\)"
    assert re.search(f"--since cannot be applied to {which}: its lines carry no time; its last line is", done.err)
    assert re.search(r"-{14} .*panic", done.out), "no other file's time is taken for its own"
    done = hostdeck(user, "logs", "supervised/bare", "--since", "15m")
    assert [line.split()[-1] for line in done.out.splitlines()] == ["one", "two"]
    assert "its lines carry no time; its last 2 lines are shown instead" in done.err


def test_logs_of_a_host(hostdeck: Hostdeck, fleet: Fleet) -> None:
    host = fleet["web1"]
    host.sh("systemd-run --unit=talker --collect sh -c 'echo one; echo \"\\033[2Jtwo\"; sleep 1000'")
    done = hostdeck("oncall", "logs", "web1/talker", "--json")
    lines = [json.loads(line)["message"] for line in done.out.splitlines()]
    assert "one" in lines
    assert "\x1b" not in done.out
    host.sh("systemctl stop talker")


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["why", "web1/nosuch"], 2, "no service 'nosuch' on web1"),
        (["why", "nosuch.invalid:80"], 3, "nosuch.invalid cannot be reached: the name nosuch.invalid has no address"),
        (["status", "oncall@web1:2", "--json"], 3, ""),
        (["logs", "web1/ssh", "--file", "/nonexistent"], 1, "No such file or directory"),
        (["restart", "web1/ssh"], 2, "give --yes"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    hostdeck: Hostdeck, fleet: Fleet, argv: list[str], code: int, said: str
) -> None:
    assert fleet["web1"].name == "web1"
    done = hostdeck("oncall", *argv)
    assert done.code == code, done.err
    assert said in done.err
    assert len(done.err.splitlines()) <= 1


def test_doctor_tells_three_users_apart(hostdeck: Hostdeck, fleet: Fleet) -> None:
    assert fleet["web1"].name == "web1"
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for user in ("root", "oncall", "nosudo"):
        done = hostdeck(user, "doctor", "web1", "--json")
        assert done.code == 0, done.out
        checks = done.json("doctor/1")["hosts"][0]["checks"]
        found[user] = {check["what"]: check for check in checks}
    assert found["root"]["rights"]["found"] == "root: everything"
    assert found["oncall"]["rights"]["found"].startswith("sudo -n: /usr/bin/systemctl ")
    assert found["nosudo"]["rights"]["mark"] == "warning"
    assert "NOPASSWD" in found["nosudo"]["rights"]["mend"]
    assert [found[user]["journal"]["mark"] for user in ("root", "oncall", "nosudo")] == ["ok", "ok", "warning"]
    assert {found[user]["channels"]["mark"] for user in found} == {"ok"}


def test_doctor_on_a_host_that_gives_one_channel(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host("narrow", sshd_config="MaxSessions 1")
    done = hostdeck("root", "doctor", host.name, "--json")
    checks = {check["what"]: check for check in done.json("doctor/1")["hosts"][0]["checks"]}
    assert done.code == 0, done.out
    assert checks["channels"]["mark"] == "warning"
    assert "MaxSessions" in checks["channels"]["mend"]
    host.install_api()
    restart = hostdeck("root", "restart", "narrow/api", "--yes", "--json")
    assert (restart.code, restart.err) == (0, "")
    assert hostdeck("root", "logs", "narrow/api", "-n", "1").code == 0


def test_an_unknown_host_is_accepted_by_its_fingerprint_only(
    hostdeck: Hostdeck, lab: Lab, fleet: Fleet, tmp_path: Path
) -> None:
    host = fleet["web1"]
    known = tmp_path / "known_hosts"
    config = str(lab.keys.variant("root", known_hosts=known))
    done = hostdeck("root", "doctor", host.name, "--json", "-F", config)
    reach = done.json("doctor/1")["hosts"][0]["checks"][0]
    assert done.code == 3
    assert "--accept-key SHA256:" in reach["mend"]
    wrong = hostdeck("root", "doctor", host.name, "-F", config, "--accept-key", "SHA256:" + "A" * 43)
    assert (wrong.code, known.exists()) == (2, False)
    fingerprint = host.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert f"web1 shows {fingerprint}, not SHA256:{'A' * 43}: nothing was accepted" in wrong.err
    way = f"hostdeck doctor web1 --accept-key {fingerprint}"
    assert way in hostdeck("root", "status", host.name, "-F", config).out
    assert way in hostdeck("root", "restart", f"{host.name}/api", "--yes", "-F", config).err
    assert fingerprint in reach["found"]
    right = hostdeck("root", "doctor", host.name, "-F", config, "--accept-key", fingerprint)
    assert right.code == 0, right.err
    assert known.read_text().count("\n") == 1
    assert hostdeck("root", "status", host.name, "-F", config).code in {0, 1}
