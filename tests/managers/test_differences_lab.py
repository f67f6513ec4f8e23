"""What another release would change, as real hosts tell it, with and without rights."""

from __future__ import annotations

import pytest

from console.core.difference import Change, Difference, How, Subject
from console.core.difference_words import lines
from console.core.text import HIDDEN
from console.managers import container_difference, kubernetes_difference, package_difference
from console.probes import release_difference
from tests.lab import BusyboxHost, FreshHost, Lab
from tests.lab.kube import KubeApi
from tests.lab.kube_node import login
from tests.managers import record_differences as pairs
from tests.probes.asking import RefusedError, over_ssh

IMAGES = (
    ("lost", "More of everything"),
    ("variables", "removed LEVEL"),
    ("", "removed TOKEN"),
    ("", "changed GREETING"),
    ("commands", "changed command: /bin/sh -x -> /bin/sh /bin/start"),
    ("ports", "removed 8081/tcp"),
    ("labels", "removed tier: gold"),
    ("", "changed org.opencontainers.image.version: v2.0.0 -> v1.0.0"),
    ("facts", "1 of 5 layers are not those of what runs"),
)
MAY = ("/usr/bin/docker image inspect *",)


def changes(found: Difference, subject: Subject) -> set[tuple[How, str, str | None, str | None]]:
    return {(one.how, one.name, one.before, one.after) for one in found.changes if one.subject is subject}


def test_two_images_differ_in_what_is_built_into_them(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host("diff1", docker=True, sudo=MAY)
    words = pairs.images(host)
    found = over_ssh(lab, host).ask(container_difference.DIFFERENCE, *words, "docker")
    told = tuple((key, line.partition(" ")[2] if key == "lost" else line) for key, line in lines(found))
    assert told == IMAGES
    # Through sudo the same, but for the work tree of another user.
    oncall = over_ssh(lab, host, "oncall")
    sudo = ("sudo", "-n", "--", "docker")
    seen = oncall.ask(container_difference.DIFFERENCE, *words, *sudo)
    assert {one for one in found.changes if one.subject is not Subject.COMMIT} == set(seen.changes)
    assert [gap.what for gap in seen.gaps] == ["commits"]
    sent = oncall.output(container_difference.DIFFERENCE, *words, *sudo)
    assert "hunter2" not in sent
    assert "debug" not in sent
    with pytest.raises(RefusedError, match=r"sudoers needs: nosudo .*docker image inspect \*|permission denied"):
        over_ssh(lab, host, "nosudo").ask(container_difference.DIFFERENCE, *words, *sudo)
    with pytest.raises(RefusedError, match="No such image"):
        over_ssh(lab, host).ask(container_difference.DIFFERENCE, "0" * 12, *words[1:], "docker")


def test_two_revisions_differ_in_their_pods(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host("diff2")
    with KubeApi(lab.network.gateway) as api:
        login(host, "nosudo", api.config(user="admin", namespace="shop"))
        words = (*pairs.revisions(api), "kubectl")
        way = over_ssh(lab, host, "nosudo")
        found = way.ask(kubernetes_difference.DIFFERENCE, *words)
        assert changes(found, Subject.IMAGE) == {
            (How.CHANGED, "main", "registry.example/api:2.0", "registry.example/api:1.0")
        }
        assert changes(found, Subject.RESOURCE) == {(How.CHANGED, "main/limits.memory", "256Mi", "128Mi")}
        assert changes(found, Subject.COMMAND) == {(How.REMOVED, "main/command", "[/bin/api --port 8080]", None)}
        assert changes(found, Subject.PORT) == {(How.REMOVED, "main/8080", None, None)}
        assert changes(found, Subject.VARIABLE) == {
            (How.CHANGED, "main/LEVEL", HIDDEN, HIDDEN),
            (How.CHANGED, "main/TOKEN", HIDDEN, HIDDEN),
            (How.CHANGED, "main/PASSWORD", HIDDEN, HIDDEN),
            (How.REMOVED, "main/NEW", HIDDEN, None),
        }
        sent = way.output(kubernetes_difference.DIFFERENCE, *words)
        assert "hunter" not in sent
        assert "debug" not in sent
        with pytest.raises(RefusedError, match="does not tell both of the revisions 2 and 99"):
            way.ask(kubernetes_difference.DIFFERENCE, *words[:2], "2", "99", *words[4:])


def test_two_versions_of_a_package_differ_in_size_and_in_what_they_need(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host("diff3")
    words = pairs.packages(host)
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        assert lines(way.ask(package_difference.DIFFERENCE, *words)) == (
            ("package", "labapi 1.1-1 -> 1.0-1"),
            ("dependencies", "removed libc6 (>= 2.30)"),
            ("", "changed python3: python3 -> python3 (>= 3.9)"),
            ("size", "installed 120.0 KiB -> 80.0 KiB"),
        )
        unknown = way.ask(package_difference.DIFFERENCE, "labapi", "1.1-1", "0.9-1", "labapi=1.1-1", "")
        assert changes(unknown, Subject.PACKAGE) == {(How.CHANGED, "labapi", "1.1-1", "0.9-1")}
        assert [gap.what for gap in unknown.gaps] == ["size and dependencies"]
    # A file that may not be read is not taken for one that is the same.
    found = way.ask(release_difference.PROBE, *pairs.directories(host))
    assert [(gap.what, gap.why) for gap in found.gaps] == [
        ("files", "some of a release may not be read, or took too long"),
        ("files", "1 of one size may not be read, or took too long"),
    ]
    # Nor is one that may lie where nobody may look taken for one that goes.
    told = {(one.how, one.name) for one in found.changes if one.subject is Subject.FILE}
    assert told == {(How.ADDED, "gone"), *((How.CHANGED, name) for name in (".env", "link", "one"))}


def test_an_appliance_of_busybox_compares_directories_too(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host("diff4", kind=BusyboxHost)
    pair = pairs.directories(host)
    found = over_ssh(lab, host).ask(release_difference.PROBE, *pair)
    assert found.gaps == ()
    assert set(found.changes) == {
        *(Change(Subject.FILE, How.CHANGED, name) for name in (".env", "closed", "link", "one")),
        Change(Subject.FILE, How.ADDED, "gone"),
        Change(Subject.FILE, How.ADDED, "shut/in"),
        Change(Subject.FILE, How.REMOVED, "new one"),
        Change(Subject.VARIABLE, How.CHANGED, ".env: LOG", "b", "a"),
        Change(Subject.VARIABLE, How.CHANGED, ".env: TOKEN", HIDDEN, HIDDEN),
    }
