"""One program that two services run, and programs of a manager that may not be asked."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Secret
from console.core.environment import Origin, Raw, Told
from console.core.launch import Launch
from console.core.network import Listener, Process
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Source
from console.diagnosis import Confidence, Evidence, Verdict, VerdictWord, as_json, as_text, diagnose, needed
from console.diagnosis.boots import at_boot
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects

from .factories import HOST, failed, hidden, identity, listener, process, ref, snapshot, symptom, unit

UNIT_WORDS = ("unit", "system", "api.service")
PROGRAM_WORDS = ("program", "/etc/supervisor/conf.d/api.conf", "api", "process", "125")
API = ("/usr/bin/python3", "/srv/api/api.py")
MINE = Launch(API, "/")
SUPERVISOR = unit("supervisor.service", pids=(73,), enabled="enabled", restart_policy="on-failure")
HELD: dict[str, Any] = {"unit": "supervisor.service", "cgroup": "/system.slice/supervisor.service", "pids": (125,)}
SAME = Process(125, "python3", user="deploy", command=" ".join(API), age=600.0)
DENIED = "oncall may not use /run/supervisor.sock: sudoers needs ..."


def program(name: str = "api", **changes: Any) -> Service:
    made = Service(
        ServiceRef(HOST, "supervisord", name), State.RUNNING, "RUNNING", pids=(125,), enabled="enabled",
        restart_policy="always", chain=("systemd", "supervisor.service", "supervisord", name), launch=Launch(API, None),
        unit_file="/etc/supervisor/conf.d/api.conf", tool=("supervisorctl",), daemon=73,
    )  # fmt: skip
    return replace(made, **changes)


def given(origin: Origin, failure: str | None = None, **values: str) -> Told:
    """What one source sets."""
    return Told(origin, f"the {origin}", tuple(Raw(name, Secret(value)) for name, value in values.items()), failure)


def variables(mine: Told, *theirs: Told, words: tuple[str, ...] = PROGRAM_WORDS) -> Any:
    return ((UNIT_WORDS, (mine,)), (words, theirs))


ALIKE = variables(given(Origin.UNIT, PORT="8080"), given(Origin.PROGRAM, PORT="8080"), given(Origin.PROCESS, HOME="/"))


def look(*listeners: Listener, services: tuple[Service, ...] = (), **changes: Any) -> Evidence:
    snap = {name: changes.pop(name) for name in tuple(changes) if name in {"identity", "sources"}}
    services = services or (failed(enabled="disabled"), SUPERVISOR, program())
    made = snapshot(services=services, listeners=listeners or (listener(**HELD),), symptoms=(symptom(),))
    evidence = Evidence(
        replace(made, **snap), ref(), processes=(SAME,), sockets=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces(), redirects=Redirects(), launch=MINE,
        environments=ALIKE,
    )  # fmt: skip
    return replace(evidence, **changes)


def ways(verdict: Verdict) -> list[tuple[str, str, bool]]:
    return [(action.id, action.label, action.recommended) for action in verdict.actions]


def test_the_one_that_starts_with_the_host_and_has_the_port_is_kept() -> None:
    verdict = diagnose(look())
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.DUPLICATE, Confidence.HIGH)
    assert verdict.summary == (
        "api.service and api (supervisord) run the same program; keep api (supervisord): it is started at boot and has "
        "the port, up 10m; the other is not enabled"
    )
    assert verdict.keep == ServiceRef(HOST, "supervisord", "api")
    assert as_json(verdict)["keep"] == "web1/supervisord:api"
    assert ways(verdict)[:2] == [
        ("leave-down", "leave api.service down and clear its failure: api (supervisord) runs the same", True),
        ("stop-holder", "stop api, then start api.service", False),
    ]
    assert [intent.kind.value for intent in verdict.actions[0].intents] == ["reset-failed"]
    assert as_text(verdict)[1].startswith("DUPLICATE  api.service and api (supervisord) run the same")


def test_the_enabled_one_gets_its_port_back_from_one_that_is_not() -> None:
    services = (failed(enabled="enabled"), replace(SUPERVISOR, enabled="disabled"), program())
    verdict = diagnose(look(services=services))
    assert verdict.keep == ref()
    assert "keep api.service: it is started at boot, and the other is not" in verdict.summary
    assert ways(verdict)[:2] == [
        ("stop-holder", "stop api, then start api.service", True),
        ("disable", "keep api (supervisord) from starting again", False),
    ]
    disable = verdict.actions[1]
    assert disable.commands == ("supervisorctl update",)
    assert disable.reason_off == "by hand: set autostart=false in /etc/supervisor/conf.d/api.conf first"


def test_one_that_goes_on_trying_is_stopped() -> None:
    trying = unit("api.service", State.FLAPPING, enabled="enabled")
    verdict = diagnose(look(services=(trying, SUPERVISOR, program())))
    assert [(action.id, action.recommended) for action in verdict.actions[:2]] == [
        ("stop-twin", True),
        ("disable", False),
    ]
    assert [intent.kind.value for intent in verdict.actions[0].intents] == ["stop"]
    assert verdict.actions[1].commands == ("systemctl disable -- api.service",)


@pytest.mark.parametrize(
    "changes",
    [
        {"launch": Launch(("/usr/bin/python3", "/srv/legacy/api.py"), "/")},
        {"launch": Launch()},
        {"services": (failed(), SUPERVISOR, program(launch=Launch(("/srv/other",))))},
    ],
)
def test_another_program_is_only_in_the_way(changes: dict[str, Any]) -> None:
    assert diagnose(look(**changes)).verdict is VerdictWord.HELD


def test_the_process_tells_where_the_manager_does_not() -> None:
    services = (failed(), SUPERVISOR, program(launch=None))
    assert diagnose(look(services=services)).verdict is VerdictWord.DUPLICATE
    other = process(125, command="/usr/bin/python3 /srv/legacy/api.py")
    assert diagnose(look(services=services, processes=(other,))).verdict is VerdictWord.HELD


def test_instances_of_one_unit_run_the_same_on_purpose() -> None:
    one, two = failed("api@1.service"), unit("api@2.service", pids=(125,))
    bound = listener(unit="api@2.service", cgroup="/system.slice/api@2.service", pids=(125,))
    made = replace(look(bound, services=(one, two)), target=one.ref, symptom=replace(symptom(), ref=one.ref))
    assert diagnose(made).verdict is VerdictWord.HELD


RENAMED = unit("my-api.service", pids=(125,), enabled="enabled")
RENAMED_WORDS = ("unit", "system", "my-api.service")


def of_two_names(*told: Told, mine: Told | None = None, **changes: Any) -> Verdict:
    """Two units of one command, and what the second one is given."""
    bound = listener(unit="my-api.service", cgroup="/system.slice/my-api.service", pids=(125,))
    first = mine or given(Origin.UNIT, PORT="8080", TENANT="a")
    made = look(bound, services=(failed(enabled="disabled"), RENAMED),
                environments=variables(first, *told, words=RENAMED_WORDS) if told else ())  # fmt: skip
    return diagnose(replace(made, **changes))


def test_two_names_of_one_service() -> None:
    verdict = of_two_names(given(Origin.UNIT, PORT="8080", TENANT="a", PATH="/bin"), given(Origin.PROCESS, HOME="/"))
    assert (verdict.verdict, verdict.keep) == (VerdictWord.DUPLICATE, RENAMED.ref)


@pytest.mark.parametrize(
    ("theirs", "names"),
    [
        (given(Origin.UNIT, PORT="8080", TENANT="b"), "TENANT"),
        (given(Origin.UNIT, PORT="8080"), "TENANT"),
        (given(Origin.UNIT, PORT="8080", TENANT="a", LOG_FILE="/var/log/b"), "LOG_FILE"),
    ],
)
def test_tenants_of_one_program_are_two_services(theirs: Told, names: str) -> None:
    verdict = of_two_names(theirs)
    assert (verdict.verdict, verdict.keep) == (VerdictWord.HELD, None)
    assert verdict.holders[0].note == f"the same program, with another {names}"
    assert ways(verdict)[0] == ("stop-holder", "stop my-api.service, then start api.service", True)


def test_other_users_and_folders_are_other_services() -> None:
    same = given(Origin.UNIT, PORT="8080", TENANT="a")
    services = (failed(user="tenant-a"), replace(RENAMED, user="tenant-b"))
    made = snapshot(services=services, listeners=(listener(unit="my-api.service", pids=(125,)),), symptoms=(symptom(),))
    assert of_two_names(same, snapshot=made).verdict is VerdictWord.HELD
    # A program of supervisord tells no user: its socket does.
    other = replace(made, services=(failed(user="tenant-a"), SUPERVISOR, program()), listeners=(listener(**HELD),))
    assert diagnose(look(snapshot=other)).holders[0].note == "the same program, with another User"
    mine = replace(other, services=(failed(user="deploy"), SUPERVISOR, program()))
    assert diagnose(look(snapshot=mine)).verdict is VerdictWord.DUPLICATE
    dropped = replace(other, services=(failed(user="root"), SUPERVISOR, program()))
    assert diagnose(look(snapshot=dropped)).verdict is VerdictWord.DUPLICATE
    folder = ((("my-api.service",), Launch(API, "/srv/b")),)
    assert of_two_names(same, launches=folder, launch=Launch(API, "/srv/a")).verdict is VerdictWord.HELD
    assert of_two_names(same, launches=folder, launch=Launch(API, "/srv/b")).verdict is VerdictWord.DUPLICATE


def test_of_what_was_not_read_nothing_is_advised() -> None:
    secret = given(Origin.FILE, "oncall may not read it")
    for verdict, why in (
        (of_two_names(), "the variables of api.service were not read"),
        (of_two_names(given(Origin.UNIT, PORT="8080", TENANT="a"), secret), "the file: oncall may not read it"),
        (of_two_names(given(Origin.PROCESS, PORT="8080", TENANT="a")), "which variables were set for my-api.service"),
    ):
        assert (verdict.verdict, verdict.keep) == (VerdictWord.DUPLICATE, None)
        assert verdict.summary.endswith("run the same program; whether as one service is not known")
        assert not any(action.recommended for action in verdict.actions)
        assert {gap.what: gap.why for gap in verdict.not_checked}["whether both are one service"].startswith(why)
    # What one of them sets otherwise is enough.
    assert of_two_names(given(Origin.PROCESS, TENANT="b")).verdict is VerdictWord.HELD


def test_a_file_that_both_are_given_says_the_same_to_both() -> None:
    secret = given(Origin.FILE, "oncall may not read it")
    made = look(listener(unit="my-api.service", pids=(125,)), services=(failed(enabled="disabled"), RENAMED))
    told = given(Origin.UNIT, PORT="8080")
    verdict = diagnose(replace(made, environments=((UNIT_WORDS, (told, secret)), (RENAMED_WORDS, (told, secret)))))
    assert (verdict.verdict, verdict.keep) == (VerdictWord.DUPLICATE, RENAMED.ref)


def test_of_one_program_the_variables_of_both_are_asked_for() -> None:
    bare = look(
        listener(unit="my-api.service", pids=(125,)), services=(failed(), RENAMED), environments=(), launch=None
    )
    assert [(one.probe, *one.args) for one in needed(bare)] == [("launch", "api.service")]
    asked = [(one.probe, *one.args) for one in needed(replace(bare, launch=MINE))]
    assert asked == [
        ("holder_launch", "my-api.service"),
        ("environment", *UNIT_WORDS),
        ("environment", *RENAMED_WORDS),
    ]
    assert needed(replace(bare, launch=Launch(("/srv/other",)))) == ()


def test_a_path_in_a_container_is_another_file() -> None:
    held = {**HELD, "unit": None, "cgroup": f"/docker/{'ab' * 32}"}
    verdict = diagnose(look(listener(**held), services=(failed(),)))
    assert verdict.verdict is VerdictWord.HELD


def test_whoever_may_not_ask_the_manager_learns_as_much_from_the_control_group() -> None:
    sources = (Source("listeners", 100.0), Source("supervisord", None, DENIED))
    bare = look(hidden(listener(**HELD)), services=(failed(enabled="disabled"), SUPERVISOR), sources=sources,
                identity=identity(1001), processes=None)  # fmt: skip
    questions = [(one.probe, *one.args) for one in needed(bare)]
    assert questions == [("listeners_root",), ("members", "/system.slice/supervisor.service")]
    manager = Process(73, "supervisord", user="root", command="/usr/bin/python3 /usr/bin/supervisord -n")
    verdict = diagnose(replace(bare, members=(manager, SAME)))
    assert (verdict.verdict, verdict.confidence, verdict.keep) == (VerdictWord.DUPLICATE, Confidence.MEDIUM, None)
    assert "whether as one service is not known" in verdict.summary
    assert not any(recommended for _, _, recommended in ways(verdict))
    find = next(action for action in verdict.actions if action.id == "find-program")
    assert (find.commands, find.reason_off) == (("supervisorctl status",), f"by hand: {DENIED}")
    gaps = {gap.what: gap.why for gap in verdict.not_checked}
    assert gaps["which program of supervisord it is"] == DENIED


def test_the_unit_of_a_manager_is_never_stopped_for_one_of_its_programs() -> None:
    sources = (Source("listeners", 100.0), Source("supervisord", None, DENIED))
    for bound in (listener(**HELD), hidden(listener(**HELD))):
        made = look(bound, services=(failed(), SUPERVISOR), sources=sources, launch=Launch())
        verdict = diagnose(made)
        assert verdict.verdict is VerdictWord.HELD
        assert not any(intent.target.name == "supervisor.service" for one in verdict.actions for intent in one.intents)
        assert verdict.actions[0].id == "find-program"
    assert verdict.holders[0].respawn is None
    assert verdict.holders[0].name == "a program of supervisor.service"


def test_the_program_of_a_hidden_process_is_known_where_only_one_is_of_its_user() -> None:
    manager = Process(73, "supervisord", user="root", command="supervisord")
    other = program("other", pids=(126,), launch=None)
    services = (failed(), SUPERVISOR, program("legacy", launch=None), other)
    bare = look(hidden(listener(**HELD)), services=services, launch=Launch(), identity=identity(1001), processes=None)
    foreign = Process(126, "python3", user="root", command="other")
    verdict = diagnose(replace(bare, members=(manager, SAME, foreign)))
    (holder,) = verdict.holders
    assert (holder.name, holder.respawn, holder.confidence) == ("legacy", "supervisord autorestart", Confidence.MEDIUM)
    assert ways(verdict)[0] == ("stop-holder", "stop legacy, then start api.service", True)
    both = diagnose(replace(bare, members=(manager, SAME, replace(foreign, user="deploy"))))
    assert both.holders[0].name == "a program of supervisor.service"
    assert "which of legacy, other it is shows only to root" in (both.actions[0].reason_off or "")


def test_a_manager_that_listens_for_itself_is_its_own_unit() -> None:
    own = listener(**{**HELD, "pids": (73,), "process": "supervisord"})
    verdict = diagnose(look(own, services=(failed(), SUPERVISOR), launch=Launch()))
    assert verdict.holders[0].name == "supervisor.service"
    manager = Process(73, "supervisord", user="deploy", command="supervisord")
    unseen = look(hidden(listener(**HELD)), services=(failed(), SUPERVISOR), launch=Launch(), members=(manager,))
    assert diagnose(unseen).holders[0].name == "supervisor.service"


@pytest.mark.parametrize(
    ("service", "told"),
    [
        (unit("a.service", enabled="enabled"), True),
        (unit("a.service", enabled="disabled"), False),
        (unit("a.service", enabled="static"), None),
        (program(), True),
        (program(enabled="disabled"), False),
        (program(chain=("supervisord", "api")), None),
        (program(ref=ServiceRef(HOST, "docker", "shop"), restart_policy="always"), True),
        (program(ref=ServiceRef(HOST, "docker", "shop"), restart_policy="no"), False),
        (program(ref=ServiceRef(HOST, "pidfile", "api")), False),
    ],
)
def test_who_comes_up_with_the_host(service: Service, told: bool | None) -> None:
    assert at_boot(service, look().snapshot.services) is told
