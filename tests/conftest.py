"""Fixtures of the lab: real Debian hosts. Where no lab can run, the tests that need one skip and say why."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import Fleet, FreshHost, Host, Lab, why_not
from tests.lab.packages import ensure_tools

HERE = (
    ("busybox", "busybox-static"),
    ("gawk", "gawk"),
    ("kubectl", "kubernetes-client"),
    ("node", "nodejs"),
    ("original-awk", "original-awk"),
    ("ss", "iproute2"),
)
"""Programs that tests run on this machine itself, and their Debian packages."""
settings.register_profile("hostdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hostdeck")
LONGEST = (
    "managers/test_supervisord_lab.py",
    "managers/test_docker_lab.py",
    "managers/test_pm2_lab.py",
    "actions/test_compose_images_lab.py",
    "e2e/test_every_manager.py",
    "managers/test_kubernetes_lab.py",
    "actions/test_releases_lab.py",
    "remote/test_ssh_lab.py",
    "remote/test_runner_faults.py",
)
"""Files that take minutes, the longest first."""
LAB_FIXTURES = frozenset({"lab", "fleet", "fresh_host"})


def pytest_configure() -> None:
    """Where a lab can run nothing is left out for want of a program: what tests run on this machine is installed."""
    if why_not() is None:
        ensure_tools(HERE)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Elsewhere a test of a shell that is not there is skipped; in CI it fails."""
    callspec = getattr(item, "callspec", None)
    shell = callspec.params.get("shell") if callspec is not None else None
    if isinstance(shell, str) and os.environ.get("CI") != "true" and shutil.which(shell.split()[0]) is None:
        pytest.skip(f"no {shell.split()[0]} on this machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test that uses the lab its marker, and let the files with such tests begin.

    They are the longest, and wait more than they work: started last, one of them is what everyone waits for in the end.
    For the same reason the longest of them are the first.
    """
    for item in items:
        if LAB_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)
    first = {item.path for item in items if item.get_closest_marker("lab")}
    longest = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (item.path not in first, longest.get(item.path, len(longest))))


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage looks through thousands of tests again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def whole_lab() -> Iterator[Lab]:
    """The lab of this test session; no host runs until one is booted."""
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true and no lab: {reason}", pytrace=False)
        pytest.skip(reason)
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def fleet(whole_lab: Lab) -> Fleet:
    """Named hosts shared between tests, booted when first asked for."""
    return Fleet(whole_lab)


@pytest.fixture(scope="module")
def lab(whole_lab: Lab, fleet: Fleet) -> Iterator[Lab]:
    """The lab; what a file boots runs no longer than the file's tests, because it slows down all others."""
    before = set(whole_lab.hosts)
    yield whole_lab
    for name in set(whole_lab.hosts) - before - set(fleet):
        whole_lab.stop(whole_lab.hosts[name])


@pytest.fixture
def fresh_host(lab: Lab) -> Iterator[FreshHost]:
    """A factory for hosts of this test alone: `fresh_host()`, `fresh_host("web9", docker=True)`."""
    made: list[Host] = []

    def boot(name: str | None = None, **options: object) -> Host:
        host = lab.boot(name or f"fresh{len(made) + 1}", **options)  # type: ignore[arg-type]
        made.append(host)
        return host

    yield boot
    for host in made:
        lab.stop(host)
