"""What holds for every manager on a host that has none of them: it is not found, at no cost, and says nothing."""

from __future__ import annotations

import pytest

from console.core.probe import Probe
from console.core.service import Service
from console.managers import DETECTED
from console.managers.base import Declarable, Detected, Surveyed
from tests.lab import BusyboxHost, Host, Lab
from tests.probes.asking import RefusedError, Way, over_ssh

everyone = pytest.mark.parametrize("found", DETECTED, ids=lambda found: found.id)


@pytest.fixture(scope="module")
def bare(lab: Lab) -> Host:
    """A host with nothing but busybox and a way in."""
    host = lab.boot("bare", kind=BusyboxHost)
    # The way in has a pid file, as it should.
    host.sh("rm /var/run/dropbear.pid")
    return host


@everyone
@pytest.mark.parametrize("user", ["root", "nosudo"])
def test_what_is_not_there_is_not_found(lab: Lab, bare: Host, found: Detected, user: str) -> None:
    words = found.presence_words(()) if isinstance(found, Declarable) else ()
    assert over_ssh(lab, bare, user).output(found.presence, *words) == ""


@everyone
def test_asked_all_the_same_it_tells_no_service_or_why_in_one_line(lab: Lab, bare: Host, found: Detected) -> None:
    if not isinstance(found, Surveyed):
        return
    words = found.survey_words((), ()) if isinstance(found, Declarable) else ()
    told = answer(over_ssh(lab, bare), found.survey, words)
    assert told == () or (isinstance(told, str) and len(told.splitlines()) == 1)


def answer(way: Way, probe: Probe[tuple[Service, ...]], words: tuple[str, ...]) -> tuple[Service, ...] | str:
    """The services, or why they are not told."""
    try:
        return way.ask(probe, *words)
    except RefusedError as refusal:
        return str(refusal)
