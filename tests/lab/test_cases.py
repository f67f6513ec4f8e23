"""What `make lab` tells of the port cases; `tests/diagnosis/test_scenarios.py` brings each of them about."""

from __future__ import annotations

from tests.lab import Lab, fleet


def test_what_to_type_names_the_host_its_target_and_the_user_who_should_look(lab: Lab) -> None:
    told = fleet.case_instructions(lab, ["2", "20"])
    assert f"hostdeck -F {lab.ssh_config('nosudo')} why case2:8080" in told
    assert f"hostdeck -F {lab.ssh_config('root')} why case20/nginx" in told
