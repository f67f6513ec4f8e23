"""Sockets of the kernel itself: the control group they were made in has no process that could let go of them."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.command import quote
from console.core.finding import Proposal
from console.core.network import Listener
from console.core.overlap import overlaps
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.verdict import Confidence, Holder
from console.diagnosis.wanting import Want

KNOWN_BY = "kernel"
_WHERE = {"udp": ("ip -d link show", "wg show all listen-port"), "tcp": ("cat /proc/fs/nfsd/portlist",)}
"""Where the kernel tells of its own ports: tunnels, WireGuard; the file server."""


def questions(evidence: Evidence, want: Want) -> Iterator[Question]:
    """Whose it is that nobody is seen to have, where root looks, or where it may be a tunnel's."""
    if want.endpoint is None or evidence.kernel_sockets is not None:
        return
    found = [one for one in evidence.snapshot.listeners if _is_candidate(evidence, one)]
    inodes = [str(one.inode) for one in found if overlaps(want.endpoint, one) is not None]
    if inodes:
        yield Question("kernel_sockets", (str(want.endpoint.port), *inodes))


def completed(evidence: Evidence, holder: Holder, listener: Listener) -> Holder:
    """A holder without a process as the kernel, where it is that; any other one as it is."""
    seen = evidence.kernel_sockets
    if seen is None or not _is_candidate(evidence, listener) or listener.inode in seen.held:
        return holder
    if not seen.devices and not (evidence.is_root and seen.whole):
        return holder
    what = " and ".join(f"{kind} {name}" for kind, name in seen.devices)
    made = f"made by what ran in {listener.unit}; no process has it" if listener.unit is not None else None
    return replace(
        holder,
        ref=None,
        unit=None,
        container=None,
        label=f"the kernel ({what})" if what else "the kernel",
        chain=("kernel", *((what,) if what else ())),
        since=None,
        up=None,
        respawn=None,
        again=None,
        note=made or "no process has it",
        confidence=Confidence.HIGH if what else Confidence.MEDIUM,
        known_by=(KNOWN_BY,),
    )


def by_hand(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How a person finds what of the kernel it is; ``None`` for any other holder."""
    if not is_kernel(holder):
        return None
    seen = evidence.kernel_sockets
    devices = seen.devices if seen is not None else ()
    looks = [quote(("ip", "-d", "link", "show", "dev", name)) for _, name in devices] or _WHERE[holder.protocol]
    label = f"give {' and '.join(name for _, name in devices)} another port, or take it down" if devices else ""
    label = label or f"find the tunnel or file server of the kernel that has {holder.port}"
    why = "by hand: no process has it, so that nothing frees it that is stopped as a process"
    return Proposal("find-kernel-socket", label, (), tuple(looks), True, why)


def is_kernel(holder: Holder) -> bool:
    """Whether it is the kernel itself."""
    return KNOWN_BY in holder.known_by


def _is_candidate(evidence: Evidence, listener: Listener) -> bool:
    """Whether it may be the kernel's: only root sees that no process has it, and the kernel's own is root's."""
    if listener.pids or listener.inode is None or listener.uid:
        return False
    return evidence.is_root or listener.protocol == "udp"
