"""Ports that a login over SSH forwards (``ssh -R``): its session has them, and not the way to the host."""

import re

from console.core.command import quote
from console.core.finding import Proposal
from console.core.keepers import is_ssh_session
from console.core.way_in import came_by, runs_through
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Holder

_scope = re.compile(r"session-([a-z]?\d{1,10})\.scope")
"""What logind calls the unit of a login."""


def by_hand(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How a person ends the session that forwards the port; ``None`` for any other holder, and the console's own."""
    identity = evidence.snapshot.identity
    pids = [one for one in (holder.pid, *holder.strays) if one is not None]
    if came_by(identity, holder.endpoint) or runs_through(identity, pids):
        return None
    login = _scope.fullmatch(holder.unit or "")
    whose = holder.user or "somebody"
    if is_ssh_session(holder.process, holder.command):
        words = f"it is a forward of {whose}'s SSH session, and whoever comes through it is cut off"
        label = f"end the SSH session of {whose} that forwards {holder.port}"
    elif login is not None and not pids:
        words = f"it is of a login of {whose}, maybe a forward of that SSH session; what it is shows only to root"
        label = f"end what the login of {whose} has at {holder.port}"
    else:
        return None
    commands = (quote(("loginctl", "session-status", login[1])),) if login is not None else ()
    end = f": loginctl terminate-session {login[1]} ends all of it" if login is not None else ""
    return Proposal("end-session", label, commands=commands, reason_off=f"by hand: {words}{end}")
