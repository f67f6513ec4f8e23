"""Refusals that no lab host can make: SELinux, AppArmor, SocketBindDeny= (Debian 12's systemd is built without)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.core.service import ServiceRef
from console.diagnosis import Confidence, Evidence, Refusal, Verdict, VerdictWord, diagnose, needed
from console.probes import denials
from console.probes.confinement import Confinement, rule_covers
from console.probes.denials import Denial, Denials
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from tests.probes.recorded import read

from .factories import HOST, failed, ref, snapshot, symptom

RECORDED = Path(__file__).parent.parent / "probes" / "recorded"
AVC = denials.parse(read(RECORDED / "audit-denials-selinux.txt").output)
"""The refusal of tcp 8888 to nginx."""
BOOT = denials.parse(read(RECORDED / "audit-denials-selinux-since-boot.txt").output)
"""All since auditd started, months before: udp and tcp 4001 at one moment, and later tcp 9103."""
NOTHING = Denials(0.0)
"""A log that goes back far enough, without a refusal."""
AT = 1452146884.46
"""When the log of the service spoke of the first."""
LABELS = denials.parse_labels(read(RECORDED / "port-labels.txt").output)
ENFORCING = Confinement(selinux="enforcing")


def look(
    port: int = 8888, errno: str = "EACCES", address: str = "0.0.0.0", at: float | None = AT, **changes: Any
) -> Evidence:
    """``api.service``, which is root's, was refused a port; all looks were taken."""
    made = snapshot(services=(failed(),), symptoms=(symptom(errno, address=address, port=port, at=at),))
    evidence = Evidence(made, ref(), processes=(), sockets=(), bound=(), namespaces=Namespaces(),
                        redirects=Redirects(("nft",)), limits=PortLimits(), addresses=(),
                        confinement=Confinement())  # fmt: skip
    return replace(evidence, **changes)


def gaps(verdict: Verdict) -> dict[str, str]:
    return {gap.what: gap.why for gap in verdict.not_checked}


def test_an_avc_names_the_domain_the_label_and_the_line_that_mends_it() -> None:
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=AVC, kernel_denials=NOTHING, port_labels=LABELS))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.HIGH)
    assert verdict.summary.startswith("SELinux: httpd_t may not bind tcp 8888, which is labelled port_t; type=AVC")
    assert verdict.actions[0].commands == ("semanage port -a -t http_port_t -p tcp 8888",)
    assert verdict.actions[0].recommended
    assert not verdict.not_checked


def test_a_port_with_a_label_of_its_own_is_modified_and_not_added() -> None:
    denial = replace(AVC.found[0], port=8080, label="http_cache_port_t")
    log = Denials(0.0, (denial,))
    verdict = diagnose(look(8080, confinement=ENFORCING, audit_denials=log, kernel_denials=NOTHING, port_labels=LABELS))
    assert verdict.actions[0].commands == ("semanage port -m -t http_port_t -p tcp 8080",)


def test_without_the_labels_the_type_is_left_open() -> None:
    refused = (Refusal("port_labels", "needs root"),)
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=AVC, kernel_denials=NOTHING, refused=refused))
    assert verdict.actions[0].commands == ("semanage port -a -t TYPE -p tcp 8888",)
    assert "httpd_t may bind" in (verdict.actions[0].reason_off or "")


def test_a_refused_look_is_said_where_selinux_is_in_force() -> None:
    line = "oncall ALL=(root) NOPASSWD: /usr/sbin/ausearch -m avc -m daemon_start -ts boot"
    missing = f"needs root, or in sudoers: {line}"
    refused = tuple(Refusal(probe, missing) for probe in ("audit_denials", "kernel_denials", "port_labels"))
    verdict = diagnose(look(confinement=ENFORCING, refused=refused))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.LOW)
    assert gaps(verdict)["SELinux"] == missing
    assert "labels of ports" in gaps(verdict)
    assert "SELinux forbids it" in verdict.summary


def test_where_selinux_is_off_nothing_is_missing() -> None:
    verdict = diagnose(look())
    assert verdict.verdict is VerdictWord.NOT_PERMITTED
    assert not verdict.not_checked
    assert "SELinux and AppArmor are off" in verdict.summary


