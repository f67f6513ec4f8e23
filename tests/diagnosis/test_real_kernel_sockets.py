"""A port that the kernel has for a tunnel, on a real host: no process can let go of it, whoever had it made."""

from console.diagnosis import VerdictWord, as_text
from tests.lab import FreshHost, Lab
from tests.probes import nets

from .expected import HIGH, NOSUDO, ONCALL, ROOT, Expected, look

HELD = VerdictWord.HELD


def test_the_port_of_a_tunnel_is_the_kernels(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    target = f":{nets.tunnel(host)}/udp"
    tunnel, way = "the kernel (vxlan vx0)", "find-kernel-socket"
    users = (ROOT, ONCALL, NOSUDO)
    verdicts = look(lab, host, [Expected(target, user, HELD, HIGH, tunnel, action=way) for user in users])
    for verdict in verdicts:
        assert verdict.holder is not None
        assert "process of the holder" not in [gap.what for gap in verdict.not_checked]
        assert verdict.holder.known_by == ("kernel",)
        assert not any("overlay" in command for way in verdict.actions for command in way.commands)
        assert "made by what ran in overlay.service; no process has it" in "\n".join(as_text(verdict, 120))
        assert [way.commands for way in verdict.actions] == [("ip -d link show dev vx0",)]


def test_a_process_that_is_hidden_is_not_the_kernel(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=())
    serve = "import socket, signal; s = socket.socket(type=2); s.bind(('', 5353)); signal.pause()"
    words = ["systemd-run", "--quiet", "--unit", "names", "python3", "-c", serve]
    host.run(words)
    host.wait("ss -Hlun 'sport = :5353' | grep -q .")
    hidden = "process of the holder"
    look(
        lab, host, [Expected(":5353/udp", user, HELD, holder="names.service", gap=hidden) for user in (ONCALL, NOSUDO)]
    )
