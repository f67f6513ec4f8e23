"""The commands on the demo's fleet: real probes, parsers, verdicts and plans over hosts that are played."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from console.cli import looking, run, wiring
from console.config.model import Config
from console.demo.fleet import demo_fleet
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line on the demo's fleet: exit code, standard output, standard error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("HOSTDECK_CONFIG", raising=False)
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123

    def fleet(config: Config, specs: tuple[HostSpec, ...]) -> Fleet:
        return demo_fleet(wiring.judge(config, specs), interval=0.2, delay=0.0)

    monkeypatch.setattr(looking, "make_fleet", lambda config, specs: nullcontext(fleet(config, specs)))

    def command(*argv: str) -> tuple[int, str, str]:
        code = run(list(argv))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return command


def document(result: tuple[int, str, str], schema: str) -> dict[str, Any]:
    """The JSON of a command, of the schema that is promised."""
    found: dict[str, Any] = json.loads(result[1])
    assert found["schema"] == f"hostdeck.{schema}"
    return found


def test_status_tells_hosts_and_services_and_leaves_out_what_does_not_run(cli: Run) -> None:
    code, out, _ = cli("status", "web-3", "db-1")
    assert code == 1
    assert "web-3  ● up" in out or "web-3  * up" in out
    failed, running = out.index("web-3/systemd:api.service "), out.index("web-3/systemd:nginx.service ")
    assert failed < running


def test_each_incident_of_the_demo_names_its_way_out(cli: Run) -> None:
    waiting = document(cli("status", "db-1", "--json"), "status/1")["findings"]
    ways = [way["commands"] for finding in waiting if finding["code"] == "io-wait" for way in finding["actions"]]
    assert ways == [["systemctl stop pg-backup.service"]]
    billing = document(cli("status", "queue-1", "--json"), "status/1")["findings"][0]
    start = billing["actions"][0]["commands"]
    assert start == ["systemctl reset-failed billing.service", "systemctl start billing.service"]


def test_status_as_json(cli: Run) -> None:
    found = document(cli("status", "web-3", "--json"), "status/1")
    assert [host["host"] for host in found["hosts"]] == ["web-3"]
    assert found["hosts"][0]["cpu"]["iowait"] >= 0
    by_name = {service["name"]: service for service in found["services"]}
    assert by_name["api.service"]["state"] == "failed"
    assert by_name["legacy-api.service"]["ports"] == ["tcp/127.0.0.1:8080"]


def test_status_of_one_service(cli: Run) -> None:
    found = document(cli("status", "web-3/nginx", "--json"), "status/1")
    assert [service["ref"] for service in found["services"]] == ["web-3/systemd:nginx.service"]
    code, _, err = cli("status", "web-3/ngnix")
    assert (code, err) == (2, "hostdeck: no service 'ngnix' on web-3; near it: web-3/systemd:nginx.service\n")


def test_ports_have_owners(cli: Run) -> None:
    _, out, _ = cli("ports", "web-3")
    line = next(line for line in out.splitlines() if "8080" in line and "tcp" in line and "127.0.0.1" in line)
    assert "systemd:legacy-api.service" in line
    found = document(cli("ports", "web-3", "--json"), "ports/1")
    owner = next(listener for listener in found["listeners"] if listener["port"] == 8080)
    assert (owner["service"], owner["process"], owner["confidence"]) == ("legacy-api.service", "node", "high")


@pytest.mark.parametrize("target", ["web-3/api", "web-3:8080", "web-3/systemd:api.service"])
def test_why_names_the_holder_and_the_way_out(cli: Run, target: str) -> None:
    result = cli("why", target, "--json")
    found = document(result, "why/1")
    assert result[0] == 1
    assert found["verdict"] == "held"
    assert found["service"] == "web-3/systemd:api.service"
    assert found["holders"][0]["service"] == "legacy-api.service"
    assert found["actions"][0]["recommended"]
    assert "systemctl stop legacy-api.service" in found["actions"][0]["commands"]


def test_why_a_free_port_ends_well(cli: Run) -> None:
    code, out, _ = cli("why", "web-3:9999")
    assert code == 0
    assert "FREE" in out


def test_why_a_service_that_has_its_port_ends_well(cli: Run) -> None:
    code, out, _ = cli("why", "web-3/nginx")
    assert (code, "FINE     nginx.service has its port" in out, "RESPAWN" in out) == (0, True, False), out


def test_why_as_a_report(cli: Run) -> None:
    _, out, _ = cli("why", "web-3/api", "--markdown")
    assert out.startswith("**web-3**: `held`")


def test_logs(cli: Run) -> None:
    code, out, _ = cli("logs", "web-3/api", "-n", "2", "--grep", "address already", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(lines) == 2
    assert all(line["level"] == "error" and line["service"] == "api.service" for line in lines)
    code, out, err = cli("logs", "web-3/api", "--grep", "no such text")
    assert (code, out) == (0, "")
    assert "no lines of web-3/systemd:api.service that fit" in err


def test_a_dry_run_shows_the_plan_and_does_nothing(cli: Run) -> None:
    code, out, _ = cli("restart", "web-3/api", "--dry-run")
    assert code == 0
    assert "systemctl restart api.service" in out
    found = document(cli("restart", "web-3/api", "--dry-run", "--json"), "plan/1")
    assert found["dry_run"]
    assert found["result"] is None
    assert {step["state"] for step in found["steps"]} == {"pending"}


def test_a_plan_runs_to_its_end_and_tells_each_step(cli: Run) -> None:
    code, out, _ = cli("free-port", "web-3/api", "--yes")
    assert code == 0
    assert "start api.service" in out
    found = document(cli("stop", "web-3/legacy-api", "--yes", "--json", "--reason", "incident 4711"), "plan/1")
    assert (found["result"], found["operator_reason"]) == ("done", "incident 4711")


def test_the_undo_is_shown_in_the_order_in_which_it_runs(cli: Run) -> None:
    _, out, _ = cli("free-port", "web-3/api", "--dry-run")
    undo = next(line for line in out.splitlines() if "if not  " in line)
    assert undo.index("stop api.service") < undo.index("start legacy-api.service")


def test_a_warning_is_told_without_a_question_too_and_a_failure_names_the_next_step(cli: Run) -> None:
    _, planned, _ = cli("restart", "web-3/api", "--dry-run")
    warning = "tcp 8080 is held by legacy-api.service: free the port first"
    assert warning in planned
    code, out, _ = cli("restart", "web-3/api", "--yes")
    assert code == 1
    assert warning in out
    assert out.rstrip().endswith("next  hostdeck why web-3/api")


def test_why_does_not_recommend_what_may_not_be_done(cli: Run) -> None:
    code, out, _ = cli("--read-only", "why", "web-3/api")
    assert (code, "1 off: web-3 is read-only" in out) == (1, True)
    found = document(cli("--read-only", "why", "web-3/api", "--json"), "why/1")
    assert found["actions"][0]["reason_off"].startswith("web-3 is read-only")


def test_what_makes_no_sense_is_refused_with_its_reason(cli: Run) -> None:
    code, out, err = cli("reset-failed", "web-3/nginx", "--yes")
    assert (code, out) == (1, "")
    assert err.startswith("hostdeck: refused: reset-failed of web-3/systemd:nginx.service: ")
    found = document(cli("reset-failed", "web-3/nginx", "--yes", "--json"), "plan/1")
    assert found["result"] == "refused"
    assert found["reason"]


def test_nothing_is_changed_read_only(cli: Run) -> None:
    code, out, err = cli("--read-only", "restart", "web-3/api", "--yes")
    assert (code, out) == (1, "")
    assert "web-3 is read-only" in err


def test_audit_of_nothing(cli: Run, tmp_path: Path) -> None:
    code, out, _ = cli("audit")
    path = f"{tmp_path}/state/hostdeck/audit.jsonl"
    assert (code, out) == (0, f"nothing was done from here yet: {path} has no plan\n")
    assert document(cli("audit", "--json"), "audit/1")["plans"] == []


def test_declared_ports_and_groups_of_the_configuration_count(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[[hosts]]\nname = "web-3"\ngroups = ["web"]\n[groups.web]\n'
        '[[services]]\nname = "nginx"\ngroups = ["web"]\nports = [80, 8443]\n'
    )
    found = document(cli("status", "--config", str(path), "web", "--json"), "status/1")
    assert [host["host"] for host in found["hosts"]] == ["web-3"]
    _, out, _ = cli("why", "--config", str(path), "web-3:8443", "--json")
    [claim] = json.loads(out)["declared_by"]
    assert (claim["service"], claim["where"], claim["port"]) == ("nginx.service", f"{path}:8", 8443)


@pytest.mark.parametrize("argv", [("status", "web-1:8080"), ("ports", "web-1:8080"), ("why", "web-1:8080/xyz")])
def test_a_port_where_a_host_is_meant_is_told_at_once(cli: Run, argv: tuple[str, ...]) -> None:
    code, out, err = cli(*argv)
    assert (code, out) == (2, "")
    assert "web-1:8080 names a port: did you mean hostdeck why web-1:8080 (protocol tcp or udp)?" in err


def test_without_a_configuration_the_way_to_one_can_be_copied(cli: Run, tmp_path: Path) -> None:
    code, _, err = cli("config", "check")
    folder = tmp_path / "config" / "hostdeck"
    assert code == 0
    assert f"(mkdir -p {folder} && hostdeck config example > {folder}/config.toml)" in err


def test_who_reads_json_gets_a_document_also_where_it_never_came_to_a_plan(cli: Run) -> None:
    code, out, err = cli("restart", "web-3/nothing-like-it", "--yes", "--json")
    found = document((code, out, err), "plan/1")
    assert (found["kind"], found["target"], found["result"]) == ("restart", "web-3/nothing-like-it", "refused")
    assert found["reason"] in err
    assert code != 0


def test_what_is_waited_for_is_told_on_a_terminal_and_taken_away(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PATIENCE", 0.0)
    assert "hosts:" not in cli("status", "web-3", "db-1")[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = cli("status", "web-3", "db-1")[2]
    assert "\r\x1b[K2 hosts: web-3 connecting, db-1 connecting, 0 s" in told
    assert told.endswith("\r\x1b[K")
    assert "\r\x1b[Kweb-3: connecting, 0 s" in cli("why", "web-3/api")[2]


def test_of_many_hosts_those_are_named_that_are_waited_for(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PATIENCE", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    names = [spec.name for spec in demo_fleet(wiring.judge(Config(), ())).hosts][:6]
    assert f"6 hosts: 6 connecting; waiting for {', '.join(names[:4])} ..." in cli("status", *names)[2]
