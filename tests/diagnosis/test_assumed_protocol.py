"""Ports that are declared in words that name no protocol, as command lines and variables do."""

from dataclasses import replace

from console.core.declaration import Declaration
from console.core.service import Endpoint
from console.diagnosis import VerdictWord, diagnose

from .factories import hidden, listener, socket
from .test_unread_log import blind


def declaration(*, assumed: bool) -> Declaration:
    place = Endpoint("tcp", "0.0.0.0", 5514)
    return Declaration("api.service", place, "/etc/systemd/system/api.service:3", "systemd", assumed=assumed)


UDP = hidden(listener("0.0.0.0", 5514, protocol="udp"))


def test_where_only_a_datagram_socket_is_on_the_port_that_is_meant() -> None:
    verdict = diagnose(blind(None, UDP, declared=(declaration(assumed=True),)))
    assert (verdict.protocol, verdict.verdict) == ("udp", VerdictWord.HELD)
    assert verdict.holders[0].name == "legacy.service"
    assert verdict.port_known_by == "/etc/systemd/system/api.service:3"
    client = replace(socket("ESTAB", 5514), protocol="udp", unit="legacy.service", uid=990, peer_port=514)
    verdict = diagnose(blind(None, declared=(declaration(assumed=True),), sockets=(client,)))
    assert (verdict.protocol, verdict.verdict) == ("udp", VerdictWord.OUTGOING)


def test_a_protocol_that_is_named_stays() -> None:
    assert diagnose(blind(None, UDP, declared=(declaration(assumed=False),))).protocol == "tcp"
    both = (UDP, hidden(listener("0.0.0.0", 5514)))
    assert diagnose(blind(None, *both, declared=(declaration(assumed=True),))).protocol == "tcp"
    assert diagnose(blind(None, declared=(declaration(assumed=True),))).protocol == "tcp"
