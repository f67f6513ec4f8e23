import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.service import Endpoint, ServiceRef
from console.diagnosis import (
    Evidence,
    NotChecked,
    Verdict,
    VerdictWord,
    as_json,
    as_markdown,
    as_text,
    diagnose,
    standstill,
    strays,
)
from console.diagnosis.as_text import age_text, columns, cut
from console.diagnosis.holder_words import after_a_kill, owners
from console.diagnosis.respawn import respawn_of
from console.diagnosis.verdict import Holder
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from console.ui.cells import plain
from console.ui.present.verdict import holders as block
from console.ui.present.verdict import verdict_block
from console.ui.widgets.detail import Entry
from tests.ui import scenes

from .factories import failed, hidden, identity, listener, process, ref, snapshot, socket, symptom, unit


def held(address: str = "127.0.0.1", *, root: bool = True, policy: str | None = "always") -> Verdict:
    bound = listener(address)
    made = snapshot(
        services=(failed(), unit("legacy.service", pids=(4112,), restart_policy=policy)),
        listeners=(bound if root else hidden(bound),),
        symptoms=(symptom(),),
        identity=identity(0 if root else 1001),
    )
    evidence = Evidence(made, ref(), sockets=(socket(address="127.0.0.1"),) * 2, limits=PortLimits(), addresses=(),
                        namespaces=Namespaces(), redirects=Redirects(("nft",)))  # fmt: skip
    return diagnose(replace(evidence, processes=(process(cwd="/srv/legacy", ppid=1),)) if root else evidence)


def test_the_block_of_the_specification() -> None:
    assert as_text(held()) == [
        "web1  api.service FAILED  bind 0.0.0.0:8080 -> EADDRINUSE (07:59:40, x5)",
        "HELD BY  python3 pid 4112 user deploy  127.0.0.1:8080  up 6d",
        "WHY      systemd -> legacy.service",
        "CLASH    127.0.0.1 overlaps 0.0.0.0",
        "RESPAWN  yes, systemd Restart=always: killing 4112 will NOT free it",
        "IMPACT   2 live connections",
        "SURE     high (inode + manager + cgroup)",
        "1 stop legacy.service, then start api.service (recommended)",
        "2 let api.service listen on 8081 (no listener seen) (by hand)",
    ]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("on-failure", "only after SIGKILL or a failing exit (systemd Restart=on-failure)"),
        ("on-abnormal", "only after SIGKILL or a crash (systemd Restart=on-abnormal)"),
        ("on-abort", "only after SIGKILL or a crash (systemd Restart=on-abort)"),
        ("on-success", "only after SIGTERM or a clean exit (systemd Restart=on-success)"),
        ("on-watchdog", "none known: it stays down when it is stopped"),
        (None, "none known: it stays down when it is stopped"),
    ],
)
def test_after_a_kill_each_policy_of_systemd_has_its_own_words(policy: str | None, told: str) -> None:
    assert f"RESPAWN  {told}" in as_text(held(policy=policy))


@pytest.mark.parametrize(
    ("manager", "policy", "told"),
    [
        ("supervisord", "on-failure", "after a signal or unexpected exit (supervisord autorestart=unexpected)"),
        ("supervisord", "always", "yes, supervisord autorestart: killing 4112 will NOT free it"),
        ("docker", "on-failure:3", "only after SIGKILL or a failing exit (docker restart=on-failure:3)"),
        ("docker", "unless-stopped", "yes, docker restart=unless-stopped: killing 4112 will NOT free it"),
    ],
)
def test_the_policies_of_other_managers_have_theirs(manager: str, policy: str, told: str) -> None:
    made = unit("legacy", restart_policy=policy, ref=ServiceRef("web1", manager, "legacy"))
    holder = Holder("tcp", "*", 8080, pid=4112, ref=made.ref, respawn=respawn_of(snapshot(), made))
    assert after_a_kill(holder) == told
    assert len(f"RESPAWN  {told}") <= 80


