"""What is told of a host that does not answer."""

import pytest

from console.core.snapshot import Link, LinkState, Snapshot, Source
from console.remote.transport import HostSpec
from console.ui.cells import plain
from console.ui.present.hosts import note, tried_again


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (Link(LinkState.DOWN, 0.0, retry_at=112.0, attempts=3), "in 12s after 3 attempts"),
        (Link(LinkState.DOWN, 0.0, retry_at=99.0, attempts=3), "now after 3 attempts"),
        (Link(LinkState.CONNECTING, 0.0, attempts=3), "now after 3 attempts"),
        (Link(LinkState.DOWN, 0.0, attempts=1), "not by itself"),
        (Link(LinkState.UP, 0.0), ""),
    ],
)
def test_it_is_told_when_a_host_is_tried_again(link: Link, told: str) -> None:
    assert tried_again(link, 100.0) == told


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ((Source("docker", 9.0, "dockerd: see its log", hangs=True),), "no answer: docker"),
        ((Source("docker", None, "no answer may be had without the group docker"),), "not seen: docker"),
        (
            (Source("docker", 9.0, "it hangs", hangs=True), Source("systemd_journal", None, "no right")),
            "no answer: docker; not seen: journal",
        ),
        ((Source("docker", 9.0),), ""),
    ],
)
def test_what_hangs_is_told_apart_from_what_may_not_be_seen_whatever_its_words(
    sources: tuple[Source, ...], told: str
) -> None:
    assert plain(note(Snapshot("web1", Link(LinkState.UP, 0.0), sources=sources), HostSpec("web1", "web1"))) == told
