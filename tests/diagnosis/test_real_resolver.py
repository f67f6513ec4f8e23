"""systemd-resolved at port 53 of a real host: it is told to leave the port, and is not stopped for it."""

from __future__ import annotations

import pytest

from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, ServiceRef
from console.diagnosis import VerdictWord
from tests.lab import FreshHost, Lab
from tests.lab.cases import hold

from .acting import kill
from .real import why, why_as

RESOLVED = "systemd-resolved.service"
STUB = "ss -Hlun 'sport = :53' | grep -q 127.0.0.53"


def test_the_resolver_leaves_a_port_by_its_configuration(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(packages=("systemd-resolved",))
    host.wait(STUB)
    hold(host, "udp", "0.0.0.0", 53, user="root", name="dnsmasq")
    host.wait("systemctl is-failed --quiet dnsmasq.service", timeout=30)
    for user, [verdict] in why_as(lab, host, ["/dnsmasq"], ("root", "oncall", "nosudo")).items():
        assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD, RESOLVED), user
        way = verdict.actions[0]
        assert (way.id, way.label) == ("leave-port", f"have {RESOLVED} leave 53: DNSStubListener=no"), user
        assert (way.recommended, way.intents) == (True, ()), user
        assert "this host may resolve its names through it" in (way.reason_off or ""), user
        assert not any(one.intents for one in verdict.actions), user
    [asked] = why(lab, host, [":5355"])
    assert [(one.label, one.recommended) for one in asked.actions] == [(f"have {RESOLVED} leave 5355: LLMNR=no", False)]
    stub, dns = ServiceRef(host.name, "systemd", RESOLVED), ServiceRef(host.name, "systemd", "dnsmasq.service")
    wanted = Endpoint("udp", "0.0.0.0", 53)
    for intent in (Intent(ActionKind.STOP, stub, wanted), Intent(ActionKind.FREE_PORT, dns, wanted)):
        with pytest.raises(AssertionError, match=f"{RESOLVED} is not stopped for a port"):
            kill(lab, host, intent)
    for command in way.commands:
        host.sh(command)
    host.wait(f"! {STUB}")
    host.run(["systemctl", "start", "dnsmasq.service"])
    host.wait("ss -Hlun 'sport = :53' | grep -q 0.0.0.0:53")
    assert host.sh(f"systemctl is-active {RESOLVED} dnsmasq").split() == ["active", "active"]
