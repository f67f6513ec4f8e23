"""Refusals that no lab host can make: SELinux, AppArmor, SocketBindDeny= (Debian 12's systemd is built without)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.core.service import ServiceRef
from console.diagnosis import Confidence, Evidence, Refusal, Verdict, VerdictWord, diagnose, needed
from console.probes import denials
from console.probes.confinement import Confinement, rule_covers
from console.probes.denials import Denial
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from tests.probes.recorded import read

from .factories import HOST, failed, ref, snapshot, symptom

RECORDED = Path(__file__).parent.parent / "probes" / "recorded"
AVC = denials.parse(read(RECORDED / "audit-denials-selinux.txt").output)
LABELS = denials.parse_labels(read(RECORDED / "port-labels.txt").output)
ENFORCING = Confinement(selinux="enforcing")


def look(port: int = 8888, errno: str = "EACCES", address: str = "0.0.0.0", **changes: Any) -> Evidence:
    """``api.service``, which is root's, was refused a port; all looks were taken."""
    made = snapshot(services=(failed(),), symptoms=(symptom(errno, address=address, port=port),))
    evidence = Evidence(made, ref(), processes=(), sockets=(), bound=(), namespaces=Namespaces(),
                        redirects=Redirects(("nft",)), limits=PortLimits(), addresses=(),
                        confinement=Confinement())  # fmt: skip
    return replace(evidence, **changes)


def gaps(verdict: Verdict) -> dict[str, str]:
    return {gap.what: gap.why for gap in verdict.not_checked}


def test_an_avc_names_the_domain_the_label_and_the_line_that_mends_it() -> None:
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=AVC, kernel_denials=(), port_labels=LABELS))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.HIGH)
    assert verdict.summary.startswith("SELinux: httpd_t may not bind tcp 8888, which is labelled port_t; type=AVC")
    assert verdict.actions[0].commands == ("semanage port -a -t http_port_t -p tcp 8888",)
    assert verdict.actions[0].recommended
    assert not verdict.not_checked


def test_a_port_with_a_label_of_its_own_is_modified_and_not_added() -> None:
    denial = replace(AVC[0], port=8080, label="http_cache_port_t")
    verdict = diagnose(
        look(8080, confinement=ENFORCING, audit_denials=(denial,), kernel_denials=(), port_labels=LABELS)
    )
    assert verdict.actions[0].commands == ("semanage port -m -t http_port_t -p tcp 8080",)


def test_without_the_labels_the_type_is_left_open() -> None:
    refused = (Refusal("port_labels", "needs root"),)
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=AVC, kernel_denials=(), refused=refused))
    assert verdict.actions[0].commands == ("semanage port -a -t TYPE -p tcp 8888",)
    assert "httpd_t may bind" in (verdict.actions[0].reason_off or "")


def test_a_refused_look_is_said_where_selinux_is_in_force() -> None:
    missing = "needs root, or in sudoers: oncall ALL=(root) NOPASSWD: /usr/sbin/ausearch -m avc -ts recent"
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
    others = (replace(AVC[0], port=8889), replace(AVC[0], what="read", port=None))
    verdict = diagnose(look(confinement=ENFORCING, audit_denials=others, kernel_denials=(), port_labels=LABELS))
    assert verdict.confidence is Confidence.LOW


def test_a_denial_of_apparmor_names_the_profile() -> None:
    denial = Denial("apparmor=...", "apparmor", "capable", None, "api", "/srv/api", "net_bind_service")
    confined = Confinement(apparmor=True, apparmor_profile="/srv/api")
    verdict = diagnose(look(443, confinement=confined, kernel_denials=(denial,), audit_denials=()))
    assert verdict.summary == "AppArmor's profile /srv/api forbids api.service: capable net_bind_service"
    assert verdict.confidence is Confidence.HIGH


def of(manager: str, scope: str = "system", user: str | None = None, **changes: Any) -> Verdict:
    """A program of another manager that was refused 443."""
    where = ServiceRef(HOST, manager, "api", scope)
    evidence = look(443, **changes)
    told = replace(symptom("EACCES", port=443), ref=where)
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
    denial = replace(AVC[0], port=443)
    assert of("supervisord", confinement=ENFORCING, audit_denials=(denial,)).summary.startswith("SELinux")


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

    assert asked(look(confinement=None)) == [("confinement", "api.service")]
    assert asked(look()) == []
    assert asked(look(confinement=ENFORCING)) == [("audit_denials",), ("kernel_denials",), ("port_labels",)]
    assert asked(look(confinement=Confinement(apparmor=True))) == [("audit_denials",), ("kernel_denials",)]