def test_a_service_that_has_its_port_is_told_so_first_and_nothing_of_a_kill() -> None:
    own = listener(pids=(300,), unit="api.service", cgroup="/system.slice/api.service")
    api = unit("api.service", pids=(300,), wants=(Endpoint("tcp", "*", 8080),), restart_policy="always")
    verdict = diagnose(Evidence(snapshot(services=(api,), listeners=(own,)), ref()))
    lines = as_text(verdict)
    assert verdict.fine
    assert lines[1] == "FINE     api.service has its port, tcp 8080: nothing is in its way"
    assert not any(line.startswith("RESPAWN") for line in lines)
    assert (as_json(verdict)["verdict"], as_json(verdict)["fine"]) == ("held", True)


def test_what_was_not_seen_is_in_the_block() -> None:
    text = "\n".join(as_text(held(root=False)))
    assert "HELD BY  hidden process user deploy  127.0.0.1:8080" in text
    assert "NOT CHECKED  process of the holder (needs root" in text


def test_times_are_in_the_zone_of_the_reader() -> None:
    zone = timezone(timedelta(hours=2))
    assert "(09:59:40, x5)" in as_text(held(), zone=zone)[0]


def test_a_verdict_without_holders_says_its_sentence() -> None:
    lines = as_text(
        Verdict("web1", 80, "tcp", VerdictWord.NOT_PERMITTED, "word " * 40, wanted=Endpoint("tcp", "*", 80))
    )
    assert lines[0] == "web1  tcp 80"
    assert lines[1].startswith("NOT-PERMITTED  word word")
    assert lines[2].startswith("         word")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_many_holders_and_long_names_fit(width: int) -> None:
    verdict = held()
    holder = verdict.holders[0]
    long = tuple(replace(holder, process="p" * 300, chain=("systemd", "x" * 300), pid=pid) for pid in range(2, 9))
    gaps = tuple(NotChecked("g" * 60, "w" * 90) for _ in range(5))
    lines = as_text(replace(verdict, holders=long, not_checked=gaps, host="h" * 90), width)
    assert len(lines) <= 14
    assert all(columns(line) <= width for line in lines)
    assert any("and 5 more" in line for line in lines)


@given(st.text(max_size=200), st.integers(1, 100))
def test_a_cut_text_is_one_line_that_fits(text: str, width: int) -> None:
    made = cut(text, width)
    assert columns(made) <= width
    assert len(made.splitlines()) <= 1


def test_wide_characters_take_two_columns() -> None:
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert cut("日本語日本語", 7) == "日本語…"