def test_denials_of_other_ports_and_of_files_explain_nothing() -> None:
    others = Denials(0.0, (replace(AVC.found[0], port=8889), replace(AVC.found[0], what="read", port=None)))
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=others, kernel_denials=NOTHING, port_labels=LABELS))
    assert verdict.confidence is Confidence.LOW


def test_a_failure_is_explained_however_long_ago_it_was() -> None:
    """It is read when somebody comes to it."""
    when = BOOT.found[1].at
    verdict = diagnose(look(4001, at=when, confinement=ENFORCING, audit_denials=BOOT, port_labels=LABELS))
    assert verdict.summary.startswith("SELinux: rpcd_t may not bind tcp 4001, which is labelled nfs_port_t")
    assert "tclass=tcp_socket" in verdict.summary, "not that of udp at the same moment"
    assert verdict.actions[0].commands == ("semanage port -m -t TYPE -p tcp 4001",)
    assert not verdict.not_checked


@pytest.mark.parametrize(
    ("log", "at", "whole"),
    [
        (BOOT, BOOT.since, True),
        (BOOT, (BOOT.since or 0) - 60, False),
        (Denials(), AT, False),
        (Denials(), None, False),
        (BOOT, None, True),
    ],
    ids=["since-boot", "older", "nothing-in-it", "nothing-in-it-untimed", "untimed"],
)
def test_a_log_that_does_not_go_back_to_the_failure_is_not_called_read(
    log: Denials, at: float | None, whole: bool
) -> None:
    refused = (Refusal("audit_denials", "ausearch is not on this host"),)
    audit = look(8888, at=at, confinement=ENFORCING, audit_denials=log, kernel_denials=NOTHING, port_labels=LABELS)
    kernel = replace(audit, audit_denials=None, kernel_denials=log, refused=refused)
    for evidence in (audit, kernel):
        verdict = diagnose(evidence)
        assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.LOW)
        wanted = {} if whole else {"SELinux": "the log of refusals does not go back to this failure"}
        assert gaps(verdict) == wanted


def test_a_refusal_of_another_time_or_of_another_protocol_explains_nothing() -> None:
    """Another service was refused that port, or this one before its label was set."""
    later = look(9103, at=(BOOT.found[2].at or 0) + 3600, confinement=ENFORCING, audit_denials=BOOT, port_labels=LABELS)
    assert diagnose(later).confidence is Confidence.LOW
    other = replace(AVC.found[0], protocol="udp")
    evidence = look(confinement=ENFORCING, audit_denials=Denials(0.0, (other,)), port_labels=LABELS)
    assert diagnose(evidence).confidence is Confidence.LOW


def test_of_several_refusals_the_one_at_the_failure_counts() -> None:
    """Whoever tried the same port a little later has another domain."""
    mine = AVC.found[0]
    other = replace(mine, subject="squid_t", at=(mine.at or 0) + 20)
    evidence = look(confinement=ENFORCING, audit_denials=Denials(0.0, (mine, other)), port_labels=LABELS)
    assert diagnose(evidence).summary.startswith("SELinux: httpd_t may not bind")


def test_what_was_only_noted_was_not_refused() -> None:
    """As in refpolicy's issue 629, with the word that a host in permissive mode writes."""
    line = BOOT.found[1].line
    assert denials.parse(f"since 1\n{line}").found
    assert not denials.parse(f"since 1\n{line.replace('permissive=0', 'permissive=1')}").found


def test_a_profile_that_forbids_a_unix_socket_forbids_no_port() -> None:
    log = denials.parse(read(RECORDED / "kernel-denials-apparmor.txt").output)
    confined = Confinement(apparmor=True, apparmor_profile=log.found[0].subject)
    evidence = look(8080, at=log.found[0].at, confinement=confined, kernel_denials=log, audit_denials=NOTHING)
    assert diagnose(evidence).confidence is Confidence.LOW


def test_a_denial_of_apparmor_names_the_profile() -> None:
    denial = Denial("apparmor=...", "apparmor", "capable", None, "api", "/srv/api", "net_bind_service")
    confined = Confinement(apparmor=True, apparmor_profile="/srv/api")
    verdict = diagnose(look(443, confinement=confined, kernel_denials=Denials(0.0, (denial,)), audit_denials=NOTHING))
    assert verdict.summary == "AppArmor's profile /srv/api forbids api.service: capable net_bind_service"
    assert verdict.confidence is Confidence.HIGH


