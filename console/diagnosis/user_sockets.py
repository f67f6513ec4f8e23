"""Sockets that a user's own service manager holds for one of its socket units."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.command import quote
from console.core.finding import Proposal
from console.core.network import Listener
from console.core.overlap import overlaps
from console.core.service import ServiceRef
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.respawn import respawn_of
from console.diagnosis.verdict import Holder, NotChecked, Verdict
from console.diagnosis.wanting import Want
from console.managers.join import INIT, of_user, same_place


def is_of(listener: Listener) -> bool:
    """Whether a user's service manager itself holds it."""
    return listener.unit == INIT and of_user(listener) and listener.user is not None and listener.uid is not None


def questions(evidence: Evidence, want: Want) -> Iterator[Question]:
    """Which socket units that user has."""
    if want.endpoint is None or evidence.user_sockets is not None:
        return
    for listener in evidence.snapshot.listeners:
        if is_of(listener) and overlaps(want.endpoint, listener) is not None and not _listed(evidence, listener):
            yield Question("user_sockets", (listener.user or "", str(listener.uid)))
            return


def completed(evidence: Evidence, holder: Holder, listener: Listener) -> Holder:
    """A holder that is a user's service manager as the socket unit for which it listens; any other one as it is."""
    if holder.ref is not None or not is_of(listener):
        return holder
    user = listener.user or ""
    above = ("systemd", f"user manager of {user}")
    for service in evidence.user_sockets or ():
        if any(same_place(want, holder.endpoint) for want in service.wants):
            ref = ServiceRef(evidence.snapshot.host, "systemd", service.ref.name, f"user:{user}")
            unit = replace(service, ref=ref)
            known = tuple(dict.fromkeys((*holder.known_by, "manager")))
            respawn = respawn_of(evidence.snapshot, unit)
            return replace(holder, ref=ref, chain=(*above, ref.name), respawn=respawn, known_by=known)
    return replace(holder, label=f"a socket unit of {user}", chain=above, respawn="systemd socket activation")


def by_hand(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How a person stops a socket unit of another user; ``None`` for any other holder."""
    listener = _listener(evidence, holder)
    if listener is None or (holder.ref is not None and evidence.snapshot.service(holder.ref) is not None):
        return None
    user, place = listener.user or "", f"XDG_RUNTIME_DIR=/run/user/{listener.uid}"
    words = ("runuser", "-u", user, "--", "env", place, "systemctl", "--user")
    why = f"by hand: it belongs to {user}'s own service manager"
    if holder.ref is not None:
        stop = quote((*words, "stop", "--", holder.ref.name))
        return Proposal("stop-user-socket", f"stop {holder.ref.name} of {user}", (), (stop,), True, why)
    find = quote((*words, "list-sockets"))
    label = f"stop the socket unit of {user} that has {holder.port}"
    return Proposal("find-user-socket", label, (), (find,), True, f"{why}; as root, or as {user}")


def gaps(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    """Which of its socket units was not told."""
    for holder in verdict.holders:
        listener = _listener(evidence, holder)
        if listener is not None and holder.ref is None:
            why = evidence.refusal("user_sockets") or "its manager names none with this port"
            yield NotChecked(f"which socket unit of {listener.user} it is", why)


def _listener(evidence: Evidence, holder: Holder) -> Listener | None:
    found = (one for one in evidence.snapshot.listeners if same_place(holder.endpoint, one) and is_of(one))
    return next(found, None) if holder.unit == INIT else None


def _listed(evidence: Evidence, listener: Listener) -> bool:
    """Whether that manager's units are among the services of the host already: it is the login's own."""
    scope = f"user:{listener.user}"
    return any(
        service.ref.manager == "systemd" and service.ref.scope == scope for service in evidence.snapshot.services
    )
