"""Several listeners at one place: what that proves of all of them."""

from collections.abc import Sequence

from console.core.network import Listener


def shared_by(listeners: Sequence[Listener]) -> str | None:
    """Why there is more than one; ``None`` where each has a place of its own.

    The kernel does not show the option, but without it on both, and one user, the second could not have been bound.
    """
    seen: dict[tuple[str, str, int, str | None], Listener] = {}
    for listener in listeners:
        place = (listener.protocol, listener.address, listener.port, listener.interface)
        other = seen.setdefault(place, listener)
        if other is not listener and None not in (other.inode, listener.inode) and other.inode != listener.inode:
            user = f"user {listener.user}" if listener.user is not None else f"uid {listener.uid}"
            return "shared by SO_REUSEPORT" + (f" within {user}" if listener.uid is not None else "")
    return None
