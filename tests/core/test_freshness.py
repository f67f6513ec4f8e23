"""The age of a thing is that of its own source."""

from dataclasses import replace

import pytest

from console.core.finding import Finding, Severity
from console.core.freshness import Freshness, not_of_now, of_all, of_finding, of_service, of_source
from console.core.health import Health
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Source

HUNG = "no answer in 5 s"


def service(manager: str, scope: str = "system") -> Service:
    return Service(ServiceRef("web1", manager, "api", scope), State.RUNNING, "running")


def snapshot(*sources: Source, link: LinkState = LinkState.UP) -> Snapshot:
    return Snapshot("web1", Link(link, 0.0), at=100.0, sources=sources)


@pytest.mark.parametrize("manager", ["systemd", "supervisord", "pm2", "docker", "compose", "kubernetes", "pidfile"])
def test_what_a_silent_manager_told_is_as_old_as_its_last_answer(manager: str) -> None:
    known = snapshot(Source("vitals", 100.0), Source(manager, 58.0, HUNG))
    fresh = of_service(known, service(manager))
    assert fresh == Freshness(58.0, stale=True, why=HUNG)
    assert fresh.age(100.0) == 42.0


def test_what_was_told_just_now_is_not_stale_whatever_else_is_wrong_with_its_manager() -> None:
    known = snapshot(Source("docker", 99.0, "permission denied on /run/podman.sock", partial=True))
    assert of_service(known, service("docker")) == Freshness(99.0)


def test_of_one_daemon_among_several_the_age_is_its_own() -> None:
    known = snapshot(Source("pm2", 99.0, HUNG, partial=True))
    assert of_service(known, replace(service("pm2"), told_at=58.0)) == Freshness(58.0, stale=True, why=HUNG)


def test_what_a_former_connection_told_is_stale_until_it_is_told_again() -> None:
    assert of_service(snapshot(Source("pm2", 40.0, former=True)), service("pm2")) == Freshness(40.0, stale=True)


@pytest.mark.parametrize("link", [LinkState.STALE, LinkState.DOWN])
def test_nothing_of_a_host_that_does_not_answer_is_fresh(link: LinkState) -> None:
    known = snapshot(Source("systemd", 58.0), link=link)
    assert of_service(known, service("systemd")) == Freshness(58.0, stale=True)
    assert of_source(known, "vitals") == Freshness(100.0, stale=True)


def test_a_watch_says_that_nothing_began_or_ended_since() -> None:
    swept, watched = Source("systemd", 50.0), Source("systemd_watch", 97.0)
    assert of_service(snapshot(swept, watched), service("systemd")) == Freshness(97.0)
    assert of_service(snapshot(swept, replace(watched, failure=HUNG)), service("systemd")) == Freshness(50.0)
    silent = replace(swept, failure=HUNG)
    assert of_service(snapshot(silent, watched), service("systemd")) == Freshness(50.0, stale=True, why=HUNG)


def test_the_units_of_the_login_are_asked_for_apart() -> None:
    known = snapshot(Source("systemd", 99.0), Source("systemd_user", 58.0, HUNG))
    assert of_service(known, service("systemd", "user:ann")).stale
    assert not of_service(known, service("systemd")).stale
    assert not of_service(snapshot(Source("pm2", 99.0)), service("pm2", "user:ann")).stale


def test_what_never_answered_has_no_age() -> None:
    assert of_source(snapshot(Source("docker", None, "no right")), "docker").age(100.0) is None


@pytest.mark.parametrize(
    ("code", "subject", "port", "at"),
    [
        ("disk-full", "/var", None, 90.0),
        ("io-wait", "host", None, 99.0),
        ("port-held", "web1/systemd:api", 8080, 95.0),
        ("manager-silent", "pm2", None, 58.0),
        ("clock-skew", "host", None, None),
    ],
)
def test_a_finding_is_as_old_as_what_it_rests_on(code: str, subject: str, port: int | None, at: float | None) -> None:
    known = snapshot(
        Source("filesystems", 90.0), Source("vitals", 99.0), Source("listeners", 95.0), Source("pm2", 58.0, HUNG)
    )
    fresh = of_finding(known, Finding(code, Severity.WARNING, "web1", subject, "", port=port))
    assert (fresh.at if fresh is not None else None) == at


def test_a_finding_about_a_service_is_as_old_as_that() -> None:
    one = service("pm2")
    known = replace(snapshot(Source("listeners", 99.0), Source("pm2", 58.0, HUNG)), services=(one,))
    finding = Finding("service-failed", Severity.CRITICAL, "web1", str(one.ref), "", service=one.ref, port=80)
    assert of_finding(known, finding) == Freshness(58.0, stale=True, why=HUNG)


def test_several_sources_together_are_as_old_as_the_oldest_that_told_something() -> None:
    known = snapshot(Source("vitals", 99.0), Source("listeners", 88.0), Source("systemd", 40.0), Source("pm2", 1.0))
    watched = replace(known, sources=(*known.sources, Source("systemd_watch", 98.0)))
    assert of_all(known, ("vitals", "listeners", "systemd")).at == 40.0
    assert of_all(watched, ("vitals", "listeners", "systemd")).at == 88.0
    assert of_all(snapshot(Source("systemd", None, "no bus"), Source("vitals", 99.0)), ("vitals", "systemd")).at == 99.0
    assert of_all(snapshot(), ()).at == 100.0


def test_of_a_host_that_does_not_answer_a_silent_mount_is_of_before() -> None:
    silent = Finding("mount-silent", Severity.CRITICAL, "web1", "/srv", "")
    known = snapshot(Source("filesystems", 90.0))
    assert not_of_now(known, (silent,)) == {}
    lost = replace(known, link=Link(LinkState.STALE, 0.0))
    assert not_of_now(lost, (silent,)) == {silent.key: Freshness(90.0, stale=True)}


def test_findings_of_one_daemon_among_several_that_hangs_are_not_of_now() -> None:
    one = replace(service("pm2"), told_at=58.0)
    finding = Finding("service-failed", Severity.CRITICAL, "web1", str(one.ref), "", service=one.ref)
    silent = Finding("manager-silent", Severity.CRITICAL, "web1", "pm2", "")
    known = replace(snapshot(Source("pm2", 99.0, HUNG, partial=True)), services=(one,))
    assert not_of_now(known, (finding, silent)) == {finding.key: Freshness(58.0, stale=True, why=HUNG)}
    assert not_of_now(replace(known, services=(service("pm2"),)), (finding, silent)) == {}


def test_what_a_declared_check_said_is_as_old_as_the_check() -> None:
    api = service("pm2")
    checked = Health(api.ref, False, "/health 503", 97.0)
    known = replace(snapshot(Source("pm2", 58.0, HUNG)), services=(api,), health=(checked,))
    found = Finding("unhealthy", Severity.CRITICAL, "web1", str(api.ref), "unhealthy: /health 503", service=api.ref)
    assert of_finding(known, found) == Freshness(97.0)
    assert of_finding(replace(known, health=()), found) == Freshness(58.0, stale=True, why=HUNG)
