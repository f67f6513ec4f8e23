"""What is said to ``sh`` on a host to hand a plan over, follow it, call it off or look at all plans and locks.

Everything goes through the standard input of a plain ``sh``: no limit on its length, no quoting by a login shell.
"""

import hashlib
from collections.abc import Sequence

from console.core.command import quote
from console.remote.plan_script import PLACES, shell_text

SHELL = ("sh",)


def hand_over(plan_id: str, script: str, places: Sequence[str] = PLACES) -> bytes:
    """Store the script, start it apart from this connection, and follow it. Asked twice, it starts once."""
    body = script if script.endswith("\n") else script + "\n"
    # A here-document that is cut short is still run: its size tells, and nothing is started.
    end = "END_" + hashlib.sha256(body.encode()).hexdigest()[:32]
    call = f"{_call('hd_hand_over', plan_id, str(len(body.encode())))} <<'{end}'\n{body}{end}\n"
    return _program(places, call + _call("hd_follow", plan_id))


def follow(plan_id: str, places: Sequence[str] = PLACES) -> bytes:
    """Tell everything of a plan from its beginning until its result."""
    return _program(places, _call("hd_follow", plan_id))


def call_off(plan_id: str, places: Sequence[str] = PLACES) -> bytes:
    """Make sure that a plan that has not begun never begins."""
    return _program(places, _call("hd_call_off", plan_id))


def inspect(places: Sequence[str] = PLACES) -> bytes:
    """Tell every plan and every lock."""
    return _program(places, "hd_inspect")


def set_aside(key: str, plan_id: str, about: str, places: Sequence[str] = PLACES) -> bytes:
    """Break the lock that this plan holds, if its lease is over."""
    return _program(places, _call("hd_set_aside", key, plan_id, about))


def _call(*words: str) -> str:
    return quote(words)


def _program(places: Sequence[str], call: str) -> bytes:
    setting = "hd_places=" + quote((" ".join(places),))
    return "\n".join((setting, shell_text("plan_common.sh"), shell_text("plan_door.sh"), call, "exit", "")).encode()
