"""Every port case can be brought about on a real host."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.lab import Lab, cases, fleet


@pytest.fixture(scope="module")
def installed(lab: Lab) -> dict[str, Future[cases.Case]]:
    """All cases at once, each on a host of its own."""

    def make(number: str) -> cases.Case:
        host = lab.boot(f"case{number}", docker=cases.CASES[number].docker)
        try:
            return cases.install(host, number)
        finally:
            lab.stop(host)

    with ThreadPoolExecutor(max_workers=4) as pool:
        return {number: pool.submit(make, number) for number in cases.CASES}


@pytest.mark.parametrize("number", cases.CASES)
def test_the_case_comes_about(installed: dict[str, Future[cases.Case]], number: str) -> None:
    assert installed[number].result().title


def test_what_to_type_names_the_host_its_target_and_the_user_who_should_look(lab: Lab) -> None:
    told = fleet.case_instructions(lab, ["2", "20"])
    assert f"hostdeck -F {lab.ssh_config('nosudo')} why case2:8080" in told
    assert f"hostdeck -F {lab.ssh_config('root')} why case20/nginx" in told
