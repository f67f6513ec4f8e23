"""What ``hostdeck why`` prints beside the verdict."""

from argparse import Namespace

import pytest

from console.cli.commands.why import _text as told
from console.core.finding import Proposal
from console.diagnosis import Verdict, VerdictWord


def test_what_is_done_by_hand_has_its_reason_below(capsys: pytest.CaptureFixture[str]) -> None:
    ways = (
        Proposal("stop-holder", "stop sftp.service", reason_off="by hand: it is the way to this host"),
        Proposal(
            "move", "let api.service listen on 8081", reason_off="by hand: change the port to 8081 in api.service"
        ),
    )
    verdict = Verdict("web1", 8080, "tcp", VerdictWord.HELD, "tcp 8080 is held by sftp.service", actions=ways)
    told(verdict, (), Namespace(markdown=False, evidence=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "  1 by hand: it is the way to this host",
        "  2 by hand: change the port to 8081 in api.service",
    ]
