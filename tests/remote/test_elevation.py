"""What is remembered of looks as root, so that a host's log is not filled."""

import pytest

from console.core.probe import Probe
from console.managers import MANAGERS
from console.probes import ALL, nftables, sockets, unlisted
from console.probes.elevated import NO_SUDO, REFUSED
from console.remote.elevation import GOOD_FOR, Elevation
from console.remote.shell import Answer, Ask

NFT, LSOF = Ask(nftables.PROBE), Ask(unlisted.PROBE, ("8080",))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(ask: Ask, status: int = REFUSED) -> Answer:
    return Answer(ask.probe, failure="needs root, or in sudoers: ...", status=status)


def test_a_refusal_holds_as_long_as_the_connection(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: False)
    assert memory.known(NFT) is None
    memory.note(NFT, refused(NFT))
    clock.now = 1e6
    assert (memory.known(NFT) or refused(LSOF)).failure == "needs root, or in sudoers: ..."
    assert memory.known(LSOF) is None
    assert memory.known(Ask(unlisted.PROBE, ("8081",))) is None


def test_where_sudo_wants_a_password_for_everything_nothing_more_is_asked(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: False)
    memory.note(NFT, refused(NFT, NO_SUDO))
    found = memory.known(LSOF)
    assert found is not None
    assert "password" in (found.failure or "")
    assert found.probe is LSOF.probe


def test_an_answer_through_sudo_is_used_again_for_a_while(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: False)
    answer = Answer(nftables.PROBE, ())
    memory.note(NFT, answer)
    clock.now = GOOD_FOR - 1
    assert memory.known(NFT) is answer
    clock.now = GOOD_FOR
    assert memory.known(NFT) is None


def test_a_failure_of_the_command_itself_is_tried_again(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: False)
    memory.note(NFT, Answer(nftables.PROBE, failure="nft: cache initialization failed", status=1))
    assert memory.known(NFT) is None


def test_root_and_looks_that_need_no_root_are_never_remembered(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: True)
    memory.note(NFT, Answer(nftables.PROBE, ()))
    assert memory.known(NFT) is None
    plain = Elevation(clock, is_root=lambda: False)
    ask = Ask(sockets.PROBE, ("8080",))
    plain.note(ask, refused(ask))
    assert plain.known(ask) is None


def test_of_looks_as_root_only_one_is_asked_until_it_is_known_what_sudo_says(clock: Clock) -> None:
    plain = Ask(sockets.PROBE, ("8080",))
    memory = Elevation(clock, is_root=lambda: False)
    assert memory.together([plain, NFT, LSOF]) == [plain, NFT]
    memory.note(NFT, Answer(nftables.PROBE, ()))
    assert memory.together([plain, NFT, LSOF]) == [plain, NFT, LSOF]
    memory.forget()
    assert memory.together([NFT, LSOF]) == [NFT]
    assert Elevation(clock, is_root=lambda: True).together([NFT, LSOF]) == [NFT, LSOF]


def test_a_person_may_ask_anew(clock: Clock) -> None:
    memory = Elevation(clock, is_root=lambda: False)
    memory.note(NFT, refused(NFT, NO_SUDO))
    memory.forget()
    assert memory.known(NFT) is None
    assert memory.known(LSOF) is None


PROBES = (*ALL, *(probe for manager in MANAGERS for probe in manager.probes()))


@pytest.mark.parametrize("probe", [one for one in PROBES if "hd_as_root" in one.script], ids=lambda one: one.name)
def test_every_look_as_root_is_remembered(probe: Probe[object]) -> None:
    """The memory is beside the slow lane, and only asked for what says that it is elevated."""
    assert probe.elevated
    assert probe.slow
