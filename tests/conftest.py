"""Fixtures of the lab: real Debian hosts. Where no lab can run, the tests that need one skip and say why."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab import Fleet, FreshHost, Host, Lab, why_not
from tests.lab.packages import ensure_tools

HERE = (("busybox", "busybox-static"), ("kubectl", "kubernetes-client"), ("node", "nodejs"), ("ss", "iproute2"))
"""Programs that tests run on this machine itself, and their Debian packages."""
LAB_FIXTURES = frozenset({"lab", "fleet", "fresh_host"})


def pytest_configure() -> None:
    """In CI nothing is left out for want of a program: what tests run on this machine itself is installed."""
    if os.environ.get("CI") == "true" and why_not() is None:
        ensure_tools(HERE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test that uses the lab its marker."""
    for item in items:
        if LAB_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this test session; no host runs until one is booted."""
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true and no lab: {reason}", pytrace=False)
        pytest.skip(reason)
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def fleet(lab: Lab) -> Fleet:
    """Named hosts shared between tests, booted when first asked for."""
    return Fleet(lab)


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