def of(manager: str, scope: str = "system", user: str | None = None, **changes: Any) -> Verdict:
    """A program of another manager that was refused 443."""
    where = ServiceRef(HOST, manager, "api", scope)
    evidence = look(443, **changes)
    told = replace(symptom("EACCES", port=443, at=AT), ref=where)
    seen = replace(evidence.snapshot, services=(failed(user=user, ref=where),), symptoms=(told,))
    return diagnose(replace(evidence, snapshot=seen, target=where))


@pytest.mark.parametrize(
    ("manager", "scope", "user"),
    [("supervisord", "system", "deploy"), ("pm2", "user:deploy", None), ("systemd", "user:deploy", None)],
)
def test_only_a_unit_of_the_system_gets_the_right_by_systemctl(manager: str, scope: str, user: str | None) -> None:
    verdict = of(manager, scope, user)
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.HIGH)
    assert verdict.summary == "ports below 1024 need CAP_NET_BIND_SERVICE; api runs as deploy"
    assert not any("systemctl" in command for way in verdict.actions for command in way.commands)
    assert "AmbientCapabilities" not in str(verdict.actions)
    assert "setcap" in (verdict.actions[0].reason_off or "")
    mine = diagnose(look(443, confinement=Confinement(capabilities=frozenset())))
    assert mine.actions[0].commands == ("systemctl edit -- api.service", "systemctl restart -- api.service")


def test_of_whom_no_manager_tells_the_user_no_right_is_claimed() -> None:
    verdict = of("supervisord")
    assert verdict.summary == "ports below 1024 need CAP_NET_BIND_SERVICE; as whom api runs is not known"
    assert verdict.confidence is Confidence.MEDIUM
    assert gaps(verdict)["user of api"] == "its manager did not tell"
    assert "has the right" in of("supervisord", user="root").summary
    denial = replace(AVC.found[0], port=443)
    assert of("supervisord", confinement=ENFORCING, audit_denials=Denials(0.0, (denial,))).summary.startswith("SELinux")


@pytest.mark.parametrize("errno", ["EPERM", "EACCES"])
def test_a_unit_that_forbids_the_port_says_so(errno: str) -> None:
    """Debian 13: bind(2) ends with EPERM."""
    confined = Confinement(bind_deny=("8443", "tcp8090-8095"), bind_allow=("ipv4:udp5000",))
    verdict = diagnose(look(8090, errno, confinement=confined))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.HIGH)
    assert verdict.summary == "the unit of api.service forbids it: SocketBindDeny=tcp8090-8095"
    assert "SocketBindAllow=tcp:8090" in (verdict.actions[0].reason_off or "")
    allowed = replace(confined, bind_allow=("tcp8090",))
    assert diagnose(look(8090, errno, confinement=allowed)).confidence is Confidence.LOW


def test_a_host_without_ipv6_is_no_sandbox() -> None:
    verdict = diagnose(look(8080, "EAFNOSUPPORT", "::", confinement=Confinement(ipv6=False)))
    assert verdict.verdict is VerdictWord.NO_SUCH_ADDRESS
    assert "switched off" in verdict.summary


@pytest.mark.parametrize(
    ("rule", "covers"),
    [
        ("any", True),
        ("8090", True),
        ("tcp", True),
        ("tcp8090-8095", True),
        ("tcp:8090", True),
        ("ipv4:tcp8090", True),
        ("ipv6:tcp8090", False),
        ("ipv4", True),
        ("udp8090", False),
        ("8091-9000", False),
        ("nonsense", None),
    ],
)
def test_the_rules_of_a_unit(rule: str, covers: bool | None) -> None:
    assert rule_covers(rule, "tcp", 8090, "ip") is covers


def test_the_looks_come_one_after_the_other() -> None:
    def asked(evidence: Evidence) -> list[tuple[str, ...]]:
        return [(question.probe, *question.args) for question in needed(evidence)]

    when = ("kernel_denials", str(int(AT)))
    assert asked(look(confinement=None)) == [("confinement", "api.service")]
    assert asked(look()) == []
    assert asked(look(confinement=ENFORCING)) == [("audit_denials",), when, ("port_labels",)]
    assert asked(look(confinement=Confinement(apparmor=True))) == [("audit_denials",), when]