@pytest.mark.parametrize(("seconds", "text"), [(41.9, "41s"), (61, "1m"), (7300, "2h"), (518_400, "6d")])
def test_ages(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_the_json_object() -> None:
    made = as_json(held())
    json.dumps(made)
    assert made["schema"] == "hostdeck.why/1"
    assert {name: made[name] for name in ("host", "port", "protocol", "verdict", "service", "clash")} == {
        "host": "web1",
        "port": 8080,
        "protocol": "tcp",
        "verdict": "held",
        "service": "web1/systemd:api.service",
        "clash": "127.0.0.1 overlaps 0.0.0.0",
    }
    assert made["symptom"] == {
        "errno": "EADDRINUSE",
        "at": "2027-01-15T07:59:40Z",
        "count": 5,
        "line": "listen tcp 0.0.0.0:8080: bind: address already in use",
    }
    assert made["holders"] == [
        {
            "address": "127.0.0.1",
            "port": 8080,
            "pid": 4112,
            "user": "deploy",
            "process": "python3",
            "command": "/usr/bin/python3 /srv/legacy/api.py",
            "cwd": "/srv/legacy",
            "ppid": 1,
            "pid_file": None,
            "manager": "systemd",
            "service": "legacy.service",
            "unit": "legacy.service",
            "container": None,
            "to": None,
            "label": None,
            "chain": ["systemd", "legacy.service"],
            "since": "2027-01-09T08:00:00Z",
            "connections": 2,
            "respawn": "systemd Restart=always",
            "respawn_when": "after any end",
            "parent": None,
            "again": None,
            "confidence": "high",
            "known_by": ["inode", "manager", "cgroup"],
            "peer": None,
            "note": None,
        }
    ]
    assert made["actions"][0]["id"] == "stop-holder"
    assert made["actions"][0]["recommended"] is True
    assert set(made["actions"][0]) >= {"id", "label", "recommended", "commands"}
    assert made["not_checked"] == made["declared_by"] == []


def test_the_report_is_markdown_that_nothing_remote_can_break() -> None:
    verdict = held()
    nasty = replace(
        verdict,
        host="web1](http://evil) @channel",
        evidence=("```\n# not a heading", "````"),
        not_checked=(NotChecked("<img src=x>", "*"),),
    )
    text = as_markdown(nasty)
    assert "`````text" in text
    assert text.startswith("**web1\\](http://evil) \\@channel**")
    assert "\\<img" in text
    assert "stop legacy.service, then start api.service (recommended)" in text


def test_the_first_action_is_told_to_its_end() -> None:
    verdict = held()
    label = f"stop a-{'very-' * 12}long.service, end node (pid 4112), then start api.service"
    way = replace(verdict.actions[0], label=label)
    lines = as_text(replace(verdict, actions=(way, *verdict.actions[1:])))
    told = " ".join(line.strip() for line in lines)
    assert f"1 {label} (recommended) 2 let api.service" in told
    assert len(lines) <= 14
    assert all(columns(line) <= 80 for line in lines)


def test_each_holder_has_its_own_story() -> None:
    first = held().holders[0]
    second = replace(first, ref=ref("six.service"), chain=("systemd", "six.service"), pid=5, respawn=None)
    both = (first, replace(first, address="::1"), second)
    lines = as_text(replace(held(), holders=both))
    at = lines.index("WHY      systemd -> legacy.service")
    assert lines[at + 1] == "         systemd -> six.service"
    at = lines.index("RESPAWN  yes, systemd Restart=always: killing 4112 will NOT free it (legacy.ser…")
    assert lines[at + 1] == "         none known: it stays down when it is stopped (six.service)"
    drawn = [(line.key, plain(line.value)) for line in block(both)]
    assert [text for key, text in drawn if key in ("WHY", "RESPAWN")] == [
        "systemd -> legacy.service",
        "yes, systemd Restart=always: killing 4112 will NOT free it (legacy.service)",
    ]
    assert ("", "systemd -> six.service") in drawn


@pytest.mark.parametrize(
    "note",
    ["an old master, not nginx.service's", standstill.NOTE, strays.LEFT, "the same program, with another PORT"],
)
@pytest.mark.parametrize("chain", [("systemd", "nginx.service", "nginx"), ("systemd", "pm2-deploy.service", "pm2"), ()])
def test_what_else_there_is_to_know_of_a_holder_is_in_the_text_and_on_the_screen(
    note: str, chain: tuple[str, ...]
) -> None:
    holder = replace(held().holders[0], note=note, chain=chain)
    runs = " -> ".join(chain) or "who started it is not known"
    text = [line[9:] for line in as_text(replace(held(), holders=(holder,)))]
    screen = [plain(line.value) for line in block((holder,))]
    for lines in (text, screen):
        assert f"{runs}: {note}" in lines or lines[lines.index(runs) + 1] == note


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"address": "::"}, "[::]:8080"),
        ({"address": "0.0.0.0", "interface": "eth0"}, "0.0.0.0%eth0:8080"),
        ({"protocol": "udp"}, "udp 127.0.0.1:8080"),
        ({"peer": "10.0.0.9:5432"}, "127.0.0.1:8080 -> 10.0.0.9:5432"),
    ],
)
def test_where_a_holder_is_is_told_alike_in_the_text_and_on_the_screen(changes: dict[str, Any], told: str) -> None:
    holder = replace(held().holders[0], **changes)
    assert f"  {told}  up" in as_text(replace(held(), holders=(holder,)))[1]
    assert f" {told} up" in plain(block((holder,))[0].value)


