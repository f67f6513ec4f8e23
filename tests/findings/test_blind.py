"""What must be seen before anything is called quiet."""

from dataclasses import replace

import pytest

from console.core.service import State
from console.core.snapshot import Identity, Link, LinkState, Snapshot, Source
from console.findings import blind
from tests.diagnosis.factories import identity, snapshot, unit


def without(name: str, *put: Source) -> Snapshot:
    made = snapshot()
    return replace(made, sources=(*(source for source in made.sources if source.name != name), *put))


def test_a_host_that_tells_everything() -> None:
    assert blind(snapshot()) == ()
    assert blind(without("docker", Source("docker", None, "no right on its socket"))) == ()


@pytest.mark.parametrize(
    ("name", "words"), [("vitals", "its vitals"), ("listeners", "its listeners"), ("systemd", "its services")]
)
def test_an_essential_source_that_is_missing(name: str, words: str) -> None:
    assert blind(without(name)) == (f"{words} (not answered yet)",)
    assert blind(without(name, Source(name, 90.0, "no answer in 10 s"))) == (f"{words} (no answer in 10 s)",)
    assert blind(without(name, Source(name, None))) == (f"{words} (not answered yet)",)


@pytest.mark.parametrize(
    ("who", "missed"),
    [(identity(systemd=None), ()), (identity(), ("its services (needs systemctl)",)),
     (None, ("its services (needs systemctl)",))],
)  # fmt: skip
def test_only_where_systemd_runs_its_services_are_missed(who: Identity | None, missed: tuple[str, ...]) -> None:
    other = unit("docker-made", State.RUNNING)
    made = replace(without("systemd", Source("systemd", None, "needs systemctl")), identity=who, services=(other,))
    assert blind(made) == missed
    # Where no manager tells of any service, nobody can say that all of them are well.
    assert blind(replace(made, services=())) == ("its services (needs systemctl)",)


def test_a_host_that_does_not_answer() -> None:
    assert blind(replace(snapshot(), link=Link(LinkState.DOWN, 1.0, "refused"))) == ("anything of it now (refused)",)
