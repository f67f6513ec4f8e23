"""Of a service that wants several ports each may be somebody else's: to make room at one of them is for nothing."""

from dataclasses import replace

from console.core.declaration import Declaration, Declared
from console.core.plan import ActionKind
from console.core.service import Endpoint
from console.core.snapshot import LogLine, Snapshot
from console.diagnosis import Evidence, Verdict, VerdictWord, diagnose
from console.diagnosis.bind_errors import symptoms
from console.diagnosis.proposals import no_commands
from console.findings.ports import blocked
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects

from .factories import NOW, failed, listener, process, ref, snapshot, unit

NGINX = """\
nginx: [emerg] bind() to 0.0.0.0:8443 failed (98: Address already in use)
nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)
nginx: [emerg] still could not bind()"""
"""As nginx 1.22 of Debian 12 wrote it; which of the two comes last is another from run to run."""
LEGACY, OTHER = unit("legacy.service", pids=(4112,)), unit("other.service", pids=(4113,))
EIGHTY = listener()
TLS = listener(port=8443, inode=4712, pids=(4113,), unit="other.service", cgroup="/system.slice/other.service")


def known(log: str, **changes: object) -> Snapshot:
    lines = [LogLine("web1", "api.service", "journal", text, at=NOW - 20.0, pid=7) for text in log.splitlines()]
    made = snapshot(services=(failed(), LEGACY, OTHER), listeners=(EIGHTY, TLS), symptoms=symptoms(ref(), lines))
    return replace(made, **changes)  # type: ignore[arg-type]


def judge(snap: Snapshot, target: Endpoint | None = None) -> Verdict:
    return diagnose(
        Evidence(snap, target or ref(), processes=(process(), process(4113)), sockets=(), bound=(),
                 limits=PortLimits(), addresses=(), namespaces=Namespaces(), redirects=Redirects())
    )  # fmt: skip


def test_all_who_have_a_port_that_its_log_names_are_stopped_or_none() -> None:
    verdict = judge(known(NGINX))
    assert (verdict.verdict, verdict.port) == (VerdictWord.HELD, 8080), "whichever the log names last"
    assert [(one.name, one.port) for one in verdict.holders] == [("legacy.service", 8080), ("other.service", 8443)]
    assert verdict.summary == (
        "tcp 8080 is held by legacy.service, and tcp 8443, which api.service wants too, by other.service"
    )
    way = verdict.actions[0]
    assert (way.label, way.recommended) == ("stop legacy.service and other.service, then start api.service", True)
    assert [(one.kind, one.target.name, one.endpoint and one.endpoint.port) for one in way.intents] == [
        (ActionKind.STOP, "other.service", 8443),
        (ActionKind.FREE_PORT, "api.service", 8080),
    ]
    assert judge(known(NGINX), Endpoint("tcp", "*", 8080)).actions == verdict.actions, "who asks for the port, too"


def test_one_that_cannot_be_stopped_leaves_no_advice_to_stop_the_other() -> None:
    gateway = replace(TLS, pids=(30,), process="sshd", unit="ssh.service", cgroup="/system.slice/ssh.service")
    verdict = judge(known(NGINX, listeners=(EIGHTY, gateway), services=(failed(), LEGACY, unit("ssh.service"))))
    labels = [way.label for way in verdict.actions]
    assert "stop legacy.service: api.service does not come up, ssh.service has tcp 8443" in labels
    assert not any(way.recommended for way in verdict.actions)


def test_of_a_container_that_is_hidden_its_own_port_is_named() -> None:
    group = "/system.slice/docker.service"
    proxy = replace(TLS, pids=(50,), process="docker-proxy", unit="docker.service", cgroup=group)
    verdict = judge(known(NGINX, listeners=(EIGHTY, proxy), services=(failed(), LEGACY, unit("docker.service"))))
    assert [gap.what for gap in verdict.not_checked] == ["which container publishes 8443"]


def test_who_has_both_is_stopped_once_by_the_plan_that_proves_it() -> None:
    both = replace(TLS, pids=(4112,), unit="legacy.service", cgroup="/system.slice/legacy.service")
    verdict = judge(known(NGINX, listeners=(EIGHTY, both)))
    assert [intent.kind for intent in verdict.actions[0].intents] == [ActionKind.FREE_PORT]


def test_of_a_port_that_only_a_declaration_names_it_is_a_doubt() -> None:
    one = NGINX.splitlines()[1]
    first, second = (
        Declaration("api.service", Endpoint("tcp", "0.0.0.0", port), f"/etc/api.conf:{line}", "systemd")
        for line, port in ((2, 8080), (3, 8443))
    )
    files = Declared((first, second))
    verdict = judge(known(one, declared=files))
    assert [holder.name for holder in verdict.holders] == ["legacy.service"]
    assert {gap.what: gap.why for gap in verdict.not_checked} == {
        "whether api.service comes up then": "it is declared to want tcp 8443, which other.service has"
    }
    assert not any(way.recommended for way in verdict.actions)
    several = Declared((first, replace(second, last=8450)))
    assert judge(known(one, declared=several)).actions[0].recommended, "of a range another may do"
    assert judge(known(one, listeners=(EIGHTY,), declared=files)).actions[0].recommended, "nobody has it"


def test_where_no_log_was_read_the_declarations_tell_of_all() -> None:
    wants = tuple(Endpoint("tcp", "0.0.0.0", port) for port in (8080, 8443))
    verdict = judge(known("", services=(failed(wants=wants), LEGACY, OTHER)))
    assert verdict.actions[0].label == "stop legacy.service and other.service, then start api.service"
    assert not any(gap.what.startswith("whether") for gap in verdict.not_checked)


def test_a_finding_tells_of_each_port_who_has_it() -> None:
    [finding] = blocked(known(NGINX), (failed(),), (), no_commands)
    assert finding.summary == "cannot bind tcp 8080, held by legacy.service, and tcp 8443, held by other.service"
