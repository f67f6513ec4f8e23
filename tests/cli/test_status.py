"""What ``hostdeck status`` may call quiet."""

from dataclasses import replace

import pytest

from console.cli.commands import status
from console.core.snapshot import Snapshot, Source
from tests.cli.examples import HOLDER, snapshot


def host(*failed: str) -> Snapshot:
    sources = (
        Source(name, 109.0, "no answer" if name in failed else None) for name in ("vitals", "listeners", "systemd")
    )
    return replace(snapshot(), services=(HOLDER,), sources=tuple(sources))


def told(capsys: pytest.CaptureFixture[str], *hosts: Snapshot) -> tuple[int, str]:
    status._text(hosts, [HOLDER], [], everything=False)
    return status._verdict(hosts, []), capsys.readouterr().out


def test_quiet_where_all_was_seen(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told(capsys, host())
    assert (code, "All quiet: 1 host" in out) == (0, True)


@pytest.mark.parametrize("source", ["vitals", "listeners", "systemd"])
def test_never_quiet_while_an_essential_source_fails(capsys: pytest.CaptureFixture[str], source: str) -> None:
    code, out = told(capsys, host(), host(source))
    assert (code, "quiet" in out) == (1, False)
    assert "Nothing wrong in what is seen: 2 hosts" in out
    assert "web1: not seen: its " in out