def test_the_screen_says_that_nobody_told_what_starts_a_holder_again() -> None:
    holder = replace(held().holders[0], told=False, respawn=None)
    assert ("RESPAWN", "not known: its manager did not tell") in [
        (line.key, plain(line.value)) for line in block((holder,))
    ]


def test_a_log_that_was_not_read_is_not_said_to_name_no_port() -> None:
    gap = NotChecked("log of api.service", "oncall may not read the journal")
    verdict = replace(held(), port_known_by="PORT of /etc/api.conf", not_checked=(gap,))
    told = "8080 is named by PORT of /etc/api.conf; its log was not read"
    assert f"PORT     {told}" in as_text(verdict)
    shown = verdict_block(verdict, scenes.CLOCK, lambda _way: None)
    assert Entry("PORT", told) in shown


def test_the_stories_are_told_in_the_order_of_the_holders() -> None:
    first = held().holders[0]
    second = replace(first, address="127.0.0.2", ref=ref("six.service"), chain=("systemd", "six.service"), pid=5)
    found = (first, second, replace(first, address="::1"))
    assert owners(found, 3) == [first, second]
    assert "WHY      systemd -> legacy.service" in as_text(replace(held(), holders=found))


def test_a_hidden_process_is_called_so_on_the_screen_too() -> None:
    hidden_one = Holder("tcp", "0.0.0.0", 8080, user="deploy", unit="session-12181.scope")
    [line, *_] = block((hidden_one,))
    assert plain(line.value).startswith("hidden process")


def bare(**changes: Any) -> Holder:
    """A process that was started by hand, with a pid file."""
    made = Holder("tcp", "0.0.0.0", 8080, pid=68, process="python3", ref=ServiceRef("web1", "pidfile", "legacy"),
                  chain=("pidfile", "legacy"), command="python3 api.py", cwd="/srv/legacy", ppid=1,
                  pid_file="/run/legacy/legacy.pid")  # fmt: skip
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("holder", "line"),
    [
        (bare(), "python3 api.py (in /srv/legacy, pid file /run/legacy/legacy.pid)"),
        (bare(pid_file=None), "python3 api.py (in /srv/legacy, parent pid 1)"),
        (bare(ref=None, pid_file=None, cwd=None), "python3 api.py (parent pid 1)"),
        (bare(ref=None, pid_file=None, command="python3 --password=hunter2", ppid=None),
         "python3 --password=******** (in /srv/legacy)"),
        (bare(command="java " + "x" * 200), "java xxxxxxxxxxxxxx… (in /srv/legacy, pid file /run/legacy/legacy.pid)"),
        (bare(ref=ServiceRef("web1", "systemd", "legacy.service")), None),
        (bare(ref=None, container="shop"), None),
        (bare(command=None), None),
    ],
)  # fmt: skip
def test_of_a_bare_process_it_is_told_what_it_runs_and_where(holder: Holder, line: str | None) -> None:
    told = Verdict("web1", 8080, "tcp", VerdictWord.HELD, "it is held", holders=(holder,))
    text = [one[9:] for one in as_text(told) if one.startswith("RUNS")]
    screen = [plain(one.value) for one in verdict_block(told, scenes.CLOCK, lambda _way: None)
              if isinstance(one, Entry) and one.key == "RUNS"]  # fmt: skip
    assert [one for one in text if len(one) > 80 - 9] == []
    if line is None or "xx" not in line:
        assert text == screen == ([] if line is None else [line])
    else:
        assert "…" in text[0]
        assert text[0].endswith(screen[0].partition("…")[2])


def test_a_working_directory_that_is_not_told_is_not_checked() -> None:
    made = snapshot(listeners=(listener(unit=None, cgroup=None),), identity=identity(1001))
    evidence = Evidence(made, Endpoint("tcp", "*", 8080), processes=(process(ppid=1),), sockets=())
    gap = NotChecked("working directory of the holder", "needs root")
    assert gap in diagnose(evidence).not_checked
    assert gap not in diagnose(replace(evidence, processes=(process(ppid=1, cwd="/srv"),))).not_checked
