"""Servers in front that send requests on to a port: what is hit when its holder ends."""

from collections.abc import Iterator, Sequence

from console.core.declaration import Upstream
from console.core.overlap import is_loopback, is_wildcard, same_address
from console.core.service import State
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Holder


def words(evidence: Evidence, holders: Sequence[Holder]) -> Iterator[str]:
    """``nginx upstream api -> :8080``, each once."""
    told = (_words(one) for one in _upstreams(evidence) if any(_serves(evidence, one, holder) for holder in holders))
    yield from dict.fromkeys(told)


def _upstreams(evidence: Evidence) -> Iterator[Upstream]:
    """Those of servers that are not known to be down."""
    declared = evidence.snapshot.declared
    down = {
        service.ref.name for service in evidence.snapshot.services if service.state in (State.STOPPED, State.FAILED)
    }
    for one in declared.upstreams if declared is not None else ():
        if one.service not in down:
            yield one


def _serves(evidence: Evidence, one: Upstream, holder: Holder) -> bool:
    """Whether what is sent there comes to this holder: at its address, or at one of the host where it has them all."""
    if (one.endpoint.protocol, one.endpoint.port) != (holder.protocol, holder.port):
        return False
    address = one.endpoint.address
    if not is_wildcard(holder.address):
        return same_address(address, holder.address)
    return is_loopback(address) or any(same_address(address, own.address) for own in evidence.addresses or ())


def _words(one: Upstream) -> str:
    return f"{one.service.removesuffix('.service')} {one.name} -> :{one.endpoint.port}"
